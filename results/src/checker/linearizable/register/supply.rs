//! A contradiction by counting: a value has to come back more often than somebody can have brought it back.
//!
//! Passes that look for an order are at a loss where operations that never returned could explain each strange read, but not
//! all of them: an endless supply explains them all, and to count them exactly makes the frontier explode. Counting them
//! value by value is a matching of *spells* with *sources*, and decides most of these cases in the time of sorting.
//!
//! - An operation *shows* the value `v` if it returned and found `v`: at some moment between its invocation and its return
//!   the value is `v`.
//! - It *separates* `v` if it returned and found or left another value, or found that the value is not `v`: at some moment
//!   between its invocation and its return, or right before or after its effect, the value is not `v`.
//! - It is a *source* of `v` if it leaves `v`, and may take effect.
//!
//! Walk through what shows `v` by its return. Let `d` be such an operation, `lower(d)` the last invocation of all that
//! separates `v` and returned before `d` was invoked, and `c` the one at which the last spell was counted. If `lower(d)` comes
//! after the return of `c`, then `c`, some separator `o` and `d` follow each other in time. So between their moments the
//! value was `v`, not `v`, and `v` again: after the moment of `o`, which is no earlier than `lower(d)`, and before that of
//! `d`, some source of `v` took effect: a new spell. The one of an earlier spell took effect before the moment of an earlier
//! `d`, so it is another one. A source that can have served this spell was invoked before `d` returned, and did not return
//! before `lower(d)`. From spell to spell both limits only grow, so whoever takes, of the sources that can serve, the one
//! that returns first finds a source for each spell if that is possible at all (Glover, "Maximum matching in a convex bipartite
//! graph", 1967). If a spell is left without, there is no legal order from the return of its `d` on. Nor is there if `d`,
//! whatever spell it belongs to, comes after a separator and every source so far had returned before `lower(d)`.
//!
//! That a source of another kind than a write has a demand of its own is left aside, and so is all that values have to do with
//! each other: that every spell finds a source proves nothing.

use super::ops::{Event, Kind, NEVER, Op, Ops, START_VALUE, ValueId};
use crate::checker::linearizable::meter::{Meter, Stop};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No value.
const NONE: ValueId = ValueId::MAX;

/// How many sources of a value pile up before those are looked for that are over.
const MANY: usize = 64;

/// Counts the spells of each value and their sources while operations are invoked and return.
#[derive(Clone)]
pub(super) struct Supply {
    values: Vec<Spells>,
    separators: Separators,
    /// What is open and has to take effect, by index, with the last invocation that separates what it found when it began.
    open: FxHashMap<u32, (Op, u32)>,
    /// If the counting began midway: the returns of what was open then.
    open_at_start: Option<Vec<u32>>,
    /// How many sources are held for all values together.
    held: usize,
}

/// What is known of one value.
#[derive(Clone)]
struct Spells {
    /// The return of that at which the last spell was counted.
    last: Option<u32>,
    /// The returns of sources that no spell took.
    sources: BinaryHeap<Reverse<u32>>,
    /// How many sources never return.
    endless: u32,
    /// The last return of all sources so far.
    latest: u32,
    /// How many sources may pile up before those are looked for that are over.
    most: usize,
    /// The last invocation of what returned and found that the value is another.
    differs: u32,
    /// Whether what was open when the counting began is among the sources.
    has_start: bool,
}

/// The last invocation of what returned and met a value: of all, with the only value that it met, or [`NONE`] if it met two;
/// and of those that met something else than just that value.
#[derive(Clone, Copy)]
struct Separators {
    last: (u32, ValueId),
    other: u32,
}

impl Separators {
    fn take(&mut self, op: &Op) {
        let only = if op.from == op.to { op.from } else { NONE };
        if only == self.last.1 {
            self.last.0 = self.last.0.max(op.inv);
        } else if op.inv > self.last.0 {
            (self.other, self.last) = (self.last.0, (op.inv, only));
        } else {
            self.other = self.other.max(op.inv);
        }
    }

    /// The last invocation of those that separate `value`; 0 if there is none.
    fn of(&self, value: ValueId) -> u32 {
        if self.last.1 == value { self.other } else { self.last.0 }
    }
}

/// The first operation at whose return some spell lacks a source; none if none does.
pub(super) fn lacking(ops: &Ops, meter: &mut Meter) -> Result<Option<u32>, Stop> {
    let mut supply = Supply::new();
    for (moment, event) in (1..).zip(ops.events.iter()) {
        match event {
            Event::Invoke(index) => supply.invoke(ops.all[index as usize], index, ops.values),
            Event::Return(index) if !supply.ret(index, moment) => return Ok(Some(index)),
            Event::Return(_) => meter.tick(|| ops.held_bytes() + supply.held_bytes())?,
        }
    }
    Ok(None)
}

