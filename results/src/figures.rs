//! The figures of a run: what the terminal summary and the page say about it in numbers.
//!
//! A pure summary of a [`History`]; it judges nothing. Instants and durations are nanoseconds of the history's clock.
//!
//! Words used throughout:
//! - *storm*: from the phase [`PhaseName::Storm`] (without one: the first invocation) to the next phase, or to the end.
//! - *asked*: the storm up to the last instant at which one of its calls was open. Healing may outlast the calls by seconds
//!   (a clock that drifted takes its time to come back), and who is not asked cannot fail to serve.
//! - *in force*: from the instant at which a fault was measured to be in force until it was measured to be gone (or its
//!   healing began, or the record ends). A fault that never was in force has no such span.
//! - *under faults*: an operation is, if a fault was in force at any instant from its due start to its return; a slot
//!   is, if a fault was in force at any instant of it.

mod consequences;
mod latency;
mod slots;
#[cfg(test)]
mod tests;

pub use consequences::{Consequences, FaultFigures, Proof};
pub use latency::{Latency, Percentiles};
pub use slots::{Availability, Gap, SLOT_NS, Share};

use crate::call::CallKind;
use crate::event::PhaseName;
use crate::history::{FaultSpan, History, Operation};
use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};

/// The figures of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// How long the record is: the last instant that was recorded.
    pub duration_ns: u64,
    /// The storm, if anything was recorded.
    pub storm: Option<Span>,
    /// How many faults were injected.
    pub faults_injected: usize,
    /// How many of them were measured to be in force.
    pub faults_in_force: usize,
    /// Each kind of call that occurs.
    pub calls: Vec<CallCounts>,
    /// Successful operations that returned while the target was asked, per second of that time.
    pub ok_rate_hz: f64,
    /// How much of the time in which it was asked the target served.
    pub availability: Availability,
    /// The longest time without a success returning while the target was asked; the start and the end of that time bound
    /// it too.
    pub longest_gap: Option<Gap>,
    /// Latency of successful operations under faults; `None`: there were none.
    pub latency_under_faults: Option<Latency>,
    /// Latency of successful operations outside faults; `None`: there were none.
    pub latency_outside_faults: Option<Latency>,
    /// Changes of leadership; the first leader that was seen is no change.
    pub leader_changes: usize,
    /// Each fault with its consequences, by injection.
    pub faults: Vec<FaultFigures>,
    /// How the target came back.
    pub recovery: Recovery,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its first instant.
    pub from_ns: u64,
    /// The instant after its last.
    pub to_ns: u64,
}

/// How the calls of one kind ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCounts {
    /// The kind.
    pub kind: CallKind,
    /// How many were invoked; the sum of the other three.
    pub invoked: usize,
    /// How many succeeded.
    pub ok: usize,
    /// How many certainly did not happen.
    pub fail: usize,
    /// How many may have happened.
    pub unknown: usize,
}

/// How the target came back after all faults were healed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// From the phase [`PhaseName::Recovery`] to [`PhaseName::FinalReads`]: until squall saw the cluster agree and serve, or
    /// stopped waiting for that.
    pub to_final_reads_ns: Option<u64>,
    /// From the phase [`PhaseName::Recovery`] to the return of the first success that was invoked in or after it.
    pub to_first_ok_ns: Option<u64>,
}

impl Span {
    /// Its length.
    pub fn length_ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }

    /// Whether it shares an instant with the closed stretch from `from_ns` to `to_ns`.
    pub fn touches(&self, from_ns: u64, to_ns: u64) -> bool {
        self.from_ns <= to_ns && from_ns < self.to_ns.max(self.from_ns.saturating_add(1))
    }
}

impl Figures {
    /// The figures of `history`.
    pub fn of(history: &History) -> Figures {
        let duration_ns = history.end_ns();
        let storm = storm(history);
        let in_force: Vec<Span> = history.faults.iter().filter_map(|fault| in_force(fault, duration_ns)).collect();
        let asked = asked_in_storm(history);
        let successes = slots::success_returns(history, asked);
        let (under, outside) = latency::split(history, &in_force);
        let slow_ns = outside.as_ref().map(|latency| latency.response.p99_ns);
        let seconds = asked.map_or(0.0, |asked| asked.length_ns() as f64 / 1e9);
        Figures {
            duration_ns,
            storm,
            faults_injected: history.faults.len(),
            faults_in_force: in_force.len(),
            calls: CallKind::ALL.iter().filter_map(|kind| count(&history.operations, *kind)).collect(),
            ok_rate_hz: if seconds > 0.0 { successes.len() as f64 / seconds } else { 0.0 },
            availability: slots::availability(asked, &successes, &in_force),
            longest_gap: slots::longest_gap(asked, &successes),
            latency_under_faults: under,
            latency_outside_faults: outside,
            leader_changes: history.leader_changes().len().saturating_sub(1),
            faults: consequences::of_faults(history, slow_ns),
            recovery: recovery(history),
        }
    }

