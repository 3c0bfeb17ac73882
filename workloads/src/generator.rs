//! Generators: pure values that say which worker calls what next.
//!
//! The run loop asks [`Generator::next`] whenever a worker may be free or the time that a generator asked for has come,
//! and tells by [`Generator::update`] what happened. A generator owns all its state, randomness included, so a clone of
//! it, asked the same questions, gives the same answers; tests simulate runs without any clock
//! ([`simulate`]).

mod keys;
mod limit;
mod mix;
mod phases;
mod rate;
mod reserve;
mod sequence;
pub mod simulate;

pub use keys::{KeyLimits, Keys};
pub use limit::{Limit, TimeLimit};
pub use mix::Mix;
pub use phases::Phases;
pub use rate::PoissonRate;
pub use reserve::Reserve;
pub use sequence::OnNodes;

use squall_results::{Call, Outcome};

/// A worker that has nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeWorker {
    /// Its number, from 0. It stays when its process retires.
    pub worker: usize,
    /// The process it works as at the moment.
    pub process: u64,
    /// The number of the node that it is connected to.
    pub node: usize,
}

/// What a generator may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time since the start of the run.
    pub now_ns: u64,
    /// The workers that have nothing to do, by number.
    pub free: &'a [FreeWorker],
}

impl<'a> Context<'a> {
    /// The same, seeing only workers `from..until`.
    pub fn only(&self, from: usize, until: usize) -> Context<'a> {
        let begin = self.free.partition_point(|free| free.worker < from);
        let end = self.free.partition_point(|free| free.worker < until);
        Context { now_ns: self.now_ns, free: &self.free[begin..end] }
    }
}

/// A call that a worker shall make now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The worker; one of the free ones.
    pub worker: usize,
    /// When the schedule wanted the call; not later than now.
    pub due_ns: u64,
    /// What to ask.
    pub call: Call,
}

/// What a generator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This call, now.
    Invoke(Invocation),
    /// Nothing now. Ask again at this time, and in any case after something happened.
    Wait(Option<u64>),
    /// Nothing ever again.
    Done,
}

/// What happened to a call that some generator gave.
#[derive(Debug, Clone, Copy)]
pub enum Happened<'a> {
    /// It was handed to its worker.
    Invoked {
        /// The worker.
        worker: usize,
        /// Its process.
        process: u64,
        /// The call.
        call: &'a Call,
    },
    /// It came back.
    Returned {
        /// The worker.
        worker: usize,
        /// The process that called; it may have retired with this outcome.
        process: u64,
        /// The call.
        call: &'a Call,
        /// How it ended.
        outcome: &'a Outcome,
    },
}

impl Happened<'_> {
    /// The worker that it happened to.
    pub fn worker(&self) -> usize {
        match self {
            Happened::Invoked { worker, .. } | Happened::Returned { worker, .. } => *worker,
        }
    }
}

/// A pure value that says which worker calls what next.
pub trait Generator: Send + BoxedClone {
    /// What to do now. An answer other than [`Next::Invoke`] must not depend on how often it was asked for.
    fn next(&mut self, context: &Context) -> Next;

    /// Learns what happened. Every generator is told of the calls of its own workers at least.
    fn update(&mut self, happened: &Happened);
}

/// Generators in boxes can be cloned.
pub trait BoxedClone {
    /// A copy in a box.
    fn boxed_clone(&self) -> Box<dyn Generator>;
}

impl<G: Generator + Clone + 'static> BoxedClone for G {
    fn boxed_clone(&self) -> Box<dyn Generator> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Generator> {
    fn clone(&self) -> Box<dyn Generator> {
        (**self).boxed_clone()
    }
}

impl Generator for Box<dyn Generator> {
    fn next(&mut self, context: &Context) -> Next {
        (**self).next(context)
    }

    fn update(&mut self, happened: &Happened) {
        (**self).update(happened);
    }
}

/// The earlier of two times to ask again, where `None` is "only after something happened".
fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
