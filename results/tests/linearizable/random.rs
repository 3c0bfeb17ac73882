//! The checker against its brute-force twin: random tiny histories, and all histories of some small shapes.

use crate::legal;
use crate::twin::{
    Random, Shape, is_linearizable, is_linearizable_from, is_linearizable_quickly, operation, random_history,
};
use squall_results::call::{Call, Reply, Value};
use squall_results::checker::linearizable::{Algorithm, Course, Idea, Linearizable, Reductions};
use squall_results::model::{Access, Demand, Model, Register};
use squall_results::verdict::Role;
use squall_results::{Budget, Checker, History, Operation, Outcome, Validity};
use std::collections::BTreeMap;

/// Every way to switch the reductions on and off that says something about one of them.
fn variants() -> Vec<Reductions> {
    let all = Reductions::ALL;
    vec![
        all,
        Reductions::NONE,
        Reductions { observers_at_once: false, ..all },
        Reductions { twins: false, ..all },
        Reductions { dominance: false, ..all },
        Reductions { unobserved: false, ..all },
        Reductions { depth_first: false, ..all },
        Reductions { observers_at_once: true, ..Reductions::NONE },
        Reductions { twins: true, ..Reductions::NONE },
        Reductions { dominance: true, ..Reductions::NONE },
        Reductions { unobserved: true, ..Reductions::NONE },
        Reductions { depth_first: true, ..Reductions::NONE },
    ]
}

fn agrees(operations: &[Operation], reductions: Reductions, legal: bool) {
    let operations_of_key: Vec<&Operation> = operations.iter().collect();
    let checker = Linearizable::with_reductions(Register, reductions);
    let expected = if legal { Validity::Valid } else { Validity::Invalid };
    let found = checker.check_key(&operations_of_key, &Budget::default());
    assert_eq!(found, expected, "with {reductions:?}:\n{operations:#?}");
}

/// The algorithms for registers agree too, and find the order themselves: none hands over to the search.
fn agrees_by_register(operations: &[Operation], legal: bool) {
    let operations_of_key: Vec<&Operation> = operations.iter().collect();
    let expected = if legal { Validity::Valid } else { Validity::Invalid };
    let by_turns = operations.iter().map(|operation| operation.invoked_ns as usize).sum::<usize>();
    let without = Course::RegisterWithout(Idea::ALL[by_turns % Idea::ALL.len()]);
    for course in [Course::Automatic, Course::Register, Course::RegisterExactly, without] {
        let checker = Linearizable::with_course(Register, course);
        let (found, by) = checker.check_key_by(&operations_of_key, &Budget::default());
        assert_eq!(found, expected, "by {by:?} with {course:?}:\n{operations:#?}");
        assert!(by == Algorithm::Register || by == Algorithm::Zones && course == Course::Automatic, "{by:?}");
    }
}

/// A hundred thousand, with many crashed operations and swaps, two to five values, or a value of its own for each write.
#[test]
fn random_tiny_histories_of_a_register() {
    const HISTORIES: u64 = 100_000;
    let mut random = Random(23);
    let (mut illegal, mut crashed) = (0, 0);
    for number in 0..HISTORIES {
        let operations = random_history(&mut random, Shape::by_turns(number, 9));
        let legal = is_linearizable_quickly(&operations);
        agrees_by_register(&operations, legal);
        illegal += u64::from(!legal);
        crashed += u64::from(operations.iter().any(|operation| operation.outcome.is_unknown()));
    }
    assert!(illegal * 10 > HISTORIES * 3 && illegal * 10 < HISTORIES * 7, "{illegal} of {HISTORIES} are illegal");
    assert!(crashed * 10 > HISTORIES * 5, "{crashed} of {HISTORIES} have crashed operations");
}

/// A register that holds 1 at first, and of which reads of nothing say nothing.
struct Another;

impl Model for Another {
    type Call = Call;
    type Reply = Reply;
    type State = Option<Value>;

    fn name(&self) -> &'static str {
        "another-register"
    }

    fn init(&self) -> Option<Value> {
        Some(1)
    }

    fn initial(&self) -> Option<Value> {
        Some(1)
    }

    fn step(&self, state: &Option<Value>, call: &Call, reply: Option<&Reply>) -> Result<Option<Value>, String> {
        if is_silent(reply) { Ok(*state) } else { Register.step(state, call, reply) }
    }

    fn partition(&self, call: &Call) -> u64 {
        call.key()
    }

    fn access(&self, call: &Call, reply: Option<&Reply>) -> Option<Access> {
        if is_silent(reply) {
            return Some(Access { demands: Demand::Anything, sets: None });
        }
        Register.access(call, reply)
    }
}

fn is_silent(reply: Option<&Reply>) -> bool {
    matches!(reply, Some(Reply::Read { value: None, .. }))
}

