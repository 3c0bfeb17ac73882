//! One member at work: the loop that owns the Raft core and the state machine.
//!
//! The core is told what happens (time, messages, requests, durable writes) and says what to do; everything that waits
//! is elsewhere: the disk on a thread of its own ([`Journal`]), the network in [`peer`](crate::peer), clients behind
//! [`Handle`]. It must not know HTTP.

mod clock;
mod failure;
mod feed;
mod handle;
mod journal;
mod member;
mod metrics;
mod status;

pub use failure::{Cause, Failure};
pub use feed::{Changed, Compacted, Feed, Told, Watching};
pub use handle::Handle;
pub use journal::Journal;
pub use member::{Inputs, Member, NodeError};
pub use metrics::{BUCKETS_US, Histogram, Metrics, Shown};
pub use status::{MemberStatus, PeerStatus, Status};

use crate::machine::{Answer, Query, View};
use crate::types::{Index, MemberChange, NodeId};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

/// How many requests wait for the loop to take them; more are refused.
pub const REQUESTS_MAX: usize = 1024;
/// How many bytes the requests of clients may have that have no answer yet; more are refused.
pub const REQUEST_BYTES_MAX: usize = 64 << 20;
/// How many messages of peers wait for the loop; while there are more, the peers have to wait.
pub const MESSAGES_MAX: usize = 1024;

/// What a member shows of itself while it works.
#[derive(Debug)]
pub struct Windows {
    /// What it believes. Only what the core, the machine and the links know is changed in it.
    pub status: watch::Sender<Status>,
    /// What it applies, for those who watch.
    pub feed: Feed,
    /// What it counts.
    pub metrics: Arc<Metrics>,
}

/// As of when the state is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As of some moment after the question came: linearizable.
    Now,
    /// The same by the leader's lease, while it has one.
    Leased,
    /// As this member has applied it: nobody is asked, and it may be as old as one likes. What was changed through this
    /// member is in it: the member answers a change when it has applied it itself. So it is sequentially consistent for
    /// clients that stay with one run of one member.
    Local,
}

/// What a client asks, and where the answer goes. An answer that nobody waits for any more is thrown away.
#[derive(Debug)]
pub enum Request {
    /// To change the state.
    Change {
        /// How: an encoded [`Command`](crate::machine::Command).
        command: Vec<u8>,
        /// Its part of [`REQUEST_BYTES_MAX`].
        room: OwnedSemaphorePermit,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Answer, Failure>>,
    },
    /// To hand the leadership over.
    Transfer {
        /// To which member.
        to: NodeId,
        /// Where the answer goes: whether it was begun.
        reply: oneshot::Sender<Result<bool, Failure>>,
    },
    /// To change the members.
    Members {
        /// How.
        change: MemberChange,
        /// Where the answer goes: the entry that the change came with, when it is committed.
        reply: oneshot::Sender<Result<Index, Failure>>,
    },
    /// To see the state.
    Ask {
        /// What of it.
        query: Query,
        /// As of when.
        freshness: Freshness,
        /// Its part of [`REQUEST_BYTES_MAX`].
        room: OwnedSemaphorePermit,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<View, Failure>>,
    },
}

impl Request {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Request::Change { reply, .. } => reply.is_closed(),
            Request::Transfer { reply, .. } => reply.is_closed(),
            Request::Members { reply, .. } => reply.is_closed(),
            Request::Ask { reply, .. } => reply.is_closed(),
        }
    }

    /// Answers that it came to nothing.
    pub(crate) fn fail(self, failure: Failure) {
        // Who has gone away does not wait for an answer.
        match self {
            Request::Change { reply, .. } => drop(reply.send(Err(failure))),
            Request::Transfer { reply, .. } => drop(reply.send(Err(failure))),
            Request::Members { reply, .. } => drop(reply.send(Err(failure))),
            Request::Ask { reply, .. } => drop(reply.send(Err(failure))),
        }
    }
}

#[cfg(test)]
mod tests;
