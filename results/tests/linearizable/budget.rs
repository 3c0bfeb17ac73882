//! The checker stays within its budget, and says what it established.

use crate::twin::operation;
use squall_results::call::{Call, Reply, Value};
use squall_results::checker::linearizable::{Linearizable, Reductions};
use squall_results::model::Register;
use squall_results::{Budget, Checker, History, Operation, Outcome, Validity, Verdict};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

const MS: u64 = 1_000_000;

fn write(id: u64, key: u64, value: Value, invoked_ms: u64, returned_ms: u64) -> Operation {
    let (call, outcome) = (Call::Write { key, value }, Outcome::Ok(Reply::Written { version: None }));
    operation(id, id, call, invoked_ms * MS, Some(returned_ms * MS), outcome)
}

fn read(id: u64, key: u64, value: Option<Value>, invoked_ms: u64, returned_ms: u64) -> Operation {
    let outcome = Outcome::Ok(Reply::Read { value, version: None });
    operation(id, id, Call::Read { key }, invoked_ms * MS, Some(returned_ms * MS), outcome)
}

/// Forty writes at once, each of its own value, after one that is over at 2 ms: 2^40 configurations, which no budget of
/// a test allows.
pub fn hard(first_id: u64, key: u64) -> Vec<Operation> {
    let mut operations = vec![write(first_id, key, 1000, 1, 2)];
    operations.extend((1..=40).map(|number| write(first_id + number, key, number as Value, 10, 20 + number)));
    operations.push(read(first_id + 50, key, Some(-1), 5, 200));
    operations
}

/// By the search for any model, for which the histories here are hard.
fn judge(operations: Vec<Operation>, budget: &Budget) -> Verdict {
    Linearizable::with_reductions(Register, Reductions::ALL)
        .check(&History { operations, ..History::default() }, budget)
}

#[test]
fn time_is_bounded_inside_one_step() {
    let begun = Instant::now();
    let verdict = judge(hard(0, 3), &Budget { time: Duration::from_millis(150), ..Budget::default() });
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(begun.elapsed() < Duration::from_secs(3), "it took {:?}", begun.elapsed());
    assert!(verdict.reason.contains("the time was used up"), "{}", verdict.reason);
    assert!(verdict.reason.contains("key 3 has a legal order up to 0.002 s"), "{}", verdict.reason);
    assert_eq!(verdict.figures["keys_unknown"], 1.0);
}

/// One order is found at once where there are too many configurations to look at all.
#[test]
fn one_order_is_enough() {
    let mut operations = hard(0, 3);
    operations.pop();
    operations.push(read(50, 3, Some(40), 200, 201));
    let budget = Budget { time: Duration::from_secs(2), ..Budget::default() };
    let check = |reductions, expected| {
        let history = History { operations: operations.clone(), ..History::default() };
        let verdict = Linearizable::with_reductions(Register, reductions).check(&history, &budget);
        assert_eq!(verdict.validity, expected, "with {reductions:?}: {}", verdict.reason);
    };
    check(Reductions::ALL, Validity::Valid);
    check(Reductions { depth_first: false, ..Reductions::ALL }, Validity::Unknown);
}

#[test]
fn memory_is_bounded_over_all_threads() {
    let operations: Vec<Operation> = (0..4).flat_map(|key| hard(key * 100, key)).collect();
    let verdict = judge(operations, &Budget { memory_bytes: 8 << 20, ..Budget::default() });
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(verdict.reason.contains("the memory was used up"), "{}", verdict.reason);
    // Every configuration takes more than a hundred bytes.
    assert!(verdict.figures["peak_configurations"] < 80_000.0, "{:?}", verdict.figures);
}

#[test]
fn a_search_can_be_cancelled() {
    let budget = Budget { memory_bytes: usize::MAX, ..Budget::default() };
    let cancelled = budget.cancelled.clone();
    let verdict = thread::scope(|scope| {
        let judged = scope.spawn(|| judge(hard(0, 0), &budget));
        cancelled.store(true, Ordering::Relaxed);
        judged.join().unwrap()
    });
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(verdict.reason.contains("it was cancelled"), "{}", verdict.reason);
}

/// After a write of 1, every swap between nine values at once: 2^72 configurations even for a register, for which writes
/// hide much, but swaps nothing.
pub fn hard_for_registers(values: Value) -> Vec<Operation> {
    let pairs = (1..=values).flat_map(|expect| (1..=values).map(move |value| (expect, value)));
    let swaps = pairs.filter(|(expect, value)| expect != value).zip(1..).map(|((expect, value), number)| {
        let call = Call::Cas { key: 3, expect: Some(expect), value };
        let outcome = Outcome::Ok(Reply::Written { version: None });
        operation(number, number, call, 10 * MS, Some((20 + number) * MS), outcome)
    });
    std::iter::once(write(0, 3, 1, 1, 2)).chain(swaps).collect()
}

fn judge_register(operations: Vec<Operation>, budget: &Budget) -> Verdict {
    Linearizable::new(Register).check(&History { operations, ..History::default() }, budget)
}

#[test]
fn a_register_is_bounded_in_time_inside_one_step() {
    let begun = Instant::now();
    let budget = Budget { time: Duration::from_millis(150), ..Budget::default() };
    let verdict = judge_register(hard_for_registers(9), &budget);
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(begun.elapsed() < Duration::from_secs(3), "it took {:?}", begun.elapsed());
    assert!(verdict.reason.contains("the time was used up"), "{}", verdict.reason);
    assert!(verdict.reason.contains("key 3 has a legal order up to 0.002 s"), "{}", verdict.reason);
    assert_eq!(verdict.figures["keys_by_register"], 1.0);
}

