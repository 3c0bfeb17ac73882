//! Whether transactions keep to an isolation level: which must come before which by what they read and wrote, and whether
//! that can be. After Kingsbury and Alvaro, *Elle: Inferring Isolation Anomalies from Experimental Observations*, VLDB 2020;
//! the anomalies are Adya's (see [`isolation`](crate::isolation)).
//!
//! A transaction comes before another one if that one wrote the next version of what it wrote (ww), read what it wrote (wr), or
//! wrote the next version of what it read (rw); and at levels that say so if it came earlier in the same session, or had ended
//! when that one began. Transactions that each come before the next, and the last before the first, are a cycle: which levels it
//! rules out depends on what it is made of ([`Kind`]). Everything takes time and memory in proportion to the history.
//!
//! A transaction of which nobody knows how it ended counts as committed where somebody saw what it wrote: its reads are unknown,
//! nothing comes after it in real time or in its session, and what it wrote that nobody saw can close no cycle. One that failed
//! counts only as that whose writes nobody may see.
//!
//! What no history of reads and writes of single objects shows: anomalies of predicates, so that repeatable read is judged as
//! far as it is about items.

mod components;
mod cycles;
mod graph;
mod kind;
mod lists;
mod record;
mod registers;
mod tell;

pub use kind::{Class, Kind};

use crate::checker::{Budget, Checker};
use crate::history::History;
use crate::isolation::{Level, Order};
use crate::verdict::{Anomaly, Validity, Verdict};
use crate::words::counted;
use cycles::Cycles;
use graph::{Edge, Graph};
use record::{Fate, Findings, Inference, Record};
use std::collections::BTreeMap;

/// What the transactions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// Lists, [`Call::ListTransaction`](crate::Call::ListTransaction): each element is appended to a list at most once.
    Lists,
    /// Registers, [`Call::Transaction`](crate::Call::Transaction): each value is written to a register at most once.
    Registers,
}

/// Judges transactions at an isolation level; see the [module](self).
#[derive(Debug, Clone, Copy)]
pub struct Transactions {
    /// What they are about.
    pub objects: Objects,
    /// The level that they shall keep to.
    pub level: Level,
}

impl Checker for Transactions {
    fn name(&self) -> &'static str {
        match self.objects {
            Objects::Lists => "list-append",
            Objects::Registers => "rw-register",
        }
    }

    fn check(&self, history: &History, _budget: &Budget) -> Verdict {
        let record = Record::of(history);
        let judged = match self.objects {
            Objects::Lists => {
                lists::infer(&record).map(|(lists, edges, findings)| self.judge(&record, &lists, &edges, findings))
            }
            Objects::Registers => {
                registers::infer(&record).map(|(all, edges, findings)| self.judge(&record, &all, &edges, findings))
            }
        };
        judged.unwrap_or_else(|lists::Ambiguous { key, value }| {
            let reason = format!(
                "{value} was written to {key} twice, so nobody knows which of the two was read; write each value once"
            );
            self.verdict(Validity::Unknown, reason, Vec::new(), BTreeMap::new())
        })
    }
}

impl Transactions {
    fn verdict(
        &self,
        validity: Validity,
        reason: String,
        anomalies: Vec<Anomaly>,
        figures: BTreeMap<String, f64>,
    ) -> Verdict {
        Verdict { checker: self.name().into(), validity, reason, anomalies, figures }
    }

