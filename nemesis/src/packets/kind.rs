//! How packet faults are drawn: a kind at a time, its size from the ranges that make clusters suffer and not only wait.

use super::{Delay, Distribution, Packets, Rate, Reorder, Share};
use crate::span::Span;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// What a packet fault is to be, its size still to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By milliseconds to half a second, with a jitter of any distribution.
    Delay,
    /// Of a twentieth to half of all, each by a chance of its own or in rows.
    Loss,
    /// Of a twentieth to all.
    Duplicate,
    /// Of a twentieth to half, by milliseconds.
    Reorder,
    /// Of a hundredth to a fifth.
    Corrupt,
    /// To some hundred kilobits a second.
    Rate,
}

impl Kind {
    /// Draws the size.
    pub fn draw(self, rng: &mut ChaCha8Rng) -> Packets {
        let none = Packets::default();
        let percent = |range: std::ops::RangeInclusive<u32>, rng: &mut ChaCha8Rng| {
            Share::from_ppm(rng.random_range(range) * 10_000)
        };
        match self {
            Kind::Delay => Packets { delay: Some(delay(rng)), ..none },
            Kind::Loss => {
                let loss = percent(5..=50, rng);
                let correlation = rng.random_bool(0.5).then(|| percent(10..=80, rng));
                Packets { loss: Some(loss), correlation, ..none }
            }
            Kind::Duplicate => Packets { duplicate: Some(percent(5..=100, rng)), ..none },
            Kind::Reorder => {
                let (share, by) = (percent(5..=50, rng), Span::from_ms(rng.random_range(1..=50)));
                Packets { reorder: Some(Reorder { share, by }), ..none }
            }
            Kind::Corrupt => Packets { corrupt: Some(percent(1..=20, rng)), ..none },
            Kind::Rate => Packets { rate: Some(Rate::from_bits(rng.random_range(2..=50) * 100_000)), ..none },
        }
    }
}

/// Small delays come as often as large ones.
fn delay(rng: &mut ChaCha8Rng) -> Delay {
    let ranges = [2..=20, 20..=100, 100..=500];
    let range = ranges.choose(rng).cloned().unwrap_or(50..=50);
    let by_ms = rng.random_range(range);
    let distribution = [Distribution::Uniform, Distribution::Normal, Distribution::Pareto];
    let distribution = distribution.choose(rng).copied().unwrap_or_default();
    Delay { by: Span::from_ms(by_ms), jitter: Span::from_ms((by_ms / rng.random_range(2..=10)).max(1)), distribution }
}
