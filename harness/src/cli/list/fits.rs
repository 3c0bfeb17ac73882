//! `squall list --long`: what fits together, within the width of a terminal.

use super::section;
use crate::narrate::{BOLD, RESET};
use squall_results::CallKind;
use squall_targets::target::{self, ReadMode, TargetInfo};
use squall_workloads::Workload;
use std::fmt::{Display, Write};

pub(super) fn text() -> String {
    let mut out = String::new();
    calls(&mut out);
    promises(&mut out);
    workloads(&mut out);
    combinations(&mut out);
    out
}

/// Which target supports which calls, of those that any does.
fn calls(out: &mut String) {
    let header = target::ALL.iter().map(|target| target.name.to_owned()).collect();
    let row = |kind: CallKind| {
        let cells = target::ALL.iter().map(|target| if (target.supports)(kind) { "yes" } else { "-" }.to_owned());
        (kind.to_string(), cells.collect())
    };
    let is_supported = |kind: &CallKind| target::ALL.iter().any(|target| (target.supports)(*kind));
    let kinds = CallKind::ALL.into_iter().filter(is_supported);
    table(out, "calls that a target supports", header, kinds.map(row).collect());
}

/// What a target promises to clients that read in some way.
fn promises(out: &mut String) {
    let row = |(target, mode): (&TargetInfo, &ReadMode)| {
        let beside = mode.beside.map(|promise| format!("; told beside: whether {promise}")).unwrap_or_default();
        (way(target, mode), format!("{}{beside}", mode.promise))
    };
    section(out, "what a target promises, by the way to read", ways().map(row).collect());
}

/// What a workload needs, and the promises at which it can be judged.
fn workloads(out: &mut String) {
    let rows = squall_workloads::ALL.iter().flat_map(|workload| {
        let needs = (workload.name.to_owned(), format!("needs {}", join(workload.needs)));
        [needs, (String::new(), format!("can be judged as {}", join(workload.promises)))]
    });
    section(out, "workloads", rows.collect());
}

/// Which workloads a target can run, and for all others why not.
fn combinations(out: &mut String) {
    let header = squall_workloads::ALL.iter().map(|workload| workload.name.to_owned()).collect();
    let mut reasons: Vec<(String, String)> = Vec::new();
    let mut rows = Vec::new();
    for (target, mode) in ways() {
        let cells = squall_workloads::ALL.iter().map(|workload| match obstacle(target, mode, workload) {
            None => "yes".to_owned(),
            Some(reason) => {
                // What the target cannot do at all stands there once.
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
                "-".to_owned()
            }
        });
        rows.push((format!("{} {}", target.name, mode.name), cells.collect()));
    }
    table(out, "workloads that a target can run, at what it promises", header, rows);
    if !reasons.is_empty() {
        section(out, "why not", reasons);
    }
}

/// What cannot be combined, and why not; none if it can.
fn obstacle(target: &TargetInfo, mode: &ReadMode, workload: &Workload) -> Option<(String, String)> {
    let missing: Vec<CallKind> = workload.needs.iter().copied().filter(|kind| !(target.supports)(*kind)).collect();
    if !missing.is_empty() {
        return Some((format!("{}, {}", target.name, workload.name), format!("no {} calls", join(&missing))));
    }
    let judged = workload.promises.contains(&mode.promise);
    let what = || format!("{}, {}", way(target, mode), workload.name);
    (!judged).then(|| (what(), format!("not judged as {}", mode.promise)))
}

fn ways() -> impl Iterator<Item = (&'static TargetInfo, &'static ReadMode)> {
    target::ALL.iter().flat_map(|target| target.reads.iter().map(|mode| (*target, mode)))
}

fn way(target: &TargetInfo, mode: &ReadMode) -> String {
    format!("{} --read {}", target.name, mode.name)
}

fn join<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// The most characters of a line.
const WIDTH: usize = 80;

/// Columns under their names; those that do not fit into a line stand below the others.
fn table(out: &mut String, title: &str, header: Vec<String>, rows: Vec<(String, Vec<String>)>) {
    let first = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let widths: Vec<usize> = header.iter().map(|name| name.len().max("yes".len())).collect();
    let _ = writeln!(out, "{BOLD}{title}{RESET}");
    let mut from = 0;
    while from < header.len() {
        let mut end = 4 + first;
        let fits = widths[from..].iter().take_while(|width| {
            end += **width + 1;
            end <= WIDTH + 1
        });
        let columns = from..from + fits.count().max(1);
        for (name, cells) in
            std::iter::once((&String::new(), &header)).chain(rows.iter().map(|(name, row)| (name, row)))
        {
            let cells = cells[columns.clone()].iter().zip(&widths[columns.clone()]);
            let line = cells.map(|(cell, width)| format!("{cell:<width$}")).collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "{}", format!("  {name:<first$}  {line}").trim_end());
        }
        from = columns.end;
    }
}
