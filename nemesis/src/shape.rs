//! The shape of a partition: which directed links it cuts, given the nodes, who of them is selected, and a generator for
//! what is left to chance. Pure: it must not know how links are cut, or when.
//!
//! ```
//! use rand::SeedableRng;
//! use squall_nemesis::Shape;
//!
//! let nodes = ["n1", "n2", "n3"].map(String::from);
//! let cut = Shape::Mute.cut(&nodes, &nodes[..1], &mut rand_chacha::ChaCha8Rng::seed_from_u64(1));
//! assert_eq!(cut.what, "cut n1 to n2, n3, one way");
//! assert_eq!(cut.links.len(), 2);
//! ```

mod check;
mod one_link;
#[cfg(test)]
mod tests;

pub use one_link::{LinkError, OneLink};

use crate::selector::{majority_of, minority_of};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use squall_targets::cluster::{CLIENTS, Link};
use std::fmt;

/// Which links a partition cuts: between nodes, or from nodes to the clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The selected nodes on one side, all others on the other. `select: leader` leaves the leader alone.
    #[default]
    Split,
    /// As `split`, but the selected nodes have company: drawn nodes join them until they are as many as a minority may be.
    Minority,
    /// Two sides, drawn, of the same number of nodes or one more. With an even number nobody has a majority.
    Halves,
    /// The others are two sides, drawn, that do not reach each other; the one selected node reaches both.
    Bridge,
    /// The nodes stand in a ring, drawn, and reach their nearest neighbours only: every node sees a majority, and no two
    /// see the same one.
    MajoritiesRing,
    /// One-way: the selected nodes hear the others, and are not heard by them.
    Mute,
    /// One-way: the selected nodes are heard by the others, and do not hear them.
    Deaf,
    /// One-way: what the selected nodes answer does not reach the clients. What clients ask over connections that are open does
    /// reach the nodes, and takes effect; nodes hear each other.
    Clients,
    /// Exactly these links, each in the one direction that is written.
    Links(Vec<OneLink>),
}

/// A shape among the nodes of a cluster: what is cut in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The links, each once, in the order of the nodes.
    pub links: Vec<Link>,
    /// What it does, for people.
    pub what: String,
}

impl Shape {
    /// Names and meanings of all shapes, for people.
    pub const ALL: [(&str, &str); 9] = [
        ("split", "the selected nodes against the others (the default); select: leader leaves the leader alone"),
        ("minority", "as split, with drawn nodes that keep the selected ones company up to a minority"),
        ("halves", "two drawn sides of the same size or one more; select: all"),
        ("bridge", "two drawn sides that do not reach each other, and one selected node that reaches both"),
        ("majorities_ring", "every node sees a majority, no two the same; 5 nodes or more, select: all"),
        ("mute", "one-way: the selected nodes hear the others and are not heard"),
        ("deaf", "one-way: the selected nodes are heard by the others and do not hear them"),
        ("clients", "one-way: what the selected nodes answer does not reach the clients"),
        ("links", "exactly these links: shape: {links: [n1>n2, n3>clients]}; select: all"),
    ];

