//! The list of models: every name leads to a checker that accepts what is right and accuses what is wrong.

use crate::history::{added, history, op, read, version, write, written};
use squall_results::call::{Call, ListStep, Reply, Step, Value};
use squall_results::model::NilRead;
use squall_results::models::{self, ModelOptions};
use squall_results::{Budget, Operation, Outcome, Validity};
use std::collections::{BTreeMap, BTreeSet};

fn judge(model: &str, options: &ModelOptions, operations: Vec<Operation>) -> Validity {
    let checker = models::find(model).unwrap().make(options).unwrap();
    checker.check(&history(operations), &Budget::default()).validity
}

/// Operations one after the other, each by a process of its own.
fn in_turn(calls: &[(Call, Reply)]) -> Vec<Operation> {
    let at = |(number, (call, reply)): (usize, &(Call, Reply))| {
        let number = number as u64;
        op(number, 10 * number, 10 * number + 5, call.clone(), reply.clone())
    };
    calls.iter().enumerate().map(at).collect()
}

fn acquired(token: u64) -> (Call, Reply) {
    (Call::Acquire { key: 0 }, Reply::Acquired { token, until_ns: None })
}

fn released() -> (Call, Reply) {
    (Call::Release { key: 0 }, Reply::Released { until_ns: None })
}

fn put(element: Value) -> (Call, Reply) {
    (Call::Enqueue { key: 0, element }, added())
}

fn took(element: Value) -> (Call, Reply) {
    (Call::Dequeue { key: 0 }, Reply::Dequeued { element: Some(element) })
}

fn versioned(order: u64) -> (Call, Reply) {
    (Call::Write { key: 0, value: order as Value }, Reply::Written { version: version(order, order) })
}

fn committed(key: u64, value: Value, found: Option<Value>) -> (Call, Reply) {
    let steps = vec![Step::Read { key }, Step::Write { key, value }];
    (Call::Transaction { steps }, Reply::Committed { found: vec![found] })
}

fn listed(element: Value, found: &[Value]) -> (Call, Reply) {
    let steps = vec![ListStep::Read { key: 0 }, ListStep::Append { key: 0, element }];
    (Call::ListTransaction { steps }, Reply::CommittedLists { found: vec![found.to_vec()] })
}

fn got(text: &str) -> (Call, Reply) {
    (Call::Get { key: 0 }, Reply::Text { text: text.into() })
}

fn appended(text: &str) -> (Call, Reply) {
    (Call::Append { key: 0, text: text.into() }, written())
}

fn elements(elements: &[Value]) -> (Call, Reply) {
    (Call::Elements { key: 0 }, Reply::Elements { elements: elements.to_vec(), version: None })
}

fn add(element: Value) -> (Call, Reply) {
    (Call::Add { key: 0, element }, added())
}

fn counted(count: i64) -> (Call, Reply) {
    (Call::Count { key: 0 }, Reply::Count { count })
}

fn accounts(balances: &[i64]) -> (Call, Reply) {
    (Call::Accounts { key: 0 }, Reply::Accounts { balances: (0..).zip(balances.iter().copied()).collect() })
}

fn opened(balances: &[i64]) -> (Call, Reply) {
    (Call::Open { key: 0, balances: balances.to_vec() }, Reply::Opened)
}

fn moved(amount: i64) -> (Call, Reply) {
    (Call::Transfer { key: 0, from: 0, to: 1, amount }, Reply::Transferred)
}

/// Of one process, or of process 1 and 2 by turns.
fn by_owners(mut operations: Vec<Operation>, owners: &[u64]) -> Vec<Operation> {
    operations.iter_mut().zip(owners).for_each(|(operation, owner)| operation.process = *owner);
    operations
}

