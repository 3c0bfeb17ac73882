//! How much of the time in which it was asked the target served: slots with a success, and the longest time without one.

use super::Span;
use crate::history::History;
use serde::{Deserialize, Serialize};

/// The length of a slot: 100 ms.
pub const SLOT_NS: u64 = 100_000_000;

/// The share of slots in which at least one success returned. Slots are [`SLOT_NS`] long and begin with the storm; a
/// shorter rest at the end of the time in which the target was asked does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// All slots.
    pub overall: Share,
    /// The slots in which some fault was in force.
    pub under_faults: Share,
    /// The slots in which none was.
    pub outside_faults: Share,
}

/// So many slots of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Slots with a success.
    pub served: usize,
    /// All slots.
    pub slots: usize,
}

/// A stretch without a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The last success before it, or the start of the storm.
    pub from_ns: u64,
    /// The first success after it, or the last instant at which the target was asked.
    pub to_ns: u64,
}

impl Share {
    /// As a number from 0 to 1; `None`: there was no slot.
    pub fn ratio(&self) -> Option<f64> {
        (self.slots > 0).then(|| self.served as f64 / self.slots as f64)
    }

    fn count(&mut self, served: bool) {
        self.slots += 1;
        self.served += usize::from(served);
    }
}

impl Gap {
    /// Its length.
    pub fn length_ns(&self) -> u64 {
        self.to_ns - self.from_ns
    }
}

/// The instants within `asked` at which successes returned, in order.
pub(super) fn success_returns(history: &History, asked: Option<Span>) -> Vec<u64> {
    let Some(asked) = asked else { return Vec::new() };
    let returned = history.operations.iter().filter(|operation| operation.outcome.is_ok());
    let mut instants: Vec<u64> = returned
        .filter_map(|operation| operation.returned_ns)
        .filter(|at_ns| (asked.from_ns..=asked.to_ns).contains(at_ns))
        .collect();
    instants.sort_unstable();
    instants
}

pub(super) fn availability(asked: Option<Span>, successes: &[u64], in_force: &[Span]) -> Availability {
    let mut availability = Availability::default();
    let Some(asked) = asked else { return availability };
    let count = (asked.length_ns() / SLOT_NS) as usize;
    let mut served = vec![false; count];
    for at_ns in successes {
        if let Some(slot) = served.get_mut(((at_ns - asked.from_ns) / SLOT_NS) as usize) {
            *slot = true;
        }
    }
    for (slot, served) in served.into_iter().enumerate() {
        let from_ns = asked.from_ns + slot as u64 * SLOT_NS;
        let struck = in_force.iter().any(|span| span.touches(from_ns, from_ns + SLOT_NS - 1));
        availability.overall.count(served);
        if struck { &mut availability.under_faults } else { &mut availability.outside_faults }.count(served);
    }
    availability
}

pub(super) fn longest_gap(asked: Option<Span>, successes: &[u64]) -> Option<Gap> {
    let asked = asked?;
    let bounds = std::iter::once(asked.from_ns).chain(successes.iter().copied());
    let ends = successes.iter().copied().chain(std::iter::once(asked.to_ns));
    let gaps = bounds.zip(ends).map(|(from_ns, to_ns)| Gap { from_ns, to_ns });
    // The earliest of several equal ones.
    gaps.reduce(|longest, gap| if gap.length_ns() > longest.length_ns() { gap } else { longest })
        .filter(|gap| gap.length_ns() > 0)
}
