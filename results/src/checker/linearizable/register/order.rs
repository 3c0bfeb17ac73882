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
    let spans = Spans::new(ops, changes);
    let mut homes: Vec<(u32, u32)> = Vec::with_capacity(ops.all.len() - changes.len());
    for (index, op) in ops.all.iter().enumerate().filter(|(_, op)| op.observes() && op.must()) {
        homes.push((spans.home(op)?, index as u32));
    }
    // Within one span by invocation, which is the order of indices.
    homes.sort_unstable();
    let mut order = Vec::with_capacity(changes.len() + homes.len());
    let mut homes = homes.into_iter().peekable();
    for span in 0..=changes.len() {
        order.extend(span.checked_sub(1).map(|change| changes[change].op));
        while let Some((_, observer)) = homes.next_if(|(home, _)| *home == span as u32) {
            order.push(observer);
        }
    }
    Some(order)
}

/// The spans between one change and the next; span 0 comes before all changes.
struct Spans<'a> {
    ops: &'a Ops,
    changes: &'a [Placed],
    /// The spans in which each value is there: those of value `v` are `by_value[first[v]..first[v + 1]]`.
    by_value: Vec<u32>,
    first: Vec<u32>,
}

impl<'a> Spans<'a> {
    fn new(ops: &'a Ops, changes: &'a [Placed]) -> Spans<'a> {
        let mut first = vec![0_u32; ops.values + 2];
        let mut spans = Spans { ops, changes, by_value: Vec::new(), first: Vec::new() };
        let count = changes.len() as u32;
        (0..=count).for_each(|span| first[spans.value(span) as usize + 2] += 1);
        (1..first.len()).for_each(|at| first[at] += first[at - 1]);
        spans.by_value = vec![0; count as usize + 1];
        for span in 0..=count {
            let next = &mut first[spans.value(span) as usize + 1];
            spans.by_value[*next as usize] = span;
            *next += 1;
        }
        spans.first = first;
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

    /// The first span in which `op` fits.
    fn home(&self, op: &Op) -> Option<u32> {
        let open = match op.kind {
            Kind::Read => {
                let [from, to] = [0, 1].map(|next| self.first[op.from as usize + next] as usize);
                let of_value = &self.by_value[from..to];
                *of_value.get(of_value.partition_point(|span| self.end(*span) < op.inv))?
            }
            _ => {
                let first = self.changes.partition_point(|change| change.moment < op.inv) as u32;
                (first..=self.changes.len() as u32).find(|span| self.value(*span) != op.from)?
            }
        };
        (self.begin(open) <= op.ret).then_some(open)
    }
}
