//! Checkers that take events as they come, whatever their model is.

use super::linearizable::Linearizable;
use super::online::{Online, OnlineError, State};
use crate::call::{Call, Key, Reply};
use crate::event::Event;
use crate::history::Operation;
use crate::model::Model;
use crate::verdict::Verdict;
use std::collections::BTreeSet;

/// What asks for the operations of broken keys: see [`Live::finish`].
pub type OperationsOf<'a> = &'a mut dyn FnMut(&BTreeSet<Key>) -> Vec<Operation>;

/// A judge of one history that takes events as they come; [`Checker::live`](super::Checker::live) makes one. See
/// [`online`](super::online) for when it knows what, and what it holds.
pub trait Live: Send {
    /// Takes the next event; those that are no invocation and no return say nothing to it. Events come in the order of
    /// time; at one instant in any order.
    ///
    /// # Errors
    /// When the events make no history: then nothing more will be right.
    fn push(&mut self, event: &Event) -> Result<(), OnlineError>;

    /// What is known so far.
    fn state(&mut self) -> State;

    /// No more operations will come on `key`.
    fn retire(&mut self, key: Key);

    /// Roughly how many bytes are held.
    fn held_bytes(&self) -> usize;

    /// Nothing more will come. `operations_of` is asked for the operations of broken keys, by invocation.
    fn finish(self: Box<Self>, operations_of: OperationsOf<'_>) -> Verdict;
}

impl<M: Model<Call = Call, Reply = Reply> + Send> Live for Online<'_, M>
where
    Linearizable<M>: Sync,
{
    fn push(&mut self, event: &Event) -> Result<(), OnlineError> {
        match event {
            Event::Invoke(invoke) => self.invoke(invoke.op, invoke.at_ns, invoke.call.clone()),
            Event::Return(ret) => self.end(ret.op, ret.at_ns, ret.outcome.clone()),
            _ => Ok(()),
        }
    }

    fn state(&mut self) -> State {
        Online::state(self)
    }

    fn retire(&mut self, key: Key) {
        Online::retire(self, key);
    }

    fn held_bytes(&self) -> usize {
        Online::held_bytes(self)
    }

    fn finish(self: Box<Self>, operations_of: OperationsOf<'_>) -> Verdict {
        Online::finish(*self, |broken| operations_of(broken))
    }
}
