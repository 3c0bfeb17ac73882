//! The planted bugs: real mistakes, each made by the smallest change of one condition.
//!
//! A server has one at most, says so in its log and its status, and is right in every other respect; without faults no
//! client notices. They are there to test what tests databases. Where a bug is planted, the line names it.

mod changes;
mod commitment;
mod elections;
mod leases;
mod reads;
mod replication;
mod requests;
mod restarts;
mod snapshots;
mod watching;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The planted bugs. One at most is active; a correct server has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Bug {
    /// The leader serves reads from its own state without confirming that it still leads.
    StaleRead,
    /// A vote is given before it is on disk.
    VoteBeforeFsync,
    /// A follower acknowledges entries before they are on disk.
    AckBeforeFsync,
    /// A leader commits an entry of an older term by counting its copies.
    CommitOldTerm,
    /// A member votes for everybody who asks.
    TwoVotes,
    /// A member votes for candidates whose log is shorter than its own.
    ShortLogVote,
    /// The leader commits what it alone has.
    AckBeforeQuorum,
    /// A repeated request is applied again.
    RetryTwice,
    /// A follower keeps entries that contradict the leader's, and says that it has the leader's.
    KeepConflict,
    /// The leader measures its lease by a clock that can be set.
    LeaseWallClock,
    /// A snapshot is read without the table of client sessions.
    SnapshotWithoutSessions,
    /// A follower whose log reaches a snapshot takes that for known, whatever its entries are.
    SnapshotKeepsTail,
    /// A follower acknowledges a snapshot before it is on disk.
    AckSnapshotEarly,
    /// A member that starts takes all of its log for committed.
    TailIsCommitted,
    /// A member that starts has forgotten whom it voted for.
    ForgetVote,
    /// A candidate counts votes that were given in an earlier term.
    CountOldVote,
    /// A new leader believes that the others have all of its log.
    MatchAtStart,
    /// An old message cuts off what a newer one brought.
    TruncateMatched,
    /// A new leader grants reads before it knows all that is committed.
    ReadBeforeOwnTerm,
    /// A follower serves a read before it has applied what the leader named.
    ReadUnapplied,
    /// A leader keeps its lease when it hands over.
    LeaseAfterTransfer,
    /// A change whose leader is lost is said not to have been done.
    DenyInDoubt,
    /// The end of a client's lease takes effect although it was kept alive meanwhile.
    ExpireRenewed,
    /// The time of clients' leases is measured by a clock that can be set.
    ExpiryWallClock,
    /// A change under a fence takes place under any token.
    FenceAnyToken,
    /// Who watches is not told of what an installed snapshot leaves out.
    WatchPastSnapshot,
    /// A leader changes the members whatever is not committed yet.
    ChangesAtOnce,
}

/// A mistake that others made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mistake {
    /// Who made it, and when.
    pub who: &'static str,
    /// Where it is told.
    pub link: &'static str,
    /// The passage of the literature that warns of it. "The paper" is the extended Raft paper, "the dissertation" Ongaro's.
    pub warning: &'static str,
}

/// What there is to say about a bug.
struct Page {
    name: &'static str,
    about: &'static str,
    breaks: &'static str,
    mirrors: Mistake,
    shows_under: &'static str,
    unseen: Option<&'static str>,
}

/// Why clients do not come to see what two leaders of one term do.
const STOPS_FIRST: &str = "a member that meets two leaders of one term stops itself first";
/// Why clients do not come to see what a follower has forgotten, or has too much.
const CONTRADICTED_FIRST: &str = "a member whose log the leader contradicts stops itself first";

