//! Who belongs to the cluster.

use super::{Mistake, Page};

pub(super) const CHANGES_AT_ONCE: Page = Page {
    name: "changes-at-once",
    about: "a leader changes the members though an earlier change is not committed, or nothing of its own term is",
    breaks: "configuration safety: two majorities that need not meet both commit",
    mirrors: Mistake {
        who: "Raft itself, until 2015",
        link: "https://groups.google.com/g/raft-dev/c/t4xj6dJTP6E",
        warning: "the dissertation, section 4.1, with the mend of that report",
    },
    shows_under: "several changes of the members at a time, while leaders are lost",
    unseen: Some("it takes changes of the members, which no client asks for"),
};
