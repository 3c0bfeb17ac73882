//! The leader's log becomes everybody's log.

use super::{Mistake, Page};

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
