//! Log matching: if two logs contain an entry with the same index and term, then the logs are identical in all entries up
//! through the given index (extended paper, figure 3 and section 5.3).
//!
//! It is checked by induction: whoever has an entry has what was first seen there, after an entry of the term that was
//! first seen before it. It alone catches `keep-conflict` where a follower writes behind what it should have removed,
//! before that is committed anywhere.

use super::Step;
use raftd::types::{Index, Payload, Term};
use std::collections::HashMap;

/// Every entry that was ever written, with the term of the one before it.
#[derive(Debug, Default)]
pub struct LogMatching {
    entries: HashMap<(Index, Term), (Payload, Term)>,
}

impl LogMatching {
    pub(super) fn see(&mut self, step: Step) -> Result<(), String> {
        let Some(persist) = &step.output.persist else { return Ok(()) };
        let Some(first) = persist.entries.first() else { return Ok(()) };
        let Some(before) = step.term_at(first.index - 1) else { return Ok(()) };
        let predecessors = std::iter::once(before).chain(persist.entries.iter().map(|entry| entry.term));
        for (entry, predecessor) in persist.entries.iter().zip(predecessors) {
            let place = (entry.index, entry.term);
            let (payload, known) = self.entries.entry(place).or_insert_with(|| (entry.payload.clone(), predecessor));
            let (id, index, term) = (step.after.id, entry.index, entry.term);
            if *known != predecessor {
                return Err(format!(
                    "n{id} has entry {index} of term {term} after one of term {predecessor}, others after one of term {known}"
                ));
            }
            if *payload != entry.payload {
                return Err(format!("n{id} has another entry {index} of term {term} than others have"));
            }
        }
        Ok(())
    }
}
