//! The time axis that the plots of a run share, so that they line up one below the other: ticks, phases, fault bands.

use super::drawing::{Area, Pen, text_width};
use crate::event::PhaseName;
use crate::figures::{in_force, over_ns};
use crate::history::{FaultSpan, History};

/// The width of every plot.
pub(crate) const WIDTH: f64 = 960.0;
/// Where the time axis begins.
pub(crate) const LEFT: f64 = 92.0;
/// Where it ends.
pub(crate) const RIGHT: f64 = WIDTH - 18.0;

const CHIP_HEIGHT: f64 = 15.0;
const CHIP_STEP: f64 = 18.0;
const CHIP_ROWS: usize = 3;

/// From instant 0 to the end of a record, across the plot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    /// The end of the record, in seconds, and a little more than nothing.
    pub end_s: f64,
    /// The end of the record.
    pub end_ns: u64,
}

/// Where one fault's label stands above a plot.
struct Chip {
    row: usize,
    area: Area,
    /// Where the label begins, and the label.
    label: Option<(f64, String)>,
    says: String,
    in_force: bool,
}

impl Timeline {
    pub(crate) fn of(history: &History) -> Timeline {
        let end_ns = history.end_ns();
        Timeline { end_s: (end_ns as f64 / 1e9).max(1e-3), end_ns }
    }

    /// Where an instant lies.
    pub(crate) fn x(&self, at_ns: u64) -> f64 {
        LEFT + (at_ns as f64 / 1e9 / self.end_s).min(1.0) * (RIGHT - LEFT)
    }

