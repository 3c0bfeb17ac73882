//! The rules for special objects against the twin, and against the search.

use crate::courses::Random;
use crate::history::{added, history, lost, op, written};
use crate::random::{Asked, Shape, found, random_history};
use crate::twin::is_linearizable;
use squall_results::call::{Call, Reply, Value, Version};
use squall_results::checker::linearizable::{Algorithm, Course, Linearizable, Reductions};
use squall_results::checker::versions::VersionedRegisters;
use squall_results::model::{
    Counter, FencedLock, FifoQueue, Kv, MultiRegister, Mutex, OwnedCall, OwnerMutex, UnorderedQueue, VersionedRegister,
};
use squall_results::{Budget, Checker, History, Model, Operation, Outcome, Validity};

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
        (Call::Put { text, .. }, _) => vec![text.clone()],
        (_, Some(Reply::Text { text })) if text != holds => vec![],
        _ => vec![holds.clone()],
    }
}

fn texts(operation: &Operation, holds: &[String; 3]) -> Vec<[String; 3]> {
    let key = operation.call.key() as usize;
    let with = |text: String| {
        let mut after = holds.clone();
        after[key] = text;
        after
    };
    text(operation, &holds[key]).into_iter().map(with).collect()
}

fn registers(operation: &Operation, holds: &[Option<Value>; 3]) -> Vec<[Option<Value>; 3]> {
    let Call::Transaction { steps } = &operation.call else { return vec![] };
    let mut after = *holds;
    let would_find = found(steps, &mut after);
    match reply(operation) {
        Some(Reply::Committed { found }) if *found != would_find => vec![],
        _ => vec![after],
    }
}

fn lock(operation: &Operation, held: &bool) -> Vec<bool> {
    match (&operation.call, reply(operation)) {
        (_, Some(Reply::NotHeld { .. })) if !held => vec![false],
        (_, Some(Reply::NotHeld { .. })) => vec![],
        // One without an answer changes nothing if it finds what it wants.
        (Call::Acquire { .. }, answered) if answered.is_none() || !held => vec![true],
        (Call::Release { .. }, answered) if answered.is_none() || *held => vec![false],
        _ => vec![],
    }
}

/// Later than any token or version of a small history.
const LAST: u64 = 16;

/// Who holds the lock, and the last token.
type Held = (Option<u64>, Option<u64>);

fn owned(operation: &Operation, (by, last): &Held) -> Vec<Held> {
    let (process, is_own) = (operation.process, *by == Some(operation.process));
    match (&operation.call, reply(operation)) {
        (Call::Acquire { .. }, None) if by.is_some() => vec![(*by, *last)],
        (Call::Acquire { .. }, None) => {
            (last.map_or(0, |last| last + 1)..=LAST).map(|token| (Some(process), Some(token))).collect()
        }
        (Call::Acquire { .. }, Some(Reply::Acquired { token, .. })) if by.is_none() && Some(*token) > *last => {
            vec![(Some(process), Some(*token))]
        }
        (Call::Release { .. }, Some(Reply::Released { .. })) if is_own => vec![(None, *last)],
        (Call::Release { .. }, Some(Reply::NotHeld { .. })) if !is_own => vec![(*by, *last)],
        (Call::Release { .. }, None) => vec![(if is_own { None } else { *by }, *last)],
        _ => vec![],
    }
}

/// As if no answer had told a token.
fn owned_without_tokens(operation: &Operation, (by, _): &Held) -> Vec<Held> {
    let mut operation = operation.clone();
    if let Outcome::Ok(Reply::Acquired { token, .. }) = &mut operation.outcome {
        *token = 0;
    }
    owned(&operation, &(*by, None)).into_iter().take(1).map(|(by, _)| (by, None)).collect()
}

/// A value, the version of it, and how many writes there were.
type Cell = (Option<Value>, u64, u64);

fn versioned(operation: &Operation, cell: &Cell) -> Vec<Cell> {
    let (value, order, edits) = *cell;
    let fits = |version: &Option<Version>, (_, order, edits): &Cell| {
        version.is_none_or(|told| told.order == *order && told.edits.is_none_or(|told| told == *edits))
    };
    let write = |value: Value, version: &Option<Version>| {
        let after = (order + 1..=LAST).map(|order| (Some(value), order, edits + 1));
        after.filter(|after| fits(version, after)).collect()
    };
    match (&operation.call, reply(operation)) {
        (Call::Read { .. }, Some(Reply::Read { value: found, version })) if *found == value && fits(version, cell) => {
            vec![*cell]
        }
        (Call::Read { .. }, None) => vec![*cell],
        (Call::Write { value, .. }, Some(Reply::Written { version })) => write(*value, version),
        (Call::Write { value, .. }, None) => write(*value, &None),
        (Call::Cas { expect, value: then, .. }, Some(Reply::Written { version })) if *expect == value => {
            write(*then, version)
        }
        (Call::Cas { expect, value: then, .. }, None) if *expect == value => write(*then, &None),
        (Call::Cas { .. }, None) => vec![*cell],
        (Call::Cas { expect, .. }, Some(Reply::NotEqual)) if *expect != value => vec![*cell],
        _ => vec![],
    }
}

