//! The checker of locks: golden histories, and a twin that looks at every instant.

#[path = "workloads/beginnings.rs"]
mod beginnings;

use beginnings::beginnings;
use squall_results::checker::mutex::Mutex;
use squall_results::{Budget, Call, Checker, History, Operation, Outcome, Reply, Validity};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A history of one lock: process, invocation, return, what was called and how it ended. Instants in milliseconds.
fn history(lines: &str) -> History {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut operations: Vec<Operation> = lines.enumerate().map(|(id, line)| operation(id as u64, line)).collect();
    operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    History { operations, ..History::default() }
}

/// `0 | 10 20 | acquire 7 until 50`, `0 | 30 40 | release`, `release lost at 35`, `release ?`, `acquire fail`, ...
fn operation(id: u64, line: &str) -> Operation {
    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
    let [process, times, what] = parts[..] else { panic!("`{line}` has three parts") };
    let ns = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` in `{line}`")) * 1_000_000;
    let times: Vec<&str> = times.split(' ').collect();
    let words: Vec<&str> = what.split(' ').collect();
    let acquire = words[0] == "acquire";
    let outcome = match words[1..] {
        ["fail"] => Outcome::Fail("refused".into()),
        ["?"] => Outcome::Unknown("no answer".into()),
        ["lost"] => Outcome::Ok(Reply::NotHeld { until_ns: None }),
        [token] => Outcome::Ok(Reply::Acquired { token: token.parse().unwrap(), until_ns: None }),
        [token, "until", until] => {
            Outcome::Ok(Reply::Acquired { token: token.parse().unwrap(), until_ns: Some(ns(until)) })
        }
        [] => Outcome::Ok(Reply::Released { until_ns: None }),
        ["until", until] => Outcome::Ok(Reply::Released { until_ns: Some(ns(until)) }),
        ["lost", "at", until] => Outcome::Ok(Reply::NotHeld { until_ns: Some(ns(until)) }),
        _ => panic!("`{what}`"),
    };
    Operation {
        id,
        process: process.parse().unwrap(),
        node: "n1".into(),
        call: if acquire { Call::Acquire { key: 0 } } else { Call::Release { key: 0 } },
        due_ns: ns(times[0]),
        invoked_ns: ns(times[0]),
        returned_ns: times.get(1).map(|at| ns(at)),
        outcome,
    }
}

/// `valid`, or the kinds of all anomalies.
#[track_caller]
fn check(about: &str, lines: &str, expected: &str) -> String {
    let verdict = Mutex.check(&history(lines), &Budget::default());
    let kinds: Vec<&str> = verdict.anomalies.iter().map(|anomaly| &*anomaly.kind).collect();
    let found = if verdict.validity == Validity::Invalid { kinds.join(", ") } else { verdict.validity.to_string() };
    assert_eq!(found, expected, "{about}: {}", verdict.reason);
    verdict.anomalies.first().map(|anomaly| anomaly.told.clone()).unwrap_or_default()
}

#[test]
fn holders_take_turns() {
    check(
        "one after the other",
        "0 | 0 1 | acquire 1 \n 0 | 5 6 | release \n 1 | 0 7 | acquire 2 \n 1 | 9 9 | release",
        "valid",
    );
    check("handed over within the release", "0 | 0 1 | acquire 1 \n 0 | 5 9 | release \n 1 | 2 6 | acquire 2", "valid");
    check("nothing happened", "", "valid");
}

#[test]
fn two_at_a_time_are_an_anomaly() {
    let told = check(
        "both believe",
        "7 | 3000 3100 | acquire 1 \n 9 | 7000 7200 | acquire 2 \n 9 | 8000 8001 | release \n 7 | 9500 9600 | release lost at 9400",
        "two holders",
    );
    assert_eq!(
        told,
        "process 7 held the lock from 3.100 s, when its acquire returned, to 9.400 s, when it learnt that it had lost it; \
         but process 9 held it from 7.200 s"
    );
    check(
        "a short one within a long one",
        "0 | 0 1 | acquire 1 \n 0 | 50 51 | release \n 1 | 2 3 | acquire 2",
        "two holders",
    );
    check(
        "who held it too long is told of once",
        "0 | 0 1 | acquire 1 \n 0 | 50 51 | release lost \n 1 | 1 2 | acquire 2 until 3 \n 1 | 9 9 | release until 3 \n 2 | 19 20 | acquire 3",
        "two holders",
    );
}

#[test]
fn only_what_is_certain_counts() {
    let second = "1 | 0 20 | acquire 2 \n 1 | 30 31 | release";
    for (about, first, expected) in [
        ("before its return it does not know", "0 | 0 40 | acquire 1", "valid"),
        ("equal stamps are concurrent", "0 | 0 1 | acquire 1 \n 0 | 20 21 | release", "valid"),
        ("its release was invoked", "0 | 0 1 | acquire 1 \n 0 | 19 60 | release", "valid"),
        ("its release was not invoked", "0 | 0 1 | acquire 1 \n 0 | 21 60 | release", "two holders"),
        ("an acquire in doubt proves nothing", "0 | 0 1 | acquire ? ", "valid"),
        ("one that failed neither", "0 | 0 1 | acquire fail", "valid"),
        ("a release in doubt ends the hold", "0 | 0 1 | acquire 1 \n 0 | 19 60 | release ?", "valid"),
        ("it held it to that release", "0 | 0 1 | acquire 1 \n 0 | 25 60 | release ?", "two holders"),
        ("the answer may yet tell of a loss", "0 | 0 1 | acquire 1 \n 0 | 25 | release ?", "valid"),
        ("it may have ended with its process", "0 | 0 1 | acquire 1", "valid"),
        ("it could calculate", "0 | 0 1 | acquire 1 until 15 \n 0 | 50 51 | release until 19", "valid"),
        ("it kept it alive", "0 | 0 1 | acquire 1 until 15 \n 0 | 50 51 | release until 45", "two holders"),
        ("how long nobody knows", "0 | 0 1 | acquire 1 until 15 \n 0 | 50 51 | release ?", "valid"),
        ("it learnt in time", "0 | 0 1 | acquire 1 \n 0 | 50 51 | release lost at 18", "valid"),
        ("it learnt too late", "0 | 0 1 | acquire 1 \n 0 | 50 51 | release lost at 28", "two holders"),
        ("it was over before it was told", "0 | 0 25 | acquire 1 until 24", "valid"),
        ("it is certain when it was told", "0 | 0 25 | acquire 1", "two holders"),
    ] {
        let last = if about.starts_with("it is certain") || about.starts_with("it was over") {
            "1 | 0 20 | acquire 0 \n 1 | 30 31 | release"
        } else {
            second
        };
        check(about, &format!("{first} \n {last}"), expected);
    }
}

#[test]
fn tokens_grow() {
    let apart = |first: u64, second: u64| {
        format!("0 | 0 1 | acquire {first} \n 0 | 5 6 | release \n 1 | 7 8 | acquire {second} \n 1 | 9 10 | release")
    };
    check("they grow", &apart(3, 9), "valid");
    check("they are the same", &apart(3, 3), "token repeated");
    let told = check("they fall", &apart(9, 3), "token not grown");
    assert!(told.contains("process 0 had taken the lock under the token 9 by 0.001 s"), "{told}");
    let together = "0 | 0 8 | acquire 9 until 1 \n 1 | 0 7 | acquire 3 until 1";
    check("together there is no order", together, "valid");
    let lost = "0 | 0 1 | acquire 9 until 1 \n 1 | 2 3 | acquire 3 until 1";
    check("a hold that was over has its token too", lost, "token not grown");
}

#[test]
fn every_lock_is_judged_alone() {
    let mut history =
        history("0 | 0 1 | acquire 1 \n 0 | 50 51 | release \n 1 | 2 3 | acquire 1 \n 1 | 30 31 | release");
    for operation in history.operations.iter_mut().filter(|operation| operation.process == 1) {
        operation.call = if operation.reply().is_some_and(|reply| matches!(reply, Reply::Acquired { .. })) {
            Call::Acquire { key: 1 }
        } else {
            Call::Release { key: 1 }
        };
    }
    assert_eq!(Mutex.check(&history, &Budget::default()).validity, Validity::Valid);
}

/// A small generator of pseudorandom numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Some holds of up to four processes within few instants, so that everything touches.
fn random_lines(random: &mut Random) -> String {
    let mut lines = String::new();
    for process in 0..2 + random.below(3) {
        let mut at = random.below(8);
        for _ in 0..1 + random.below(2) {
            let (invoked, returned) = (at, at + random.below(4));
            let token = random.below(9);
            let until =
                if random.below(3) == 0 { format!(" until {}", returned + random.below(6)) } else { String::new() };
            let outcome = if random.below(8) == 0 { "?".to_owned() } else { format!("{token}{until}") };
            lines += &format!("{process} | {invoked} {returned} | acquire {outcome}\n");
            if outcome == "?" {
                break;
            }
            let release = returned + random.below(5);
            let how = match random.below(5) {
                0 => " ?".to_owned(),
                1 => format!(" lost at {}", returned + random.below(6)),
                2 => format!(" until {}", returned + random.below(6)),
                3 => " lost".to_owned(),
                _ => String::new(),
            };
            if random.below(6) == 0 {
                break;
            }
            at = release + random.below(3);
            lines += &format!("{process} | {release} {at} | release{how}\n");
            if how == " ?" {
                break;
            }
            at += random.below(3);
        }
    }
    lines
}

/// By the definition, instant by instant and pair by pair: whether two hold the lock at some instant for certain, and whether
/// some tokens are wrong.
fn twin(history: &History) -> (bool, bool) {
    // From, until, token, invocation; in half milliseconds, so that there are instants between the stamps.
    let mut holds: Vec<(u64, u64, u64, u64)> = Vec::new();
    let mut by_process: BTreeMap<u64, Vec<&Operation>> = BTreeMap::new();
    history.operations.iter().for_each(|operation| by_process.entry(operation.process).or_default().push(operation));
    for operations in by_process.values() {
        for (place, acquire) in operations.iter().enumerate() {
            let Some(Reply::Acquired { token, until_ns }) = acquire.reply() else { continue };
            let from = acquire.returned_ns.unwrap();
            let until = match operations.get(place + 1) {
                None => until_ns.map_or(from, |until| until.min(from)),
                Some(release) => match release.reply() {
                    Some(Reply::Released { until_ns } | Reply::NotHeld { until_ns }) => *until_ns,
                    _ => *until_ns,
                }
                .map_or(release.invoked_ns, |until| until.min(release.invoked_ns)),
            };
            holds.push((from / 500_000, until / 500_000, *token, acquire.invoked_ns / 500_000));
        }
    }
    let inside = |hold: &(u64, u64, u64, u64), at: u64| hold.0 < at && at < hold.1;
    let holds_at = |hold: &(u64, u64, u64, u64), at: u64| inside(hold, at) || (hold.0 == at && hold.1 == at);
    let pairs = || (0..holds.len()).flat_map(|one| (0..holds.len()).map(move |other| (one, other)));
    let pairs = || pairs().filter(|(one, other)| one != other).map(|(one, other)| (&holds[one], &holds[other]));
    let both = (0..100).any(|at| pairs().any(|(one, other)| inside(one, at) && holds_at(other, at)));
    let tokens = pairs().any(|(one, other)| one.2 == other.2 || (one.0 < other.3 && one.2 > other.2));
    (both, tokens)
}

#[test]
fn the_twin_agrees_on_random_histories() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut seen = BTreeMap::new();
    for _ in 0..60_000 {
        let lines = random_lines(&mut random);
        let history = history(&lines);
        let expected = twin(&history);
        let verdict = Mutex.check(&history, &Budget::default());
        let two = verdict.figures["two_holders"] > 0.0;
        let tokens = verdict.figures["token_repeated"] + verdict.figures["token_not_grown"] > 0.0;
        assert_eq!((two, tokens), expected, "{lines}{}", verdict.reason);
        assert_eq!(verdict.validity == Validity::Invalid, two || tokens);
        *seen.entry(expected).or_insert(0) += 1;
        for beginning in beginnings(&history).filter(|_| verdict.validity == Validity::Valid) {
            let verdict = Mutex.check(&beginning, &Budget::default());
            assert_ne!(verdict.validity, Validity::Invalid, "a beginning of {lines}{}", verdict.reason);
        }
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count > 1_000), "every kind has its share: {seen:?}");
}

#[test]
fn a_hundred_thousand_holds_take_no_time() {
    let mut lines = String::new();
    for turn in 0..100_000_u64 {
        let at = 10 * turn;
        lines += &format!(
            "{} | {at} {} | acquire {turn}\n{} | {} {} | release\n",
            turn % 5,
            at + 2,
            turn % 5,
            at + 4,
            at + 6
        );
    }
    let history = history(&lines);
    let begin = Instant::now();
    let verdict = Mutex.check(&history, &Budget::default());
    assert_eq!(verdict.validity, Validity::Valid, "{}", verdict.reason);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let cancelled = Budget { time: Duration::ZERO, ..Budget::default() };
    assert_eq!(Mutex.check(&history, &cancelled).validity, Validity::Unknown, "and it keeps to its budget");
}
