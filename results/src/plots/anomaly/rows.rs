//! The rows of an anomaly: one for each process, with its bars and their labels.

use super::axis::{Axis, closing_ns, seconds};
use super::labels::{Labelled, Place, holds, place, room_for};
use crate::history::Operation;
use crate::plots::drawing::{Area, Pen, number, shortened, text_width};
use crate::verdict::{AnomalyOperation, Role};

const BAR_HEIGHT: f64 = 20.0;
const LINE_HEIGHT: f64 = 16.0;
const FONT: f64 = 12.0;
/// How wide a label of an operation that is there for context alone may be where there is little room.
const WIDE_ENOUGH: f64 = 130.0;
/// From this many reads in a row with the same result they share a label.
const FEWEST_TOGETHER: usize = 3;

/// One process: its operations from left to right, and where their labels stand.
pub(super) struct Row<'a> {
    process: String,
    node: String,
    /// Where the time axis begins, and where bars end that have no return.
    left: f64,
    edge: f64,
    bars: Vec<Bar<'a>>,
    labels: Vec<(Label, Place)>,
    /// Where the contradictions of the whole picture begin and end: marked in every row.
    marks: Vec<f64>,
}

/// One operation.
struct Bar<'a> {
    drawn: &'a AnomalyOperation,
    from: f64,
    to: f64,
    text: String,
    /// Whether the longest legal order ends with it.
    is_last: bool,
}

/// What is said of a bar, or of several in a row.
struct Label {
    text: String,
    accused: bool,
    of: Labelled,
}

/// The rows, by first invocation; `last` is the last operation of the longest legal order.
pub(super) fn of<'a>(operations: &[&'a AnomalyOperation], axis: &Axis, last: Option<u64>) -> Vec<Row<'a>> {
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
        let own = operations.iter().filter(|drawn| drawn.operation.process == process);
        let bars: Vec<Bar<'a>> = own.map(|drawn| Bar::of(drawn, axis, last)).collect();
        let labels = labels(&bars);
        let labelled: Vec<Labelled> = labels.iter().map(|label| label.of).collect();
        let places = place(&labelled, axis.left(), axis.edge());
        Row {
            process: bars.first().map(|bar| process_text(&bar.drawn.operation)).unwrap_or_default(),
            node: bars.first().map(|bar| node_text(&bar.drawn.operation)).unwrap_or_default(),
            left: axis.left(),
            edge: axis.edge(),
            labels: labels.into_iter().zip(places).collect(),
            bars,
            marks: marks.clone(),
        }
    };
    processes.into_iter().map(row).collect()
}

/// How wide the bar of an operation should be at least: what cannot be explained should hold its label.
pub(super) fn wanted_width(drawn: &AnomalyOperation, room: f64) -> f64 {
    match drawn.role {
        Role::Contradiction => room_for(label_width(&text_of(drawn), drawn.role)).min(room),
        Role::Witness | Role::Context => 0.0,
    }
}

fn text_of(drawn: &AnomalyOperation) -> String {
    let text = drawn.operation.in_short();
    if drawn.role == Role::Contradiction { format!("✗ {text}") } else { text }
}

fn label_width(text: &str, role: Role) -> f64 {
    let weight = if role == Role::Contradiction { 1.08 } else { 1.0 };
    text_width(text, FONT) * weight
}

