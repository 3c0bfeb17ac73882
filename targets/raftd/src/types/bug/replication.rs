//! The leader's log becomes everybody's log.

use super::{CONTRADICTED_FIRST, Mistake, Page};

pub(super) const KEEP_CONFLICT: Page = Page {
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
};

pub(super) const MATCH_AT_START: Page = Page {
    name: "match-at-start",
    about: "a new leader believes that the others have all of its log already (matchIndex begins too high)",
    breaks: "log matching: a follower is told to commit what it lacks, or has otherwise, and never catches up",
    mirrors: Mistake {
        who: "Copycat, 2015, and Apache Ratis, 2023",
        link: "https://github.com/apache/ratis/pull/805",
        warning: "the paper, figure 2 (matchIndex, initialized to 0)",
    },
    shows_under: "elections while a follower lags behind: partitions, crashes",
    unseen: Some(CONTRADICTED_FIRST),
};

pub(super) const TRUNCATE_MATCHED: Page = Page {
    name: "truncate-matched",
    about: "a message with entries cuts off what follows them, though nothing contradicts it",
    breaks: "durability: an old message takes away what was acknowledged since",
    mirrors: Mistake {
        who: "Consul's Raft, 2016",
        link: "https://github.com/hashicorp/raft/pull/113",
        warning: "the paper, figure 2 (AppendEntries, receiver, step 3: if an existing entry conflicts)",
    },
    shows_under: "messages that arrive twice or out of order",
    unseen: Some(CONTRADICTED_FIRST),
};