impl Bug {
    /// All planted bugs.
    pub const ALL: [Bug; 27] = [
        Bug::StaleRead,
        Bug::VoteBeforeFsync,
        Bug::AckBeforeFsync,
        Bug::CommitOldTerm,
        Bug::TwoVotes,
        Bug::ShortLogVote,
        Bug::AckBeforeQuorum,
        Bug::RetryTwice,
        Bug::KeepConflict,
        Bug::LeaseWallClock,
        Bug::SnapshotWithoutSessions,
        Bug::SnapshotKeepsTail,
        Bug::AckSnapshotEarly,
        Bug::TailIsCommitted,
        Bug::ForgetVote,
        Bug::CountOldVote,
        Bug::MatchAtStart,
        Bug::TruncateMatched,
        Bug::ReadBeforeOwnTerm,
        Bug::ReadUnapplied,
        Bug::LeaseAfterTransfer,
        Bug::DenyInDoubt,
        Bug::ExpireRenewed,
        Bug::ExpiryWallClock,
        Bug::FenceAnyToken,
        Bug::WatchPastSnapshot,
        Bug::ChangesAtOnce,
    ];

    /// The name by which it is asked for.
    pub fn name(self) -> &'static str {
        self.page().name
    }

    /// What it does, in a sentence for people.
    pub fn about(self) -> &'static str {
        self.page().about
    }

    /// The promise that it breaks.
    pub fn breaks(self) -> &'static str {
        self.page().breaks
    }

    /// The mistake that it mirrors.
    pub fn mirrors(self) -> Mistake {
        self.page().mirrors
    }

    /// The faults under which it shows.
    pub fn shows_under(self) -> &'static str {
        self.page().shows_under
    }

    /// Why clients do not come to see it in what they are answered; none if they do, as the simulation of raftd shows.
    pub fn unseen(self) -> Option<&'static str> {
        self.page().unseen
    }

    /// Whether clients come to see it.
    pub fn client_can_see(self) -> bool {
        self.unseen().is_none()
    }

    fn page(self) -> Page {
        match self {
            Bug::StaleRead => reads::STALE_READ,
            Bug::VoteBeforeFsync => elections::VOTE_BEFORE_FSYNC,
            Bug::AckBeforeFsync => commitment::ACK_BEFORE_FSYNC,
            Bug::CommitOldTerm => commitment::COMMIT_OLD_TERM,
            Bug::TwoVotes => elections::TWO_VOTES,
            Bug::ShortLogVote => elections::SHORT_LOG_VOTE,
            Bug::AckBeforeQuorum => commitment::ACK_BEFORE_QUORUM,
            Bug::RetryTwice => requests::RETRY_TWICE,
            Bug::KeepConflict => replication::KEEP_CONFLICT,
            Bug::LeaseWallClock => reads::LEASE_WALL_CLOCK,
            Bug::SnapshotWithoutSessions => snapshots::SNAPSHOT_WITHOUT_SESSIONS,
            Bug::SnapshotKeepsTail => snapshots::SNAPSHOT_KEEPS_TAIL,
            Bug::AckSnapshotEarly => snapshots::ACK_SNAPSHOT_EARLY,
            Bug::TailIsCommitted => restarts::TAIL_IS_COMMITTED,
            Bug::ForgetVote => restarts::FORGET_VOTE,
            Bug::CountOldVote => elections::COUNT_OLD_VOTE,
            Bug::MatchAtStart => replication::MATCH_AT_START,
            Bug::TruncateMatched => replication::TRUNCATE_MATCHED,
            Bug::ReadBeforeOwnTerm => reads::READ_BEFORE_OWN_TERM,
            Bug::ReadUnapplied => reads::READ_UNAPPLIED,
            Bug::LeaseAfterTransfer => reads::LEASE_AFTER_TRANSFER,
            Bug::DenyInDoubt => requests::DENY_IN_DOUBT,
            Bug::ExpireRenewed => leases::EXPIRE_RENEWED,
            Bug::ExpiryWallClock => leases::EXPIRY_WALL_CLOCK,
            Bug::FenceAnyToken => leases::FENCE_ANY_TOKEN,
            Bug::WatchPastSnapshot => watching::WATCH_PAST_SNAPSHOT,
            Bug::ChangesAtOnce => changes::CHANGES_AT_ONCE,
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Bug, String> {
        Bug::ALL.into_iter().find(|bug| bug.name() == text).ok_or_else(|| format!("no planted bug is called `{text}`"))
    }
}
