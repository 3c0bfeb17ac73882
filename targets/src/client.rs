//! One connection to one node, speaking [`Call`] and [`Outcome`].

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use squall_results::{Call, Outcome};

/// What became of the session by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Session {
    /// The connection is as good as before.
    Kept,
    /// The connection is closed and must not be used again: a late reply must not answer the next call.
    Lost,
    /// There never was one: nobody listens, or nobody answered the attempt to connect. Whoever tries again waits a little.
    Refused,
}

/// How a client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    /// In the way that was chosen for the run.
    Chosen,
    /// In the strongest way that the target has: what is missing then is lost, not late.
    Strongest,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// As far as the client can tell.
    pub outcome: Outcome,
    /// What became of the session.
    pub session: Session,
}

/// One session with one node. It opens its connection at its first call and never opens another: no hidden retries, no
/// hidden reconnects. A client whose session was lost is thrown away.
///
/// Only a client that was told to ([`TargetOptions::retry`](crate::target::TargetOptions::retry)) repeats a change whose
/// answer it did not get. It reconnects for that; the whole is one call, and its session is lost by it.
#[async_trait]
pub trait Client: Send {
    /// Returns when the client can make a call. One in a process of its own that is paused cannot: what it would have
    /// called meanwhile it calls when it goes on, so nobody may write down an earlier instant.
    async fn ready(&mut self) {}

    /// Makes one call and waits for its end. It ends by itself within the time-out that the client was made with, or three
    /// times this if it repeats changes.
    async fn call(&mut self, call: &Call) -> Completion;
}
