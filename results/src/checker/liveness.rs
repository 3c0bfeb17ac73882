//! Whether the target served when it had to: a verdict of its own, beside what a history says about consistency.
//!
//! Two things are judged, both by bounds that the record states ([`Bounds`]):
//!
//! - *After the storm*, when everything is healed, the cluster must serve through every node within `recovery_ms`.
//! - *During the storm* it must serve as long as some majority of its nodes is *left alone*: no fault hits any of them, and
//!   every link between two of them carries what it should. A new leader needs time, so only an outage counts in which one
//!   and the same majority was left alone for longer than `failover_ms`, while clients called its nodes. All other outages are
//!   reported by [`Figures`](crate::Figures) and not judged: the algorithms promise nothing then.
//!
//! Served is a call that succeeds and is no mere read, since a node that is cut off may answer those; where clients only read, a
//! read. Locks are not judged during the storm: who waits for one waits for its holder.

mod alone;
#[cfg(test)]
mod tests;

use crate::call::CallKind;
use crate::event::{Bounds, Ending, PhaseName};
use crate::figures::{self, Span};
use crate::history::{History, Operation};
use crate::verdict::{Validity, Verdict};
use alone::Undisturbed;

/// Plans have no more. The majorities of many more would be too many to look at each.
const NODES_MAX: usize = 15;

/// The verdict's name.
pub const NAME: &str = "liveness";

/// Judges when the target served. `None`: there was no storm, or the record states no bounds.
pub fn judge(history: &History) -> Option<Verdict> {
    let start = history.start.as_ref()?;
    let bounds = start.bounds?;
    history.phase_ns(PhaseName::Storm)?;
    let during = during(history, &start.nodes, bounds);
    let after = after(history, bounds);
    let worst = [&during, &after].into_iter().map(|(validity, _)| *validity).max().unwrap_or(Validity::Unknown);
    let decided = [&during, &after].into_iter().filter(|(validity, _)| *validity == worst);
    let reason = decided.map(|(_, told)| told.as_str()).collect::<Vec<_>>().join("; ");
    Some(Verdict {
        checker: NAME.into(),
        validity: worst,
        reason,
        anomalies: Vec::new(),
        figures: [("failover_ms".into(), bounds.failover_ms as f64), ("recovery_ms".into(), bounds.recovery_ms as f64)]
            .into(),
    })
}

/// Whether the cluster served again when everything was healed.
fn after(history: &History, bounds: Bounds) -> (Validity, String) {
    let bound = seconds(bounds.recovery_ns());
    let Some(begun_ns) = history.phase_ns(PhaseName::Recovery) else {
        return (Validity::Unknown, "the run ended before the storm was over".into());
    };
    if let Some(served_ns) = history.phase_ns(PhaseName::FinalReads) {
        let took = seconds(served_ns.saturating_sub(begun_ns));
        return (Validity::Valid, format!("all nodes served again {took} after the storm (bound {bound})"));
    }
    if let Some(end) = history.end.as_ref().filter(|end| end.how == Ending::Completed) {
        // Who waits for a server that ends by itself when it is started again waits in vain.
        let waited_ns = end.at_ns.saturating_sub(begun_ns);
        let told = match waited_ns < bounds.recovery_ns() {
            true => format!("a server did not come back after the storm; it was waited for {}", seconds(waited_ns)),
            false => format!("the cluster did not serve again within {bound} after the storm"),
        };
        return (Validity::Invalid, told);
    }
    (Validity::Unknown, "the run ended before the cluster had served again after the storm".into())
}

