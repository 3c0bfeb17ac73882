//! A fixed set of slots, as bits.

use std::ops::{BitAnd, BitOr, BitOrAssign, Sub, SubAssign};

/// A set of numbers below 64 times `W`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Mask<const W: usize>([u64; W]);

impl<const W: usize> Mask<W> {
    /// How many numbers there are.
    pub const SLOTS: usize = 64 * W;

    /// Nothing.
    pub const EMPTY: Mask<W> = Mask([0; W]);

    /// Whether `slot` is in the set.
    pub fn contains(&self, slot: usize) -> bool {
        self.0[slot / 64] >> (slot % 64) & 1 == 1
    }

    /// Puts `slot` into the set.
    pub fn insert(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    /// Takes `slot` out of the set.
    pub fn remove(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether something is in both sets.
    pub fn meets(&self, other: Mask<W>) -> bool {
        !(*self & other).is_empty()
    }

    /// Whether all of it is in `other`.
    pub fn is_within(&self, other: Mask<W>) -> bool {
        (*self - other).is_empty()
    }

    /// How many are in the set.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The same set with more room.
    pub fn widened<const V: usize>(&self) -> Mask<V> {
        Mask(std::array::from_fn(|at| self.0.get(at).copied().unwrap_or(0)))
    }

    /// The slots, least first.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let slot = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(64 * at + slot)
            })
        })
    }
}

impl<const W: usize> BitAnd for Mask<W> {
    type Output = Mask<W>;

    fn bitand(self, other: Mask<W>) -> Mask<W> {
        Mask(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }
}

impl<const W: usize> BitOr for Mask<W> {
    type Output = Mask<W>;

    fn bitor(self, other: Mask<W>) -> Mask<W> {
        Mask(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }
}

impl<const W: usize> Sub for Mask<W> {
    type Output = Mask<W>;

    fn sub(self, other: Mask<W>) -> Mask<W> {
        Mask(std::array::from_fn(|at| self.0[at] & !other.0[at]))
    }
}

impl<const W: usize> BitOrAssign for Mask<W> {
    fn bitor_assign(&mut self, other: Mask<W>) {
        *self = *self | other;
    }
}

impl<const W: usize> SubAssign for Mask<W> {
    fn sub_assign(&mut self, other: Mask<W>) {
        *self = *self - other;
    }
}
