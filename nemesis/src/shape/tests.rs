use super::*;
use crate::selector::Selector;
use rand::SeedableRng;
use std::collections::BTreeSet;

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

/// What a node can send to, itself counted.
fn heard_by(cut: &Cut, nodes: &[String], from: &str) -> BTreeSet<String> {
    let is_cut = |to: &String| cut.links.iter().any(|link| link.from == from && link.to == *to);
    nodes.iter().filter(|to| !is_cut(to)).cloned().collect()
}

/// The groups of nodes that see exactly each other.
fn groups(cut: &Cut, nodes: &[String]) -> BTreeSet<BTreeSet<String>> {
    nodes.iter().map(|node| heard_by(cut, nodes, node)).collect()
}

fn is_symmetric(cut: &Cut) -> bool {
    let back = |link: &Link| Link { from: link.to.clone(), to: link.from.clone() };
    cut.links.iter().all(|link| cut.links.contains(&back(link)))
}

/// What holds for `shape` in clusters of these sizes, whatever is drawn; the first node is selected, or all.
fn check(shape: &Shape, counts: &[usize], holds: impl Fn(&Cut, &[String])) {
    for &count in counts {
        let nodes = names(count);
        let selected = if shape.is_for_all() { &nodes[..] } else { &nodes[..1] };
        for seed in 0..50 {
            let cut = shape.cut(&nodes, selected, &mut ChaCha8Rng::seed_from_u64(seed));
            assert_eq!(cut, shape.cut(&nodes, selected, &mut ChaCha8Rng::seed_from_u64(seed)), "a seed repeats it");
            let distinct: BTreeSet<&Link> = cut.links.iter().collect();
            assert!(!cut.links.is_empty() && distinct.len() == cut.links.len(), "{shape} of {count}: {cut:?}");
            assert!(cut.links.iter().all(|link| link.from != link.to), "{shape} of {count}: {cut:?}");
            holds(&cut, &nodes);
        }
    }
}

const SIZES: &[usize] = &[3, 4, 5, 7];

#[test]
fn a_split_leaves_the_selected_alone() {
    check(&Shape::Split, SIZES, |cut, nodes| {
        assert!(is_symmetric(cut));
        let sizes: Vec<usize> = groups(cut, nodes).iter().map(BTreeSet::len).collect();
        assert_eq!(sizes, [1, nodes.len() - 1], "{cut:?}");
        assert_eq!(heard_by(cut, nodes, "n1").len(), 1);
    });
}

#[test]
fn a_minority_is_as_large_as_it_may_be() {
    check(&Shape::Minority, SIZES, |cut, nodes| {
        assert!(is_symmetric(cut));
        assert_eq!(groups(cut, nodes).len(), 2, "{cut:?}");
        assert_eq!(heard_by(cut, nodes, "n1").len(), (nodes.len() - 1) / 2, "{cut:?}");
    });
}

#[test]
fn halves_differ_by_one_at_most() {
    check(&Shape::Halves, SIZES, |cut, nodes| {
        assert!(is_symmetric(cut));
        let mut sizes: Vec<usize> = groups(cut, nodes).iter().map(BTreeSet::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [nodes.len() / 2, nodes.len().div_ceil(2)], "{cut:?}");
    });
}

#[test]
fn a_bridge_reaches_both_sides_and_they_only_it() {
    check(&Shape::Bridge, SIZES, |cut, nodes| {
        assert!(is_symmetric(cut));
        assert_eq!(heard_by(cut, nodes, "n1").len(), nodes.len(), "the bridge reaches all: {cut:?}");
        let mut sides: Vec<_> = groups(cut, nodes).into_iter().filter(|side| side.len() < nodes.len()).collect();
        sides.sort_by_key(BTreeSet::len);
        assert_eq!(sides.len(), 2, "{cut:?}");
        let common: Vec<&String> = sides[0].intersection(&sides[1]).collect();
        assert_eq!(common, ["n1"], "{cut:?}");
        let others = nodes.len() - 1;
        assert_eq!([sides[0].len() - 1, sides[1].len() - 1], [others / 2, others.div_ceil(2)]);
    });
}

