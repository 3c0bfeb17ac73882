//! A campaign as Markdown, for a pull request or a chat.

use super::words;
use crate::campaign::outcome::Standing;
use crate::campaign::precedence::ControlStanding;
use crate::campaign::summary::{CaseSummary, Cell, Summary};
use crate::summary::plural;
use std::fmt::Write;

/// The most lines of one kind: a comment has an end.
const LINES_MAX: usize = 20;

/// The file.
pub fn render(summary: &Summary) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = head(&mut out, summary);
    let _ = choice(&mut out, summary);
    let _ = wrong(&mut out, summary);
    let _ = controls(&mut out, summary);
    let _ = found(&mut out, summary);
    let _ = not_run(&mut out, summary);
    out
}

fn head(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let counts = summary.counts.told();
    let counts: Vec<String> = counts.iter().map(|(count, standing)| format!("{count} {}", standing.word())).collect();
    let shard = summary.shard.map(|shard| format!(", shard {shard}")).unwrap_or_default();
    let pace = summary.cases_per_hour.map(|pace| format!(", {pace:.0} cases an hour")).unwrap_or_default();
    let (cases, took) = (plural(summary.counts.cases, "case"), words::minutes(summary.took_ms));
    writeln!(out, "### squall, {}: {}\n", text(&summary.campaign), words::result(summary.result))?;
    writeln!(out, "{cases}: {}. {took}{pace}, seed {}{shard}.", counts.join(", "), summary.seed)?;
    if let Some((hits, runs)) = words::detection(summary) {
        let all = summary.controls.len();
        let seen = summary.controls.iter().filter(|control| control.standing == ControlStanding::Seen).count();
        writeln!(out, "It would have told: {seen} of {} seen, in {hits} of {runs} cases.", plural(all, "control"))?;
    }
    writeln!(out)
}

fn choice(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let choice = &summary.choice;
    if choice.rows.is_empty() {
        return Ok(());
    }
    let targets: Vec<String> = choice.targets.iter().map(|target| text(target)).collect();
    writeln!(out, "| workload, faults | {} |", targets.join(" | "))?;
    writeln!(out, "|---|{}", "---|".repeat(targets.len()))?;
    for row in &choice.rows {
        let cells: Vec<String> = row.cells.iter().map(|cell| cell.as_ref().map_or("–".into(), in_cell)).collect();
        writeln!(out, "| **{}**<br>{} | {} |", text(&row.workload), text(&row.faults), cells.join(" | "))?;
    }
    writeln!(
        out,
        "\n<sub>available: slots of 100 ms under faults in which something succeeded, and the longest outage. recovery: from healing \
         until the node serves, p50 / p95. calm, faults: latency without and with faults, p50 / p99. stale: age of the oldest answer. \
         lost: changes that were acknowledged and are gone.</sub>\n"
    )
}

fn in_cell(cell: &Cell) -> String {
    let figures = words::figures(cell);
    let (verdict, figures) = (&figures[figures.len() - 1].1, &figures[..figures.len() - 1]);
    let sign = sign(cell.standing());
    let lines = figures.iter().map(|(name, told)| format!("<br>{name} {told}"));
    format!("{sign} **{}**{}", text(verdict), lines.collect::<String>())
}

fn sign(standing: Standing) -> &'static str {
    match standing {
        Standing::Valid | Standing::Caught => "✓",
        Standing::Invalid | Standing::Failed => "✗",
        Standing::Unknown | Standing::Uncaught | Standing::NotRun => "?",
    }
}

fn wrong(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let is_wrong =
        |case: &&CaseSummary| matches!(case.standing, Standing::Invalid | Standing::Failed | Standing::Unknown);
    let cases: Vec<&CaseSummary> = summary.cases.iter().filter(is_wrong).collect();
    if cases.is_empty() {
        return Ok(());
    }
    writeln!(out, "#### Not as expected\n")?;
    for case in cases.iter().take(LINES_MAX) {
        let (word, told) = (case.standing.word(), text(&case.case.to_string()));
        writeln!(out, "- **{word}** {told}: {}", text(&words::reason(case)))?;
    }
    more(out, cases.len())
}

fn controls(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.controls.is_empty() {
        return Ok(());
    }
    writeln!(out, "#### Controls\n\n| what must be seen | caught | |\n|---|---|---|")?;
    for control in &summary.controls {
        let (word, told) = words::control(control);
        let word = if control.standing == ControlStanding::Seen { word.to_owned() } else { format!("**{word}**") };
        writeln!(out, "| {} | {told} | {word} |", text(&control.control.name))?;
    }
    writeln!(out)
}

fn found(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.fingerprints.is_empty() {
        return Ok(());
    }
    writeln!(out, "#### Found\n")?;
    for mark in summary.fingerprints.iter().take(LINES_MAX) {
        let new = if mark.new == Some(true) { "**new** " } else { "" };
        let of = if mark.expected { ", in controls" } else { "" };
        let (anomalies, cases) = (plural(mark.anomalies, "anomaly"), plural(mark.cases.len(), "case"));
        writeln!(out, "- {new}{}: {anomalies} in {cases}{of}", text(&mark.told))?;
    }
    more(out, summary.fingerprints.len())
}

fn not_run(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let missing: Vec<&CaseSummary> = summary.cases.iter().filter(|case| case.standing == Standing::NotRun).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let why = summary.cut.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    writeln!(out, "#### Not run{why}\n")?;
    for case in missing.iter().take(LINES_MAX) {
        writeln!(out, "- {}", text(&case.case.to_string()))?;
    }
    more(out, missing.len())
}

fn more(out: &mut String, count: usize) -> std::fmt::Result {
    if count > LINES_MAX {
        writeln!(out, "- and {} more in summary.json", count - LINES_MAX)?;
    }
    writeln!(out)
}

/// Text that means nothing else to Markdown, in one line.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '*' | '_' | '`' | '\\' | '[' | ']' | '#' | '~' => out.extend(['\\', letter]),
            letter => out.push(letter),
        }
    }
    out
}
