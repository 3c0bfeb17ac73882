//! The clock of a run.

use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Shared by everything that stamps: instants since the start of the run, by CLOCK_MONOTONIC.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    start: Instant,
}

impl RunClock {
    /// A clock that reads 0 now.
    pub fn start() -> RunClock {
        RunClock { start: Instant::now() }
    }

    /// Nanoseconds since the start. `Instant` reads CLOCK_MONOTONIC on Linux.
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// What CLOCK_MONOTONIC itself reads, in nanoseconds, when this clock reads 0, or a little more: for processes that keep
    /// this clock too.
    pub fn origin_ns(&self) -> u64 {
        // The elapsed time is read first, so that what lies between the two readings makes the origin later, never earlier.
        let elapsed = self.start.elapsed();
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        u64::try_from(now.saturating_sub(elapsed).as_nanos()).unwrap_or(u64::MAX)
    }

    /// The instant at which this clock reads `at_ns`.
    pub fn instant(&self, at_ns: u64) -> Instant {
        self.start + Duration::from_nanos(at_ns)
    }
}
