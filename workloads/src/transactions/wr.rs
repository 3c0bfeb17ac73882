//! `wr`: transactions that read and write registers.
//!
//! A read of a register tells the last write alone. Most writes follow a read of the same register in their transaction, so
//! that it is known which write each of them replaced.

use super::window::Window;
use super::{STEPS, SUCCESSES_MIN, Transactions, level};
use crate::generator::Generator;
use crate::workload::{Options, Workload};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Key, Step};
use squall_results::checker::activity::Activity;
use squall_results::checker::transactions::{Objects, Transactions as Judge};
use squall_results::{Call, CallKind, Checker, Promise};

/// The workload.
pub static WR: Workload = Workload {
    name: "wr",
    about: "transactions that read and write registers, most often the one after the other",
    needs: &[CallKind::Transaction, CallKind::Write],
    promises: &Promise::ALL,
    model: "rw-register",
    storm,
    // A write, which no transaction meets.
    barrier: Call::Write { key: Key::MAX, value: 0 },
    final_calls: |keys| keys.chunks(*STEPS.end()).map(read).collect(),
    checkers,
};

/// How often a register is read before it is written.
const READ_FIRST: f64 = 0.8;

/// A transaction that reads these registers.
fn read(keys: &[Key]) -> Call {
    Call::Transaction { steps: keys.iter().map(|key| Step::Read { key: *key }).collect() }
}

fn storm(Options { nodes, rng, .. }: Options) -> Box<dyn Generator> {
    Box::new(Transactions { nodes, rng, window: Window::new(), draw })
}

fn checkers(promise: Promise) -> Vec<Box<dyn Checker>> {
    let at_least = vec![(CallKind::Transaction, SUCCESSES_MIN)];
    vec![Box::new(Judge { objects: Objects::Registers, level: level(promise) }), Box::new(Activity { at_least })]
}

fn draw(window: &mut Window, rng: &mut ChaCha8Rng, only_reads: bool) -> Call {
    let count = rng.random_range(STEPS);
    let mut steps: Vec<Step> = Vec::new();
    while steps.len() < count {
        let key = window.choose(rng);
        // Targets take one write of a register in a transaction.
        let is_written = steps.iter().any(|step| matches!(step, Step::Write { key: written, .. } if *written == key));
        if only_reads || is_written || rng.random_bool(0.4) {
            steps.push(Step::Read { key });
            continue;
        }
        if rng.random_bool(READ_FIRST) {
            steps.push(Step::Read { key });
        }
        steps.push(Step::Write { key, value: window.change(key) });
    }
    // A write that follows its read may be one step too many.
    steps.truncate(count.max(2));
    Call::Transaction { steps }
}
