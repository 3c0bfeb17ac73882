//! An anomaly as a picture: its operations on a time axis, a row for each process, faults behind them.
//!
//! A bar reaches from the invocation to the return; a bar whose outcome is unknown is dashed and runs on to the right
//! edge, since it may take effect at any later time. Where bars would be too short to see, time is stretched piece by
//! piece (see [`axis`]), and the picture says so.

mod axis;
mod faults;
mod labels;
mod legend;
mod rows;

use super::drawing::{Drawing, Pen, text_width};
use super::timeline::WIDTH;
use crate::history::History;
use crate::verdict::{Anomaly, AnomalyOperation, Role};
use axis::{Axis, closing_ns};
use faults::Faults;
use rows::Row;

/// Where the time axis begins at least, and at most; the names of processes and nodes stand before it.
const LEFT_RANGE: (f64, f64) = (118.0, 270.0);
/// Where bars end that have a return.
const RIGHT: f64 = WIDTH - 56.0;
/// Where bars end that have none.
const EDGE: f64 = WIDTH - 14.0;
/// The most operations that are drawn; contradiction and witnesses first, then what is nearest.
const MOST_OPERATIONS: usize = 60;
/// How much before and after the story is drawn, as a share of its length.
const MARGIN: f64 = 0.25;
const AXIS_HEIGHT: f64 = 30.0;

/// Draws `anomaly`; `history` adds the faults of that time.
pub(super) fn draw(history: &History, anomaly: &Anomaly) -> Drawing {
    let chosen = choose(anomaly);
    let left = left_of(&chosen);
    let axis = Axis::of(&chosen, left, RIGHT, rows::wanted_width);
    let rows = rows::of(&chosen, &axis);
    let mut pen = Pen::default();
    legend::draw(&mut pen, &chosen);
    let chips_top = legend::HEIGHT;
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
    pen.line((left - 4.0, bottom), (EDGE, bottom), "sq-axis");
    let mut height = bottom + AXIS_HEIGHT;
    let left_out = anomaly.operations.len() - chosen.len();
    let nameless: usize = rows.iter().map(Row::without_label).sum();
    let notes = [
        faults.note_of_last_before(),
        axis.note().map(str::to_owned),
        (nameless > 0).then(|| "Bars without a label say what they are when pointed at.".to_owned()),
        (left_out > 0).then(|| format!("{left_out} more operations around it are not drawn.")),
    ];
    for note in notes.into_iter().flatten() {
        pen.text(left, height + 6.0, "sq-soft sq-small", &note);
        height += 18.0;
    }
    Drawing { width: WIDTH, height, title: format!("{}: {}", anomaly.kind, anomaly.told), marks: pen.finish() }
}

/// Where the time axis begins, so that the names of nodes have room.
fn left_of(operations: &[&AnomalyOperation]) -> f64 {
    let widths = operations.iter().map(|drawn| text_width(&rows::node_text(&drawn.operation), 11.0));
    (widths.fold(0.0, f64::max) + 18.0).clamp(LEFT_RANGE.0, LEFT_RANGE.1)
}

/// The operations that are drawn, by invocation. Where witnesses tell the story, what ended well before it or began well
/// after it is left out.
fn choose(anomaly: &Anomaly) -> Vec<&AnomalyOperation> {
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
    ranked.truncate(MOST_OPERATIONS);
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