#[test]
fn every_model_accepts_what_is_right_and_accuses_what_is_wrong() {
    let cas = |expect, value, reply| (Call::Cas { key: 0, expect: Some(expect), value }, reply);
    let increase = |by| (Call::Increase { key: 0, by }, added());
    let cases: Vec<(&str, Vec<Operation>, Vec<Operation>)> = vec![
        ("register", in_turn(&[write(1), read(1)]), in_turn(&[write(1), read(2)])),
        (
            "cas-register",
            in_turn(&[write(1), cas(1, 2, written()), read(2)]),
            in_turn(&[write(1), cas(1, 2, Reply::NotEqual)]),
        ),
        ("versioned-register", in_turn(&[versioned(1), versioned(2)]), in_turn(&[versioned(2), versioned(1)])),
        (
            "multi-register",
            in_turn(&[committed(0, 1, None), committed(1, 1, None), committed(0, 2, Some(1))]),
            in_turn(&[committed(0, 1, None), committed(0, 2, None)]),
        ),
        ("list-append", in_turn(&[listed(1, &[]), listed(2, &[1])]), in_turn(&[listed(1, &[]), listed(2, &[])])),
        (
            "rw-register",
            in_turn(&[committed(0, 1, None), committed(0, 2, Some(1))]),
            in_turn(&[committed(0, 1, None), committed(0, 2, None)]),
        ),
        (
            "kv",
            in_turn(&[appended("a"), appended("b"), got("ab")]),
            in_turn(&[appended("a"), appended("b"), got("ba")]),
        ),
        ("mutex", in_turn(&[acquired(0), released(), acquired(0)]), in_turn(&[acquired(0), acquired(0)])),
        (
            "owner-mutex",
            by_owners(in_turn(&[acquired(0), released(), acquired(0)]), &[1, 1, 2]),
            by_owners(in_turn(&[acquired(0), released()]), &[1, 2]),
        ),
        (
            "fenced-lock",
            by_owners(in_turn(&[acquired(4), released(), acquired(7)]), &[1, 1, 2]),
            by_owners(in_turn(&[acquired(4), released(), acquired(4)]), &[1, 1, 2]),
        ),
        ("set", in_turn(&[add(1), add(2), elements(&[2, 1])]), in_turn(&[add(1), add(2), elements(&[1])])),
        ("set", in_turn(&[add(1), add(1), elements(&[1])]), in_turn(&[add(1), add(1), elements(&[])])),
        ("counter", in_turn(&[increase(2), increase(-1), counted(1)]), in_turn(&[increase(2), counted(1)])),
        ("fifo-queue", in_turn(&[put(1), put(2), took(1)]), in_turn(&[put(1), put(2), took(2)])),
        ("unordered-queue", in_turn(&[put(1), put(2), took(2)]), in_turn(&[put(1), took(2)])),
        ("bank", in_turn(&[accounts(&[5, 5]), accounts(&[0, 10])]), in_turn(&[accounts(&[5, 5]), accounts(&[0, 5])])),
    ];
    for (model, right, wrong) in &cases {
        assert_eq!(judge(model, &ModelOptions::default(), right.clone()), Validity::Valid, "{model}");
        assert_eq!(judge(model, &ModelOptions::default(), wrong.clone()), Validity::Invalid, "{model}");
    }
    let tested: BTreeSet<&str> = cases.iter().map(|(model, ..)| *model).collect();
    assert_eq!(tested, models::ALL.iter().map(|model| model.name).collect());
}

#[test]
fn options_change_what_is_right() {
    let plain = ModelOptions::default();
    let initial = |text: &str| ModelOptions { initial: Some(text.into()), ..ModelOptions::default() };
    let wildcard = ModelOptions { nil_read: NilRead::Wildcard, ..ModelOptions::default() };
    let named = ModelOptions { keys: BTreeMap::from([("x".into(), 0), ("y".into(), 1)]), ..initial("x=3, y=4") };
    let negative = ModelOptions { allow_negative: true, ..ModelOptions::default() };
    let whole = ModelOptions { whole: true, ..ModelOptions::default() };
    let check = |model: &str, options: &ModelOptions, calls: &[(Call, Reply)], expected| {
        assert_eq!(judge(model, options, in_turn(calls)), expected, "{model} {options:?} {calls:?}");
    };
    check("register", &plain, &[read(7)], Validity::Invalid);
    check("register", &initial("7"), &[read(7)], Validity::Valid);
    check("register", &initial("nil"), &[read(None)], Validity::Valid);
    check("cas-register", &plain, &[write(1), read(None)], Validity::Invalid);
    check("cas-register", &wildcard, &[write(1), read(None), read(1)], Validity::Valid);
    check("cas-register", &wildcard, &[write(1), read(None), read(2)], Validity::Invalid);
    check("multi-register", &plain, &[committed(1, 5, Some(4))], Validity::Invalid);
    check("multi-register", &named, &[committed(1, 5, Some(4)), committed(0, 5, Some(3))], Validity::Valid);
    check("multi-register", &initial("1=4"), &[committed(1, 5, Some(4))], Validity::Valid);
    check("multi-register", &wildcard, &[committed(1, 5, None), committed(1, 6, None)], Validity::Valid);
    check("counter", &initial("7"), &[counted(7)], Validity::Valid);
    check("counter", &initial("7"), &[counted(0)], Validity::Invalid);
    check("bank", &plain, &[accounts(&[5, 5]), accounts(&[-1, 11])], Validity::Invalid);
    check("bank", &negative, &[accounts(&[5, 5]), accounts(&[-1, 11])], Validity::Valid);
    let too_much = [opened(&[5, 5]), moved(6), accounts(&[-1, 11])];
    check("bank", &plain, &too_much, Validity::Invalid);
    check("bank", &negative, &too_much, Validity::Valid);
    let stale = [opened(&[5, 5]), moved(6), accounts(&[5, 5])];
    check("bank", &negative, &stale, Validity::Invalid);
    let wrong = [opened(&[5, 5]), accounts(&[5, 6]), accounts(&[5, 6])];
    check("bank", &negative, &wrong, Validity::Invalid);
    check("kv", &whole, &[appended("a"), got("a")], Validity::Valid);
    check("kv", &whole, &[appended("a"), got("")], Validity::Invalid);
}

