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
            Bug::StaleRead => Page {
                name: "stale-read",
                about: "the leader serves reads without confirming that it still leads",
                breaks: "linearizability: a deposed leader returns old values",
                mirrors: Mistake {
                    who: "etcd and Consul, 2014",
                    link: "https://aphyr.com/posts/316-jepsen-etcd-and-consul",
                    warning: "the dissertation, section 6.4",
                },
                shows_under: "partitions that cut the leader off from the others, but not from its clients",
                unseen: None,
            },
            Bug::VoteBeforeFsync => Page {
                name: "vote-before-fsync",
                about: "a vote is given before it is on disk; a voter that restarts votes again",
                breaks: "election safety: a term has two leaders",
                mirrors: Mistake {
                    who: "NebulaGraph, 2021",
                    link: "https://github.com/vesoft-inc/nebula/pull/3415",
                    warning: "the paper, figure 2 (persistent state is updated before responding)",
                },
                shows_under: "crashes of voters while they vote, with a slow disk",
                unseen: Some(STOPS_FIRST),
            },
            Bug::AckBeforeFsync => Page {
                name: "ack-before-fsync",
                about: "a follower acknowledges entries before they are on disk",
                breaks: "durability: what was acknowledged is lost in a crash",
                mirrors: Mistake {
                    who: "systems that leave the moment of writing to the page cache",
                    link: "https://redpanda.com/blog/why-fsync-is-needed-for-data-safety-in-kafka-or-non-byzantine-protocols",
                    warning: "the dissertation, section 3.8",
                },
                shows_under: "loss of power at a majority, with a slow disk",
                unseen: None,
            },
            Bug::CommitOldTerm => Page {
                name: "commit-old-term",
                about: "a leader commits an entry of an older term by counting copies",
                breaks: "leader completeness: a later leader overwrites what is committed",
                mirrors: Mistake {
                    who: "LogCabin, 2013",
                    link: "https://github.com/logcabin/logcabin/issues/44",
                    warning: "the paper, section 5.4.2 and figure 8",
                },
                shows_under: "leaders that crash or are cut off one soon after the other, in a cluster of five",
                unseen: None,
            },
            Bug::TwoVotes => Page {
                name: "two-votes",
                about: "a member votes for everybody who asks in a term",
                breaks: "election safety: a term has two leaders, which contradict each other",
                mirrors: Mistake {
                    who: "Zeebe, 2020",
                    link: "https://github.com/camunda/camunda/pull/5368",
                    warning: "the paper, section 5.2 (at most one candidate in a given term)",
                },
                shows_under: "several candidates at a time: lost leaders, partitions, at times the very first election",
                unseen: Some(STOPS_FIRST),
            },
            Bug::ShortLogVote => Page {
                name: "short-log-vote",
                about: "a vote looks at the last term of a candidate's log, not at its length",
                breaks: "leader completeness: the new leader erases what is committed",
                mirrors: Mistake {
                    who: "liferaft, 2023",
                    link: "https://github.com/markwylde/liferaft/issues/8",
                    warning: "the paper, section 5.4.1",
                },
                shows_under: "elections while a follower lags behind: partitions, lost messages, crashes",
                unseen: None,
            },
            Bug::AckBeforeQuorum => Page {
                name: "ack-before-quorum",
                about: "the leader commits, and answers clients, when it alone has an entry",
                breaks: "leader completeness: the next leader may lack what was acknowledged",
                mirrors: Mistake {
                    who: "EventStoreDB, 2022",
                    link: "https://github.com/kurrent-io/KurrentDB/issues/3472",
                    warning: "the paper, section 5.3 (committed once replicated on a majority)",
                },
                shows_under: "leaders that crash or are cut off",
                unseen: None,
            },
            Bug::RetryTwice => Page {
                name: "retry-twice",
                about: "a request that is repeated in its session is applied again",
                breaks: "linearizability: clients see a change undone, or done a second time",
                mirrors: Mistake {
                    who: "jetcd, 2024",
                    link: "https://jepsen.io/analyses/jetcd-0.8.2",
                    warning: "the paper, section 8; the dissertation, section 6.3",
                },
                shows_under: "answers that are lost or late, and clients that use sessions to ask again",
                unseen: None,
            },
            Bug::KeepConflict => Page {
                name: "keep-conflict",
                about: "a follower keeps entries that contradict the leader's and says that it has the leader's",
                breaks: "log matching: members apply different entries, and differ for good",
                mirrors: Mistake {
                    who: "Copycat, 2017",
                    link: "https://github.com/atomix/copycat/issues/265",
                    warning: "the paper, figure 2 (AppendEntries, receiver, step 3) and section 5.3",
                },
                shows_under: "leaders that are cut off, or crash, before others have their entries",
                unseen: None,
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
