//! What do the clients ask?
//!
//! [`generator`]s decide which worker calls what next; they are pure values: the same seed and the same course of events
//! give the same calls. A [`Workload`] is a generator, what it needs of a target, and the checkers that judge the history
//! at a promise; each lives in a file of its own and is listed in [`ALL`].
//!
//! This crate must not know any target, any machine, any clock: time comes in as a number.

pub mod bank;
pub mod generator;
pub mod guarded;
pub mod lock;
pub mod register;
pub mod set;
pub mod transactions;
pub mod workload;

pub use generator::{Context, FreeWorker, Generator, Happened, Invocation, Next};
pub use workload::{ALL, Options, Workload, find};
