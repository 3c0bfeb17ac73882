//! What members say to each other.

use super::output::Reason;
use super::read::ReadBy;
use crate::types::{Configuration, Entry, Index, MemberChange, NodeId, Snapshot, Term, Ticket};
use serde::{Deserialize, Serialize};

/// One message from one member to another. It may be lost, delayed, duplicated or overtaken: none of that does harm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// The speaker's term when it spoke.
    pub term: Term,
    /// What is said.
    pub body: Body,
}

/// What is said.
///
/// AppendEntries of the paper is two messages here: [`Body::Append`] moves the log, and its answer waits for the disk;
/// [`Body::Heartbeat`] holds the leadership and confirms it for reads, and its answer waits for no entries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Body {
    /// RequestVote (extended paper, section 5.2): a candidate asks for a vote in its term.
    RequestVote {
        /// The index of the candidate's last entry.
        last_index: Index,
        /// The term of that entry (section 5.4.1).
        last_term: Term,
        /// The leader told the candidate to ask, and has given up its lease.
        by_leave: bool,
    },
    /// PreVote (dissertation, section 9.6): a member that hears of no leader asks whether it would get a vote in the next
    /// term. Nobody is bound by the answer, and no term begins.
    RequestPreVote {
        /// The index of the asking member's last entry.
        last_index: Index,
        /// The term of that entry.
        last_term: Term,
    },
    /// The answer to [`Body::RequestPreVote`].
    PreVote {
        /// Whether the receiver would get the vote: its log has enough, and the voter hears of no leader either.
        granted: bool,
    },
    /// The leader hands over: the receiver, who has all of its log, shall ask for votes at once (section 3.10 of the
    /// dissertation).
    TimeoutNow,
    /// The answer to [`Body::RequestVote`].
    Vote {
        /// Whether the voter gave its one vote of this term to the receiver. A granted vote is on the voter's disk.
        granted: bool,
    },
    /// AppendEntries (section 5.3): the leader extends the follower's log.
    Append {
        /// The index just before `entries`.
        previous_index: Index,
        /// The term of the entry there.
        previous_term: Term,
        /// The entries that follow it. None at all asks only whether the logs agree so far.
        entries: Vec<Entry>,
        /// The leader's commit index.
        commit: Index,
    },
    /// The follower's log agrees with the leader's up to here, and that much of it is on the follower's disk.
    Appended {
        /// The last index of agreement that the request established.
        match_index: Index,
    },
    /// The follower's log has no such entry as the request built on.
    AppendRejected {
        /// `previous_index` of the request that is refused; it shows whether the refusal is still news.
        previous_index: Index,
        /// The term of the follower's entry there; `None` if its log is shorter.
        conflict_term: Option<Term>,
        /// The first index that the follower has of that term; one after its last entry if its log is shorter.
        first_index: Index,
    },
    /// InstallSnapshot (dissertation, section 5.3): a part of the snapshot that the follower needs, since the leader has no
    /// more the entries that it lacks.
    Chunk {
        /// Which snapshot.
        snapshot: SnapshotName,
        /// The members as of its last entry. It follows from the name, as the state does.
        configuration: Configuration,
        /// Where in its state the chunk begins.
        offset: u64,
        /// The chunk.
        bytes: Vec<u8>,
    },
    /// The answer to [`Body::Chunk`], but for the last one: that is answered by [`Body::Appended`] when all of the snapshot is
    /// on the follower's disk.
    ChunkReceived {
        /// Which snapshot.
        snapshot: SnapshotName,
        /// How much of it the follower has.
        offset: u64,
    },
    /// The leader is alive, and asks who still follows it.
    Heartbeat {
        /// The number of this round among the leader's rounds of this term.
        round: u64,
        /// The leader's commit index, as far as the follower's log is known to agree.
        commit: Index,
    },
    /// The answer to [`Body::Heartbeat`]: when it was given, the follower knew of no newer term.
    HeartbeatEcho {
        /// The round that is answered. An old answer thereby confirms no newer round.
        round: u64,
    },
    /// The answer to a leader or candidate of a term that is over; the message's term is what there is to learn.
    Outdated,
    /// A follower passes on a command that it was asked for. The leader of the message's term alone may take it.
    Propose {
        /// The request.
        ticket: Ticket,
        /// The command.
        bytes: Vec<u8>,
    },
    /// A follower passes on a request to read (dissertation, section 6.4).
    Read {
        /// The request.
        ticket: Ticket,
        /// How the leader is to make sure that it leads.
        by: ReadBy,
    },
    /// A follower passes on a request to change the members.
    Change {
        /// The request.
        ticket: Ticket,
        /// The change.
        change: MemberChange,
    },
    /// The leader did not and will not take the request.
    Refused {
        /// The request.
        ticket: Ticket,
        /// Why.
        reason: Reason,
    },
    /// The leader was still the leader after the read was asked for.
    ReadGranted {
        /// The request.
        ticket: Ticket,
        /// What must be applied before the read is served.
        index: Index,
    },
}

/// Names a snapshot by what is in it: two of one name are the same, whoever took them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SnapshotName {
    /// The last entry that it stands for.
    pub last_index: Index,
    /// That entry's term.
    pub last_term: Term,
    /// The length of its state.
    pub bytes: u64,
    /// The CRC-32 of its state.
    pub checksum: u32,
}

impl SnapshotName {
    /// The name of a snapshot.
    pub fn of(snapshot: &Snapshot) -> SnapshotName {
        let Snapshot { last_index, last_term, configuration: _, state } = snapshot;
        SnapshotName {
            last_index: *last_index,
            last_term: *last_term,
            bytes: state.len() as u64,
            checksum: crc32fast::hash(state),
        }
    }
}

impl Body {
    /// Whether this is news from a leader, a candidate or who would be one; it must learn it if its term is over.
    pub(super) fn comes_from_leader_or_candidate(&self) -> bool {
        matches!(
            self,
            Body::RequestVote { .. }
                | Body::RequestPreVote { .. }
                | Body::Append { .. }
                | Body::Chunk { .. }
                | Body::Heartbeat { .. }
        )
    }

    /// Whether it may be ignored when it comes from somebody who is no member here, while a leader is heard (dissertation,
    /// section 4.2.3): it asks for a vote without the leader's leave, or wants nothing but to make its newer term known.
    pub(super) fn may_disturb(&self, is_newer: bool) -> bool {
        match self {
            Body::RequestVote { by_leave, .. } => !by_leave,
            Body::RequestPreVote { .. } => true,
            Body::Append { .. } | Body::Chunk { .. } | Body::Heartbeat { .. } | Body::TimeoutNow => false,
            _ => is_newer,
        }
    }

    /// Whether the parts fit together, and to the term in which this is said, as every member makes them.
    pub(super) fn is_well_formed(&self, term: Term) -> bool {
        match self {
            Body::Append { previous_index, previous_term, entries, .. } => {
                let indices = entries.iter().zip(1..).all(|(entry, place)| entry.index == previous_index + place);
                indices
                    && entries.iter().map(|entry| entry.term).is_sorted_by(|a, b| a <= b)
                    && entries.first().is_none_or(|entry| entry.term >= *previous_term)
                    && entries.last().is_none_or(|entry| entry.term <= term)
            }
            Body::Chunk { snapshot, offset, bytes, .. } => {
                snapshot.last_term <= term
                    && offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= snapshot.bytes)
            }
            _ => true,
        }
    }
}
