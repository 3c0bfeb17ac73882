//! Objects that are judged faster than by a search, whatever a model calls their operations.

use crate::call::Value;

/// What one key of a model is, where it is one of these.
///
/// The law of a model that says so: it starts as the object does, and wherever it gives a [`Deed`] for an operation,
/// [`Model::step`](super::Model::step) does what that deed does to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// A queue, empty at first, whose elements come out in the order in which they went in.
    FifoQueue,
    /// A queue, empty at first, whose elements come out in any order.
    UnorderedQueue,
    /// A number.
    Counter {
        /// What it is at first.
        initial: i64,
    },
    /// A text, empty at first.
    Text,
    /// A lock, free at first, that anybody may give back.
    Lock,
    /// A lock, free at first, that only who took it gives back.
    OwnedLock {
        /// Whether tokens grow from holder to holder.
        fenced: bool,
    },
}

/// What an operation does to an [`Object`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed<'a> {
    /// Puts an element into a queue.
    Enqueue(Value),
    /// Takes this element out of a queue.
    Dequeue(Value),
    /// Finds a queue empty.
    FindEmpty,
    /// Takes some element out of a queue, if it has one; nobody saw which.
    DequeueUnseen,
    /// Adds to a number.
    Increase(i64),
    /// Finds that a number is this.
    Count(i64),
    /// Makes a text this, whatever it was.
    Put(&'a str),
    /// Appends to a text.
    Append(&'a str),
    /// Finds that a text is this.
    Get(&'a str),
    /// Takes a lock; changes nothing if nobody saw the answer and it is held.
    Acquire {
        /// Who, if that matters.
        process: u64,
        /// The token that was told, if that matters.
        token: u64,
    },
    /// Gives a lock back; changes nothing if nobody saw the answer and it is not held, by this process if that matters.
    Release {
        /// Who, if that matters.
        process: u64,
    },
    /// Finds that a lock is not held, by this process if that matters.
    FindReleased {
        /// Who, if that matters.
        process: u64,
    },
}
