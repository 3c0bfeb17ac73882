//! The configurations that the log and the snapshot hold: which one is in force, and which one was before.
//!
//! A configuration is in force from when it is appended on, committed or not, and no longer when its entry is cut off
//! again (dissertation, section 4.1). It knows nothing of roles or messages.

use crate::types::{Configuration, Entry, Index, Payload};
use std::collections::VecDeque;

#[derive(Debug, Clone)]
pub(super) struct Membership {
    /// Each with the entry from which on it is in force, oldest first. The first one is as of the start of the log, or before.
    known: VecDeque<(Index, Configuration)>,
    /// Counts the changes of what is in force.
    version: u64,
}

impl Membership {
    /// What is in force at the entry that the log begins behind.
    pub(super) fn new(start: Index, configuration: Configuration) -> Membership {
        Membership { known: VecDeque::from([(start, configuration)]), version: 0 }
    }

    /// The one that counts now.
    pub(super) fn in_force(&self) -> &Configuration {
        &self.newest().1
    }

    /// The entry that it came with.
    pub(super) fn since(&self) -> Index {
        self.newest().0
    }

    /// The one before it, if it is still known.
    pub(super) fn before(&self) -> Option<&Configuration> {
        self.known.iter().rev().nth(1).map(|(_, configuration)| configuration)
    }

    /// The one that is in force at an entry.
    pub(super) fn at(&self, index: Index) -> Option<&Configuration> {
        let found = self.known.iter().rev().find(|(since, _)| *since <= index);
        found.map(|(_, configuration)| configuration)
    }

    /// Differs when another one is in force than before.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// An entry was added to the log.
    pub(super) fn appended(&mut self, entry: &Entry) {
        if let Payload::Configuration { configuration, .. } = &entry.payload {
            self.known.push_back((entry.index, configuration.clone()));
            self.version += 1;
        }
    }

    /// All entries after `last` were removed.
    pub(super) fn truncated(&mut self, last: Index) {
        while self.known.len() > 1 && self.known.pop_back_if(|(since, _)| *since > last).is_some() {
            self.version += 1;
        }
    }

    /// The log begins behind this entry now.
    pub(super) fn compacted(&mut self, start: Index) {
        while self.known.get(1).is_some_and(|(since, _)| *since <= start) {
            self.known.pop_front();
        }
    }

    /// The log begins anew, with a snapshot.
    pub(super) fn restarted(&mut self, start: Index, configuration: Configuration) {
        self.known = VecDeque::from([(start, configuration)]);
        self.version += 1;
    }

    fn newest(&self) -> &(Index, Configuration) {
        self.known.back().expect("there is always one, if only an empty one")
    }
}
