//! The links: which are cut, and when a message arrives, if it does, and how often.

use crate::time::Micros;
use crate::weather::Weather;
use raftd::types::NodeId;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// The links between members, each way by itself. Links to clients are never cut, so that a member that is cut off from
/// the others still has somebody to answer wrongly.
#[derive(Debug, Default)]
pub struct Network {
    cut: BTreeSet<(NodeId, NodeId)>,
}

impl Network {
    /// Cuts the links for which `is_cut` says so, and no others.
    pub fn partition(&mut self, members: NodeId, is_cut: impl Fn(NodeId, NodeId) -> bool) {
        let pairs = (1..=members).flat_map(|from| (1..=members).map(move |to| (from, to)));
        self.cut = pairs.filter(|(from, to)| from != to && is_cut(*from, *to)).collect();
    }

    /// Mends all links.
    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Whether nothing passes from one member to the other.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cut.contains(&(from, to))
    }

    /// After how long each copy of a message that is sent now arrives. A cut that comes meanwhile stops it nevertheless.
    pub fn arrivals(&self, weather: &Weather, rng: &mut ChaCha8Rng) -> Vec<Micros> {
        if rng.random_bool(weather.loss) {
            return Vec::new();
        }
        let copies = if rng.random_bool(weather.twice) { 2 } else { 1 };
        (0..copies).map(|_| delay_us(weather, rng)).collect()
    }
}

/// How long one message takes. Each is drawn by itself, so that they overtake each other.
pub fn delay_us(weather: &Weather, rng: &mut ChaCha8Rng) -> Micros {
    let usual = rng.random_range(weather.delay_us_max / 4..=weather.delay_us_max);
    if rng.random_bool(weather.late) { usual * 10 } else { usual }
}
