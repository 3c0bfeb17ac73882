//! A legal order out of what changes the value: where the operations that only observe fit in.

use super::ops::{Kind, Op, Ops, START_VALUE, ValueId};

/// An operation that changes the value, and the moment at which it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub op: u32,
    pub moment: u32,
}

/// The order of all that has to take effect, by index: `changes`, whose moments never fall and lie between invocation
/// and return of each, with every read and comparison put where it fits. `None` if one fits nowhere.
///
/// With the moments given, an observer fits after the change `i` if the value is right there, if that change has taken
/// effect when the observer returns, and if the next one has not when it is invoked. Then it too has a moment between
/// its invocation and its return. So observers do not get into each other's way, and no two operations change places
/// that did not overlap.
pub(super) fn with_observers(ops: &Ops, changes: &[Placed]) -> Option<Vec<u32>> {
    let mut spans = Spans::new(ops, changes);
    let mut homes: Vec<u32> = Vec::with_capacity(ops.all.len() - changes.len());
    // Of each span first how many observers it holds, then the place of its next one. All but the first have a change too.
    let mut places = vec![0_u32; changes.len() + 1];
    let observers = || (0_u32..).zip(&ops.all).filter(|(_, op)| op.observes() && op.must());
    for (_, op) in observers() {
        let home = spans.home(op)?;
        places[home as usize] += 1;
        homes.push(home);
    }
    let mut order = vec![0_u32; changes.len() + homes.len()];
    let mut next = std::mem::take(&mut places[0]);
    for (place, change) in places[1..].iter_mut().zip(changes) {
        order[next as usize] = change.op;
        next += 1 + std::mem::replace(place, next + 1);
    }
    // Within one span by invocation, which is the order of indices.
    for ((index, _), home) in observers().zip(homes) {
        let place = &mut places[home as usize];
        order[*place as usize] = index;
        *place += 1;
    }
    Some(order)
}

/// The spans between one change and the next; span 0 comes before all changes.
struct Spans<'a> {
    ops: &'a Ops,
    changes: &'a [Placed],
    /// Of each value the first span that is not over.
    of_value: Vec<u32>,
    /// Of each span the next one with the same value.
    next: Vec<u32>,
    /// The first span of all that is not over.
    first: u32,
}

/// No span.
const NONE: u32 = u32::MAX;

impl<'a> Spans<'a> {
    fn new(ops: &'a Ops, changes: &'a [Placed]) -> Spans<'a> {
        let next = vec![0; changes.len() + 1];
        let mut spans = Spans { ops, changes, of_value: vec![NONE; ops.values], next, first: 0 };
        for span in (0..=changes.len() as u32).rev() {
            let value = spans.value(span) as usize;
            spans.next[span as usize] = std::mem::replace(&mut spans.of_value[value], span);
        }
        spans
    }

    fn value(&self, span: u32) -> ValueId {
        span.checked_sub(1).map_or(START_VALUE, |change| self.ops.all[self.changes[change as usize].op as usize].to)
    }

    fn begin(&self, span: u32) -> u32 {
        span.checked_sub(1).map_or(0, |change| self.changes[change as usize].moment)
    }

    fn end(&self, span: u32) -> u32 {
        self.changes.get(span as usize).map_or(u32::MAX, |change| change.moment)
    }

    /// The first span in which `op` fits. They are asked for by invocation: a span that was over stays so.
    fn home(&mut self, op: &Op) -> Option<u32> {
        let open = match op.kind {
            Kind::Read => {
                let mut span = self.of_value[op.from as usize];
                while span != NONE && self.end(span) < op.inv {
                    span = self.next[span as usize];
                }
                self.of_value[op.from as usize] = span;
                (span != NONE).then_some(span)?
            }
            _ => {
                while self.end(self.first) < op.inv {
                    self.first += 1;
                }
                (self.first..=self.changes.len() as u32).find(|span| self.value(*span) != op.from)?
            }
        };
        (self.begin(open) <= op.ret).then_some(open)
    }
}