    fn judge(&self, record: &Record, inference: &dyn Inference, edges: &[Edge], findings: Findings) -> Verdict {
        let graph = Graph::new(&record.spans(), edges);
        let cycles = cycles::find(&graph);
        let kinds: Vec<Kind> = findings.counts.keys().chain(cycles.shortest.keys()).copied().collect();
        let is_kept = |level: &Level| !kinds.iter().any(|kind| kind.rules_out(*level));
        let kept: Vec<Level> = Level::all().filter(is_kept).collect();
        let committed = record.fates.iter().filter(|fate| **fate == Fate::Committed).count();
        // Without any order nothing could contradict the level.
        let orders = match self.level.order {
            Order::Data => graph.dependencies() > 0,
            Order::Session | Order::RealTime => graph.dependencies() > 0 || graph.any_order(self.level.order),
        };
        let transactions = counted(record.operations.len(), "transaction");
        let (validity, reason) = if !is_kept(&self.level) {
            let told: Vec<String> = names(&kinds, &findings)
                .into_iter()
                .filter(|(kind, _)| kind.rules_out(self.level))
                .map(|(_, name)| name)
                .collect();
            (Validity::Invalid, format!("{}, in {transactions}; {}", told.join(", "), not_ruled_out(&kept)))
        } else if committed == 0 {
            (Validity::Unknown, "no transaction is known to have taken place".into())
        } else if !orders {
            (Validity::Unknown, format!("nothing says in which order any of {transactions} took place"))
        } else {
            (Validity::Valid, format!("{transactions} without a contradiction; {}", not_ruled_out(&kept)))
        };
        let figures = figures(record, &graph, &cycles, &findings);
        self.verdict(validity, reason, self.anomalies(record, inference, &cycles, &findings), figures)
    }

    /// The anomalies that rule the level out.
    fn anomalies(
        &self,
        record: &Record,
        inference: &dyn Inference,
        cycles: &Cycles,
        findings: &Findings,
    ) -> Vec<Anomaly> {
        let told = |(kind, finding): &(Kind, record::Finding)| (*kind, tell::finding(*kind, finding, record));
        let of_cycle = |(kind, cycle): (&Kind, &cycles::Cycle)| (*kind, tell::cycle(*kind, cycle, record, inference));
        let needed = |kind: &Kind| kind.rules_out(self.level);
        let cycles = cycles.shortest.iter().filter(|(kind, _)| needed(kind)).map(of_cycle);
        let findings = findings.shown.iter().filter(|(kind, _)| needed(kind)).map(told);
        let mut all: Vec<(Kind, Anomaly)> = findings.chain(cycles).collect();
        all.sort_by_key(|(kind, anomaly)| (*kind, anomaly.from_ns));
        all.into_iter().map(|(_, anomaly)| anomaly).collect()
    }
}

/// The kinds, with how often each was found where that was counted, without cycles that a worse one of the same says more of.
fn names(kinds: &[Kind], findings: &Findings) -> Vec<(Kind, String)> {
    let is_covered = |kind: &Kind| kinds.iter().any(|other| other != kind && other.covers(*kind));
    let mut kept: Vec<Kind> = kinds.iter().copied().filter(|kind| !is_covered(kind)).collect();
    kept.sort_unstable();
    let name = |kind: Kind| match findings.counts.get(&kind) {
        Some(count) => format!("{} ({count})", kind.name()),
        None => kind.name().to_owned(),
    };
    kept.into_iter().map(|kind| (kind, name(kind))).collect()
}

/// `not ruled out: snapshot-isolation`.
fn not_ruled_out(kept: &[Level]) -> String {
    let strongest: Vec<String> = Level::strongest(kept).iter().map(Level::to_string).collect();
    match strongest.is_empty() {
        true => "every level is ruled out".into(),
        false => format!("not ruled out: {}", strongest.join(", ")),
    }
}

fn figures(record: &Record, graph: &Graph, cycles: &Cycles, findings: &Findings) -> BTreeMap<String, f64> {
    let count = |fate: Fate| record.fates.iter().filter(|other| **other == fate).count();
    let counts = [
        ("transactions", record.operations.len()),
        ("committed", count(Fate::Committed)),
        ("unknown", count(Fate::Unknown)),
        ("failed", count(Fate::Failed)),
        ("dependencies", graph.dependencies()),
        ("components_with_cycles", cycles.tangles),
        ("largest_component", cycles.largest),
        ("anomalies_without_cycles", findings.counts.values().sum()),
    ];
    counts.map(|(name, count)| (name.into(), count as f64)).into()
}
