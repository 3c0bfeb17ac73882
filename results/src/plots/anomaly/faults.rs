//! The faults behind an anomaly: those of its time as labelled bands, the last one before it in words.

use super::axis::Axis;
use crate::figures::in_force;
use crate::history::{FaultSpan, History};
use crate::plots::drawing::{Area, Pen, shortened, text_width};

const STEP: f64 = 17.0;
const FONT: f64 = 11.0;
/// How long before the picture a fault may have ended to be worth a word: its consequences may still go on.
const WORTH_A_WORD_NS: u64 = 1_000_000_000;

/// The faults of an anomaly's time.
pub(super) struct Faults {
    chips: Vec<Chip>,
    rows: usize,
    last_before: Option<String>,
}

/// A stretch of one fault.
struct Chip {
    from: f64,
    until: f64,
    row: usize,
    /// Where the label begins, how wide it is, and whether it stands within the chip.
    label_at: f64,
    label_width: f64,
    label_within: bool,
    label: String,
    in_force: bool,
}

impl Faults {
    pub(super) fn of(history: &History, axis: &Axis) -> Faults {
        let end_ns = history.end_ns();
        let mut faults = Faults { chips: Vec::new(), rows: 0, last_before: None };
        let mut row_ends: Vec<f64> = Vec::new();
        for fault in &history.faults {
            // A fault may act from its injection on; to measure that it is in force takes a while.
            let Some(span) = in_force(fault, end_ns) else { continue };
            let begun = (fault.injected_ns, span.from_ns, false);
            for (from_ns, to_ns, in_force) in [begun, (span.from_ns, span.to_ns, true)] {
                if from_ns < to_ns && from_ns <= axis.last_ns() && axis.first_ns() <= to_ns {
                    faults.chips.push(chip(fault, (from_ns, to_ns), in_force, axis, &mut row_ends));
                }
            }
        }
        faults.rows = row_ends.len();
        if faults.chips.is_empty() {
            faults.last_before = last_before(history, axis.first_ns());
        }
        faults
    }

    /// How much room the labels take.
    pub(super) fn height(&self) -> f64 {
        self.rows as f64 * STEP
    }

    /// What had just ended where nothing was in force.
    pub(super) fn note_of_last_before(&self) -> Option<String> {
        self.last_before.clone()
    }

    /// Labels from `top` on, bands down to `bottom`.
    pub(super) fn draw(&self, pen: &mut Pen, top: f64, bottom: f64) {
        for chip in &self.chips {
            let y = top + chip.row as f64 * STEP;
            let area = Area { x: chip.from, y, width: (chip.until - chip.from).max(2.0), height: 15.0 };
            if chip.in_force {
                pen.rect(Area { height: bottom - y, ..area }, 0.0, "sq-band", "");
            }
            pen.rect(area, 2.0, if chip.in_force { "sq-chip" } else { "sq-idle" }, &chip.label);
            let class = if chip.label_within { "sq-small" } else { "sq-soft sq-small" };
            pen.text(chip.label_at, y + 11.5, class, &shortened(&chip.label, chip.label_width + 1.0, FONT));
        }
    }
}

fn chip(fault: &FaultSpan, (from_ns, to_ns): (u64, u64), in_force: bool, axis: &Axis, row_ends: &mut Vec<f64>) -> Chip {
    let (left, edge) = (axis.left(), axis.edge());
    let from = if from_ns <= axis.first_ns() { left - 4.0 } else { axis.x(from_ns) };
    let until = if to_ns > axis.last_ns() { edge } else { axis.x(to_ns) };
    let label = if in_force { name(fault) } else { format!("{} (not yet measured)", name(fault)) };
    let Placed { at: label_at, width: label_width, within: label_within } =
        place(text_width(&label, FONT), (from, until), (left, edge));
    let row = row_ends.iter().position(|end| *end <= label_at.min(from)).unwrap_or_else(|| {
        row_ends.push(0.0);
        row_ends.len() - 1
    });
    row_ends[row] = (label_at + label_width + 8.0).max(until + 2.0);
    Chip { from, until, row, label_at, label_width, label_within, label, in_force }
}

/// Where a label stands.
#[derive(Debug, PartialEq)]
struct Placed {
    at: f64,
    width: f64,
    within: bool,
}

/// A label that is so wide stands within its chip if it fits, else after it, else before it; what fits nowhere stands where there is most
/// room for it, and no wider than that.
fn place(wanted: f64, (from, until): (f64, f64), (left, edge): (f64, f64)) -> Placed {
    let rooms = [until - from - 8.0, edge - until - 5.0, from - 5.0 - left];
    let widest = (0..rooms.len()).max_by(|one, other| rooms[*one].total_cmp(&rooms[*other])).unwrap_or(0);
    let chosen = rooms.iter().position(|room| wanted <= *room).unwrap_or(widest);
    let width = wanted.min(rooms[chosen]).max(0.0);
    let at = [from + 4.0, until + 5.0, from - 5.0 - width][chosen];
    Placed { at, width, within: chosen == 0 }
}

fn last_before(history: &History, first_ns: u64) -> Option<String> {
    let end_ns = history.end_ns();
    let spans = history.faults.iter().filter_map(|fault| Some((in_force(fault, end_ns)?.to_ns, fault)));
    let (over_ns, fault) = spans.filter(|(over_ns, _)| *over_ns < first_ns).max_by_key(|(over_ns, _)| *over_ns)?;
    let is_near = first_ns - over_ns <= WORTH_A_WORD_NS;
    is_near.then(|| format!("Just before, until {:.3} s: {}.", over_ns as f64 / 1e9, name(fault)))
}

/// A fault in words, with its family.
fn name(fault: &FaultSpan) -> String {
    match fault.what.starts_with(&fault.family) {
        true => fault.what.clone(),
        false => format!("{}: {}", fault.family, fault.what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_never_stands_across_its_chip() {
        const ENDS: (f64, f64) = (100.0, 900.0);
        for (wanted, chip, expected) in [
            (50.0, (200.0, 300.0), (204.0, 50.0, true)),
            (200.0, (200.0, 300.0), (305.0, 200.0, false)),
            (200.0, (700.0, 800.0), (495.0, 200.0, false)),
            // Nowhere whole.
            (700.0, (300.0, 400.0), (405.0, 495.0, false)),
            (700.0, (600.0, 700.0), (100.0, 495.0, false)),
            (900.0, (110.0, 890.0), (114.0, 772.0, true)),
        ] {
            let (at, width, within) = expected;
            assert_eq!(place(wanted, chip, ENDS), Placed { at, width, within }, "{wanted} at {chip:?}");
        }
    }
}
