//! Leases of clients, and the locks that they hold (Gray and Cheriton, "Leases: An Efficient Fault-Tolerant Mechanism for
//! Distributed File Cache Consistency", 1989; for the tokens, Kleppmann, "How to do distributed locking", 2016).
//!
//! The state knows no time. That a lease's time is over is found by the leader ([`Expiry`](super::Expiry)), and becomes true by an
//! entry of the log like any other change; so all members agree on what came first, the end or one more keep-alive.
//!
//! A lock is held by a lease, under a token: the index of the entry by which it was taken, which grows over all holders of all
//! locks. A change under a [`Fence`] takes place only while the lock is held under that very token.

use super::{Answer, Event};
use crate::types::{Bug, Index};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Names a lease: the index of the entry that granted it.
pub type LeaseId = u64;
/// Names one holding of a lock: the index of the entry by which it was taken. Never 0.
pub type Token = u64;

/// How many leases there may be. It is part of the meaning of the log: members of one cluster must agree on it.
pub const LEASES_MAX: usize = 16_384;
/// How many locks one lease may hold; for the same reason.
pub const LOCKS_MAX: usize = 1024;

/// What a change may depend on: a lock that is held under a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fence {
    /// The lock.
    pub lock: String,
    /// The token.
    pub token: Token,
}

/// What an entry does to leases and locks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseChange {
    /// Begins a lease, named by the index of this entry.
    Grant {
        /// How long it lasts without being kept alive.
        ttl_ms: u64,
    },
    /// Gives a lease its whole time again.
    KeepAlive {
        /// The lease.
        lease: LeaseId,
    },
    /// Ends a lease.
    Revoke {
        /// The lease.
        lease: LeaseId,
    },
    /// Ends those of these leases that were not kept alive since. Only leaders say so.
    Expire {
        /// The leases.
        leases: Vec<Overdue>,
    },
    /// Takes a lock, if nobody has it.
    Acquire {
        /// The lock.
        lock: String,
        /// The lease that is to hold it.
        lease: LeaseId,
    },
    /// Gives a lock back, if it is held under this token.
    Release {
        /// The lock.
        lock: String,
        /// The token.
        token: Token,
    },
}

/// A lease whose time is over, unless it was kept alive after `renewed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// The lease.
    pub lease: LeaseId,
    /// The entry that gave it its time last.
    pub renewed: Index,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// How long it lasts without being kept alive.
    pub ttl_ms: u64,
    /// The entry that gave it its time last.
    pub renewed: Index,
    /// The locks that it holds.
    pub locks: BTreeSet<String>,
}

/// Who has a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The lease that holds it.
    pub lease: LeaseId,
    /// Under which token.
    pub token: Token,
}

/// All leases and locks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leases {
    leases: BTreeMap<LeaseId, Lease>,
    /// The locks that somebody has.
    locks: BTreeMap<String, Held>,
}

impl Leases {
    /// All leases, by name.
    pub fn all(&self) -> &BTreeMap<LeaseId, Lease> {
        &self.leases
    }

    /// How many locks somebody has.
    pub fn held(&self) -> usize {
        self.locks.len()
    }

    /// Who has a lock, if anybody.
    pub fn holder(&self, lock: &str) -> Option<Held> {
        self.locks.get(lock).copied()
    }

    /// Whether a change under this fence may take place.
    pub(super) fn admits(&self, fence: &Fence, bug: Option<Bug>) -> bool {
        let any_token = bug == Some(Bug::FenceAnyToken);
        self.holder(&fence.lock).is_some_and(|held| held.token == fence.token || any_token)
    }

    /// Changes leases or locks by the entry `index`, and says what that did.
    pub(super) fn change(
        &mut self,
        index: Index,
        change: &LeaseChange,
        bug: Option<Bug>,
        told: &mut Vec<Event>,
    ) -> Answer {
        match change {
            LeaseChange::Grant { .. } if self.leases.len() >= LEASES_MAX => Answer::TooMany,
            LeaseChange::Grant { ttl_ms } => {
                self.leases.insert(index, Lease { ttl_ms: *ttl_ms, renewed: index, locks: BTreeSet::new() });
                Answer::LeaseGranted { lease: index, ttl_ms: *ttl_ms }
            }
            LeaseChange::KeepAlive { lease } => match self.leases.get_mut(lease) {
                Some(found) => {
                    found.renewed = index;
                    Answer::LeaseKept { ttl_ms: found.ttl_ms }
                }
                None => Answer::LeaseGone,
            },
            LeaseChange::Revoke { lease } => match self.end(*lease, told) {
                true => Answer::LeaseEnded { leases: 1 },
                false => Answer::LeaseGone,
            },
            LeaseChange::Expire { leases } => {
                let whenever = bug == Some(Bug::ExpireRenewed);
                let is_over = |overdue: &&Overdue| {
                    self.leases.get(&overdue.lease).is_some_and(|found| found.renewed == overdue.renewed || whenever)
                };
                let over: Vec<LeaseId> = leases.iter().filter(is_over).map(|overdue| overdue.lease).collect();
                Answer::LeaseEnded { leases: over.into_iter().filter(|lease| self.end(*lease, told)).count() as u64 }
            }
            LeaseChange::Acquire { lock, lease } => self.acquire(index, lock, *lease, told),
            LeaseChange::Release { lock, token } => self.release(lock, *token, told),
        }
    }

    fn acquire(&mut self, index: Index, lock: &str, lease: LeaseId, told: &mut Vec<Event>) -> Answer {
        let Some(holder) = self.leases.get_mut(&lease) else { return Answer::LeaseGone };
        match self.locks.get(lock) {
            // Whoever asks again because the answer was lost has it already.
            Some(held) if held.lease == lease => Answer::LockAcquired { token: held.token },
            Some(held) => Answer::LockHeld(*held),
            None if holder.locks.len() >= LOCKS_MAX => Answer::TooMany,
            None => {
                holder.locks.insert(lock.into());
                self.locks.insert(lock.into(), Held { lease, token: index });
                told.push(Event::Lock { lock: lock.into(), lease, token: index });
                Answer::LockAcquired { token: index }
            }
        }
    }

    fn release(&mut self, lock: &str, token: Token, told: &mut Vec<Event>) -> Answer {
        let Some(held) = self.locks.get(lock).copied().filter(|held| held.token == token) else {
            return Answer::LockReleased { released: false };
        };
        self.locks.remove(lock);
        told.push(Event::Unlock { lock: lock.into() });
        if let Some(lease) = self.leases.get_mut(&held.lease) {
            lease.locks.remove(lock);
        }
        Answer::LockReleased { released: true }
    }

    /// Ends a lease, and frees its locks. Says whether it was there.
    fn end(&mut self, lease: LeaseId, told: &mut Vec<Event>) -> bool {
        let Some(Lease { locks, .. }) = self.leases.remove(&lease) else { return false };
        for lock in locks {
            self.locks.remove(&lock);
            told.push(Event::Unlock { lock });
        }
        true
    }
}
