//! The rules for special objects against the twin, and against the search.

use crate::courses::Random;
use crate::history::{added, history, lost, op, written};
use crate::random::{Asked, Shape, random_history};
use crate::twin::is_linearizable;
use squall_results::call::{Call, Reply, Value};
use squall_results::checker::linearizable::{Algorithm, Course, Linearizable};
use squall_results::model::{Counter, FifoQueue, Kv, Mutex, UnorderedQueue};
use squall_results::{Budget, Checker, Model, Operation, Outcome, Validity};

/// The reply, `None` without one.
fn reply(operation: &Operation) -> Option<&Reply> {
    match &operation.outcome {
        Outcome::Ok(reply) => Some(reply),
        _ => None,
    }
}

fn queue(operation: &Operation, holds: &[Value], may_take: fn(usize) -> bool) -> Vec<Vec<Value>> {
    let without = |at: usize| {
        let mut after = holds.to_vec();
        after.remove(at);
        after
    };
    match (&operation.call, reply(operation)) {
        (Call::Enqueue { element, .. }, _) => vec![holds.iter().copied().chain([*element]).collect()],
        (_, Some(Reply::Dequeued { element: None })) if holds.is_empty() => vec![holds.to_vec()],
        (_, Some(Reply::Dequeued { element: Some(element) })) => {
            let at = (0..holds.len()).filter(|at| may_take(*at) && holds[*at] == *element);
            at.map(without).collect()
        }
        (_, None) if holds.is_empty() => vec![holds.to_vec()],
        (_, None) => (0..holds.len()).filter(|at| may_take(*at)).map(without).collect(),
        _ => vec![],
    }
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
        Asked::Fifo => is_linearizable(&operations, vec![], |operation, holds| queue(operation, holds, |at| at == 0)),
        Asked::Unordered => is_linearizable(&operations, vec![], |operation, holds| queue(operation, holds, |_| true)),
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

/// Twenty thousand histories, a hundred thousand in all; `rules` says who has to decide nearly all of them.
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

/// Who decides these operations of a queue, counter or text, and how.
fn judge<M: Model<Call = Call, Reply = Reply> + Copy + Send>(
    model: M,
    operations: Vec<Operation>,
) -> (Validity, Algorithm) {
    let history = history(operations);
    let of_key: Vec<&Operation> = history.operations.iter().collect();
    Linearizable::new(model).check_key_by(&of_key, &Budget::default())
}

#[test]
fn where_a_premise_fails_the_search_decides() {
    let put = |at, element| op(at, at, at + 5, Call::Enqueue { key: 0, element }, added());
    let took = |at, element| op(at, at, at + 5, Call::Dequeue { key: 0 }, Reply::Dequeued { element });
    let add = |at, by| op(at, at, at + 5, Call::Increase { key: 0, by }, added());
    let counted = |at, count| op(at, at, at + 5, Call::Count { key: 0 }, Reply::Count { count });
    let append = |at, text: &str| op(at, at, at + 5, Call::Append { key: 0, text: text.into() }, written());
    let got = |at, text: &str| op(at, at, at + 5, Call::Get { key: 0 }, Reply::Text { text: text.into() });
    let set = op(0, 0, 5, Call::Put { key: 0, text: "x".into() }, written());
    let unseen = || lost(9, 11, Call::Dequeue { key: 0 });
    let (valid, invalid) = (Validity::Valid, Validity::Invalid);

    // An element that is put in twice.
    let twice = vec![put(0, 1), put(10, 1), took(20, Some(1)), took(30, Some(1))];
    assert_eq!(judge(FifoQueue, twice.clone()), (valid, Algorithm::Search));
    assert_eq!(judge(UnorderedQueue, twice), (valid, Algorithm::Search));
    // A queue that is empty only because of a dequeue that nobody saw the answer of.
    let emptied = vec![put(0, 1), unseen(), took(20, None)];
    assert_eq!(judge(FifoQueue, emptied.clone()), (valid, Algorithm::Search));
    assert_eq!(judge(UnorderedQueue, emptied), (valid, Algorithm::Search));
    // With it in the way of nothing, the rules decide.
    let taken = vec![put(0, 1), unseen(), put(20, 2), took(30, Some(2))];
    assert_eq!(judge(FifoQueue, taken.clone()), (valid, Algorithm::Queue));
    let taken = [taken, vec![put(21, 3), took(40, None)]].concat();
    assert_eq!(judge(FifoQueue, taken), (invalid, Algorithm::Search));
    let too_late = vec![put(0, 1), put(10, 2), took(20, Some(2)), lost(9, 30, Call::Dequeue { key: 0 })];
    assert_eq!(judge(FifoQueue, too_late), (invalid, Algorithm::Queue));

    assert_eq!(judge(Counter { initial: 5 }, vec![add(0, 2), add(10, 2), counted(20, 9)]), (valid, Algorithm::Counter));
    assert_eq!(judge(Counter { initial: 5 }, vec![add(0, -2), counted(10, 3)]), (valid, Algorithm::Counter));
    assert_eq!(judge(Counter { initial: 5 }, vec![add(0, 2), add(10, 3), counted(20, 10)]), (valid, Algorithm::Search));
    let most = i64::MAX;
    assert_eq!(judge(Counter { initial: most }, vec![add(0, 1), counted(9, i64::MIN)]), (valid, Algorithm::Search));

    assert_eq!(judge(Kv::default(), vec![append(0, "a"), append(10, "b"), got(20, "ab")]), (valid, Algorithm::Text));
    assert_eq!(judge(Kv::default(), vec![append(0, "a"), append(10, "a"), got(20, "aa")]), (valid, Algorithm::Search));
    assert_eq!(
        judge(Kv::default(), vec![append(0, "a"), append(10, "ab"), got(20, "aab")]),
        (valid, Algorithm::Search)
    );
    assert_eq!(judge(Kv::default(), vec![set, append(10, "a"), got(20, "xa")]), (valid, Algorithm::Search));
    assert_eq!(judge(Kv::default(), vec![append(0, ""), got(20, "")]), (valid, Algorithm::Search));
}

/// In a long history the evidence is the few operations that contradict each other, found without a search of the whole.
#[test]
fn what_contradicts_is_shown_alone() {
    let mut operations = Vec::new();
    for element in 0..20_000 {
        let at = 10 * element as u64;
        operations.push(op(element as u64 % 7, at, at + 40, Call::Enqueue { key: 0, element }, added()));
        let element = if element == 15_000 {
            15_009
        } else if element == 15_009 {
            15_000
        } else {
            element
        };
        let reply = Reply::Dequeued { element: Some(element) };
        operations.push(op(7 + element as u64 % 7, at + 200, at + 240, Call::Dequeue { key: 0 }, reply));
    }
    let history = history(operations);
    let verdict = Linearizable::new(FifoQueue).check(&history, &Budget::default());
    assert_eq!((verdict.validity, verdict.figures["keys_by_queue"]), (Validity::Invalid, 1.0));
    let minimal = verdict.anomalies[0].minimal.as_ref().unwrap();
    assert!(minimal.verified && minimal.smallest, "{minimal:?}");
    let told: Vec<String> = minimal
        .operations
        .iter()
        .map(|id| {
            let operation = &history.operations[*id as usize];
            format!("{} {}", operation.call, operation.outcome)
        })
        .collect();
    assert_eq!(told, ["enqueue 15000 ok", "enqueue 15009 ok", "dequeue 15009", "dequeue 15000"]);
}
