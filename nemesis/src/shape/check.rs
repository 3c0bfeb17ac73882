//! Whether a shape makes sense among so many nodes and with this selector.

use super::Shape;
use crate::selector::{Selector, minority_of};
use squall_targets::cluster::CLIENTS;

impl Shape {
    /// Why this shape makes no sense among these nodes with this selector; none if it does.
    pub fn refuses(&self, nodes: &[String], selector: &Selector) -> Option<String> {
        let (count, selected) = (nodes.len(), selector.count(nodes.len()));
        if self.is_for_all() && *selector != Selector::All {
            return Some(format!("{self} singles nobody out; write select: all"));
        }
        match self {
            Shape::Minority | Shape::Bridge if *selector == Selector::Last => Some(
                "nobody knows beforehand how many nodes the last fault hits; write shape: split, or select: one".into(),
            ),
            Shape::Split | Shape::Mute | Shape::Deaf if selected >= count => {
                Some("every node is selected; a partition needs somebody on the other side".into())
            }
            Shape::Minority if selected > minority_of(count) || selected >= count => Some(format!(
                "{selected} of {count} nodes are selected, more than a minority; write shape: split, or select fewer"
            )),
            Shape::Halves if count < 2 => Some("two sides need 2 nodes or more".into()),
            Shape::Bridge if count < 3 => Some("a bridge needs 3 nodes or more".into()),
            Shape::Bridge if selected != 1 => {
                Some("a bridge is one node; write select: one, leader, or named with one".into())
            }
            Shape::MajoritiesRing if count < 5 => Some("a ring of majorities needs 5 nodes or more".into()),
            Shape::Links(links) if links.is_empty() => {
                Some("it names no link; write for instance links: [n1>n2]".into())
            }
            Shape::Links(links) => {
                let is_twice = |place: usize| links[..place].contains(&links[place]);
                if let Some(place) = (0..links.len()).find(|place| is_twice(*place)) {
                    return Some(format!("it names the link {} twice", links[place]));
                }
                if links.iter().any(|link| link.link().from == CLIENTS) {
                    let why = "what clients send always reaches a node";
                    return Some(format!("{why}; write n1>{CLIENTS} to keep its answers from them"));
                }
                let ends = links.iter().flat_map(|link| [&link.link().from, &link.link().to]);
                let unknown = ends.into_iter().find(|name| !nodes.contains(name) && *name != CLIENTS)?;
                Some(format!("there is no node called `{unknown}`; there are: {}", nodes.join(", ")))
            }
            _ => None,
        }
    }
}
