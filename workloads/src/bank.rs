//! `bank`: money moves between the accounts of a bank, and never comes or goes.
//!
//! One worker opens a bank; then transfers of small amounts between two of its accounts, some of them too large for what
//! is there, and reads of all accounts at one moment. On every node half of the workers only read, as in
//! [`register`](crate::register).

use crate::generator::{Context, FreeWorker, Generator, Happened, Invocation, Keys, Next};
use crate::workload::{Options, Workload};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Account, Key};
use squall_results::checker::activity::Activity;
use squall_results::checker::bank::{Totals, Transactions};
use squall_results::checker::linearizable::Linearizable;
use squall_results::model::Bank;
use squall_results::{Call, CallKind, Checker, Promise};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The workload.
pub static BANK: Workload = Workload {
    name: "bank",
    about: "transfers between the accounts of banks, whose totals never change",
    needs: &[CallKind::Open, CallKind::Transfer, CallKind::Accounts, CallKind::Write],
    promises: &Promise::ALL,
    model: "bank",
    storm,
    // A write, which may be made many times; a bank is opened once.
    barrier: Call::Write { key: Key::MAX, value: 0 },
    final_calls: |keys| keys.iter().map(|key| Call::Accounts { key: *key }).collect(),
    checkers,
};

/// How many accounts a bank has.
const ACCOUNTS: RangeInclusive<Account> = 5..=8;

/// What each account holds at first.
const BALANCE: i64 = 10;

/// How much a transfer moves. Three or four in a row from one account are too much for it.
const AMOUNT: RangeInclusive<i64> = 1..=5;

/// The fewest successful calls of each kind for a verdict to mean something.
const SUCCESSES_MIN: usize = 10;

fn storm(options: Options) -> Box<dyn Generator> {
    let Options { workers, nodes, key_limits, mut rng } = options;
    let group_size = (2 * nodes).min(workers);
    let seed: [u8; 32] = rng.random();
    let make = move |key| -> Box<dyn Generator> { Box::new(OneBank::new(key, nodes, seed)) };
    Box::new(Keys::new(workers, group_size, key_limits, Arc::new(make)))
}

fn checkers(promise: Promise) -> Vec<Box<dyn Checker>> {
    let at_least = vec![(CallKind::Open, 1), (CallKind::Transfer, SUCCESSES_MIN), (CallKind::Accounts, SUCCESSES_MIN)];
    let mut checkers: Vec<Box<dyn Checker>> = vec![Box::new(Totals { promise })];
    match promise {
        // All accounts are one object, so its linearizability is the strict serializability of the transactions.
        Promise::Linearizable => checkers.push(Box::new(Linearizable::new(Bank))),
        // Only the reads may be old: what was transferred must be there in the end.
        Promise::Sequential => checkers.push(Box::new(Transactions)),
    }
    checkers.push(Box::new(Activity { at_least }));
    checkers
}

/// Calls on one bank, without end.
#[derive(Clone)]
struct OneBank {
    key: Key,
    nodes: usize,
    rng: ChaCha8Rng,
    accounts: Account,
    is_open: bool,
    /// The worker that opens it.
    opens: Option<usize>,
}

impl OneBank {
    fn new(key: Key, nodes: usize, seed: [u8; 32]) -> OneBank {
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(key);
        let accounts = rng.random_range(ACCOUNTS);
        OneBank { key, nodes, rng, accounts, is_open: false, opens: None }
    }

    /// Workers come in rounds over the nodes: those of every other round only read.
    fn only_reads(&self, worker: usize) -> bool {
        (worker / self.nodes) % 2 == 1
    }

    fn call(&mut self, free: &FreeWorker) -> Call {
        let key = self.key;
        if self.only_reads(free.worker) || self.rng.random_range(0..5) == 0 {
            return Call::Accounts { key };
        }
        let from = self.rng.random_range(0..self.accounts);
        let to = (from + self.rng.random_range(1..self.accounts)) % self.accounts;
        Call::Transfer { key, from, to, amount: self.rng.random_range(AMOUNT) }
    }
}

impl Generator for OneBank {
    fn next(&mut self, context: &Context) -> Next {
        if context.free.is_empty() || self.opens.is_some() {
            return Next::Wait(None);
        }
        let free = context.free[self.rng.random_range(0..context.free.len())];
        let call = if self.is_open {
            self.call(&free)
        } else {
            self.opens = Some(free.worker);
            Call::Open { key: self.key, balances: vec![BALANCE; self.accounts as usize] }
        };
        Next::Invoke(Invocation { worker: free.worker, due_ns: context.now_ns, call })
    }

    fn update(&mut self, happened: &Happened) {
        let Happened::Returned { worker, call: Call::Open { .. }, outcome, .. } = happened else { return };
        if self.opens == Some(*worker) {
            // Without an answer the next worker opens it, unless it turns out to be open.
            self.is_open = outcome.is_ok();
            self.opens = None;
        }
    }
}
