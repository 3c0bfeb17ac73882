//! A cycle of transactions as a picture: one below the other in the order in which each comes before the next, with what they
//! did, and an arrow from each to the next that says why; the last arrow leads back up to the first.

use super::drawing::{Area, Drawing, Pen, shortened, wrapped};
use crate::call::{Call, ListStep, Reply, Shown, Step, list_in_short};
use crate::history::Operation;
use crate::verdict::{Anomaly, Dependency, Role};
use crate::words::Instants;

const LINE: f64 = 16.0;
const PADDING: f64 = 8.0;
/// The most steps of a transaction that are shown.
const STEPS_MAX: usize = 8;
/// The most transactions that are drawn; a longer cycle says how many are left out.
const DRAWN_MAX: usize = 12;

/// Draws the dependencies of an anomaly, as wide as that; `None`: it has none.
pub(super) fn draw(anomaly: &Anomaly, width: f64) -> Option<Drawing> {
    let all: Vec<(&Operation, Role, &Dependency)> = anomaly
        .dependencies
        .iter()
        .filter_map(|dependency| {
            let found = anomaly.operations.iter().find(|one| one.operation.id == dependency.from)?;
            Some((&found.operation, found.role, dependency))
        })
        .collect();
    if all.is_empty() {
        return None;
    }
    let (box_width, lane) = ((0.68 * width).min(620.0), (0.68 * width).min(620.0) + 22.0);
    let instants = Instants::of(all.iter().map(|(operation, ..)| *operation));
    let (mut pen, mut y) = (Pen::default(), 2.0);
    let (mut first_middle, mut last_middle) = (0.0, 0.0);
    for (at, (operation, role, dependency)) in all.iter().enumerate() {
        if all.len() > DRAWN_MAX && (DRAWN_MAX - 1..all.len() - 1).contains(&at) {
            if at == DRAWN_MAX - 1 {
                let left_out = all.len() - DRAWN_MAX;
                pen.text(PADDING, y + 12.0, "sq-soft", &format!("{left_out} more transactions"));
                y += 24.0;
            }
            continue;
        }
        let steps = steps(operation);
        let height = 2.0 * PADDING + LINE * (1 + steps.len()) as f64;
        let class = match role {
            Role::Contradiction | Role::Witness => "sq-bar sq-witness",
            Role::Context => "sq-bar sq-context",
        };
        pen.rect(Area { x: 1.0, y, width: box_width, height }, 4.0, class, "");
        let head = format!("T{}  process {}, {}", at + 1, operation.process, instants.span(operation));
        let mut line = y + PADDING + 12.0;
        let fitting = |text: &str| shortened(text, box_width - 2.0 * PADDING, 12.0);
        pen.text(1.0 + PADDING, line, "sq-bold", &fitting(&head));
        for step in &steps {
            line += LINE;
            pen.text(1.0 + PADDING, line, "", &fitting(step));
        }
        let middle = y + PADDING + 8.0;
        if at == 0 {
            first_middle = middle;
        }
        last_middle = middle;
        y += height;
        if at + 1 < all.len() {
            let lines = wrapped(&dependency.label, box_width - 48.0, 12.0);
            let bottom = y + LINE * lines.len() as f64 + 10.0;
            arrow_down(&mut pen, 24.0, y, bottom);
            for (place, text) in lines.iter().enumerate() {
                pen.text(38.0, y + 16.0 + LINE * place as f64, "sq-soft", text);
            }
            y = bottom;
        }
    }
    let (_, _, back) = all[all.len() - 1];
    pen.path(&format!("M{box_width} {last_middle}H{lane}V{first_middle}H{}", box_width + 2.0), "sq-arrow");
    pen.path(
        &format!(
            "M{} {}L{} {first_middle}L{} {}",
            box_width + 8.0,
            first_middle - 4.0,
            box_width + 2.0,
            box_width + 8.0,
            first_middle + 4.0
        ),
        "sq-arrow",
    );
    let middle = (first_middle + last_middle) / 2.0;
    let lines = wrapped(&back.label, width - lane - 8.0, 12.0);
    for (place, text) in lines.iter().enumerate() {
        let up = middle + LINE * (place as f64 - (lines.len() - 1) as f64 / 2.0) + 4.0;
        pen.text(lane + 8.0, up, "sq-soft", text);
    }
    let title = format!("{}: each transaction comes before the next", anomaly.kind);
    Some(Drawing { width, height: y + 4.0, title, marks: pen.finish() })
}

fn arrow_down(pen: &mut Pen, x: f64, top: f64, bottom: f64) {
    pen.line((x, top), (x, bottom), "sq-arrow");
    pen.path(&format!("M{} {}L{x} {bottom}L{} {}", x - 4.0, bottom - 6.0, x + 4.0, bottom - 6.0), "sq-arrow");
}

/// What a transaction did, a line a step.
fn steps(operation: &Operation) -> Vec<String> {
    let nobody_knows = || "?".to_owned();
    let mut told: Vec<String> = match &operation.call {
        Call::ListTransaction { steps } => {
            let mut found = match operation.reply() {
                Some(Reply::CommittedLists { found }) => found.iter(),
                _ => [].iter(),
            };
            let tell = |step: &ListStep| match step {
                ListStep::Append { key, element } => format!("append {element} to {key}"),
                ListStep::Read { key } => {
                    format!("read {key} → {}", found.next().map_or_else(nobody_knows, |list| list_in_short(list)))
                }
            };
            steps.iter().map(tell).collect()
        }
        Call::Transaction { steps } => {
            let mut found = match operation.reply() {
                Some(Reply::Committed { found }) => found.iter(),
                _ => [].iter(),
            };
            let tell = |step: &Step| match step {
                Step::Write { key, value } => format!("write {value} to {key}"),
                Step::Read { key } => {
                    format!(
                        "read {key} → {}",
                        found.next().map_or_else(nobody_knows, |value| Shown(*value).to_string())
                    )
                }
            };
            steps.iter().map(tell).collect()
        }
        other => vec![other.to_string()],
    };
    if told.len() > STEPS_MAX {
        let left_out = told.len() - STEPS_MAX;
        told.truncate(STEPS_MAX);
        told.push(format!("{left_out} more"));
    }
    told
}