    /// Ticks at round seconds, some ten of them.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        round_ticks(self.end_s, 10)
    }

    /// A tick as people read it, with as many decimals as the steps need.
    pub(crate) fn label(&self, at_s: f64) -> String {
        seconds_label(at_s, self.end_s)
    }

    /// Grid lines and labels of the time axis, for plots that are drawn by hand.
    pub(crate) fn draw_axis(&self, pen: &mut Pen, top: f64, bottom: f64) {
        for tick in self.ticks() {
            let x = LEFT + tick / self.end_s * (RIGHT - LEFT);
            pen.line((x, top), (x, bottom), "sq-grid");
            pen.text(x, bottom + 17.0, "sq-soft sq-small sq-mid", &self.label(tick));
        }
    }

    /// Bands behind a plot that reaches from `top` to `bottom`: when faults were in force.
    pub(crate) fn draw_bands(&self, pen: &mut Pen, history: &History, top: f64, bottom: f64) {
        for span in history.faults.iter().filter_map(|fault| in_force(fault, self.end_ns)) {
            let (x, until) = (self.x(span.from_ns), self.x(span.to_ns));
            pen.rect(Area { x, y: top, width: (until - x).max(1.0), height: bottom - top }, 0.0, "sq-band", "");
        }
    }

    /// Lines where phases begin, from `top` to `bottom`, their names with the baseline at `names_y`.
    pub(crate) fn draw_phases(&self, pen: &mut Pen, history: &History, top: f64, bottom: f64, names_y: f64) {
        let phases: Vec<(f64, &str)> = history
            .phases
            .iter()
            .filter(|phase| phase.at_ns > 0)
            .map(|phase| (self.x(phase.at_ns), phase_name(phase.name)))
            .collect();
        let mut free_from = f64::MIN;
        for (index, (x, name)) in phases.iter().enumerate() {
            pen.line((*x, top), (*x, bottom), "sq-phase");
            let width = text_width(name, 11.0) + 4.0;
            let room_until = phases.get(index + 1).map_or(WIDTH, |next| next.0);
            // A name stands after its line, or before it where the next line or the edge is too near.
            if x + width <= room_until {
                pen.text(x + 4.0, names_y, "sq-soft sq-small sq-halo", name);
                free_from = x + width;
            } else if x - width >= free_from {
                pen.text(x - 4.0, names_y, "sq-soft sq-small sq-end sq-halo", name);
                free_from = *x;
            }
        }
    }

    /// How much room the labels of the faults need above a plot.
    pub(crate) fn chips_height(&self, history: &History) -> f64 {
        let rows = self.chips(history).iter().map(|chip| chip.row + 1).max().unwrap_or(0);
        rows as f64 * CHIP_STEP + if rows > 0 { 4.0 } else { 0.0 }
    }

    /// The labels of the faults, from `top` downward.
    pub(crate) fn draw_chips(&self, pen: &mut Pen, history: &History, top: f64) {
        for chip in self.chips(history) {
            let area = Area { y: top + chip.row as f64 * CHIP_STEP, ..chip.area };
            pen.rect(area, 2.0, if chip.in_force { "sq-chip" } else { "sq-idle" }, &chip.says);
            if let Some((at, label)) = chip.label {
                pen.text(at, area.y + 11.5, "sq-small", &label);
            }
        }
    }

    /// Each fault in the first row in which it and its label have room; without room it loses the label.
    fn chips(&self, history: &History) -> Vec<Chip> {
        let mut free_from = [f64::MIN; CHIP_ROWS];
        let chip = |fault: &FaultSpan| {
            let (x, until) = (self.x(fault.injected_ns), self.x(over_ns(fault, self.end_ns)));
            let width = (until - x).max(3.0);
            let label_width = text_width(&fault.family, 11.0);
            // Where the label can stand (within its chip, after it, before it), and what both take up together.
            let inside = (x + 5.0, x, x + width);
            let after = (x + width + 4.0, x, x + width + 4.0 + label_width);
            let before = (x - 4.0 - label_width, x - 4.0 - label_width, x + width);
            let fits = label_width + 9.0 <= width;
            let places = if fits { vec![inside] } else { vec![after, before] };
            let rooms = (0..CHIP_ROWS).flat_map(|row| places.iter().map(move |place| (row, *place)));
            let mut free =
                rooms.filter(|(row, (_, from, to))| free_from[*row] <= *from && LEFT <= *from && *to <= WIDTH);
            let (row, label_x, taken_until) = match free.next() {
                Some((row, (at, _, to))) => (row, Some(at), to),
                None => {
                    let row = (0..CHIP_ROWS).find(|row| free_from[*row] <= x).unwrap_or(CHIP_ROWS - 1);
                    (row, fits.then_some(inside.0), x + width)
                }
            };
            free_from[row] = free_from[row].max(taken_until + 4.0);
            Chip {
                row,
                area: Area { x, y: 0.0, width, height: CHIP_HEIGHT },
                label: label_x.map(|at| (at, fault.family.clone())),
                says: format!(
                    "{} ({})",
                    fault.what,
                    if fault.in_force.is_some() { "in force" } else { "not in force" }
                ),
                in_force: fault.in_force.is_some(),
            }
        };
        history.faults.iter().map(chip).collect()
    }
}

/// A phase as people read it.
pub(crate) fn phase_name(name: PhaseName) -> &'static str {
    match name {
        PhaseName::Storm => "storm",
        PhaseName::Recovery => "recovery",
        PhaseName::FinalReads => "final reads",
    }
}

/// Multiples of a round step (1, 2 or 5 times a power of ten) from 0 to `end`, at most `count` and one.
pub(crate) fn round_ticks(end: f64, count: usize) -> Vec<f64> {
    let step = round_step(end / count.max(1) as f64);
    (0..=(end / step * (1.0 + 1e-9)).floor() as usize).map(|index| index as f64 * step).collect()
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `least`.
pub(crate) fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(power * 10.0)
}

fn seconds_label(at_s: f64, end_s: f64) -> String {
    let step = round_step(end_s / 10.0);
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{at_s:.decimals$} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let check = |end: f64, expected: &[&str]| {
            let timeline = Timeline { end_s: end, end_ns: 0 };
            let labels: Vec<String> = timeline.ticks().into_iter().map(|tick| timeline.label(tick)).collect();
            assert_eq!(labels, expected);
        };
        check(4.2, &["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s", "3.0 s", "3.5 s", "4.0 s"]);
        check(60.0, &["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
        check(0.003, &["0.0000 s", "0.0005 s", "0.0010 s", "0.0015 s", "0.0020 s", "0.0025 s", "0.0030 s"]);
    }
}
