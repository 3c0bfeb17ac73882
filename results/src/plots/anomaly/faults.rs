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
    let label_width = text_width(&label, FONT).min(edge - left - 8.0);
    // Within its chip if it fits, else after it, else before it.
    let label_within = label_width + 8.0 <= until - from;
    let label_at = if label_within {
        from + 4.0
    } else if until + 5.0 + label_width <= edge {
        until + 5.0
    } else {
        (from - 5.0 - label_width).max(left)
    };
    let row = row_ends.iter().position(|end| *end <= label_at.min(from)).unwrap_or_else(|| {
        row_ends.push(0.0);
        row_ends.len() - 1
    });
    row_ends[row] = (label_at + label_width + 8.0).max(until + 2.0);
    Chip { from, until, row, label_at, label_width, label_within, label, in_force }
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
