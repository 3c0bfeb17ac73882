//! What each checker says, with its figures.

use super::words;
use crate::verdict::{Judgement, Validity};
use maud::{Markup, html};

pub(super) fn render(judgement: &Judgement) -> Markup {
    html! {
        section #checkers {
            h2 { "Checkers" }
            @if judgement.verdicts.is_empty() { p.soft { "No checker judged this history." } }
            @else {
                div.scroll tabindex="0" role="group" aria-label="Checkers" {
                    table.stack {
                        thead { tr { th { "Checker" } th { "Verdict" } th { "Why" } th { "Figures" } } }
                        tbody {
                            @for verdict in judgement.verdicts.iter().chain(&judgement.liveness) {
                                tr {
                                    td data-label="Checker" { (verdict.checker) }
                                    td data-label="Verdict" { (tag(verdict.validity)) }
                                    td data-label="Why" { (verdict.reason) }
                                    td.soft data-label="Figures" {
                                        @for (index, (name, value)) in verdict.figures.iter().enumerate() {
                                            @if index > 0 { ", " }
                                            span.pair { (name.replace('_', " ")) " " span.number { (words::figure(*value)) } }
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
}

fn tag(validity: Validity) -> Markup {
    let (class, sign) = match validity {
        Validity::Valid => ("tag good", "✓"),
        Validity::Unknown => ("tag doubt", "?"),
        Validity::Invalid => ("tag bad", "✗"),
    };
    html! { span class=(class) { (sign) " " (validity) } }
}
