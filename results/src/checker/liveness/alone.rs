//! Which nodes the faults of a history left alone, and when.

use crate::figures::Span;
use crate::history::{FaultSpan, History};

/// What disturbed nodes and links, and when: from the moment a fault begins to be injected until it was measured to be gone.
pub(super) struct Undisturbed<'a> {
    nodes: &'a [String],
    disturbances: Vec<Disturbance<'a>>,
}

struct Disturbance<'a> {
    span: Span,
    /// The nodes that it hits, a bit each.
    nodes: u32,
    /// The links, as pairs of places: in which direction does not matter.
    links: Vec<(usize, usize)>,
    /// Whom it hits beside the nodes of the beginning: those that join the others, or have joined.
    strangers: Vec<&'a str>,
}

/// When a fault certainly was no more: measured to be gone, or never begun. One whose healing failed may be there still.
fn gone_ns(fault: &FaultSpan, end_ns: u64) -> u64 {
    let never_was = fault.in_force.is_none() && fault.heal_ns.is_none() && fault.problem.is_some();
    let healed_ns = fault.healed.as_ref().map(|(at_ns, _)| *at_ns);
    healed_ns.unwrap_or(if never_was { fault.injected_ns } else { end_ns }).max(fault.injected_ns)
}

impl<'a> Undisturbed<'a> {
    /// What the faults of `history` did to `nodes`.
    pub(super) fn of(history: &'a History, nodes: &'a [String]) -> Undisturbed<'a> {
        let end_ns = history.end_ns();
        let place = |name: &str| nodes.iter().position(|node| node == name);
        // Who hits clients hits no node, and no link.
        let disturbances = history.faults.iter().map(|fault| {
            let span = Span { from_ns: fault.injected_ns, to_ns: gone_ns(fault, end_ns).saturating_add(1) };
            let ends: Vec<_> = fault.links.iter().filter_map(|link| link.split_once('>')).collect();
            let links: Vec<_> = ends.iter().filter_map(|(from, to)| Some((place(from)?, place(to)?))).collect();
            // What cuts links leaves the nodes themselves alone, but for those that clients do not hear.
            let unheard = ends.iter().filter(|(_, to)| place(to).is_none()).map(|(from, _)| *from);
            let hit = fault.nodes.iter().filter(|_| ends.is_empty()).map(String::as_str);
            let nodes = hit.chain(unheard).filter_map(place).fold(0, |all, place| all | 1 << place);
            let strangers = fault.nodes.iter().map(String::as_str).filter(|name| place(name).is_none()).collect();
            Disturbance { span, nodes, links, strangers }
        });
        Undisturbed { nodes, disturbances: disturbances.collect() }
    }

    /// The parts of `gap` that are longer than `least_ns` and in which one majority was left alone, each with its nodes: the
    /// longest part first, of each part the majorities that are part of no greater one.
    pub(super) fn majorities_within(&self, gap: Span, least_ns: u64) -> impl Iterator<Item = (Span, Vec<&'a str>)> {
        let within = |at_ns: &u64| (gap.from_ns..gap.to_ns).contains(at_ns);
        let begins = self.disturbances.iter().map(|disturbance| disturbance.span.to_ns).filter(within);
        let ends = self.disturbances.iter().map(|disturbance| disturbance.span.from_ns).filter(within);
        let begins: Vec<u64> = begins.chain([gap.from_ns]).collect();
        let ends: Vec<u64> = ends.chain([gap.to_ns]).collect();
        let parts =
            begins.iter().flat_map(|from_ns| ends.iter().map(|to_ns| Span { from_ns: *from_ns, to_ns: *to_ns }));
        let mut parts: Vec<Span> = parts.filter(|part| part.length_ns() > least_ns).collect();
        parts.sort_by_key(|part| (std::cmp::Reverse(part.length_ns()), part.from_ns));
        parts.into_iter().flat_map(|part| self.majorities(part).into_iter().map(move |majority| (part, majority)))
    }

    /// The majorities that were left alone during all of `span`.
    fn majorities(&self, span: Span) -> Vec<Vec<&'a str>> {
        let hits = self.disturbances.iter();
        let hits: Vec<&Disturbance<'_>> =
            hits.filter(|hit| hit.span.from_ns < span.to_ns && span.from_ns < hit.span.to_ns).collect();
        let hit = hits.iter().fold(0, |all, disturbance| all | disturbance.nodes);
        let links: Vec<(usize, usize)> =
            hits.iter().flat_map(|disturbance| disturbance.links.iter().copied()).collect();
        let is_alone = |group: &u32| {
            group & hit == 0 && links.iter().all(|(one, other)| group & (1 << one) == 0 || group & (1 << other) == 0)
        };
        // Who joins may be a member already or not yet, and need not be up: the nodes of the beginning are a majority in either case
        // only if they are one of all.
        let mut strangers: Vec<&str> =
            hits.iter().flat_map(|disturbance| disturbance.strangers.iter().copied()).collect();
        strangers.sort_unstable();
        strangers.dedup();
        let members = self.nodes.len() + strangers.len();
        // There are not many: the caller has looked.
        let groups = (1_u32..1 << self.nodes.len()).filter(|group| group.count_ones() as usize > members / 2);
        let mut alone: Vec<u32> = groups.filter(is_alone).collect();
        alone.sort_by_key(|group| std::cmp::Reverse(group.count_ones()));
        let mut greatest: Vec<u32> = Vec::new();
        for group in alone {
            if greatest.iter().all(|other| group & other != group) {
                greatest.push(group);
            }
        }
        let places = |group: u32| (0..self.nodes.len()).filter(move |place| group & (1 << place) != 0);
        greatest.into_iter().map(|group| places(group).map(|place| &*self.nodes[place]).collect()).collect()
    }
}
