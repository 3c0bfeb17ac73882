//! The anomalies: drawn, told, and shown to have no explanation.

use super::orders::{self, Spoken};
use super::{ReportInput, words};
use crate::plots;
use crate::verdict::Anomaly;
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
        div.scroll.picture tabindex="0" role="group" aria-label="The anomaly, drawn" {
            (PreEscaped(plots::anomaly_drawing(input.history, anomaly).inline()))
        }
        p.told { (anomaly.told) }
        @if !anomaly.prefixes.is_empty() { (orders::render(anomaly, spoken)) }
    }
}
