//! Operations per second over time, by outcome.

use super::chart::{self, Series, Tone, Values};
use super::downsample::Point;
use super::drawing::{Drawing, Pen};
use super::legend::{self, Sample};
use super::timeline::{Timeline, WIDTH, round_step, round_ticks};
use crate::history::History;
use crate::outcome::Outcome;

/// About how many points a line has.
const BINS: f64 = 240.0;
/// No bin is shorter: a rate over less is noise.
const LEAST_BIN_S: f64 = 0.1;
const HEIGHT: f64 = 190.0;

/// Operations counted where they return (what never returned: where it was invoked), in bins of equal length; the last
/// bin is cut off by the end of the record and counted over what is left of it.
pub(super) fn draw(history: &History) -> Drawing {
    let timeline = Timeline::of(history);
    let bin_s = round_step((timeline.end_s / BINS).max(LEAST_BIN_S));
    let runs = runs(history, timeline.end_s, bin_s);
    let greatest = runs.iter().flat_map(|(_, points)| points.iter().map(|point| point.1)).fold(0.0, f64::max);
    let step = round_step(greatest.max(1.0) / 4.0).max(1.0);
    let to = ((greatest / step).floor() + 1.0) * step;
    let values = Values { from: 0.0, to, ticks: round_ticks(to, 5), label: &|rate| format!("{rate:.0} /s") };
    let series: Vec<Series> = runs.iter().map(|(tone, points)| Series::Run(*tone, points.clone())).collect();

    let mut pen = Pen::default();
    let mut entries: Vec<(Sample, String)> =
        runs.iter().map(|(tone, _)| (Sample::Run(*tone), entry(*tone).into())).collect();
    if !history.faults.is_empty() {
        entries.push((Sample::Fault, "fault in force".into()));
    }
    legend::draw(&mut pen, &entries);
    timeline.draw_chips(&mut pen, history, legend::HEIGHT);
    let top = legend::HEIGHT + timeline.chips_height(history);
    let bottom = top + HEIGHT;
    timeline.draw_bands(&mut pen, history, top, bottom);
    pen.append(&chart::draw(&timeline, &values, &series, top, bottom));
    timeline.draw_phases(&mut pen, history, top, bottom, top + 13.0);
    let title = format!("Operations per second over time, in steps of {bin_s} s");
    Drawing { width: WIDTH, height: bottom + chart::LABELS_HEIGHT, title, marks: pen.finish() }
}

fn entry(tone: Tone) -> &'static str {
    match tone {
        Tone::Ok => "ok per second",
        Tone::Fail => "failed",
        _ => "unknown",
    }
}

/// A line for each outcome that occurs; ok always.
fn runs(history: &History, end_s: f64, bin_s: f64) -> Vec<(Tone, Vec<Point>)> {
    let bins = (end_s / bin_s * (1.0 - 1e-9)).floor() as usize + 1;
    let mut counts = [Tone::Fail, Tone::Unknown, Tone::Ok].map(|tone| (tone, vec![0u64; bins]));
    for operation in &history.operations {
        let at_s = operation.returned_ns.unwrap_or(operation.invoked_ns) as f64 / 1e9;
        let tone = match operation.outcome {
            Outcome::Ok(_) => Tone::Ok,
            Outcome::Fail(_) => Tone::Fail,
            Outcome::Unknown(_) => Tone::Unknown,
        };
        let bin = ((at_s / bin_s) as usize).min(bins - 1);
        counts.iter_mut().filter(|(other, _)| *other == tone).for_each(|(_, counts)| counts[bin] += 1);
    }
    let occurs = |(tone, counts): &(Tone, Vec<u64>)| *tone == Tone::Ok || counts.iter().any(|count| *count > 0);
    let run = |counts: Vec<u64>| -> Vec<Point> {
        let point = |(bin, count): (usize, u64)| {
            let from_s = bin as f64 * bin_s;
            // A rest shorter than half a bin is taken as half a bin, so that it makes no spike.
            let length_s = (end_s - from_s).clamp(bin_s / 2.0, bin_s);
            ((from_s + length_s / 2.0).min(end_s), count as f64 / length_s)
        };
        counts.into_iter().enumerate().map(point).collect()
    };
    counts.into_iter().filter(occurs).map(|(tone, counts)| (tone, run(counts))).collect()
}