    /// All calls together: how many were invoked, and of these how many succeeded, failed, stayed unknown.
    pub fn totals(&self) -> (usize, usize, usize, usize) {
        self.calls.iter().fold((0, 0, 0, 0), |(invoked, ok, fail, unknown), calls| {
            (invoked + calls.invoked, ok + calls.ok, fail + calls.fail, unknown + calls.unknown)
        })
    }
}

/// The stretch in which a fault was in force, in a record that ends at `end_ns`; `None`: it never was.
pub fn in_force(fault: &FaultSpan, end_ns: u64) -> Option<Span> {
    let (from_ns, _) = fault.in_force.as_ref()?;
    Some(Span { from_ns: *from_ns, to_ns: fault.until_ns(end_ns).max(*from_ns) })
}

/// When a fault was over, in a record that ends at `end_ns`: measured to be gone, or its healing begun. One that could not
/// be injected and that nobody healed was over at once; any other lasts to the end of the record.
pub fn over_ns(fault: &FaultSpan, end_ns: u64) -> u64 {
    let failed = fault.in_force.is_none() && fault.heal_ns.is_none() && fault.problem.is_some();
    if failed { fault.injected_ns } else { fault.until_ns(end_ns).max(fault.injected_ns) }
}

/// The storm of a history; see the module's words. `None`: nothing was recorded.
pub fn storm(history: &History) -> Option<Span> {
    let begun = history.phase_ns(PhaseName::Storm);
    let from_ns = begun.or_else(|| history.operations.first().map(|operation| operation.invoked_ns))?;
    let later = history.phases.iter().filter(|phase| phase.name != PhaseName::Storm && phase.at_ns >= from_ns);
    let to_ns = later.map(|phase| phase.at_ns).min().unwrap_or_else(|| history.end_ns());
    Some(Span { from_ns, to_ns: to_ns.max(from_ns) })
}

/// The part of the storm in which the target was asked; see the module's words. All of it, if no call was made in it, or if
/// one stayed open. `None`: nothing was recorded.
pub fn asked_in_storm(history: &History) -> Option<Span> {
    let storm = storm(history)?;
    let of_storm =
        history.operations.iter().filter(|operation| (storm.from_ns..storm.to_ns).contains(&operation.invoked_ns));
    let last_ns = of_storm.map(|operation| operation.returned_ns.unwrap_or(storm.to_ns)).max();
    Some(Span { from_ns: storm.from_ns, to_ns: last_ns.unwrap_or(storm.to_ns).min(storm.to_ns) })
}

fn count(operations: &[Operation], kind: CallKind) -> Option<CallCounts> {
    let mut counts = CallCounts { kind, invoked: 0, ok: 0, fail: 0, unknown: 0 };
    for operation in operations.iter().filter(|operation| operation.kind() == kind) {
        counts.invoked += 1;
        match operation.outcome {
            Outcome::Ok(_) => counts.ok += 1,
            Outcome::Fail(_) => counts.fail += 1,
            Outcome::Unknown(_) => counts.unknown += 1,
        }
    }
    (counts.invoked > 0).then_some(counts)
}

fn recovery(history: &History) -> Recovery {
    let Some(begun_ns) = history.phase_ns(PhaseName::Recovery) else { return Recovery::default() };
    let final_ns = history.phase_ns(PhaseName::FinalReads);
    let served = history.operations.iter().filter(|operation| operation.invoked_ns >= begun_ns);
    let first_ok_ns = served.filter(|operation| operation.outcome.is_ok()).filter_map(|ok| ok.returned_ns).min();
    Recovery {
        to_final_reads_ns: final_ns.map(|at_ns| at_ns.saturating_sub(begun_ns)),
        to_first_ok_ns: first_ok_ns.map(|at_ns| at_ns.saturating_sub(begun_ns)),
    }
}
