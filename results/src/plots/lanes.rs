//! Faults and leaders over time: a lane for each node, with what was done to it, who led, and who did not answer.

use super::chart::LABELS_HEIGHT;
use super::drawing::{Area, Drawing, Pen, shortened, text_width};
use super::legend::{self, Sample};
use super::timeline::{LEFT, RIGHT, Timeline, WIDTH};
use crate::event::Measured;
use crate::figures::over_ns;
use crate::history::{FaultSpan, History};
use std::collections::BTreeSet;

const BLOCK_HEIGHT: f64 = 17.0;
const BLOCK_STEP: f64 = 20.0;
/// The room for a name that is too long to stand before its lane, and stands in it.
const NAME_HEIGHT: f64 = 16.0;
const LEADER_HEIGHT: f64 = 4.0;
/// The room for a name before its lane.
const NAME_ROOM: f64 = LEFT - 16.0;
const PHASES_HEIGHT: f64 = 18.0;
const FONT: f64 = 11.0;

/// The faults of one lane, each with the row of the lane in which it has room.
struct Lane<'a> {
    /// The node, or what stands for one.
    node: &'a str,
    blocks: Vec<(usize, &'a FaultSpan)>,
    rows: usize,
}

/// A lane for each node that the history names, one for faults that hit clients, and one for what hits no node of its own.
pub(super) fn draw(history: &History) -> Drawing {
    let timeline = Timeline::of(history);
    let lanes = lanes(history, timeline.end_ns);
    let mut pen = Pen::default();
    draw_legend(&mut pen, history);
    let top = legend::HEIGHT + if history.phases.iter().any(|phase| phase.at_ns > 0) { PHASES_HEIGHT } else { 2.0 };
    let height: f64 = lanes.iter().map(Lane::height).sum();
    timeline.draw_axis(&mut pen, top, top + height);
    let mut y = top;
    for lane in &lanes {
        lane.draw(&mut pen, &timeline, history, y);
        y += lane.height();
    }
    pen.line((LEFT, y), (RIGHT, y), "sq-axis");
    timeline.draw_phases(&mut pen, history, top - 13.0, y, top - 4.0);
    Drawing {
        width: WIDTH,
        height: y + LABELS_HEIGHT,
        title: "Faults and leaders over time".into(),
        marks: pen.finish(),
    }
}

fn draw_legend(pen: &mut Pen, history: &History) {
    let mut entries = vec![(Sample::Leader, "leads (term)".to_string())];
    if history.faults.iter().any(|fault| fault.in_force.is_some()) {
        entries.push((Sample::Fault, "fault in force".into()));
    }
    if history.faults.iter().any(|fault| fault.in_force.is_none()) {
        entries.push((Sample::Idle, "fault not in force".into()));
    }
    if history.samples.iter().any(|sample| sample.measured == Measured::Silent) {
        entries.push((Sample::Silent, "no answer".into()));
    }
    legend::draw(pen, &entries);
}

fn lanes(history: &History, end_ns: u64) -> Vec<Lane<'_>> {
    let mut nodes: Vec<&str> = history.start.iter().flat_map(|start| start.nodes.iter().map(String::as_str)).collect();
    let mentioned = history.faults.iter().flat_map(|fault| fault.nodes.iter().map(String::as_str));
    let sampled = history.samples.iter().map(|sample| sample.node.as_str());
    for node in mentioned.chain(sampled) {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    let mut lanes: Vec<Lane<'_>> = nodes.into_iter().map(|node| Lane::new(node, history, end_ns)).collect();
    let everywhere: BTreeSet<&str> = history.faults.iter().filter_map(elsewhere).collect();
    lanes.extend(everywhere.into_iter().map(|place| Lane::new(place, history, end_ns)));
    lanes
}

/// Where a fault belongs that hits no node: the clients, or the cluster as a whole.
fn elsewhere(fault: &FaultSpan) -> Option<&'static str> {
    let place = if fault.family.ends_with("-client") { "clients" } else { "cluster" };
    fault.nodes.is_empty().then_some(place)
}

