//! Operations as bars in a terminal: which overlap, and which came first. Not to scale: every instant that occurs is one
//! step, equal instants share one.

use squall_results::Operation;

/// The widest that all bars together may be.
const WIDTH_MAX: usize = 48;

/// A bar for each operation, all of one width at most. One without an answer runs on: `├─→`.
pub(super) fn of(operations: &[&Operation]) -> Vec<String> {
    let end = |operation: &Operation| operation.returned_ns.filter(|_| !operation.outcome.is_unknown());
    let ends = operations.iter().flat_map(|operation| [Some(operation.invoked_ns), end(operation)]);
    let mut instants: Vec<u64> = ends.flatten().collect();
    instants.sort_unstable();
    instants.dedup();
    let step = (WIDTH_MAX / instants.len().max(1)).clamp(1, 4);
    let place = |at_ns: u64| instants.partition_point(|instant| *instant < at_ns) * step;
    let bar = |operation: &&Operation| {
        let from = place(operation.invoked_ns);
        let (to, last) = match end(operation) {
            Some(at_ns) => (place(at_ns), '┤'),
            None => (instants.len() * step, '→'),
        };
        let mut bar = " ".repeat(from);
        if to == from {
            bar.push('│');
        } else {
            bar.push('├');
            bar.extend(std::iter::repeat_n('─', to - from - 1));
            bar.push(last);
        }
        bar
    };
    operations.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_results::{Call, Outcome, Reply};

    fn check(spans: &[(u64, Option<u64>)], expected: &[&str]) {
        let operation = |(invoked_ns, returned_ns): &(u64, Option<u64>)| {
            let (invoked_ns, returned_ns) = (*invoked_ns, *returned_ns);
            let written = Outcome::Ok(Reply::Written { version: None });
            let outcome = if returned_ns.is_some() { written } else { Outcome::Unknown("no answer".into()) };
            let call = Call::Write { key: 0, value: 1 };
            Operation { id: 0, process: 0, node: "n1".into(), call, due_ns: 0, invoked_ns, returned_ns, outcome }
        };
        let operations: Vec<Operation> = spans.iter().map(operation).collect();
        assert_eq!(of(&operations.iter().collect::<Vec<_>>()), expected);
    }

    #[test]
    fn bars_show_order_and_overlap() {
        check(&[], &[]);
        check(&[(10, Some(20)), (30, Some(40))], &["├───┤", "        ├───┤"]);
        check(&[(10, Some(30)), (20, Some(40))], &["├───────┤", "    ├───────┤"]);
        check(&[(10, Some(10)), (20, None), (30, Some(90))], &["│", "    ├───────────→", "        ├───┤"]);
    }

    #[test]
    fn many_bars_stay_narrow() {
        let spans: Vec<(u64, Option<u64>)> = (0..12).map(|at| (10 * at, Some(10 * at + 7))).collect();
        let operations: usize = spans.len() * 2;
        assert!(operations * 2 <= WIDTH_MAX);
        let last = format!("{}├─┤", " ".repeat(44));
        let mut expected: Vec<String> = (0..11).map(|at| format!("{}├─┤", " ".repeat(4 * at))).collect();
        expected.push(last);
        check(&spans, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
