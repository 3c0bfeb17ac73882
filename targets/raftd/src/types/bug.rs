//! The planted bugs: real mistakes, each made by the smallest change of one condition.
//!
//! A server has one at most, says so in its log and its status, and is right in every other respect; without faults no
//! client notices. They are there to test what tests databases. Where a bug is planted, the line names it.

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
}

/// What there is to say about a bug.
struct Page {
    name: &'static str,
    about: &'static str,
    mirrors: &'static str,
    shows_under: &'static str,
    client_can_see: bool,
}

impl Bug {
    /// All planted bugs.
    pub const ALL: [Bug; 9] = [
        Bug::StaleRead,
        Bug::VoteBeforeFsync,
        Bug::AckBeforeFsync,
        Bug::CommitOldTerm,
        Bug::TwoVotes,
        Bug::ShortLogVote,
        Bug::AckBeforeQuorum,
        Bug::RetryTwice,
        Bug::KeepConflict,
    ];

    /// The name by which it is asked for.
    pub fn name(self) -> &'static str {
        self.page().name
    }

    /// What it does and what that breaks, in a sentence for people.
    pub fn about(self) -> &'static str {
        self.page().about
    }

    /// The mistake that it mirrors: a public report, or the passage of the literature that warns of it. "The paper" is
    /// the extended Raft paper, "the dissertation" Ongaro's.
    pub fn mirrors(self) -> &'static str {
        self.page().mirrors
    }

    /// The faults under which it shows.
    pub fn shows_under(self) -> &'static str {
        self.page().shows_under
    }

    /// Whether clients come to see it in what they are answered, as the simulation of raftd shows. Else a member that meets
    /// two leaders of a term stops itself before the damage reaches a client.
    pub fn client_can_see(self) -> bool {
        self.page().client_can_see
    }

    fn page(self) -> Page {
        match self {
            Bug::StaleRead => Page {
                name: "stale-read",
                about: "the leader serves reads without confirming that it still leads; a deposed leader returns old values",
                mirrors: "the dissertation, section 6.4; etcd and Consul in 2014, https://aphyr.com/posts/316-jepsen-etcd-and-consul",
                shows_under: "partitions that cut the leader off from the others, but not from its clients",
                client_can_see: true,
            },
            Bug::VoteBeforeFsync => Page {
                name: "vote-before-fsync",
                about: "a vote is given before it is on disk; a voter that restarts votes again, and a term has two leaders",
                mirrors: "the paper, figure 2 (persistent state is updated before responding); the dissertation, section 3.8",
                shows_under: "crashes of voters while they vote, with a slow disk",
                client_can_see: false,
            },
            Bug::AckBeforeFsync => Page {
                name: "ack-before-fsync",
                about: "a follower acknowledges entries before they are on disk; what was acknowledged is lost in a crash",
                mirrors: "the paper, figure 2 (persistent state is updated before responding); the dissertation, section 3.8",
                shows_under: "crashes of a majority, with a slow disk",
                client_can_see: true,
            },
            Bug::CommitOldTerm => Page {
                name: "commit-old-term",
                about: "a leader commits an entry of an older term by counting copies; a later leader overwrites it",
                mirrors: "the paper, section 5.4.2 and figure 8",
                shows_under: "leaders that crash or are cut off one soon after the other, in a cluster of five",
                client_can_see: true,
            },
            Bug::TwoVotes => Page {
                name: "two-votes",
                about: "a member votes for everybody who asks in a term; a term has two leaders, which contradict each other",
                mirrors: "the paper, section 5.2 (at most one candidate in a given term)",
                shows_under: "several candidates at a time: lost leaders, partitions, at times the very first election",
                client_can_see: false,
            },
            Bug::ShortLogVote => Page {
                name: "short-log-vote",
                about: "a vote looks at the last term of a candidate's log, not at its length; its leader erases what is committed",
                mirrors: "the paper, section 5.4.1",
                shows_under: "elections while a follower lags behind: partitions, lost messages, crashes",
                client_can_see: true,
            },
            Bug::AckBeforeQuorum => Page {
                name: "ack-before-quorum",
                about: "the leader commits, and answers clients, when it alone has an entry; the next leader may lack it",
                mirrors: "the paper, section 5.3 (committed once replicated on a majority)",
                shows_under: "leaders that crash or are cut off",
                client_can_see: true,
            },
            Bug::RetryTwice => Page {
                name: "retry-twice",
                about: "a repeated request is applied again; clients see their own change undone, or a second one",
                mirrors: "the paper, section 8; the dissertation, section 6.3",
                shows_under: "answers that are lost or late, and clients that use sessions to ask again",
                client_can_see: true,
            },
            Bug::KeepConflict => Page {
                name: "keep-conflict",
                about: "a follower keeps entries that contradict the leader's and says that it has the leader's; members differ",
                mirrors: "the paper, figure 2 (AppendEntries, receiver, step 3) and section 5.3",
                shows_under: "leaders that are cut off, or crash, before others have their entries",
                client_can_see: true,
            },
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
