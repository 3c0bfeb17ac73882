//! A configuration: a legal order of all that returned so far, as far as it matters to what may come.

use super::mask::Mask;
use super::ops::ValueId;
use super::trail::{NodeId, START};
use crate::checker::linearizable::config::Used;
use smallvec::SmallVec;
use std::cmp::Reverse;

/// A place in the order just before a write, where a value stands that the write overwrites: swaps from it may still be
/// inserted there, as long as a write follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<const W: usize> {
    pub value: ValueId,
    /// The open swaps and observers that were invoked early enough to stand there, as far as they can be of use.
    pub mask: Mask<W>,
    /// The last change before the place.
    pub after: NodeId,
    /// The moment of the write that follows.
    pub moment: u32,
}

/// By value, and of one value those first that can hold more.
pub(super) fn sort<const W: usize>(tokens: &mut [Token<W>]) {
    tokens.sort_unstable_by_key(|token| (token.value, Reverse(token.mask.len()), token.mask));
}

/// Value, operations done, free ones, tokens, doubtful ones used.
pub(super) type Key<const W: usize> = (ValueId, Mask<W>, Mask<W>, SmallVec<[(ValueId, Mask<W>); 2]>, Used);

/// What a legal order of everything that returned so far can have led to.
#[derive(Debug)]
pub(super) struct Config<const W: usize> {
    /// The value at its end.
    pub value: ValueId,
    /// Which of the open operations it holds.
    pub done: Mask<W>,
    /// Which of the others were invoked before the last write at its end took effect, and so may still be inserted just
    /// before that write: the *boundary*.
    pub free: Mask<W>,
    pub tokens: SmallVec<[Token<W>; 2]>,
    /// How many of the old operations that never return it holds, by class.
    pub used: Used,
    /// The write at the boundary.
    pub boundary: NodeId,
    /// Its moment.
    pub boundary_moment: u32,
    /// The last change.
    pub last: NodeId,
    /// All changes.
    pub trail: NodeId,
}

/// Without going through the tokens one by one: most of the time of a search goes into copies.
impl<const W: usize> Clone for Config<W> {
    fn clone(&self) -> Config<W> {
        Config { tokens: SmallVec::from_slice(&self.tokens), used: self.used.clone(), ..*self }
    }
}

impl<const W: usize> Config<W> {
    /// Before everything.
    pub fn start(value: ValueId) -> Config<W> {
        Config {
            value,
            done: Mask::EMPTY,
            free: Mask::EMPTY,
            tokens: SmallVec::new(),
            used: Used::default(),
            boundary: START,
            boundary_moment: 0,
            last: START,
            trail: START,
        }
    }

    /// The same with masks of another width.
    pub fn with_masks<const V: usize>(&self, to: impl Fn(&Mask<W>) -> Mask<V>) -> Config<V> {
        let token = |token: &Token<W>| Token {
            value: token.value,
            mask: to(&token.mask),
            after: token.after,
            moment: token.moment,
        };
        Config {
            value: self.value,
            done: to(&self.done),
            free: to(&self.free),
            tokens: self.tokens.iter().map(token).collect(),
            used: self.used.clone(),
            boundary: self.boundary,
            boundary_moment: self.boundary_moment,
            last: self.last,
            trail: self.trail,
        }
    }

    /// Forgets a slot, which is closed.
    pub fn forget(&mut self, slot: usize) {
        self.done.remove(slot);
        self.free.remove(slot);
        self.tokens.iter_mut().for_each(|token| token.mask.remove(slot));
    }

    /// How many operations that never return it holds.
    pub fn doubtful_used(&self, doubtful: Mask<W>) -> u32 {
        self.used.total() as u32 + (self.done & doubtful).len()
    }

    /// What it is compared by: configurations with equal keys can do the same.
    pub fn key(&self) -> Key<W> {
        let tokens = self.tokens.iter().map(|token| (token.value, token.mask)).collect();
        (self.value, self.done, self.free, tokens, self.used.clone())
    }

    /// Renumbers what it refers to in the trail.
    pub fn moved(&mut self, moved: &[NodeId]) {
        let to = |node: NodeId| if node == START { START } else { moved[node as usize] };
        (self.boundary, self.last, self.trail) = (to(self.boundary), to(self.last), to(self.trail));
        self.tokens.iter_mut().for_each(|token| token.after = to(token.after));
    }
}
