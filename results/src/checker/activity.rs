//! Whether enough happened for any verdict to mean something.

use crate::call::{CallKind, Reply};
use crate::checker::{Budget, Checker};
use crate::history::History;
use crate::verdict::{Validity, Verdict};
use std::collections::BTreeMap;

/// Says `Unknown` when too few operations of some kind succeeded: nothing happened is not valid. An answer that the call
/// was refused (a comparison that was false, an account that held too little, a lock that was lost) is no success.
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
        for operation in history.operations.iter().filter(|operation| operation.reply().is_some_and(did_what_was_asked))
        {
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

/// Whether the target did what it was asked.
fn did_what_was_asked(reply: &Reply) -> bool {
    !matches!(reply, Reply::NotEqual | Reply::TooLittle | Reply::NotHeld { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::history::Operation;
    use crate::outcome::Outcome;

    fn check(outcome: Outcome, expected: Validity) {
        let call = Call::Transfer { key: 0, from: 0, to: 1, amount: 5 };
        let operation = |id| Operation {
            id,
            process: id,
            node: "n1".into(),
            call: call.clone(),
            due_ns: id,
            invoked_ns: id,
            returned_ns: Some(id),
            outcome: outcome.clone(),
        };
        let history = History { operations: (0..10).map(operation).collect(), ..History::default() };
        let activity = Activity { at_least: vec![(CallKind::Transfer, 10)] };
        assert_eq!(activity.check(&history, &Budget::default()).validity, expected, "{outcome}");
    }

    #[test]
    fn only_what_was_done_counts() {
        check(Outcome::Ok(Reply::Transferred), Validity::Valid);
        check(Outcome::Ok(Reply::TooLittle), Validity::Unknown);
        check(Outcome::Fail("refused".into()), Validity::Unknown);
        check(Outcome::Unknown("no answer".into()), Validity::Unknown);
    }
}
