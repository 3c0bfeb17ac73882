//! Versioned registers against the twin: the checkers `versions` and `sequential`.

use crate::random::{Random, by_invocation, plan};
use crate::twin::{is_legal, returned_before};
use squall_results::call::{Call, Key, Reply, Value, Version};
use squall_results::checker::linearizable::Linearizable;
use squall_results::checker::sequential::Sequential;
use squall_results::checker::versions::Versions;
use squall_results::model::Register;
use squall_results::{Budget, Checker, History, Operation, Outcome, Promise, Validity};
use std::collections::BTreeMap;

/// What a versioned store holds: of each key the value, its version (0: unknown) and the number of its writes.
#[derive(Debug, Clone, Default)]
pub struct Store {
    cells: BTreeMap<Key, (Option<Value>, u64, u64)>,
    newest: u64,
}

impl Store {
    fn cell(&self, key: Key) -> (Option<Value>, u64, u64) {
        self.cells.get(&key).copied().unwrap_or_default()
    }
}

/// The versions of crashed writes, which the reads of their values show, put where the twin finds them: into the instant
/// at which they were due, which no checker looks at.
fn with_versions(operations: &[Operation]) -> Vec<Operation> {
    let mut operations = operations.to_vec();
    let mut shown: BTreeMap<(Key, Value), u64> = BTreeMap::new();
    for operation in &operations {
        if let Some(Reply::Read { value: Some(value), version: Some(version) }) = operation.reply() {
            shown.insert((operation.call.key(), *value), version.order);
        }
    }
    for operation in &mut operations {
        operation.due_ns = match (&operation.call, &operation.outcome) {
            (_, Outcome::Ok(Reply::Written { version })) => version.map_or(0, |version| version.order),
            (Call::Write { key, value } | Call::Cas { key, value, .. }, Outcome::Unknown(_)) => {
                shown.get(&(*key, *value)).copied().unwrap_or(0)
            }
            _ => 0,
        };
    }
    operations
}

/// A versioned store, straight from the words: versions number the writes in their order, edits count those of a key.
pub fn apply(operation: &Operation, state: &Store) -> Option<Store> {
    let key = operation.call.key();
    let (held, order, edits) = state.cell(key);
    let fits = |version: &Option<Version>, order: u64, edits: u64| {
        version.is_none_or(|version| version.order == order && version.edits.is_none_or(|told| told == edits))
    };
    let write = |value: Value, version: &Option<Version>| {
        let is_next = operation.due_ns == 0 || operation.due_ns > state.newest;
        let mut after = state.clone();
        after.newest = state.newest.max(operation.due_ns);
        after.cells.insert(key, (Some(value), operation.due_ns, edits + 1));
        (is_next && fits(version, operation.due_ns, edits + 1)).then_some(after)
    };
    match (&operation.call, &operation.outcome) {
        (Call::Read { .. }, Outcome::Ok(Reply::Read { value, version })) => {
            (*value == held && fits(version, order, edits)).then(|| state.clone())
        }
        (Call::Write { value, .. }, Outcome::Ok(Reply::Written { version })) => write(*value, version),
        (Call::Cas { expect, value, .. }, Outcome::Ok(Reply::Written { version })) => {
            if *expect == held {
                write(*value, version)
            } else {
                None
            }
        }
        (Call::Cas { expect, .. }, Outcome::Ok(Reply::NotEqual)) => (*expect != held).then(|| state.clone()),
        (Call::Write { value, .. }, Outcome::Unknown(_)) => write(*value, &None),
        (Call::Cas { expect, value, .. }, Outcome::Unknown(_)) if *expect == held => write(*value, &None),
        // A swap in vain; one that was seen was not in vain.
        (Call::Cas { .. }, Outcome::Unknown(_)) => (operation.due_ns == 0).then(|| state.clone()),
        _ => Some(state.clone()),
    }
}

/// What random histories look like.
#[derive(Clone, Copy)]
pub struct Shape {
    pub keys: u64,
    pub crashed_percent: u64,
    /// How many reads in a hundred find an older state that their process has not passed yet, and any older state.
    pub old_percent: u64,
    pub back_percent: u64,
    /// How many versions in a hundred are wrong.
    pub wrong_percent: u64,
    pub versions: bool,
}

