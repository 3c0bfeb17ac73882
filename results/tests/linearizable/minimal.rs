//! Smallest sets: each is invalid by the brute-force twin, and no single operation of it could be taken away.

use crate::legal;
use crate::twin::{Random, Shape, is_linearizable, is_linearizable_from, random_history};
use squall_results::call::{Call, Key, Reply, Value};
use squall_results::checker::linearizable::Linearizable;
use squall_results::model::{Model, Register};
use squall_results::verdict::{Minimal, Role};
use squall_results::{Anomaly, Budget, Checker, History, Operation, Outcome};

/// A register that does not say so: what holds for it holds for any model.
#[derive(Clone, Copy)]
pub struct Plain;

impl Model for Plain {
    type Call = Call;
    type Reply = Reply;
    type State = Option<Value>;

    fn name(&self) -> &'static str {
        "plain"
    }

    fn init(&self) -> Self::State {
        None
    }

    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String> {
        Register.step(state, call, reply)
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn show(&self, state: &Self::State) -> String {
        Register.show(state)
    }
}

/// Panics if the smallest set of the anomaly is none, by the twin.
pub fn minimal_holds(operations: &[Operation], anomaly: &Anomaly) {
    let minimal = anomaly.minimal.as_ref().unwrap();
    assert!(minimal.verified && minimal.smallest, "{anomaly:#?}");
    let contradiction = legal::with_role(anomaly, Role::Contradiction)[0];
    assert!(minimal.operations.contains(&contradiction.id) && !minimal.starts.is_empty(), "{anomaly:#?}");
    let kept: Vec<Operation> = operations
        .iter()
        .filter(|operation| minimal.operations.contains(&operation.id))
        .map(|operation| weakened(operation, contradiction, minimal))
        .collect();
    assert_eq!(kept.len(), minimal.operations.len());
    assert!(kept.iter().map(|operation| operation.id).eq(minimal.operations.iter().copied()), "by invocation");
    for start in starts(minimal) {
        assert!(!is_linearizable_from(&kept, start), "legal from {start:?}: {anomaly:#?}");
    }
    for gone in kept.iter().filter(|operation| operation.id != contradiction.id) {
        let rest: Vec<Operation> = kept.iter().filter(|operation| operation.id != gone.id).cloned().collect();
        let is_needed = starts(minimal).iter().any(|start| is_linearizable_from(&rest, *start));
        let is_cause = rest.iter().any(|other| may_rest_on(other, gone));
        assert!(is_needed || is_cause, "{gone:#?} could go: {anomaly:#?}");
    }
}

fn starts(minimal: &Minimal) -> Vec<Option<Value>> {
    minimal.starts.iter().map(|start| start.parse().ok()).collect()
}

/// What counts of an operation: only its effect, where the set says so, and not that it took place where it returned
/// after the contradiction.
fn weakened(operation: &Operation, contradiction: &Operation, minimal: &Minimal) -> Operation {
    let mut weakened = operation.clone();
    if let Call::Cas { key, value, .. } = operation.call
        && minimal.effect_only.contains(&operation.id)
    {
        weakened.call = Call::Write { key, value };
    }
    if operation.outcome.is_ok() && operation.returned_ns > contradiction.returned_ns {
        weakened.outcome = Outcome::Unknown("not over".into());
    }
    weakened
}

/// Whether `other` may be legal only because of what `cause` left.
fn may_rest_on(other: &Operation, cause: &Operation) -> bool {
    let (Call::Write { value, .. } | Call::Cas { value, .. }) = cause.call else { return false };
    if cause.reply() == Some(&Reply::NotEqual) {
        return false;
    }
    match (&other.call, other.reply()) {
        (Call::Read { .. }, Some(Reply::Read { value: read, .. })) => *read == Some(value),
        (Call::Cas { expect, .. }, Some(Reply::NotEqual)) => *expect != Some(value),
        (Call::Cas { expect, .. }, _) => *expect == Some(value),
        _ => false,
    }
}

fn judge<M: Model<Call = Call, Reply = Reply> + Send>(model: M, operations: &[Operation]) -> Anomaly {
    let history = History { operations: operations.to_vec(), ..History::default() };
    let verdict = Linearizable::new(model).check(&history, &Budget::default());
    legal::evidence_holds(&history, &verdict);
    verdict.anomalies.into_iter().next().unwrap()
}

