//! Which bytes of a file: ranges that neither overlap nor touch.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    /// The end of each range by its start.
    ends: BTreeMap<u64, u64>,
}

impl Ranges {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.iter().map(|range| range.end - range.start).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ends.iter().map(|(start, end)| *start..*end)
    }

    pub(super) fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start, range.end);
        let touching: Vec<u64> =
            self.ends.range(..=end).rev().take_while(|(_, end)| **end >= start).map(|(start, _)| *start).collect();
        for old in touching {
            end = end.max(self.ends.remove(&old).unwrap_or(old));
            start = start.min(old);
        }
        self.ends.insert(start, end);
    }

    pub(super) fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let hit: Vec<(u64, u64)> = self
            .ends
            .range(..range.end)
            .rev()
            .take_while(|(_, end)| **end > range.start)
            .map(|(start, end)| (*start, *end))
            .collect();
        for (start, end) in hit {
            self.ends.remove(&start);
            if start < range.start {
                self.ends.insert(start, range.start);
            }
            if end > range.end {
                self.ends.insert(range.end, end);
            }
        }
    }

    /// The parts of `range` that are in the set.
    pub(super) fn within(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let hit = self.iter().filter(|one| one.start < range.end && one.end > range.start);
        hit.map(|one| one.start.max(range.start)..one.end.min(range.end)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn it_is_the_set_of_its_bytes() {
        for seed in 0..500 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (mut ranges, mut bytes) = (Ranges::default(), [false; 64]);
            for _ in 0..rng.random_range(0..30) {
                let (start, length) = (rng.random_range(0..40_u64), rng.random_range(0..12));
                let is_added = rng.random();
                bytes[start as usize..(start + length) as usize].fill(is_added);
                if is_added { ranges.add(start..start + length) } else { ranges.remove(start..start + length) }
            }
            let told: Vec<Range<u64>> = ranges.iter().collect();
            assert!(told.windows(2).all(|pair| pair[0].end < pair[1].start), "seed {seed}: {told:?}");
            let holds = |ranges: &[Range<u64>]| -> Vec<bool> {
                (0..64).map(|at| ranges.iter().any(|range| range.contains(&at))).collect()
            };
            assert_eq!(holds(&told), bytes, "seed {seed}");
            assert_eq!(ranges.bytes(), bytes.iter().filter(|byte| **byte).count() as u64);
            let window = rng.random_range(0..40_u64)..rng.random_range(40..60);
            let expected: Vec<bool> = (0..64).map(|at| bytes[at as usize] && window.contains(&at)).collect();
            assert_eq!(holds(&ranges.within(window)), expected, "seed {seed}");
        }
    }
}
