//! Whether enough happened for any verdict to mean something.

use crate::call::{CallKind, Reply};
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
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
        for operation in history.operations.iter().filter(|operation| counts_as_done(operation)) {
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

/// Whether the operation shows that something happened. Transactions that only read show nothing where none ever changed anything.
fn counts_as_done(operation: &Operation) -> bool {
    let only_reads =
        matches!(operation.kind(), CallKind::Transaction | CallKind::ListTransaction) && operation.call.only_observes();
    !only_reads && operation.reply().is_some_and(did_what_was_asked)
}

/// Whether the target did what it was asked.
fn did_what_was_asked(reply: &Reply) -> bool {
    !matches!(reply, Reply::NotEqual | Reply::TooLittle | Reply::NotHeld { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Call, ListStep};
    use crate::outcome::Outcome;

    /// Ten operations like this one.
    #[track_caller]
    fn check_calls(call: &Call, outcome: Outcome, expected: Validity) {
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
        let activity = Activity { at_least: vec![(call.kind(), 10)] };
        assert_eq!(activity.check(&history, &Budget::default()).validity, expected, "{call}: {outcome}");
    }

    #[track_caller]
    fn check(outcome: Outcome, expected: Validity) {
        check_calls(&Call::Transfer { key: 0, from: 0, to: 1, amount: 5 }, outcome, expected);
    }

    #[test]
    fn transactions_that_only_read_show_nothing() {
        let check = |steps: &[ListStep], expected| {
            let committed = Outcome::Ok(Reply::CommittedLists { found: vec![vec![]] });
            check_calls(&Call::ListTransaction { steps: steps.to_vec() }, committed, expected);
        };
        let (read, append) = (ListStep::Read { key: 1 }, ListStep::Append { key: 1, element: 2 });
        check(std::slice::from_ref(&read), Validity::Unknown);
        check(&[read, append], Validity::Valid);
    }

    #[test]
    fn only_what_was_done_counts() {
        check(Outcome::Ok(Reply::Transferred), Validity::Valid);
        check(Outcome::Ok(Reply::TooLittle), Validity::Unknown);
        check(Outcome::Fail("refused".into()), Validity::Unknown);
        check(Outcome::Unknown("no answer".into()), Validity::Unknown);
    }
}
