//! An anomaly as a picture: its operations on a time axis, a row for each process, faults behind them.
//!
//! A bar reaches from the invocation to the return; a bar whose outcome is unknown is dashed and runs on to the right
//! edge, since it may take effect at any later time. Where bars would be too short to see, time is stretched piece by
//! piece (see [`axis`]), and the picture says so.

mod axis;
mod ending;
mod faults;
mod labels;
mod legend;
mod rows;

use super::drawing::{Drawing, Pen, text_width, wrapped};
use super::timeline::WIDTH;
use crate::history::History;
use crate::verdict::{Anomaly, AnomalyOperation, Role};
use axis::{Axis, closing_ns};
use ending::Ending;
#[cfg(feature = "report")]
pub(crate) use ending::Line as EndingLine;
use faults::Faults;
use rows::Row;

/// For whom an anomaly is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Form {
    width: f64,
    /// Where the time axis begins at least, and at most; the names of processes and nodes stand before it.
    left_range: (f64, f64),
    /// How much room the ends of bars that have a return leave at the right.
    right_margin: f64,
    /// The most operations that are drawn; contradiction and witnesses first, then what is nearest.
    most_operations: usize,
    /// Whether it says below how far the longest legal order goes.
    ending: bool,
}

impl Form {
    /// A picture that stands alone.
    pub(crate) const ALONE: Form =
        Form { width: WIDTH, left_range: (118.0, 270.0), right_margin: 56.0, most_operations: 60, ending: true };
    /// A picture on a page, which says itself what stands below.
    #[cfg(feature = "report")]
    pub(crate) const ON_PAGE: Form = Form { ending: false, ..Form::ALONE };
    /// A picture on a page as wide as a telephone.
    #[cfg(feature = "report")]
    pub(crate) const NARROW: Form =
        Form { width: 380.0, left_range: (78.0, 110.0), right_margin: 26.0, most_operations: 16, ending: false };

    /// How wide a picture is.
    pub(crate) fn width(&self) -> f64 {
        self.width
    }

    /// Where bars end that have no return.
    fn edge(&self) -> f64 {
        self.width - self.right_margin / 4.0
    }
}

/// How much before and after the story is drawn, as a share of its length.
const MARGIN: f64 = 0.25;
const AXIS_HEIGHT: f64 = 30.0;

/// Draws `anomaly`; `history` adds the faults of that time.
pub(super) fn draw(history: &History, anomaly: &Anomaly, form: Form) -> Drawing {
    let chosen = choose(anomaly, form.most_operations);
    let left = left_of(&chosen, form.left_range);
    let ends = (left, form.width - form.right_margin, form.edge());
    let axis = Axis::of(&chosen, ends, |drawn| rows::wanted_width(drawn, form.edge() - left));
    let ending = Ending::of(anomaly);
    let rows = rows::of(&chosen, &axis, ending.last);
    let mut pen = Pen::default();
    let chips_top = legend::draw(&mut pen, anomaly, &chosen, form.width);
    let faults = Faults::of(history, &axis);
    let top = chips_top + faults.height() + 6.0;
    let bottom = top + rows.iter().map(Row::height).sum::<f64>();
    faults.draw(&mut pen, chips_top, bottom);
    axis.draw(&mut pen, top, bottom);
    let mut y = top;
    for row in &rows {
        row.draw(&mut pen, y);
        y += row.height();
    }
    pen.line((left - 4.0, bottom), (form.edge(), bottom), "sq-axis");
    let mut height = bottom + AXIS_HEIGHT;
    let left_out = anomaly.operations.len() - chosen.len();
    let nameless: usize = rows.iter().map(Row::without_label).sum();
    let notes = [
        faults.note_of_last_before(),
        axis.note().map(str::to_owned),
        (nameless > 0).then(|| "Bars without a label say what they are when pointed at.".to_owned()),
        (left_out > 0).then(|| format!("{left_out} more operations around it are not drawn.")),
    ];
    // Where there is little room, notes begin at the margin.
    let notes_left = if form.width < WIDTH { 2.0 } else { left };
    for note in notes.into_iter().flatten().flat_map(|note| wrapped(&note, form.edge() - notes_left, 11.0)) {
        pen.text(notes_left, height + 6.0, "sq-soft sq-small", &note);
        height += 18.0;
    }
    if form.ending {
        ending.draw(&mut pen, height, form.edge());
        height += ending.height();
    }
    Drawing { width: form.width, height, title: format!("{}: {}", anomaly.kind, anomaly.told), marks: pen.finish() }
}

/// What stands below a picture that stands alone.
#[cfg(feature = "report")]
pub(super) fn ending(anomaly: &Anomaly) -> Vec<EndingLine> {
    Ending::of(anomaly).lines
}

/// Where the time axis begins, so that the names of processes and nodes have room.
fn left_of(operations: &[&AnomalyOperation], range: (f64, f64)) -> f64 {
    let names =
        operations.iter().map(|drawn| (rows::process_text(&drawn.operation), rows::node_text(&drawn.operation)));
    let widths = names.map(|(process, node)| text_width(&process, 12.0).max(text_width(&node, 11.0)));
    (widths.fold(0.0, f64::max) + 18.0).clamp(range.0, range.1)
}

/// The operations that are drawn, by invocation. Where witnesses tell the story, what ended well before it or began well
/// after it is left out.
fn choose(anomaly: &Anomaly, most: usize) -> Vec<&AnomalyOperation> {
    let has_witness = anomaly.operations.iter().any(|drawn| drawn.role == Role::Witness);
    let margin_ns = (anomaly.to_ns.saturating_sub(anomaly.from_ns) as f64 * MARGIN) as u64;
    let (from_ns, to_ns) = (anomaly.from_ns.saturating_sub(margin_ns), anomaly.to_ns.saturating_add(margin_ns));
    let is_near = |drawn: &&AnomalyOperation| {
        let operation = &drawn.operation;
        operation.invoked_ns <= to_ns && from_ns <= closing_ns(drawn).unwrap_or(u64::MAX)
    };
    let is_drawn = |drawn: &&AnomalyOperation| drawn.role != Role::Context || !has_witness || is_near(drawn);
    let mut ranked: Vec<&AnomalyOperation> = anomaly.operations.iter().filter(is_drawn).collect();
    ranked.sort_by_key(|drawn| {
        let distance_ns = anomaly.from_ns.saturating_sub(drawn.operation.effect_until_ns())
            + drawn.operation.invoked_ns.saturating_sub(anomaly.to_ns);
        (rank(drawn.role), distance_ns)
    });
    ranked.truncate(most);
    ranked.sort_by_key(|drawn| (drawn.operation.invoked_ns, drawn.operation.id));
    ranked
}

fn rank(role: Role) -> usize {
    match role {
        Role::Contradiction => 0,
        Role::Witness => 1,
        Role::Context => 2,
    }
}
