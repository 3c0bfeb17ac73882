//! How operations get their numbers: in one pass by invocation, each looked at once, with nothing held beside the numbers but
//! the returns of what is open.

use super::ops::{Event, Events, Kind, NEVER, Op, Ops, START_VALUE, ValueId, by_numbers};
use crate::call::Value;
use crate::checker::linearizable::entry::{InPlace, OperationOf, View, is_entry, view};
use crate::model::{Access, Model};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Why operations got no numbers.
enum Not {
    /// They are none of a register, or too many.
    OfRegister,
    /// They do not come by invocation.
    Sorted,
}

/// The entries of `operations` by numbers, and where they are held; `None` if they are none of a register.
pub(super) fn in_place<'a, M: Model>(model: &M, operations: &'a [&'a OperationOf<M>]) -> Option<(Ops, InPlace<'a, M>)> {
    let count = u32::try_from(operations.len()).ok()?;
    let numbered = match in_order(model, operations, 0..count) {
        Err(Not::Sorted) => {
            let mut order: Vec<u32> = (0..count).collect();
            order.sort_by_key(|position| operations[*position as usize].invoked_ns);
            in_order(model, operations, order.into_iter())
        }
        done => done,
    };
    let (ops, positions) = numbered.ok()?;
    Some((ops, InPlace { operations, positions }))
}

fn in_order<M: Model>(
    model: &M,
    operations: &[&OperationOf<M>],
    order: impl ExactSizeIterator<Item = u32>,
) -> Result<(Ops, Vec<u32>), Not> {
    let mut numbering = Numbering::new(model.initial(), order.len()).ok_or(Not::OfRegister)?;
    let mut positions = Vec::with_capacity(order.len());
    let mut last_ns = 0;
    for position in order {
        let operation = operations[position as usize];
        if !is_entry(model, operation) {
            continue;
        }
        if operation.invoked_ns < last_ns {
            return Err(Not::Sorted);
        }
        last_ns = operation.invoked_ns;
        let access = model.access(&operation.call, operation.reply());
        access.and_then(|access| numbering.invoke(&view(operation), access)).ok_or(Not::OfRegister)?;
        positions.push(position);
    }
    Ok((numbering.finish(), positions))
}

/// Numbers operations that come by invocation.
///
/// A return comes before an invocation just if its instant does. At one instant invocations come first: equal stamps count
/// as concurrent.
pub(super) struct Numbering {
    all: Vec<Op>,
    events: Events,
    /// What is open and has to return: when, and its index.
    open: BinaryHeap<Reverse<(u64, u32)>>,
    values: Values,
}

impl Numbering {
    /// For at most `count` operations; `None` if these are too many.
    pub fn new(initial: Option<Value>, count: usize) -> Option<Numbering> {
        (count < (u32::MAX / 2) as usize).then(|| Numbering {
            all: Vec::with_capacity(count),
            events: Events::with_capacity(2 * count),
            open: BinaryHeap::new(),
            values: Values::new(initial, count),
        })
    }

    /// The next operation; `None` if it is nothing that a register with compare-and-set knows.
    pub fn invoke<C, R>(&mut self, entry: &View<'_, C, R>, access: Access) -> Option<()> {
        while let Some(Reverse((until_ns, index))) = self.open.peek().copied()
            && until_ns < entry.invoked_ns
        {
            self.open.pop();
            self.ret(index);
        }
        let (kind, from, to) = by_numbers(access, &mut |value| self.values.id(value))?;
        if !entry.must && !matches!(kind, Kind::Write | Kind::Swap) {
            return None;
        }
        let index = self.all.len() as u32;
        let inv = self.events.push(Event::Invoke(index));
        self.all.push(Op { kind, from, to, inv, ret: NEVER });
        if entry.must {
            self.open.push(Reverse((entry.until_ns, index)));
        }
        Some(())
    }

    fn ret(&mut self, index: u32) {
        self.all[index as usize].ret = self.events.push(Event::Return(index));
    }

    /// All operations, when there are no more.
    pub fn finish(mut self) -> Ops {
        while let Some(Reverse((_, index))) = self.open.pop() {
            self.ret(index);
        }
        Ops { all: self.all, events: self.events, values: self.values.count as usize }
    }
}

/// Numbers values as they are met.
struct Values {
    /// One more than the number of each small value, or 0. Most histories have no others.
    small: Vec<ValueId>,
    others: FxHashMap<Option<Value>, ValueId>,
    count: ValueId,
}

/// How many small values there are for each operation.
const SMALL_VALUES_EACH: usize = 2;

impl Values {
    fn new(initial: Option<Value>, operations: usize) -> Values {
        let small = vec![0; SMALL_VALUES_EACH * operations];
        let mut values = Values { small, others: FxHashMap::default(), count: START_VALUE };
        values.id(initial);
        values
    }

    fn id(&mut self, value: Option<Value>) -> ValueId {
        let small = value.and_then(|value| self.small.get_mut(usize::try_from(value).ok()?));
        let id = match small {
            Some(known) if *known > 0 => return *known - 1,
            Some(new) => {
                *new = self.count + 1;
                self.count
            }
            None => *self.others.entry(value).or_insert(self.count),
        };
        self.count += ValueId::from(id == self.count);
        id
    }
}
