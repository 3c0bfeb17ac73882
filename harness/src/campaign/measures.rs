//! What a run says about its target besides the verdict: the figures by which somebody chooses a database.
//!
//! Pure: a function of the history and its [`Figures`]. All durations are nanoseconds.
//!
//! - *recovery*: from the beginning of a fault's healing to the first success that was called for after it through a node which
//!   the fault had hit, for each of these nodes. Where another fault hits the node before, or the calls end, nothing is known.
//! - *staleness* of a read: how long before the read was called for something had been shown already that it does not know: a
//!   newer version of the register, or another element of the set, by the answer to its write or to another read. Elements that
//!   are lost are no matter of age. Banks and locks show neither.
//! - *lost*: changes that were acknowledged, and that the final reads do not know: elements that none of them has, versions of a
//!   register that all of them are behind.

use serde::{Deserialize, Serialize};
use squall_results::call::{Key, Value, Version};
use squall_results::event::PhaseName;
use squall_results::figures::{Figures, Latency, Share};
use squall_results::history::FaultSpan;
use squall_results::{Call, History, Operation, Reply};
use std::collections::{BTreeMap, BTreeSet};

/// What was measured in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// Calls that succeeded.
    pub ok: usize,
    /// How many faults were injected.
    pub faults_injected: usize,
    /// How many of them were measured to be in force.
    pub faults_in_force: usize,
    /// Slots of 100 ms under faults, and in how many of them something succeeded.
    pub under_faults: Share,
    /// Slots outside faults, likewise.
    pub outside_faults: Share,
    /// The longest time without a success, while the target was asked.
    pub longest_outage_ns: Option<u64>,
    /// How long each node took to serve again after it was healed of a fault.
    pub recoveries_ns: Vec<u64>,
    /// Response times of successes under faults; none: nothing succeeded.
    pub latency_under_faults: Option<Latency>,
    /// Response times of successes outside faults.
    pub latency_outside_faults: Option<Latency>,
    /// How old the oldest answer was; none: nothing has versions.
    pub staleness_ns: Option<u64>,
    /// Acknowledged changes that are gone; none: nobody can tell.
    pub lost: Option<usize>,
}

impl Measures {
    /// What was measured in this run.
    pub fn of(history: &History, figures: &Figures) -> Measures {
        Measures {
            ok: figures.totals().1,
            faults_injected: figures.faults_injected,
            faults_in_force: figures.faults_in_force,
            under_faults: figures.availability.under_faults,
            outside_faults: figures.availability.outside_faults,
            longest_outage_ns: figures.longest_gap.map(|gap| gap.length_ns()),
            recoveries_ns: recoveries(history),
            latency_under_faults: figures.latency_under_faults,
            latency_outside_faults: figures.latency_outside_faults,
            staleness_ns: staleness(history),
            lost: lost(history),
        }
    }
}

fn recoveries(history: &History) -> Vec<u64> {
    let mut all = Vec::new();
    for fault in &history.faults {
        let (Some(_), Some(heal_ns)) = (&fault.in_force, fault.heal_ns) else { continue };
        all.extend(fault.nodes.iter().filter_map(|node| served_again(history, fault, node, heal_ns)));
    }
    all.sort_unstable();
    all
}

fn served_again(history: &History, healed: &FaultSpan, node: &str, heal_ns: u64) -> Option<u64> {
    let after = |operation: &&Operation| operation.node == node && operation.invoked_ns >= heal_ns;
    let successes = history.operations.iter().filter(after).filter(|operation| operation.outcome.is_ok());
    let first_ns = successes.filter_map(|operation| operation.returned_ns).min()?;
    let hits = |fault: &&FaultSpan| fault.id != healed.id && fault.nodes.iter().any(|other| other == node);
    // One that was there already, or that comes before.
    let mut others = history.faults.iter().filter(hits);
    let disturbed = others.any(|fault| fault.injected_ns < first_ns && fault.until_ns(u64::MAX) > heal_ns);
    (!disturbed).then(|| first_ns - heal_ns)
}

/// The version that an answer shows of a register.
fn version(reply: &Reply) -> Option<Version> {
    match reply {
        Reply::Read { version, .. } | Reply::Written { version } => *version,
        _ => None,
    }
}

fn is_read(call: &Call) -> bool {
    matches!(call, Call::Read { .. } | Call::Elements { .. } | Call::List { .. })
}

fn by_key(history: &History) -> BTreeMap<Key, Vec<&Operation>> {
    let mut by_key: BTreeMap<Key, Vec<&Operation>> = BTreeMap::new();
    for operation in history.operations.iter().filter(|operation| operation.outcome.is_ok()) {
        by_key.entry(operation.call.key()).or_default().push(operation);
    }
    by_key
}

