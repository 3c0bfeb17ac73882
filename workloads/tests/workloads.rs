//! The workloads, simulated on a target that is right: what they ask, and that their own checkers find it valid.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Key, ListStep, Step, Value, Version};
use squall_results::model::{Bank, Model, Register};
use squall_results::{Budget, Call, CallKind, History, Operation, Outcome, Reply, Validity};
use squall_workloads::generator::simulate::{Simulated, simulate};
use squall_workloads::generator::{KeyLimits, Limit};
use squall_workloads::{Options, Workload};
use std::collections::{BTreeMap, BTreeSet};

const MS: u64 = 1_000_000;

/// Every kind of object by key; registers with their versions.
#[derive(Default)]
struct Memory {
    registers: BTreeMap<Key, (Option<Value>, u64)>,
    writes: u64,
    sets: BTreeMap<Key, Vec<Value>>,
    banks: BTreeMap<Key, Vec<i64>>,
    locks: BTreeMap<Key, Lock>,
}

/// A lock with a lease, so that an acquire without an answer does not keep it for ever.
#[derive(Default)]
struct Lock {
    token: u64,
    until_ns: u64,
}

const LEASE_NS: u64 = 1_000 * MS;

/// The first of `replies` that the model allows.
fn first_legal<M: Model<Call = Call, Reply = Reply>>(
    model: &M,
    state: &mut M::State,
    call: &Call,
    replies: Vec<Reply>,
) -> Reply {
    for reply in replies {
        if let Ok(after) = model.step(state, call, Some(&reply)) {
            *state = after;
            return reply;
        }
    }
    panic!("no answer to {call}")
}

impl Memory {
    fn answer(&mut self, call: &Call) -> Reply {
        let key = call.key();
        match call {
            Call::Add { element, .. } | Call::AddToList { element, .. } | Call::AddGuarded { element, .. } => {
                self.sets.entry(key).or_default().push(*element);
                Reply::Added { version: None }
            }
            Call::Elements { .. } | Call::List { .. } => {
                Reply::Elements { elements: self.sets.entry(key).or_default().clone(), version: None }
            }
            Call::ListTransaction { steps } => {
                let mut found = Vec::new();
                for step in steps {
                    let list = self.sets.entry(step.key()).or_default();
                    match step {
                        ListStep::Read { .. } => found.push(list.clone()),
                        ListStep::Append { element, .. } => list.push(*element),
                    }
                }
                Reply::CommittedLists { found }
            }
            Call::Transaction { steps } => {
                let mut found = Vec::new();
                for step in steps {
                    let (holds, _) = self.registers.entry(step.key()).or_default();
                    match step {
                        Step::Read { .. } => found.push(*holds),
                        Step::Write { value, .. } => *holds = Some(*value),
                    }
                }
                Reply::Committed { found }
            }
            Call::Release { .. } => {
                self.locks.entry(key).or_default().until_ns = 0;
                Reply::Released { until_ns: None }
            }
            Call::Open { .. } | Call::Transfer { .. } | Call::Accounts { .. } => {
                let state = self.banks.entry(key).or_default();
                let balances = (0..).zip(state.iter().copied()).collect();
                let replies = vec![
                    Reply::Opened,
                    Reply::NotEqual,
                    Reply::Transferred,
                    Reply::TooLittle,
                    Reply::Accounts { balances },
                ];
                first_legal(&Bank, state, call, replies)
            }
            _ => {
                let (state, order) = self.registers.entry(key).or_default();
                let read = Reply::Read { value: *state, version: Some(Version::at(*order)) };
                let written = Reply::Written { version: Some(Version::at(self.writes + 1)) };
                let reply = first_legal(&Register, state, call, vec![read, written, Reply::NotEqual]);
                if matches!(reply, Reply::Written { .. }) {
                    self.writes += 1;
                    *order = self.writes;
                }
                reply
            }
        }
    }
}

impl Lock {
    /// Takes it, if nobody has it at `now_ns`.
    fn acquire(&mut self, now_ns: u64) -> Outcome {
        if now_ns < self.until_ns {
            return Outcome::Fail("another holds the lock".into());
        }
        *self = Lock { token: self.token + 1, until_ns: now_ns + LEASE_NS };
        Outcome::Ok(Reply::Acquired { token: self.token, until_ns: Some(self.until_ns) })
    }
}

fn workload(name: &str) -> &'static Workload {
    squall_workloads::find(name).unwrap()
}

