//! What a member of a cluster is told when it starts.

use crate::types::{Bug, Configuration, NodeId};

/// What a member is told when it starts. Times are in ticks: calls of [`Core::tick`](super::Core::tick).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The member's own name.
    pub id: NodeId,
    /// The members that the cluster began with, itself included, as long as neither the log nor a snapshot says who belongs to
    /// it. All of them begin with the same. One that joins later begins with none.
    pub members: Configuration,
    /// A number that no other start of this member uses: 64 random bits, say. It keeps late answers to an earlier start
    /// from being taken for answers to this one.
    pub incarnation: u64,
    /// Seeds the election time-outs. Members may share it: each draws from a stream of its own, lest they ask for votes
    /// in step for ever.
    pub seed: u64,
    /// The shortest election time-out; each is drawn between this and twice this (extended paper, section 5.2).
    pub election_ticks: u32,
    /// The time between two heartbeats of a leader; well below `election_ticks`.
    pub heartbeat_ticks: u32,
    /// How long a request stays open before the client is told that its fate is unknown.
    pub request_ticks: u32,
    /// How many entries a message carries at most.
    pub max_batch_entries: usize,
    /// How many bytes of commands a message carries at most; a single larger entry still goes alone.
    pub max_batch_bytes: usize,
    /// How many unanswered messages with entries a leader has under way to one follower.
    pub max_inflight: usize,
    /// How many entries a leader's log may hold beyond the commit index before it refuses proposals. What the log held
    /// when the member started does not count.
    pub max_uncommitted: usize,
    /// How many bytes of commands those entries may have before it refuses proposals.
    pub max_uncommitted_bytes: usize,
    /// How many requests may be open at the member that was asked, and how many reads at the leader.
    pub max_requests: usize,
    /// How many entries before the snapshot the log keeps: a follower who lacks no more needs no snapshot.
    pub keep_entries: usize,
    /// How many bytes of a snapshot a message carries at most.
    pub max_chunk_bytes: usize,
    /// The leases by which a leader may grant reads without asking anybody; none if it may not. All members of a cluster have
    /// the same, and the same `election_ticks`.
    pub lease: Option<Lease>,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// On what leases rest: see [`read`](super::read).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The assumption: between any two members, one's clock goes faster than the other's by so many percent at most.
    pub drift_percent: u32,
    /// The least time between two ticks, in microseconds of the member's own clock.
    pub tick_us: u64,
}

impl Config {
    /// A member with the usual limits, for ticks of about 10 ms, of a cluster of these voters; they have no addresses.
    pub fn new(id: NodeId, members: Vec<NodeId>, incarnation: u64, seed: u64) -> Config {
        Config {
            id,
            members: Configuration::of_voters(members.into_iter().map(|member| (member, String::new()))),
            incarnation,
            seed,
            election_ticks: 30,
            heartbeat_ticks: 5,
            request_ticks: 500,
            max_batch_entries: 256,
            max_batch_bytes: 1 << 20,
            max_inflight: 64,
            max_uncommitted: 4096,
            max_uncommitted_bytes: 64 << 20,
            max_requests: 4096,
            keep_entries: 1024,
            max_chunk_bytes: 256 << 10,
            lease: None,
            bug: None,
        }
    }

    /// How long a round of heartbeats that a majority answered is a lease, from its sending on, on the leader's clock; 0: not at
    /// all. Followers vote for nobody for `election_ticks` ticks after they heard the round. The first of these may come
    /// at once, a timer that was late may make up for it within a tick, and all the others may go faster than the leader's
    /// clock by as much as is assumed.
    pub fn lease_us(&self) -> u64 {
        let Some(Lease { drift_percent, tick_us }) = self.lease else { return 0 };
        u64::from(self.election_ticks.saturating_sub(2)) * tick_us * 100 / (100 + u64::from(drift_percent))
    }

    /// Whether a member can run with this.
    pub(super) fn validate(&self) -> Result<(), StartError> {
        if !self.members.members().is_empty() && !self.members.is_voter(self.id) {
            return Err(StartError::NotAMember { id: self.id });
        }
        if self.heartbeat_ticks == 0 || self.election_ticks <= self.heartbeat_ticks || self.request_ticks == 0 {
            return Err(StartError::Times {
                heartbeat_ticks: self.heartbeat_ticks,
                election_ticks: self.election_ticks,
            });
        }
        let limits = [
            ("max_batch_entries", self.max_batch_entries),
            ("max_inflight", self.max_inflight),
            ("max_uncommitted", self.max_uncommitted),
            ("max_uncommitted_bytes", self.max_uncommitted_bytes),
            ("max_requests", self.max_requests),
            ("max_chunk_bytes", self.max_chunk_bytes),
        ];
        match limits.into_iter().find(|(_, limit)| *limit == 0) {
            Some((limit, _)) => Err(StartError::ZeroLimit { limit }),
            None => Ok(()),
        }
    }
}

/// Why a member cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The member itself is missing.
    #[error("member {id} is not among the members; list it too")]
    NotAMember {
        /// The member.
        id: NodeId,
    },
    /// The time-outs do not fit together.
    #[error(
        "heartbeats every {heartbeat_ticks} ticks and elections after {election_ticks} ticks; \
         no time-out may be zero, and elections must come later than heartbeats"
    )]
    Times {
        /// See [`Config::heartbeat_ticks`].
        heartbeat_ticks: u32,
        /// See [`Config::election_ticks`].
        election_ticks: u32,
    },
    /// Nothing would ever be taken on.
    #[error("{limit} is 0; set it to 1 at least")]
    ZeroLimit {
        /// The limit.
        limit: &'static str,
    },
    /// The log from disk has a hole, or its terms fall.
    #[error("the log read from disk is broken after entry {index}; the disk lost or mixed up entries")]
    BrokenLog {
        /// The last index in order.
        index: u64,
    },
    /// The log from disk knows a term that the hard state does not.
    #[error(
        "the log read from disk ends in term {last_term}, but the hard state in term {term}; the disk lost the hard state"
    )]
    HardStateLost {
        /// The term of the last entry.
        last_term: u64,
        /// The term of the hard state.
        term: u64,
    },
}