/// Panics if twin, rules and search do not all say the same; who decided.
fn agrees<M: Model + Copy>(model: M, operations: &[Operation<M::Call, M::Reply>], legal: bool) -> Algorithm {
    let of_key: Vec<&Operation<M::Call, M::Reply>> = operations.iter().collect();
    let expected = if legal { Validity::Valid } else { Validity::Invalid };
    let (searched, _) = Linearizable::with_course(model, Course::Search).check_key_by(&of_key, &Budget::default());
    assert_eq!(searched, expected, "by the search:\n{operations:#?}");
    let (found, by) = Linearizable::new(model).check_key_by(&of_key, &Budget::default());
    assert_eq!(found, expected, "by {by:?}:\n{operations:#?}");
    by
}

/// The same where the search decides: whatever it leaves out, it says the same.
fn agrees_by_search<M: Model<Call = Call, Reply = Reply> + Clone>(
    model: M,
    operations: &[Operation],
    legal: bool,
) -> Algorithm {
    let of_key: Vec<&Operation> = operations.iter().collect();
    let expected = if legal { Validity::Valid } else { Validity::Invalid };
    let by_turns = operations.iter().map(|operation| operation.invoked_ns as usize).sum::<usize>();
    let (all, none) = (Reductions::ALL, Reductions::NONE);
    let some = [
        none,
        Reductions { depth_first: false, ..all },
        Reductions { commuting: false, ..all },
        Reductions { commuting: true, ..none },
        Reductions { depth_first: true, ..none },
        Reductions { commuting: true, depth_first: true, ..none },
    ];
    for reductions in [all, some[by_turns % some.len()]] {
        let (found, _) =
            Linearizable::with_reductions(model.clone(), reductions).check_key_by(&of_key, &Budget::default());
        assert_eq!(found, expected, "with {reductions:?}:\n{operations:#?}");
    }
    Linearizable::new(model).check_key_by(&of_key, &Budget::default()).1
}

/// The same for versioned registers, which have a checker of their own.
fn agrees_by_versions(operations: Vec<Operation>, legal: bool) -> Algorithm {
    let by = agrees(VersionedRegister, &operations, legal);
    let history = History { operations, ..History::default() };
    let found = VersionedRegisters.check(&history, &Budget::default());
    assert_eq!(found.validity == Validity::Valid, legal, "{}:\n{:#?}", found.reason, history.operations);
    by
}

/// Compares one random history; whether it is legal, and who decided.
pub fn compare(random: &mut Random, shape: Shape) -> (bool, Algorithm) {
    let operations = random_history(random, shape);
    let legal = match shape.object {
        Asked::Fifo => is_linearizable(&operations, vec![], |operation, holds| queue(operation, holds, |at| at == 0)),
        Asked::Unordered => is_linearizable(&operations, vec![], |operation, holds| queue(operation, holds, |_| true)),
        Asked::Counter => is_linearizable(&operations, 0, counter),
        Asked::Text | Asked::Repeated => is_linearizable(&operations, String::new(), text),
        Asked::Store => is_linearizable(&operations, Default::default(), texts),
        Asked::Registers => is_linearizable(&operations, [None; 3], registers),
        Asked::Mutex => is_linearizable(&operations, false, lock),
        Asked::Owner => is_linearizable(&operations, (None, None), owned_without_tokens),
        Asked::Fenced => is_linearizable(&operations, (None, None), owned),
        Asked::Versioned => is_linearizable(&operations, (None, 0, 0), versioned),
    };
    let owned = || -> Vec<Operation<OwnedCall>> { operations.iter().map(OwnedCall::of).collect() };
    let by = match shape.object {
        Asked::Fifo => agrees(FifoQueue, &operations, legal),
        Asked::Unordered => agrees(UnorderedQueue, &operations, legal),
        Asked::Counter => agrees(Counter { initial: 0 }, &operations, legal),
        Asked::Text | Asked::Repeated => agrees(Kv::default(), &operations, legal),
        Asked::Store => agrees_by_search(Kv { whole: true }, &operations, legal),
        Asked::Registers => agrees_by_search(MultiRegister::default(), &operations, legal),
        Asked::Mutex => agrees(Mutex, &operations, legal),
        Asked::Owner => agrees(OwnerMutex, &owned(), legal),
        Asked::Fenced => agrees(FencedLock, &owned(), legal),
        Asked::Versioned => agrees_by_versions(operations, legal),
    };
    (legal, by)
}

