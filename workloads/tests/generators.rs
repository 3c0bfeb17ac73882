//! Generators, tested by simulation: no clock, no target, no network.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use squall_results::{Call, Outcome, Reply};
use squall_workloads::generator::simulate::{Simulated, simulate};
use squall_workloads::generator::{KeyLimits, Keys, Limit, Mix, OnNodes, Phases, PoissonRate, Reserve, TimeLimit};
use squall_workloads::{Context, Generator, Happened, Invocation, Next};
use std::collections::BTreeSet;
use std::sync::Arc;

const MS: u64 = 1_000_000;
const FOR_EVER: u64 = u64::MAX;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Reads of one key by the first free worker, without end.
#[derive(Clone)]
struct Reads(u64);

impl Generator for Reads {
    fn next(&mut self, context: &Context) -> Next {
        match context.free.first() {
            Some(free) => {
                let call = Call::Read { key: self.0 };
                Next::Invoke(Invocation { worker: free.worker, due_ns: context.now_ns, call })
            }
            None => Next::Wait(None),
        }
    }

    fn update(&mut self, _happened: &Happened) {}
}

fn reads(key: u64) -> Box<dyn Generator> {
    Box::new(Reads(key))
}

fn answer_after(ms: u64) -> impl FnMut(&Call, u64) -> (u64, Outcome) {
    move |_, _| (ms * MS, Outcome::Ok(Reply::Read { value: None, version: None }))
}

fn keys(calls: &[Simulated]) -> Vec<u64> {
    calls.iter().map(|call| call.call.key()).collect()
}

#[test]
fn limit_counts_calls() {
    let calls = simulate(&mut Limit::new(7, Reads(0)), 3, 1, FOR_EVER, answer_after(1));
    assert_eq!(calls.len(), 7);
}

#[test]
fn time_limit_ends_between_calls() {
    let calls = simulate(&mut TimeLimit::new(10 * MS, Reads(0)), 1, 1, FOR_EVER, answer_after(3));
    let at: Vec<u64> = calls.iter().map(|call| call.at_ns / MS).collect();
    assert_eq!(at, [0, 3, 6, 9]);
}

#[test]
fn time_limit_counts_from_the_first_question() {
    let second: Box<dyn Generator> = Box::new(TimeLimit::new(10 * MS, Reads(2)));
    let first: Box<dyn Generator> = Box::new(TimeLimit::new(20 * MS, Reads(1)));
    let calls = simulate(&mut Phases::new(vec![first, second]), 1, 1, FOR_EVER, answer_after(5));
    assert_eq!(keys(&calls), [1, 1, 1, 1, 2, 2]);
}

#[test]
fn poisson_rate_keeps_its_mean_and_its_due_times() {
    let mut generator = TimeLimit::new(20_000 * MS, PoissonRate::new(200.0, rng(1), Reads(0)));
    let calls = simulate(&mut generator, 10, 1, FOR_EVER, answer_after(1));
    // 4,000 are expected with a standard deviation of 63.
    assert!((3_700..4_300).contains(&calls.len()), "{}", calls.len());
    let mut gaps: Vec<u64> = calls.windows(2).map(|pair| pair[1].due_ns.saturating_sub(pair[0].due_ns)).collect();
    gaps.sort_unstable();
    // The median of an exponential distribution with mean 5 ms is 3.47 ms.
    let median = gaps[gaps.len() / 2];
    assert!((3 * MS..4 * MS).contains(&median), "{median}");
}

#[test]
fn a_late_call_keeps_the_time_at_which_it_was_due() {
    let mut generator = Limit::new(20, PoissonRate::new(1_000.0, rng(1), Reads(0)));
    let calls = simulate(&mut generator, 1, 1, FOR_EVER, answer_after(50));
    let late = calls.iter().filter(|call| call.due_ns + 40 * MS < call.at_ns).count();
    assert!(late >= 15, "one worker cannot keep up: {late} of 20 are late");
    assert!(calls.iter().all(|call| call.due_ns <= call.at_ns));
}

#[test]
fn an_outage_does_not_end_in_a_flood() {
    let mut generator = TimeLimit::new(20_000 * MS, PoissonRate::new(100.0, rng(1), Reads(0)));
    // The first call takes ten seconds, the others no time.
    let mut first = true;
    let calls = simulate(&mut generator, 1, 1, FOR_EVER, |_, _| {
        let takes_ms = if std::mem::take(&mut first) { 10_000 } else { 0 };
        (takes_ms * MS, Outcome::Ok(Reply::NotEqual))
    });
    let backlog = calls.iter().filter(|call| call.at_ns.saturating_sub(call.due_ns) > MS).count();
    assert!((50..200).contains(&backlog), "a second's worth at 100 Hz is made up for, not ten: {backlog}");
}

