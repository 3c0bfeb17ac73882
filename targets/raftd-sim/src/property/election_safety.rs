//! Election safety: at most one leader can be elected in a given term (extended paper, figure 3 and section 5.2).
//!
//! It alone catches votes that are given or counted twice, `two-votes`, `vote-before-fsync`, `forget-vote` and `count-old-vote`,
//! before a member meets both leaders and stops itself.

use super::Step;
use raftd::types::{NodeId, Term};
use std::collections::BTreeMap;

/// Who led each term.
#[derive(Debug, Default, Clone, Hash)]
pub struct ElectionSafety {
    leaders: BTreeMap<Term, NodeId>,
}

impl ElectionSafety {
    pub(super) fn see(&mut self, step: Step) -> Result<(), String> {
        if !step.begins_to_lead() {
            return Ok(());
        }
        let (id, term) = (step.after.id, step.after.term);
        match self.leaders.insert(term, id) {
            Some(other) => Err(format!("n{other} was elected leader of term {term}, and now n{id} is too")),
            None => Ok(()),
        }
    }

    pub(super) fn leaders(&self) -> usize {
        self.leaders.len()
    }
}