/// Fifteen thousand histories, more than a hundred thousand in all; `rules` says who has to decide so many in a hundred
/// of them.
fn many(object: Asked, seed: u64, rules: Algorithm, by_rules_percent: u64) {
    const HISTORIES: u64 = 15_000;
    let most = if object == Asked::Versioned { 7 } else { 9 };
    let mut random = Random(seed);
    let (mut legal, mut by_rules) = (0, 0);
    for number in 0..HISTORIES {
        let (is_legal, by) = compare(&mut random, Shape::by_turns(object, number, most));
        legal += u64::from(is_legal);
        by_rules += u64::from(by == rules);
    }
    assert!(legal * 10 > HISTORIES * 2 && legal * 10 < HISTORIES * 9, "{legal} of {HISTORIES} are legal");
    assert!(by_rules * 100 > HISTORIES * by_rules_percent, "{by_rules} of {HISTORIES} are decided by {rules:?}");
}

#[test]
fn queues_with_an_order() {
    many(Asked::Fifo, 1, Algorithm::Queue, 98);
}

#[test]
fn queues_without_an_order() {
    many(Asked::Unordered, 2, Algorithm::Queue, 99);
}

#[test]
fn counters_of_equal_steps() {
    many(Asked::Counter, 3, Algorithm::Counter, 99);
}

#[test]
fn texts_of_unique_pieces() {
    many(Asked::Text, 4, Algorithm::Text, 99);
}

/// Where it stays open whose piece was got the search decides.
#[test]
fn texts_of_few_different_pieces() {
    many(Asked::Repeated, 9, Algorithm::Text, 25);
}

#[test]
fn texts_that_are_one_object() {
    many(Asked::Store, 10, Algorithm::Search, 99);
}

#[test]
fn registers_that_are_one_object() {
    many(Asked::Registers, 11, Algorithm::Search, 99);
}

#[test]
fn locks_that_anybody_may_give_back() {
    many(Asked::Mutex, 5, Algorithm::Lock, 99);
}

/// Where a process seems to do two things at one instant the search decides.
#[test]
fn locks_that_only_their_owner_gives_back() {
    many(Asked::Owner, 6, Algorithm::Lock, 30);
}

#[test]
fn locks_with_tokens() {
    many(Asked::Fenced, 7, Algorithm::Lock, 30);
}