/// `calls` calls of a workload by twelve workers on three nodes, each done as it is invoked; every so many answers are
/// lost.
fn run(name: &str, calls: usize, seed: u64, lost_every: usize) -> Vec<Simulated> {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let options = Options { workers: 12, nodes: 3, key_limits: KeyLimits::default(), rng };
    let mut generator = Limit::new(calls, (workload(name).storm)(options));
    let (mut memory, mut made) = (Memory::default(), 0);
    simulate(&mut generator, 12, 3, u64::MAX, |call, now_ns| {
        made += 1;
        let outcome = match call {
            Call::Acquire { key } => memory.locks.entry(*key).or_default().acquire(now_ns),
            call => Outcome::Ok(memory.answer(call)),
        };
        // Who waits for a lock in vain waits long.
        let takes_ns = if outcome.is_fail() { 50 * MS } else { MS + now_ns % MS };
        let lost = lost_every > 0 && made % lost_every == 0;
        (takes_ns, if lost { Outcome::Unknown("lost".into()) } else { outcome })
    })
}

fn history(calls: &[Simulated]) -> History {
    let operation = |(id, call): (usize, &Simulated)| Operation {
        id: id as u64,
        process: call.process,
        node: format!("n{}", call.worker % 3 + 1),
        call: call.call.clone(),
        due_ns: call.due_ns,
        invoked_ns: call.at_ns,
        returned_ns: Some(call.returned_ns),
        outcome: call.outcome.clone(),
    };
    let mut operations: Vec<Operation> = calls.iter().enumerate().map(operation).collect();
    operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    History { operations, ..History::default() }
}

#[test]
fn every_workload_finds_a_right_target_valid_at_each_of_its_promises() {
    for workload in squall_workloads::ALL {
        let calls = run(workload.name, 4_000, 1, 100);
        let history = history(&calls);
        for promise in workload.promises {
            for checker in (workload.checkers)(*promise) {
                let verdict = checker.check(&history, &Budget::default());
                let name = format!("{} by {} at {promise}", workload.name, checker.name());
                assert_eq!(verdict.validity, Validity::Valid, "{name}: {}", verdict.reason);
            }
        }
    }
}

#[test]
fn every_workload_asks_only_for_what_it_needs_and_repeats_by_its_seed() {
    for workload in squall_workloads::ALL {
        let calls = run(workload.name, 1_500, 2, 0);
        let asked: BTreeSet<CallKind> = calls.iter().map(|call| call.call.kind()).collect();
        let finals = (workload.final_calls)(&[3, 4]);
        let rest = finals.iter().map(Call::kind).chain([workload.barrier.kind()]);
        let needed: BTreeSet<CallKind> = workload.needs.iter().copied().collect();
        assert_eq!(asked.iter().copied().chain(rest).collect::<BTreeSet<_>>(), needed, "{}", workload.name);
        let keys: Vec<Key> = finals.iter().flat_map(Call::keys).collect();
        assert!(keys == [3, 4] || (keys.is_empty() && workload.name == "lock"), "{}: {keys:?}", workload.name);
        assert!(calls.iter().all(|call| !call.call.keys().contains(&workload.barrier.key())));
        assert_eq!(run(workload.name, 1_500, 2, 0), calls);
        assert_ne!(run(workload.name, 1_500, 3, 0), calls);
        if workload.has_client_processes() {
            continue;
        }
        let readers = calls.iter().filter(|call| (call.worker / 3) % 2 == 1 && !matches!(call.call, Call::Open { .. }));
        assert!(readers.clone().count() > 300, "{}: half of the workers only read", workload.name);
        assert!(readers.clone().all(|call| call.call.only_observes()), "{}", workload.name);
    }
}

#[test]
fn sets_roll_over_and_their_elements_are_unique() {
    for name in ["set", "set-list"] {
        let mut added: BTreeMap<Key, BTreeSet<Value>> = BTreeMap::new();
        for call in run(name, 12_000, 3, 50) {
            if let Call::Add { key, element } | Call::AddToList { key, element } = call.call {
                assert!(added.entry(key).or_default().insert(element), "{element} is added twice to {key}");
            }
        }
        assert!(added.len() > 3, "{name}: {} sets", added.len());
        assert!(added.values().all(|elements| elements.len() <= squall_workloads::set::ELEMENTS_MAX));
        let full = added.values().filter(|elements| elements.len() == squall_workloads::set::ELEMENTS_MAX).count();
        assert!(full >= 2, "{name}: {full} of {} sets are full", added.len());
    }
}