/// A random shape.
pub fn shape(random: &mut Random, keys: u64) -> Shape {
    let mut some = |percent: u64| if random.chance(50) { 0 } else { random.below(percent) };
    let (crashed_percent, old_percent) = (some(30), some(100));
    Shape { keys, crashed_percent, old_percent, back_percent: some(80), wrong_percent: some(25), versions: true }
}

/// A random history of registers whose written values are unique.
pub fn random_history(random: &mut Random, shape: Shape) -> Vec<Operation> {
    let (count, processes) = (3 + random.below(5), 2 + random.below(2));
    let planned = plan(random, count, processes, shape.crashed_percent, |random, id| {
        let (key, value) = (random.below(shape.keys), 1 + id as Value);
        match random.below(10) {
            0..5 => Call::Read { key },
            5..8 => Call::Write { key, value },
            _ => Call::Cas { key, expect: random.chance(80).then(|| 1 + random.below(count) as Value), value },
        }
    });
    let mut states = vec![Store::default()];
    let mut floors: BTreeMap<u64, usize> = BTreeMap::new();
    let mut operations = Vec::new();
    for planned in planned {
        let mut operation = planned.operation;
        let key = operation.call.key();
        let newest = states.len() - 1;
        let floor = floors.entry(operation.process).or_default();
        let wrong = |random: &mut Random| if random.chance(shape.wrong_percent) { random.below(2) } else { 0 };
        let (held, ..) = states[newest].cell(key);
        let mut write = |random: &mut Random, value: Value| {
            let mut after = states[newest].clone();
            after.newest += 1 + random.below(2);
            let edits = after.cell(key).2 + 1;
            after.cells.insert(key, (Some(value), after.newest, edits));
            let version = Version { order: after.newest + wrong(random), edits: Some(edits + wrong(random)) };
            states.push(after);
            Reply::Written { version: Some(version) }
        };
        let reply = match operation.call {
            Call::Read { .. } => {
                let at = match (random.chance(shape.back_percent), random.chance(shape.old_percent)) {
                    (true, _) => random.below(newest as u64 + 1) as usize,
                    (_, true) => *floor + random.below((newest - *floor) as u64 + 1) as usize,
                    _ => newest,
                };
                *floor = at;
                let (value, order, edits) = states[at].cell(key);
                let order = if value.is_some() { order + wrong(random) } else { 0 };
                let edits = value.is_some().then_some(edits);
                Reply::Read { value, version: Some(Version { order, edits }) }
            }
            Call::Write { value, .. } => {
                *floor = newest + 1;
                write(random, value)
            }
            Call::Cas { expect, value, .. } if expect == held => {
                *floor = newest + 1;
                write(random, value)
            }
            _ => Reply::NotEqual,
        };
        operation.outcome = match (planned.crashes, random.chance(5)) {
            (true, _) => Outcome::Unknown("no answer".into()),
            (false, true) if operation.call.kind().only_observes() => Outcome::Fail("refused".into()),
            _ => Outcome::Ok(reply),
        };
        if !shape.versions
            && let Outcome::Ok(Reply::Read { version, .. } | Reply::Written { version }) = &mut operation.outcome
        {
            *version = None;
        }
        operations.push(operation);
    }
    by_invocation(operations)
}

pub fn judge(checker: &dyn Checker, operations: &[Operation]) -> Validity {
    let history = History { operations: operations.to_vec(), ..History::default() };
    checker.check(&history, &Budget::default()).validity
}

fn no_more(_: &Operation, _: &Operation) -> bool {
    false
}

/// Writes take effect in real time, as `versions` assumes at either promise.
fn writes_by_time(one: &Operation, other: &Operation) -> bool {
    !other.call.kind().only_observes() && returned_before(one, other)
}

/// Whether the twin says that a history of versioned registers is legal.
pub fn twin(operations: &[Operation], promise: Promise, by_time: bool) -> bool {
    let operations = with_versions(operations);
    is_legal(&operations, promise, &Store::default(), apply, if by_time { writes_by_time } else { no_more })
}

/// Whether a crashed call of a history may have written something.
fn may_have_crashed(operations: &[Operation]) -> bool {
    let changes = |operation: &&Operation| !operation.call.kind().only_observes();
    operations.iter().filter(changes).any(|operation| operation.outcome.is_unknown())
}

