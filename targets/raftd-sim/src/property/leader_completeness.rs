//! Leader completeness: if an entry is committed in a given term, it is present in the logs of the leaders of all
//! higher-numbered terms (extended paper, figure 3 and section 5.4).
//!
//! It alone catches a leader that lacks committed entries and is deposed before it overwrites them anywhere: so it is
//! nearly always the first to see `short-log-vote` and `ack-before-quorum`, and the first of all properties to see
//! `ack-before-fsync` and the figure 8 of `commit-old-term`.

use super::Step;
use raftd::types::{Index, Term};

/// What was committed.
#[derive(Debug, Default, Clone, Hash)]
pub struct LeaderCompleteness {
    /// For each entry, from index 1: its term, and the term of the member that first knew it to be committed.
    committed: Vec<(Term, Term)>,
}

impl LeaderCompleteness {
    pub(super) fn see(&mut self, step: Step) -> Result<(), String> {
        if step.begins_to_lead() {
            self.sees_leader(step)?;
        }
        for committed in &step.output.committed {
            // The leader that commits is the first that knows, so this is the term in which the entry was committed.
            if committed.entry.index == self.committed.len() as Index + 1 {
                self.committed.push((committed.entry.term, step.after.term));
            }
        }
        Ok(())
    }

    /// Late votes may elect a leader of a term that is long over; what later leaders committed it may well lack.
    fn sees_leader(&self, step: Step) -> Result<(), String> {
        let (id, leads) = (step.after.id, step.after.term);
        for (index, (term, committed_in)) in (1..).zip(&self.committed) {
            // What a snapshot stands for was committed, and that it is the right snapshot is another property.
            let has = index < step.log_start.0 || step.term_at(index) == Some(*term);
            if *committed_in < leads && !has {
                return Err(format!(
                    "n{id}, leader of term {leads}, lacks entry {index} of term {term}, committed in term {committed_in}"
                ));
            }
        }
        Ok(())
    }
}
