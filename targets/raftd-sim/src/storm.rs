//! What goes wrong next.

use crate::member::Crash;
use crate::time::{MS, Micros};
use crate::weather::{Swarm, Weather};
use raftd::types::NodeId;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Members crash at the same instant, and start again some time later, each by itself.
    Crash {
        /// Who, and after how long it starts again.
        members: Vec<(NodeId, Micros)>,
        /// How.
        how: Crash,
    },
    /// Nothing passes from one side to the other, nor back unless it is `one_way`.
    Partition {
        /// One side.
        side: BTreeSet<NodeId>,
        /// Whether the other side is still heard.
        one_way: bool,
        /// For how long.
        for_us: Micros,
    },
    /// A member asks for votes although it has no reason.
    Campaign(NodeId),
    /// The leader is asked to hand over to this member.
    Transfer(NodeId),
    /// Two members ask for votes at the same instant, and soon after others crash and are back at once: what they had not
    /// made durable by then they have forgotten, while it is still asked for.
    Duel {
        /// The candidates.
        candidates: [NodeId; 2],
        /// Who crashes, after how long, and after how long it starts again.
        crashes: Vec<(NodeId, Micros, Micros)>,
    },
    /// A member's clock stands still, so that it neither misses its leader nor sends heartbeats.
    StopClock {
        /// Whose.
        member: NodeId,
        /// For how long.
        for_us: Micros,
    },
}

impl Trouble {
    /// Draws one for so many members, if there are any in this weather. Leaders are hit more often than others: most mistakes are made around them.
    pub fn draw(weather: &Weather, members: usize, leader: Option<NodeId>, rng: &mut ChaCha8Rng) -> Option<Trouble> {
        let count = members as NodeId;
        let anybody = rng.random_range(1..=count);
        let victim = leader.filter(|_| rng.random_bool(0.6)).unwrap_or(anybody);
        let Swarm { crash, partition, one_way, campaign, duel, stop_clock, transfer } = weather.swarm;
        let weights = [crash, partition, one_way, campaign, duel, stop_clock, transfer];
        let total: u32 = weights.iter().sum();
        let mut place = rng.random_range(0..total.max(1));
        let kind = weights.iter().position(|weight| match place.checked_sub(*weight) {
            Some(rest) => {
                place = rest;
                false
            }
            None => true,
        })?;
        Some(match kind {
            0 => Trouble::Crash {
                members: victims(count, victim, rng)
                    .into_iter()
                    .map(|member| (member, rng.random_range(MS..=weather.down_us_max)))
                    .collect(),
                how: if rng.random() { Crash::Kill } else { Crash::PowerCut },
            },
            1 | 2 => Trouble::Partition {
                side: victims(count, victim, rng),
                one_way: kind == 2,
                for_us: rng.random_range(MS..=weather.cut_us_max),
            },
            3 => Trouble::Campaign(anybody),
            4 => draw_duel(count, weather, rng),
            5 => Trouble::StopClock { member: victim, for_us: rng.random_range(MS..=weather.cut_us_max) },
            _ => Trouble::Transfer(anybody),
        })
    }
}

fn draw_duel(count: NodeId, weather: &Weather, rng: &mut ChaCha8Rng) -> Trouble {
    let candidates = [rng.random_range(1..=count), rng.random_range(1..=count)];
    let others = (1..=count).filter(|member| !candidates.contains(member));
    let soon_us = 2 * weather.delay_us_max;
    let crash = |member| (member, rng.random_range(1..=soon_us), rng.random_range(MS..=5 * MS));
    Trouble::Duel { candidates, crashes: others.map(crash).collect() }
}

/// The victim alone, with one more, or anybody at all.
fn victims(count: NodeId, victim: NodeId, rng: &mut ChaCha8Rng) -> BTreeSet<NodeId> {
    let mut victims = BTreeSet::from([victim]);
    match rng.random_range(0..4) {
        0..2 => {}
        2 => {
            victims.insert(rng.random_range(1..=count));
        }
        _ => victims.extend((1..=count).filter(|_| rng.random())),
    }
    victims
}
