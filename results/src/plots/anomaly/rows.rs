//! The rows of an anomaly: one for each process, with its bars and their labels.

use super::EDGE;
use super::axis::{Axis, closing_ns};
use super::labels::{Bar, Place, operation_text, place};
use crate::history::Operation;
use crate::plots::drawing::{Area, Pen, number, shortened, text_width};
use crate::verdict::{AnomalyOperation, Role};

const BAR_HEIGHT: f64 = 20.0;
const LINE_HEIGHT: f64 = 16.0;
const FONT: f64 = 12.0;

/// One process: its operations from left to right, and where their labels stand.
pub(super) struct Row<'a> {
    process: u64,
    /// Where the time axis begins.
    left: f64,
    bars: Vec<(&'a AnomalyOperation, Bar, Place, String)>,
    /// Where the contradictions of the whole picture begin and end: marked in every row.
    marks: Vec<f64>,
}

/// The rows, by first invocation.
pub(super) fn of<'a>(operations: &[&'a AnomalyOperation], axis: &Axis) -> Vec<Row<'a>> {
    let accused = operations.iter().filter(|drawn| drawn.role == Role::Contradiction);
    let ends = accused.flat_map(|drawn| [Some(drawn.operation.invoked_ns), closing_ns(drawn)].into_iter().flatten());
    let marks: Vec<f64> = ends.map(|at_ns| axis.x(at_ns)).collect();
    let mut processes: Vec<u64> = Vec::new();
    for drawn in operations {
        if !processes.contains(&drawn.operation.process) {
            processes.push(drawn.operation.process);
        }
    }
    let row = |process: u64| {
        let own: Vec<&AnomalyOperation> =
            operations.iter().copied().filter(|drawn| drawn.operation.process == process).collect();
        let texts: Vec<String> = own.iter().map(|drawn| text_of(drawn)).collect();
        let bar = |(drawn, text): (&&AnomalyOperation, &String)| {
            let from = axis.x(drawn.operation.invoked_ns);
            let to = closing_ns(drawn).map_or(EDGE - 7.0, |at_ns| axis.x(at_ns)).max(from + 4.0);
            let weight = if drawn.role == Role::Contradiction { 1.08 } else { 1.0 };
            Bar { from, to, label: text_width(text, FONT) * weight }
        };
        let bars: Vec<Bar> = own.iter().zip(&texts).map(bar).collect();
        let places = place(&bars, axis.left(), EDGE);
        let bars = own.into_iter().zip(bars).zip(places).zip(texts);
        Row {
            process,
            left: axis.left(),
            bars: bars.map(|(((drawn, bar), place), text)| (drawn, bar, place, text)).collect(),
            marks: marks.clone(),
        }
    };
    processes.into_iter().map(row).collect()
}

/// Where the process of an operation is connected to.
pub(super) fn node_text(operation: &Operation) -> String {
    format!("on {}", operation.node)
}

fn text_of(drawn: &AnomalyOperation) -> String {
    let text = operation_text(&drawn.operation);
    if drawn.role == Role::Contradiction { format!("✗ {text}") } else { text }
}

impl Row<'_> {
    pub(super) fn height(&self) -> f64 {
        let lines = self.bars.iter().filter_map(|(_, _, place, _)| match place {
            Place::Below { line, .. } => Some(line + 1),
            Place::Inside(_) | Place::Beside(_) => None,
        });
        BAR_HEIGHT + 14.0 + lines.max().unwrap_or(0) as f64 * LINE_HEIGHT
    }

    pub(super) fn draw(&self, pen: &mut Pen, y: f64) {
        pen.line((0.0, y), (EDGE, y), "sq-axis");
        self.draw_name(pen, y);
        for x in &self.marks {
            pen.line((*x, y), (*x, y + self.height()), "sq-mark");
        }
        let bar_y = y + 7.0;
        for (_, bar, place, _) in &self.bars {
            if let Place::Below { line, tie, .. } = place {
                let down = bar_y + BAR_HEIGHT + (line + 1) as f64 * LINE_HEIGHT - 4.0;
                pen.line((tie.min(bar.to), bar_y + BAR_HEIGHT), (*tie, down), "sq-leadline");
            }
        }
        for (drawn, bar, _, _) in &self.bars {
            draw_bar(pen, drawn, bar, bar_y);
        }
        for (drawn, _, place, text) in &self.bars {
            let accused = drawn.role == Role::Contradiction;
            let (x, baseline, class) = match place {
                Place::Inside(at) => (*at, bar_y + 14.5, if accused { "sq-inside" } else { "" }),
                Place::Beside(at) => (*at, bar_y + 14.5, if accused { "sq-accused sq-halo" } else { "sq-halo" }),
                Place::Below { line, at, .. } => {
                    let baseline = bar_y + BAR_HEIGHT + (line + 1) as f64 * LINE_HEIGHT - 3.0;
                    (*at, baseline, if accused { "sq-accused sq-halo" } else { "sq-halo" })
                }
            };
            pen.text(x, baseline, class, text);
        }
    }

    fn draw_name(&self, pen: &mut Pen, y: f64) {
        let node = self.bars.first().map(|(drawn, ..)| node_text(&drawn.operation)).unwrap_or_default();
        let room = self.left - 14.0;
        pen.text(2.0, y + 16.0, "sq-bold", &shortened(&format!("process {}", self.process), room, FONT));
        pen.text(2.0, y + 29.0, "sq-soft sq-small", &shortened(&node, room, 11.0));
    }
}

/// A bar, dashed and with an arrow at the right edge if nobody knows when it ends, dotted if it never happened.
fn draw_bar(pen: &mut Pen, drawn: &AnomalyOperation, bar: &Bar, y: f64) {
    let operation = &drawn.operation;
    let role = match drawn.role {
        Role::Contradiction => "sq-contradiction",
        Role::Witness => "sq-witness",
        Role::Context => "sq-context",
    };
    let open = closing_ns(drawn).is_none();
    let state = match (open, operation.outcome.is_fail()) {
        (true, _) => " sq-open",
        (false, true) => " sq-failed",
        (false, false) => "",
    };
    let until = match operation.returned_ns {
        Some(at_ns) => format!("{:.6} s", at_ns as f64 / 1e9),
        None => "no return".into(),
    };
    let says = format!(
        "operation {}, process {} on {}: {} ({}); {:.6} s to {until}",
        operation.id,
        operation.process,
        operation.node,
        operation.call,
        operation.outcome,
        operation.invoked_ns as f64 / 1e9
    );
    let area = Area { x: bar.from, y, width: bar.to - bar.from, height: BAR_HEIGHT };
    pen.rect(area, 3.0, &format!("sq-bar {role}{state}"), &says);
    if open {
        let (tip, middle) = (EDGE, y + BAR_HEIGHT / 2.0);
        let [back, tip, upper, middle, lower] = [tip - 6.0, tip, middle - 6.0, middle, middle + 6.0].map(number);
        pen.path(&format!("M{back} {upper}L{tip} {middle}L{back} {lower}"), "sq-arrow");
    }
}
