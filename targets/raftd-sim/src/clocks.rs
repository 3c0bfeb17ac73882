//! The members' clocks, in runs in which leaders have leases: each goes at a speed of its own, all within what is assumed, and
//! what a wall clock shows is set now and then. What is drawn here comes from a stream of its own, so that other runs stay what
//! they are.

use crate::time::{MS, Micros};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The stream of the seed that clocks are drawn from.
const STREAM: u64 = 1;
/// A speed of one.
const ONE_PPM: u64 = 1_000_000;
/// What wall clocks show at the start, so that they can be set back.
const WALL_US: i64 = 1_000_000_000;

/// What clocks are like in a run, and how they go.
#[derive(Debug, Clone)]
pub struct Clocks {
    /// By how much their speeds differ at most, which is also what members assume.
    pub drift_percent: u32,
    rng: ChaCha8Rng,
}

/// One member's clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    speed_ppm: u64,
    wall_us: i64,
}

/// Somebody sets a wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Whose, from 0.
    pub member: usize,
    /// By how much.
    pub by_us: i64,
    /// For how long the member's timers stand still then, as after a machine was put to sleep.
    pub stands_us: Micros,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { speed_ppm: ONE_PPM, wall_us: WALL_US }
    }
}

impl Clocks {
    /// The clocks of the run with this seed.
    pub fn draw(seed: u64) -> Clocks {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAM);
        let drift_percent = [0, 2, 10, 50][rng.random_range(0..4)];
        Clocks { drift_percent, rng }
    }

    /// A clock: often as slow or as fast as is allowed.
    pub fn clock(&mut self) -> Clock {
        let fastest_ppm = ONE_PPM * u64::from(100 + self.drift_percent) / 100;
        let speed_ppm = match self.rng.random_range(0..3) {
            0 => ONE_PPM,
            1 => fastest_ppm,
            _ => self.rng.random_range(ONE_PPM..=fastest_ppm),
        };
        Clock { speed_ppm, ..Clock::default() }
    }

    /// After how long a wall clock is set again.
    pub fn next_us(&mut self) -> Micros {
        self.rng.random_range(50 * MS..600 * MS)
    }

    /// Sets a wall clock of so many: the leader's, if there is one, more often than others.
    pub fn setting(&mut self, members: usize, leader: Option<usize>) -> Setting {
        let anybody = self.rng.random_range(0..members);
        let member = leader.filter(|_| self.rng.random_bool(0.7)).unwrap_or(anybody);
        let far_us = 2000 * MS as i64;
        let stands_us = if self.rng.random() { self.rng.random_range(100 * MS..1000 * MS) } else { 0 };
        Setting { member, by_us: self.rng.random_range(-far_us..far_us), stands_us }
    }
}

impl Clock {
    /// What it shows at an instant, whoever set it.
    pub fn shows_us(&self, now_us: Micros) -> u64 {
        now_us * self.speed_ppm / ONE_PPM
    }

    /// What the wall clock shows, as it was set.
    pub fn wall_us(&self, now_us: Micros) -> u64 {
        u64::try_from(self.wall_us + self.shows_us(now_us) as i64).unwrap_or(0)
    }

    /// Sets the wall clock by so much.
    pub fn set(&mut self, by_us: i64) {
        self.wall_us += by_us;
    }

    /// The time in which it counts so much, or a little more.
    pub fn lasts_us(&self, counted_us: u64) -> Micros {
        (counted_us * ONE_PPM).div_ceil(self.speed_ppm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_differ_by_what_is_assumed_and_no_more() {
        let mut fastest = 0;
        for seed in 0..200 {
            let mut clocks = Clocks::draw(seed);
            let shown: Vec<u64> = (0..5).map(|_| clocks.clock().shows_us(100_000)).collect();
            let (least, most) = (*shown.iter().min().unwrap(), *shown.iter().max().unwrap());
            assert!(most * 100 <= least * u64::from(100 + clocks.drift_percent), "{shown:?}: {clocks:?}");
            fastest = fastest.max(most);
        }
        assert_eq!(fastest, 150_000);
    }

    #[test]
    fn a_tick_is_never_shorter_than_it_should_be() {
        for speed_ppm in [ONE_PPM, 1_033_333, 1_500_000] {
            let clock = Clock { speed_ppm, ..Clock::default() };
            assert!(clock.shows_us(7 * clock.lasts_us(10_000)) >= 70_000, "{clock:?}");
        }
    }

    #[test]
    fn only_wall_clocks_can_be_set() {
        let mut clock = Clock::default();
        clock.set(-500);
        assert_eq!((clock.shows_us(1000), clock.wall_us(1000)), (1000, WALL_US as u64 + 500));
    }
}
