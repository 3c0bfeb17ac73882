//! The bytes that the disk still has where a file has others by now.

use std::collections::BTreeMap;
use std::ops::Range;

/// Some bytes. Most of what is overwritten was never written before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    Zeros(u64),
}

impl Piece {
    /// The piece that holds these bytes.
    pub(super) fn of(bytes: Vec<u8>) -> Piece {
        if bytes.iter().all(|byte| *byte == 0) { Piece::Zeros(bytes.len() as u64) } else { Piece::Bytes(bytes) }
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::Zeros(length) => *length,
        }
    }

    /// At most so many bytes from its beginning.
    pub(super) fn first(&self, bytes: u64) -> Piece {
        self.part(0, bytes.min(self.length()))
    }

    /// The part from `from` to `to`, counted from the beginning of the piece.
    fn part(&self, from: u64, to: u64) -> Piece {
        match self {
            Piece::Bytes(bytes) => Piece::Bytes(bytes[from as usize..to as usize].to_vec()),
            Piece::Zeros(_) => Piece::Zeros(to - from),
        }
    }
}

/// Pieces of a file by their offset; they do not overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pieces: BTreeMap<u64, Piece>,
}

impl Kept {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Piece)> {
        self.pieces.iter().map(|(at, piece)| (*at, piece))
    }

    /// The parts of `range` of which nothing is kept.
    pub(super) fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let (mut gaps, mut at) = (Vec::new(), range.start);
        for (start, end) in self.hit(&range) {
            if start > at {
                gaps.push(at..start);
            }
            at = at.max(end);
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }

    /// Keeps a piece, in place of whatever was kept there.
    pub(super) fn put(&mut self, at: u64, piece: Piece) {
        let length = piece.length();
        self.remove(at..at + length);
        if length > 0 {
            self.pieces.insert(at, piece);
        }
    }

    pub(super) fn remove(&mut self, range: Range<u64>) {
        for (start, end) in self.hit(&range) {
            let Some(piece) = self.pieces.remove(&start) else { continue };
            if start < range.start {
                self.pieces.insert(start, piece.part(0, range.start - start));
            }
            if end > range.end {
                self.pieces.insert(range.end, piece.part(range.end - start, end - start));
            }
        }
    }

    /// Start and end of the pieces that share a byte with `range`, in their order.
    fn hit(&self, range: &Range<u64>) -> Vec<(u64, u64)> {
        if range.is_empty() {
            return Vec::new();
        }
        let before = self.pieces.range(..range.end).rev().map(|(start, piece)| (*start, start + piece.length()));
        let mut hit: Vec<(u64, u64)> = before.take_while(|(_, end)| *end > range.start).collect();
        hit.reverse();
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn it_is_a_file_with_holes() {
        for seed in 0..500 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let (mut kept, mut bytes) = (Kept::default(), [None; 64]);
            for _ in 0..rng.random_range(0..30) {
                let (start, length) = (rng.random_range(0..40_u64), rng.random_range(0..12));
                let written = Some(rng.random_range(0..3_u8)).filter(|_| rng.random_ratio(3, 4));
                bytes[start as usize..(start + length) as usize].fill(written);
                match written {
                    Some(byte) => kept.put(start, Piece::of(vec![byte; length as usize])),
                    None => kept.remove(start..start + length),
                }
            }
            let mut told = [None; 64];
            for (at, piece) in kept.iter() {
                for place in at..at + piece.length() {
                    assert_eq!(told[place as usize], None, "seed {seed}: two pieces share a byte");
                    told[place as usize] = Some(match piece {
                        Piece::Bytes(bytes) => bytes[(place - at) as usize],
                        Piece::Zeros(_) => 0,
                    });
                }
            }
            assert_eq!(told, bytes, "seed {seed}");
            let gaps = kept.gaps(5..50);
            for at in 0..64 {
                let is_gap = (5..50).contains(&at) && bytes[at as usize].is_none();
                assert_eq!(gaps.iter().any(|gap| gap.contains(&at)), is_gap, "seed {seed}, byte {at}");
            }
        }
    }
}