#[test]
fn a_register_is_bounded_in_memory() {
    let budget = Budget { memory_bytes: 8 << 20, ..Budget::default() };
    let verdict = judge_register(hard_for_registers(9), &budget);
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(verdict.reason.contains("the memory was used up"), "{}", verdict.reason);
}

/// What never returned can make up for all but one of the reads, and how often is too much to try: counting decides, within the
/// budget. Where it does not, `hard_for_registers` shows what is said then.
#[test]
fn a_register_is_decided_where_counts_decide() {
    let mut operations = Vec::new();
    for number in 0..60_u64 {
        let call = Call::Cas {
            key: 0,
            expect: Some((number % 6) as Value),
            value: (number * 5 % 6 + number / 6 % 2) as Value,
        };
        operations.push(operation(number, number, call, MS, None, Outcome::Unknown("no answer".into())));
    }
    operations.push(write(100, 0, 0, 2, 3));
    for number in 0..200_u64 {
        let value = Some((number * number % 6) as Value);
        operations.push(read(101 + number, 0, value, 10 + 2 * number, 11 + 2 * number));
    }
    let verdict = judge_register(operations, &Budget { time: Duration::from_secs(10), ..Budget::default() });
    assert_eq!(verdict.validity, Validity::Invalid, "there are fewer swaps than changes: {}", verdict.reason);
    assert_eq!((verdict.anomalies.len(), verdict.anomalies[0].key), (1, 0));
}

/// Hard keys use up all memory or all time, on every thread. That does not keep a contradiction on an easy key from
/// being found and told, though that key is the largest.
#[test]
fn an_invalid_key_decides_beside_hard_ones() {
    let mut operations: Vec<Operation> = (0..2).flat_map(|key| hard(key * 100, key)).collect();
    operations.extend((0..60).map(|number| write(9000 + number, 9, number as Value, 2 * number, 2 * number + 1)));
    operations.extend([read(9100, 9, None, 200, 201), write(9200, 10, 1, 0, 1)]);
    let little_memory = Budget { memory_bytes: 32 << 20, ..Budget::default() };
    let little_time = Budget { time: Duration::from_secs(2), ..Budget::default() };
    // A pool of its own, so that no other test takes its threads.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for budget in [little_memory, little_time] {
        let verdict = pool.install(|| judge(operations.clone(), &budget));
        assert_eq!(verdict.validity, Validity::Invalid);
        assert_eq!(verdict.anomalies.len(), 1);
        assert_eq!((verdict.anomalies[0].key, verdict.anomalies[0].kind.as_str()), (9, "stale read"));
        assert!(!verdict.anomalies[0].prefixes.is_empty());
        assert_eq!(verdict.figures["keys_unknown"], 2.0);
        assert!(verdict.reason.contains("2 are undecided"), "{}", verdict.reason);
    }
}

#[test]
fn no_time_is_no_answer() {
    let verdict = judge(vec![write(0, 0, 1, 0, 1)], &Budget { time: Duration::ZERO, ..Budget::default() });
    assert_eq!(verdict.validity, Validity::Unknown);
    assert!(verdict.reason.contains("key 0 was not begun"), "{}", verdict.reason);
}

#[test]
fn nothing_is_valid() {
    let verdict = judge(Vec::new(), &Budget::default());
    assert_eq!((verdict.validity, verdict.reason.as_str()), (Validity::Valid, "no operations"));
}

/// More operations open at once than a word has bits, and slots that are used again.
#[test]
fn any_number_of_operations_can_be_open() {
    let mut operations = Vec::new();
    for round in 0..3 {
        let (from, id) = (round * 1000, round * 500);
        operations.push(write(id, 0, 1, from, from + 900));
        operations.push(write(id + 1, 0, 2, from + 901, from + 902));
        operations.extend((2..202).map(|number| read(id + number, 0, Some(1), from + number, from + 300 + number)));
    }
    assert_eq!(judge(operations.clone(), &Budget::default()).validity, Validity::Valid);
    operations.push(read(5000, 0, Some(1), 903 + 2000, 904 + 2000));
    let verdict = judge(operations, &Budget::default());
    assert_eq!(verdict.validity, Validity::Invalid);
    assert_eq!(verdict.anomalies[0].kind, "stale read");
}

/// At most twenty anomalies, the clearest first; all broken keys are counted.
#[test]
fn many_broken_keys() {
    let broken = |key: u64| {
        let id = key * 10;
        let unclear = [
            write(id, key, 1, 0, 10),
            write(id + 1, key, 2, 20, 100),
            read(id + 2, key, Some(2), 30, 40),
            read(id + 3, key, Some(1), 50, 60),
        ];
        let clear = [write(id, key, 1, 0, 10), write(id + 1, key, 2, 20, 30), read(id + 2, key, Some(1), 40, 50)];
        if key == 29 { clear.to_vec() } else { unclear.to_vec() }
    };
    let verdict = judge((0..30).flat_map(broken).collect(), &Budget::default());
    assert_eq!(verdict.anomalies.len(), 20);
    assert_eq!((verdict.anomalies[0].key, verdict.anomalies[0].kind.as_str()), (29, "stale read"));
    assert!(verdict.reason.starts_with("30 of 30 keys have no legal order"), "{}", verdict.reason);
    assert_eq!(verdict.figures["keys_invalid"], 30.0);
}
