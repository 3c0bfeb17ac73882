//! What is wrong in a few words that are the same in every run that shows it: kind, target, workload, family of faults, roles.
//!
//! `stale read, etcd read serializable, register, pause of leader`. Times, keys, processes and names of nodes differ from run to run and have
//! no place in it.

use crate::replay;
use serde::{Deserialize, Serialize};
use squall_results::figures;
use squall_results::history::FaultSpan;
use squall_results::{Anomaly, History, Judgement};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One thing that went wrong in a run, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What.
    pub mark: Fingerprint,
    /// How many anomalies of the run look like this.
    pub count: usize,
}

/// What is the same whenever something goes wrong in this way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The kind of the anomaly, as its checker calls it.
    pub kind: String,
    /// The target with its settings.
    pub target: String,
    /// The workload.
    pub workload: String,
    /// The family of the faults that were in force then; of several the whole mix; `no fault`.
    pub family: String,
    /// Whom they had hit: `leader`, `follower`, `leader and follower`; empty: nobody, or nobody knows who led.
    pub roles: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fingerprint { kind, target, workload, family, roles } = self;
        write!(f, "{kind}, {target}, {workload}, {family}")?;
        if roles.is_empty() { Ok(()) } else { write!(f, " of {roles}") }
    }
}

/// All that went wrong in a run.
pub fn fingerprints(history: &History, judgement: &Judgement, target: &str, workload: &str, mix: &str) -> Vec<Found> {
    let changes = history.leader_changes();
    let mark = |kind: &str, from_ns: u64, to_ns: u64| {
        let (family, roles) = surroundings(history, &changes, mix, from_ns, to_ns);
        let (kind, target, workload) = (kind.to_owned(), target.to_owned(), workload.to_owned());
        Fingerprint { kind, target, workload, family, roles }
    };
    let mut counts: BTreeMap<Fingerprint, usize> = BTreeMap::new();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let is_invalid = |verdict: &&squall_results::Verdict| verdict.validity == squall_results::Validity::Invalid;
    for Anomaly { kind, from_ns, to_ns, .. } in
        judgement.verdicts.iter().filter(is_invalid).flat_map(|verdict| &verdict.anomalies)
    {
        shown.insert(kind);
        *counts.entry(mark(kind, *from_ns, *to_ns)).or_default() += 1;
    }
    // What no operations show: the whole run is about it.
    for (_, kind) in replay::found(judgement).iter().filter(|(_, kind)| !shown.contains(kind.as_str())) {
        let family = mix.to_owned();
        let (target, workload) = (target.to_owned(), workload.to_owned());
        let mark = Fingerprint { kind: kind.clone(), target, workload, family, roles: String::new() };
        *counts.entry(mark).or_default() += 1;
    }
    counts.into_iter().map(|(mark, count)| Found { mark, count }).collect()
}

/// The family of the faults that were in force between two instants, and the roles of the nodes that they had hit.
fn surroundings(
    history: &History,
    changes: &[(u64, String, u64)],
    mix: &str,
    from_ns: u64,
    to_ns: u64,
) -> (String, String) {
    let end_ns = history.end_ns();
    let touches =
        |fault: &&FaultSpan| figures::in_force(fault, end_ns).is_some_and(|span| span.touches(from_ns, to_ns));
    let near: Vec<&FaultSpan> = history.faults.iter().filter(touches).collect();
    let families: BTreeSet<&str> = near.iter().map(|fault| fault.family.as_str()).collect();
    let family = match families.len() {
        0 => "no fault".to_owned(),
        1 => families.into_iter().collect(),
        _ => mix.to_owned(),
    };
    let roles: BTreeSet<&str> = near.iter().flat_map(|fault| roles(fault, changes)).collect();
    let roles: Vec<&str> = ["leader", "follower", "client"].into_iter().filter(|role| roles.contains(role)).collect();
    (family, roles.join(" and "))
}

fn roles<'a>(fault: &'a FaultSpan, changes: &'a [(u64, String, u64)]) -> impl Iterator<Item = &'static str> + 'a {
    let leader = changes.iter().rev().find(|(at_ns, _, _)| *at_ns <= fault.injected_ns).map(|(_, leader, _)| leader);
    let is_of_clients = fault.family == squall_nemesis::Family::PauseClient.name();
    fault.nodes.iter().filter_map(move |node| match leader {
        _ if is_of_clients => Some("client"),
        Some(leader) if leader == node => Some("leader"),
        Some(_) => Some("follower"),
        None => None,
    })
}

#[cfg(test)]
mod tests;