    /// The name in plans.
    pub fn name(&self) -> &'static str {
        match self {
            Shape::Split => "split",
            Shape::Minority => "minority",
            Shape::Halves => "halves",
            Shape::Bridge => "bridge",
            Shape::MajoritiesRing => "majorities_ring",
            Shape::Mute => "mute",
            Shape::Deaf => "deaf",
            Shape::Clients => "clients",
            Shape::Links(_) => "links",
        }
    }

    /// Whether no node is singled out: nobody is selected, and nobody is spared.
    pub fn is_for_all(&self) -> bool {
        matches!(self, Shape::Halves | Shape::MajoritiesRing | Shape::Links(_))
    }

    /// Whether some of the links that it cuts are drawn, so that the selected nodes alone do not tell them.
    pub fn is_drawn(&self) -> bool {
        matches!(self, Shape::Minority | Shape::Halves | Shape::Bridge | Shape::MajoritiesRing)
    }

    /// Whether it cuts links from nodes to the clients.
    pub fn reaches_clients(&self) -> bool {
        match self {
            Shape::Clients => true,
            Shape::Links(links) => links.iter().any(|one| one.link().to == CLIENTS),
            _ => false,
        }
    }

    /// The links that are cut between `nodes` when `selected` of them are.
    pub fn cut(&self, nodes: &[String], selected: &[String], rng: &mut ChaCha8Rng) -> Cut {
        let others = without(nodes, selected);
        match self {
            Shape::Split => Cut::between(nodes, selected, &others),
            Shape::Minority => {
                let missing = minority_of(nodes.len()).saturating_sub(selected.len());
                let company = &drawn(&others, rng)[..missing.min(others.len())];
                let group = within(nodes, &[selected, company].concat());
                Cut::between(nodes, &group, &without(nodes, &group))
            }
            Shape::Halves => {
                let (left, right) = halves(nodes, rng);
                Cut::between(nodes, &left, &right)
            }
            Shape::Bridge => {
                let (left, right) = halves(&others, rng);
                let Cut { links, what } = Cut::between(nodes, &left, &right);
                Cut { links, what: format!("{what}; {} reaches both", selected.join(", ")) }
            }
            Shape::MajoritiesRing => ring(nodes, rng),
            Shape::Mute => Cut::one_way(nodes, selected, &others),
            Shape::Deaf => Cut::one_way(nodes, &others, selected),
            Shape::Clients => Cut::one_way(nodes, selected, &[CLIENTS.to_owned()]),
            Shape::Links(links) => Cut::of(nodes, links.iter().map(|one| one.link().clone()).collect(), |list| {
                let shown: Vec<String> = list.iter().map(|link| format!("{}>{}", link.from, link.to)).collect();
                format!("cut {}", shown.join(", "))
            }),
        }
    }
}

impl Cut {
    /// `links` in the order of `nodes`, each once, and what is told of them.
    fn of(nodes: &[String], mut links: Vec<Link>, tell: impl FnOnce(&[Link]) -> String) -> Cut {
        let place = |name: &str| nodes.iter().position(|node| node == name);
        links.sort_by_key(|link| (place(&link.from), place(&link.to)));
        links.dedup();
        let what = tell(&links);
        Cut { links, what }
    }

    /// One direction between two sides.
    fn one_way(nodes: &[String], from: &[String], to: &[String]) -> Cut {
        Cut::of(nodes, across(from, to), |_| format!("cut {} to {}, one way", from.join(", "), to.join(", ")))
    }

    /// Both directions between two sides.
    fn between(nodes: &[String], left: &[String], right: &[String]) -> Cut {
        let both = [across(left, right), across(right, left)].concat();
        Cut::of(nodes, both, |_| format!("cut {} off from {}", left.join(", "), right.join(", ")))
    }
}

/// The links from each of one side to each of the other.
fn across(from: &[String], to: &[String]) -> Vec<Link> {
    let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (from, to)));
    pairs.map(|(from, to)| Link { from: from.clone(), to: to.clone() }).collect()
}

/// A drawn ring, in which every node reaches as many neighbours on either side as it takes to see a majority, itself
/// counted. From 5 nodes on nobody sees the whole ring, and so no two see the same part of it.
fn ring(nodes: &[String], rng: &mut ChaCha8Rng) -> Cut {
    let ring = drawn(nodes, rng);
    let count = ring.len();
    let reach = majority_of(count) / 2;
    let distance = |from: usize, to: usize| from.abs_diff(to).min(count - from.abs_diff(to));
    let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    let far = pairs.filter(|(from, to)| distance(*from, *to) > reach);
    let links = far.map(|(from, to)| Link { from: ring[from].clone(), to: ring[to].clone() }).collect();
    let each = if reach == 1 { "its neighbours".into() } else { format!("{reach} neighbours on either side") };
    Cut::of(nodes, links, |_| format!("ring {}: each reaches only {each}", ring.join(", ")))
}

/// Two drawn sides of the same size, or the second larger by one; each in the order of `nodes`.
fn halves(nodes: &[String], rng: &mut ChaCha8Rng) -> (Vec<String>, Vec<String>) {
    let left = within(nodes, &drawn(nodes, rng)[..nodes.len() / 2]);
    let right = without(nodes, &left);
    (left, right)
}

fn drawn(nodes: &[String], rng: &mut ChaCha8Rng) -> Vec<String> {
    let mut nodes = nodes.to_vec();
    nodes.shuffle(rng);
    nodes
}

fn within(nodes: &[String], some: &[String]) -> Vec<String> {
    nodes.iter().filter(|node| some.contains(node)).cloned().collect()
}

fn without(nodes: &[String], some: &[String]) -> Vec<String> {
    nodes.iter().filter(|node| !some.contains(node)).cloned().collect()
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
