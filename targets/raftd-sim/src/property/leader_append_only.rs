//! Leader append-only: a leader never overwrites or deletes entries in its log (extended paper, figure 3 and section 5.3).
//!
//! It alone would catch a leader that takes another's entries before it steps down, or cuts its log when a follower's
//! differs. None of the planted bugs does so.

use super::Step;

/// Needs no memory: one step shows it.
#[derive(Debug, Default)]
pub struct LeaderAppendOnly;

impl LeaderAppendOnly {
    pub(super) fn see(&mut self, step: Step) -> Result<(), String> {
        if !step.goes_on_leading() {
            return Ok(());
        }
        let (id, term, last) = (step.after.id, step.after.term, step.before.last_index);
        if step.after.last_index < last {
            return Err(format!("n{id}, leader of term {term}, cut its log from {last} to {}", step.after.last_index));
        }
        let first = step.output.persist.as_ref().and_then(|persist| persist.entries.first());
        match first.filter(|first| first.index <= last) {
            Some(first) => Err(format!("n{id}, leader of term {term}, rewrote entry {} of {last}", first.index)),
            None => Ok(()),
        }
    }
}