#[test]
fn mix_draws_by_weight_and_ends_with_its_last_part() {
    let parts = vec![(3, reads(1)), (1, reads(2)), (0, reads(3))];
    let calls = simulate(&mut Limit::new(4_000, Mix::new(rng(1), parts)), 2, 1, FOR_EVER, answer_after(1));
    let second = calls.iter().filter(|call| call.call.key() == 2).count();
    assert!((850..1_150).contains(&second), "a quarter of 4,000: {second}");
    assert!(keys(&calls).iter().all(|key| *key != 3));
    let parts: Vec<(u32, Box<dyn Generator>)> =
        vec![(1, Box::new(Limit::new(5, Reads(1)))), (1, Box::new(Limit::new(8, Reads(2))))];
    assert_eq!(simulate(&mut Mix::new(rng(1), parts), 1, 1, FOR_EVER, answer_after(1)).len(), 13);
}

#[test]
fn phases_wait_for_each_other() {
    let parts: Vec<Box<dyn Generator>> = vec![Box::new(Limit::new(5, Reads(1))), Box::new(Limit::new(3, Reads(2)))];
    let calls = simulate(&mut Phases::new(parts), 4, 1, FOR_EVER, answer_after(10));
    let first_ends = calls.iter().filter(|call| call.call.key() == 1).map(|call| call.returned_ns).max();
    let second_begins = calls.iter().filter(|call| call.call.key() == 2).map(|call| call.at_ns).min();
    assert_eq!(calls.len(), 8);
    assert!(first_ends <= second_begins, "{first_ends:?} {second_begins:?}");
}

#[test]
fn reserve_gives_each_part_its_own_workers() {
    let parts = vec![(2, reads(1)), (1, reads(2))];
    let mut generator = TimeLimit::new(50 * MS, Reserve::new(parts, reads(3)));
    let calls = simulate(&mut generator, 5, 1, FOR_EVER, answer_after(1));
    for call in &calls {
        let expected = [1, 1, 2, 3, 3][call.worker];
        assert_eq!(call.call.key(), expected, "{call:?}");
    }
    let busy: BTreeSet<usize> = calls.iter().map(|call| call.worker).collect();
    assert!(busy.contains(&0) && busy.contains(&2) && busy.contains(&3), "no part starves: {busy:?}");
}

fn independent(workers: usize, group: usize, limits: KeyLimits) -> Keys {
    Keys::new(workers, group, limits, Arc::new(|key| reads(key)))
}

#[test]
fn keys_retire_after_their_calls_and_are_never_used_again() {
    let limits = KeyLimits { calls: 10, crashed: 99 };
    let calls = simulate(&mut Limit::new(100, independent(6, 3, limits)), 6, 1, FOR_EVER, answer_after(1));
    let mut counts = std::collections::BTreeMap::new();
    for call in &calls {
        *counts.entry(call.call.key()).or_insert(0) += 1;
        let group = call.worker / 3;
        assert_eq!(calls.iter().find(|other| other.call.key() == call.call.key()).unwrap().worker / 3, group);
    }
    assert!(counts.len() >= 10 && counts.values().all(|count| *count <= 10), "{counts:?}");
    for (key, _) in counts.iter().skip(1) {
        let begins = calls.iter().filter(|call| call.call.key() == *key).map(|call| call.at_ns).min().unwrap();
        let group = calls.iter().find(|call| call.call.key() == *key).unwrap().worker / 3;
        let earlier = calls.iter().filter(|call| call.call.key() < *key && call.worker / 3 == group);
        assert!(earlier.map(|call| call.returned_ns).max().is_none_or(|ends| ends <= begins), "key {key} begins early");
    }
}

#[test]
fn keys_retire_after_crashed_calls_that_may_have_changed_them() {
    let limits = KeyLimits { calls: 1_000, crashed: 2 };
    let write = |key| -> Box<dyn Generator> { Box::new(Writes(key)) };
    let mut generator = Limit::new(40, Keys::new(2, 1, limits, Arc::new(write)));
    let calls = simulate(&mut generator, 2, 1, FOR_EVER, |_, _| (MS, Outcome::Unknown("lost".into())));
    assert_eq!(keys(&calls).iter().collect::<BTreeSet<_>>().len(), 20, "two crashed writes a key");
    let mut reads_only = Limit::new(40, independent(2, 1, limits));
    let calls = simulate(&mut reads_only, 2, 1, FOR_EVER, |_, _| (MS, Outcome::Unknown("lost".into())));
    assert_eq!(keys(&calls).iter().collect::<BTreeSet<_>>().len(), 2, "a crashed read costs nothing");
}

#[derive(Clone)]
struct Writes(u64);

impl Generator for Writes {
    fn next(&mut self, context: &Context) -> Next {
        match Reads(self.0).next(context) {
            Next::Invoke(invocation) => {
                Next::Invoke(Invocation { call: Call::Write { key: self.0, value: 1 }, ..invocation })
            }
            next => next,
        }
    }

