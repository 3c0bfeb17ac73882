//! Figures as people read them, the same in all outputs.

use crate::campaign::outcome::End;
use crate::campaign::precedence::{ControlOutcome, ControlStanding, Result};
use crate::campaign::summary::{CaseSummary, Cell, Summary};

/// `850 µs`, `12 ms`, `1.2 s`.
pub(super) fn ms(ms: f64) -> String {
    match ms {
        ..0.9995 => format!("{:.0} µs", ms * 1e3),
        ..9.95 => format!("{ms:.1} ms"),
        ..999.5 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1e3),
    }
}

/// `45 s`, `12 min`, `1 h 05 min`.
pub(super) fn minutes(ms: u64) -> String {
    match (ms + 500) / 1_000 {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// What there may be none of.
pub(super) fn or_none<T>(value: Option<T>, told: impl Fn(T) -> String) -> String {
    value.map_or("–".into(), told)
}

pub(super) fn pair(one: Option<f64>, other: Option<f64>) -> String {
    match (one, other) {
        (Some(one), Some(other)) => format!("{} / {}", ms(one), ms(other)),
        _ => "–".into(),
    }
}

pub(super) fn percent(ratio: f64) -> String {
    // What was not served once is not 100 %.
    let percent = if ratio < 1.0 { (ratio * 100.0).min(99.9) } else { 100.0 };
    format!("{percent:.1} %")
}

/// The figures of a cell, each with its name, in the order in which they are shown.
pub(super) fn figures(cell: &Cell) -> [(&'static str, String); 7] {
    [
        ("available", {
            let under = or_none(cell.availability_under_faults, percent);
            let outage = cell.longest_outage_ms.map(|outage| format!(", outage {}", ms(outage))).unwrap_or_default();
            format!("{under}{outage}")
        }),
        ("recovery", pair(cell.recovery_p50_ms, cell.recovery_p95_ms)),
        ("calm", pair(cell.p50_outside_faults_ms, cell.p99_outside_faults_ms)),
        ("faults", pair(cell.p50_under_faults_ms, cell.p99_under_faults_ms)),
        ("stale", or_none(cell.staleness_ms, stale)),
        ("lost", or_none(cell.lost, |lost| lost.to_string())),
        ("verdict", cell.verdict()),
    ]
}

pub(super) fn stale(age_ms: f64) -> String {
    if age_ms == 0.0 { "0 ms".into() } else { ms(age_ms) }
}

/// `caught in 4 of 5, at least 3`, and how the control stands.
pub(super) fn control(control: &ControlOutcome) -> (&'static str, String) {
    let word = match control.standing {
        ControlStanding::Seen => "seen",
        ControlStanding::Missed => "missed",
        ControlStanding::Open => "open",
        ControlStanding::Elsewhere => "in part elsewhere",
    };
    let (rate, least, of) = (control.rate, control.control.least, control.control.of);
    let runs = if rate.runs as usize == of { String::new() } else { format!(", {of} planned") };
    (word, format!("{} of {}{runs}; needs {least}", rate.hits, rate.runs))
}

/// How often controls were caught, in all.
pub(super) fn detection(summary: &Summary) -> Option<(u32, u32)> {
    let all = summary.controls.iter().map(|control| (control.rate.hits, control.rate.runs));
    all.reduce(|(hits, runs), (more, others)| (hits + more, runs + others))
}

/// Why a case stands as it does, in a sentence.
pub(super) fn reason(case: &CaseSummary) -> String {
    match case.outcome.as_ref().map(|outcome| &outcome.end) {
        Some(End::Judged(verdict)) => verdict.did_not_serve.clone().unwrap_or_else(|| verdict.reason.clone()),
        Some(End::Failed { reason }) => reason.clone(),
        None => "it was not run".into(),
    }
}

/// What the campaign came to, in a few words.
pub(super) fn result(result: Result) -> &'static str {
    match result {
        Result::AsExpected => "as expected",
        Result::Unknown => "unknown",
        Result::MissedControl => "a control was missed",
        Result::Failed => "squall failed",
        Result::Invalid => "a promise was broken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_never_better_than_they_are() {
        for (value, told) in
            [(0.25, "250 µs"), (0.9996, "1.0 ms"), (9.96, "10 ms"), (999.4, "999 ms"), (1234.0, "1.2 s")]
        {
            assert_eq!(ms(value), told);
        }
        for (value, told) in [(0.9999, "99.9 %"), (1.0, "100.0 %"), (0.0, "0.0 %"), (0.6512, "65.1 %")] {
            assert_eq!(percent(value), told);
        }
        for (value, told) in [(119_400, "119 s"), (119_600, "2 min"), (1_800_000, "30 min"), (7_500_000, "2 h 05 min")]
        {
            assert_eq!(minutes(value), told);
        }
        assert_eq!(pair(None, Some(1.0)), "–");
    }
}
