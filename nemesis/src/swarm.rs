//! Swarm: the storm itself is drawn from the seed, not its faults alone.
//!
//! A storm with every fault at one pace is always the same average; what breaks a system is often much of one thing and nothing of
//! another (Groce, Zhang, Eide, Chen, Regehr, *Swarm testing*, ISSTA 2012). So each seed draws its own mixture: some of the
//! families, how often each comes, how long faults and quiet times last, whether faults come one by one or beside each other, how
//! many nodes there are and how hard clients work. All that was drawn is told, and stands in the plan.

use crate::fault::Family;
use crate::schedule::{self, Pace, Planned, Schedule, Size};
use crate::shape::Shape;
use crate::span::Span;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// How many nodes are drawn; three are twice as likely as five.
const NODES: [usize; 3] = [3, 3, 5];

/// The calls a second, drawn evenly on a logarithmic scale.
const RATE_HZ: (f64, f64) = (100.0, 3_000.0);

/// The workers of a node.
const WORKERS: std::ops::RangeInclusive<usize> = 1..=8;

/// How often a family comes, at most, for each time that the rarest comes.
const WEIGHT_MAX: usize = 3;

/// How often a partition that is no special one keeps answers from clients in place of messages from nodes.
const FROM_CLIENTS: f64 = 0.25;

/// A mixture for one storm.
#[derive(Debug, Clone, PartialEq)]
pub struct Swarm {
    /// How many nodes there are.
    pub nodes: usize,
    /// How many calls clients make a second, in the mean.
    pub rate_hz: f64,
    /// How many workers there are for each node.
    pub workers: usize,
    /// Each family, and how often it comes before each other family that is one less.
    pub weights: Vec<(Family, usize)>,
    /// How long quiet times and faults last.
    pub pace: Pace,
    /// How many sequences of faults go on beside each other.
    pub lanes: usize,
}

impl Swarm {
    /// Draws a mixture out of `families`. What is drawn does not depend on what is used of it.
    pub fn draw(families: &[Family], rng: &mut ChaCha8Rng) -> Swarm {
        let nodes = NODES[rng.random_range(0..NODES.len())];
        let (least, most) = RATE_HZ;
        let rate_hz = (least.ln() + rng.random::<f64>() * (most.ln() - least.ln())).exp();
        let workers = rng.random_range(WORKERS);
        let pace = Pace::draw(rng);
        let lanes = if rng.random_bool(0.4) { 2 } else { 1 };
        // One is there in any case.
        let certain = rng.random_range(0..families.len().max(1));
        let drawn = families.iter().enumerate().map(|(place, family)| {
            let (is_there, weight) = (rng.random_bool(0.5), rng.random_range(1..=WEIGHT_MAX));
            (is_there || place == certain).then_some((*family, weight))
        });
        let weights = drawn.collect::<Vec<_>>().into_iter().flatten().collect();
        // Nobody wants to type more digits.
        let rate_hz = (rate_hz / 10.0).round() * 10.0;
        Swarm { nodes, rate_hz, workers, weights, pace, lanes }
    }

    /// The families that were drawn.
    pub fn families(&self) -> Vec<Family> {
        self.weights.iter().map(|(family, _)| *family).collect()
    }

    /// Draws the faults of a storm of `storm` over a cluster of this size. Faults of the second lane that the first excludes are left out.
    pub fn schedule(&self, size: Size, storm: Span, rng: &mut ChaCha8Rng) -> Schedule {
        let often: Vec<Family> =
            self.weights.iter().flat_map(|(family, weight)| std::iter::repeat_n(*family, *weight)).collect();
        let mut all: Schedule = Vec::new();
        for _ in 0..self.lanes {
            let lane = schedule::draw_at(&self.pace, &often, size, storm, rng);
            let fits: Schedule =
                lane.into_iter().filter(|fault| all.iter().all(|other| !collide(fault, other))).collect();
            all.extend(fits);
        }
        all.sort_by_key(|fault| fault.at);
        // Drawn last, so that a mixture without partitions is the same as ever.
        for fault in all.iter_mut().filter(|fault| fault.fault == Family::Partition && fault.shape == Shape::Split) {
            if rng.random_bool(FROM_CLIENTS) {
                fault.shape = Shape::Clients;
            }
        }
        all
    }
}

/// What a fault takes for itself while it lasts: no other may have it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// The servers of nodes, and how they reach each other.
    Nodes,
    /// Clocks of servers, which may be killed, stopped and cut off meanwhile.
    Clocks,
    /// Disks of servers; of those that are only slow the servers may be hit otherwise, too.
    Disks,
    /// The packets of nodes, which may be hit by others meanwhile, too.
    Packets,
    /// Who belongs to the cluster. Nodes may be hit meanwhile, but for those that leave or join.
    Members,
    /// The processes of clients.
    Clients,
}

fn takes(fault: &Planned) -> &'static [Takes] {
    match fault.fault {
        Family::Partition | Family::Kill | Family::Pause | Family::Power => &[Takes::Nodes],
        Family::Stop | Family::Restart | Family::Queue => &[Takes::Nodes],
        // Files are copied and put back through the disk.
        Family::Rot => &[Takes::Nodes, Takes::Disks],
        Family::Clock => &[Takes::Clocks],
        // Whose clock is reached for must not stand still for a moment, and who waits for a slow disk does not stop at once.
        Family::Starve => &[Takes::Nodes, Takes::Clocks, Takes::Disks],
        Family::Packet => &[Takes::Packets],
        Family::Membership => &[Takes::Members],
        Family::Disk if fault.trouble.is_some_and(|trouble| trouble.is_slowness()) => &[Takes::Disks],
        Family::Disk => &[Takes::Nodes, Takes::Disks],
        Family::PauseClient => &[Takes::Clients],
    }
}

/// Whether two faults would want the same at the same time. A partition that singles nobody out takes no node.
fn collide(one: &Planned, other: &Planned) -> bool {
    let same = takes(one).iter().any(|taken| takes(other).contains(taken));
    let both_at_once = one.at <= other.over() && other.at <= one.over();
    let spares = |fault: &Planned| fault.fault == Family::Partition && fault.shape.is_for_all();
    let excluded = same && (one.fault == other.fault || !(spares(one) || spares(other)));
    both_at_once && excluded
}

impl fmt::Display for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights: Vec<String> = self
            .weights
            .iter()
            .map(|(family, weight)| match weight {
                1 => family.to_string(),
                _ => format!("{weight} x {family}"),
            })
            .collect();
        if weights.is_empty() {
            return f.write_str("no faults");
        }
        let beside = if self.lanes > 1 { ", beside each other" } else { "" };
        write!(f, "{}; {}{beside}", weights.join(", "), self.pace)
    }
}

#[cfg(test)]
mod tests;
