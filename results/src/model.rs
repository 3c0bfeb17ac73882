//! Sequential models: what a correct object would do if its operations came one at a time.

pub mod access;
pub mod bank;
pub mod register;

pub use access::{Access, Demand};
pub use bank::Bank;
pub use register::Register;

use crate::call::{Call, Key, Reply};
use std::fmt::Debug;
use std::hash::Hash;

/// A sequential specification. Pure: no randomness, no clock, no hidden state.
pub trait Model: Sync {
    /// The state of one key.
    type State: Clone + Eq + Hash + Debug + Send + Sync;

    /// The name by which people choose it: `cas-register`.
    fn name(&self) -> &'static str;

    /// The state before any operation.
    fn init(&self) -> Self::State;

    /// The state after `call` answered with `reply` in `state`, or why that cannot be.
    ///
    /// A `reply` of `None` is a call whose answer nobody saw, at the moment at which it takes effect: every answer is
    /// allowed then, and the model returns the state that follows.
    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String>;

    /// The independent object that a call acts on. Keys are judged apart (linearizability is local: Herlihy and Wing,
    /// 1990, theorem 1), so a model must only split where no call touches two keys.
    fn partition(&self, call: &Call) -> Key;

    /// The operation as an access to a single overwritable value, where it is one; see [`Access`] for the law. It lets
    /// checkers drop what nothing can depend on and tell a contradiction in the words of a register. `None` is always
    /// right, only slower and less eloquent.
    fn access(&self, _call: &Call, _reply: Option<&Reply>) -> Option<Access> {
        None
    }

    /// The state as people write it.
    fn show(&self, state: &Self::State) -> String {
        format!("{state:?}")
    }
}
