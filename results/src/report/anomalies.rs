//! The anomalies: drawn, told, and the longest legal orders that show that nothing explains them.

use super::{ReportInput, words};
use crate::plots;
use crate::verdict::{Anomaly, LegalPrefix};
use maud::{Markup, PreEscaped, html};

/// The most anomalies that are drawn; the rest is counted.
const MOST_DRAWN: usize = 20;

pub(super) fn render(input: &ReportInput<'_>) -> Markup {
    let anomalies: Vec<&Anomaly> = input.judgement.anomalies().collect();
    let left_out = anomalies.len().saturating_sub(MOST_DRAWN);
    html! {
        @if let Some((first, others)) = anomalies.split_first() {
            section #anomalies {
                h2 { (words::counted(anomalies.len(), "anomaly", "anomalies")) }
                article { h3 { (heading(1, first)) } (body(input, first)) }
                @for (index, anomaly) in others.iter().take(MOST_DRAWN - 1).enumerate() {
                    details.anomaly {
                        summary { (heading(index + 2, anomaly)) span.told-short { (anomaly.told) } }
                        (body(input, anomaly))
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

fn body(input: &ReportInput<'_>, anomaly: &Anomaly) -> Markup {
    html! {
        div.scroll.picture tabindex="0" role="group" aria-label="The anomaly, drawn" {
            (PreEscaped(plots::anomaly_drawing(input.history, anomaly).inline()))
        }
        p.told { (anomaly.told) }
        @if !anomaly.prefixes.is_empty() { (orders(anomaly)) }
    }
}

/// The longest legal orders: each explains all that could be explained, and stops.
fn orders(anomaly: &Anomaly) -> Markup {
    html! {
        h4 { "As far as any order explains it" }
        div.scroll tabindex="0" role="group" aria-label="Longest legal orders" {
            table.stack.orders {
                thead { tr { th { "Last operations in order" } th { "State then" } th { "Why none of the rest can come next" } } }
                tbody {
                    @for prefix in &anomaly.prefixes {
                        tr {
                            td data-label="Order" { (order(anomaly, prefix)) }
                            td.number data-label="State then" { (prefix.state) }
                            td data-label="Cannot come next" {
                                ul.plain {
                                    @for refusal in &prefix.refused {
                                        li { span.op { (named(anomaly, refusal.op)) } ": " (refusal.why) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn order(anomaly: &Anomaly, prefix: &LegalPrefix) -> Markup {
    let before = prefix.length.saturating_sub(prefix.last.len());
    html! {
        @if prefix.length == 0 { span.soft { "nothing yet" } }
        @if before > 0 { span.soft { (words::counted(before, "operation", "operations")) ", then " } }
        @for (index, op) in prefix.last.iter().enumerate() {
            @if index > 0 { span.soft { ", " } }
            span.op { (named(anomaly, *op)) }
        }
    }
}

/// An operation in words and with its process, if the evidence holds it; else by number.
fn named(anomaly: &Anomaly, op: u64) -> String {
    match anomaly.operations.iter().find(|drawn| drawn.operation.id == op) {
        Some(drawn) => format!("{} (process {})", plots::operation_text(&drawn.operation), drawn.operation.process),
        None => format!("operation {op}"),
    }
}
