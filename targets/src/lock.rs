//! Locks, and lists that they guard.
//!
//! A target that has locks says by [`Locks`] how a lock is taken, kept and given back, and how a list is read and written.
//! [`LockClient`] makes of it a client for the calls of locks and guarded lists; what a careful holder does, and what is
//! true of a call that broke off halfway, stands there once for all targets.
//!
//! What a target needs for [`Locks`]:
//! - the session (lease) is kept alive by the client's process itself, so that pausing the process pauses this too;
//! - a token that grows with every holder of a lock;
//! - a write that the target itself refuses unless the lock is still held under a token.

mod client;
mod running_time;

pub use client::LockClient;

use crate::client::{Completion, Session};
use async_trait::async_trait;
use squall_results::Outcome;
use squall_results::call::{Key, Value, Version};
use std::time::Instant;

/// One session that can take locks and use the lists that they guard. Like any client's, it opens at its first use and never
/// again.
#[async_trait]
pub trait Locks: Send {
    /// Takes the lock `key` if nobody has it, and returns its fencing token; `None`: another session has it.
    async fn try_acquire(&mut self, key: Key) -> Result<Option<u64>, Trouble>;

    /// Until when this session may rely on the locks that it holds: by its own calculation, or when it learnt that they are
    /// lost. `None`: nothing speaks against them, and it has no means to calculate.
    fn until(&self) -> Option<Instant>;

    /// Gives the lock `key` back, which was taken with `token`. `false`: the target says that it was lost before.
    async fn release(&mut self, key: Key, token: u64) -> Result<bool, Trouble>;

    /// Reads the list `key`, in the strongest way that the target has if `strongest`.
    async fn list(&mut self, key: Key, strongest: bool) -> Result<(Vec<Value>, Option<Version>), Trouble>;

    /// Writes the list `key`: without condition, or if the lock `key` is held under the token `fence`.
    async fn write(&mut self, key: Key, list: &[Value], fence: Option<u64>) -> Result<Written, Trouble>;

    /// Ends the session, so that its locks are free at once; gives no answer, since nobody could do anything about it.
    async fn close(&mut self);
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It took place, and gave the list this version where the target has versions.
    Done(Option<Version>),
    /// The target refused it: the lock is not held under the token any more.
    Fenced,
}

/// A request that was not answered as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Why, for people.
    pub why: String,
    /// Whether it may have been carried out, or may yet be.
    pub may_be_done: bool,
    /// What became of the session.
    pub session: Session,
}

impl Trouble {
    /// What a target's one function from errors to outcomes says of a request that was not answered as it should be.
    pub fn of(completion: Completion) -> Trouble {
        let Completion { outcome, session } = completion;
        let may_be_done = outcome.is_unknown();
        let why = match outcome {
            Outcome::Fail(why) | Outcome::Unknown(why) => why,
            Outcome::Ok(reply) => reply.to_string(),
        };
        Trouble { why, may_be_done, session }
    }
}

#[cfg(test)]
mod tests;
