//! Lease safety (Ongaro's dissertation, section 6.4.1): while a leader may grant reads by its lease, nobody leads a later term.
//!
//! It sees at once what clients come to see only if they read from the old leader just then: `lease-wall-clock` and
//! `lease-after-transfer`.

use raftd::core::{RoleName, Status};

/// Somebody begins to lead: nobody else may have a lease now. `others` is told of them as of now, by their own clocks.
pub fn alone_by_lease(begins: &Status, others: impl Iterator<Item = Status>) -> Result<(), String> {
    let mut leased = others.filter(|other| other.role == RoleName::Leader && other.lease_left_us > 0);
    match leased.find(|other| other.term < begins.term) {
        Some(other) => Err(format!(
            "n{} begins to lead term {} while n{} has a lease of term {} for {} us more",
            begins.id, begins.term, other.id, other.term, other.lease_left_us
        )),
        None => Ok(()),
    }
}
