//! The time for which a process held a lock for certain.

use crate::call::{Call, CallKind, Key, Reply};
use crate::history::Operation;
use std::collections::BTreeMap;

/// One hold of a lock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold<'a> {
    /// How it was taken.
    pub acquire: &'a Operation,
    /// How it was given back, if that was tried.
    pub release: Option<&'a Operation>,
    /// The fencing token.
    pub token: u64,
    /// When the acquire returned.
    pub from_ns: u64,
    /// The last instant at which it was held for certain; before `from_ns` if it never was.
    pub until_ns: u64,
    /// What ended it.
    pub end: End,
}

/// What ended a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The release was invoked.
    Release,
    /// The process learnt that the lock was lost, and by nothing else.
    Learnt,
    /// The process could not rely on it any longer, by its own calculation.
    Calculated,
    /// Nobody knows how it went on.
    Unknown,
}

impl Hold<'_> {
    /// How long it was held for certain.
    pub fn length_ns(&self) -> u64 {
        self.until_ns.saturating_sub(self.from_ns)
    }
}

/// Whether calls of this kind take locks or give them back as such.
pub(super) fn is_of_a_lock(kind: CallKind) -> bool {
    matches!(kind, CallKind::Acquire | CallKind::Release)
}

/// All holds of one lock, out of its operations in the order of their invocation.
pub(super) fn holds<'a>(operations: &[&'a Operation]) -> Vec<Hold<'a>> {
    let mut holds: Vec<Hold> = Vec::new();
    // A process does one thing at a time, so that its next release belongs to its last acquire.
    let mut open: BTreeMap<(u64, Key), usize> = BTreeMap::new();
    for operation in operations {
        let place = (operation.process, operation.call.key());
        match (&operation.call, operation.reply(), operation.returned_ns) {
            (Call::Acquire { .. }, Some(Reply::Acquired { token, until_ns }), Some(from_ns)) => {
                open.insert(place, holds.len());
                let (until_ns, end) = match until_ns {
                    Some(until_ns) if *until_ns < from_ns => (*until_ns, End::Calculated),
                    _ => (from_ns, End::Unknown),
                };
                holds.push(Hold { acquire: operation, release: None, token: *token, from_ns, until_ns, end });
            }
            (Call::Release { .. }, ..) => {
                if let Some(position) = open.remove(&place) {
                    give_back(&mut holds[position], operation);
                }
            }
            _ => {}
        }
    }
    holds
}

/// The hold lasted to the invocation of this release, unless the process could not rely on it so long. Where the record
/// ends before the release does, its answer may yet tell that the lock was lost long before.
fn give_back<'a>(hold: &mut Hold<'a>, release: &'a Operation) {
    if release.returned_ns.is_none() {
        return;
    }
    let at_first = match hold.acquire.reply() {
        Some(Reply::Acquired { until_ns, .. }) => *until_ns,
        _ => None,
    };
    // Only the answer tells how far the lease was kept alive meanwhile; without it the first calculation is what is certain.
    let (in_the_end, lost) = match release.reply() {
        Some(Reply::Released { until_ns }) => (*until_ns, false),
        Some(Reply::NotHeld { until_ns }) => (*until_ns, true),
        _ => (at_first, false),
    };
    hold.release = Some(release);
    (hold.until_ns, hold.end) = match in_the_end {
        Some(until_ns) if until_ns < release.invoked_ns && lost && at_first.is_none() => (until_ns, End::Learnt),
        Some(until_ns) if until_ns < release.invoked_ns => (until_ns, End::Calculated),
        _ => (release.invoked_ns, End::Release),
    };
}
