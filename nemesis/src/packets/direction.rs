//! Which links a packet fault is on: those of the selected nodes, or links by name.

use crate::selector::Selector;
use crate::shape::OneLink;
use serde::{Deserialize, Serialize};
use squall_targets::cluster::Link;

/// Which links a packet fault is on, each a direction between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// All links of the selected nodes.
    #[default]
    Both,
    /// What the selected nodes send.
    From,
    /// What the selected nodes are sent.
    To,
    /// Exactly these links, each in the one direction that is written.
    Links(Vec<OneLink>),
}

impl Direction {
    /// Whether no node is singled out.
    pub fn is_for_all(&self) -> bool {
        matches!(self, Direction::Links(_))
    }

    /// Why it makes no sense among these nodes with this selector; none if it does.
    pub fn refuses(&self, nodes: &[String], selector: &Selector) -> Option<String> {
        let Direction::Links(links) = self else { return None };
        if *selector != Selector::All {
            return Some("links single no node out; write select: all".into());
        }
        if links.is_empty() {
            return Some("it names no link; write for instance links: [n1>n2]".into());
        }
        if let Some(place) = (0..links.len()).find(|place| links[..*place].contains(&links[*place])) {
            return Some(format!("it names the link {} twice", links[place]));
        }
        let ends = links.iter().flat_map(|link| [&link.link().from, &link.link().to]);
        let unknown = ends.into_iter().find(|name| !nodes.contains(name))?;
        Some(format!("there is no node called `{unknown}`; there are: {}", nodes.join(", ")))
    }

    /// The links between `nodes` when `selected` of them are, each once.
    pub fn links(&self, nodes: &[String], selected: &[String]) -> Vec<Link> {
        if let Direction::Links(links) = self {
            return links.iter().map(|one| one.link().clone()).collect();
        }
        let all = nodes.iter().flat_map(|from| nodes.iter().map(move |to| (from, to))).filter(|(from, to)| from != to);
        let is_hit = |(from, to): &(&String, &String)| match self {
            Direction::From => selected.contains(from),
            Direction::To => selected.contains(to),
            Direction::Both | Direction::Links(_) => selected.contains(from) || selected.contains(to),
        };
        all.filter(is_hit).map(|(from, to)| Link { from: from.clone(), to: to.clone() }).collect()
    }

    /// Which links these are, for people.
    pub fn told(&self, selected: &[String]) -> String {
        let names = selected.join(", ");
        match self {
            Direction::Both => format!("on all links of {names}"),
            Direction::From => format!("on what {names} sends to other nodes"),
            Direction::To => format!("on what other nodes send to {names}"),
            Direction::Links(links) => {
                let links: Vec<String> = links.iter().map(OneLink::to_string).collect();
                format!("on {}", links.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The links as `12` for n1>n2.
    fn check(direction: Direction, selected: &[&str], expected: &str) {
        let nodes = ["n1", "n2", "n3"].map(String::from);
        let selected: Vec<String> = selected.iter().map(|name| (*name).to_owned()).collect();
        let links = direction.links(&nodes, &selected);
        let short: Vec<String> = links.iter().map(|link| format!("{}{}", &link.from[1..], &link.to[1..])).collect();
        assert_eq!(short.join(" "), expected, "{direction:?}");
    }

    #[test]
    fn links_are_those_of_the_selected_nodes_in_their_direction() {
        check(Direction::Both, &["n2"], "12 21 23 32");
        check(Direction::From, &["n2"], "21 23");
        check(Direction::To, &["n2"], "12 32");
        check(Direction::Both, &["n1", "n2", "n3"], "12 13 21 23 31 32");
        check(Direction::From, &["n1", "n3"], "12 13 31 32");
        check(Direction::Links(["n3>n1", "n1>n2"].map(|text| text.parse().unwrap()).into()), &["n2"], "31 12");
    }
}
