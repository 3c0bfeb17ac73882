//! The operations of one key as reads, comparisons, writes and swaps of numbered values, at numbered moments.

use crate::call::Value;
use crate::checker::linearizable::entry::{Entry, EntryOf};
use crate::model::{Access, Demand, Model};
use rustc_hash::FxHashMap;

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

/// All operations of one key; each has the index of its entry.
///
/// Moments are numbered from 1 in the order of time. At one instant invocations come before returns: equal stamps count
/// as concurrent. So an operation can precede another just if its `ret` is less than the other's `inv`.
#[derive(Debug, Clone)]
pub(super) struct Ops {
    pub all: Vec<Op>,
    /// What happens at moment 1, 2, ...
    pub events: Vec<Event>,
    /// How many values there are, [`START_VALUE`] included.
    pub values: usize,
    /// The values by their numbers.
    pub names: Vec<Option<Value>>,
}

impl Ops {
    /// The operations of `entries`, which are sorted by invocation; `None` if some entry is nothing that a register
    /// with compare-and-set knows, or if there are too many to be numbered.
    pub fn new<M: Model>(model: &M, entries: &[EntryOf<M>]) -> Option<Ops> {
        if entries.len() >= (u32::MAX / 2) as usize {
            return None;
        }
        let mut ids = FxHashMap::from_iter([(model.initial(), START_VALUE)]);
        let mut id = |value: Option<Value>| {
            let next = ids.len() as ValueId;
            *ids.entry(value).or_insert(next)
        };
        let mut all = Vec::with_capacity(entries.len());
        for entry in entries {
            let access = model.access(&entry.call, entry.reply.as_ref())?;
            let (kind, from, to) = by_numbers(access, &mut id)?;
            let never_observes = entry.must || matches!(kind, Kind::Write | Kind::Swap);
            all.push(never_observes.then_some(Op { kind, from, to, inv: 0, ret: NEVER })?);
        }
        let mut names = vec![None; ids.len()];
        ids.into_iter().for_each(|(value, id)| names[id as usize] = value);
        let events = number_moments(entries, &mut all);
        Some(Ops { all, events, values: names.len(), names })
    }

    /// The moments of the invocations and returns up to `end`; what returns later may but need not take effect.
    pub fn up_to(&self, end: u32) -> Ops {
        let mut all = self.all.clone();
        all.retain(|op| op.inv <= end);
        all.iter_mut().filter(|op| op.ret > end).for_each(|op| op.ret = NEVER);
        Ops { all, events: self.events[..end as usize].to_vec(), values: self.values, names: Vec::new() }
    }

    /// Roughly how many bytes they take, with what is known of them by looking ahead.
    pub fn held_bytes(&self) -> usize {
        let each = size_of::<Op>() + 2;
        self.all.len() * each + self.events.len() * size_of::<Event>() + self.names.len() * size_of::<Option<Value>>()
    }

    /// The most operations that were open at once, without those that never returned.
    pub fn most_open(&self) -> usize {
        let (mut open, mut most) = (0_usize, 0);
        for event in &self.events {
            match event {
                Event::Invoke(op) if self.all[*op as usize].must() => open += 1,
                Event::Invoke(_) => {}
                Event::Return(_) => open -= 1,
            }
            most = most.max(open);
        }
        most
    }

    /// The operation that returns at `moment`.
    pub fn returning_at(&self, moment: u32) -> Option<u32> {
        match self.events.get(moment as usize - 1) {
            Some(Event::Return(op)) => Some(*op),
            Some(Event::Invoke(_)) | None => None,
        }
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

/// Writes the moments into `all`, and lists them.
fn number_moments<C, R>(entries: &[Entry<C, R>], all: &mut [Op]) -> Vec<Event> {
    let returning = entries.iter().enumerate().filter(|(_, entry)| entry.must);
    let mut returns: Vec<(u64, u32)> = returning.map(|(index, entry)| (entry.until_ns, index as u32)).collect();
    returns.sort_unstable();
    let mut events = Vec::with_capacity(all.len() + returns.len());
    let mut returns = returns.into_iter().peekable();
    let mut invoked = entries.iter().enumerate().peekable();
    loop {
        let next_return = returns.peek().copied();
        let moment = events.len() as u32 + 1;
        match invoked.peek() {
            Some((index, entry)) if next_return.is_none_or(|(until_ns, _)| entry.invoked_ns <= until_ns) => {
                all[*index].inv = moment;
                events.push(Event::Invoke(*index as u32));
                invoked.next();
            }
            _ => {
                let Some((_, index)) = next_return else { return events };
                all[index as usize].ret = moment;
                events.push(Event::Return(index));
                returns.next();
            }
        }
    }
}
