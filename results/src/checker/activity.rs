//! Whether enough happened for any verdict to mean something.

use crate::call::CallKind;
use crate::checker::{Budget, Checker};
use crate::history::History;
use crate::verdict::{Validity, Verdict};
use std::collections::BTreeMap;

/// Says `Unknown` when too few operations of some kind succeeded: nothing happened is not valid.
#[derive(Debug, Clone)]
pub struct Activity {
    /// The fewest successful operations of each kind.
    pub at_least: Vec<(CallKind, usize)>,
}

impl Checker for Activity {
    fn name(&self) -> &'static str {
        "activity"
    }

    fn check(&self, history: &History, _budget: &Budget) -> Verdict {
        let mut counts: BTreeMap<CallKind, usize> = BTreeMap::new();
        for operation in history.operations.iter().filter(|operation| operation.outcome.is_ok()) {
            *counts.entry(operation.kind()).or_default() += 1;
        }
        let short: Vec<String> = self
            .at_least
            .iter()
            .filter(|(kind, least)| counts.get(kind).copied().unwrap_or(0) < *least)
            .map(|(kind, least)| format!("{} of at least {least} {kind} calls", counts.get(kind).copied().unwrap_or(0)))
            .collect();
        let (validity, reason) = if short.is_empty() {
            (Validity::Valid, "every kind of call succeeded often enough to judge".into())
        } else {
            (Validity::Unknown, format!("too little succeeded to judge: {}", short.join(", ")))
        };
        let figures = counts.iter().map(|(kind, count)| (format!("{kind}_ok"), *count as f64)).collect();
        Verdict { checker: self.name().into(), validity, reason, anomalies: Vec::new(), figures }
    }
}
