//! The table by which somebody chooses a database: rows are workloads under families of faults, columns targets with their settings.
//!
//! Cases of several seeds and numbers of nodes come together in a cell: counts and slots are added up, recoveries put together,
//! latencies are medians of the cases', staleness is the worst. Controls are left out: their settings or servers are wrong on
//! purpose.

use super::CaseSummary;
use crate::campaign::file::Expect;
use crate::campaign::measures::Measures;
use crate::campaign::outcome::Standing;
use serde::Serialize;
use squall_results::figures::{Latency, Percentiles, Share};
use std::collections::BTreeSet;

/// The table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The targets with their settings: the columns.
    pub targets: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A workload under some faults.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The workload.
    pub workload: String,
    /// The mix of faults.
    pub faults: String,
    /// A cell a target; none: this was not asked for.
    pub cells: Vec<Option<Cell>>,
}

/// A target under this workload and these faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cell {
    /// The numbers of the cases.
    pub cases: Vec<usize>,
    /// The promises that it was judged at.
    pub promises: Vec<String>,
    /// How many cases were valid.
    pub valid: usize,
    /// How many were invalid, or did not serve when they had to.
    pub invalid: usize,
    /// How many stayed unknown.
    pub unknown: usize,
    /// In how many squall itself failed.
    pub failed: usize,
    /// How many were not run.
    pub not_run: usize,
    /// In how many cases it did not serve when it had to.
    pub did_not_serve: usize,
    /// The part of all slots of 100 ms under faults in which something succeeded, from 0 to 1.
    pub availability_under_faults: Option<f64>,
    /// Likewise outside faults.
    pub availability_outside_faults: Option<f64>,
    /// The longest outage.
    pub longest_outage_ms: Option<f64>,
    /// How many times a node that was healed of a fault was seen to serve again.
    pub recoveries: usize,
    /// The median of how long that took.
    pub recovery_p50_ms: Option<f64>,
    /// Of 100 recoveries 95 took no longer.
    pub recovery_p95_ms: Option<f64>,
    /// The median latency outside faults.
    pub p50_outside_faults_ms: Option<f64>,
    /// Of 100 calls outside faults 99 took no longer.
    pub p99_outside_faults_ms: Option<f64>,
    /// The median latency under faults.
    pub p50_under_faults_ms: Option<f64>,
    /// Of 100 calls under faults 99 took no longer.
    pub p99_under_faults_ms: Option<f64>,
    /// How old the oldest answer was.
    pub staleness_ms: Option<f64>,
    /// Acknowledged changes that were gone in the end.
    pub lost: Option<usize>,
}

impl Choice {
    /// The table of these cases.
    pub fn of(cases: &[CaseSummary]) -> Choice {
        let cases: Vec<&CaseSummary> = cases.iter().filter(|case| case.case.expect == Expect::Valid).collect();
        let targets = distinct(cases.iter().map(|case| case.case.target.clone()));
        let rows = distinct(cases.iter().map(|case| (case.case.workload.clone(), case.case.faults.clone())));
        let rows = rows.into_iter().map(|(workload, faults)| {
            let is_here = |case: &&&CaseSummary| case.case.workload == workload && case.case.faults == faults;
            let cells = targets.iter().map(|target| {
                let of_cell = cases.iter().filter(is_here).filter(|case| case.case.target == *target);
                Cell::of(&of_cell.copied().collect::<Vec<_>>())
            });
            Row { cells: cells.collect(), workload: workload.clone(), faults: faults.clone() }
        });
        Choice { rows: rows.collect(), targets: targets.clone() }
    }
}

/// Each once, in the order in which they come first.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

