//! What each fault did: measured in force or not, and what happened to the clients meanwhile.
//!
//! A consequence is something that happened while the fault was in force; with several faults at a time it counts for
//! each. That is coincidence in time, not proof of cause.

use super::{Span, in_force, latency::response_ns, over_ns};
use crate::history::{FaultSpan, History};
use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};

/// One fault of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultFigures {
    /// Its number.
    pub id: u32,
    /// The family: `partition`, `kill`, `pause`.
    pub family: String,
    /// What it did, for people.
    pub what: String,
    /// How its nodes were chosen.
    pub selector: String,
    /// The nodes that it hit.
    pub nodes: Vec<String>,
    /// When the injection began.
    pub injected_ns: u64,
    /// When it was over; see [`over_ns`].
    pub until_ns: u64,
    /// What showed it to be in force, and how long after the injection began; `None`: it was never shown.
    pub in_force: Option<Proof>,
    /// What showed it to be gone, and how long after the healing began; `None`: it was never shown.
    pub healed: Option<Proof>,
    /// Why it was not in force, or not healed.
    pub problem: Option<String>,
    /// What happened while it was in force; `None`: it never was.
    pub consequences: Option<Consequences>,
}

/// A measurement that shows what a fault did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How long after the command began.
    pub after_ns: u64,
    /// What showed it.
    pub evidence: String,
}

/// What happened while a fault was in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// Changes of leadership that were seen meanwhile.
    pub leader_changes: usize,
    /// Operations open meanwhile that failed.
    pub failed: usize,
    /// Operations open meanwhile whose outcome is unknown. One that never returned counts for the faults in force when it
    /// was invoked.
    pub unknown: usize,
    /// Successful operations open meanwhile whose response took longer than the 99th percentile outside faults.
    pub slow: usize,
}

impl Consequences {
    /// Whether nothing was noticed: the fault was in force, and nobody felt it.
    pub fn is_nothing(&self) -> bool {
        *self == Consequences::default()
    }
}

impl FaultFigures {
    /// Whether it was in force and anything was noticed.
    pub fn did_something(&self) -> bool {
        self.consequences.is_some_and(|consequences| !consequences.is_nothing())
    }
}

/// All faults of a history; successful operations slower than `slow_ns` are slow.
pub(super) fn of_faults(history: &History, slow_ns: Option<u64>) -> Vec<FaultFigures> {
    let end_ns = history.end_ns();
    let changes_ns: Vec<u64> = history.leader_changes().iter().skip(1).map(|(at_ns, _, _)| *at_ns).collect();
    let figures_of = |fault: &FaultSpan| FaultFigures {
        id: fault.id,
        family: fault.family.clone(),
        what: fault.what.clone(),
        selector: fault.selector.clone(),
        nodes: fault.nodes.clone(),
        injected_ns: fault.injected_ns,
        until_ns: over_ns(fault, end_ns),
        in_force: fault.in_force.as_ref().map(|(at_ns, evidence)| proof(fault.injected_ns, *at_ns, evidence)),
        healed: fault.healed.as_ref().map(|(at_ns, evidence)| proof(fault.heal_ns.unwrap_or(*at_ns), *at_ns, evidence)),
        problem: fault.problem.clone(),
        consequences: in_force(fault, end_ns).map(|span| during(history, span, &changes_ns, slow_ns)),
    };
    history.faults.iter().map(figures_of).collect()
}

fn proof(begun_ns: u64, at_ns: u64, evidence: &str) -> Proof {
    Proof { after_ns: at_ns.saturating_sub(begun_ns), evidence: evidence.to_owned() }
}

fn during(history: &History, span: Span, changes_ns: &[u64], slow_ns: Option<u64>) -> Consequences {
    let mut found = Consequences {
        leader_changes: changes_ns.iter().filter(|at_ns| span.touches(**at_ns, **at_ns)).count(),
        ..Consequences::default()
    };
    let begun_by_the_end = history.operations.partition_point(|operation| operation.invoked_ns < span.to_ns);
    for operation in &history.operations[..begun_by_the_end] {
        if !span.touches(operation.invoked_ns, operation.returned_ns.unwrap_or(operation.invoked_ns)) {
            continue;
        }
        match operation.outcome {
            Outcome::Fail(_) => found.failed += 1,
            Outcome::Unknown(_) => found.unknown += 1,
            Outcome::Ok(_) => {
                let slow =
                    slow_ns.is_some_and(|slow_ns| response_ns(operation).is_some_and(|took_ns| took_ns > slow_ns));
                found.slow += usize::from(slow);
            }
        }
    }
    found
}