/// The same history without numbers of edits, which `sequential` does not look at.
pub fn without_edits(operations: &mut [Operation]) {
    for operation in operations {
        if let Outcome::Ok(Reply::Read { version: Some(version), .. } | Reply::Written { version: Some(version) }) =
            &mut operation.outcome
        {
            version.edits = None;
        }
    }
}

#[test]
fn versions_accuse_nobody_falsely_and_decide_where_all_are_known() {
    let mut random = Random(5);
    let (mut legal, mut caught, mut decided) = (0, 0, 0);
    for round in 0..100_000 {
        let shape = shape(&mut random, 1 + round % 2);
        let operations = random_history(&mut random, shape);
        for promise in Promise::ALL {
            let is_legal = twin(&operations, promise, promise == Promise::Sequential);
            let found = judge(&Versions { promise }, &operations);
            assert!(!is_legal || found == Validity::Valid, "{found} at {promise}, but it is legal: {operations:#?}");
            legal += usize::from(is_legal);
            caught += usize::from(!is_legal && found == Validity::Invalid);
            let all_known = shape.keys == 1 && promise == Promise::Linearizable && !may_have_crashed(&operations);
            if all_known {
                assert_eq!(found == Validity::Valid, is_legal, "{found}: {operations:#?}");
                decided += 1;
            }
        }
    }
    assert!(legal > 40_000 && caught > 20_000 && decided > 10_000, "{legal} legal, {caught} caught, {decided} decided");
}

#[test]
fn sequential_agrees_with_the_twin() {
    let mut random = Random(6);
    let mut counts: BTreeMap<Validity, usize> = BTreeMap::new();
    let mut not_linearizable = 0;
    for round in 0..100_000 {
        let mut shape = shape(&mut random, 2);
        if round % 2 == 0 {
            shape = Shape { back_percent: 90, wrong_percent: 0, ..shape };
        }
        let mut operations = random_history(&mut random, shape);
        without_edits(&mut operations);
        let found = agrees_as_sequential(&operations);
        *counts.entry(found).or_default() += 1;
        let linearizable = || judge(&Linearizable::new(Register), &operations) == Validity::Valid;
        not_linearizable += usize::from(found == Validity::Valid && !linearizable());
    }
    assert!(counts[&Validity::Valid] > 20_000 && counts[&Validity::Invalid] > 3_000, "{counts:?}");
    assert!(counts[&Validity::Unknown] < 10_000 && not_linearizable > 3_000, "{counts:?}, {not_linearizable} old");
}

/// Panics if `sequential` and the twin disagree; where versions contradict each other, or crashed writes leave doubt, the
/// checker may say that it does not know.
pub fn agrees_as_sequential(operations: &[Operation]) -> Validity {
    let legal = twin(operations, Promise::Sequential, false);
    let found = judge(&Sequential, operations);
    let expected = if legal { Validity::Valid } else { Validity::Invalid };
    let contradict = judge(&Versions { promise: Promise::Sequential }, operations) == Validity::Invalid;
    let may_doubt = may_have_crashed(operations) || contradict;
    assert!(found == expected || found == Validity::Unknown && may_doubt, "{found}, not {expected}: {operations:#?}");
    found
}

#[test]
fn sequential_agrees_with_the_twin_by_values_alone() {
    let mut random = Random(7);
    let mut illegal = 0;
    const HISTORIES: usize = 20_000;
    for _ in 0..HISTORIES {
        let shape = Shape { versions: false, wrong_percent: 0, back_percent: 70, ..shape(&mut random, 2) };
        let operations = random_history(&mut random, shape);
        let legal = twin(&operations, Promise::Sequential, false);
        let found = judge(&Sequential, &operations);
        let expected = if legal { Validity::Valid } else { Validity::Invalid };
        // Where every write crashed there are versions to be missed by nobody.
        let doubt = found == Validity::Unknown && may_have_crashed(&operations);
        assert!(found == expected || doubt, "{found}, not {expected}: {operations:#?}");
        illegal += usize::from(!legal);
    }
    assert!(illegal > HISTORIES / 20, "{illegal} are illegal");
}
