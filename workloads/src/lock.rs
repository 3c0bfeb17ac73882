//! `lock`: processes take a lock, hold it for a while, and give it back.
//!
//! On each lock one worker a node: enough for somebody to wait for it at all times, few enough for everybody to get it. How
//! long it is held is drawn; a pause of the holder makes a hold longer than any lease. Judging a lock takes no longer for
//! being used much, so locks do not retire.

use crate::generator::{Context, FreeWorker, Generator, Happened, Invocation, KeyLimits, Keys, Next};
use crate::workload::{Options, Workload};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Guard, Key};
use squall_results::checker::activity::Activity;
use squall_results::checker::mutex::Mutex;
use squall_results::{Call, CallKind, Outcome, Promise, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The workload.
pub static LOCK: Workload = Workload {
    name: "lock",
    about: "locks that are taken, held for a while and given back, with fencing tokens",
    // The barrier is an addition under a lock.
    needs: &[CallKind::Acquire, CallKind::Release, CallKind::AddLocked],
    promises: &Promise::ALL,
    model: "lock",
    storm,
    barrier: Call::AddGuarded { key: Key::MAX, element: 0, guard: Guard::Lock },
    // What is held when the storm ends nobody has to give back, and there is nothing to read.
    final_calls: |_| Vec::new(),
    checkers: |_| vec![Box::new(Mutex), Box::new(Activity { at_least: AT_LEAST.into() })],
};

/// The fewest successful calls of each kind for a verdict to mean something.
const AT_LEAST: [(CallKind, usize); 2] = [(CallKind::Acquire, 10), (CallKind::Release, 10)];

/// How long a lock is held, in ms.
const HOLD_MS: std::ops::RangeInclusive<u64> = 10..=200;

fn storm(options: Options) -> Box<dyn Generator> {
    let Options { workers, nodes, mut rng, .. } = options;
    let seed: [u8; 32] = rng.random();
    let make = move |key| -> Box<dyn Generator> { Box::new(OneLock::new(key, seed)) };
    let limits = KeyLimits { calls: usize::MAX, crashed: usize::MAX };
    Box::new(Keys::new(workers, nodes.min(workers), limits, Arc::new(make)))
}

/// Calls on one lock, without end.
#[derive(Clone)]
struct OneLock {
    key: Key,
    rng: ChaCha8Rng,
    /// For how long the processes hold it that have it now: in the view of each, however many there are.
    lasts_ns: BTreeMap<u64, u64>,
    /// When each of them gives it back; set when the generator is asked for the first time after it was taken.
    until_ns: BTreeMap<u64, u64>,
}

impl OneLock {
    fn new(key: Key, seed: [u8; 32]) -> OneLock {
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(key);
        OneLock { key, rng, lasts_ns: BTreeMap::new(), until_ns: BTreeMap::new() }
    }

    /// When this process may call again, and what.
    fn plan(&mut self, free: &FreeWorker, now_ns: u64) -> (u64, Call) {
        let key = self.key;
        match self.lasts_ns.get(&free.process) {
            None => (now_ns, Call::Acquire { key }),
            Some(lasts_ns) => {
                let until_ns = *self.until_ns.entry(free.process).or_insert(now_ns + lasts_ns);
                (until_ns, Call::Release { key })
            }
        }
    }
}

impl Generator for OneLock {
    fn next(&mut self, context: &Context) -> Next {
        let mut next: Option<(u64, FreeWorker, Call)> = None;
        for free in context.free {
            let (at_ns, call) = self.plan(free, context.now_ns);
            if next.as_ref().is_none_or(|(earliest_ns, ..)| at_ns < *earliest_ns) {
                next = Some((at_ns, *free, call));
            }
        }
        match next {
            None => Next::Wait(None),
            Some((at_ns, ..)) if at_ns > context.now_ns => Next::Wait(Some(at_ns)),
            Some((due_ns, free, call)) => Next::Invoke(Invocation { worker: free.worker, due_ns, call }),
        }
    }

    fn update(&mut self, happened: &Happened) {
        let Happened::Returned { process, call, outcome, .. } = happened else { return };
        match (call, outcome) {
            (Call::Acquire { .. }, Outcome::Ok(Reply::Acquired { .. })) => {
                self.lasts_ns.insert(*process, self.rng.random_range(HOLD_MS) * 1_000_000);
            }
            // However it ended, this process does not try again.
            (Call::Release { .. }, _) => {
                self.lasts_ns.remove(process);
                self.until_ns.remove(process);
            }
            _ => {}
        }
    }
}
