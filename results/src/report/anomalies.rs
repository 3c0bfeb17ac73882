//! The anomalies: drawn, told, and shown to have no explanation.

use super::orders::{self, Spoken};
use super::{ReportInput, logs, words};
use crate::plots::{self, Form};
use crate::verdict::{Anomaly, Minimal};
use maud::{Markup, PreEscaped, html};

/// The most anomalies that are drawn; the rest is counted.
const MOST_DRAWN: usize = 20;

pub(super) fn render(input: &ReportInput<'_>) -> Markup {
    let anomalies: Vec<&Anomaly> = input.judgement.anomalies().collect();
    let left_out = anomalies.len().saturating_sub(MOST_DRAWN);
    let spoken = Spoken::of(input.history, &anomalies[..anomalies.len() - left_out]);
    html! {
        @if let Some((first, others)) = anomalies.split_first() {
            section #anomalies {
                h2 { (words::counted(anomalies.len(), "anomaly", "anomalies")) }
                @if let Some(bank) = plots::bank_drawing(input.history, input.judgement) {
                    div.scroll.picture tabindex="0" role="group" aria-label="The bank over time, drawn" {
                        (PreEscaped(bank.inline()))
                    }
                }
                article { h3 { (heading(1, first)) } (body(input, first, &spoken)) }
                @for (index, anomaly) in others.iter().take(MOST_DRAWN - 1).enumerate() {
                    details.anomaly {
                        summary { (heading(index + 2, anomaly)) span.told-short { (anomaly.told) } }
                        (body(input, anomaly, &spoken))
                    }
                }
                @if left_out > 0 {
                    p.soft { (words::counted(left_out, "more anomaly is", "more anomalies are")) " not drawn here; verdict.json holds all." }
                }
            }
        }
    }
}

fn heading(number: usize, anomaly: &Anomaly) -> Markup {
    html! {
        span.kind { (number) ". " (anomaly.kind) }
        span.soft { "key " (anomaly.key) ", " (words::instant(anomaly.from_ns)) " to " (words::instant(anomaly.to_ns)) }
    }
}

fn body(input: &ReportInput<'_>, anomaly: &Anomaly, spoken: &Spoken<'_>) -> Markup {
    html! {
        p.told { (anomaly.told) }
        @if let Some(minimal) = &anomaly.minimal { (smallest(minimal)) }
        @if let Some(cycle) = plots::cycle_drawing(anomaly, Form::ON_PAGE) {
            div.scroll.picture.wide tabindex="0" role="group" aria-label="Which transaction comes before which, drawn" {
                (PreEscaped(cycle.inline()))
            }
        }
        @if let Some(cycle) = plots::cycle_drawing(anomaly, Form::NARROW) {
            div.narrow role="group" aria-label="Which transaction comes before which, drawn" { (PreEscaped(cycle.inline())) }
        }
        div.scroll.picture.wide tabindex="0" role="group" aria-label="The anomaly, drawn" {
            (PreEscaped(plots::anomaly_drawing(input.history, anomaly, Form::ON_PAGE).inline()))
        }
        div.narrow role="group" aria-label="The anomaly, drawn" {
            (PreEscaped(plots::anomaly_drawing(input.history, anomaly, Form::NARROW).inline()))
        }
        (ending(anomaly))
        @if !anomaly.prefixes.is_empty() { (orders::render(anomaly, spoken)) }
        (logs::near(input.logs, anomaly))
    }
}

/// The last consistent state, and the step that is impossible then.
fn ending(anomaly: &Anomaly) -> Markup {
    let lines = plots::ending(anomaly);
    html! {
        @if !lines.is_empty() {
            dl.ending {
                @for line in &lines {
                    div class=(line.class) { dt { (line.what) } dd { b { (line.strong) } " " span.soft { (line.more) } } }
                }
            }
        }
    }
}

/// What the coloured operations are, and how sure that is.
fn smallest(minimal: &Minimal) -> Markup {
    let count = minimal.operations.len();
    html! {
        p.soft {
            @if count == 1 { "The operation marked ✗ is a violation by itself" }
            @else if minimal.smallest {
                "The coloured operations are a smallest set that is still a violation: none of the " (count) " can go"
            }
            @else { "The coloured operations are a small set that is still a violation" }
            @if minimal.verified { ", verified by the bare search" }
            "."
            @if !minimal.effect_only.is_empty() {
                " Of " (minimal.effect_only.len()) " of them only what they wrote counts, not what they found."
            }
            @if let Some(after_ns) = minimal.after_ns {
                " Everything before " (words::instant(after_ns)) " has led to " b { (minimal.starts.join(" or ")) } "."
            }
        }
    }
}
