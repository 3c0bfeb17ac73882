//! Snapshot safety: a snapshot is the state that applying all entries up to its last one gives (dissertation, section 5.1).
//!
//! It alone catches what a member loses on the way from a state to a snapshot and back before a client meets it:
//! `snapshot-without-sessions`.

use raftd::machine::{Command, Machine};
use raftd::types::{Bug, Entry, Index, NodeId, Payload, Snapshot};
use std::collections::BTreeMap;

/// The states, made from the entries one by one.
#[derive(Debug, Default)]
pub struct SnapshotSafety {
    bug: Option<Bug>,
    /// The state after each entry of which somebody took a snapshot.
    states: BTreeMap<Index, Machine>,
}

impl SnapshotSafety {
    pub(super) fn new(bug: Option<Bug>) -> SnapshotSafety {
        SnapshotSafety { bug, states: BTreeMap::new() }
    }

    pub(super) fn see(&mut self, member: NodeId, snapshot: &Snapshot, applied: &[Entry]) -> Result<(), String> {
        let last = snapshot.last_index;
        if applied.len() < last as usize {
            return Err(format!("n{member} has {snapshot:?}, but only {} entries were applied", applied.len()));
        }
        if !self.states.contains_key(&last) {
            let before = self.states.range(..last).next_back();
            let (from, mut machine) = match before {
                Some((from, machine)) => (*from as usize, machine.clone()),
                None => (0, Machine::with_bug(self.bug)),
            };
            applied[from..last as usize].iter().for_each(|entry| apply(&mut machine, entry));
            self.states.insert(last, machine);
        }
        match self.states[&last].encode() == *snapshot.state {
            true => Ok(()),
            false => Err(format!("n{member} has {snapshot:?}, which is not what the entries up to {last} amount to")),
        }
    }
}

fn apply(machine: &mut Machine, entry: &Entry) {
    if let Payload::Command { bytes, .. } = &entry.payload {
        let command = Command::decode(bytes).expect("only clients of the simulation make commands");
        machine.apply(entry.index, &command);
    }
}
