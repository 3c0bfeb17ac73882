//! When what goes wrong: faults with times, drawn from a seed or written by hand.

mod drawn;

pub(crate) use drawn::draw_at;
pub use drawn::{Pace, draw};

use crate::change::Change;
use crate::fault::{Family, Fault};
use crate::packets::{Direction, Packets, Share};
use crate::restart::Restart;
use crate::rot::Rot;
use crate::selector::Selector;
use crate::shape::Shape;
use crate::skew::Skew;
use crate::span::Span;
use crate::trigger::Trigger;
use crate::trouble::Trouble;
use serde::{Deserialize, Serialize};
use squall_targets::disk::Model;
use squall_targets::rot::Decay;

/// A fault with its times, counted from the beginning of the storm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// When it is injected; one that waits for something waits from then on. At the beginning where a plan does not say it.
    #[serde(default)]
    pub at: Span,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Trigger>,
    /// How long it stays.
    #[serde(rename = "for")]
    pub lasts: Span,
    /// What goes wrong.
    pub fault: Family,
    /// Which links a partition cuts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shape: Shape,
    /// A partition that comes and goes: for so long its links are cut, for so long they are open, by turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<Span>,
    /// What is wrong with clocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew: Option<Skew>,
    /// What a disk forgets that loses its power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// What is wrong with disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What is wrong with packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<Packets>,
    /// On which links of those that are hit.
    #[serde(default, skip_serializing_if = "is_both")]
    pub direction: Direction,
    /// How servers end and start again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// For which share of the time servers may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Share>,
    /// How members change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// How files of stopped servers rot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rot: Option<Rot>,
    /// Who is hit.
    pub select: Selector,
}

impl Planned {
    /// Nothing special: it has only what every fault has.
    pub fn plain(at: Span, lasts: Span, fault: Family, select: Selector) -> Planned {
        Planned {
            at,
            after: None,
            lasts,
            fault,
            shape: Shape::default(),
            flapping: None,
            skew: None,
            model: None,
            trouble: None,
            packets: None,
            direction: Direction::default(),
            restart: None,
            cpu: None,
            change: None,
            rot: None,
            select,
        }
    }

    /// The fault without its times.
    pub fn what(&self) -> Fault {
        let (shape, selector, direction) = (self.shape.clone(), self.select.clone(), self.direction.clone());
        let Planned { fault: family, flapping, skew, model, trouble, packets, restart, cpu, change, .. } = *self;
        let rot = self.rot.clone();
        Fault { family, shape, flapping, skew, model, trouble, packets, direction, restart, cpu, change, rot, selector }
    }

    /// When it is over at the latest, if what it waits for comes as late as it may.
    pub fn ends(&self) -> Span {
        let waits = self.after.as_ref().map_or(0, |after| after.wait.ms() + after.within.unwrap_or_default().ms());
        Span::from_ms(self.at.ms() + waits + self.lasts.ms())
    }

    /// When it is over, the way back of a clock that drifted included.
    pub fn over(&self) -> Span {
        let way_back_ms = self.skew.map_or(0, |skew| skew.way_back(self.lasts).ms());
        Span::from_ms(self.at.ms() + self.lasts.ms() + way_back_ms)
    }

    /// Why this fault makes no sense among these nodes; none if it does.
    pub fn refuses(&self, nodes: &[String]) -> Option<String> {
        self.refuses_beside(nodes, &[])
    }

    /// As [`Planned::refuses`], where there are spares too. Links and logs may be theirs, and they are who can join; all else is about the
    /// nodes.
    pub fn refuses_beside(&self, nodes: &[String], spares: &[String]) -> Option<String> {
        let all = [nodes, spares].concat();
        let names_links = matches!(self.shape, Shape::Links(_)) || matches!(self.direction, Direction::Links(_));
        let among = match self.change {
            Some(Change::Grow) => spares,
            _ if names_links => &all,
            _ => nodes,
        };
        let too_short = self.flapping.filter(|flapping| flapping.ms().saturating_mul(2) > self.lasts.ms());
        let too_short = || {
            too_short.map(|flapping| {
                format!("links that flap every {flapping} need twice this time; it lasts {}", self.lasts)
            })
        };
        let too_far = || self.skew.and_then(|skew| skew.refuses_for(self.lasts));
        let untimely = || self.after.as_ref().and_then(|after| after.refuses(&all));
        self.what().refuses(among).or_else(too_short).or_else(too_far).or_else(untimely)
    }
}

fn is_default(shape: &Shape) -> bool {
    *shape == Shape::default()
}

fn is_both(direction: &Direction) -> bool {
    *direction == Direction::default()
}

/// The cluster that a schedule is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How many nodes it has.
    pub nodes: usize,
    /// How many members must be left at least when some are removed.
    pub least_members: usize,
    /// How many more nodes there are that are no members until they join.
    pub spares: usize,
}

/// Faults in the order of their beginning.
pub type Schedule = Vec<Planned>;

/// Of which of these nodes an old copy of the data is to be had, for these faults; so it must be taken when the storm begins.
pub fn copies(schedule: &[Planned], nodes: &[String]) -> Vec<String> {
    let restores = |planned: &&Planned| planned.rot.as_ref().is_some_and(|rot| rot.decay == Decay::Restore);
    let is_hit = |node: &&String| {
        schedule.iter().filter(restores).any(|planned| match &planned.select {
            Selector::Named(names) => names.contains(node),
            _ => true,
        })
    };
    nodes.iter().filter(is_hit).cloned().collect()
}

/// What the disks forget that must lie under the servers' data before they start, for these faults; none where none needs any.
///
/// # Errors
/// When two faults want different ones: a disk is of one kind for as long as it is there.
pub fn disks(schedule: &[Planned]) -> Result<Option<Model>, String> {
    let mut models = schedule.iter().filter_map(|planned| planned.model);
    let model = models.next().unwrap_or_default();
    if let Some(other) = models.find(|other| *other != model) {
        return Err(format!(
            "a run has one model of disks, not both {model} and {other}; give all losses of power the same"
        ));
    }
    Ok(schedule.iter().any(|planned| planned.fault.needs_disks()).then_some(model))
}

#[cfg(test)]
mod tests;
