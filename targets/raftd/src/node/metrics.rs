//! What is counted while a member works. Whoever counts holds up nobody: there are only atomic numbers here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper ends of the buckets of a histogram, in microseconds: from a tenth of a millisecond to ten seconds.
pub const BUCKETS_US: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// How long things took.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many took no longer than each end, and longer than the one before; then those that took longer than all.
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    sum_us: AtomicU64,
}

/// What a histogram shows at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// How many took no longer than each end, the shorter ones included.
    pub up_to: [u64; BUCKETS_US.len()],
    /// How many there were.
    pub count: u64,
    /// How long all of them took together.
    pub sum_us: u64,
}

/// All that is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Writes to the log, from the first byte to the end of the sync.
    pub fsync: Histogram,
    /// Snapshots that were taken here, from the first byte to the end of the sync.
    pub snapshot_write: Histogram,
    /// Changes that were answered, from the moment at which they were taken on.
    pub proposal: Histogram,
    /// Reads that were answered, likewise.
    pub read: Histogram,
    /// How large the newest snapshot is that was taken or installed here.
    pub snapshot_bytes: AtomicU64,
}

impl Histogram {
    /// Something took so long.
    pub fn took(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let place = BUCKETS_US.partition_point(|end| *end < us);
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// What there is.
    pub fn show(&self) -> Shown {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let mut count = 0;
        let up_to = std::array::from_fn(|place| {
            count += counts[place];
            count
        });
        Shown { up_to, count: count + counts[BUCKETS_US.len()], sum_us: self.sum_us.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_took_no_longer() {
        let histogram = Histogram::default();
        for us in [0, 100, 101, 250, 9_999_999, 10_000_001] {
            histogram.took(Duration::from_micros(us));
        }
        let Shown { up_to, count, sum_us } = histogram.show();
        assert_eq!(up_to, [2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
        assert_eq!((count, sum_us), (6, 20_000_451));
    }
}
