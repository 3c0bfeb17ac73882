//! The anomalies in the terminal: what the page draws, as text.

use super::plural;
use crate::narrate::{BOLD, DIM, RED, RESET, YELLOW};
use squall_results::figures::in_force;
use squall_results::report::LogLine;
use squall_results::verdict::{LegalPrefix, Role};
use squall_results::words::{Instants, cut};
use squall_results::{Anomaly, History, Judgement, Operation};
use std::fmt::Write;

mod bars;

/// The most anomalies that are told; the rest is counted.
const TOLD_MAX: usize = 3;
/// The most operations of one anomaly.
const OPERATIONS_MAX: usize = 12;
/// The most reasons why a legal order cannot go on.
const REFUSALS_MAX: usize = 3;
/// The most faults that are named.
const FAULTS_MAX: usize = 3;
/// The most log lines.
const LINES_MAX: usize = 6;
/// How far log lines may be from the first anomaly.
const LINES_AROUND_NS: u64 = 1_000_000_000;
/// The most characters of a log line.
const LINE_LENGTH_MAX: usize = 120;
/// The most characters of an operation, and of the name of a node.
const OPERATION_LENGTH_MAX: usize = 40;
const NODE_LENGTH_MAX: usize = 20;

/// Tells the clearest anomalies; nothing if there are none.
pub(super) fn tell(out: &mut String, history: &History, judgement: &Judgement, logs: &[LogLine]) -> std::fmt::Result {
    let count = judgement.anomalies().count();
    for (place, anomaly) in judgement.anomalies().take(TOLD_MAX).enumerate() {
        let number = if count > 1 { format!("  {DIM}{} of {count}{RESET}", place + 1) } else { String::new() };
        writeln!(out, "\n{RED}✗ {}{RESET}{BOLD} on key {}{RESET}{number}", plain(&anomaly.kind), anomaly.key)?;
        writeln!(out, "  {}", plain(&anomaly.told))?;
        operations(out, anomaly)?;
        if let Some(longest) = anomaly.prefixes.first() {
            dead_end(out, history, anomaly, longest)?;
        }
        faults(out, history, anomaly)?;
        if place == 0 {
            log_lines(out, anomaly, logs)?;
        }
    }
    if count > TOLD_MAX {
        writeln!(out, "\n{} in the report and in verdict.json", plural(count - TOLD_MAX, "more anomaly"))?;
    }
    Ok(())
}

