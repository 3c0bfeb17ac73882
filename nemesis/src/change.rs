//! How the members of a cluster change, as people write it in plans: `remove`, `shrink`, `replace`, `grow`.

use crate::schedule::Size;
use crate::selector::Selector;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What becomes of members while a fault lasts. When it is over the members are those of before: who left is one again, under a new number
/// and from an empty folder, and spares are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// They are removed, and their servers run on: each may learn of it or not.
    Remove,
    /// They are removed, and their servers are ended, as by one who makes a cluster smaller.
    Shrink,
    /// They die, and are members as before until the fault is over; then empty ones take their places.
    Replace,
    /// Spares join the others, and are removed when the fault is over.
    Grow,
}

impl Change {
    /// All of them, as one would write them, and what they do.
    pub const ALL: [(&str, &str); 4] = [
        ("remove", "members are removed while their servers run on, and join again with nothing on their disks"),
        ("shrink", "members are removed and their servers ended; the cluster grows again by empty ones"),
        ("replace", "members die with all that they had; each is removed at the end, and an empty one added"),
        (
            "grow",
            "spares (spares: 1, or --spares 1) join with nothing on their disks, and are removed at the end; select: one, or all spares",
        ),
    ];

    /// Why this makes no sense for so many of `nodes` nodes, or of so many spares where the cluster grows; none if it does.
    pub fn refuses(self, selector: &Selector, nodes: usize) -> Option<String> {
        let count = selector.count(nodes);
        match self {
            Change::Grow if nodes == 0 => Some("there is nobody to join; give spares: 1, or --spares 1".into()),
            Change::Grow if !matches!(selector, Selector::One | Selector::All | Selector::Named(_)) => {
                Some(format!("spares have no roles, so none is {selector}; select one, all, or spares by name"))
            }
            Change::Remove | Change::Shrink if count >= nodes => {
                Some(format!("somebody must be left; of {nodes} nodes {count} cannot be removed"))
            }
            Change::Replace if 2 * count >= nodes => Some(format!(
                "only a living majority can replace the dead; of {nodes} nodes {count} are too many, select fewer"
            )),
            Change::Remove | Change::Shrink | Change::Replace | Change::Grow => None,
        }
    }

    /// Whether a cluster of this size can always do so.
    pub(crate) fn fits(self, selector: &Selector, size: Size) -> bool {
        if self == Change::Grow {
            return self.refuses(selector, size.spares).is_none();
        }
        self.refuses(selector, size.nodes).is_none() && selector.count(size.nodes) + size.least_members <= size.nodes
    }

    /// What it does to these nodes, for people.
    pub fn told(self, nodes: &[String]) -> String {
        let who = nodes.join(", ");
        match self {
            Change::Remove => format!("remove {who} from the members"),
            Change::Shrink => format!("shrink the cluster by {who}"),
            Change::Replace => format!("kill {who} for good, to be replaced"),
            Change::Grow => format!("grow the cluster by {who}"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Change::Remove => "remove",
            Change::Shrink => "shrink",
            Change::Replace => "replace",
            Change::Grow => "grow",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_must_be_left_and_able_to_decide() {
        use Change::{Grow, Remove, Replace, Shrink};
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
            (Grow, One, 0, false),
            (Grow, One, 1, true),
            (Grow, All, 2, true),
            (Grow, Minority, 3, false),
            (Grow, Leader, 3, false),
        ] {
            assert_eq!(change.refuses(&selector, nodes).is_none(), is_good, "{change} {selector} of {nodes}");
        }
    }

    #[test]
    fn what_a_target_does_not_do_is_not_drawn() {
        use Change::{Grow, Remove, Replace, Shrink};
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
            (Grow, One, 3, 2, false),
        ] {
            let size = Size { nodes, least_members, spares: 0 };
            assert_eq!(change.fits(&selector, size), fits, "{change} {selector}: {size:?}");
        }
        let with_spares = Size { nodes: 1, least_members: 1, spares: 1 };
        assert!(Grow.fits(&One, with_spares) && !Remove.fits(&One, with_spares));
    }

    #[test]
    fn every_change_is_listed_under_its_name() {
        for (change, (name, _)) in
            [Change::Remove, Change::Shrink, Change::Replace, Change::Grow].into_iter().zip(Change::ALL)
        {
            assert_eq!(change.to_string(), name);
        }
    }
}
