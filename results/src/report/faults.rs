//! The faults: what each did, what shows it, and what followed. A fault that did nothing must catch the eye.

use super::words;
use crate::figures::{Consequences, FaultFigures, Figures, Proof};
use maud::{Markup, html};

pub(super) fn render(figures: &Figures) -> Markup {
    let idle = figures.faults.iter().filter(|fault| !fault.did_something()).count();
    html! {
        @if !figures.faults.is_empty() {
            section #faults {
                h2 { "Faults" }
                p.soft {
                    (words::counted(figures.faults_injected, "fault", "faults")) " injected, "
                    (words::count(figures.faults_in_force)) " measured to be in force. "
                    @if idle > 0 { (words::counted(idle, "fault", "faults")) " had no effect that anybody noticed. " }
                    "Effects are what happened while the fault was in force; slow is slower than p99 outside faults."
                }
                div.scroll tabindex="0" role="group" aria-label="Faults" {
                    table.stack {
                        thead { tr { th { "When" } th { "Fault" } th { "Chosen" } th { "In force" } th { "Healed" } th { "Meanwhile" } } }
                        tbody { @for fault in &figures.faults { (row(fault)) } }
                    }
                }
            }
        }
    }
}

fn row(fault: &FaultFigures) -> Markup {
    html! {
        tr.idle[!fault.did_something()] {
            td.number data-label="When" {
                (words::instant(fault.injected_ns))
                @if fault.until_ns > fault.injected_ns {
                    br;
                    span.soft { "for " (words::duration(fault.until_ns - fault.injected_ns)) }
                }
            }
            td data-label="Fault" { strong { (fault.family) } br; (fault.what) }
            td data-label="Chosen" { (fault.selector) br; span.soft { (fault.nodes.join(", ")) } }
            td data-label="In force" {
                @match &fault.in_force {
                    Some(shown) => { (proof(shown)) }
                    None => {
                        span.tag.doubt { "! not in force" }
                        @if let Some(problem) = &fault.problem { div.soft { (problem) } }
                    }
                }
            }
            td data-label="Healed" {
                @match (&fault.healed, &fault.in_force, &fault.problem) {
                    (Some(shown), ..) => { (proof(shown)) }
                    (None, Some(_), problem) => {
                        span.tag.doubt { "! not shown" }
                        @if let Some(problem) = problem { div.soft { (problem) } }
                    }
                    (None, None, _) => { span.soft { "–" } }
                }
            }
            td data-label="Meanwhile" { (consequences(fault.consequences.as_ref())) }
        }
    }
}

fn proof(proof: &Proof) -> Markup {
    html! { span.number { "after " (words::duration(proof.after_ns)) } div.soft { (proof.evidence) } }
}

fn consequences(found: Option<&Consequences>) -> Markup {
    let Some(found) = found else { return html! { span.soft { "–" } } };
    if found.is_nothing() {
        return html! { span.tag.doubt { "! no effect noticed" } };
    }
    let parts = [
        (found.leader_changes, "leader change", "leader changes"),
        (found.failed, "failed", "failed"),
        (found.unknown, "unknown", "unknown"),
        (found.slow, "slow", "slow"),
    ];
    html! {
        ul.plain.short {
            @for (number, one, many) in parts.into_iter().filter(|part| part.0 > 0) {
                li { (words::counted(number, one, many)) }
            }
        }
    }
}
