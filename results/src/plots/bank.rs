//! The total and the balances of one bank over time, as its reads found them.

use super::chart::{self, Series, Tone, Values};
use super::downsample::Point;
use super::drawing::{Drawing, Pen};
use super::legend::{self, Sample};
use super::timeline::{Timeline, WIDTH, round_step};
use crate::call::Key;
use crate::checker::bank;
use crate::history::History;

const HEIGHT: f64 = 190.0;

/// Every read at its return: a line for the total, a dot for each account, and a mark at each total that is not the
/// bank's own, which is that of most reads.
pub(super) fn draw(history: &History, key: Key) -> Drawing {
    let timeline = Timeline::of(history);
    let of_key = history.operations.iter().filter(|operation| operation.call.key() == key);
    let mut reads: Vec<(f64, Vec<f64>)> = bank::reads(of_key)
        .filter(|(_, balances)| !balances.is_empty())
        .map(|(read, balances)| {
            let at_s = read.returned_ns.unwrap_or(read.invoked_ns) as f64 / 1e9;
            (at_s, balances.values().map(|held| *held as f64).collect())
        })
        .collect();
    reads.sort_by(|one, other| one.0.total_cmp(&other.0));
    let totals: Vec<Point> = reads.iter().map(|(at_s, held)| (*at_s, held.iter().sum())).collect();
    let usual = usual(&totals);
    let wrong: Vec<Point> = totals.iter().copied().filter(|(_, total)| *total != usual).collect();
    let balances: Vec<Point> = reads.iter().flat_map(|(at_s, held)| held.iter().map(|held| (*at_s, *held))).collect();

    let values = values(totals.iter().chain(&balances).map(|(_, value)| *value));
    let mut entries = vec![
        (Sample::Run(Tone::Ok), format!("total of bank {key}")),
        (Sample::Dot(Tone::Read), "an account".into()),
        (Sample::Dot(Tone::Unknown), format!("a total other than {usual}")),
    ];
    if !history.faults.is_empty() {
        entries.push((Sample::Fault, "fault in force".into()));
    }
    let series =
        [Series::Points(Tone::Read, balances), Series::Run(Tone::Ok, totals), Series::Points(Tone::Unknown, wrong)];
    let mut pen = Pen::default();
    legend::draw(&mut pen, &entries);
    timeline.draw_chips(&mut pen, history, legend::HEIGHT);
    let top = legend::HEIGHT + timeline.chips_height(history);
    let bottom = top + HEIGHT;
    timeline.draw_bands(&mut pen, history, top, bottom);
    pen.append(&chart::draw(&timeline, &values, &series, top, bottom));
    timeline.draw_phases(&mut pen, history, top, bottom, top + 13.0);
    let title = format!("Total and balances of bank {key} over time");
    Drawing { width: WIDTH, height: bottom + chart::LABELS_HEIGHT, title, marks: pen.finish() }
}

/// The total that most reads found.
fn usual(totals: &[Point]) -> f64 {
    let mut sorted: Vec<f64> = totals.iter().map(|(_, total)| *total).collect();
    sorted.sort_by(f64::total_cmp);
    let most = sorted.chunk_by(|one, other| one == other).max_by_key(|same| same.len());
    most.map_or(0.0, |same| same[0])
}

/// An axis that holds all values, and nothing.
fn values(all: impl Iterator<Item = f64>) -> Values<'static> {
    let (least, greatest) =
        all.fold((0.0, 1.0), |(least, greatest), value| (f64::min(least, value), f64::max(greatest, value)));
    let step = round_step((greatest - least) / 4.0).max(1.0);
    let (from, to) = ((least / step).floor() * step, ((greatest / step).floor() + 1.0) * step);
    let ticks = (0..=((to - from) / step).round() as u32).map(|tick| from + f64::from(tick) * step).collect();
    Values { from, to, ticks, label: &|value| format!("{value:.0}") }
}
