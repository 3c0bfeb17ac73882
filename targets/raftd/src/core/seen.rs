//! Which forwarded proposals a leader has already decided about.
//!
//! A forwarded proposal that arrives twice must not be appended twice. Nor may one that was refused be taken when its
//! twin arrives: the refusal was a promise. Since only the leader of one term takes a forwarded proposal, it suffices
//! that this leader remembers.

use crate::types::{NodeId, Ticket};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Hash)]
pub(super) struct Seen {
    limit: usize,
    /// By member and its start.
    origins: BTreeMap<(NodeId, u64), Window>,
}

/// The numbers seen: all up to the floor, taken as seen, and some above it.
#[derive(Debug, Default, Clone, Hash)]
struct Window {
    floor: u64,
    above: BTreeSet<u64>,
}

impl Seen {
    /// Remembers `limit` numbers of each origin exactly; older ones all count as seen.
    pub(super) fn new(limit: usize) -> Seen {
        Seen { limit, origins: BTreeMap::new() }
    }

    /// Whether the ticket certainly comes for the first time; from now on it does not.
    pub(super) fn is_first(&mut self, ticket: Ticket) -> bool {
        let window = self.origins.entry((ticket.origin, ticket.incarnation)).or_default();
        if ticket.number <= window.floor || !window.above.insert(ticket.number) {
            return false;
        }
        if window.above.len() > self.limit {
            window.floor = window.above.pop_first().unwrap_or(window.floor);
        }
        true
    }
}
