//! `append`: transactions that read lists and append to them.

use super::window::Window;
use super::{STEPS, SUCCESSES_MIN, Transactions, level};
use crate::generator::Generator;
use crate::workload::{Options, Workload};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Key, ListStep};
use squall_results::checker::activity::Activity;
use squall_results::checker::transactions::{Objects, Transactions as Judge};
use squall_results::{Call, CallKind, Checker, Promise};

/// The workload.
pub static APPEND: Workload = Workload {
    name: "append",
    about: "transactions that read lists and append to them: each read tells all appends before it",
    needs: &[CallKind::ListTransaction, CallKind::Write],
    promises: &Promise::ALL,
    model: "list-append",
    storm,
    // A write, which no transaction meets.
    barrier: Call::Write { key: Key::MAX, value: 0 },
    final_calls: |keys| keys.chunks(*STEPS.end()).map(read).collect(),
    checkers,
};

/// A transaction that reads these lists.
fn read(keys: &[Key]) -> Call {
    Call::ListTransaction { steps: keys.iter().map(|key| ListStep::Read { key: *key }).collect() }
}

fn storm(Options { nodes, rng, .. }: Options) -> Box<dyn Generator> {
    Box::new(Transactions { nodes, rng, window: Window::new(), draw })
}

fn checkers(promise: Promise) -> Vec<Box<dyn Checker>> {
    let at_least = vec![(CallKind::ListTransaction, SUCCESSES_MIN)];
    vec![Box::new(Judge { objects: Objects::Lists, level: level(promise) }), Box::new(Activity { at_least })]
}

fn draw(window: &mut Window, rng: &mut ChaCha8Rng, only_reads: bool) -> Call {
    let count = rng.random_range(STEPS);
    let step = |_| {
        let key = window.choose(rng);
        match only_reads || rng.random_bool(0.5) {
            true => ListStep::Read { key },
            false => ListStep::Append { key, element: window.change(key) },
        }
    };
    Call::ListTransaction { steps: (0..count).map(step).collect() }
}