/// Whether the cluster served while a majority was left alone.
fn during(history: &History, nodes: &[String], bounds: Bounds) -> (Validity, String) {
    let (failover_ns, bound) = (bounds.failover_ns(), seconds(bounds.failover_ns()));
    let Some(asked) = figures::asked_in_storm(history) else { return (Validity::Valid, "nobody called".into()) };
    if history.operations.iter().any(|operation| waits_for_others(operation.kind())) {
        return (Validity::Valid, "outages during the storm are not judged: clients wait for locks".into());
    }
    if nodes.len() > NODES_MAX {
        let told = format!("outages during the storm are not judged among more than {NODES_MAX} nodes");
        return (Validity::Valid, told);
    }
    let undisturbed = Undisturbed::of(history, nodes);
    for gap in gaps(history, asked).into_iter().filter(|gap| gap.length_ns() > failover_ns) {
        let mut alone = undisturbed.majorities_within(gap, failover_ns);
        let outage =
            alone.find_map(|(part, majority)| Some((called(history, part, &majority, failover_ns)?, majority)));
        if let Some((outage, majority)) = outage {
            let (from, to, who) = (seconds(outage.from_ns), seconds(outage.to_ns), majority.join(", "));
            let told = format!(
                "nothing succeeded from {from} to {to}, though {who} were left alone meanwhile (bound {bound})"
            );
            return (Validity::Invalid, told);
        }
    }
    (Validity::Valid, format!("no outage of more than {bound} while a majority was left alone"))
}

/// The stretches of `asked` in which nothing was served.
fn gaps(history: &History, asked: Span) -> Vec<Span> {
    let serves = history.operations.iter().filter(could_serve(history)).filter(|operation| operation.outcome.is_ok());
    let returns = serves.filter_map(|operation| operation.returned_ns);
    let mut bounds: Vec<u64> = returns.filter(|at_ns| (asked.from_ns..asked.to_ns).contains(at_ns)).collect();
    bounds.extend([asked.from_ns, asked.to_ns]);
    bounds.sort_unstable();
    bounds.windows(2).map(|pair| Span { from_ns: pair[0], to_ns: pair[1] }).collect()
}

/// Whose success shows that the cluster served: changes, or anything where nobody asks for changes.
fn could_serve(history: &History) -> impl Fn(&&Operation) -> bool {
    let only_reads = history.operations.iter().all(|operation| operation.kind().only_observes());
    move |operation| only_reads || !operation.kind().only_observes()
}

fn waits_for_others(kind: CallKind) -> bool {
    matches!(kind, CallKind::Acquire | CallKind::AddLocked | CallKind::AddFenced)
}

/// The first part of `alone` that is longer than `failover_ns` and in which clients called nodes of `majority` all the time, for
/// what would have shown that they serve: a
/// quarter of `failover_ns` without a call open there interrupts it. Who is not asked cannot serve.
fn called(history: &History, alone: Span, majority: &[&str], failover_ns: u64) -> Option<Span> {
    let calls = history.operations.iter().filter(could_serve(history));
    let calls = calls.filter(|operation| majority.contains(&&*operation.node));
    let open = calls.map(|operation| (operation.invoked_ns, operation.returned_ns.unwrap_or(operation.invoked_ns)));
    let mut open: Vec<(u64, u64)> = open.filter(|(from, to)| *from < alone.to_ns && alone.from_ns <= *to).collect();
    open.sort_unstable();
    let (first, rest) = open.split_first()?;
    let mut part = Span { from_ns: first.0.max(alone.from_ns), to_ns: first.1 };
    for (from_ns, to_ns) in rest {
        if *from_ns > part.to_ns + failover_ns / 4 {
            if part.length_ns() > failover_ns {
                break;
            }
            part = Span { from_ns: *from_ns, to_ns: *to_ns };
        }
        part.to_ns = part.to_ns.max(*to_ns);
    }
    part.to_ns = part.to_ns.min(alone.to_ns);
    (part.length_ns() > failover_ns).then_some(part)
}

/// Seconds for people: `3.2 s`.
fn seconds(ns: u64) -> String {
    match ns as f64 / 1e9 {
        short if short < 1.0 => format!("{:.0} ms", short * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}
