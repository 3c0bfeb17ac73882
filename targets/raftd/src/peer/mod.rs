//! How members talk: one TCP connection in each direction between any two, frames of postcard on it.
//!
//! Raft tolerates the loss of any message, so nothing here waits for a slow or dead peer: queues are bounded and drop,
//! and a connection that makes no progress is given up rather than left to TCP, whose retransmissions back off to many
//! seconds, so that a healed network serves again within some hundred milliseconds. No message is ever sent twice.
//!
//! It must not know what the messages mean.

mod callers;
mod hello;
mod incoming;
mod outgoing;

pub use callers::Callers;
pub use incoming::{Incoming, listen};
pub use outgoing::Links;

use crate::types::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;
use tokio_util::codec::LengthDelimitedCodec;

/// Who is who: what both ends of a connection must agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The name of the cluster.
    pub cluster: String,
    /// This member.
    pub id: NodeId,
    /// Where the others reach this member, `host:port`.
    pub address: String,
    /// The members that the cluster began with; none if this one joined later. Two who both began it must agree on them.
    pub founders: BTreeSet<NodeId>,
    /// On what leases rest, if they are used.
    pub lease: Option<LeaseTerms>,
}

/// What all members must agree on before a leader may rely on a lease: by how much it trusts clocks, and how long a follower
/// that heard of it votes for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTerms {
    /// By how many percent one member's clock goes faster than another's at most.
    pub drift_percent: u32,
    /// The shortest election time-out.
    pub election_ms: u64,
}

impl fmt::Display for LeaseTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--lease-drift-percent {} --election-ms {}", self.drift_percent, self.election_ms)
    }
}

/// A connection is made within this time or given up.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1000);
/// While a connection is not made, another attempt begins beside it after this time: what was lost in a cut network
/// is only repeated by TCP after a second, then two, and the network may have healed meanwhile.
const CONNECT_AGAIN: Duration = Duration::from_millis(200);
/// Both sides introduce themselves within this time.
const HELLO_TIMEOUT: Duration = Duration::from_millis(1000);
/// A connection on which nothing could be delivered for this long is given up.
const STALL_TIMEOUT: Duration = Duration::from_millis(1000);
/// How many messages wait for one peer; more are dropped.
const QUEUE_MESSAGES: usize = 1024;
/// The largest message in bytes.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// The largest frame from somebody who has not introduced himself yet.
const HELLO_BYTES_MAX: usize = 4096;

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(HELLO_BYTES_MAX).new_codec()
}

#[cfg(test)]
mod tests;
