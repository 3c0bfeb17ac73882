//! Who leads: votes.

use super::{Mistake, Page, STOPS_FIRST};

pub(super) const VOTE_BEFORE_FSYNC: Page = Page {
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
};

pub(super) const TWO_VOTES: Page = Page {
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
};

pub(super) const SHORT_LOG_VOTE: Page = Page {
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
};

pub(super) const COUNT_OLD_VOTE: Page = Page {
    name: "count-old-vote",
    about: "a candidate counts votes that were given to it in an earlier term and come late",
    breaks: "election safety: a term has two leaders",
    mirrors: Mistake {
        who: "akka-raft, 2015",
        link: "https://github.com/ktoso/akka-raft/issues/46",
        warning: "the paper, section 5.1 (a stale term number) and figure 2",
    },
    shows_under: "elections that have to be repeated, and answers that are late",
    unseen: Some(STOPS_FIRST),
};