#[test]
fn in_a_ring_every_node_sees_a_majority_of_its_own() {
    check(&Shape::MajoritiesRing, &[5, 6, 7, 8, 9, 15], |cut, nodes| {
        assert!(is_symmetric(cut));
        let seen: Vec<_> = nodes.iter().map(|node| heard_by(cut, nodes, node)).collect();
        assert!(seen.iter().all(|seen| 2 * seen.len() > nodes.len()), "{cut:?}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), nodes.len(), "no two see the same: {cut:?}");
    });
}

#[test]
fn one_way_cuts_are_each_others_reverse() {
    check(&Shape::Mute, SIZES, |cut, nodes| {
        assert_eq!(cut.links.len(), nodes.len() - 1);
        assert!(cut.links.iter().all(|link| link.from == "n1"), "{cut:?}");
    });
    check(&Shape::Deaf, SIZES, |cut, nodes| {
        assert_eq!(cut.links.len(), nodes.len() - 1);
        assert!(cut.links.iter().all(|link| link.to == "n1"), "{cut:?}");
    });
}

#[test]
fn what_is_kept_from_clients_is_what_the_selected_answer() {
    check(&Shape::Clients, &[1, 3, 5], |cut, _| {
        let shown: Vec<String> = cut.links.iter().map(ToString::to_string).collect();
        assert_eq!(
            (shown.as_slice(), &*cut.what),
            (["n1 -> clients".to_owned()].as_slice(), "cut n1 to clients, one way")
        );
    });
}

fn links(texts: &[&str]) -> Shape {
    Shape::Links(texts.iter().map(|text| text.parse().unwrap()).collect())
}

#[test]
fn listed_links_are_cut_as_they_stand() {
    check(&links(&["n3>n1", "n1>n2"]), SIZES, |cut, _| {
        let shown: Vec<String> = cut.links.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["n1 -> n2", "n3 -> n1"]);
    });
}

#[test]
fn what_is_left_to_chance_is_drawn() {
    let nodes = names(5);
    for shape in [Shape::Minority, Shape::Halves, Shape::Bridge, Shape::MajoritiesRing] {
        let draw = |seed| shape.cut(&nodes, &nodes[..1], &mut ChaCha8Rng::seed_from_u64(seed)).links;
        let seen: BTreeSet<Vec<Link>> = (0..100).map(draw).collect();
        assert!(seen.len() >= 3, "{shape} is always the same");
    }
}

#[test]
fn shapes_are_told() {
    let nodes = names(3);
    for (shape, told) in [
        (Shape::Split, "cut n2 off from n1, n3"),
        (Shape::Mute, "cut n2 to n1, n3, one way"),
        (Shape::Deaf, "cut n1, n3 to n2, one way"),
        (links(&["n1>n3"]), "cut n1>n3"),
    ] {
        assert_eq!(shape.cut(&nodes, &nodes[1..2], &mut ChaCha8Rng::seed_from_u64(1)).what, told);
    }
    let bridge = Shape::Bridge.cut(&nodes, &nodes[1..2], &mut ChaCha8Rng::seed_from_u64(1)).what;
    assert!(bridge.ends_with("; n2 reaches both") && bridge.contains("n1") && bridge.contains("n3"), "{bridge}");
}

fn refused(shape: &Shape, count: usize, selector: Selector, part: Option<&str>) {
    let said = shape.refuses(&names(count), &selector);
    match part {
        None => assert_eq!(said, None, "{shape} of {count}"),
        Some(part) => assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{shape} of {count}: {said:?}"),
    }
}

#[test]
fn shapes_that_make_no_sense_are_refused() {
    refused(&Shape::Split, 3, Selector::All, Some("other side"));
    refused(&Shape::Split, 2, Selector::Majority, Some("other side"));
    refused(&Shape::Deaf, 3, Selector::Named(names(3)), Some("other side"));
    refused(&Shape::Mute, 3, Selector::Majority, None);
    refused(&Shape::Minority, 5, Selector::Majority, Some("more than a minority"));
    refused(&Shape::Minority, 5, Selector::Leader, None);
    refused(&Shape::Halves, 4, Selector::One, Some("select: all"));
    refused(&Shape::Halves, 4, Selector::All, None);
    refused(&Shape::Bridge, 2, Selector::One, Some("3 nodes"));
    refused(&Shape::Bridge, 5, Selector::Minority, Some("one node"));
    refused(&Shape::Bridge, 3, Selector::Leader, None);
    refused(&Shape::MajoritiesRing, 4, Selector::All, Some("5 nodes"));
    refused(&Shape::MajoritiesRing, 5, Selector::All, None);
    refused(&links(&[]), 3, Selector::All, Some("names no link"));
    refused(&links(&["n1>n2", "n1>n2"]), 3, Selector::All, Some("n1>n2 twice"));
    refused(&links(&["n1>n9"]), 3, Selector::All, Some("`n9`"));
    refused(&links(&["n1>n2", "n2>n1"]), 3, Selector::All, None);
    refused(&links(&["n1>n2", "n2>clients"]), 3, Selector::All, None);
    refused(&links(&["clients>n2"]), 3, Selector::All, Some("write n1>clients"));
    refused(&Shape::Clients, 3, Selector::All, None);
}

#[test]
fn every_shape_has_its_row() {
    let shapes = [
        Shape::Split,
        Shape::Minority,
        Shape::Halves,
        Shape::Bridge,
        Shape::MajoritiesRing,
        Shape::Mute,
        Shape::Deaf,
        Shape::Clients,
        links(&["n1>n2"]),
    ];
    assert_eq!(shapes.map(|shape| shape.name()), Shape::ALL.map(|(name, _)| name));
}