/// A label for each bar; but one for all where a process read the same several times in a row and not every bar holds its
/// label.
fn labels(bars: &[Bar<'_>]) -> Vec<Label> {
    let together = |one: &Bar<'_>, next: &Bar<'_>| one.is_read() && next.is_read() && one.text == next.text;
    let mut labels = Vec::new();
    for run in bars.chunk_by(together) {
        if run.len() < FEWEST_TOGETHER || run.iter().all(Bar::holds_label) {
            labels.extend(run.iter().map(Bar::label));
            continue;
        }
        let text = format!("{} × {}", run.len(), run[0].text);
        let (from, to) = (run[0].from, run[run.len() - 1].to);
        let of = Labelled { from, to, label: text_width(&text, FONT), alone: false, needed: false };
        labels.push(Label { text, accused: false, of });
    }
    labels
}

/// The process of an operation.
pub(super) fn process_text(operation: &Operation) -> String {
    format!("process {}", operation.process)
}

/// Where the process of an operation is connected to.
pub(super) fn node_text(operation: &Operation) -> String {
    crate::words::on(&operation.node).trim_start().to_owned()
}

impl<'a> Bar<'a> {
    fn of(drawn: &'a AnomalyOperation, axis: &Axis, last: Option<u64>) -> Bar<'a> {
        let from = axis.x(drawn.operation.invoked_ns);
        let to = closing_ns(drawn).map_or(axis.edge() - 7.0, |at_ns| axis.x(at_ns)).max(from + 4.0);
        let is_last = last == Some(drawn.operation.id);
        let whole = if is_last { format!("✓ {}", text_of(drawn)) } else { text_of(drawn) };
        // No label is wider than the picture, and what is there for context alone keeps short; what a label leaves out
        // is said when the bar is pointed at.
        let room = axis.edge() - axis.left();
        let widest = if drawn.role == Role::Context { (room * 0.25).max(WIDE_ENOUGH) } else { room * 0.9 };
        let text = shortened(&whole, widest, FONT);
        Bar { drawn, from, to, text, is_last }
    }

    fn label_width(&self) -> f64 {
        label_width(&self.text, self.drawn.role)
    }

    fn label(&self) -> Label {
        let Bar { from, to, .. } = *self;
        let needed = self.drawn.role != Role::Context || self.is_last;
        Label {
            text: self.text.clone(),
            accused: self.drawn.role == Role::Contradiction,
            of: Labelled { from, to, label: self.label_width(), alone: true, needed },
        }
    }

    /// A read with an answer that is there for context alone.
    fn is_read(&self) -> bool {
        let operation = &self.drawn.operation;
        self.drawn.role == Role::Context && operation.kind().only_observes() && operation.outcome.is_ok()
    }

    fn holds_label(&self) -> bool {
        holds(self.from, self.to, self.label_width())
    }
}

impl Row<'_> {
    pub(super) fn height(&self) -> f64 {
        let lines = self.labels.iter().filter_map(|(_, place)| match place {
            Place::Below { line, .. } => Some(line + 1),
            Place::Inside(_) | Place::Beside(_) | Place::Nowhere => None,
        });
        BAR_HEIGHT + 15.0 + lines.max().unwrap_or(0) as f64 * LINE_HEIGHT
    }

    /// How many bars have no label.
    pub(super) fn without_label(&self) -> usize {
        self.labels.iter().filter(|(_, place)| *place == Place::Nowhere).count()
    }

    pub(super) fn draw(&self, pen: &mut Pen, y: f64) {
        pen.line((0.0, y), (self.edge, y), "sq-axis");
        self.draw_name(pen, y);
        for x in &self.marks {
            pen.line((*x, y), (*x, y + self.height()), "sq-mark");
        }
        let bar_y = y + 7.0;
        for (label, place) in &self.labels {
            draw_ties(pen, label, place, bar_y + BAR_HEIGHT);
        }
        for bar in &self.bars {
            draw_bar(pen, bar, bar_y, self.edge);
        }
        for (label, place) in &self.labels {
            draw_label(pen, label, place, bar_y);
        }
    }

    fn draw_name(&self, pen: &mut Pen, y: f64) {
        let room = self.left - 14.0;
        pen.text(2.0, y + 16.0, "sq-bold", &shortened(&self.process, room, FONT));
        pen.text(2.0, y + 29.0, "sq-soft sq-small", &shortened(&self.node, room, 11.0));
    }
}

/// The line from the bars, which end at `bottom`, to a label below them; a brace under several bars.
fn draw_ties(pen: &mut Pen, label: &Label, place: &Place, bottom: f64) {
    let mut from = bottom;
    if !label.of.alone && *place != Place::Nowhere {
        let [left, right, top, low] = [label.of.from, label.of.to, bottom + 2.0, bottom + 4.5].map(number);
        pen.path(&format!("M{left} {top}V{low}H{right}V{top}"), "sq-leadline");
        from += 4.5;
    }
    if let Place::Below { line, tie, .. } = place {
        let down = bottom + (line + 1) as f64 * LINE_HEIGHT - 3.0;
        pen.line((tie.min(label.of.to), from), (*tie, down), "sq-leadline");
    }
}

fn draw_label(pen: &mut Pen, label: &Label, place: &Place, bar_y: f64) {
    let outside = if label.accused { "sq-accused sq-halo" } else { "sq-halo" };
    let (x, baseline, class) = match place {
        Place::Inside(at) => (*at, bar_y + 14.5, if label.accused { "sq-inside" } else { "" }),
        Place::Beside(at) => (*at, bar_y + 14.5, outside),
        Place::Below { line, at, .. } => (*at, bar_y + BAR_HEIGHT + (line + 1) as f64 * LINE_HEIGHT + 0.5, outside),
        Place::Nowhere => return,
    };
    pen.text(x, baseline, class, &label.text);
}

/// A bar, dashed and with an arrow at the right edge if nobody knows when it ends, dotted if it never happened.
fn draw_bar(pen: &mut Pen, bar: &Bar<'_>, y: f64, edge: f64) {
    let drawn = bar.drawn;
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
        Some(at_ns) => seconds(at_ns, 6),
        None => "no return".into(),
    };
    let says = format!(
        "operation {}, process {}{}: {} ({}); {} to {until}",
        operation.id,
        operation.process,
        crate::words::on(&operation.node),
        operation.call,
        operation.outcome,
        seconds(operation.invoked_ns, 6)
    );
    let last = if bar.is_last { " sq-last" } else { "" };
    let area = Area { x: bar.from, y, width: bar.to - bar.from, height: BAR_HEIGHT };
    pen.rect(area, 3.0, &format!("sq-bar {role}{state}{last}"), &says);
    if open {
        let (tip, middle) = (edge, y + BAR_HEIGHT / 2.0);
        let [back, tip, upper, middle, lower] = [tip - 6.0, tip, middle - 6.0, middle, middle + 6.0].map(number);
        pen.path(&format!("M{back} {upper}L{tip} {middle}L{back} {lower}"), "sq-arrow");
    }
}