#[test]
fn a_register_that_holds_something_at_first() {
    let (mut random, mut illegal, mut kinds) = (Random(25), 0, BTreeMap::<String, u32>::new());
    for number in 0..20_000 {
        let operations = random_history(&mut random, Shape::by_turns(number, 8));
        let talking: Vec<Operation> =
            operations.iter().filter(|operation| !is_silent(operation.reply())).cloned().collect();
        let legal = is_linearizable_from(&talking, Some(1));
        let expected = if legal { Validity::Valid } else { Validity::Invalid };
        let of_key: Vec<&Operation> = operations.iter().collect();
        for course in [Course::Automatic, Course::Register, Course::RegisterExactly, Course::Search] {
            let (found, by) = Linearizable::with_course(Another, course).check_key_by(&of_key, &Budget::default());
            assert_eq!(found, expected, "by {by:?} with {course:?}:\n{operations:#?}");
            assert_eq!(by == Algorithm::Search, course == Course::Search, "{by:?} with {course:?}");
        }
        illegal += u32::from(!legal);
        if !legal && number % 10 == 0 {
            let history = History { operations, ..History::default() };
            let verdict = Linearizable::new(Another).check(&history, &Budget::default());
            let anomaly = &verdict.anomalies[0];
            assert!(anomaly.minimal.as_ref().is_some_and(|minimal| minimal.verified), "{verdict:#?}");
            let involved = [Role::Contradiction, Role::Witness].map(|role| legal::with_role(anomaly, role));
            let involved: Vec<Operation> = involved.into_iter().flatten().cloned().collect();
            assert!(!is_linearizable_from(&involved, Some(1)), "{anomaly:#?}");
            *kinds.entry(anomaly.kind.clone()).or_default() += 1;
        }
    }
    assert!(illegal > 6_000 && kinds.len() >= 7, "{illegal} {kinds:?}");
}

#[test]
fn the_quick_twin_says_what_the_twin_says() {
    let mut random = Random(24);
    for number in 0..20_000 {
        let operations = random_history(&mut random, Shape::by_turns(number, 7));
        assert_eq!(is_linearizable_quickly(&operations), is_linearizable(&operations), "{operations:#?}");
    }
}

#[test]
fn random_tiny_histories() {
    const HISTORIES: u32 = 20_000;
    let variants = variants();
    let mut random = Random(20);
    let (mut illegal, mut crashed) = (0, 0);
    for number in 0..HISTORIES {
        let operations = random_history(&mut random, Shape::TINY);
        let legal = is_linearizable(&operations);
        agrees(&operations, Reductions::ALL, legal);
        agrees(&operations, variants[number as usize % variants.len()], legal);
        illegal += u32::from(!legal);
        crashed += u32::from(operations.iter().any(|operation| operation.outcome.is_unknown()));
    }
    assert!(illegal * 10 > HISTORIES * 3 && illegal * 10 < HISTORIES * 7, "{illegal} of {HISTORIES} are illegal");
    assert!(crashed * 10 > HISTORIES * 3, "{crashed} of {HISTORIES} have crashed operations");
}

/// What a verdict shows of an illegal history holds too: the prefixes are legal and stop, and the contradiction and its
/// witnesses alone are illegal already.
#[test]
fn evidence_of_random_histories() {
    let mut random = Random(21);
    let (mut told, mut shrunk) = (BTreeMap::<String, u32>::new(), 0);
    for _ in 0..6_000 {
        let operations = random_history(&mut random, Shape { operations: (3, 9), ..Shape::TINY });
        if is_linearizable(&operations) {
            continue;
        }
        let history = History { operations, ..History::default() };
        let verdict = Linearizable::new(Register).check(&history, &Budget::default());
        assert_eq!(verdict.anomalies.len(), 1, "{verdict:#?}");
        assert_eq!(verdict.figures["keys_invalid_rechecked"], 1.0, "{verdict:#?}");
        legal::evidence_holds(&history, &verdict);
        let anomaly = &verdict.anomalies[0];
        let involved: Vec<Operation> = [Role::Contradiction, Role::Witness]
            .into_iter()
            .flat_map(|role| legal::with_role(anomaly, role))
            .cloned()
            .collect();
        assert!(!is_linearizable(&involved), "{anomaly:#?}");
        *told.entry(anomaly.kind.clone()).or_default() += 1;
        shrunk += u32::from(involved.len() < history.operations.len());
    }
    assert!(told.len() == 9 && told.values().all(|count| *count >= 5) && shrunk > 2_000, "{shrunk} {told:?}");
}

