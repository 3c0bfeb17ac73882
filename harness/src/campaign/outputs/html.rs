//! A campaign as a page: one self-contained HTML file that links into the reports of the runs.
//!
//! It needs no network and no script, follows the reader's light or dark scheme, and looks as those reports do: their style is
//! used again.

mod cases;
mod choice;

use super::words;
use crate::campaign::outcome::Standing;
use crate::campaign::precedence::{ControlOutcome, ControlStanding, Result};
use crate::campaign::summary::{CaseSummary, Mark, Summary};
use crate::summary::plural;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of a run's report.
const REPORT_STYLE: &str = include_str!("../../../../results/src/report/style.css");

/// What comes to it for the tables of a campaign.
const STYLE: &str = include_str!("html/style.css");

/// The page.
pub fn render(summary: &Summary) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (words::result(summary.result)) " — " (summary.campaign) " — squall" }
                style { (PreEscaped(REPORT_STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                (head(summary))
                main {
                    (choice::render(summary))
                    (cases::wrong(summary))
                    (controls(summary))
                    (found(summary))
                    (cases::not_run(summary))
                    (cases::all(summary))
                }
                footer {
                    "Written by squall " (summary.squall) "; from " a href="campaign.yaml" { "campaign.yaml" } ", all figures in "
                    a href="summary.json" { "summary.json" } "."
                }
            }
        }
    };
    let page = page.into_string();
    // Reasons may hold control characters, which no page can; maud escapes only what has a meaning.
    let forbidden = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if page.contains(forbidden) { page.replace(forbidden, "\u{fffd}") } else { page }
}

fn head(summary: &Summary) -> Markup {
    let (class, sign) = match summary.result {
        Result::AsExpected => ("valid", "✓"),
        Result::Unknown => ("unknown", "?"),
        Result::MissedControl | Result::Failed | Result::Invalid => ("invalid", "✗"),
    };
    let counts: Vec<String> =
        summary.counts.told().iter().map(|(count, standing)| format!("{count} {}", standing.word())).collect();
    html! {
        header class=(class) {
            div.inner {
                p.run { "campaign " (summary.campaign) @if let Some(shard) = summary.shard { ", shard " (shard) } }
                h1 { span.sign aria-hidden="true" { (sign) } (capital(words::result(summary.result))) }
                p.reason { (counts.join(", ")) }
                @if let Some((hits, runs)) = words::detection(summary) {
                    p.reason { (would_have_told(&summary.controls, hits, runs)) }
                }
                dl.facts { @for (name, value) in facts(summary) { div { dt { (name) } dd { (value) } } } }
            }
        }
        nav aria-label="Sections" {
            @for (id, name) in sections(summary) { a href={ "#" (id) } { (name) } }
        }
    }
}