impl<'a> Lane<'a> {
    fn new(node: &'a str, history: &'a History, end_ns: u64) -> Lane<'a> {
        let mut free_from_ns: Vec<u64> = Vec::new();
        let mut blocks = Vec::new();
        let hits = |fault: &FaultSpan| match elsewhere(fault) {
            Some(place) => place == node,
            None => fault.nodes.iter().any(|other| other == node),
        };
        for fault in history.faults.iter().filter(|fault| hits(fault)) {
            let row = free_from_ns.iter().position(|free_ns| *free_ns <= fault.injected_ns);
            let row = row.unwrap_or_else(|| {
                free_from_ns.push(0);
                free_from_ns.len() - 1
            });
            free_from_ns[row] = over_ns(fault, end_ns).max(fault.injected_ns + 1);
            blocks.push((row, fault));
        }
        Lane { node, blocks, rows: free_from_ns.len().max(1) }
    }

    fn height(&self) -> f64 {
        self.name_height() + self.rows as f64 * BLOCK_STEP + LEADER_HEIGHT + 8.0
    }

    fn name_height(&self) -> f64 {
        if text_width(self.node, 12.0) > NAME_ROOM { NAME_HEIGHT } else { 0.0 }
    }

    fn draw(&self, pen: &mut Pen, timeline: &Timeline, history: &History, y: f64) {
        pen.line((LEFT, y), (RIGHT, y), "sq-axis");
        let name = self.node;
        if self.name_height() > 0.0 {
            pen.text(LEFT + 4.0, y + 14.0, "sq-halo", &shortened(name, RIGHT - LEFT - 8.0, 12.0));
        } else {
            pen.text(LEFT - 10.0, y + self.height() / 2.0 + 4.0, "sq-end", name);
        }
        self.draw_silence(pen, timeline, history, y + self.height() - LEADER_HEIGHT / 2.0 - 2.0);
        for (row, fault) in &self.blocks {
            let later = self.blocks.iter().filter(|(other, next)| other == row && next.injected_ns > fault.injected_ns);
            let next_ns = later.map(|(_, next)| next.injected_ns).min();
            let free_until = next_ns.map_or(RIGHT, |next_ns| timeline.x(next_ns));
            draw_block(
                pen,
                timeline,
                fault,
                timeline.end_ns,
                y + 4.0 + self.name_height() + *row as f64 * BLOCK_STEP,
                free_until,
            );
        }
        self.draw_leadership(pen, timeline, history, y + self.height() - LEADER_HEIGHT - 2.0);
    }

    /// When this node led, as the cluster saw it, until somebody else did.
    fn draw_leadership(&self, pen: &mut Pen, timeline: &Timeline, history: &History, y: f64) {
        let changes = history.leader_changes();
        let mut free_from = f64::MIN;
        for (index, (at_ns, leader, term)) in changes.iter().enumerate().filter(|(_, change)| change.1 == self.node) {
            let until_ns = changes.get(index + 1).map_or(timeline.end_ns, |next| next.0);
            let (x, until) = (timeline.x(*at_ns), timeline.x(until_ns));
            let area = Area { x, y, width: (until - x).max(1.5), height: LEADER_HEIGHT };
            pen.rect(area, 2.0, "sq-lead", &format!("{leader} leads in term {term}"));
            let label = format!("term {term}");
            let width = text_width(&label, FONT);
            if x > free_from && until - x > width + 6.0 && !self.is_struck(timeline, timeline.end_ns, x, x + width) {
                pen.text(x + 2.0, y - 4.0, "sq-soft sq-small", &label);
                free_from = x + width + 4.0;
            }
        }
    }

    /// Whether a block of the lowest row lies between two places.
    fn is_struck(&self, timeline: &Timeline, end_ns: u64, from: f64, to: f64) -> bool {
        let lowest = self.blocks.iter().filter(|(row, _)| row + 1 == self.rows);
        let mut spans = lowest.map(|(_, fault)| {
            let (begun, over) = (timeline.x(fault.injected_ns), timeline.x(over_ns(fault, end_ns)));
            let label_width = text_width(&fault.family, FONT) + 4.0;
            (begun, if label_width + 4.0 > over - begun { over + label_width } else { over })
        });
        spans.any(|(begun, over)| begun < to + 4.0 && from < over.max(begun + 2.0) + 4.0)
    }

    /// Where the node did not answer: from each silent sample to its next sample.
    fn draw_silence(&self, pen: &mut Pen, timeline: &Timeline, history: &History, y: f64) {
        let mut silent_from_ns = None;
        let mut draw = |from_ns: u64, to_ns: u64| {
            pen.line((timeline.x(from_ns), y), (timeline.x(to_ns).max(timeline.x(from_ns) + 2.0), y), "sq-mute");
        };
        for sample in history.samples.iter().filter(|sample| sample.node == self.node) {
            match (&sample.measured, silent_from_ns) {
                (Measured::Silent, None) => silent_from_ns = Some(sample.at_ns),
                (Measured::Leader { .. }, Some(from_ns)) => {
                    draw(from_ns, sample.at_ns);
                    silent_from_ns = None;
                }
                _ => {}
            }
        }
        if let Some(from_ns) = silent_from_ns {
            draw(from_ns, timeline.end_ns);
        }
    }
}

/// A fault on a lane: outlined from its injection, filled from when it was in force; its family within, or beside it where
/// nothing else stands up to `free_until`.
fn draw_block(pen: &mut Pen, timeline: &Timeline, fault: &FaultSpan, end_ns: u64, y: f64, free_until: f64) {
    let (begun, over) = (timeline.x(fault.injected_ns), timeline.x(over_ns(fault, end_ns)));
    let width = (over - begun).max(2.0);
    let state = match (&fault.in_force, &fault.problem) {
        (Some((_, evidence)), _) => format!("in force: {evidence}"),
        (None, Some(problem)) => format!("not in force: {problem}"),
        (None, None) => "never shown to be in force".into(),
    };
    let says = format!("{} — {state}", fault.what);
    let area = Area { x: begun, y, width, height: BLOCK_HEIGHT };
    match &fault.in_force {
        None => pen.rect(area, 2.0, "sq-idle", &says),
        Some((at_ns, _)) => {
            let from = timeline.x(*at_ns);
            if from - begun > 1.5 {
                pen.rect(area, 2.0, "sq-idle", &says);
            }
            pen.rect(Area { x: from, width: (over - from).max(2.0), ..area }, 2.0, "sq-chip", &says);
        }
    }
    // A label stands where the fault was in force, if it fits there.
    let in_force_from = fault.in_force.as_ref().map_or(begun, |(at_ns, _)| timeline.x(*at_ns));
    let label_width = text_width(&fault.family, FONT);
    if let Some(from) = [in_force_from, begun].into_iter().find(|from| label_width + 8.0 <= over - from) {
        pen.text(from + 5.0, y + 12.5, "sq-small", &fault.family);
    } else if over + 4.0 + label_width <= free_until {
        pen.text(begun + width + 4.0, y + 12.5, "sq-soft sq-small sq-halo", &fault.family);
    } else if width > 4.0 * FONT {
        pen.text(begun + 5.0, y + 12.5, "sq-small", &shortened(&fault.family, width - 8.0, FONT));
    }
}
