//! `set-locked` and `set-fenced`: elements are added to a list that is read and written back, by whoever holds its lock.
//!
//! The two differ in what protects the write: the lock alone, or its fencing token, by which the target refuses a holder who
//! has lost the lock without knowing it. The first loses elements when a holder is paused past its lease between its last
//! look at the lock and its write; no lock can prevent that. The second never does.

use crate::generator::{Context, Generator, Happened, Invocation, KeyLimits, Keys, Next};
use crate::workload::{Options, Workload};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Guard, Key, Value};
use squall_results::checker::activity::Activity;
use squall_results::checker::set::Set;
use squall_results::{Call, CallKind, Checker, Promise};
use std::sync::Arc;

/// Guarded by the lock alone.
pub static SET_LOCKED: Workload = Workload {
    name: "set-locked",
    about: "unique elements added to lists under a lock that alone guards them; a paused holder loses some",
    needs: &[CallKind::AddLocked, CallKind::List],
    promises: &Promise::ALL,
    model: "set-locked",
    storm: |options| storm(options, Guard::Lock),
    barrier: barrier(Guard::Lock),
    final_calls,
    checkers: |promise| checkers(promise, CallKind::AddLocked),
};

/// Guarded by the fencing token.
pub static SET_FENCED: Workload = Workload {
    name: "set-fenced",
    about: "unique elements added to lists under a lock whose fencing token guards the write",
    needs: &[CallKind::AddFenced, CallKind::List],
    promises: &Promise::ALL,
    model: "set-fenced",
    storm: |options| storm(options, Guard::Token),
    barrier: barrier(Guard::Token),
    final_calls,
    checkers: |promise| checkers(promise, CallKind::AddFenced),
};

/// How many elements a list gets at most: it is read and written as a whole.
pub const ELEMENTS_MAX: usize = 300;

/// The fewest successful calls of each kind for a verdict to mean something.
const SUCCESSES_MIN: usize = 10;

const fn barrier(guard: Guard) -> Call {
    Call::AddGuarded { key: Key::MAX, element: 0, guard }
}

fn final_calls(keys: &[Key]) -> Vec<Call> {
    keys.iter().map(|key| Call::List { key: *key }).collect()
}

fn checkers(promise: Promise, add: CallKind) -> Vec<Box<dyn Checker>> {
    let at_least = vec![(add, SUCCESSES_MIN), (CallKind::List, SUCCESSES_MIN)];
    vec![Box::new(Set { promise }), Box::new(Activity { at_least })]
}

fn storm(options: Options, guard: Guard) -> Box<dyn Generator> {
    let Options { workers, nodes, mut rng, .. } = options;
    // Two workers a node on each list, as on a register; every addition waits for those before it.
    let group_size = (2 * nodes).min(workers);
    let seed: [u8; 32] = rng.random();
    let make = move |key| -> Box<dyn Generator> { Box::new(OneList::new(key, guard, seed)) };
    // A list ends by itself.
    let limits = KeyLimits { calls: usize::MAX, crashed: usize::MAX };
    Box::new(Keys::new(workers, group_size, limits, Arc::new(make)))
}

/// Calls on one list, until it is full.
#[derive(Clone)]
struct OneList {
    key: Key,
    guard: Guard,
    rng: ChaCha8Rng,
    added: usize,
}

impl OneList {
    fn new(key: Key, guard: Guard, seed: [u8; 32]) -> OneList {
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(key);
        OneList { key, guard, rng, added: 0 }
    }
}

impl Generator for OneList {
    fn next(&mut self, context: &Context) -> Next {
        if self.added == ELEMENTS_MAX {
            return Next::Done;
        }
        if context.free.is_empty() {
            return Next::Wait(None);
        }
        let free = context.free[self.rng.random_range(0..context.free.len())];
        let key = self.key;
        let call = if self.rng.random_range(0..4) == 0 {
            Call::List { key }
        } else {
            self.added += 1;
            Call::AddGuarded { key, element: self.added as Value, guard: self.guard }
        };
        Next::Invoke(Invocation { worker: free.worker, due_ns: context.now_ns, call })
    }

    fn update(&mut self, _happened: &Happened) {}
}
