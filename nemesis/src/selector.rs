//! Who is hit: a selector names nodes or clients by role or number, and is resolved while the run goes on.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// How the nodes of a fault are chosen, or its clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// One node or client, drawn.
    One,
    /// As many nodes as can fail while the others are still a majority, drawn; at least one.
    Minority,
    /// The smallest number of nodes without which the others are no majority, drawn.
    Majority,
    /// Every node or client.
    All,
    /// The node that leads when the fault begins. Where several say that they lead, the one of the newest term: what a member
    /// believes that was cut off does not count.
    #[serde(alias = "newest_leader")]
    Leader,
    /// One node that does not lead, drawn.
    Follower,
    /// Every node but the leader.
    Followers,
    /// The nodes that the last fault hit which was injected before this one, as they were resolved then.
    Last,
    /// These nodes.
    Named(Vec<String>),
    /// The client that takes a lock next, as soon as it has it.
    Holder,
}

/// Why a selector names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectError {
    /// The cluster has no leader at the moment.
    #[error("no node says that it leads")]
    NoLeader,
    /// Nothing was hit before.
    #[error("no fault before it has hit a node")]
    NoLast,
    /// The files of as many nodes rot already as may.
    #[error("the files of {0} nodes rot already, and of a majority they must not")]
    Rotten(usize),
    /// All nodes are hit where somebody must be left.
    #[error("it would hit all nodes, and needs somebody on the other side")]
    NobodyLeft,
    /// All nodes that could be chosen are hit by other faults.
    #[error("{0} is hit by another fault already")]
    Busy(String),
    /// Fewer nodes are left than are needed.
    #[error("{needed} {} needed, and {left} {} not hit by other faults", nodes_are(*.needed), are(*.left))]
    TooFew {
        /// How many are needed.
        needed: usize,
        /// How many there are.
        left: usize,
    },
    /// No such node.
    #[error("there is no node called `{0}`")]
    Unknown(String),
    /// A spare that is no member yet, or none any more.
    #[error("{0} is a spare and no member at the moment")]
    NotJoined(String),
    /// Another fault changes the members.
    #[error("another fault changes the members at the moment")]
    Changing,
    /// Nobody has taken a lock for a while.
    #[error("no client took a lock")]
    NoHolder,
    /// No client is left that another fault does not hit.
    #[error("there is no client process that is not hit by another fault")]
    NoClient,
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn nodes_are(count: usize) -> &'static str {
    if count == 1 { "node is" } else { "nodes are" }
}

/// How many of `count` nodes can fail while the others are still a majority; at least one.
pub(crate) fn minority_of(count: usize) -> usize {
    (count.saturating_sub(1) / 2).max(1)
}

/// The smallest majority of `count` nodes.
pub(crate) fn majority_of(count: usize) -> usize {
    count / 2 + 1
}

/// What is known of the nodes when a selector is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles<'a> {
    /// Who leads; only for selectors that ask for it.
    pub leader: Option<&'a str>,
    /// Whom the last fault has hit.
    pub last: &'a [String],
}

impl Selector {
    /// All that a plan may say, as one would write them, and whom they name.
    pub const ALL: [(&str, &str); 10] = [
        ("one", "a node, drawn"),
        ("minority", "as many nodes, drawn, as leave the others a majority"),
        ("majority", "the fewest nodes, drawn, without which the others are no majority"),
        ("all", "every node"),
        (
            "leader",
            "who leads when the fault begins; of several that say so the one of the newest term (newest_leader means the same)",
        ),
        ("follower", "a node that does not lead, drawn"),
        ("followers", "every node but the leader"),
        ("last", "the nodes that the fault injected before this one has hit"),
        ("{named: [n1, n2]}", "these nodes"),
        ("holder", "the client that takes a lock next; for pause-client, which else knows one and all"),
    ];

    /// Whether it depends on who leads.
    pub fn needs_leader(&self) -> bool {
        matches!(self, Selector::Leader | Selector::Follower | Selector::Followers)
    }

