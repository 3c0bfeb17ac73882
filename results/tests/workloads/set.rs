//! Sets against the twin, and how long they take.

use crate::random::{Random, by_invocation, plan};
use crate::twin::is_legal;
use squall_results::call::{Call, Reply, Value};
use squall_results::checker::set::Set;
use squall_results::event::{Phase, PhaseName};
use squall_results::{Budget, Checker, History, Operation, Outcome, Promise, Validity};
use std::time::{Duration, Instant};

fn apply(operation: &Operation, state: &Vec<Value>) -> Option<Vec<Value>> {
    match (&operation.call, &operation.outcome) {
        (Call::Add { element, .. }, _) => {
            let mut after = state.clone();
            after.push(*element);
            after.sort_unstable();
            Some(after)
        }
        (_, Outcome::Ok(Reply::Elements { elements, .. })) => {
            let mut found = elements.clone();
            found.sort_unstable();
            (found == *state).then_some(found)
        }
        _ => Some(state.clone()),
    }
}

/// What nobody has called for yet no target can guess: an addition stays behind a read that returned before it began.
fn keeps_cause(one: &Operation, other: &Operation) -> bool {
    one.call.kind().only_observes() && !other.call.kind().only_observes() && crate::twin::returned_before(one, other)
}

fn random_history(random: &mut Random) -> Vec<Operation> {
    let (count, processes) = (3 + random.below(5), 2 + random.below(3));
    let crashed = if random.chance(40) { 0 } else { 25 };
    let planned = plan(random, count, processes, crashed, |random, id| {
        if random.chance(50) { Call::Add { key: 0, element: id as Value } } else { Call::Elements { key: 0 } }
    });
    let wrong = if random.chance(25) { 0 } else { 10 + random.below(40) };
    let (mut state, mut before, mut operations) = (Vec::new(), Vec::new(), Vec::new());
    for planned in planned {
        let mut operation = planned.operation;
        operation.outcome = match &operation.call {
            _ if random.chance(7) => Outcome::Fail("refused".into()),
            Call::Add { element, .. } => {
                before = state.clone();
                state.push(*element);
                Outcome::Ok(Reply::Added { version: None })
            }
            _ => {
                let mut elements = if random.chance(wrong) { before.clone() } else { state.clone() };
                if random.chance(wrong) && !elements.is_empty() {
                    elements.swap_remove(random.below(elements.len() as u64) as usize);
                }
                if random.chance(wrong / 4) {
                    elements.push(random.below(count) as Value);
                }
                Outcome::Ok(Reply::Elements { elements, version: None })
            }
        };
        if planned.crashes && !operation.outcome.is_fail() {
            operation.outcome = Outcome::Unknown("no answer".into());
        }
        operations.push(operation);
    }
    by_invocation(operations)
}

fn judge(operations: &[Operation], promise: Promise) -> Validity {
    let history = History { operations: operations.to_vec(), ..History::default() };
    Set { promise }.check(&history, &Budget::default()).validity
}

#[test]
fn random_tiny_sets() {
    let mut random = Random(1);
    let mut illegal = [0, 0];
    const HISTORIES: usize = 100_000;
    for _ in 0..HISTORIES {
        let operations = random_history(&mut random);
        let is_read = operations.iter().any(|operation| matches!(operation.reply(), Some(Reply::Elements { .. })));
        for (place, promise) in Promise::ALL.into_iter().enumerate() {
            let legal = is_legal(&operations, promise, &Vec::new(), apply, keeps_cause);
            let found = judge(&operations, promise);
            let expected = if legal { Validity::Valid } else { Validity::Invalid };
            let unread = found == Validity::Unknown && !is_read;
            assert!(found == expected || unread, "{found} at {promise}, the twin says {expected}: {operations:#?}");
            illegal[place] += usize::from(!legal);
        }
    }
    assert!(illegal.iter().all(|count| (HISTORIES / 5..HISTORIES * 4 / 5).contains(count)), "{illegal:?}");
}

/// Three sets of 1,000 elements and 2,000 reads each: three million elements in reads.
#[test]
fn large_sets_take_a_moment() {
    let mut operations: Vec<Operation> = Vec::new();
    for key in 0..3 {
        for number in 0..3_000 {
            let id = key * 3_000 + number;
            let (invoked_ns, returned_ns) = (id * 10, Some(id * 10 + 5));
            let (call, reply) = if number % 3 == 0 {
                (Call::Add { key, element: number as Value / 3 }, Reply::Added { version: None })
            } else {
                (
                    Call::Elements { key },
                    Reply::Elements { elements: (0..=number as Value / 3).collect(), version: None },
                )
            };
            let (process, node, outcome) = (number % 3, "n1".into(), Outcome::Ok(reply));
            operations.push(Operation {
                id,
                process,
                node,
                call,
                due_ns: invoked_ns,
                invoked_ns,
                returned_ns,
                outcome,
            });
        }
    }
    let mut history = History { operations, ..History::default() };
    for promise in Promise::ALL {
        let begin = Instant::now();
        let verdict = Set { promise }.check(&history, &Budget::default());
        assert_eq!(verdict.validity, Validity::Valid, "{}", verdict.reason);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
    // All that the last set had is gone in the end.
    history.phases.push(Phase { at_ns: 100_000, name: PhaseName::FinalReads });
    let reply = Reply::Elements { elements: vec![], version: None };
    let last = Operation {
        invoked_ns: 100_000,
        returned_ns: Some(100_001),
        process: 9,
        outcome: Outcome::Ok(reply),
        ..history.operations[8_999].clone()
    };
    history.operations.push(last);
    let verdict = Set { promise: Promise::Sequential }.check(&history, &Budget::default());
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.figures["lost_element"], 1_000.0);
    assert!(verdict.anomalies.len() <= 5, "the clearest few are shown: {}", verdict.anomalies.len());
    let none = Budget { time: Duration::ZERO, ..Budget::default() };
    let verdict = Set { promise: Promise::Linearizable }.check(&history, &none);
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(verdict.reason.contains("time"), "{}", verdict.reason);
}
