//! The top of the page: the verdict in words, what it is about, and the command that repeats it.

use super::{ReportInput, words};
use crate::event::{End, Ending};
use crate::history::History;
use crate::verdict::{Judgement, Validity};
use maud::{Markup, html};

pub(super) fn render(input: &ReportInput<'_>) -> Markup {
    let judgement = input.judgement;
    let (class, sign, word) = match judgement.validity {
        Validity::Valid => ("valid", "✓", "Valid"),
        Validity::Invalid => ("invalid", "✗", "Invalid"),
        Validity::Unknown => ("unknown", "?", "Unknown"),
    };
    html! {
        header class=(class) {
            div.inner {
                p.run {
                    (input.title)
                    @if let Some(cut) = cut_short(input.history) { " " span.tag.doubt { (cut) } }
                }
                h1 { span.sign aria-hidden="true" { (sign) } (word) ": " span.promise { (judgement.about()) } }
                @for reason in reasons(judgement) { p.reason { (reason) } }
                @if let Some(dead) = judgement.liveness.as_ref().filter(|verdict| verdict.validity == Validity::Invalid) {
                    p.reason { span.tag.bad { "✗ did not serve" } " " (dead.reason) }
                }
                (key_facts(input))
                @if !input.command.is_empty() {
                    div.command { span.soft { "Repeat it" } code { (input.command) } }
                }
            }
        }
        nav aria-label="Sections" {
            @for (id, name) in sections(input) { a href={ "#" (id) } { (name) } }
        }
    }
}

/// What must stand beside the verdict of a run that did not come to its end: the verdict is about less than was planned.
fn cut_short(history: &History) -> Option<&'static str> {
    match (&history.end, &history.start) {
        (Some(End { how: Ending::Completed, .. }), _) | (None, None) => None,
        (Some(End { how: Ending::Interrupted, .. }), _) => Some("! interrupted"),
        (Some(End { how: Ending::FirstViolation, .. }), _) => Some("! ended with the first violation"),
        (Some(End { how: Ending::Failed(_), .. }), _) => Some("! squall failed"),
        (None, Some(_)) => Some("! cut short"),
    }
}

/// What the checkers that decided the verdict say; a valid history needs the words of each.
fn reasons(judgement: &Judgement) -> Vec<&str> {
    if judgement.verdicts.is_empty() {
        return vec!["No checker judged this history."];
    }
    let decided = judgement.verdicts.iter().filter(|verdict| verdict.validity == judgement.validity);
    decided.map(|verdict| verdict.reason.as_str()).filter(|reason| !reason.is_empty()).collect()
}

fn key_facts(input: &ReportInput<'_>) -> Markup {
    let (history, figures) = (input.history, input.figures);
    let mut families: Vec<&str> = history.faults.iter().map(|fault| fault.family.as_str()).collect();
    families.sort_unstable();
    families.dedup();
    let (invoked, ok, ..) = figures.totals();
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(start) = &history.start {
        facts.push(("Target", start.target.clone()));
        facts.push(("Workload", start.workload.clone()));
    }
    facts.push(("Operations", format!("{}, {} ok", words::count(invoked), words::count(ok))));
    facts.extend(history.is_storm().then(|| match figures.faults_injected {
        0 => ("Faults", "none".into()),
        injected => {
            ("Faults", format!("{} injected, {} in force: {}", injected, figures.faults_in_force, families.join(", ")))
        }
    }));
    if let Some(start) = &history.start {
        facts.push(("Nodes", nodes_text(&start.nodes)));
    }
    facts.push(("Duration", words::duration(figures.duration_ns)));
    if let Some(start) = &history.start {
        facts.push(("Date", words::utc(start.unix_ms)));
        facts.push(("Seed", start.seed.to_string()));
    }
    html! { dl.facts { @for (name, value) in facts { div.wide[value.len() > 70] { dt { (name) } dd { (value) } } } } }
}

fn nodes_text(nodes: &[String]) -> String {
    format!("{}: {}", nodes.len(), nodes.join(", "))
}

fn sections(input: &ReportInput<'_>) -> Vec<(&'static str, &'static str)> {
    let sections = [
        (input.judgement.anomalies().next().is_some(), ("anomalies", "Anomalies")),
        (true, ("checkers", "Checkers")),
        (true, ("operations", "Operations")),
        (true, ("plots", "Over time")),
        (!input.figures.faults.is_empty(), ("faults", "Faults")),
        (super::logs::has_any(input), ("logs", "Logs")),
        (!input.plan_yaml.trim().is_empty(), ("plan", "Plan")),
        (!input.history.facts.is_empty(), ("environment", "Environment")),
    ];
    sections.into_iter().filter_map(|(shown, section)| shown.then_some(section)).collect()
}
