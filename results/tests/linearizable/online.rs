//! Judging while events come says what judging the whole says, and says it as soon as it can.

use crate::feed::{events, fed, verdict, verdict_alone};
use crate::twin::{Random, Shape, is_linearizable_quickly, operation, random_history};
use squall_results::call::{Call, Reply, Value};
use squall_results::checker::linearizable::{Course, Linearizable};
use squall_results::checker::online::{Online, OnlineError, State};
use squall_results::model::Register;
use squall_results::{Budget, Checker, History, Operation, Outcome, Validity};
use std::time::Duration;

const COURSES: [Course; 3] = [Course::Register, Course::RegisterExactly, Course::Search];

#[test]
fn random_histories_have_the_same_verdict() {
    let mut random = Random(31);
    let mut illegal = 0;
    for number in 0..30_000 {
        let operations = random_history(&mut random, Shape::by_turns(number, 9));
        let legal = is_linearizable_quickly(&operations);
        let expected = if legal { Validity::Valid } else { Validity::Invalid };
        let events = events(&operations, &mut random);
        for course in COURSES {
            let checker = Linearizable::with_course(Register, course);
            let spare = [0, 0, 3][(number % 3) as usize];
            let online = Online::with_spare(&checker, Budget::default(), spare);
            let found = verdict_alone(online, &events, &operations);
            assert_eq!(found.validity, expected, "with {course:?}: {}\n{operations:#?}", found.reason);
            assert_eq!(found.figures["operations"], operations.len() as f64);
        }
        illegal += u64::from(!legal);
    }
    assert!(illegal > 10_000, "{illegal}");
}

/// A violation is told no sooner than it is complete, and no later than every operation has ended that was invoked by then
/// (and time has gone on: at one instant invocations come first).
#[test]
fn a_violation_is_told_as_soon_as_it_is_complete() {
    let mut random = Random(32);
    let (mut illegal, mut early) = (0, 0);
    for number in 0..20_000 {
        let operations = random_history(&mut random, Shape::by_turns(number, 9));
        let events = events(&operations, &mut random);
        for course in COURSES {
            let checker = Linearizable::with_course(Register, course);
            let mut online = Online::with_spare(&checker, Budget::default(), 0);
            let mut told = None;
            for (at, step) in events.iter().enumerate() {
                fed(&mut online, step, &operations);
                match online.state() {
                    State::Legal => assert_eq!(told, None),
                    State::NoOrder { op, at_ns, .. } => told = told.or(Some((at, op, at_ns))),
                    State::Unknown { why, .. } => panic!("{why}"),
                }
            }
            let Some((told_at, op, at_ns)) = told else { continue };
            (illegal, early) = (illegal + 1, early + u32::from(told_at + 1 < events.len()));
            let broken = operations.iter().find(|operation| operation.id == op).unwrap();
            assert_eq!(broken.returned_ns, Some(at_ns));
            assert!(!is_linearizable_quickly(&up_to(&operations, at_ns)), "{operations:#?}");
            let is_due = |at: usize| {
                let mut invoked = operations.iter().filter(|operation| operation.invoked_ns <= at_ns);
                let now_ns = events[at].at_ns(&operations);
                invoked.all(|of| of.returned_ns.is_some_and(|returned_ns| returned_ns < now_ns))
            };
            let due = (0..events.len()).find(|at| is_due(*at)).unwrap_or(events.len());
            assert!(told_at <= due, "told at {told_at}, due at {due} with {course:?}:\n{operations:#?}");
        }
    }
    assert!(illegal > 15_000 && early > 5_000, "{illegal} {early}");
}

/// What was seen up to an instant; what had not returned may or may not have happened, if it did anything in the end.
fn up_to(operations: &[Operation], at_ns: u64) -> Vec<Operation> {
    let seen = operations.iter().filter(|operation| operation.invoked_ns <= at_ns);
    let cut = |operation: &Operation| match (&operation.outcome, operation.returned_ns) {
        (_, Some(returned_ns)) if returned_ns <= at_ns => Some(operation.clone()),
        (Outcome::Fail(_) | Outcome::Ok(Reply::NotEqual), _) => None,
        _ => Some(Operation { outcome: Outcome::Unknown("open".into()), ..operation.clone() }),
    };
    seen.filter_map(cut).collect()
}

