//! What counts as committed.

use super::{Mistake, Page};

pub(super) const ACK_BEFORE_FSYNC: Page = Page {
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
};

pub(super) const COMMIT_OLD_TERM: Page = Page {
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
};

pub(super) const ACK_BEFORE_QUORUM: Page = Page {
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
};
