//! When the time of leases is over, which only a leader finds.
//!
//! Nothing of this is in the state, and nothing is lost with a leader: the next one gives every lease its whole time again. So a
//! lease lasts for its time at least after each change that gave it that, by the leader's clock, and ends when somebody leads.

use super::{Change, LeaseChange, LeaseId, Leases, Overdue};
use crate::types::{Index, Term};
use std::collections::BTreeMap;

/// What was asked for and did not come to pass in so many milliseconds is asked for again.
const AGAIN_MS: u64 = 1000;
/// How many leases end by one entry at most.
const BATCH: usize = 1024;

/// What a leader knows of the time of leases.
#[derive(Debug, Default)]
pub struct Expiry {
    /// The term in which it knows that.
    term: Option<Term>,
    watched: BTreeMap<LeaseId, Watched>,
}

#[derive(Debug, Clone, Copy)]
struct Watched {
    renewed: Index,
    due_ms: u64,
}

impl Expiry {
    /// Looks at the leases: which are over, as a change to propose. `leads` is the term in which this member leads, if it does.
    /// `now_ms` may be any clock that never goes back; let it stand still while the member does, and those that could not be
    /// heard meanwhile get their time.
    pub fn due(&mut self, leads: Option<Term>, leases: &Leases, now_ms: u64) -> Option<Change> {
        if self.term != leads {
            self.watched.clear();
            self.term = leads;
        }
        leads?;
        self.watched.retain(|lease, _| leases.all().contains_key(lease));
        let mut overdue = Vec::new();
        for (lease, found) in leases.all() {
            let fresh = Watched { renewed: found.renewed, due_ms: now_ms.saturating_add(found.ttl_ms) };
            let watched = self.watched.entry(*lease).or_insert(fresh);
            if watched.renewed != found.renewed {
                *watched = fresh;
            } else if watched.due_ms <= now_ms && overdue.len() < BATCH {
                watched.due_ms = now_ms + AGAIN_MS;
                overdue.push(Overdue { lease: *lease, renewed: found.renewed });
            }
        }
        (!overdue.is_empty()).then_some(Change::Lease(LeaseChange::Expire { leases: overdue }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Command, Machine};

    fn does(machine: &mut Machine, index: Index, change: LeaseChange) {
        machine.apply(index, &Command { serial: None, change: Change::Lease(change) });
    }

    /// The leases that are found to be over.
    fn due(expiry: &mut Expiry, leads: Option<Term>, machine: &Machine, now_ms: u64) -> Vec<(LeaseId, Index)> {
        match expiry.due(leads, machine.leases(), now_ms) {
            Some(Change::Lease(LeaseChange::Expire { leases })) => {
                leases.into_iter().map(|overdue| (overdue.lease, overdue.renewed)).collect()
            }
            None => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lease_is_over_when_nobody_kept_it_alive_for_its_time() {
        let (mut machine, mut expiry) = (Machine::default(), Expiry::default());
        does(&mut machine, 1, LeaseChange::Grant { ttl_ms: 100 });
        does(&mut machine, 2, LeaseChange::Grant { ttl_ms: 300 });
        assert_eq!(due(&mut expiry, Some(1), &machine, 1000), []);
        assert_eq!(due(&mut expiry, Some(1), &machine, 1099), []);
        does(&mut machine, 3, LeaseChange::KeepAlive { lease: 1 });
        assert_eq!(due(&mut expiry, Some(1), &machine, 1150), []);
        assert_eq!(due(&mut expiry, Some(1), &machine, 1249), []);
        assert_eq!(due(&mut expiry, Some(1), &machine, 1250), [(1, 3)]);
        // It is said once, and again if nothing came of it.
        assert_eq!(due(&mut expiry, Some(1), &machine, 1300), [(2, 2)]);
        assert_eq!(due(&mut expiry, Some(1), &machine, 2250), [(1, 3)]);
    }

    #[test]
    fn a_new_leader_gives_every_lease_its_time_again() {
        let (mut machine, mut expiry) = (Machine::default(), Expiry::default());
        does(&mut machine, 1, LeaseChange::Grant { ttl_ms: 100 });
        assert_eq!(due(&mut expiry, Some(1), &machine, 0), []);
        assert_eq!(due(&mut expiry, None, &machine, 500), []);
        assert_eq!(due(&mut expiry, Some(3), &machine, 600), []);
        assert_eq!(due(&mut expiry, Some(3), &machine, 699), []);
        assert_eq!(due(&mut expiry, Some(3), &machine, 700), [(1, 1)]);
    }
}