impl Supply {
    /// At the beginning of a history.
    pub fn new() -> Supply {
        let separators = Separators { last: (0, NONE), other: 0 };
        let mut supply =
            Supply { values: Vec::new(), separators, open: FxHashMap::default(), open_at_start: None, held: 0 };
        supply.make_room(START_VALUE as usize + 1);
        supply.values[START_VALUE as usize].last = Some(0);
        supply
    }

    /// In the middle of a history, before an invocation: any value may be there, and what is open, of which the returns
    /// are given, may leave any value. Only what is invoked from now on is to be told.
    pub fn midway(open: Vec<u32>) -> Supply {
        Supply { open_at_start: Some(open), values: Vec::new(), ..Supply::new() }
    }

    fn make_room(&mut self, values: usize) {
        let last = self.open_at_start.is_some().then_some(0);
        let unknown = Spells {
            last,
            sources: BinaryHeap::new(),
            endless: 0,
            latest: self.open_at_start.iter().flatten().copied().max().unwrap_or(0),
            most: MANY,
            differs: 0,
            has_start: self.open_at_start.is_none(),
        };
        if values > self.values.len() {
            self.values.resize(values, unknown);
        }
    }

    /// An operation is invoked; there are so many values. Whatever can be left out because others imply it may be.
    pub fn invoke(&mut self, op: Op, index: u32, values: usize) {
        self.make_room(values);
        if matches!(op.kind, Kind::Write | Kind::Swap) {
            self.add_source(op);
        }
        if op.must() {
            let lower = self.separators.of(op.from).max(self.values[op.from as usize].differs);
            self.open.insert(index, (op, lower));
        }
    }

    fn add_source(&mut self, op: Op) {
        let of = &mut self.values[op.to as usize];
        of.latest = op.ret.max(of.latest);
        if op.ret == NEVER {
            of.endless += 1;
            return;
        }
        if of.sources.len() >= of.most {
            let oldest = self.open.values().map(|(_, lower)| *lower).min();
            let oldest = oldest.unwrap_or(NEVER).min(self.separators.of(op.to));
            let before = of.sources.len();
            of.sources.retain(|Reverse(ret)| *ret >= oldest);
            self.held -= before - of.sources.len();
            of.most = MANY.max(2 * of.sources.len());
        }
        of.sources.push(Reverse(op.ret));
        self.held += 1;
    }

    /// An operation returns at `moment`, if it was told that it was invoked. Whether every spell so far finds a source.
    pub fn ret(&mut self, index: u32, moment: u32) -> bool {
        let Some((op, lower)) = self.open.remove(&index) else { return true };
        let has_source = !matches!(op.kind, Kind::Read | Kind::Swap) || self.finds_source(op.from, lower, moment);
        match op.kind {
            Kind::Differs => {
                let differs = &mut self.values[op.from as usize].differs;
                *differs = op.inv.max(*differs);
            }
            _ => self.separators.take(&op),
        }
        has_source
    }

    /// Something found `value` and returns at `moment`; `lower` is the last invocation that separates it. Whether the spell
    /// has a source, if it is a new one.
    fn finds_source(&mut self, value: ValueId, lower: u32, moment: u32) -> bool {
        let of = &mut self.values[value as usize];
        if of.latest < lower {
            return false;
        }
        if of.last.is_some_and(|last| lower <= last) {
            return true;
        }
        of.last = Some(moment);
        if let Some(open) = self.open_at_start.as_ref().filter(|_| !of.has_start) {
            of.sources.extend(open.iter().map(|ret| Reverse(*ret)));
            self.held += open.len();
            of.has_start = true;
        }
        while let Some(Reverse(ret)) = of.sources.pop() {
            self.held -= 1;
            if ret >= lower {
                return true;
            }
        }
        let is_left = of.endless > 0;
        of.endless -= u32::from(is_left);
        is_left
    }

    /// Roughly how many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        let open = self.open.capacity() * size_of::<(u32, Op, u32)>();
        open + self.values.capacity() * size_of::<Spells>() + 2 * self.held * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIL: ValueId = START_VALUE;

    fn read(value: ValueId) -> (Kind, ValueId, ValueId) {
        (Kind::Read, value, value)
    }

    fn write(value: ValueId) -> (Kind, ValueId, ValueId) {
        (Kind::Write, value, value)
    }

    /// Operations with their invocations and returns, in the order of invocation, each at a moment of its own; and which
    /// lacks a source.
    fn check(operations: &[((Kind, ValueId, ValueId), u32, u32)], expected: Option<u32>) {
        let mut supply = Supply::new();
        let end = operations.iter().flat_map(|(_, inv, ret)| [*inv, *ret]).filter(|at| *at != NEVER).max().unwrap();
        let mut lacking = None;
        for moment in 1..=end {
            for (index, ((kind, from, to), inv, ret)) in (0..).zip(operations.iter().copied()) {
                if inv == moment {
                    supply.invoke(Op { kind, from, to, inv, ret }, index, 4);
                } else if ret == moment && !supply.ret(index, moment) {
                    lacking = lacking.or(Some(index));
                }
            }
        }
        assert_eq!(lacking, expected, "{operations:?}");
    }