/// Histories as long as those of a real key, and with as many processes. They are linearizable because a register really
/// answered them; with a value that is written once, overwritten, and then read, they no longer are.
#[test]
fn long_histories_of_a_register() {
    let mut random = Random(22);
    for round in 0..60 {
        let crashed_percent = 2 * (round % 3);
        let shape =
            Shape { operations: (150, 250), processes: 10, values: 5, crashed_percent, wrong: false, ..Shape::TINY };
        let mut operations = random_history(&mut random, shape);
        agrees(&operations, Reductions::ALL, true);
        let end_ns = operations.iter().map(|operation| operation.returned_ns.unwrap_or(operation.invoked_ns)).max();
        let (end_ns, written) = (end_ns.unwrap(), || Outcome::Ok(Reply::Written { version: None }));
        let read = Outcome::Ok(Reply::Read { value: Some(77), version: None });
        let calls = [
            (Call::Write { key: 0, value: 77 }, written()),
            (Call::Write { key: 0, value: 78 }, written()),
            (Call::Read { key: 0 }, read),
        ];
        for (number, (call, outcome)) in (1..).zip(calls) {
            let at_ns = end_ns + 10 * number;
            operations.push(operation(1000 + number, 1000, call, at_ns, Some(at_ns + 1), outcome));
        }
        let history = History { operations, ..History::default() };
        let verdict = Linearizable::new(Register).check(&history, &Budget::default());
        assert_eq!(verdict.anomalies.first().map(|anomaly| anomaly.kind.as_str()), Some("stale read"), "{verdict:#?}");
        legal::evidence_holds(&history, &verdict);
        assert_eq!(verdict.anomalies[0].operations.len(), 30);
    }
}

/// All calls with their outcomes over the values 1 and 2. Left out are twins: what a comparison that was false would
/// have written does not matter, and a swap of a value for itself that got no answer is as good as none.
fn everything_over_two_values() -> Vec<(Call, Outcome)> {
    const HELD: [Option<Value>; 3] = [None, Some(1), Some(2)];
    let written = || Outcome::Ok(Reply::Written { version: None });
    let crashed = || Outcome::Unknown("no answer".into());
    let mut all: Vec<(Call, Outcome)> = Vec::new();
    for held in HELD {
        all.push((Call::Read { key: 0 }, Outcome::Ok(Reply::Read { value: held, version: None })));
        all.push((Call::Cas { key: 0, expect: held, value: 1 }, Outcome::Ok(Reply::NotEqual)));
    }
    for value in [1, 2] {
        all.extend([written(), crashed()].map(|outcome| (Call::Write { key: 0, value }, outcome)));
        for expect in HELD {
            let call = Call::Cas { key: 0, expect, value };
            all.push((call.clone(), written()));
            if expect != Some(value) {
                all.push((call, crashed()));
            }
        }
    }
    all
}

/// Every three intervals whose ends lie on six instants, up to the order of their invocation: that is every order of
/// invocations and returns, ties included.
fn intervals_of_three() -> Vec<[(u64, u64); 3]> {
    let intervals: Vec<(u64, u64)> = (0..6).flat_map(|from| (from..6).map(move |to| (from, to))).collect();
    let mut seen = std::collections::BTreeSet::new();
    for one in &intervals {
        for two in intervals.iter().filter(|two| two >= &one) {
            for three in intervals.iter().filter(|three| three >= &two) {
                seen.insert(compact([*one, *two, *three]));
            }
        }
    }
    seen.into_iter().collect()
}

/// The same order of instants, with the smallest numbers.
fn compact(intervals: [(u64, u64); 3]) -> [(u64, u64); 3] {
    let mut instants: Vec<u64> = intervals.iter().flat_map(|(from, to)| [*from, *to]).collect();
    instants.sort_unstable();
    instants.dedup();
    let rank = |instant| instants.partition_point(|other| *other < instant) as u64;
    intervals.map(|(from, to)| (rank(from), rank(to)))
}

/// Of two histories that only differ in which value is called 1 and which 2, one is enough.
fn mentions_1_before_2(chosen: &[&(Call, Outcome)]) -> bool {
    let values = chosen.iter().flat_map(|(call, outcome)| match (call, outcome.reply()) {
        (Call::Write { value, .. }, _) => [Some(*value), None],
        (Call::Cas { expect, .. }, Some(Reply::NotEqual)) => [*expect, None],
        (Call::Cas { expect, value, .. }, _) => [*expect, Some(*value)],
        (Call::Read { .. }, Some(Reply::Read { value, .. })) => [*value, None],
        _ => [None, None],
    });
    values.flatten().next().is_none_or(|first| first == 1)
}

#[test]
fn all_histories_of_three_operations_over_two_values() {
    let (calls, intervals) = (everything_over_two_values(), intervals_of_three());
    let (mut histories, mut illegal) = (0, 0);
    for three in &intervals {
        for choice in 0..calls.len().pow(3) {
            let chosen = [0, 1, 2].map(|at| &calls[choice / calls.len().pow(at) % calls.len()]);
            if !mentions_1_before_2(&chosen) {
                continue;
            }
            let operations = [0_u32, 1, 2].map(|at| {
                let (call, outcome) = chosen[at as usize];
                let (invoked_ns, returned_ns) = three[at as usize];
                operation(at.into(), at.into(), call.clone(), invoked_ns, Some(returned_ns), outcome.clone())
            });
            let legal = is_linearizable(&operations);
            agrees(&operations, Reductions::ALL, legal);
            agrees_by_register(&operations, legal);
            histories += 1;
            illegal += u32::from(!legal);
        }
    }
    assert!(histories > 400_000 && illegal > 100_000, "{histories} histories, {illegal} of them illegal");
}
