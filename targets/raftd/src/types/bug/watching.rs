//! What watchers are told.

use super::{Mistake, Page};

pub(super) const WATCH_PAST_SNAPSHOT: Page = Page {
    name: "watch-past-snapshot",
    about: "who watches a member that catches up by a snapshot is told the next change as if none was missed",
    breaks: "watching without gaps: changes are lost, and nobody says so",
    mirrors: Mistake {
        who: "etcd, 2017",
        link: "https://github.com/etcd-io/etcd/issues/8411",
        warning: "the dissertation, section 5.1 (a snapshot replaces the entries, one by one they are gone)",
    },
    shows_under: "members that are cut off, or down, until the others no more have what they lack",
    unseen: None,
};
