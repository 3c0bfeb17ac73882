//! The operations that are open at a moment, by slot, and those that never returned and are open for ever, by class.

use super::config::Config;
use super::mask::Mask;
use super::ops::{Kind, NEVER, Op, ValueId};
use super::trail::{Likeness, likeness};
use crate::checker::linearizable::table::ClassId;
use rustc_hash::FxHashMap;

/// What is open at a moment.
#[derive(Clone)]
pub(super) struct Window<const W: usize> {
    /// The operation in each slot, and its index.
    ops: Vec<(Op, u32)>,
    free_slots: Vec<usize>,
    pub open: Mask<W>,
    /// Reads and comparisons.
    pub observers: Mask<W>,
    differ: Mask<W>,
    pub writes: Mask<W>,
    pub swaps: Mask<W>,
    /// What never returns, and was invoked after something that is open and will.
    pub doubtful: Mask<W>,
    /// Writes during which another write was invoked and returned.
    pub outlasting: Mask<W>,
    reads_of: Vec<Mask<W>>,
    differ_from: Vec<Mask<W>>,
    pub swaps_from: Vec<Mask<W>>,
    /// The writes that return, by return.
    pub by_return: Vec<usize>,
    /// Of each write, the writes of the same value that are used before it.
    pub sooner: Vec<Mask<W>>,
    pub old: Old,
}

/// What never returns and was invoked before everything that is open and will return.
#[derive(Clone, Default)]
pub(super) struct Old {
    ids: FxHashMap<Likeness, ClassId>,
    /// What each class does.
    pub does: Vec<Likeness>,
    /// How many there are of each class.
    counts: Vec<u32>,
    /// The values of old writes, with their classes.
    pub writes: Vec<(ValueId, ClassId)>,
    /// The same by value: a value has one class of writes.
    writes_of: FxHashMap<ValueId, ClassId>,
    /// Where old swaps lead to, with their classes.
    pub swaps_from: FxHashMap<ValueId, Vec<(ValueId, ClassId)>>,
    /// Where old swaps to a value lead from.
    swaps_to: FxHashMap<ValueId, Vec<ValueId>>,
    /// Whether a class, once there, is never used up.
    pub endless: bool,
}

impl Old {
    /// The class of an operation that never returned.
    pub fn class(&self, op: &Op) -> Option<ClassId> {
        self.ids.get(&likeness(op)).copied()
    }

    /// One more.
    fn add(&mut self, op: &Op) -> ClassId {
        let next = self.counts.len() as ClassId;
        let class = *self.ids.entry(likeness(op)).or_insert(next);
        if class == next {
            self.counts.push(0);
            self.does.push(likeness(op));
            match op.kind {
                Kind::Swap => {
                    self.swaps_from.entry(op.from).or_default().push((op.to, class));
                    self.swaps_to.entry(op.to).or_default().push(op.from);
                }
                _ => {
                    self.writes.push((op.to, class));
                    self.writes_of.insert(op.to, class);
                }
            }
        }
        self.counts[class as usize] += 1;
        class
    }

    /// The class of the writes of `value`, if there are any.
    pub fn write_of(&self, value: ValueId) -> Option<ClassId> {
        self.writes_of.get(&value).copied()
    }

    /// The values from which old swaps lead to `value`.
    pub fn leads_to(&self, value: ValueId) -> &[ValueId] {
        self.swaps_to.get(&value).map_or(&[], Vec::as_slice)
    }

    /// Whether there is one of `class` that `config` has not used.
    pub fn has<const W: usize>(&self, class: ClassId, config: &Config<W>) -> bool {
        self.endless || config.used.of(class) < self.counts[class as usize]
    }

    /// How many of `class` there are that `config` has not used.
    pub fn left<const W: usize>(&self, class: ClassId, config: &Config<W>) -> usize {
        if self.endless { usize::MAX } else { (self.counts[class as usize] - config.used.of(class)) as usize }
    }

