//! When what goes wrong: faults with times, drawn from a seed or written by hand.

mod drawn;

pub(crate) use drawn::draw_at;
pub use drawn::{Pace, draw};

use crate::change::Change;
use crate::fault::{Family, Fault};
use crate::packets::{Direction, Packets, Share};
use crate::restart::Restart;
use crate::selector::Selector;
use crate::shape::Shape;
use crate::skew::Skew;
use crate::span::Span;
use crate::trouble::Trouble;
use serde::{Deserialize, Serialize};
use squall_targets::disk::Model;

/// A fault with its times, counted from the beginning of the storm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// When it is injected.
    pub at: Span,
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
    /// Who is hit.
    pub select: Selector,
}

impl Planned {
    /// Nothing special: it has only what every fault has.
    pub fn plain(at: Span, lasts: Span, fault: Family, select: Selector) -> Planned {
        Planned {
            at,
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
            select,
        }
    }

    /// The fault without its times.
    pub fn what(&self) -> Fault {
        let (shape, selector, direction) = (self.shape.clone(), self.select.clone(), self.direction.clone());
        let Planned { fault: family, flapping, skew, model, trouble, packets, restart, cpu, change, .. } = *self;
        Fault { family, shape, flapping, skew, model, trouble, packets, direction, restart, cpu, change, selector }
    }

    /// When it is over, the way back of a clock that drifted included.
    pub fn over(&self) -> Span {
        let way_back_ms = self.skew.map_or(0, |skew| skew.way_back(self.lasts).ms());
        Span::from_ms(self.at.ms() + self.lasts.ms() + way_back_ms)
    }

    /// Why this fault makes no sense among these nodes; none if it does.
    pub fn refuses(&self, nodes: &[String]) -> Option<String> {
        let too_short = self.flapping.filter(|flapping| flapping.ms().saturating_mul(2) > self.lasts.ms());
        let too_short = || {
            too_short.map(|flapping| {
                format!("links that flap every {flapping} need twice this time; it lasts {}", self.lasts)
            })
        };
        let too_far = || self.skew.and_then(|skew| skew.refuses_for(self.lasts));
        self.what().refuses(nodes).or_else(too_short).or_else(too_far)
    }
}

fn is_default(shape: &Shape) -> bool {
    *shape == Shape::default()
}

fn is_both(direction: &Direction) -> bool {
    *direction == Direction::default()
}

/// Faults in the order of their beginning.
pub type Schedule = Vec<Planned>;

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
