//! A campaign for people at a terminal: a line a case, a table at the end.

use super::words;
use crate::campaign::outcome::{CaseOutcome, Standing, standing};
use crate::campaign::precedence::{ControlStanding, Result};
use crate::campaign::summary::{Cell, Summary};
use crate::campaign::{Case, outcome::End};
use crate::narrate::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use crate::summary::plural;
use std::fmt::Write;

/// What became of a case, when it has.
pub fn line(case: &Case, outcome: &CaseOutcome, place: usize, of: usize) -> String {
    let standing = standing(case.expect, Some(outcome));
    let width = of.to_string().len();
    let head = format!("{place:>width$} of {of}  {}{:<10}{RESET}", colour(standing), standing.word());
    let tries = if outcome.tries > 1 { format!(", {} tries", outcome.tries) } else { String::new() };
    let line = format!("{head}  {case}  {DIM}{}{tries}{RESET}", words::minutes(outcome.took_ms));
    let why = match &outcome.end {
        End::Failed { reason } => Some(reason),
        End::Judged(verdict) if standing == Standing::Invalid && verdict.did_not_serve.is_some() => {
            verdict.did_not_serve.as_ref()
        }
        End::Judged(verdict) if matches!(standing, Standing::Invalid | Standing::Unknown) => Some(&verdict.reason),
        End::Judged(_) => None,
    };
    why.map_or(line.clone(), |why| format!("{line}\n{:>indent$}{why}", "", indent = 2 * width + 18))
}

fn colour(standing: Standing) -> &'static str {
    match standing {
        Standing::Valid | Standing::Caught => GREEN,
        Standing::Unknown | Standing::Uncaught | Standing::NotRun => YELLOW,
        Standing::Invalid | Standing::Failed => RED,
    }
}

/// The end of a campaign.
pub fn text(summary: &Summary) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = choice(&mut out, summary);
    let _ = controls(&mut out, summary);
    let _ = fingerprints(&mut out, summary);
    let _ = not_run(&mut out, summary);
    let _ = total(&mut out, summary);
    out
}

/// The names of the columns; the first three say where a row belongs.
const HEADS: [&str; 10] =
    ["workload", "faults", "target", "available", "recovery", "calm", "faults", "stale", "lost", "verdict"];

fn choice(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let mut rows: Vec<([String; 10], Standing)> = Vec::new();
    for row in &summary.choice.rows {
        for (target, cell) in summary.choice.targets.iter().zip(&row.cells) {
            let Some(cell) = cell else { continue };
            rows.push((columns(&row.workload, &row.faults, target, cell), cell.standing()));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let mut widths = HEADS.map(|head| head.chars().count());
    for (cells, _) in &rows {
        widths.iter_mut().zip(cells).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let pad = |text: &str, place: usize| format!("{text}{}", " ".repeat(widths[place] - text.chars().count()));
    let last = HEADS.len() - 1;
    write!(out, "\n{DIM}")?;
    HEADS[..last].iter().enumerate().try_for_each(|(place, head)| write!(out, "{}  ", pad(head, place)))?;
    writeln!(out, "{}{RESET}", HEADS[last])?;
    for (cells, standing) in &rows {
        cells[..last].iter().enumerate().try_for_each(|(place, cell)| write!(out, "{}  ", pad(cell, place)))?;
        writeln!(out, "{}{}{RESET}", colour(*standing), cells[last])?;
    }
    writeln!(
        out,
        "{DIM}available: slots of 100 ms under faults, and the longest outage. recovery: until a healed node serves, p50 / p95.\n\
         calm, faults: latency without and with them, p50 / p99. stale: age of the oldest answer. lost: acknowledged and gone.{RESET}"
    )
}

fn columns(workload: &str, faults: &str, target: &str, cell: &Cell) -> [String; 10] {
    let [available, recovery, calm, under, stale, lost, verdict] = words::figures(cell).map(|(_, told)| told);
    [workload.into(), faults.into(), target.into(), available, recovery, calm, under, stale, lost, verdict]
}

fn controls(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.controls.is_empty() {
        return Ok(());
    }
    let told = words::detection(summary).map(|(hits, runs)| format!("caught in {hits} of {runs}")).unwrap_or_default();
    writeln!(out, "\n{DIM}controls{RESET}  {told}: what this campaign would have found")?;
    for control in &summary.controls {
        let (word, told) = words::control(control);
        let colour = match control.standing {
            ControlStanding::Seen => GREEN,
            ControlStanding::Missed => RED,
            ControlStanding::Open | ControlStanding::Elsewhere => YELLOW,
        };
        writeln!(out, "  {colour}{word:<8}{RESET}{told}  {}", control.control.name)?;
    }
    Ok(())
}

/// The most kinds of anomalies that are told here.
const TOLD_MAX: usize = 20;

fn fingerprints(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.fingerprints.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{DIM}found{RESET}  {}", plural(summary.fingerprints.len(), "kind"))?;
    for mark in summary.fingerprints.iter().take(TOLD_MAX) {
        let new = if mark.new == Some(true) { format!("{BOLD}new{RESET} ") } else { String::new() };
        let (colour, of) = if mark.expected { (DIM, ", in controls") } else { (RED, "") };
        let (anomalies, cases) = (plural(mark.anomalies, "anomaly"), plural(mark.cases.len(), "case"));
        writeln!(out, "  {new}{colour}{}{RESET}: {anomalies} in {cases}{of}", mark.told)?;
    }
    let more = summary.fingerprints.len().saturating_sub(TOLD_MAX);
    if more > 0 { writeln!(out, "  and {more} more in summary.json") } else { Ok(()) }
}

fn not_run(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let missing: Vec<_> = summary.cases.iter().filter(|case| case.standing == Standing::NotRun).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let why = summary.cut.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    writeln!(out, "\n{YELLOW}not run{RESET}  {}{why}", plural(missing.len(), "case"))?;
    for case in missing.iter().take(TOLD_MAX) {
        writeln!(out, "  {}", case.case)?;
    }
    let more = missing.len().saturating_sub(TOLD_MAX);
    if more > 0 { writeln!(out, "  and {more} more in summary.json") } else { Ok(()) }
}

fn total(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let colour = match summary.result {
        Result::AsExpected => GREEN,
        Result::Unknown => YELLOW,
        Result::MissedControl | Result::Failed | Result::Invalid => RED,
    };
    let counts = summary.counts.told();
    let counts: Vec<String> = counts.iter().map(|(count, standing)| format!("{count} {}", standing.word())).collect();
    let pace = summary.cases_per_hour.map(|pace| format!(", {pace:.0} cases an hour")).unwrap_or_default();
    let (cases, took) = (plural(summary.counts.cases, "case"), words::minutes(summary.took_ms));
    writeln!(
        out,
        "\n{BOLD}{colour}{}{RESET}{BOLD}: {}{RESET}; {cases} in {took}{pace}",
        words::result(summary.result),
        counts.join(", ")
    )
}