/// Long enough for everything to be settled, forgotten and numbered anew many times, and with more open at once than one
/// word has bits.
#[test]
fn long_histories_have_the_same_verdict() {
    let mut random = Random(33);
    for round in 0..16 {
        let wide = round % 4 == 3;
        let shape = Shape {
            operations: if wide { (500, 600) } else { (1_500, 2_000) },
            processes: if wide { 90 } else { 8 },
            values: 5,
            crashed_percent: [0, 0, 1][round % 3],
            cas_percent: 30,
            unique: round % 2 == 1,
            wrong: false,
        };
        let mut operations = random_history(&mut random, shape);
        for broken in [false, true] {
            if broken {
                spoil(&mut operations);
            }
            let events = events(&operations, &mut random);
            let of_key: Vec<&Operation> = operations.iter().collect();
            for course in [Course::Register, Course::Search] {
                if course == Course::Search && (wide || shape.crashed_percent > 0) {
                    continue;
                }
                let checker = Linearizable::with_course(Register, course);
                let whole = checker.check_key(&of_key, &Budget::default());
                assert_eq!(whole, if broken { Validity::Invalid } else { Validity::Valid });
                for spare in [0, 100] {
                    let online = Online::with_spare(&checker, Budget::default(), spare);
                    let found = verdict_alone(online, &events, &operations);
                    assert_eq!(found.validity, whole, "round {round} with {course:?}: {}", found.reason);
                }
            }
        }
    }
}

/// With the operations of what broke the evidence is the same.
#[test]
fn evidence_is_the_same() {
    let mut random = Random(34);
    for _ in 0..40 {
        let shape = Shape { operations: (20, 40), wrong: false, ..Shape::TINY };
        let mut operations = random_history(&mut random, shape);
        spoil(&mut operations);
        let events = events(&operations, &mut random);
        let checker = Linearizable::new(Register);
        let found = verdict(checker.online(Budget::default()), &events, &operations);
        let whole = checker.check(&History { operations, ..History::default() }, &Budget::default());
        assert_eq!(found.anomalies, whole.anomalies);
        assert_eq!(found.figures["keys_invalid_rechecked"], 1.0);
    }
}

/// Ends with a read of a value that was overwritten.
fn spoil(operations: &mut Vec<Operation>) {
    let end_ns = operations.iter().map(|operation| operation.returned_ns.unwrap_or(operation.invoked_ns)).max();
    let (end_ns, written) = (end_ns.unwrap(), || Outcome::Ok(Reply::Written { version: None }));
    let read = Outcome::Ok(Reply::Read { value: Some(-1), version: None });
    let calls = [
        (Call::Write { key: 0, value: -1 }, written()),
        (Call::Write { key: 0, value: -2 }, written()),
        (Call::Read { key: 0 }, read),
    ];
    for (number, (call, outcome)) in (1..).zip(calls) {
        let at_ns = end_ns + 10 * number;
        operations.push(operation(100_000 + number, 100_000, call, at_ns, Some(at_ns + 1), outcome));
    }
}

/// What comes of swaps from each of eight values to the four next ones, each called three times and never answered, a write of
/// 0, and reads of these values one after the other.
fn after_swaps_in_doubt(reads: impl Iterator<Item = Value>, expected: State) {
    let checker = Linearizable::with_course(Register, Course::Register);
    let mut online = checker.online(Budget { time: Duration::from_millis(600), ..Budget::default() });
    let (values, mut at_ns) = (8, 0);
    let swaps = (0..values).flat_map(|expect| (1..=4).map(move |step| (expect, (expect + step) % values)));
    let calls = swaps.flat_map(|(expect, value)| vec![Call::Cas { key: 0, expect: Some(expect), value }; 3]);
    for (id, call) in (0..).zip(calls) {
        online.invoke(id, 1, call).unwrap();
        online.end(id, 1, Outcome::Unknown("no answer".into())).unwrap();
    }
    let write = (Call::Write { key: 0, value: 0 }, Reply::Written { version: None });
    let read = |value| (Call::Read { key: 0 }, Reply::Read { value: Some(value), version: None });
    for (call, reply) in [write].into_iter().chain(reads.map(read)) {
        at_ns += 10;
        online.invoke(1_000 + at_ns, at_ns, call).unwrap();
        online.end(1_000 + at_ns, at_ns + 5, Outcome::Ok(reply)).unwrap();
    }
    // Each look allows more steps than the one before.
    let found = (0..40).map(|_| online.state()).find(|state| *state != State::Legal);
    assert_eq!(found, Some(expected));
}

/// Where neither few nor an endless supply of the operations that never returned decide, and how often each was done is too
/// much to try, nobody knows whether there is an order. Here no value comes back more often than twelve swaps can bring it,
/// but from each to the next it takes two of them.
#[test]
fn what_is_not_established_is_not_called_legal() {
    let reads = (1..=88).map(|number| number * 5 % 8);
    after_swaps_in_doubt(reads, State::Unknown { key: 0, why: "the time was used up".into() });
}

/// Thirteen times is once too often, whatever happens between.
#[test]
fn counting_decides_where_nothing_else_does() {
    let reads = (0..13).flat_map(|round| [1, 2 + round % 6]);
    after_swaps_in_doubt(reads, State::NoOrder { key: 0, op: 1_000 + 10 * 26, at_ns: 10 * 26 + 5 });
}

