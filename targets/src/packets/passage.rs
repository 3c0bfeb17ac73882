//! What becomes of one packet under one set of conditions: whether it is lost, how many of it there are, when each arrives.
//!
//! Pure: instants come in and go out, and all chance is drawn from a generator of its own, so a seed repeats what it does
//! to the same packets.

use super::counters::PacketCounters;
use super::{Conditions, Delay, Distribution, TAIL_MAX, WAIT_NS_MAX};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Conditions in force on a link in one direction.
#[derive(Debug)]
pub(super) struct Passage {
    conditions: Conditions,
    rng: ChaCha8Rng,
    /// Whether the packet before was lost.
    lost_before: bool,
    /// When the last bit of the packet before is through, where bandwidth is limited.
    busy_until_ns: u64,
}

/// A packet that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Onward {
    /// When it is through.
    pub at_ns: u64,
    /// Which of its bits is to be flipped, if any.
    pub flipped: Option<u64>,
}

impl Passage {
    pub(super) fn new(conditions: Conditions, seed: u64) -> Passage {
        Passage { conditions, rng: ChaCha8Rng::seed_from_u64(seed), lost_before: false, busy_until_ns: 0 }
    }

    /// Lets a packet of so many bytes in, the first of which are a header that is never corrupted. Returns what goes on: it,
    /// two of it, or nothing.
    pub(super) fn pass(
        &mut self,
        at_ns: u64,
        bytes: usize,
        header_bytes: usize,
        counters: &mut PacketCounters,
    ) -> Vec<Onward> {
        if self.is_lost() {
            counters.lost += 1;
            return Vec::new();
        }
        let twice = self.happens(self.conditions.duplicate_ppm);
        counters.duplicated += u64::from(twice);
        (0..1 + usize::from(twice)).filter_map(|_| self.one(at_ns, bytes, header_bytes, counters)).collect()
    }

    /// Lets one of the copies through.
    fn one(&mut self, at_ns: u64, bytes: usize, header_bytes: usize, counters: &mut PacketCounters) -> Option<Onward> {
        let flipped = (bytes > header_bytes && self.happens(self.conditions.corrupt_ppm))
            .then(|| self.rng.random_range(8 * header_bytes as u64..8 * bytes as u64));
        let Some(through_ns) = self.squeezed(at_ns, bytes) else {
            counters.overrun += 1;
            return None;
        };
        counters.corrupted += u64::from(flipped.is_some());
        let delay_ns = self.conditions.delay.map_or(0, |delay| self.delay_ns(delay));
        let reorder = self.conditions.reorder;
        let held_back_ns = match reorder {
            Some(reorder) if self.happens(reorder.ppm) => {
                counters.held_back += 1;
                reorder.by_ns
            }
            _ => 0,
        };
        Some(Onward { at_ns: through_ns + delay_ns + held_back_ns, flipped })
    }

    fn happens(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.rng.random_range(0..1_000_000) < ppm
    }

    /// A step of Gilbert's chain. With loss p and correlation r a packet is lost by a chance of p + r (1 - p) after a lost one
    /// and of p (1 - r) after one that was not: then p of all are lost, and the correlation of neighbours is r.
    fn is_lost(&mut self) -> bool {
        let Some(loss) = self.conditions.loss else { return false };
        let (p, r) = (u64::from(loss.ppm), u64::from(loss.correlation_ppm));
        let by_chance = p * (1_000_000 - r) / 1_000_000;
        let chance = if self.lost_before { by_chance + r } else { by_chance };
        self.lost_before = self.happens(chance.min(1_000_000) as u32);
        self.lost_before
    }

    /// When the packet is through a link of limited bandwidth; none if too many wait before it.
    fn squeezed(&mut self, at_ns: u64, bytes: usize) -> Option<u64> {
        let Some(rate_bits) = self.conditions.rate_bits else { return Some(at_ns) };
        let begin_ns = self.busy_until_ns.max(at_ns);
        if begin_ns - at_ns > WAIT_NS_MAX {
            return None;
        }
        let takes_ns = 8_000_000_000 * bytes as u128 / u128::from(rate_bits.max(1));
        self.busy_until_ns = begin_ns.saturating_add(u64::try_from(takes_ns).unwrap_or(u64::MAX));
        Some(self.busy_until_ns)
    }

    fn delay_ns(&mut self, delay: Delay) -> u64 {
        if delay.jitter_ns == 0 {
            return delay.by_ns;
        }
        let deviation = match delay.distribution {
            Distribution::Uniform => self.rng.random_range(-1.0..=1.0),
            Distribution::Normal => self.normal(),
            Distribution::Pareto => self.pareto(),
        };
        let ns = delay.by_ns as f64 + delay.jitter_ns as f64 * deviation.min(TAIL_MAX as f64);
        ns.max(0.0) as u64
    }

    /// Of average 0 and standard deviation 1, after Box and Muller (1958).
    fn normal(&mut self) -> f64 {
        let (radius, angle): (f64, f64) = (self.above_zero(), self.rng.random());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Of average 0 and standard deviation 1: a Pareto distribution of shape 3 and least value 1 has 3/2 and √3/2.
    fn pareto(&mut self) -> f64 {
        (self.above_zero().cbrt().recip() - 1.5) / (0.75_f64).sqrt()
    }

    /// Evenly from the numbers up to 1 that are more than 0.
    fn above_zero(&mut self) -> f64 {
        1.0 - self.rng.random::<f64>()
    }
}

#[cfg(test)]
mod tests;