#[test]
fn of_random_histories() {
    let mut random = Random(30);
    let (mut found, mut smaller) = (0, 0);
    for _ in 0..4_000 {
        let operations = random_history(&mut random, Shape { operations: (3, 9), ..Shape::TINY });
        if is_linearizable(&operations) {
            continue;
        }
        let of_register = judge(Register, &operations);
        minimal_holds(&operations, &of_register);
        let of_any_model = judge(Plain, &operations);
        minimal_holds(&operations, &of_any_model);
        found += 1;
        smaller += usize::from(of_any_model.minimal.unwrap().operations.len() < operations.len());
    }
    assert!(found > 1_500 && smaller > 1_500, "{found} {smaller}");
}

/// A key as long as a real one: what is left is small, whatever the model says of itself.
#[test]
fn of_long_histories() {
    let mut random = Random(31);
    let shape =
        Shape { operations: (150, 250), processes: 10, values: 5, crashed_percent: 2, wrong: false, ..Shape::TINY };
    for _ in 0..10 {
        let mut operations = random_history(&mut random, shape);
        let returns = operations.iter().map(|operation| operation.returned_ns.unwrap_or(operation.invoked_ns));
        let end_ns = returns.max().unwrap();
        let written = || Outcome::Ok(Reply::Written { version: None });
        let read = Outcome::Ok(Reply::Read { value: Some(77), version: None });
        let calls = [(Call::Write { key: 0, value: 77 }, written()), (Call::Write { key: 0, value: 78 }, written())];
        for (number, (call, outcome)) in (1..).zip(calls.into_iter().chain([(Call::Read { key: 0 }, read)])) {
            let at_ns = end_ns + 10 * number;
            let operation = crate::twin::operation(1000 + number, 1000, call, at_ns, Some(at_ns + 1), outcome);
            operations.push(operation);
        }
        for anomaly in [judge(Register, &operations), judge(Plain, &operations)] {
            let minimal = anomaly.minimal.as_ref().unwrap();
            assert!(minimal.verified && minimal.operations.len() <= 4, "{minimal:?}");
            assert_eq!(minimal.operations.last(), Some(&1003));
        }
    }
}

/// A sum to which a write adds: each of them matters to all that come later.
#[derive(Clone, Copy)]
struct Sum;

impl Model for Sum {
    type Call = Call;
    type Reply = Reply;
    type State = Value;

    fn name(&self) -> &'static str {
        "sum"
    }

    fn init(&self) -> Self::State {
        0
    }

    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String> {
        match (call, reply) {
            (Call::Write { value, .. }, _) => Ok(state + value),
            (_, Some(Reply::Read { value, .. })) if *value != Some(*state) => Err(format!("the sum is {state}")),
            _ => Ok(*state),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }
}

/// Where nothing can be taken away the past is told by what it led to.
#[test]
fn a_long_past_becomes_states() {
    let written = || Outcome::Ok(Reply::Written { version: None });
    let add = |id: u64, at_ns: u64, until_ns: u64| {
        crate::twin::operation(id, id, Call::Write { key: 0, value: 1 }, at_ns, Some(until_ns), written())
    };
    let read = |id: u64, value: Value, at_ns: u64| {
        let outcome = Outcome::Ok(Reply::Read { value: Some(value), version: None });
        crate::twin::operation(id, id, Call::Read { key: 0 }, at_ns, Some(at_ns + 3), outcome)
    };
    let mut operations: Vec<Operation> = (0..50).map(|id| add(id, 10 * id, 10 * id + 5)).collect();
    // Two are open at once, then nobody sees them.
    operations.extend([add(50, 500, 520), add(51, 510, 530), read(52, 51, 540)]);
    let history = History { operations, ..History::default() };
    let verdict = Linearizable::new(Sum).check(&history, &Budget::default());
    let anomaly = &verdict.anomalies[0];
    let minimal = anomaly.minimal.as_ref().unwrap();
    assert_eq!((minimal.starts.as_slice(), minimal.after_ns), (&["52".to_owned()][..], Some(530)));
    assert_eq!(minimal.operations, [52]);
    assert!(minimal.verified && minimal.smallest);
    assert!(anomaly.told.contains("It has no legal order, from 52, as it was at 0.000000530 s"), "{}", anomaly.told);
}
