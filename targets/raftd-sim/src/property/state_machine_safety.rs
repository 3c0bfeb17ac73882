//! State machine safety: if a server has applied a log entry at a given index to its state machine, no other server will
//! ever apply a different log entry for the same index (extended paper, figure 3 and section 5.4.3).
//!
//! It is what all the others are for. It alone catches members that differ although every leader was right: a follower
//! that applies what it kept against its leader (`keep-conflict`, `snapshot-keeps-tail`, `tail-is-committed`).

use super::Step;
use raftd::types::{Entry, Index, NodeId};
use std::collections::BTreeMap;

/// What was applied.
#[derive(Debug, Default, Clone, Hash)]
pub struct StateMachineSafety {
    /// The first entry that anybody applied at each index, from 1.
    applied: Vec<Entry>,
    /// How much each member has applied since its start.
    members: BTreeMap<NodeId, Index>,
}

impl StateMachineSafety {
    pub(super) fn started(&mut self, member: NodeId, applied: Index) {
        self.members.insert(member, applied);
    }

    pub(super) fn see(&mut self, step: Step) -> Result<(), String> {
        let id = step.after.id;
        if let Some(snapshot) = &step.output.install {
            let known = self.applied.get(snapshot.last_index as usize - 1).map(|entry| entry.term);
            if known != Some(snapshot.last_term) {
                return Err(format!("n{id} installs {snapshot:?}, but there an entry of term {known:?} was applied"));
            }
            self.members.insert(id, snapshot.last_index);
        }
        for committed in &step.output.committed {
            let entry = &committed.entry;
            let applied = self.members.entry(id).or_insert(0);
            *applied += 1;
            if entry.index != *applied {
                return Err(format!("n{id} applies entry {} where {applied} is due", entry.index));
            }
            match self.applied.get(entry.index as usize - 1) {
                Some(known) if known == entry => {}
                Some(known) => {
                    return Err(format!(
                        "n{id} applies an entry {} of term {}, where another of term {} was applied before",
                        entry.index, entry.term, known.term
                    ));
                }
                None => self.applied.push(entry.clone()),
            }
        }
        Ok(())
    }

    /// All entries that were applied anywhere, from index 1.
    pub(super) fn applied(&self) -> &[Entry] {
        &self.applied
    }

    pub(super) fn committed(&self) -> usize {
        self.applied.len()
    }
}
