//! The planted bugs: real mistakes, each made by the smallest change of one condition.
//!
//! A server has one at most, says so in its log and its status, and is right in every other respect; without faults no
//! client notices. They are there to test what tests databases. Where a bug is planted, the line names it.

mod commitment;
mod elections;
mod reads;
mod replication;
mod requests;

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

impl Bug {
    /// All planted bugs.
    pub const ALL: [Bug; 10] = [
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
