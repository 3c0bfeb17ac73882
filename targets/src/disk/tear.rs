//! What is left of a write that the power cut in half.
//!
//! Disks write whole sectors of 512 bytes, in any order. Where the file was that long before, any sectors of the write may
//! be there. What it appended depends on the model:
//!
//! - `ext4-ordered`: blocks of 4096 bytes that the file did not have are written before its length tells of them, so the
//!   length ends at a block, and all before it is there. A block that it had already is not waited for: where the file
//!   ended within one, the length may tell of sectors that were never written and read as zeros.
//! - `posix`: nothing is said. Any length, and any sectors below it, the others zeros.
//!
//! Pure, and drawn from a generator.

use super::Model;
use super::ranges::Ranges;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

const SECTOR: u64 = 512;
const BLOCK: u64 = 4_096;

/// What is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    /// How long the file is.
    pub length: u64,
    /// The bytes of the write that are there.
    pub bytes: Ranges,
}

/// Tears `write`, the last to a file that is `disk_len` long on the disk.
pub(super) fn tear(model: Model, disk_len: u64, write: Range<u64>, rng: &mut ChaCha8Rng) -> Left {
    let mut bytes = Ranges::default();
    sectors(write.start..write.end.min(disk_len), &mut bytes, rng);
    if write.end <= disk_len {
        return Left { length: disk_len, bytes };
    }
    let appended = disk_len..write.end;
    let length = match model {
        Model::Posix => rng.random_range(appended.start..=appended.end),
        Model::Ext4Ordered => ordered_length(&appended, rng),
    };
    match model {
        Model::Ext4Ordered if length > next_block(disk_len).min(write.end) => bytes.add(disk_len..length),
        Model::Ext4Ordered | Model::Posix => sectors(disk_len..length, &mut bytes, rng),
    }
    Left { length, bytes }
}

/// Where the file may end when this is appended: where it did, within the block that it had, or at a block.
fn ordered_length(appended: &Range<u64>, rng: &mut ChaCha8Rng) -> u64 {
    let first = next_block(appended.start);
    let mut lengths = vec![appended.start];
    if first > appended.start {
        lengths.push(first.min(appended.end));
    }
    let blocks = appended.end.saturating_sub(first + 1) / BLOCK;
    match rng.random_range(0..lengths.len() as u64 + blocks) {
        place if place < lengths.len() as u64 => lengths[place as usize],
        place => first + (place - lengths.len() as u64 + 1) * BLOCK,
    }
}

/// The end of the block that the byte before `at` lies in.
fn next_block(at: u64) -> u64 {
    at.next_multiple_of(BLOCK)
}

/// Draws for every sector of `range` whether it was written.
fn sectors(range: Range<u64>, written: &mut Ranges, rng: &mut ChaCha8Rng) {
    let mut at = range.start;
    while at < range.end {
        let end = (at / SECTOR + 1) * SECTOR;
        if rng.random() {
            written.add(at..end.min(range.end));
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::BTreeSet;

    /// All that can be left of a write, as lengths and bytes.
    fn left(model: Model, disk_len: u64, write: Range<u64>) -> BTreeSet<(u64, Vec<(u64, u64)>)> {
        let drawn = (0..2_000).map(|seed| {
            let left = tear(model, disk_len, write.clone(), &mut ChaCha8Rng::seed_from_u64(seed));
            (left.length, left.bytes.iter().map(|range| (range.start, range.end)).collect())
        });
        drawn.collect()
    }

    #[test]
    fn what_was_there_before_keeps_its_length_and_loses_any_sectors() {
        for model in [Model::Ext4Ordered, Model::Posix] {
            let expected = [vec![], vec![(100, 512)], vec![(512, 700)], vec![(100, 700)]].map(|bytes| (9_000, bytes));
            assert_eq!(left(model, 9_000, 100..700), BTreeSet::from(expected));
        }
    }

    #[test]
    fn new_blocks_are_there_before_the_length_tells_of_them() {
        let expected = [(0, vec![]), (4_096, vec![(0, 4_096)]), (8_192, vec![(0, 8_192)])];
        assert_eq!(left(Model::Ext4Ordered, 0, 0..9_000), BTreeSet::from(expected));
        assert_eq!(left(Model::Ext4Ordered, 0, 0..4_096), BTreeSet::from([(0, vec![])]), "all or nothing is no tear");
    }

    #[test]
    fn within_a_block_that_was_there_the_length_may_tell_of_zeros() {
        let all = left(Model::Ext4Ordered, 100, 100..700);
        let expected = [vec![], vec![(100, 512)], vec![(512, 700)], vec![(100, 700)]].map(|bytes| (700, bytes));
        assert_eq!(all, expected.into_iter().chain([(100, vec![])]).collect());
    }

    #[test]
    fn posix_says_nothing_of_what_was_appended() {
        let all = left(Model::Posix, 100, 100..1_100);
        assert!(all.iter().all(|(length, _)| (100..=1_100).contains(length)));
        assert!(all.iter().any(|(length, bytes)| *length > 1_024 && bytes.iter().all(|range| range.0 >= 1_024)));
        assert!(all.iter().map(|(length, _)| length).collect::<BTreeSet<_>>().len() > 500);
    }
}
