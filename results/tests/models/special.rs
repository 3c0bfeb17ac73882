//! The rules for special objects against the twin, and against the search.

use crate::courses::Random;
use crate::random::{Asked, Shape, random_history};
use crate::twin::is_linearizable;
use squall_results::call::{Call, Reply, Value};
use squall_results::checker::linearizable::{Algorithm, Course, Linearizable};
use squall_results::model::{Counter, FifoQueue, Kv, Mutex, UnorderedQueue};
use squall_results::{Budget, Model, Operation, Outcome, Validity};

/// The reply, `None` without one.
fn reply(operation: &Operation) -> Option<&Reply> {
    match &operation.outcome {
        Outcome::Ok(reply) => Some(reply),
        _ => None,
    }
}

fn queue(operation: &Operation, holds: &Vec<Value>, may_take: fn(usize) -> bool) -> Vec<Vec<Value>> {
    let without = |at: usize| {
        let mut after = holds.clone();
        after.remove(at);
        after
    };
    match (&operation.call, reply(operation)) {
        (Call::Enqueue { element, .. }, _) => vec![holds.iter().copied().chain([*element]).collect()],
        (_, Some(Reply::Dequeued { element: None })) if holds.is_empty() => vec![holds.clone()],
        (_, Some(Reply::Dequeued { element: Some(element) })) => {
            let at = (0..holds.len()).filter(|at| may_take(*at) && holds[*at] == *element);
            at.map(without).collect()
        }
        (_, None) if holds.is_empty() => vec![holds.clone()],
        (_, None) => (0..holds.len()).filter(|at| may_take(*at)).map(without).collect(),
        _ => vec![],
    }
}

fn fifo(operation: &Operation, holds: &Vec<Value>) -> Vec<Vec<Value>> {
    queue(operation, holds, |at| at == 0)
}

fn unordered(operation: &Operation, holds: &Vec<Value>) -> Vec<Vec<Value>> {
    queue(operation, holds, |_| true)
}

fn counter(operation: &Operation, holds: &i64) -> Vec<i64> {
    match (&operation.call, reply(operation)) {
        (Call::Increase { by, .. }, _) => vec![holds + by],
        (_, Some(Reply::Count { count })) if count != holds => vec![],
        _ => vec![*holds],
    }
}

fn text(operation: &Operation, holds: &String) -> Vec<String> {
    match (&operation.call, reply(operation)) {
        (Call::Append { text, .. }, _) => vec![format!("{holds}{text}")],
        (_, Some(Reply::Text { text })) if text != holds => vec![],
        _ => vec![holds.clone()],
    }
}

fn lock(operation: &Operation, held: &bool) -> Vec<bool> {
    let acquires = matches!(operation.call, Call::Acquire { .. });
    // One without an answer changes nothing if it finds what it wants.
    if reply(operation).is_none() || *held != acquires { vec![acquires] } else { vec![] }
}

/// Panics if twin, rules and search do not all say the same; who decided.
fn agrees<M: Model<Call = Call, Reply = Reply> + Copy + Send>(
    model: M,
    operations: &[Operation],
    legal: bool,
) -> Algorithm {
    let of_key: Vec<&Operation> = operations.iter().collect();
    let expected = if legal { Validity::Valid } else { Validity::Invalid };
    let (searched, _) = Linearizable::with_course(model, Course::Search).check_key_by(&of_key, &Budget::default());
    assert_eq!(searched, expected, "by the search:\n{operations:#?}");
    let (found, by) = Linearizable::new(model).check_key_by(&of_key, &Budget::default());
    assert_eq!(found, expected, "by {by:?}:\n{operations:#?}");
    by
}

/// Compares one random history; whether it is legal, and who decided.
pub fn compare(random: &mut Random, shape: Shape) -> (bool, Algorithm) {
    let operations = random_history(random, shape);
    let legal = match shape.object {
        Asked::Fifo => is_linearizable(&operations, Vec::new(), fifo),
        Asked::Unordered => is_linearizable(&operations, Vec::new(), unordered),
        Asked::Counter => is_linearizable(&operations, 0, counter),
        Asked::Text => is_linearizable(&operations, String::new(), text),
        Asked::Mutex => is_linearizable(&operations, false, lock),
    };
    let by = match shape.object {
        Asked::Fifo => agrees(FifoQueue, &operations, legal),
        Asked::Unordered => agrees(UnorderedQueue, &operations, legal),
        Asked::Counter => agrees(Counter { initial: 0 }, &operations, legal),
        Asked::Text => agrees(Kv::default(), &operations, legal),
        Asked::Mutex => agrees(Mutex, &operations, legal),
    };
    (legal, by)
}

/// A hundred thousand histories in all; `rules` says who has to decide nearly all of them.
fn many(object: Asked, seed: u64, rules: Algorithm) {
    const HISTORIES: u64 = 20_000;
    let mut random = Random(seed);
    let (mut legal, mut by_rules) = (0, 0);
    for number in 0..HISTORIES {
        let (is_legal, by) = compare(&mut random, Shape::by_turns(object, number, 9));
        legal += u64::from(is_legal);
        by_rules += u64::from(by == rules);
    }
    assert!(legal * 10 > HISTORIES * 2 && legal * 10 < HISTORIES * 9, "{legal} of {HISTORIES} are legal");
    assert!(by_rules * 100 > HISTORIES * 95, "{by_rules} of {HISTORIES} are decided by {rules:?}");
}

#[test]
fn queues_with_an_order() {
    many(Asked::Fifo, 1, Algorithm::Queue);
}

#[test]
fn queues_without_an_order() {
    many(Asked::Unordered, 2, Algorithm::Queue);
}

#[test]
fn counters_of_equal_steps() {
    many(Asked::Counter, 3, Algorithm::Counter);
}

#[test]
fn texts_that_grow() {
    many(Asked::Text, 4, Algorithm::Text);
}

#[test]
fn locks_that_anybody_may_give_back() {
    many(Asked::Mutex, 5, Algorithm::Search);
}
