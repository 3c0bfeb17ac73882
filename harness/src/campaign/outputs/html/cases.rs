//! The cases: those that are not as expected, those that were not run, and all.

use super::{number, tag};
use crate::campaign::outcome::{CaseOutcome, Standing};
use crate::campaign::outputs::words;
use crate::campaign::summary::{CaseSummary, Summary};
use crate::summary::plural;
use maud::{Markup, html};

/// Whether somebody must look at it.
pub(super) fn is_wrong(case: &CaseSummary) -> bool {
    matches!(case.standing, Standing::Invalid | Standing::Failed | Standing::Unknown)
}

pub(super) fn wrong(summary: &Summary) -> Markup {
    let cases: Vec<&CaseSummary> = summary.cases.iter().filter(|case| is_wrong(case)).collect();
    html! {
        @if !cases.is_empty() {
            section #wrong {
                h2 { "Not as expected" }
                table.stack {
                    thead { tr { th { "Case" } th { "" } th { "What" } th { "Why" } } }
                    tbody {
                        @for case in cases {
                            tr {
                                td.number data-label="Case" { (number(case)) }
                                td data-label="Stands" { (tag(case.standing, case.standing.word())) }
                                td data-label="What" { (case.case) }
                                td data-label="Why" {
                                    (words::reason(case))
                                    @if let Some(verdict) = case.outcome.as_ref().and_then(CaseOutcome::verdict) {
                                        br; code { (verdict.command) }
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

pub(super) fn not_run(summary: &Summary) -> Markup {
    let cases: Vec<&CaseSummary> = summary.cases.iter().filter(|case| case.standing == Standing::NotRun).collect();
    html! {
        @if !cases.is_empty() {
            section #not-run {
                h2 { "Not run" }
                p.soft { (plural(cases.len(), "case")) @if let Some(why) = &summary.cut { ": " (why) } "." }
                details { summary { "Which" } ul { @for case in cases { li { (case.case.number) ". " (case.case) } } } }
            }
        }
    }
}

pub(super) fn all(summary: &Summary) -> Markup {
    html! {
        section #cases {
            h2 { "All cases" }
            div.scroll tabindex="0" role="group" aria-label="All cases" {
                table.cases {
                    thead {
                        tr {
                            th { "" } th { "Target" } th { "Workload" } th { "Faults" } th { "Nodes" } th { "Seed" } th { "Verdict" }
                            th { "Available" } th { "Stale" } th { "Lost" } th { "In force" } th { "Took" }
                        }
                    }
                    tbody { @for case in &summary.cases { (row(case)) } }
                }
            }
        }
    }
}

fn row(case: &CaseSummary) -> Markup {
    let inner = &case.case;
    let measures = case.outcome.as_ref().and_then(CaseOutcome::verdict).map(|verdict| &verdict.measures);
    let available = measures.and_then(|measures| measures.under_faults.ratio());
    let figures = [
        words::or_none(available, words::percent),
        words::or_none(measures.and_then(|measures| measures.staleness_ns), |age_ns| words::stale(age_ns as f64 / 1e6)),
        words::or_none(measures.and_then(|measures| measures.lost), |lost| lost.to_string()),
        words::or_none(measures, |measures| format!("{} of {}", measures.faults_in_force, measures.faults_injected)),
        words::or_none(case.outcome.as_ref(), |outcome| words::minutes(outcome.took_ms)),
    ];
    html! {
        tr {
            td.number { (number(case)) }
            td { (inner.target) }
            td { (inner.workload) }
            td { (inner.faults) }
            td.number { (inner.nodes) }
            td.number { (inner.seed) }
            td { (tag(case.standing, case.standing.word())) }
            @for figure in figures { td.number { (figure) } }
        }
    }
}