#[test]
fn banks_are_opened_first_and_again_when_that_got_no_answer() {
    let calls = run("bank", 4_000, 4, 0);
    let mut accounts: BTreeMap<Key, usize> = BTreeMap::new();
    let (mut moved, mut refused) = (0, 0);
    let mut by_invocation: Vec<&Simulated> = calls.iter().collect();
    by_invocation.sort_by_key(|call| call.at_ns);
    for call in by_invocation {
        match &call.call {
            Call::Open { key, balances } => assert!(accounts.insert(*key, balances.len()).is_none(), "{key} twice"),
            Call::Transfer { key, from, to, amount } => {
                let count = accounts[key];
                assert!(from != to && (*from as usize) < count && (*to as usize) < count && *amount > 0);
                moved += usize::from(call.outcome == Outcome::Ok(Reply::Transferred));
                refused += usize::from(call.outcome == Outcome::Ok(Reply::TooLittle));
            }
            call => assert!(accounts.contains_key(&call.key()), "{call} before the bank is open"),
        }
    }
    assert!(accounts.len() > 10 && accounts.values().collect::<BTreeSet<_>>().len() > 2, "{accounts:?}");
    assert!(moved > 1_000 && refused > 20, "{moved} moved, {refused} refused");
    let opens = run("bank", 2_000, 4, 7).into_iter().filter(|call| matches!(call.call, Call::Open { .. }));
    let opens: Vec<Simulated> = opens.collect();
    let banks: BTreeSet<Key> = opens.iter().map(|open| open.call.key()).collect();
    assert!(opens.len() > banks.len(), "{} opens of {} banks", opens.len(), banks.len());
}

#[test]
fn who_holds_a_lock_gives_it_back_after_a_while() {
    let calls = run("lock", 4_000, 5, 0);
    let mut by_process: BTreeMap<u64, Vec<&Simulated>> = BTreeMap::new();
    calls.iter().for_each(|call| by_process.entry(call.process).or_default().push(call));
    let mut holds = 0;
    for calls in by_process.values_mut() {
        calls.sort_by_key(|call| call.at_ns);
        for pair in calls.windows(2) {
            let is_held = matches!(pair[0].outcome, Outcome::Ok(Reply::Acquired { .. }));
            assert_eq!(matches!(pair[1].call, Call::Release { .. }), is_held, "{pair:?}");
            if is_held {
                let held_ms = (pair[1].at_ns - pair[0].returned_ns) / MS;
                assert!((10..=201).contains(&held_ms), "{held_ms} ms");
                holds += 1;
            }
        }
    }
    assert!(holds > 100, "{holds} holds");
}

#[test]
fn guarded_lists_roll_over_and_their_elements_are_unique() {
    for name in ["set-locked", "set-fenced"] {
        let mut added: BTreeMap<Key, BTreeSet<Value>> = BTreeMap::new();
        for call in run(name, 4_000, 3, 50) {
            if let Call::AddGuarded { key, element, .. } = call.call {
                assert!(added.entry(key).or_default().insert(element), "{element} is added twice to {key}");
            }
        }
        let full = added.values().filter(|elements| elements.len() == squall_workloads::guarded::ELEMENTS_MAX).count();
        assert!(full >= 4, "{name}: {full} of {} lists are full", added.len());
    }
}

#[test]
fn transactions_meet_and_write_no_value_twice() {
    let mut written: BTreeMap<Key, BTreeSet<Value>> = BTreeMap::new();
    let (mut lengths, mut read_first, mut blind) = (BTreeSet::new(), 0, 0);
    for call in run("wr", 4_000, 6, 0) {
        let Call::Transaction { steps } = call.call else { continue };
        lengths.insert(steps.len());
        let mut seen: BTreeSet<Key> = BTreeSet::new();
        let mut changed: BTreeSet<Key> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Read { key } => drop(seen.insert(key)),
                Step::Write { key, value } => {
                    assert!(written.entry(key).or_default().insert(value), "{value} is written twice to {key}");
                    assert!(changed.insert(key), "{key} is written twice in one transaction");
                    *(if seen.contains(&key) { &mut read_first } else { &mut blind }) += 1;
                }
            }
        }
    }
    assert_eq!(lengths, (1..=4).collect());
    assert!(read_first > 2 * blind && blind > 100, "{read_first} writes behind a read, {blind} blind ones");
    let mut appended: BTreeMap<Key, BTreeSet<Value>> = BTreeMap::new();
    for call in run("append", 4_000, 7, 0) {
        let Call::ListTransaction { steps } = call.call else { continue };
        for step in steps {
            if let ListStep::Append { key, element } = step {
                assert!(appended.entry(key).or_default().insert(element), "{element} is appended twice to {key}");
            }
        }
    }
    assert!(written.len() > 20 && appended.len() > 20, "{} registers, {} lists", written.len(), appended.len());
}