    fn update(&mut self, _happened: &Happened) {}
}

#[test]
fn calls_that_did_not_happen_do_not_use_a_key_up() {
    let limits = KeyLimits { calls: 10, crashed: 1 };
    let mut generator = Limit::new(200, independent(1, 1, limits));
    let calls = simulate(&mut generator, 1, 1, FOR_EVER, |_, _| (MS, Outcome::Fail("no leader".into())));
    assert_eq!(keys(&calls).iter().collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn keys_whose_generators_never_call_come_to_an_end() {
    let empty = |_| -> Box<dyn Generator> { Box::new(Limit::new(0, Reads(0))) };
    let mut generator = Keys::new(4, 2, KeyLimits::default(), Arc::new(empty));
    assert_eq!(simulate(&mut generator, 4, 1, FOR_EVER, answer_after(1)), []);
}

#[test]
fn every_call_goes_through_every_node_and_is_tried_again() {
    let calls = [Call::Read { key: 1 }, Call::Read { key: 2 }];
    let mut failures = 3;
    let made = simulate(&mut OnNodes::every(3, &calls, 5), 6, 3, FOR_EVER, |_, _| {
        let fails = failures > 0;
        failures -= i32::from(fails);
        (MS, if fails { Outcome::Fail("refused".into()) } else { Outcome::Ok(Reply::NotEqual) })
    });
    assert_eq!(made.len(), 9, "six calls and three repetitions");
    let answered: BTreeSet<(usize, u64)> =
        made.iter().filter(|call| call.outcome.is_ok()).map(|call| (call.worker % 3, call.call.key())).collect();
    assert_eq!(answered.len(), 6, "{answered:?}");
    let made = simulate(&mut OnNodes::every(3, &calls, 5), 6, 3, FOR_EVER, |_, _| (MS, Outcome::Fail("down".into())));
    assert_eq!(made.len(), 30, "given up after five tries");
}

/// The register workload on a register that answers as a real one would, one call at a time.
fn simulated_register(seed: u64) -> Vec<Simulated> {
    let workload = squall_workloads::find("register").unwrap();
    let options = squall_workloads::Options { workers: 12, nodes: 3, key_limits: KeyLimits::default(), rng: rng(seed) };
    let mut registers: std::collections::BTreeMap<u64, Option<i64>> = Default::default();
    let mut generator = Limit::new(5_000, (workload.storm)(options));
    simulate(&mut generator, 12, 3, FOR_EVER, |call, now_ns| {
        let register = registers.entry(call.key()).or_default();
        let reply = match *call {
            Call::Read { .. } => Reply::Read { value: *register, version: None },
            Call::Write { value, .. } => {
                *register = Some(value);
                Reply::Written { version: None }
            }
            Call::Cas { expect, value, .. } if *register == expect => {
                *register = Some(value);
                Reply::Written { version: None }
            }
            Call::Cas { .. } => Reply::NotEqual,
            ref call => unreachable!("no register is asked to {call}"),
        };
        (MS + now_ns % MS, Outcome::Ok(reply))
    })
}

#[test]
fn register_writes_unique_values_and_some_swaps_succeed() {
    let calls = simulated_register(1);
    let mut written = BTreeSet::new();
    let (mut swaps, mut swapped) = (0, 0);
    for call in &calls {
        match call.call {
            Call::Write { key, value } => assert!(written.insert((key, value)), "{value} is written twice"),
            Call::Cas { key, value, .. } => {
                assert!(written.insert((key, value)), "{value} is written twice");
                swaps += 1;
                swapped += usize::from(matches!(call.outcome, Outcome::Ok(Reply::Written { .. })));
            }
            _ => {}
        }
    }
    assert!(swaps > 500, "a good part of the calls: {swaps}");
    let readers = calls.iter().filter(|call| (call.worker / 3) % 2 == 1);
    assert!(readers.clone().all(|call| matches!(call.call, Call::Read { .. })));
    assert_eq!(readers.map(|call| call.worker % 3).collect::<BTreeSet<_>>().len(), 3, "on every node somebody reads");
    assert!(swapped * 10 > swaps && swapped < swaps, "{swapped} of {swaps} swapped");
}

#[test]
fn a_seed_repeats_its_calls() {
    assert_eq!(simulated_register(4), simulated_register(4));
    assert_ne!(simulated_register(4), simulated_register(5));
}

#[test]
fn a_clone_goes_its_own_way() {
    let mut original: Box<dyn Generator> = Box::new(Limit::new(5, Reads(0)));
    let mut copy = original.clone();
    assert_eq!(simulate(&mut *original, 1, 1, FOR_EVER, answer_after(1)).len(), 5);
    assert_eq!(simulate(&mut *copy, 1, 1, FOR_EVER, answer_after(1)).len(), 5);
}
