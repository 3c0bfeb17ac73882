//! The replicated state machine: keys, sets, client sessions, leases and locks.
//!
//! Pure and deterministic: the state is a function of the entries applied, in order. It must not know terms, members,
//! disks or clocks; the only thing it takes from outside is the index of the entry that it applies, which becomes the
//! version of what that entry writes.
//!
//! ```
//! use raftd::machine::{Answer, Change, Command, Machine};
//! let mut machine = Machine::default();
//! let write = Command { serial: None, change: Change::Write { key: "x".into(), value: "1".into() } };
//! assert_eq!(machine.apply(7, &write), Answer::Written { version: 7 });
//! assert_eq!(machine.value("x").version, 7);
//! ```

mod command;
mod event;
mod expiry;
mod lease;
mod query;
mod session;
mod snapshot;
mod transaction;

pub use command::{Answer, Change, Command, CommandError, Serial};
pub use event::Event;
pub use expiry::Expiry;
pub use lease::{Fence, Held, LEASES_MAX, LOCKS_MAX, Lease, LeaseChange, LeaseId, Leases, Overdue, Token};
pub use query::{Query, View};
pub use session::{Refusal, SESSIONS_MAX};
pub use snapshot::StateError;
pub use transaction::{Condition, Done, Operation, Transaction};

use crate::types::{Bug, Index};
use serde::{Deserialize, Serialize};
use session::{Admission, Sessions};
use std::collections::{BTreeMap, BTreeSet};

/// The index of the entry that wrote a key or set; 0 where there is none. It never repeats, so an equal version means
/// that nothing was written in between, not even the same value.
pub type Version = Index;

/// The value of a key with its version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versioned {
    /// The value, unless the key is absent.
    pub value: Option<String>,
    /// Who wrote it.
    pub version: Version,
}

/// A set of strings with its version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetView {
    /// The elements, in order.
    pub elements: BTreeSet<String>,
    /// The entry that added the youngest one.
    pub version: Version,
}

/// The state: what all applied entries together mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    keys: BTreeMap<String, (String, Version)>,
    sets: BTreeMap<String, SetView>,
    sessions: Sessions,
    leases: Leases,
    bug: Option<Bug>,
}

impl Machine {
    /// An empty machine with a planted bug, if it is one that a machine can have.
    pub fn with_bug(bug: Option<Bug>) -> Machine {
        Machine { bug, ..Machine::default() }
    }

    /// Applies the command of entry `index`. Indexes must grow from call to call.
    pub fn apply(&mut self, index: Index, command: &Command) -> Answer {
        self.apply_telling(index, command).0
    }

    /// The same, and what it did, in order.
    pub fn apply_telling(&mut self, index: Index, command: &Command) -> (Answer, Vec<Event>) {
        let mut told = Vec::new();
        let answer = self.admit(index, command, &mut told);
        (answer, told)
    }

    fn admit(&mut self, index: Index, command: &Command, told: &mut Vec<Event>) -> Answer {
        let (Some(serial), false) = (command.serial, command.change == Change::OpenSession) else {
            return self.change(index, &command.change, told);
        };
        let digest = command.change.digest();
        match self.sessions.admit(index, serial, digest) {
            Admission::Repeated(answer) if self.bug != Some(Bug::RetryTwice) => answer,
            Admission::New | Admission::Repeated(_) => {
                let answer = self.change(index, &command.change, told);
                self.sessions.remember(serial, digest, answer.clone());
                answer
            }
            Admission::Refused(refusal) => Answer::Refused(refusal),
        }
    }

    /// The value of `key` now.
    pub fn value(&self, key: &str) -> Versioned {
        match self.keys.get(key) {
            Some((value, version)) => Versioned { value: Some(value.clone()), version: *version },
            None => Versioned::default(),
        }
    }

    /// The set `name` now; a set that nobody added to is empty.
    pub fn set(&self, name: &str) -> SetView {
        self.sets.get(name).cloned().unwrap_or_default()
    }

    /// How many keys exist.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// How many client sessions are open.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The leases and locks now.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    fn change(&mut self, index: Index, change: &Change, told: &mut Vec<Event>) -> Answer {
        match change {
            Change::Write { key, value } => {
                self.put(index, key, value, told);
                Answer::Written { version: index }
            }
            Change::CompareAndSet { key, expect, value } => {
                let found = self.keys.get(key);
                if found.map(|(value, _)| value) != expect.as_ref() {
                    return Answer::NotEqual(self.value(key));
                }
                self.put(index, key, value, told);
                Answer::Swapped { version: index }
            }
            Change::Add { set, element } => self.add(index, set, element, told),
            Change::Transact(transaction) => self.transact(index, transaction, told),
            Change::OpenSession => {
                self.sessions.open(index);
                Answer::Opened { session: index }
            }
            Change::Lease(change) => self.leases.change(index, change, self.bug, told),
            Change::Fenced { fence, .. } if !self.leases.admits(fence, self.bug) => {
                Answer::FencedOff { held: self.leases.holder(&fence.lock) }
            }
            Change::Fenced { change, .. } => self.change(index, change, told),
        }
    }

    fn put(&mut self, index: Index, key: &str, value: &str, told: &mut Vec<Event>) {
        self.keys.insert(key.into(), (value.into(), index));
        told.push(Event::Put { key: key.into(), value: value.into() });
    }

    fn add(&mut self, index: Index, name: &str, element: &str, told: &mut Vec<Event>) -> Answer {
        let set = self.sets.entry(name.into()).or_default();
        let added = set.elements.insert(element.into());
        if added {
            set.version = index;
            told.push(Event::Add { set: name.into(), element: element.into() });
        }
        Answer::Added { added, version: set.version }
    }
}

#[cfg(test)]
mod tests;