    /// How many of `nodes` nodes it names; at least so many where that depends on what was hit before.
    pub fn count(&self, nodes: usize) -> usize {
        match self {
            Selector::One | Selector::Leader | Selector::Follower | Selector::Last | Selector::Holder => 1,
            Selector::Followers => nodes.saturating_sub(1),
            Selector::Minority => minority_of(nodes),
            Selector::Majority => majority_of(nodes),
            Selector::All => nodes,
            Selector::Named(names) => names.len(),
        }
    }

    /// The nodes that this selector names, in the order of `nodes`. `busy` are not to be chosen.
    ///
    /// # Errors
    /// When it names nobody, and why.
    pub fn resolve(
        &self,
        nodes: &[String],
        roles: Roles<'_>,
        busy: &[String],
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<String>, SelectError> {
        let leader = || roles.leader.ok_or(SelectError::NoLeader);
        let followers = |leader: &str| nodes.iter().filter(|node| *node != leader).cloned().collect::<Vec<String>>();
        let drawn = match self {
            Selector::One | Selector::Minority | Selector::Majority | Selector::All => self.count(nodes.len()),
            // Nodes hold no locks.
            Selector::Holder => return Err(SelectError::NoHolder),
            Selector::Leader => return free(vec![leader()?.to_owned()], busy),
            Selector::Followers => return free(followers(leader()?), busy),
            Selector::Follower => {
                let followers = followers(leader()?);
                return Selector::One.resolve(&followers, roles, busy, rng);
            }
            Selector::Last if roles.last.is_empty() => return Err(SelectError::NoLast),
            Selector::Last => return free(roles.last.to_vec(), busy),
            Selector::Named(names) => {
                let unknown = names.iter().find(|name| !nodes.contains(name));
                return match unknown {
                    Some(name) => Err(SelectError::Unknown(name.clone())),
                    None => free(names.clone(), busy),
                };
            }
        };
        let mut left: Vec<&String> = nodes.iter().filter(|node| !busy.contains(node)).collect();
        if left.len() < drawn {
            return Err(SelectError::TooFew { needed: drawn, left: left.len() });
        }
        left.shuffle(rng);
        let chosen = &left[..drawn];
        Ok(nodes.iter().filter(|node| chosen.contains(node)).cloned().collect())
    }
}

impl Selector {
    /// Those of the `living` clients that this selector names, drawn where there is a choice; `busy` are not to be chosen.
    /// Who holds a lock is not known here.
    ///
    /// # Errors
    /// When there is none.
    pub fn resolve_clients(&self, living: &[u64], busy: &[u64], rng: &mut ChaCha8Rng) -> Result<Vec<u64>, SelectError> {
        let mut left: Vec<u64> = living.iter().copied().filter(|process| !busy.contains(process)).collect();
        if *self != Selector::All {
            left.shuffle(rng);
            left.truncate(1);
        }
        if left.is_empty() { Err(SelectError::NoClient) } else { Ok(left) }
    }
}

fn free(chosen: Vec<String>, busy: &[String]) -> Result<Vec<String>, SelectError> {
    match chosen.iter().find(|node| busy.contains(node)) {
        Some(node) => Err(SelectError::Busy(node.clone())),
        None => Ok(chosen),
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::One => f.pad("one"),
            Selector::Minority => f.pad("minority"),
            Selector::Majority => f.pad("majority"),
            Selector::All => f.pad("all"),
            Selector::Leader => f.pad("leader"),
            Selector::Follower => f.pad("follower"),
            Selector::Followers => f.pad("followers"),
            Selector::Last => f.pad("last"),
            Selector::Holder => f.pad("holder"),
            Selector::Named(names) => f.pad(&names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn nodes(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("n{number}")).collect()
    }

    fn check(
        selector: Selector,
        count: usize,
        leader: Option<&str>,
        busy: &[&str],
        expected: Result<usize, SelectError>,
    ) {
        let busy: Vec<String> = busy.iter().map(|name| (*name).to_owned()).collect();
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let resolved = selector.resolve(&nodes(count), Roles { leader, last: &[] }, &busy, &mut rng);
            if let Ok(chosen) = &resolved {
                assert!(chosen.iter().all(|node| !busy.contains(node)), "{selector}: {chosen:?}");
                assert!(chosen.is_sorted(), "{selector}: {chosen:?}");
            }
            assert_eq!(resolved.map(|chosen| chosen.len()), expected, "{selector} of {count}");
        }
    }

    #[test]
    fn sizes() {
        for (count, minority, majority) in [(1, 1, 1), (2, 1, 2), (3, 1, 2), (4, 1, 3), (5, 2, 3), (7, 3, 4)] {
            check(Selector::One, count, None, &[], Ok(1));
            check(Selector::Minority, count, None, &[], Ok(minority));
            check(Selector::Majority, count, None, &[], Ok(majority));
            check(Selector::All, count, None, &[], Ok(count));
        }
    }

    #[test]
    fn roles_and_names() {
        check(Selector::Leader, 3, Some("n2"), &[], Ok(1));
        check(Selector::Leader, 3, None, &[], Err(SelectError::NoLeader));
        check(Selector::Leader, 3, Some("n2"), &["n2"], Err(SelectError::Busy("n2".into())));
        check(Selector::Followers, 3, Some("n2"), &[], Ok(2));
        check(Selector::Followers, 3, None, &[], Err(SelectError::NoLeader));
        check(Selector::Followers, 3, Some("n2"), &["n3"], Err(SelectError::Busy("n3".into())));
        check(Selector::Follower, 5, Some("n2"), &["n3"], Ok(1));
        check(Selector::Follower, 3, Some("n2"), &["n1", "n3"], Err(SelectError::TooFew { needed: 1, left: 0 }));
        check(Selector::Last, 3, Some("n2"), &[], Err(SelectError::NoLast));
        check(Selector::Named(vec!["n1".into(), "n3".into()]), 3, None, &[], Ok(2));
        check(Selector::Named(vec!["n9".into()]), 3, None, &[], Err(SelectError::Unknown("n9".into())));
    }

    #[test]
    fn a_follower_never_leads_and_the_last_are_who_was_hit() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let last = ["n3", "n5"].map(String::from);
        let roles = Roles { leader: Some("n2"), last: &last };
        let mut resolve = |selector: Selector| selector.resolve(&nodes(5), roles, &[], &mut rng).unwrap();
        let drawn: std::collections::BTreeSet<_> = (0..60).flat_map(|_| resolve(Selector::Follower)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), ["n1", "n3", "n4", "n5"]);
        assert_eq!(resolve(Selector::Followers), ["n1", "n3", "n4", "n5"]);
        assert_eq!(resolve(Selector::Last), last);
    }

    #[test]
    fn nodes_of_other_faults_are_left_alone() {
        check(Selector::One, 3, None, &["n1", "n2"], Ok(1));
        check(Selector::Majority, 3, None, &["n1", "n2"], Err(SelectError::TooFew { needed: 2, left: 1 }));
        for (needed, left, told) in [
            (1, 0, "1 node is needed, and 0 are not hit by other faults"),
            (2, 1, "2 nodes are needed, and 1 is not hit by other faults"),
        ] {
            assert_eq!(SelectError::TooFew { needed, left }.to_string(), told);
        }
    }

    #[test]
    fn clients_of_other_faults_are_left_alone() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut resolve = |selector: Selector, busy: &[u64]| selector.resolve_clients(&[3, 4, 9], busy, &mut rng);
        assert_eq!(resolve(Selector::All, &[4]), Ok(vec![3, 9]));
        assert_eq!(resolve(Selector::One, &[3, 9]), Ok(vec![4]));
        assert_eq!(resolve(Selector::One, &[3, 4, 9]), Err(SelectError::NoClient));
        check(Selector::Holder, 3, Some("n2"), &[], Err(SelectError::NoHolder));
    }

    #[test]
    fn every_node_is_drawn_some_time() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..50 {
            seen.extend(Selector::One.resolve(&nodes(3), Roles::default(), &[], &mut rng).unwrap());
        }
        assert_eq!(seen.len(), 3);
    }
}
