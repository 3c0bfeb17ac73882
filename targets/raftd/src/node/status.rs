//! What a member says about itself.

use crate::types::{Index, NodeId, Standing, Term};
use serde::Serialize;

/// What a member believes about itself and its cluster. For people and tests; it proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The name of the cluster.
    pub cluster: String,
    /// The member.
    pub id: NodeId,
    /// `follower`, `candidate` or `leader`.
    pub role: String,
    /// Its term.
    pub term: Term,
    /// Whom it voted for in that term.
    pub voted_for: Option<NodeId>,
    /// The leader of that term, if it knows one.
    pub leader: Option<NodeId>,
    /// The last index that it knows to be committed.
    pub commit: Index,
    /// The last index that it applied.
    pub applied: Index,
    /// The last index that its snapshot stands for; 0 if it has none.
    pub snapshot: Index,
    /// The first index that its log still has; 0 while the log is empty.
    pub first: Index,
    /// The last index of its log.
    pub last: Index,
    /// How much of its log is on its disk.
    pub durable: Index,
    /// All members, as the member's log has it, committed or not.
    pub members: Vec<MemberStatus>,
    /// The entry from which on these are the members; 0 if they are those that the cluster began with.
    pub members_since: Index,
    /// The peers that it has a connection to.
    pub connected: Vec<NodeId>,
    /// What the leader knows of the others; empty elsewhere.
    pub peers: Vec<PeerStatus>,
    /// How many keys there are.
    pub keys: usize,
    /// How many client sessions are open.
    pub sessions: usize,
    /// How many leases clients have.
    pub leases: usize,
    /// How many locks are held.
    pub locks: usize,
    /// By how much members' clocks may differ in speed, if leases are used.
    pub lease_drift_percent: Option<u32>,
    /// For how many milliseconds more it may grant reads by its lease; 0 unless it leads and uses leases.
    pub lease_left_ms: u64,
    /// How many requests it has taken and not answered yet.
    pub open_requests: usize,
    /// The planted bug, if there is one.
    pub bug: Option<String>,
}

/// A member, as another one's log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberStatus {
    /// The member.
    pub id: NodeId,
    /// Whether it counts.
    pub role: Standing,
    /// Where the others reach it.
    pub address: String,
}

/// What the leader knows of another member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// The member.
    pub id: NodeId,
    /// So much of the leader's log is on its disk.
    pub matched: Index,
    /// What it is sent next.
    pub next: Index,
    /// Whether it is sent a snapshot.
    pub needs_snapshot: bool,
    /// If it is a learner: how many rounds of catching up took too long. After ten it is promoted no more, until it is added again.
    pub slow_rounds: Option<u32>,
}
