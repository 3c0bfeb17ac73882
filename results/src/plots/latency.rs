//! Latency over time: a dot for each operation that returned, on a logarithmic scale.

use super::chart::{self, Series, Tone, Values};
use super::downsample::{Point, thin_out};
use super::drawing::{Drawing, Pen};
use super::legend::{self, Sample};
use super::timeline::{Timeline, WIDTH};
use crate::call::CallKind;
use crate::history::{History, Operation};
use crate::outcome::Outcome;
use std::collections::BTreeSet;

/// The most dots in all; each series is sure of [`SURE_POINTS`] of them.
const MOST_POINTS: usize = 4000;
const SURE_POINTS: usize = 300;
const HEIGHT: f64 = 250.0;
/// No latency is shown as less than a microsecond: the scale has no zero.
const LEAST_S: f64 = 1e-6;

/// Dots at the instant of return, at the height of the time from invocation to return; what never returned has none.
pub(super) fn draw(history: &History) -> Drawing {
    let timeline = Timeline::of(history);
    let series = by_tone(&history.operations);
    let total: usize = series.iter().map(|(_, points)| points.len()).sum();
    let (low, high) = decades(series.iter().flat_map(|(_, points)| points.iter().map(|point| point.1)));
    let spread = MOST_POINTS - series.len() * SURE_POINTS;
    let thinned = series.iter().map(|(tone, points)| {
        let most = SURE_POINTS + spread * points.len() / total.max(1);
        Series::Points(*tone, thin_out(points, timeline.end_s, most))
    });
    let thinned: Vec<Series> = thinned.collect();
    let ticks = (low as i32..=high as i32).map(f64::from).collect();
    let values = Values { from: low, to: high, ticks, label: &|decade| decade_label(decade) };

    let mut pen = Pen::default();
    let mut entries: Vec<(Sample, String)> = series
        .iter()
        .map(|(tone, points)| (Sample::Dot(*tone), entry(&history.operations, *tone, points.len())))
        .collect();
    if !history.faults.is_empty() {
        entries.push((Sample::Fault, "fault in force".into()));
    }
    let dots: usize = thinned.iter().map(Series::len).sum();
    if dots < total {
        entries.push((Sample::Nothing, format!("{dots} of {total} drawn, extremes all")));
    }
    legend::draw(&mut pen, &entries);
    timeline.draw_chips(&mut pen, history, legend::HEIGHT);
    let top = legend::HEIGHT + timeline.chips_height(history);
    let bottom = top + HEIGHT;
    timeline.draw_bands(&mut pen, history, top, bottom);
    pen.append(&chart::draw(&timeline, &values, &thinned, top, bottom));
    timeline.draw_phases(&mut pen, history, top, bottom, top + 13.0);
    let title = format!("Latency of {total} operations over time");
    Drawing { width: WIDTH, height: bottom + chart::LABELS_HEIGHT, title, marks: pen.finish() }
}

fn by_tone(operations: &[Operation]) -> Vec<(Tone, Vec<Point>)> {
    // The rare and telling ones are drawn last, on top.
    let tones = [Tone::Read, Tone::Write, Tone::Cas, Tone::Fail, Tone::Unknown];
    let mut series = tones.map(|tone| (tone, Vec::new())).to_vec();
    for operation in operations {
        let Some(returned_ns) = operation.returned_ns else { continue };
        let took_s = (returned_ns.saturating_sub(operation.invoked_ns) as f64 / 1e9).max(LEAST_S);
        let tone = tone_of(operation);
        if let Some((_, points)) = series.iter_mut().find(|(other, _)| *other == tone) {
            points.push((returned_ns as f64 / 1e9, took_s.log10()));
        }
    }
    for (_, points) in &mut series {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    series.retain(|(_, points)| !points.is_empty());
    series
}

fn tone_of(operation: &Operation) -> Tone {
    match (&operation.outcome, operation.kind()) {
        (Outcome::Fail(_), _) => Tone::Fail,
        (Outcome::Unknown(_), _) => Tone::Unknown,
        (Outcome::Ok(_), kind) => tone_of_kind(kind),
    }
}

/// What only observes, what changes, and what changes only if something holds.
fn tone_of_kind(kind: CallKind) -> Tone {
    match kind {
        kind if kind.only_observes() => Tone::Read,
        CallKind::Cas | CallKind::AddToList | CallKind::AddFenced | CallKind::Transfer | CallKind::Acquire => Tone::Cas,
        _ => Tone::Write,
    }
}

/// The words for a series: the kinds of calls that were answered in its tone.
fn entry(operations: &[Operation], tone: Tone, count: usize) -> String {
    let name = match tone {
        Tone::Fail => "failed".into(),
        Tone::Unknown => "unknown".into(),
        tone => {
            let of_tone = operations.iter().filter(|operation| tone_of(operation) == tone).map(Operation::kind);
            let kinds: BTreeSet<CallKind> = of_tone.collect();
            kinds.iter().map(CallKind::to_string).collect::<Vec<_>>().join(", ")
        }
    };
    format!("{name} ({count})")
}

/// The powers of ten around all values, given as logarithms.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, greatest) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| (least.min(value), greatest.max(value)));
    if least > greatest {
        return (-4.0, 0.0);
    }
    let low = least.floor();
    (low, greatest.ceil().max(low + 1.0))
}

fn decade_label(decade: f64) -> String {
    match decade as i32 {
        seconds @ 0.. => format!("{} s", 10i64.pow(seconds.min(15) as u32)),
        millis @ -3..=-1 => format!("{} ms", 10i64.pow((millis + 3) as u32)),
        micros => format!("{} µs", 10i64.pow((micros + 6).max(0) as u32)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_have_names() {
        let labels: Vec<String> = (-6..=2).map(|decade| decade_label(f64::from(decade))).collect();
        assert_eq!(labels.join(", "), "1 µs, 10 µs, 100 µs, 1 ms, 10 ms, 100 ms, 1 s, 10 s, 100 s");
        assert_eq!(decades([-2.5, 0.3].into_iter()), (-3.0, 1.0));
        assert_eq!(decades([-3.0].into_iter()), (-3.0, -2.0));
        assert_eq!(decades(std::iter::empty()), (-4.0, 0.0));
    }
}
