//! Sets of elements by number, a bit an element.

/// A set of numbers below some size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// None of `size` numbers.
    pub fn none(size: usize) -> Bits {
        Bits(vec![0; size.div_ceil(64)])
    }

    /// The first `count` of `size` numbers.
    pub fn first(count: usize, size: usize) -> Bits {
        let mut bits = Bits::none(size);
        for (place, word) in bits.0.iter_mut().enumerate() {
            *word = match count.saturating_sub(place * 64) {
                0 => 0,
                left @ 1..64 => (1 << left) - 1,
                _ => u64::MAX,
            };
        }
        bits
    }

    /// How many bytes such a set takes.
    pub fn bytes(size: usize) -> usize {
        size.div_ceil(64) * 8 + size_of::<Bits>()
    }

    /// Puts a number in; whether it was not in before.
    pub fn insert(&mut self, number: usize) -> bool {
        let (word, bit) = (&mut self.0[number / 64], 1 << (number % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether a number is in.
    pub fn contains(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    /// Puts all of `other` in.
    pub fn extend(&mut self, other: &Bits) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// What is in here and not in `other`.
    pub fn without(&self, other: &Bits) -> Bits {
        Bits(self.0.iter().zip(&other.0).map(|(mine, theirs)| mine & !theirs).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(place * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn bits_are_sets_of_numbers() {
        for size in [0, 1, 63, 64, 65, 200] {
            for count in 0..=size {
                let first = Bits::first(count, size);
                assert_eq!(first.iter().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
                assert_eq!(first.len(), count);
            }
        }
        let of = |numbers: &[usize]| {
            let mut bits = Bits::none(130);
            numbers.iter().for_each(|number| assert!(bits.insert(*number) && !bits.insert(*number)));
            bits
        };
        let (one, other) = (of(&[0, 63, 64, 129]), of(&[63, 100]));
        assert_eq!(one.without(&other).iter().collect::<BTreeSet<_>>(), BTreeSet::from([0, 64, 129]));
        let mut both = other.clone();
        both.extend(&one);
        assert_eq!(both, of(&[0, 63, 64, 100, 129]));
        assert!(one.contains(129) && !one.contains(100));
    }
}
