//! The numbers: operations by kind, availability, latency, recovery.

use super::words;
use crate::figures::{Figures, Latency, Percentiles, Share};
use crate::history::History;
use maud::{Markup, html};

pub(super) fn render(history: &History, figures: &Figures) -> Markup {
    let is_storm = history.is_storm();
    html! {
        section #operations {
            h2 { "Operations" }
            div.columns {
                div { h3 { "Outcomes" } (outcomes(figures, is_storm)) }
                @if is_storm { div { h3 { "Availability" } (availability(figures)) } }
            }
            @if history.is_timed() {
                h3 { "Latency of successful operations" }
                (latency(figures))
            }
            @if is_storm {
                h3 { "Leaders and recovery" }
                (recovery(figures))
            }
        }
    }
}

fn outcomes(figures: &Figures, is_storm: bool) -> Markup {
    let (invoked, ok, fail, unknown) = figures.totals();
    html! {
        table.numbers {
            thead { tr { th { "Call" } th { "Invoked" } th { "Ok" } th { "Failed" } th { "Unknown" } } }
            tbody {
                @for calls in &figures.calls {
                    tr {
                        th scope="row" { (calls.kind) }
                        @for number in [calls.invoked, calls.ok, calls.fail, calls.unknown] { td { (words::count(number)) } }
                    }
                }
            }
            tfoot { tr { th scope="row" { "all" } @for number in [invoked, ok, fail, unknown] { td { (words::count(number)) } } } }
        }
        @if is_storm {
            p.soft { (format!("{:.0}", figures.ok_rate_hz)) " successful operations per second of the storm." }
        }
    }
}

fn availability(figures: &Figures) -> Markup {
    let availability = &figures.availability;
    let rows = [
        ("under faults", availability.under_faults),
        ("outside faults", availability.outside_faults),
        ("the whole storm", availability.overall),
    ];
    html! {
        table.numbers {
            thead { tr { th { "Storm" } th { "Served" } th { "Slots" } th.meter-head { } } }
            tbody { @for (name, share) in rows { (share_row(name, share)) } }
        }
        p.soft {
            "Slots of 100 ms in which at least one operation succeeded."
            @if let Some(gap) = figures.longest_gap {
                " The longest gap without a success: " strong { (words::duration(gap.length_ns())) }
                ", from " (words::instant(gap.from_ns)) "."
            }
        }
    }
}

fn share_row(name: &str, share: Share) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @if let Some(ratio) = share.ratio() {
                td { (words::percent(ratio)) }
                td.soft { (words::count(share.served)) " of " (words::count(share.slots)) }
                td.meter-cell { div.meter { div style=(format!("width:{:.1}%", ratio * 100.0)) {} } }
            } @else { td { "–" } td.soft { "none" } td {} }
        }
    }
}

fn latency(figures: &Figures) -> Markup {
    let rows = [("outside faults", &figures.latency_outside_faults), ("under faults", &figures.latency_under_faults)];
    html! {
        div.scroll tabindex="0" role="group" aria-label="Latency" {
            table.numbers.latency {
                thead { tr { th { "" } th { "" } th.count { "Operations" } th { "p50" } th { "p95" } th { "p99" } th { "max" } } }
                @for (name, latency) in rows {
                    tbody {
                        @match latency {
                            Some(Latency { response, service }) => {
                                (latency_row(Some(name), "response", response)) (latency_row(None, "service", service))
                            }
                            None => { tr { th scope="row" { (name) } td.left.soft colspan="6" { "no operation succeeded" } } }
                        }
                    }
                }
            }
        }
        p.soft {
            "Response counts from when the schedule wanted the call to start (no coordinated omission), service from the \
             invocation. An operation is under faults if one was in force at any instant of it."
        }
    }
}

fn latency_row(name: Option<&str>, way: &str, times: &Percentiles) -> Markup {
    html! {
        tr {
            @if let Some(name) = name { th scope="rowgroup" rowspan="2" { (name) } }
            td.left.soft { (way) }
            td.soft.count { (words::count(times.count)) }
            @for ns in [times.p50_ns, times.p95_ns, times.p99_ns, times.max_ns] { td { (words::duration(ns)) } }
        }
    }
}

fn recovery(figures: &Figures) -> Markup {
    let recovery = &figures.recovery;
    html! {
        dl.facts {
            div { dt { "Leader changes" } dd { (words::count(figures.leader_changes)) } }
            div {
                dt { "First success after the storm" }
                dd { @match recovery.to_first_ok_ns { Some(ns) => { (words::duration(ns)) } None => { "not seen" } } }
            }
            div {
                dt { "From the storm's end to the final reads" }
                dd { @match recovery.to_final_reads_ns { Some(ns) => { (words::duration(ns)) } None => { "not seen" } } }
            }
        }
    }
}
