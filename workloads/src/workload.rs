//! What a workload is, and the list of them.

use crate::generator::{Generator, KeyLimits, OnNodes};
use rand_chacha::ChaCha8Rng;
use squall_results::call::Key;
use squall_results::{Call, CallKind, Checker, Promise};

/// What a workload may be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The number of workers.
    pub workers: usize,
    /// The number of nodes; worker `w` is connected to node `w % nodes`.
    pub nodes: usize,
    /// When keys retire.
    pub key_limits: KeyLimits,
    /// The source of all its randomness.
    pub rng: ChaCha8Rng,
}

/// What clients ask of a target, and how the answers are judged. Plain data and functions: a workload holds no state.
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The calls that a target must support.
    pub needs: &'static [CallKind],
    /// The promises at which it can be judged.
    pub promises: &'static [Promise],
    /// The name of the model that judges its histories.
    pub model: &'static str,
    /// What the clients ask during the storm; it need not end.
    pub storm: fn(Options) -> Box<dyn Generator>,
    /// A write on a key that the storm never uses; when it passed through a node, that node serves.
    pub barrier: Call,
    /// The calls that are made through every node after the storm, given the keys that were used.
    pub final_calls: fn(&[Key]) -> Vec<Call>,
    /// The checkers that judge the history at a promise.
    pub checkers: fn(Promise) -> Vec<Box<dyn Checker>>,
}

/// All workloads.
pub const ALL: &[&Workload] = &[
    &crate::register::REGISTER,
    &crate::set::SET,
    &crate::set::SET_LIST,
    &crate::bank::BANK,
    &crate::transactions::APPEND,
    &crate::transactions::WR,
    &crate::lock::LOCK,
    &crate::guarded::SET_LOCKED,
    &crate::guarded::SET_FENCED,
];

/// The workload with this name.
pub fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().copied().find(|workload| workload.name == name)
}

/// How often a final call is tried before it is given up.
const FINAL_TRIES: u32 = 5;

impl Workload {
    /// Whether its clients are operating-system processes of their own.
    pub fn has_client_processes(&self) -> bool {
        self.needs.iter().any(|kind| kind.takes_lock())
    }

    /// The final calls through every one of `nodes` nodes.
    pub fn finals(&self, keys: &[Key], nodes: usize) -> Box<dyn Generator> {
        Box::new(OnNodes::every(nodes, &(self.final_calls)(keys), FINAL_TRIES))
    }
}
