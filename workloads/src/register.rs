//! `register`: reads, writes and compare-and-sets on independent registers.
//!
//! Every written value is unique on its key, so that a read tells which write it saw. A compare-and-set expects the value
//! that its process last saw there, so that a good part of them succeed and those that should not are tempting. On every
//! node half of the workers only read: a node that is cut off makes writers wait for their time-outs, and nobody would look
//! at what it still tells.

use crate::generator::{Context, FreeWorker, Generator, Happened, Invocation, Keys, Next};
use crate::workload::{Options, Workload};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Key, Value};
use squall_results::checker::activity::Activity;
use squall_results::checker::linearizable::Linearizable;
use squall_results::checker::sequential::Sequential;
use squall_results::checker::versions::Versions;
use squall_results::model::Register;
use squall_results::{Call, CallKind, Checker, Promise, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The workload.
pub static REGISTER: Workload = Workload {
    name: "register",
    about: "reads, unique writes and compare-and-sets on independent registers",
    needs: &[CallKind::Read, CallKind::Write, CallKind::Cas],
    promises: &Promise::ALL,
    model: "cas-register",
    storm,
    barrier: Call::Write { key: Key::MAX, value: 0 },
    final_calls,
    checkers,
};

/// The fewest successful calls of each kind for a verdict to mean something.
const SUCCESSES_MIN: usize = 10;

fn storm(options: Options) -> Box<dyn Generator> {
    let Options { workers, nodes, key_limits, mut rng } = options;
    // Two workers a node on each key: enough to see one node contradict another, few enough to judge quickly.
    let group_size = (2 * nodes).min(workers);
    let seed: [u8; 32] = rng.random();
    let make = move |key| -> Box<dyn Generator> { Box::new(OneRegister::new(key, nodes, seed)) };
    Box::new(Keys::new(workers, group_size, key_limits, Arc::new(make)))
}

fn final_calls(keys: &[Key]) -> Vec<Call> {
    keys.iter().map(|key| Call::Read { key: *key }).collect()
}

fn checkers(promise: Promise) -> Vec<Box<dyn Checker>> {
    let at_least = REGISTER.needs.iter().map(|kind| (*kind, SUCCESSES_MIN)).collect();
    // What judges the values comes first, the versions beside it.
    let values: Box<dyn Checker> = match promise {
        Promise::Linearizable => Box::new(Linearizable::new(Register)),
        Promise::Sequential => Box::new(Sequential),
    };
    vec![values, Box::new(Versions { promise }), Box::new(Activity { at_least })]
}

/// Calls on one register, without end.
#[derive(Clone)]
struct OneRegister {
    key: Key,
    nodes: usize,
    rng: ChaCha8Rng,
    unused: Value,
    /// What each process last saw in the register.
    seen: BTreeMap<u64, Option<Value>>,
}

impl OneRegister {
    fn new(key: Key, nodes: usize, seed: [u8; 32]) -> OneRegister {
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(key);
        OneRegister { key, nodes, rng, unused: 1, seen: BTreeMap::new() }
    }

    fn fresh(&mut self) -> Value {
        let value = self.unused;
        self.unused += 1;
        value
    }

    /// Workers come in rounds over the nodes: those of every other round only read.
    fn only_reads(&self, worker: usize) -> bool {
        (worker / self.nodes) % 2 == 1
    }

    fn call(&mut self, free: &FreeWorker) -> Call {
        let key = self.key;
        if self.only_reads(free.worker) {
            return Call::Read { key };
        }
        match (self.rng.random_range(0..5), self.seen.get(&free.process)) {
            (0 | 1, _) => Call::Write { key, value: self.fresh() },
            (2 | 3, Some(&expect)) => Call::Cas { key, expect, value: self.fresh() },
            // A process that has seen nothing yet looks first.
            _ => Call::Read { key },
        }
    }
}

impl Generator for OneRegister {
    fn next(&mut self, context: &Context) -> Next {
        if context.free.is_empty() {
            return Next::Wait(None);
        }
        let free = context.free[self.rng.random_range(0..context.free.len())];
        let call = self.call(&free);
        Next::Invoke(Invocation { worker: free.worker, due_ns: context.now_ns, call })
    }

    fn update(&mut self, happened: &Happened) {
        let Happened::Returned { process, call, outcome, .. } = happened else { return };
        match (call, outcome.reply()) {
            (_, Some(Reply::Read { value, .. })) => {
                self.seen.insert(*process, *value);
            }
            (Call::Write { value, .. } | Call::Cas { value, .. }, Some(Reply::Written { .. })) => {
                self.seen.insert(*process, Some(*value));
            }
            _ => {}
        }
        if outcome.is_unknown() {
            self.seen.remove(process);
        }
    }
}
