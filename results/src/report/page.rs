//! The page as a whole: which sections it has, and in which order.

use super::{ReportInput, anomalies, checkers, faults, figures, head, logs};
use crate::event::Ending;
use crate::plots::{self, Kind};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

pub(super) fn render(input: &ReportInput<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (input.judgement.validity) " — " (input.title) " — squall" }
                style { (PreEscaped(STYLE)) (PreEscaped(plots::STYLE)) }
            }
            body {
                (head::render(input))
                main {
                    (notes(input))
                    (anomalies::render(input))
                    (checkers::render(input.judgement))
                    (figures::render(input.history, input.figures))
                    (pictures(input))
                    (faults::render(input.figures))
                    (logs::render(input))
                    (plan(input.plan_yaml))
                    (facts(input))
                }
                footer { "Written by squall" @if let Some(start) = &input.history.start { " " (start.squall) } "." }
            }
        }
    }
}

/// What the reader should know about the state of the record, before anything is believed. Histories that were read from
/// disk bring a note of how they ended; others get one here.
fn notes(input: &ReportInput<'_>) -> Markup {
    let ending = input.history.end.as_ref().and_then(|end| match &end.how {
        Ending::Completed => None,
        Ending::Interrupted => {
            Some("the run was interrupted: the verdict is about what had happened until then".into())
        }
        Ending::FirstViolation => Some("the run ended with the first violation, as it was to".into()),
        Ending::Failed(why) => Some(format!("squall itself failed: {why}")),
    });
    let noted = &input.history.notes;
    let notes: Vec<&String> = noted.iter().chain(ending.iter().filter(|_| noted.is_empty())).collect();
    html! {
        @if !notes.is_empty() {
            aside.notes aria-label="About this record" {
                strong { "About this record" }
                ul { @for note in notes { li { (note) } } }
            }
        }
    }
}

fn pictures(input: &ReportInput<'_>) -> Markup {
    html! {
        section #plots {
            h2 { "Over time" }
            @if input.history.end_ns() == 0 { p.soft { "Nothing was recorded." } }
            @else {
                @if input.history.is_storm() { (picture(input, Kind::Faults)) }
                @for kind in [Kind::Latency, Kind::Rate] { (picture(input, kind)) }
            }
        }
    }
}

fn picture(input: &ReportInput<'_>, kind: Kind) -> Markup {
    let (name, says) = match kind {
        Kind::Latency => {
            ("Latency", "Each dot is an operation, at its return; from invocation to return, logarithmic.")
        }
        Kind::Rate => ("Rate", "Operations per second, by outcome."),
        Kind::Faults => ("Faults and leaders", "What was done to each node, and who led."),
    };
    html! {
        figure {
            figcaption { strong { (name) } " " span.soft { (says) } }
            div.scroll.picture tabindex="0" role="group" aria-label=(name) {
                (PreEscaped(plots::drawing(input.history, kind).inline()))
            }
        }
    }
}

fn plan(plan_yaml: &str) -> Markup {
    html! {
        @if !plan_yaml.trim().is_empty() {
            section #plan {
                h2 { "Plan" }
                details { summary { "The resolved plan, every default spelled out" } pre { (plan_yaml.trim_end()) } }
            }
        }
    }
}

fn facts(input: &ReportInput<'_>) -> Markup {
    html! {
        @if !input.history.facts.is_empty() {
            section #environment {
                h2 { "Environment" }
                dl.facts { @for (name, value) in &input.history.facts { div { dt { (name) } dd { (value) } } } }
            }
        }
    }
}