fn would_have_told(controls: &[ControlOutcome], hits: u32, runs: u32) -> String {
    let seen = controls.iter().filter(|control| control.standing == ControlStanding::Seen).count();
    format!("What it would have told: {seen} of {} seen, in {hits} of {runs} cases.", plural(controls.len(), "control"))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn facts(summary: &Summary) -> Vec<(&'static str, String)> {
    let began = i64::try_from(summary.began_unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let mut facts = vec![("Cases", summary.counts.cases.to_string()), ("Took", words::minutes(summary.took_ms))];
    facts.extend(summary.cases_per_hour.map(|pace| ("Pace", format!("{pace:.0} cases an hour"))));
    facts.extend(began.map(|began| ("Began", began.strftime("%Y-%m-%d %H:%M UTC").to_string())));
    facts.push(("Seed", summary.seed.to_string()));
    facts.extend(summary.previous.as_ref().map(|path| ("Compared with", path.display().to_string())));
    facts
}

fn sections(summary: &Summary) -> Vec<(&'static str, &'static str)> {
    let is_wrong = summary.cases.iter().any(cases::is_wrong);
    let is_missing = summary.cases.iter().any(|case| case.standing == Standing::NotRun);
    let sections = [
        (!summary.choice.rows.is_empty(), ("choice", "Which database")),
        (is_wrong, ("wrong", "Not as expected")),
        (!summary.controls.is_empty(), ("controls", "Controls")),
        (!summary.fingerprints.is_empty(), ("found", "Found")),
        (is_missing, ("not-run", "Not run")),
        (true, ("cases", "All cases")),
    ];
    sections.into_iter().filter_map(|(shown, section)| shown.then_some(section)).collect()
}

/// A standing as a coloured word.
fn tag(standing: Standing, text: &str) -> Markup {
    let (class, sign) = match standing {
        Standing::Valid | Standing::Caught => ("tag good", "✓"),
        Standing::Unknown | Standing::Uncaught | Standing::NotRun => ("tag doubt", "?"),
        Standing::Invalid | Standing::Failed => ("tag bad", "✗"),
    };
    html! { span class=(class) { (sign) " " (text) } }
}

/// The number of a case, as a link to its report where there is one.
fn number(case: &CaseSummary) -> Markup {
    let number = case.case.number;
    html! {
        @match &case.run {
            Some(run) => a href=(link(&run.join("report.html").display().to_string())) { (number) },
            None => (number),
        }
    }
}

/// A path as a link: what means something else in one is written otherwise.
fn link(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'+' | b'~' => {
                out.push(char::from(byte))
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn numbers(summary: &Summary, numbers: &[usize]) -> Markup {
    let cases = numbers.iter().filter_map(|number| summary.cases.iter().find(|case| case.case.number == *number));
    html! { @for (place, case) in cases.enumerate() { @if place > 0 { ", " } (number(case)) } }
}

fn controls(summary: &Summary) -> Markup {
    html! {
        @if !summary.controls.is_empty() {
            section #controls {
                h2 { "Controls" }
                p.soft { "Settings and servers that are wrong on purpose. A campaign that does not see them broken would not see others either." }
                div.scroll tabindex="0" role="group" aria-label="Controls" {
                    table.stack {
                        thead { tr { th { "What must be seen" } th { "Caught" } th { "Chance" } th { "" } th { "Cases" } } }
                        tbody { @for control in &summary.controls { (control_row(summary, control)) } }
                    }
                }
            }
        }
    }
}

fn control_row(summary: &Summary, control: &ControlOutcome) -> Markup {
    let (word, told) = words::control(control);
    let standing = match control.standing {
        ControlStanding::Seen => Standing::Caught,
        ControlStanding::Missed => Standing::Invalid,
        ControlStanding::Open | ControlStanding::Elsewhere => Standing::Unknown,
    };
    let (low, high) = control.rate.confidence_95;
    let cases = summary.cases.iter().filter(|case| case.case.control.as_ref() == Some(&control.control));
    let cases: Vec<usize> = cases.map(|case| case.case.number).collect();
    html! {
        tr {
            td data-label="Control" { (control.control.name) }
            td.number data-label="Caught" { (told) }
            td.number.soft data-label="Chance" { (format!("{:.0} % to {:.0} %", low * 100.0, high * 100.0)) }
            td data-label="Seen" { (tag(standing, word)) }
            td data-label="Cases" { (numbers(summary, &cases)) }
        }
    }
}

fn found(summary: &Summary) -> Markup {
    html! {
        @if !summary.fingerprints.is_empty() {
            section #found {
                h2 { "Found" }
                p.soft {
                    "Each kind once: what, target, workload, faults in force then, and whom they had hit."
                    @if summary.previous.is_none() { " There is no earlier campaign of this name, so nobody can say what is new." }
                }
                div.scroll tabindex="0" role="group" aria-label="Found" {
                    table.stack {
                        thead { tr { th { "What" } th { "Anomalies" } th { "" } th { "Cases" } } }
                        tbody { @for mark in &summary.fingerprints { (mark_row(summary, mark)) } }
                    }
                }
            }
        }
    }
}

fn mark_row(summary: &Summary, mark: &Mark) -> Markup {
    html! {
        tr {
            td data-label="What" { strong { (mark.mark.kind) } (mark.told.strip_prefix(&mark.mark.kind).unwrap_or_default()) }
            td.number data-label="Anomalies" { (mark.anomalies) }
            td data-label="Seen" {
                @if mark.new == Some(true) { span.tag.doubt { "new" } " " }
                @if mark.expected { span.soft { "in controls" } } @else { span.tag.bad { "✗ not expected" } }
            }
            td data-label="Cases" { (numbers(summary, &mark.cases)) }
        }
    }
}