#[test]
fn registers_with_versions() {
    many(Asked::Versioned, 8, Algorithm::Search, 99);
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
    // Dequeues that nobody saw the answer of explain one element that is gone each.
    let emptied = vec![put(0, 1), unseen(), took(20, None)];
    assert_eq!(judge(FifoQueue, emptied.clone()), (valid, Algorithm::Queue));
    assert_eq!(judge(UnorderedQueue, emptied), (valid, Algorithm::Queue));
    let taken = vec![put(0, 1), unseen(), put(20, 2), took(30, Some(2))];
    assert_eq!(judge(FifoQueue, taken.clone()), (valid, Algorithm::Queue));
    let taken = [taken, vec![put(21, 3), took(40, None)]].concat();
    assert_eq!(judge(FifoQueue, taken.clone()), (invalid, Algorithm::Queue));
    assert_eq!(judge(UnorderedQueue, taken), (invalid, Algorithm::Queue));
    let too_late = vec![put(0, 1), put(10, 2), took(20, Some(2)), lost(9, 30, Call::Dequeue { key: 0 })];
    assert_eq!(judge(FifoQueue, too_late), (invalid, Algorithm::Queue));

    assert_eq!(judge(Counter { initial: 5 }, vec![add(0, 2), add(10, 2), counted(20, 9)]), (valid, Algorithm::Counter));
    assert_eq!(judge(Counter { initial: 5 }, vec![add(0, -2), counted(10, 3)]), (valid, Algorithm::Counter));
    assert_eq!(judge(Counter { initial: 5 }, vec![add(0, 2), add(10, 3), counted(20, 10)]), (valid, Algorithm::Search));
    let most = i64::MAX;
    assert_eq!(judge(Counter { initial: most }, vec![add(0, 1), counted(9, i64::MIN)]), (valid, Algorithm::Search));

    // A read of less after a read of more: between them there is no time for a step, however long one was called for.
    let long = op(9, 0, 100, Call::Increase { key: 0, by: 1 }, added());
    let back = vec![long, counted(10, 1), counted(20, 0)];
    assert_eq!(judge(Counter { initial: 0 }, back), (invalid, Algorithm::Counter));
    let doubtful = vec![lost(9, 0, Call::Increase { key: 0, by: 1 }), counted(10, 1), counted(20, 0)];
    assert_eq!(judge(Counter { initial: 0 }, doubtful), (invalid, Algorithm::Counter));

    assert_eq!(judge(Kv::default(), vec![append(0, "a"), append(10, "b"), got(20, "ab")]), (valid, Algorithm::Text));
    // Which of two equal pieces was got is certain where one was over before the other, or overwritten.
    let twice = |texts: &[&str]| {
        let mut operations = vec![append(0, "a"), append(10, "a")];
        operations.extend(texts.iter().zip(2..).map(|(text, at)| got(10 * at, text)));
        operations
    };
    assert_eq!(judge(Kv::default(), twice(&["aa"])), (valid, Algorithm::Text));
    assert_eq!(judge(Kv::default(), twice(&["a"])), (invalid, Algorithm::Search));
    assert_eq!(judge(Kv::default(), twice(&["aa", "aaa"])), (invalid, Algorithm::Text));
    let at_once = vec![append(0, "a"), append(2, "a"), got(20, "aa")];
    assert_eq!(judge(Kv::default(), at_once), (valid, Algorithm::Search));
    let put_again = vec![append(0, "a"), set.clone(), append(10, "a"), got(20, "xa"), got(30, "xa")];
    assert_eq!(judge(Kv::default(), put_again), (valid, Algorithm::Search));
    let put_later = |text| {
        let put = op(0, 10, 15, Call::Put { key: 0, text: "x".into() }, written());
        vec![append(0, "a"), put, append(20, "a"), got(30, text)]
    };
    assert_eq!(judge(Kv::default(), put_later("xa")), (valid, Algorithm::Text));
    assert_eq!(judge(Kv::default(), put_later("xaa")), (invalid, Algorithm::Text));
    // What one text leaves open another one tells.
    let told = vec![append(0, "a"), append(2, "b"), append(4, "a"), got(20, "aba")];
    assert_eq!(judge(Kv::default(), told), (valid, Algorithm::Search));
    let long = |from, until, text: &str| op(0, from, until, Call::Append { key: 0, text: text.into() }, written());
    let told = vec![long(0, 30, "a"), got(3, "a"), long(4, 25, "b"), long(10, 30, "a"), got(40, "aba")];
    assert_eq!(judge(Kv::default(), told), (valid, Algorithm::Text));
    assert_eq!(
        judge(Kv::default(), vec![append(0, "a"), append(10, "ab"), got(20, "aab")]),
        (valid, Algorithm::Search)
    );
    let after_put = |at, text| vec![set.clone(), append(10, "a"), got(at, text)];
    assert_eq!(judge(Kv::default(), after_put(20, "xa")), (valid, Algorithm::Text));
    assert_eq!(judge(Kv::default(), after_put(12, "x")), (valid, Algorithm::Text));
    assert_eq!(judge(Kv::default(), after_put(20, "x")), (invalid, Algorithm::Text));
    assert_eq!(judge(Kv::default(), after_put(20, "ax")), (invalid, Algorithm::Text));
    let again = [after_put(20, "xa"), vec![op(0, 30, 35, Call::Put { key: 0, text: "x".into() }, written())]].concat();
    assert_eq!(judge(Kv::default(), again), (valid, Algorithm::Text));
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

/// One text of a store is wrong after many were appended to at once: it alone is looked at, in any order of the others.
#[test]
fn what_commutes_is_not_tried_in_every_order() {
    let append = |key: u64| {
        let call = Call::Append { key, text: format!("{key};") };
        op(key, key, 100 + key, call, written())
    };
    let got = |key, text: &str| op(50 + key, 200, 300, Call::Get { key }, Reply::Text { text: text.into() });
    let mut operations: Vec<Operation> = (0..40).map(append).collect();
    operations.extend([got(3, "3;"), got(4, "")]);
    let history = history(operations);
    let verdict = Linearizable::new(Kv { whole: true }).check(&history, &Budget::default());
    assert_eq!(verdict.validity, Validity::Invalid);
    assert!(verdict.figures["configurations"] < 200.0, "{:?}", verdict.figures);
    let [anomaly] = verdict.anomalies.as_slice() else { panic!("{:?}", verdict.anomalies) };
    assert!(!anomaly.prefixes.is_empty());
    // It is enough to know what the store holds after them.
    let minimal = anomaly.minimal.as_ref().unwrap();
    assert!(minimal.verified && minimal.operations.len() == 1 && minimal.after_ns == Some(139), "{minimal:?}");
}
