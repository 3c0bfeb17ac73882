//! A history with calls that its model does not know is not judged: an answer to such a call would look wrong.

use super::ModelInfo;
use crate::checker::{Budget, Checker};
use crate::history::History;
use crate::verdict::{Validity, Verdict};
use std::collections::BTreeMap;

/// The checker of a model, for histories of its calls.
pub(super) struct Knows {
    pub model: ModelInfo,
    pub checker: Box<dyn Checker>,
}

impl Checker for Knows {
    fn name(&self) -> &'static str {
        self.checker.name()
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let is_foreign = |operation: &&crate::Operation| {
            // What failed never happened, so it needs no model.
            !operation.outcome.is_fail() && !self.model.calls.contains(&operation.kind())
        };
        let Some(foreign) = history.operations.iter().find(is_foreign) else {
            return self.checker.check(history, budget);
        };
        let known: Vec<String> = self.model.calls.iter().map(ToString::to_string).collect();
        let reason = format!(
            "model {} does not know `{}`, operation {}; it knows {}",
            self.model.name,
            foreign.call,
            foreign.id,
            known.join(", ")
        );
        let (validity, anomalies, figures) = (Validity::Unknown, Vec::new(), BTreeMap::new());
        Verdict { checker: self.name().into(), validity, reason, anomalies, figures }
    }
}