/// What is held follows what is open, and not how much there was; values that are new each time do not pile up either.
#[test]
fn what_is_behind_is_forgotten() {
    for course in [Course::Register, Course::Search] {
        let checker = Linearizable::with_course(Register, course);
        let mut online = checker.online(Budget::default());
        let mut most = [0, 0];
        for id in 0..200_000_u64 {
            let (value, at_ns) = (id as Value / 2, 10 * id);
            // Each call overlaps the one before and the one after.
            let call = if id % 2 == 0 { Call::Write { key: 0, value } } else { Call::Read { key: 0 } };
            online.invoke(id, at_ns, call).unwrap();
            if let Some(last) = id.checked_sub(1) {
                let read = Reply::Read { value: Some(last as Value / 2), version: None };
                let reply = if last % 2 == 0 { Reply::Written { version: None } } else { read };
                online.end(last, at_ns + 1, Outcome::Ok(reply)).unwrap();
            }
            if id % 1_000 == 0 {
                assert_eq!(online.state(), State::Legal);
                let half = usize::from(id >= 100_000);
                most[half] = most[half].max(online.held_bytes());
            }
        }
        assert!(most[1] <= most[0] + most[0] / 4 && most[1] < 2 << 20, "{most:?} with {course:?}");
        assert_eq!(online.finish(|_| Vec::new()).validity, Validity::Valid);
    }
}

/// Of a key that was retired the verdict is kept, and nothing else; others go on.
#[test]
fn keys_that_are_over_are_forgotten() {
    let checker = Linearizable::new(Register);
    let mut online = checker.online(Budget::default());
    let mut at_ns = 0;
    let mut held = Vec::new();
    for key in 0..2_000_u64 {
        for number in 0..10_u64 {
            let id = 10 * key + number;
            at_ns += 2;
            online.invoke(id, at_ns, Call::Write { key, value: 1 }).unwrap();
            online.end(id, at_ns + 1, Outcome::Ok(Reply::Written { version: None })).unwrap();
        }
        online.retire(key);
        held.push(online.held_bytes());
    }
    assert_eq!(held.last(), Some(&0));
    let verdict = online.finish(|_| Vec::new());
    assert_eq!((verdict.validity, verdict.figures["keys"], verdict.figures["operations"]), (Validity::Valid, 2e3, 2e4));
}

/// What comes on a key that was said to be over is not judged, so it can neither be right nor wrong any more.
#[test]
fn a_key_that_goes_on_after_its_end_is_unknown_unless_it_is_broken() {
    for (read, before, after) in [(1, Validity::Valid, Validity::Unknown), (2, Validity::Invalid, Validity::Invalid)] {
        for goes_on in [false, true] {
            let checker = Linearizable::new(Register);
            let mut online = checker.online(Budget::default());
            online.invoke(0, 1, Call::Write { key: 0, value: 1 }).unwrap();
            online.end(0, 2, Outcome::Ok(Reply::Written { version: None })).unwrap();
            online.invoke(1, 3, Call::Read { key: 0 }).unwrap();
            online.end(1, 4, Outcome::Ok(Reply::Read { value: Some(read), version: None })).unwrap();
            online.retire(0);
            if goes_on {
                online.invoke(2, 5, Call::Read { key: 0 }).unwrap();
                online.end(2, 6, Outcome::Ok(Reply::Read { value: Some(7), version: None })).unwrap();
            }
            let verdict = online.finish(|_| Vec::new());
            assert_eq!(verdict.validity, if goes_on { after } else { before }, "{}", verdict.reason);
            assert_eq!(verdict.figures["operations"], if goes_on { 3.0 } else { 2.0 });
        }
    }
}

#[test]
fn a_broken_key_does_not_hide_others() {
    let checker = Linearizable::new(Register);
    let mut online = checker.online(Budget::default());
    let read = |value| Outcome::Ok(Reply::Read { value, version: None });
    online.invoke(0, 0, Call::Read { key: 7 }).unwrap();
    online.end(0, 5, read(Some(3))).unwrap();
    assert_eq!(online.state(), State::Legal, "a write of 3 may be invoked at the same instant");
    online.invoke(1, 6, Call::Read { key: 8 }).unwrap();
    assert_eq!(online.state(), State::NoOrder { key: 7, op: 0, at_ns: 5 });
    online.end(1, 9, read(Some(4))).unwrap();
    let verdict = online.finish(|broken| {
        assert_eq!(broken.iter().copied().collect::<Vec<_>>(), [7, 8]);
        Vec::new()
    });
    assert_eq!((verdict.validity, verdict.figures["keys_invalid"]), (Validity::Invalid, 2.0));
    assert!(verdict.anomalies.is_empty());
}

#[test]
fn events_have_to_make_a_history() {
    let checker = Linearizable::new(Register);
    let mut online = checker.online(Budget::default());
    online.invoke(0, 5, Call::Read { key: 7 }).unwrap();
    let late = OnlineError::OutOfOrder { at_ns: 4, last_ns: 5 };
    assert_eq!(online.invoke(1, 4, Call::Read { key: 7 }), Err(late));
    assert_eq!(online.invoke(0, 5, Call::Read { key: 7 }), Err(OnlineError::InvokedTwice(0)));
    assert_eq!(online.end(3, 5, Outcome::Fail("no".into())), Err(OnlineError::NotOpen(3)));
}
