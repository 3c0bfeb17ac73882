//! Configuration safety (Ongaro's dissertation, section 4.1): of two configurations that are committed one after the other, any
//! majority of the one meets any majority of the other; and no leader has two in its log that are not committed. So there are never two
//! majorities that decide without each other.
//!
//! It is the first to see a leader that changes the members while an earlier change is not committed: `changes-at-once`.

use super::Step;
use raftd::core::RoleName;
use raftd::types::{Configuration, Entry, Index, NodeId, Payload, Snapshot};
use std::collections::BTreeSet;

/// What was committed.
#[derive(Debug)]
pub struct ConfigurationSafety {
    /// Each configuration with its entry, oldest first; the first one is what the cluster began with.
    committed: Vec<(Index, Configuration)>,
    /// The last entry that anybody knows to be committed.
    commit: Index,
}

impl ConfigurationSafety {
    pub(super) fn new(members: Configuration) -> ConfigurationSafety {
        ConfigurationSafety { committed: vec![(0, members)], commit: 0 }
    }

    pub(super) fn see(&mut self, step: Step) -> Result<(), String> {
        step.output.committed.iter().try_for_each(|committed| self.sees_committed(&committed.entry))?;
        self.commit = self.commit.max(step.after.commit);
        if step.after.role != RoleName::Leader {
            return Ok(());
        }
        let open: Vec<Index> = step
            .log
            .iter()
            .rev()
            .take_while(|entry| entry.index > self.commit)
            .filter(|entry| matches!(entry.payload, Payload::Configuration { .. }))
            .map(|entry| entry.index)
            .collect();
        match open.len() {
            0 | 1 => Ok(()),
            _ => Err(format!(
                "n{}, leader of term {}, has changes of the members at {open:?}, and none of them is committed",
                step.after.id, step.after.term
            )),
        }
    }

    fn sees_committed(&mut self, entry: &Entry) -> Result<(), String> {
        let Payload::Configuration { configuration, .. } = &entry.payload else { return Ok(()) };
        let (last, before) = self.newest();
        if entry.index <= *last {
            return Ok(());
        }
        let all: BTreeSet<NodeId> = before.voters().chain(configuration.voters()).collect();
        if before.quorum() + configuration.quorum() <= all.len() {
            return Err(format!(
                "the members {configuration} are committed at {}, after {before} at {last}: a majority of each need not meet",
                entry.index
            ));
        }
        self.committed.push((entry.index, configuration.clone()));
        Ok(())
    }

    /// A member took a snapshot, or installs one: it says who the members were.
    pub(super) fn taken(&self, member: NodeId, snapshot: &Snapshot) -> Result<(), String> {
        let known = self.committed.iter().rev().find(|(index, _)| *index <= snapshot.last_index);
        match known {
            Some((_, known)) if *known != snapshot.configuration => Err(format!(
                "n{member} has {snapshot:?} with the members {}, where {known} were committed",
                snapshot.configuration
            )),
            _ => Ok(()),
        }
    }

    /// The members that were committed last.
    pub(super) fn members(&self) -> &Configuration {
        &self.newest().1
    }

    fn newest(&self) -> &(Index, Configuration) {
        self.committed.last().expect("the cluster began with some")
    }
}
