//! The operations of one key as reads, comparisons, writes and swaps of numbered values, at numbered moments.

use super::numbering::Numbering;
use crate::call::Value;
use crate::checker::linearizable::entry::EntryOf;
use crate::model::{Access, Demand, Model};

/// The number of a value.
pub(super) type ValueId = u32;

/// The value before the first write.
pub(super) const START_VALUE: ValueId = 0;

/// The moment of a return that never comes: the operation may take effect at any later time, or never.
pub(super) const NEVER: u32 = u32::MAX;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// It found the value `from`.
    Read,
    /// It found something else than the value `from`.
    Differs,
    /// It left the value `to`.
    Write,
    /// It found the value `from` and left another one, `to`.
    Swap,
}

/// One operation, by numbers. Where only one value matters both fields hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Op {
    pub kind: Kind,
    pub from: ValueId,
    pub to: ValueId,
    /// The moment of its invocation.
    pub inv: u32,
    /// The moment of its return, or [`NEVER`].
    pub ret: u32,
}

impl Op {
    /// Whether it changes no value.
    pub fn observes(&self) -> bool {
        matches!(self.kind, Kind::Read | Kind::Differs)
    }

    /// Whether it has to take effect.
    pub fn must(&self) -> bool {
        self.ret != NEVER
    }
}

/// Something happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The operation of this index is invoked.
    Invoke(u32),
    /// The operation of this index returns.
    Return(u32),
}

/// What happens at the moments 1, 2, ...
#[derive(Debug, Clone)]
pub(super) struct Events {
    /// The operation of each, times two, and one more if it returns.
    all: Vec<u32>,
}

impl Events {
    /// Nothing yet, with room for so many.
    pub fn with_capacity(count: usize) -> Events {
        Events { all: Vec::with_capacity(count) }
    }

    /// Takes what happens next, and says at which moment that is.
    pub fn push(&mut self, event: Event) -> u32 {
        self.all.push(match event {
            Event::Invoke(op) => op << 1,
            Event::Return(op) => op << 1 | 1,
        });
        self.all.len() as u32
    }

    /// How many moments there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// What happens, by moment.
    pub fn iter(&self) -> impl Iterator<Item = Event> {
        self.all.iter().map(|event| match (event >> 1, event & 1) {
            (op, 0) => Event::Invoke(op),
            (op, _) => Event::Return(op),
        })
    }
}

/// All operations of one key; each has the index of its entry.
///
/// Moments are numbered from 1 in the order of time. At one instant invocations come before returns: equal stamps count
/// as concurrent. So an operation can precede another just if its `ret` is less than the other's `inv`.
#[derive(Debug, Clone)]
pub(super) struct Ops {
    pub all: Vec<Op>,
    pub events: Events,
    /// How many values there are, [`START_VALUE`] included.
    pub values: usize,
}

impl Ops {
    /// The operations of `entries`, which are sorted by invocation; `None` if some entry is nothing that a register
    /// with compare-and-set knows, or if there are too many to be numbered.
    pub fn new<M: Model>(model: &M, entries: &[EntryOf<M>]) -> Option<Ops> {
        let mut numbering = Numbering::new(model.initial(), entries.len())?;
        for entry in entries {
            let access = model.access(&entry.call, entry.reply.as_ref())?;
            numbering.invoke(&entry.view(), access)?;
        }
        Some(numbering.finish())
    }

    /// The moments of the invocations and returns up to `end`; what returns later may but need not take effect.
    pub fn up_to(&self, end: u32) -> Ops {
        let mut all = self.all[..self.all.partition_point(|op| op.inv <= end)].to_vec();
        all.iter_mut().filter(|op| op.ret > end).for_each(|op| op.ret = NEVER);
        Ops { all, events: Events { all: self.events.all[..end as usize].to_vec() }, values: self.values }
    }

    /// Roughly how many bytes they take, with what is known of them by looking ahead.
    pub fn held_bytes(&self) -> usize {
        let each = size_of::<Op>() + 2;
        self.all.len() * each + self.events.len() * size_of::<u32>()
    }

    /// The most operations that were open at once, without those that never returned.
    pub fn most_open(&self) -> usize {
        let (mut open, mut most) = (0_usize, 0);
        for event in self.events.iter() {
            match event {
                Event::Invoke(op) if self.all[op as usize].must() => open += 1,
                Event::Invoke(_) => {}
                Event::Return(_) => open -= 1,
            }
            most = most.max(open);
        }
        most
    }

    /// The operation that returns at `moment`.
    pub fn returning_at(&self, moment: u32) -> Option<u32> {
        let event = self.events.all.get(moment as usize - 1)?;
        (event & 1 == 1).then_some(event >> 1)
    }
}

/// What an access does, by the numbers that `id` gives to values; `None`: a register has no such operation.
pub(super) fn by_numbers(
    access: Access,
    id: &mut impl FnMut(Option<Value>) -> ValueId,
) -> Option<(Kind, ValueId, ValueId)> {
    let single = |kind, value| Some((kind, value, value));
    match (access.demands, access.sets) {
        (Demand::Anything, Some(value)) => single(Kind::Write, id(Some(value))),
        (Demand::Is(value), None) => single(Kind::Read, id(value)),
        (Demand::Is(value), Some(same)) if value == Some(same) => single(Kind::Read, id(value)),
        (Demand::Is(found), Some(left)) => Some((Kind::Swap, id(found), id(Some(left)))),
        (Demand::IsNot(unwanted), None) => single(Kind::Differs, id(unwanted)),
        (Demand::Anything, None) | (Demand::IsNot(_), Some(_)) => None,
    }
}
