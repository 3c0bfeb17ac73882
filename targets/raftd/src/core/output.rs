//! What the core wants done, and what it has to tell.

use super::message::Message;
use crate::types::{Entry, HardState, Index, NodeId, Snapshot, Term};
use serde::{Deserialize, Serialize};

/// The caller's own name for a request; the core gives it back as it was. Requests that are open at the same time, reads
/// and proposals alike, need different names.
pub type RequestId = u64;

/// Everything that piled up since the last [`Core::drain`](super::Core::drain).
///
/// The parts are independent of each other but for one order: `install`, then apply all of `committed`, before serving
/// `granted`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// To be sent, in this order. What must be durable before it is spoken of already is. Losing some does no harm.
    pub messages: Vec<Message>,
    /// To be written to disk.
    pub persist: Option<Persist>,
    /// To be put in the place of the state machine, before `committed`.
    pub install: Option<Snapshot>,
    /// To be applied to the state machine, in this order. Each entry is handed out once, without gaps, from index 1 or from
    /// the one after the last snapshot that was read at the start or installed since.
    pub committed: Vec<Committed>,
    /// Reads that may be served once `committed` is applied.
    pub granted: Vec<Granted>,
    /// Requests that will get no result.
    pub failed: Vec<Failed>,
}

impl Output {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.persist.is_none()
            && self.install.is_none()
            && self.committed.is_empty()
            && self.granted.is_empty()
            && self.failed.is_empty()
    }
}

/// A request to write to disk. Any number may be in flight; they take effect in the order of their numbers.
///
/// The order of writing is the hard state, the snapshot, then the entries from first to last. A crash may leave any prefix
/// of that.
/// When all of it is durable, say so with [`Core::persisted`](super::Core::persisted).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Persist {
    /// Counts the requests since the start; from 1.
    pub sequence: u64,
    /// The hard state, if it changed.
    pub hard_state: Option<HardState>,
    /// A snapshot from the leader. The log then begins behind it: what the disk holds of the log before this request is
    /// void.
    pub snapshot: Option<Snapshot>,
    /// Entries to append, without gaps. Whatever the disk holds at the index of the first of them and after it is void.
    pub entries: Vec<Entry>,
}

/// A committed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The entry to apply.
    pub entry: Entry,
    /// The proposal made here, since this start, that the entry came from: its client waits for what applying yields.
    pub proposal: Option<RequestId>,
}

/// A read that is linearizable if served from the state machine once `index` is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// The read.
    pub id: RequestId,
    /// What must be applied; never more than has been handed out in [`Output::committed`] so far.
    pub index: Index,
}

/// A request that will get no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failed {
    /// The request.
    pub id: RequestId,
    /// Whether it may have an effect nevertheless.
    pub fate: Fate,
    /// Why.
    pub reason: Reason,
}

/// What is known of the effect of a request that got no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It had no effect and never will. This is a promise. Reads always end so.
    NotDone,
    /// It may have been done, or may yet be.
    Unknown,
}

/// Why a request got no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Reason {
    /// The member asked knows no leader.
    #[error("no leader is known; ask again after an election")]
    NoLeader,
    /// The member asked, or the leader, has as much to do as it takes on.
    #[error("too many requests are open; ask again later")]
    Busy,
    /// The leader hands over to another member.
    #[error("the leader is handing over; ask again in a moment")]
    HandingOver,
    /// The term in which it was asked ended first.
    #[error("the leader changed before the answer came")]
    LeaderChanged,
    /// The state came from another member, in one piece that does not say what became of single requests.
    #[error("this member caught up by a snapshot, and does not know what became of the request")]
    Overtaken,
    /// A change of the members waits for the one before it.
    #[error("an earlier change of the members is not committed yet; ask again when it is")]
    ChangeUnderWay,
    /// A change of the members waits until a new leader has committed something.
    #[error("the leader was elected just now and has committed nothing yet; ask again in a moment")]
    NotSettled,
    /// Who is to leave is not there.
    #[error("there is no such member")]
    UnknownMember,
    /// Who is to come is there already.
    #[error(
        "there is a member of this number already; to give it another address, remove it and add it under another number"
    )]
    AlreadyMember,
    /// Numbers are not given twice.
    #[error("this number, or a higher one, was a member's before; give a new member a higher one than any ever had")]
    NumberUsed,
    /// Somebody must be left.
    #[error("it is the last voter; promote or add another one first")]
    LastVoter,
    /// No answer came within [`Config::request_ticks`](super::Config::request_ticks).
    #[error("no answer came in time; the leader, a majority or the way there is gone")]
    TimedOut,
}

/// What a member believes about itself and the cluster; for people and for routing, not for decisions about safety.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The member.
    pub id: NodeId,
    /// Its role.
    pub role: RoleName,
    /// Its term.
    pub term: Term,
    /// The leader of that term, if it is known and heard of.
    pub leader: Option<NodeId>,
    /// Whom it voted for in that term.
    pub voted_for: Option<NodeId>,
    /// The last index that it knows to be committed.
    pub commit: Index,
    /// The index of the first entry that its log still has, or would have.
    pub first_index: Index,
    /// The last entry that its snapshot stands for; 0 if it has none.
    pub snapshot_index: Index,
    /// The last index of its log.
    pub last_index: Index,
    /// The term of the entry there.
    pub last_term: Term,
    /// How much of its log is on its disk.
    pub durable_index: Index,
    /// For how many microseconds after the clock was asked last it may grant reads by its lease.
    pub lease_left_us: u64,
}

/// What a leader knows of one follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerProgress {
    /// The follower.
    pub id: NodeId,
    /// So much of the leader's log is on its disk.
    pub matched: Index,
    /// What it is sent next.
    pub next: Index,
    /// Whether it is sent a snapshot, since the leader has no more what it lacks.
    pub needs_snapshot: bool,
    /// If it is a learner: how many rounds of catching up took too long. After ten the leader tries no more to promote it.
    pub slow_rounds: Option<u32>,
}

/// The roles of figure 4 of the extended paper, and the one that pre-votes add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleName {
    /// Follows a leader, or waits for one.
    Follower,
    /// Hears of no leader, and asks whether it would be elected (dissertation, section 9.6).
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Leads its term.
    Leader,
}

impl std::fmt::Display for RoleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            RoleName::Follower => "follower",
            RoleName::PreCandidate => "pre-candidate",
            RoleName::Candidate => "candidate",
            RoleName::Leader => "leader",
        })
    }
}