    #[test]
    fn as_many_spells_as_sources() {
        let first = [(write(1), 1, NEVER), (read(1), 2, 3), (write(2), 4, 5), (read(2), 6, 7)];
        check(&first, None);
        // The only write of 1 cannot explain it twice.
        let twice = [&first[..], &[(read(1), 8, 9)]].concat();
        check(&twice, Some(4));
        // Two can, and the second may have come meanwhile.
        check(&[&first[..], &[(write(1), 8, NEVER), (read(1), 9, 10)]].concat(), None);
        check(&[&first[..], &[(read(1), 8, 10), (write(1), 9, NEVER)]].concat(), None);
        check(&[&twice[..], &[(write(1), 10, NEVER)]].concat(), Some(4));
    }

    #[test]
    fn a_source_serves_no_spell_that_begins_after_its_return() {
        check(&[(write(1), 1, 2), (write(2), 3, 4), (read(1), 5, 6)], Some(2));
        check(&[(write(1), 1, 7), (write(2), 3, 4), (read(1), 5, 6)], None);
        // Both writes may have been at work when the first read began.
        check(&[(write(1), 1, 4), (read(1), 2, 6), (write(2), 3, 8), (read(1), 5, 7), (read(1), 9, 10)], None);
        // No new spell by the first read, which is open for long; but a separator lies after the only source.
        check(&[(write(1), 1, 2), (read(1), 3, 8), (write(2), 4, 5), (read(1), 6, 9)], Some(3));
    }

    #[test]
    fn the_value_at_the_start_needs_no_source_until_it_is_gone() {
        check(&[(read(NIL), 1, 2), (read(NIL), 3, 4)], None);
        check(&[(write(1), 1, 2), (read(NIL), 3, 4)], Some(1));
        check(&[(write(1), 1, 3), (read(NIL), 2, 4)], None);
        check(&[(read(1), 1, 2)], Some(0));
    }

    #[test]
    fn swaps_and_comparisons_separate() {
        let swap = |from, to| (Kind::Swap, from, to);
        let differs = |value| (Kind::Differs, value, value);
        check(&[(write(1), 1, 2), (swap(1, 2), 3, 4), (swap(1, 3), 5, 6)], Some(2));
        check(&[(write(1), 1, 2), (swap(1, 2), 3, 4), (swap(2, 1), 5, 6), (read(1), 7, 8)], None);
        check(&[(write(1), 1, 2), (differs(1), 3, 4), (read(1), 5, 6)], Some(2));
        check(&[(write(1), 1, 2), (differs(2), 3, 4), (read(1), 5, 6)], None);
    }

    #[test]
    fn a_source_that_is_over_takes_nobodys_place() {
        let spells = [(write(2), 4, 5), (read(1), 6, 7), (write(2), 8, 9), (read(1), 10, 11)];
        check(&[&[(write(1), 1, 2), (write(1), 3, NEVER)], &spells[..]].concat(), Some(5));
        check(&[&[(write(1), 1, 12), (write(1), 3, NEVER)], &spells[..]].concat(), None);
    }

    #[test]
    fn what_is_open_is_not_forgotten_however_much_it_is() {
        let mut supply = Supply::new();
        let many = 3 * MANY as u32;
        let op = |(kind, from, to): (Kind, ValueId, ValueId), inv, ret| Op { kind, from, to, inv, ret };
        for index in 0..many {
            supply.invoke(op(write(1), 1 + index, 1_000_000 + index), index, 3);
        }
        let spells = (0..many).all(|spell| {
            let at = 1_000 + 4 * spell;
            supply.invoke(op(write(2), at, at + 1), many, 3);
            let written = supply.ret(many, at + 1);
            supply.invoke(op(read(1), at + 2, at + 3), many, 3);
            written && supply.ret(many, at + 3)
        });
        assert!(spells, "each write can serve one of them");
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let mut supply = Supply::new();
        for index in 0..10_000 {
            let (value, inv) = (1 + index % 2, 2 * index + 1);
            supply.invoke(Op { kind: Kind::Write, from: value, to: value, inv, ret: inv + 1 }, index, 3);
            assert!(supply.ret(index, inv + 1));
        }
        assert!(supply.held <= 4 * MANY, "{} are held", supply.held);
    }

    #[test]
    fn midway_anything_may_be_there() {
        let mut supply = Supply::midway(vec![12]);
        let mut told = |index, (kind, from, to): (Kind, ValueId, ValueId), inv| {
            supply.invoke(Op { kind, from, to, inv, ret: inv + 1 }, index, 4);
            supply.ret(index, inv + 1)
        };
        assert!(told(0, read(3), 10));
        // By the one that was open.
        assert!(told(1, read(2), 12) && told(2, read(3), 14));
        // 2 was there at the start, and has been left since.
        assert!(!told(3, read(2), 16));
    }
}
