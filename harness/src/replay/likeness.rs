//! How alike the faults of two runs of one plan are.

use serde::Serialize;
use squall_results::History;
use squall_results::event::PhaseName;
use squall_results::history::FaultSpan;
use std::collections::BTreeMap;

/// How alike the faults of a replay are to those that were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Likeness {
    /// How many faults were recorded.
    pub faults: usize,
    /// How many of them came again: the same family by the same selector.
    pub again: usize,
    /// How many of those hit the same nodes.
    pub same_nodes: usize,
    /// Whether they began in the same order.
    pub same_order: bool,
    /// How far apart, at most, the beginnings of a fault and of its replay are, each since the beginning of its storm; in
    /// nanoseconds.
    pub apart_ns_max: u64,
}

impl Likeness {
    /// Compares a replay with what was recorded. A replay that was `exact` has other selectors, so only families count then.
    pub fn of(recorded: &History, replay: &History, exact: bool) -> Likeness {
        let spans: BTreeMap<u32, &FaultSpan> = replay.faults.iter().map(|span| (span.id, span)).collect();
        let begins = [recorded, replay].map(|history| history.phase_ns(PhaseName::Storm).unwrap_or(0));
        let pairs: Vec<(&FaultSpan, &FaultSpan)> = (recorded.faults.iter())
            .filter_map(|span| Some((span, *spans.get(&span.id)?)))
            .filter(|(one, other)| one.family == other.family && (exact || one.selector == other.selector))
            .collect();
        let since = |span: &FaultSpan, begin_ns: u64| span.injected_ns.saturating_sub(begin_ns);
        let apart = pairs.iter().map(|(one, other)| since(one, begins[0]).abs_diff(since(other, begins[1])));
        Likeness {
            faults: recorded.faults.len(),
            again: pairs.len(),
            same_nodes: pairs.iter().filter(|(one, other)| one.nodes == other.nodes).count(),
            same_order: pairs.windows(2).all(|pair| pair[0].1.injected_ns <= pair[1].1.injected_ns),
            apart_ns_max: apart.max().unwrap_or(0),
        }
    }
}
