//! The first table: which database.

use super::{numbers, tag};
use crate::campaign::outputs::words;
use crate::campaign::summary::{Cell, Summary};
use maud::{Markup, html};

pub(super) fn render(summary: &Summary) -> Markup {
    let choice = &summary.choice;
    html! {
        @if !choice.rows.is_empty() {
            section #choice {
                h2 { "Which database" }
                div.scroll tabindex="0" role="group" aria-label="Which database" {
                    table.choice {
                        thead { tr { th { "Workload, faults" } @for target in &choice.targets { th scope="col" { (target) } } } }
                        tbody {
                            @for row in &choice.rows {
                                tr {
                                    th scope="row" { strong { (row.workload) } br; (row.faults) }
                                    @for (target, cell) in choice.targets.iter().zip(&row.cells) {
                                        td.none[cell.is_none()] data-label=(target) {
                                            @match cell { Some(cell) => (one(summary, cell)), None => span.soft { "–" } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                p.soft {
                    b { "available" } ": slots of 100 ms under faults in which something succeeded, and the longest outage. "
                    b { "recovery" } ": from the healing of a fault until the node serves again, median / 95 %. "
                    b { "calm" } ", " b { "faults" } ": how long successes took without and with faults, median / 99 %, counted from when "
                    "they were due; of several cases the median. "
                    b { "stale" } ": how long before the oldest answer was asked for something newer had been shown. "
                    b { "lost" } ": changes that were acknowledged and that the final reads did not find."
                }
            }
        }
    }
}

fn one(summary: &Summary, cell: &Cell) -> Markup {
    let figures = words::figures(cell);
    let (figures, verdict) = (&figures[..figures.len() - 1], &figures[figures.len() - 1].1);
    let (verdict, promise) = verdict.split_once(": ").unwrap_or((verdict, ""));
    let bad = |name: &str, told: &str| name == "lost" && told != "0" && told != "–";
    html! {
        div.verdict { (tag(cell.standing(), verdict)) @if !promise.is_empty() { " " span.soft { (promise) } } }
        dl.figures {
            @for (name, told) in figures {
                div { dt { (name) } dd.bad-figure[bad(name, told)] { (told) } }
            }
        }
        div.soft.runs { @if cell.cases.len() == 1 { "case " } @else { "cases " } (numbers(summary, &cell.cases)) }
    }
}
