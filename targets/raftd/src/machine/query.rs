//! What can be asked without a change. The caller makes sure that the machine has applied enough (ReadIndex).

use super::{Done, Held, Lease, LeaseId, Machine, Operation, SetView, Transaction, Versioned};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The value of a key.
    Value(String),
    /// The elements of a set.
    Set(String),
    /// A transaction that only reads: several keys at one moment.
    Snapshot(Transaction),
    /// A lease.
    Lease(LeaseId),
    /// Who has a lock.
    Lock(String),
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// A key.
    Value(Versioned),
    /// A set.
    Set(SetView),
    /// A transaction: what it read, or `None` if a condition did not hold.
    Snapshot(Option<Vec<Done>>),
    /// A lease, if it is there.
    Lease(Option<Lease>),
    /// Who has a lock, if anybody.
    Lock(Option<Held>),
}

impl Query {
    /// About how large it is.
    pub fn bytes(&self) -> usize {
        match self {
            Query::Value(name) | Query::Set(name) | Query::Lock(name) => name.len(),
            Query::Lease(_) => size_of::<LeaseId>(),
            Query::Snapshot(transaction) => transaction.keys().map(|key| key.len() + size_of::<Operation>()).sum(),
        }
    }
}

impl Machine {
    /// Answers `query` from the state as it is.
    pub fn view(&self, query: &Query) -> View {
        match query {
            Query::Value(key) => View::Value(self.value(key)),
            Query::Set(name) => View::Set(self.set(name)),
            Query::Snapshot(transaction) => View::Snapshot(self.snapshot(transaction)),
            Query::Lease(lease) => View::Lease(self.leases.all().get(lease).cloned()),
            Query::Lock(lock) => View::Lock(self.leases.holder(lock)),
        }
    }
}
