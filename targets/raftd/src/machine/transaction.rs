//! Transactions: conditions on versions, then operations in order, all or none.
//!
//! The types are those of the API, too: their JSON is documented in API.md.

use super::{Answer, Event, Machine, Version};
use crate::types::Index;
use serde::{Deserialize, Serialize};

/// Conditions and operations. Since a version never repeats, conditions on all that was read before make a transaction
/// that reads, thinks and writes as if nobody else were there (optimistic concurrency control).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// What is then done, in order; a read sees the writes before it.
    pub operations: Vec<Operation>,
}

/// A key must have this version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The key.
    pub key: String,
    /// Its version; 0: it must be absent.
    pub version: Version,
}

/// One step of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Reads a key.
    Read {
        /// The key.
        key: String,
    },
    /// Writes a key.
    Write {
        /// The key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// Makes a key absent.
    Delete {
        /// The key.
        key: String,
    },
}

/// What came of an [`Operation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// A key was read.
    Read {
        /// The key.
        key: String,
        /// Its value, unless absent.
        value: Option<String>,
        /// Its version, 0 if absent.
        version: Version,
    },
    /// A key was written.
    Write {
        /// The key.
        key: String,
        /// Its new version.
        version: Version,
    },
    /// A key is absent.
    Delete {
        /// The key.
        key: String,
        /// Whether it was there before.
        existed: bool,
    },
}

impl Transaction {
    /// The key of every condition and operation.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let operation_keys = self.operations.iter().map(|operation| match operation {
            Operation::Read { key } | Operation::Write { key, .. } | Operation::Delete { key } => key.as_str(),
        });
        self.conditions.iter().map(|condition| condition.key.as_str()).chain(operation_keys)
    }

    /// Whether it changes nothing, so that it need not go through the log.
    pub fn only_reads(&self) -> bool {
        self.operations.iter().all(|operation| matches!(operation, Operation::Read { .. }))
    }
}

impl Machine {
    pub(super) fn transact(&mut self, index: Index, transaction: &Transaction, told: &mut Vec<Event>) -> Answer {
        if !self.holds(&transaction.conditions) {
            return Answer::Aborted;
        }
        let operations = transaction.operations.iter();
        Answer::Committed(operations.map(|operation| self.operate(index, operation, told)).collect())
    }

    /// What a transaction that only reads would see; `None` if a condition does not hold.
    pub(super) fn snapshot(&self, transaction: &Transaction) -> Option<Vec<Done>> {
        let reads = transaction.operations.iter().filter_map(|operation| match operation {
            Operation::Read { key } => Some(self.read(key)),
            Operation::Write { .. } | Operation::Delete { .. } => None,
        });
        self.holds(&transaction.conditions).then(|| reads.collect())
    }

    fn holds(&self, conditions: &[Condition]) -> bool {
        conditions
            .iter()
            .all(|condition| self.keys.get(&condition.key).map_or(0, |(_, version)| *version) == condition.version)
    }

    fn operate(&mut self, index: Index, operation: &Operation, told: &mut Vec<Event>) -> Done {
        match operation {
            Operation::Read { key } => self.read(key),
            Operation::Write { key, value } => {
                self.put(index, key, value, told);
                Done::Write { key: key.clone(), version: index }
            }
            Operation::Delete { key } => {
                let existed = self.keys.remove(key).is_some();
                if existed {
                    told.push(Event::Delete { key: key.clone() });
                }
                Done::Delete { key: key.clone(), existed }
            }
        }
    }

    fn read(&self, key: &str) -> Done {
        let found = self.value(key);
        Done::Read { key: key.into(), value: found.value, version: found.version }
    }
}