impl Cell {
    fn of(cases: &[&CaseSummary]) -> Option<Cell> {
        if cases.is_empty() {
            return None;
        }
        let count = |standing| cases.iter().filter(|case| case.standing == standing).count();
        let verdicts: Vec<_> = cases.iter().filter_map(|case| case.outcome.as_ref()?.verdict()).collect();
        let measures: Vec<&Measures> = verdicts.iter().map(|verdict| &verdict.measures).collect();
        let promises: BTreeSet<String> = verdicts.iter().map(|verdict| verdict.promise.to_string()).collect();
        let recoveries: Vec<u64> = measures.iter().flat_map(|one| one.recoveries_ns.iter().copied()).collect();
        let recovery = Percentiles::of(recoveries);
        let latency = |of: fn(&Measures) -> Option<Latency>, figure: fn(&Percentiles) -> u64| {
            let all = measures.iter().filter_map(|one| of(one)).map(|latency| figure(&latency.response));
            Percentiles::of(all.collect()).map(|all| ms(all.p50_ns))
        };
        let under = |figure| latency(|one| one.latency_under_faults, figure);
        let outside = |figure| latency(|one| one.latency_outside_faults, figure);
        Some(Cell {
            cases: cases.iter().map(|case| case.case.number).collect(),
            promises: promises.into_iter().collect(),
            valid: count(Standing::Valid),
            invalid: count(Standing::Invalid),
            unknown: count(Standing::Unknown),
            failed: count(Standing::Failed),
            not_run: count(Standing::NotRun),
            did_not_serve: verdicts.iter().filter(|verdict| verdict.did_not_serve.is_some()).count(),
            availability_under_faults: pooled(measures.iter().map(|one| one.under_faults)),
            availability_outside_faults: pooled(measures.iter().map(|one| one.outside_faults)),
            longest_outage_ms: measures.iter().filter_map(|one| one.longest_outage_ns).max().map(ms),
            recoveries: recovery.map_or(0, |recovery| recovery.count),
            recovery_p50_ms: recovery.map(|recovery| ms(recovery.p50_ns)),
            recovery_p95_ms: recovery.map(|recovery| ms(recovery.p95_ns)),
            p50_outside_faults_ms: outside(|one| one.p50_ns),
            p99_outside_faults_ms: outside(|one| one.p99_ns),
            p50_under_faults_ms: under(|one| one.p50_ns),
            p99_under_faults_ms: under(|one| one.p99_ns),
            staleness_ms: measures.iter().filter_map(|one| one.staleness_ns).max().map(ms),
            lost: measures.iter().filter_map(|one| one.lost).reduce(|one, other| one + other),
        })
    }

    /// How the cell stands: the worst of its cases.
    pub fn standing(&self) -> Standing {
        let all = [
            (self.invalid, Standing::Invalid),
            (self.failed, Standing::Failed),
            (self.unknown, Standing::Unknown),
            (self.valid, Standing::Valid),
        ];
        all.into_iter().find(|(count, _)| *count > 0).map_or(Standing::NotRun, |(_, standing)| standing)
    }

    /// `2 valid: linearizable`, `1 of 3 invalid: sequential`.
    pub fn verdict(&self) -> String {
        let of = match self.standing() {
            Standing::Invalid => self.invalid,
            Standing::Failed => self.failed,
            Standing::Unknown => self.unknown,
            Standing::Valid => self.valid,
            _ => self.not_run,
        };
        let (all, word, promises) = (self.cases.len(), self.standing().word(), self.promises.join(", "));
        let count = match (of, all) {
            (1, 1) => word.to_owned(),
            (of, all) if of == all => format!("{of} {word}"),
            (of, all) => format!("{of} of {all} {word}"),
        };
        let not_run =
            if self.not_run > 0 && self.not_run < all { format!(", {} not run", self.not_run) } else { String::new() };
        let dead =
            if self.did_not_serve > 0 { format!(", {} did not serve", self.did_not_serve) } else { String::new() };
        let promises = if promises.is_empty() { String::new() } else { format!(": {promises}") };
        format!("{count}{not_run}{promises}{dead}")
    }
}

fn ms(ns: u64) -> f64 {
    // Microseconds are all that anybody reads of it.
    (ns as f64 / 1e3).round() / 1e3
}

fn pooled(shares: impl Iterator<Item = Share>) -> Option<f64> {
    let sum = shares
        .fold(Share::default(), |sum, one| Share { served: sum.served + one.served, slots: sum.slots + one.slots });
    sum.ratio()
}