    /// The swaps from `value` that `config` has not used.
    pub fn swaps<'a, const W: usize>(
        &'a self,
        value: ValueId,
        config: &'a Config<W>,
    ) -> impl Iterator<Item = (ValueId, ClassId)> + 'a {
        let from = if self.swaps_from.is_empty() { None } else { self.swaps_from.get(&value) };
        from.into_iter().flatten().copied().filter(|(_, class)| self.has(*class, config))
    }
}

impl<const W: usize> Window<W> {
    /// Nothing is open yet.
    pub fn new(values: usize, endless: bool) -> Window<W> {
        let none = || vec![Mask::EMPTY; values];
        Window {
            ops: Vec::new(),
            free_slots: Vec::new(),
            open: Mask::EMPTY,
            observers: Mask::EMPTY,
            differ: Mask::EMPTY,
            writes: Mask::EMPTY,
            swaps: Mask::EMPTY,
            doubtful: Mask::EMPTY,
            outlasting: Mask::EMPTY,
            reads_of: none(),
            differ_from: none(),
            swaps_from: none(),
            by_return: Vec::new(),
            sooner: Vec::new(),
            old: Old { endless, ..Old::default() },
        }
    }

    /// Makes room for so many values.
    pub fn make_room(&mut self, values: usize) {
        for of_value in [&mut self.reads_of, &mut self.differ_from, &mut self.swaps_from] {
            if of_value.len() < values {
                of_value.resize(values, Mask::EMPTY);
            }
        }
    }

    /// The same with masks of another width.
    pub fn widened<const V: usize>(&self) -> Window<V> {
        let to = |mask: &Mask<W>| mask.widened::<V>();
        let all = |masks: &[Mask<W>]| masks.iter().map(to).collect();
        Window {
            ops: self.ops.clone(),
            free_slots: self.free_slots.clone(),
            open: to(&self.open),
            observers: to(&self.observers),
            differ: to(&self.differ),
            writes: to(&self.writes),
            swaps: to(&self.swaps),
            doubtful: to(&self.doubtful),
            outlasting: to(&self.outlasting),
            reads_of: all(&self.reads_of),
            differ_from: all(&self.differ_from),
            swaps_from: all(&self.swaps_from),
            by_return: self.by_return.clone(),
            sooner: all(&self.sooner),
            old: self.old.clone(),
        }
    }

    /// Renumbers all values. Nothing may be old.
    pub fn renumber(&mut self, to: &mut impl FnMut(ValueId) -> ValueId) {
        for of_value in [&mut self.reads_of, &mut self.differ_from, &mut self.swaps_from] {
            *of_value = Vec::new();
        }
        for slot in self.open.iter() {
            let op = &mut self.ops[slot].0;
            (op.from, op.to) = (to(op.from), to(op.to));
            let Op { kind, from, to, .. } = *op;
            self.make_room(from.max(to) as usize + 1);
            match kind {
                Kind::Read => self.reads_of[from as usize].insert(slot),
                Kind::Differs => self.differ_from[from as usize].insert(slot),
                Kind::Swap => self.swaps_from[from as usize].insert(slot),
                Kind::Write => {}
            }
        }
    }

    /// The operation in a slot.
    pub fn op(&self, slot: usize) -> &Op {
        &self.ops[slot].0
    }

    /// Its index.
    pub fn index(&self, slot: usize) -> u32 {
        self.ops[slot].1
    }

    /// The open observers that accept `value`.
    pub fn served(&self, value: ValueId) -> Mask<W> {
        let reads = self.reads_of[value as usize];
        if self.differ.is_empty() { reads } else { reads | (self.differ - self.differ_from[value as usize]) }
    }