/// Where an element is added twice the search decides, but only of the set that it is in.
#[test]
fn sets_with_an_element_that_is_added_twice() {
    let on = |key: u64, (call, reply): (Call, Reply)| match call {
        Call::Add { element, .. } => (Call::Add { key, element }, reply),
        _ => (Call::Elements { key }, reply),
    };
    let check = |calls: &[(Call, Reply)], failed: &[Value], expected, searched: f64, by_element: f64| {
        let mut operations = in_turn(calls);
        for element in failed {
            let (at_ns, call, reply) = (1000 + *element as u64, Call::Add { key: 0, element: *element }, added());
            operations
                .push(Operation { outcome: Outcome::Fail("refused".into()), ..op(99, at_ns, at_ns, call, reply) });
        }
        let checker = models::find("set").unwrap().make(&ModelOptions::default()).unwrap();
        let found = checker.check(&history(operations), &Budget::default());
        let figure = |name: &str| found.figures.get(name).copied().unwrap_or(0.0);
        assert_eq!(found.validity, expected, "{}: {calls:?}", found.reason);
        assert_eq!((figure("keys"), figure("sets")), (searched, by_element), "{}: {calls:?}", found.reason);
    };
    let twice = [add(1), add(1), elements(&[1])];
    let (other, lost) = ([on(1, add(1)), on(1, elements(&[1]))], [on(1, add(1)), on(1, elements(&[]))]);
    check(&twice, &[], Validity::Valid, 1.0, 0.0);
    check(&[&twice[..], &other].concat(), &[], Validity::Valid, 1.0, 1.0);
    check(&[&twice[..], &lost].concat(), &[], Validity::Invalid, 1.0, 1.0);
    check(&[&other[..], &[add(1), add(1), elements(&[])]].concat(), &[], Validity::Invalid, 1.0, 1.0);
    // Never read: nobody knows.
    check(&twice[..2], &[], Validity::Unknown, 1.0, 0.0);
    check(&[&twice[..2], &lost].concat(), &[], Validity::Invalid, 1.0, 1.0);
    check(&[&twice[..2], &other].concat(), &[], Validity::Unknown, 1.0, 1.0);
    // A call that failed adds nothing.
    check(&[add(1), elements(&[1])], &[1], Validity::Valid, 0.0, 1.0);
}

#[test]
fn options_that_do_not_fit_are_told() {
    let initial = |text: &str| ModelOptions { initial: Some(text.into()), ..ModelOptions::default() };
    let check = |model: &str, options: &ModelOptions, expected: &str| {
        let Err(error) = models::find(model).unwrap().make(options) else { panic!("{model} takes {options:?}") };
        assert_eq!(error.to_string(), expected);
    };
    let takes_no = "model mutex does not know a first value; it takes no options, so leave that out";
    check("mutex", &initial("1"), takes_no);
    let whole = ModelOptions { whole: true, ..ModelOptions::default() };
    let takes = "model counter does not know keys that are one object; it takes a first value, so leave that out";
    check("counter", &whole, takes);
    let bad = "model register cannot hold \"x\" at first; it wants a whole number or nil, as in 7";
    check("register", &initial("x"), bad);
    let bad = "model multi-register cannot hold \"x\" at first; it wants keys with whole numbers, as in x=0,y=0";
    check("multi-register", &initial("x"), bad);
    let named = ModelOptions { keys: BTreeMap::from([("x".into(), 0), ("y".into(), 1)]), ..initial("x=0,z=1") };
    check("multi-register", &named, "there is no key z in the history to hold 1 at first; its keys are x, y");
}

#[test]
fn calls_that_a_model_does_not_know_are_told_and_not_accused() {
    let operations = in_turn(&[write(1), (Call::Cas { key: 0, expect: Some(1), value: 2 }, written())]);
    let checker = models::find("register").unwrap().make(&ModelOptions::default()).unwrap();
    let verdict = checker.check(&history(operations), &Budget::default());
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reason, "model register does not know `cas 1 to 2`, operation 1; it knows read, write");
}
