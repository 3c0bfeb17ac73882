//! What a member knows when it starts.

use super::{CONTRADICTED_FIRST, Mistake, Page, STOPS_FIRST};

pub(super) const TAIL_IS_COMMITTED: Page = Page {
    name: "tail-is-committed",
    about: "a member that starts takes its log, as far as the crash left it, for committed",
    breaks: "state machine safety: it applies entries that a later leader replaces",
    mirrors: Mistake {
        who: "goraft, the Raft of the first etcd, 2013",
        link: "https://github.com/goraft/raft/issues/69",
        warning: "the paper, figure 2 (commitIndex is volatile, and 0 at first)",
    },
    shows_under: "leaders that crash before others have their entries",
    unseen: Some(CONTRADICTED_FIRST),
};

pub(super) const FORGET_VOTE: Page = Page {
    name: "forget-vote",
    about: "a member that starts remembers its term, but not whom it voted for",
    breaks: "election safety: a term has two leaders",
    mirrors: Mistake {
        who: "SeaweedFS, 2026",
        link: "https://github.com/seaweedfs/raft/pull/9",
        warning: "the paper, figure 2 (votedFor is persistent)",
    },
    shows_under: "voters that are killed while an election goes on",
    unseen: Some(STOPS_FIRST),
};