fn staleness(history: &History) -> Option<u64> {
    let final_ns = history.phase_ns(PhaseName::FinalReads);
    by_key(history).values().filter_map(|operations| of_register(operations).max(of_set(operations, final_ns))).max()
}

/// The age of the oldest answer about a register.
fn of_register(operations: &[&Operation]) -> Option<u64> {
    let shown = operations
        .iter()
        .filter_map(|operation| Some((version(operation.reply()?)?.order, operation.returned_ns?, *operation)));
    let mut shown: Vec<(u64, u64, &Operation)> = shown.collect();
    // From the newest down, with when something newer was shown first.
    shown.sort_by_key(|(order, ..)| std::cmp::Reverse(*order));
    let (mut worst, mut newer_ns, mut same_ns, mut last) = (None, u64::MAX, u64::MAX, u64::MAX);
    for (order, returned_ns, operation) in shown {
        if order < last {
            (newer_ns, same_ns, last) = (newer_ns.min(same_ns), u64::MAX, order);
        }
        same_ns = same_ns.min(returned_ns);
        if is_read(&operation.call) {
            worst = worst.max(Some(operation.invoked_ns.saturating_sub(newer_ns)));
        }
    }
    worst
}

/// The age of the oldest answer about a set or list.
fn of_set(operations: &[&Operation], final_ns: Option<u64>) -> Option<u64> {
    let reads = operations.iter().filter_map(|operation| match operation.reply() {
        Some(Reply::Elements { elements, .. }) => {
            Some((*operation, elements.iter().copied().collect::<BTreeSet<Value>>()))
        }
        _ => None,
    });
    let reads: Vec<(&Operation, BTreeSet<Value>)> = reads.collect();
    let is_final = |read: &Operation| final_ns.is_some_and(|final_ns| read.invoked_ns >= final_ns);
    let mut shown: BTreeMap<Value, u64> = BTreeMap::new();
    let mut show = |element: Value, operation: &Operation| {
        let returned_ns = operation.returned_ns.unwrap_or(u64::MAX);
        shown.entry(element).and_modify(|first_ns| *first_ns = returned_ns.min(*first_ns)).or_insert(returned_ns);
    };
    operations
        .iter()
        .filter_map(|operation| Some((added(&operation.call)?, operation)))
        .for_each(|(element, by)| show(element, by));
    reads.iter().for_each(|(read, found)| found.iter().for_each(|element| show(*element, read)));
    let kept = |element: &Value| reads.iter().all(|(read, found)| !is_final(read) || found.contains(element));
    let kept: Vec<(Value, u64)> = shown.into_iter().filter(|(element, _)| kept(element)).collect();
    let oldest = |(read, found): &(&Operation, BTreeSet<Value>)| {
        let missing = kept.iter().filter(|(element, first_ns)| *first_ns < read.invoked_ns && !found.contains(element));
        missing.map(|(_, first_ns)| read.invoked_ns - first_ns).max().unwrap_or(0)
    };
    reads.iter().map(oldest).max()
}

/// The element that a call adds.
fn added(call: &Call) -> Option<Value> {
    match call {
        Call::Add { element, .. } | Call::AddToList { element, .. } | Call::AddGuarded { element, .. } => {
            Some(*element)
        }
        _ => None,
    }
}

fn lost(history: &History) -> Option<usize> {
    let final_ns = history.phase_ns(PhaseName::FinalReads)?;
    let is_final = |operation: &&Operation| operation.invoked_ns >= final_ns && is_read(&operation.call);
    // What the final reads know of each key: its elements, and its newest version.
    let mut known: BTreeMap<Key, (BTreeSet<Value>, Option<u64>)> = BTreeMap::new();
    for read in history.operations.iter().filter(is_final) {
        let Some(reply) = read.reply() else { continue };
        let (elements, newest) = known.entry(read.call.key()).or_default();
        *newest = (*newest).max(version(reply).map(|version| version.order));
        if let Reply::Elements { elements: found, .. } = reply {
            elements.extend(found);
        }
    }
    let mut counted = None;
    for operation in history.operations.iter().filter(|operation| operation.invoked_ns < final_ns) {
        let (Some(reply), Some((elements, newest))) = (operation.reply(), known.get(&operation.call.key())) else {
            continue;
        };
        let is_lost = match (added(&operation.call), reply) {
            (Some(element), _) => !elements.contains(&element),
            (None, Reply::Written { version: Some(version) }) => newest.is_some_and(|newest| newest < version.order),
            _ => continue,
        };
        *counted.get_or_insert(0) += usize::from(is_lost);
    }
    counted
}

#[cfg(test)]
mod tests;
