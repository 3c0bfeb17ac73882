//! `set` and `set-list`: elements are added and never taken away; every read returns all of them.
//!
//! The two differ in how the target keeps them: apart from each other, or as one value that is swapped for a longer one.
//! Every element is added by one call at most, so that a read tells which additions it saw. On every node half of the
//! workers only read, as in [`register`](crate::register). A set grows to [`ELEMENTS_MAX`] elements, and is followed by the
//! next: servers bound the size of a reply. Additions that crash do not use a set up; they make its judgement no dearer.

use crate::generator::{Context, Generator, Happened, Invocation, KeyLimits, Keys, Next};
use crate::workload::{Options, Workload};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Key, Value};
use squall_results::checker::activity::Activity;
use squall_results::checker::set::Set;
use squall_results::{Call, CallKind, Checker, Promise};
use std::sync::Arc;

/// Elements that the target keeps apart from each other.
pub static SET: Workload = Workload {
    name: "set",
    about: "unique elements added to sets, each element kept apart",
    needs: &[CallKind::Add, CallKind::Elements, CallKind::Write],
    promises: &Promise::ALL,
    model: "set",
    storm: |options| storm(options, APART),
    barrier: BARRIER,
    final_calls: |keys| keys.iter().map(|key| (APART.elements)(*key)).collect(),
    checkers: |promise| checkers(promise, [CallKind::Add, CallKind::Elements]),
};

/// Elements in one value, which is read and swapped.
pub static SET_LIST: Workload = Workload {
    name: "set-list",
    about: "unique elements added to lists, each list one value that is read and swapped",
    needs: &[CallKind::AddToList, CallKind::List, CallKind::Write],
    promises: &Promise::ALL,
    model: "set-list",
    storm: |options| storm(options, LIST),
    barrier: BARRIER,
    final_calls: |keys| keys.iter().map(|key| (LIST.elements)(*key)).collect(),
    checkers: |promise| checkers(promise, [CallKind::AddToList, CallKind::List]),
};

/// How many elements a set gets at most.
pub const ELEMENTS_MAX: usize = 1_000;

/// A write, which may be made many times; an element is added once.
const BARRIER: Call = Call::Write { key: Key::MAX, value: 0 };

/// The fewest successful calls of each kind for a verdict to mean something.
const SUCCESSES_MIN: usize = 10;

/// How the elements of a set are added and read.
#[derive(Clone, Copy)]
struct Kept {
    add: fn(Key, Value) -> Call,
    elements: fn(Key) -> Call,
}

const APART: Kept = Kept { add: |key, element| Call::Add { key, element }, elements: |key| Call::Elements { key } };
const LIST: Kept = Kept { add: |key, element| Call::AddToList { key, element }, elements: |key| Call::List { key } };

fn storm(options: Options, kept: Kept) -> Box<dyn Generator> {
    let Options { workers, nodes, mut rng, .. } = options;
    let group_size = (2 * nodes).min(workers);
    let seed: [u8; 32] = rng.random();
    let make = move |key| -> Box<dyn Generator> { Box::new(OneSet::new(key, nodes, kept, seed)) };
    // A set ends by itself.
    let limits = KeyLimits { calls: usize::MAX, crashed: usize::MAX };
    Box::new(Keys::new(workers, group_size, limits, Arc::new(make)))
}

fn checkers(promise: Promise, kinds: [CallKind; 2]) -> Vec<Box<dyn Checker>> {
    let at_least = kinds.map(|kind| (kind, SUCCESSES_MIN)).into();
    vec![Box::new(Set { promise }), Box::new(Activity { at_least })]
}

/// Calls on one set, until it is full.
#[derive(Clone)]
struct OneSet {
    key: Key,
    nodes: usize,
    kept: Kept,
    rng: ChaCha8Rng,
    added: usize,
}

impl OneSet {
    fn new(key: Key, nodes: usize, kept: Kept, seed: [u8; 32]) -> OneSet {
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(key);
        OneSet { key, nodes, kept, rng, added: 0 }
    }
}

impl Generator for OneSet {
    fn next(&mut self, context: &Context) -> Next {
        if self.added == ELEMENTS_MAX {
            return Next::Done;
        }
        if context.free.is_empty() {
            return Next::Wait(None);
        }
        let free = context.free[self.rng.random_range(0..context.free.len())];
        // Workers come in rounds over the nodes: those of every other round only read.
        let only_reads = (free.worker / self.nodes) % 2 == 1;
        let call = if only_reads || self.rng.random_range(0..5) == 0 {
            (self.kept.elements)(self.key)
        } else {
            self.added += 1;
            (self.kept.add)(self.key, self.added as Value)
        };
        Next::Invoke(Invocation { worker: free.worker, due_ns: context.now_ns, call })
    }

    fn update(&mut self, _happened: &Happened) {}
}
