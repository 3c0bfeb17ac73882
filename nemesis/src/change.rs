//! How the members of a cluster change, as people write it in plans: `remove`, `shrink`, `replace`.

use crate::schedule::Size;
use crate::selector::Selector;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What becomes of members while a fault lasts. When it is over all of them are members again, under new numbers and from empty
/// folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// They are removed, and their servers run on: each may learn of it or not.
    Remove,
    /// They are removed, and their servers are ended, as by one who makes a cluster smaller.
    Shrink,
    /// They die, and are members as before until the fault is over; then empty ones take their places.
    Replace,
}

impl Change {
    /// All of them, as one would write them, and what they do.
    pub const ALL: [(&str, &str); 3] = [
        ("remove", "members are removed while their servers run on, and join again with nothing on their disks"),
        ("shrink", "members are removed and their servers ended; the cluster grows again by empty ones"),
        ("replace", "members die with all that they had; each is removed at the end, and an empty one added"),
    ];

    /// Why this makes no sense for so many of `nodes` nodes; none if it does.
    pub fn refuses(self, selector: &Selector, nodes: usize) -> Option<String> {
        let count = selector.count(nodes);
        match self {
            Change::Remove | Change::Shrink if count >= nodes => {
                Some(format!("somebody must be left; of {nodes} nodes {count} cannot be removed"))
            }
            Change::Replace if 2 * count >= nodes => Some(format!(
                "only a living majority can replace the dead; of {nodes} nodes {count} are too many, select fewer"
            )),
            Change::Remove | Change::Shrink | Change::Replace => None,
        }
    }

    /// Whether a cluster of this size can always do so.
    pub(crate) fn fits(self, selector: &Selector, size: Size) -> bool {
        self.refuses(selector, size.nodes).is_none() && selector.count(size.nodes) + size.least_members <= size.nodes
    }

    /// What it does to these nodes, for people.
    pub fn told(self, nodes: &[String]) -> String {
        let who = nodes.join(", ");
        match self {
            Change::Remove => format!("remove {who} from the members"),
            Change::Shrink => format!("shrink the cluster by {who}"),
            Change::Replace => format!("kill {who} for good, to be replaced"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Change::Remove => "remove",
            Change::Shrink => "shrink",
            Change::Replace => "replace",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_must_be_left_and_able_to_decide() {
        use Change::{Remove, Replace, Shrink};
        use Selector::{All, Leader, Majority, Minority, One};
        for (change, selector, nodes, is_good) in [
            (Remove, One, 1, false),
            (Remove, One, 2, true),
            (Remove, Majority, 3, true),
            (Remove, All, 3, false),
            (Shrink, Majority, 2, false),
            (Shrink, Minority, 5, true),
            (Replace, Leader, 2, false),
            (Replace, Leader, 3, true),
            (Replace, Minority, 5, true),
            (Replace, Majority, 5, false),
            (Replace, All, 5, false),
        ] {
            assert_eq!(change.refuses(&selector, nodes).is_none(), is_good, "{change} {selector} of {nodes}");
        }
    }

    #[test]
    fn what_a_target_does_not_do_is_not_drawn() {
        use Change::{Remove, Replace, Shrink};
        use Selector::{Leader, Majority, Minority, One};
        for (change, selector, nodes, least_members, fits) in [
            (Remove, Majority, 3, 1, true),
            (Remove, Majority, 3, 2, false),
            (Shrink, Minority, 3, 2, true),
            (Shrink, Majority, 5, 2, true),
            (Remove, One, 2, 1, true),
            (Remove, One, 2, 2, false),
            (Replace, Leader, 2, 1, false),
            (Replace, Minority, 3, 2, true),
        ] {
            let size = Size { nodes, least_members };
            assert_eq!(change.fits(&selector, size), fits, "{change} {selector}: {size:?}");
        }
    }

    #[test]
    fn every_change_is_listed_under_its_name() {
        for (change, (name, _)) in [Change::Remove, Change::Shrink, Change::Replace].into_iter().zip(Change::ALL) {
            assert_eq!(change.to_string(), name);
        }
    }
}
