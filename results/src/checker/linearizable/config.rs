//! A configuration: what a legal order of everything that returned so far can have led to.

use super::table::{ClassId, StateId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// A set of small numbers that grows. Trailing empty words are cut, so that equal sets compare and hash equal.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SlotSet(SmallVec<[u64; 2]>);

/// Without going through it word by word.
impl Clone for SlotSet {
    fn clone(&self) -> SlotSet {
        SlotSet(SmallVec::from_slice(&self.0))
    }
}

impl SlotSet {
    /// Whether `slot` is in the set.
    pub fn contains(&self, slot: usize) -> bool {
        self.0.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Puts `slot` into the set.
    pub fn insert(&mut self, slot: usize) {
        if self.0.len() <= slot / 64 {
            self.0.resize(slot / 64 + 1, 0);
        }
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    /// Takes `slot` out of the set.
    pub fn remove(&mut self, slot: usize) {
        if let Some(word) = self.0.get_mut(slot / 64) {
            *word &= !(1 << (slot % 64));
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// How many are in the set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn spilled_bytes(&self) -> usize {
        if self.0.spilled() { self.0.capacity() * 8 } else { 0 }
    }
}

/// How many of the operations without a return were used, class by class, sorted by class.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Used(SmallVec<[(ClassId, u32); 2]>);

/// Without going through it class by class.
impl Clone for Used {
    fn clone(&self) -> Used {
        Used(SmallVec::from_slice(&self.0))
    }
}

impl Used {
    /// How many of `class` were used.
    pub fn of(&self, class: ClassId) -> u32 {
        self.0.binary_search_by_key(&class, |(class, _)| *class).map_or(0, |at| self.0[at].1)
    }

    /// Uses one more of `class`.
    pub fn add(&mut self, class: ClassId) {
        match self.0.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(at) => self.0[at].1 += 1,
            Err(at) => self.0.insert(at, (class, 1)),
        }
    }

    /// Gives the classes other numbers.
    pub fn renumber(&mut self, to: impl Fn(ClassId) -> ClassId) {
        self.0.iter_mut().for_each(|(class, _)| *class = to(*class));
        self.0.sort_unstable();
    }

    /// How many were used in all.
    pub fn total(&self) -> usize {
        self.0.iter().map(|(_, count)| *count as usize).sum()
    }

    /// Whether no class was used more often than in `other`.
    pub fn is_within(&self, other: &Used) -> bool {
        self.0.iter().all(|(class, count)| *count <= other.of(*class))
    }

    fn spilled_bytes(&self) -> usize {
        if self.0.spilled() { self.0.capacity() * size_of::<(ClassId, u32)>() } else { 0 }
    }
}

/// The place of a configuration in the trail of orders; see [`Trail`].
pub(super) type TrailId = u32;

/// What a legal order of everything that returned so far can have led to.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// The state after it.
    pub state: StateId,
    /// Which of the operations that are open, and will return, it holds; by slot.
    pub done: SlotSet,
    /// Which of the operations that never return it holds.
    pub used: Used,
    /// The order itself, if orders are kept.
    pub trail: TrailId,
}

impl Config {
    /// Roughly how many bytes one configuration takes in a list, which may be half empty.
    pub fn held_bytes(&self) -> usize {
        2 * size_of::<Config>() + self.done.spilled_bytes() + self.used.spilled_bytes()
    }

    /// Roughly how many bytes one configuration takes in an [`Antichain`], which may be half empty and, while it grows,
    /// exists twice.
    pub fn held_in_antichain_bytes(&self) -> usize {
        let place = size_of::<((StateId, SlotSet), SmallVec<[Used; 1]>)>() + 1;
        3 * place + self.done.spilled_bytes() + self.used.spilled_bytes()
    }
}

/// The orders that led to configurations, as links from each placed entry to the one before.
#[derive(Debug, Default)]
pub(super) struct Trail {
    links: Vec<(u32, TrailId)>,
    /// How many links were left when some were last settled.
    left: usize,
}

impl Trail {
    /// The empty order.
    pub const START: TrailId = TrailId::MAX;

    /// The order `before`, and then `entry`.
    pub fn push(&mut self, before: TrailId, entry: usize) -> TrailId {
        self.links.push((entry as u32, before));
        (self.links.len() - 1) as TrailId
    }

    /// The order of `end`, oldest first.
    pub fn order(&self, end: TrailId) -> Vec<usize> {
        let mut at = end;
        let mut order: Vec<usize> = std::iter::from_fn(|| {
            let (entry, before) = *self.links.get(at as usize)?;
            at = before;
            Some(entry as usize)
        })
        .collect();
        order.reverse();
        order
    }

    /// Whether it is worth the while to settle something: more than `spare` links piled up.
    pub fn is_full(&self, spare: usize) -> bool {
        self.links.len() > 2 * self.left + spare
    }

    /// Takes out the entries that the orders of all `ends` begin with, and all links that lead to none of them. Tells
    /// where the others are now.
    pub fn settle(&mut self, ends: &[TrailId], over: bool) -> (Vec<u32>, Vec<TrailId>) {
        // How many of the ends each link leads to; a link is older than what follows it.
        let mut leads_to = vec![0_u32; self.links.len()];
        ends.iter().filter(|end| **end != Trail::START).for_each(|end| leads_to[*end as usize] += 1);
        for at in (0..self.links.len()).rev() {
            let before = self.links[at].1;
            if before != Trail::START {
                leads_to[before as usize] += leads_to[at];
            }
        }
        let (mut settled, mut moved, mut links) = (Vec::new(), vec![Trail::START; self.links.len()], Vec::new());
        for (at, (entry, before)) in self.links.iter().enumerate() {
            match leads_to[at] {
                0 => {}
                count if over || count as usize == ends.len() => settled.push(*entry),
                _ => {
                    let before = if *before == Trail::START { Trail::START } else { moved[*before as usize] };
                    moved[at] = links.len() as TrailId;
                    links.push((*entry, before));
                }
            }
        }
        self.left = links.len();
        self.links = links;
        (settled, moved)
    }

    /// How many bytes the trail holds.
    pub fn held_bytes(&self) -> usize {
        self.links.capacity() * size_of::<(u32, TrailId)>()
    }
}

/// Configurations of which none can do all that another can.
///
/// A configuration can do all that another can if both have the same state and the same operations done, and it used no
/// operation without a return more often: whatever the other does next it can do as well, with the same operations, as
/// those that it did not use are still open and never have to be. The condition "same operations done" cannot go: one
/// that did *less* still has obligations, as in `w1 = [0, 9]`, `w2 = [0, 9]`, read 2 in `[10, 11]`, where {w2} at state
/// 2 must still place w1 and then cannot be at 2 any more, unlike {w1, w2}.
#[derive(Debug, Default)]
pub(super) struct Antichain {
    least: FxHashMap<(StateId, SlotSet), SmallVec<[Used; 1]>>,
    /// Where only equal ones are left out.
    met: FxHashSet<(StateId, SlotSet, Used)>,
}

impl Antichain {
    /// Takes a configuration in, unless one is there that can do all that it can. Those that used fewer have to come
    /// first: what is there is never taken out again.
    pub fn insert(&mut self, config: &Config, dominance: bool) -> bool {
        if !dominance {
            return self.met.insert((config.state, config.done.clone(), config.used.clone()));
        }
        let there = self.least.entry((config.state, config.done.clone())).or_default();
        if there.iter().any(|least| least.is_within(&config.used)) {
            return false;
        }
        there.push(config.used.clone());
        true
    }
}
