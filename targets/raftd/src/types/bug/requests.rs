//! What clients are told, and how often their requests are done.

use super::{Mistake, Page};

pub(super) const RETRY_TWICE: Page = Page {
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
};

pub(super) const DENY_IN_DOUBT: Page = Page {
    name: "deny-in-doubt",
    about: "a change that was under way when its leader was lost is said not to have been done",
    breaks: "linearizability: what failed for certain takes effect nevertheless (an aborted read)",
    mirrors: Mistake {
        who: "Redis-Raft, 2020",
        link: "https://github.com/RedisLabs/redisraft/issues/23",
        warning: "the dissertation, section 6.3 (a client cannot know whether its command was applied)",
    },
    shows_under: "leaders that crash or are cut off while clients write",
    unseen: None,
};