    /// Opens an operation; `None` if there are too many.
    pub fn invoke(&mut self, op: Op, index: u32, outlasts: bool) -> Option<usize> {
        let slot = match self.free_slots.pop() {
            Some(slot) => slot,
            None if self.ops.len() < Mask::<W>::SLOTS => {
                self.ops.push((op, index));
                self.sooner.push(Mask::EMPTY);
                self.ops.len() - 1
            }
            None => return None,
        };
        self.ops[slot] = (op, index);
        self.open.insert(slot);
        if !op.must() {
            self.doubtful.insert(slot);
        }
        match op.kind {
            Kind::Read => self.reads_of[op.from as usize].insert(slot),
            Kind::Differs => {
                self.differ.insert(slot);
                self.differ_from[op.from as usize].insert(slot);
            }
            Kind::Write => self.invoke_write(slot, outlasts),
            Kind::Swap => {
                self.swaps.insert(slot);
                self.swaps_from[op.from as usize].insert(slot);
            }
        }
        if op.observes() {
            self.observers.insert(slot);
        }
        Some(slot)
    }

    fn invoke_write(&mut self, slot: usize, outlasts: bool) {
        let op = *self.op(slot);
        if op.must() {
            let at = self.by_return.partition_point(|other| self.op(*other).ret < op.ret);
            self.by_return.insert(at, slot);
        }
        if outlasts {
            self.outlasting.insert(slot);
        }
        self.sooner[slot] = Mask::EMPTY;
        for other in self.writes.iter() {
            if self.op(other).to != op.to {
                continue;
            }
            if use_order(self.op(other)) < use_order(&op) {
                self.sooner[slot].insert(other);
            } else {
                self.sooner[other].insert(slot);
            }
        }
        self.writes.insert(slot);
    }

    /// Closes a slot.
    fn close(&mut self, slot: usize) {
        let op = *self.op(slot);
        for mask in [&mut self.open, &mut self.observers, &mut self.differ, &mut self.writes, &mut self.swaps] {
            mask.remove(slot);
        }
        self.doubtful.remove(slot);
        self.outlasting.remove(slot);
        match op.kind {
            Kind::Read => self.reads_of[op.from as usize].remove(slot),
            Kind::Differs => self.differ_from[op.from as usize].remove(slot),
            Kind::Swap => self.swaps_from[op.from as usize].remove(slot),
            Kind::Write => {
                self.by_return.retain(|other| *other != slot);
                self.sooner.iter_mut().for_each(|sooner| sooner.remove(slot));
            }
        }
        self.free_slots.push(slot);
    }

    /// An operation returned: nothing is left to be said about it.
    pub fn ret(&mut self, slot: usize) {
        self.close(slot);
    }

    /// An operation that never returns is old now, and counts as one of its class.
    pub fn grow_old(&mut self, slot: usize) -> ClassId {
        self.close(slot);
        let op = *self.op(slot);
        self.old.add(&op)
    }

    /// An operation that never returns, of which there are enough for ever.
    pub fn supply(&mut self, op: &Op) {
        self.old.add(op);
    }

    /// Roughly how many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        3 * self.reads_of.len() * size_of::<Mask<W>>()
    }

    /// The least invocation of all that is open and will return.
    pub fn first_invocation(&self) -> u32 {
        (self.open - self.doubtful).iter().map(|slot| self.op(slot).inv).min().unwrap_or(NEVER)
    }

    /// The writes out of `eligible` that come into question: of each value the one that is used first.
    pub fn usable(&self, eligible: Mask<W>, done: Mask<W>) -> impl Iterator<Item = usize> {
        let unused = (self.writes & eligible) - done;
        unused.iter().filter(move |slot| !self.sooner[*slot].meets(unused))
    }
}

/// Of two open writes of one value that could both stand at a place, the lesser is used there.
///
/// Exact: let a legal order that goes on from here use the greater at this place, and the other later or never. Both
/// can stand here, so that the two can change places if the greater may stand where the other stood. That is
/// later than here: at the end, or in a strand of writes and swaps inserted somewhere, which can as well be inserted at
/// the latest boundary there is (see [`frontier`](super::frontier)), where both may stand. And in time: one that returns
/// comes before one that returns later, and before one that need never be used. Of those that never return the one
/// invoked last goes first: what is invoked earlier can stand wherever the other can.
fn use_order(op: &Op) -> (u32, u32) {
    if op.must() { (op.ret, 0) } else { (NEVER, NEVER - op.inv) }
}