/// The operations that the anomaly rests on, one a line, with bars that show what overlaps. Where nothing is said about
/// their parts, all count.
fn operations(out: &mut String, anomaly: &Anomaly) -> std::fmt::Result {
    let accused = |role: Role| role == Role::Contradiction;
    let mut shown: Vec<(&Operation, Role)> =
        anomaly.operations.iter().map(|shown| (&shown.operation, shown.role)).collect();
    if shown.iter().any(|(_, role)| *role != Role::Context) {
        shown.retain(|(_, role)| *role != Role::Context);
    }
    let left_out = shown.len().saturating_sub(OPERATIONS_MAX);
    // What is nearest to the contradiction says most.
    let at_ns = shown.iter().find(|(_, role)| accused(*role)).map_or(anomaly.to_ns, |(accused, _)| accused.invoked_ns);
    shown.sort_by_key(|(operation, role)| (!accused(*role), operation.invoked_ns.abs_diff(at_ns)));
    shown.truncate(OPERATIONS_MAX);
    shown.sort_by_key(|(operation, _)| (operation.invoked_ns, operation.id));
    if shown.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {DIM}{}{RESET}", heading(anomaly))?;
    let instants = Instants::of(shown.iter().map(|(operation, _)| *operation));
    let only: Vec<&Operation> = shown.iter().map(|(operation, _)| *operation).collect();
    let rows: Vec<[String; 5]> = only.iter().map(|operation| row(operation, instants)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    for ((row, bar), (_, role)) in rows.iter().zip(bars::of(&only)).zip(&shown) {
        let [process, node, what, from, to] = row;
        let (mark, colour) = if accused(*role) { ("✗", RED) } else { (" ", "") };
        let [wide_process, wide_node, wide_what, wide_from, wide_to] = widths;
        // Where no node was noted, there is no column.
        let after_node = if wide_node > 0 { "  " } else { "" };
        writeln!(
            out,
            "  {colour}{mark} {process:<wide_process$}  {node:<wide_node$}{after_node}{what:<wide_what$}  {from:>wide_from$} {to:<wide_to$}  {bar}{RESET}"
        )?;
    }
    if left_out > 0 {
        writeln!(out, "    {DIM}{} in the report{RESET}", plural(left_out, "more operation"))?;
    }
    Ok(())
}

fn heading(anomaly: &Anomaly) -> String {
    let Some(minimal) = &anomaly.minimal else {
        let has_parts = anomaly.operations.iter().any(|shown| shown.role != Role::Context);
        return if has_parts { "what it rests on" } else { "what went on" }.into();
    };
    let smallest = if minimal.smallest { "the smallest set that is" } else { "a small set that is" };
    let verified = if minimal.verified { ", verified by the bare search" } else { "" };
    let from = match minimal.after_ns {
        Some(at_ns) => {
            let at = Instants::new([]).show(at_ns);
            format!("; after {at} s everything before has led to {}", plain(&minimal.starts.join(" or ")))
        }
        None => String::new(),
    };
    format!("{smallest} still a violation{verified}{from}")
}

/// Process, node, call and reply, from, to.
fn row(operation: &Operation, instants: Instants) -> [String; 5] {
    let until = match operation.returned_ns {
        Some(returned_ns) if !operation.outcome.is_unknown() => format!("to {} s", instants.show(returned_ns)),
        _ => "and on".into(),
    };
    [
        format!("process {}", operation.process),
        cut(&plain(&operation.node), NODE_LENGTH_MAX),
        cut(&plain(&operation.in_short()), OPERATION_LENGTH_MAX),
        instants.show(operation.invoked_ns),
        until,
    ]
}

/// How far the longest legal order goes, and why it ends there.
fn dead_end(out: &mut String, history: &History, anomaly: &Anomaly, longest: &LegalPrefix) -> std::fmt::Result {
    let find = |id: u64| {
        let shown = anomaly.operations.iter().map(|shown| &shown.operation);
        shown.chain(&history.operations).find(|operation| operation.id == id)
    };
    let name = |id: u64| match find(id) {
        Some(operation) => format!("{} (process {})", plain(&operation.in_short()), operation.process),
        None => format!("operation {id}"),
    };
    let last = longest.last.last().map(|id| format!(", the last of them {}", name(*id))).unwrap_or_default();
    let state = plain(&longest.state);
    let after = plural(longest.length, "operation");
    writeln!(
        out,
        "\n  {:<21}  {BOLD}{state}{RESET}  {DIM}after {after} in a legal order{last}{RESET}",
        "last consistent state"
    )?;
    for (place, refusal) in longest.refused.iter().take(REFUSALS_MAX).enumerate() {
        let what = if place == 0 { "impossible step" } else { "nor can follow" };
        writeln!(out, "  {what:<21}  {RED}{}{RESET}: {}", name(refusal.op), plain(&refusal.why))?;
    }
    let (others, more) = (anomaly.prefixes.len() - 1, longest.refused.len().saturating_sub(REFUSALS_MAX));
    if others + more > 0 {
        let other = (others > 0).then(|| plural(others, "more legal order"));
        let more = (more > 0).then(|| plural(more, "more reason"));
        let parts: Vec<String> = other.into_iter().chain(more).collect();
        writeln!(out, "  {:<21}  {DIM}{} in the report{RESET}", "", parts.join(" and "))?;
    }
    Ok(())
}

/// The faults of that time; if there are none, the last one before.
fn faults(out: &mut String, history: &History, anomaly: &Anomaly) -> std::fmt::Result {
    let end_ns = history.end_ns();
    let all = history.faults.iter().filter_map(|fault| Some((in_force(fault, end_ns)?, fault)));
    let all: Vec<_> = all.filter(|(span, _)| span.from_ns <= anomaly.to_ns).collect();
    let (there, before): (Vec<_>, Vec<_>) = all.into_iter().partition(|(span, _)| span.to_ns >= anomaly.from_ns);
    let last = before.into_iter().max_by_key(|(span, _)| span.to_ns).filter(|_| there.is_empty());
    if there.is_empty() && last.is_none() {
        return Ok(());
    }
    writeln!(out)?;
    for (span, fault) in there.iter().take(FAULTS_MAX).chain(&last) {
        let name = if last.is_some() { "last fault before" } else { "fault in force" };
        let [from, to] = [span.from_ns, span.to_ns].map(|at_ns| Instants::new([]).show(at_ns));
        writeln!(out, "  {name:<21}  {YELLOW}{}{RESET} {DIM}{from} to {to} s{RESET}", plain(&fault.what))?;
    }
    if there.len() > FAULTS_MAX {
        writeln!(out, "  {:<21}  {DIM}{} more{RESET}", "", there.len() - FAULTS_MAX)?;
    }
    Ok(())
}

/// What the nodes logged nearest to it.
fn log_lines(out: &mut String, anomaly: &Anomaly, logs: &[LogLine]) -> std::fmt::Result {
    let away_ns = |at_ns: u64| anomaly.from_ns.saturating_sub(at_ns) + at_ns.saturating_sub(anomaly.to_ns);
    let stamped = logs.iter().filter_map(|line| Some((line.at_ns?, line)));
    let mut near: Vec<(u64, &LogLine)> = stamped.filter(|(at_ns, _)| away_ns(*at_ns) <= LINES_AROUND_NS).collect();
    let found = near.len();
    if found == 0 {
        return Ok(());
    }
    near.sort_by_key(|(at_ns, _)| away_ns(*at_ns));
    near.truncate(LINES_MAX);
    near.sort_by_key(|(at_ns, _)| *at_ns);
    let more = if found > near.len() { format!(", the nearest {} of {found}", near.len()) } else { String::new() };
    writeln!(out, "\n  {DIM}log lines around it{more}{RESET}")?;
    for (at_ns, line) in near {
        let (at, text) = (Instants::new([]).show(at_ns), cut(&plain(&line.text), LINE_LENGTH_MAX));
        writeln!(out, "    {DIM}{at:>8} s{RESET}  {}  {text}", plain(&line.node))?;
    }
    Ok(())
}

/// Text from elsewhere, without what would steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}
