//! The writes of a register in the order of their versions, put together from all that was answered.
//!
//! A write that was acknowledged tells its version. One without an answer gets its version from the reads that found its
//! value, if nobody else can have written that. What remains may have happened at an unknown place, or never.

use crate::call::{Call, Key, Reply, Value, Version};
use crate::history::Operation;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A write whose place is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::checker) struct Placed<'a> {
    pub order: u64,
    pub value: Value,
    /// How many writes the key had with this one, where the target says so.
    pub edits: Option<u64>,
    /// The call; `None`: several calls can have made it.
    pub write: Option<&'a Operation>,
    /// The answer that shows its place: its own, or the read of it that returned first.
    pub shown_by: &'a Operation,
    /// When the first of all answers that show it returned.
    pub known_ns: u64,
}

/// All writes of one key.
#[derive(Debug, Default)]
pub(in crate::checker) struct Writes<'a> {
    /// By their order.
    pub placed: Vec<Placed<'a>>,
    /// Those that happened, or may have, at an unknown place.
    pub unplaced: Vec<&'a Operation>,
    /// Answers that contradict each other, whatever the order.
    pub clashes: Vec<Clash<'a>>,
}

/// Two answers that no register gives, or one.
#[derive(Debug, Clone, Copy)]
pub(in crate::checker) struct Clash<'a> {
    pub why: ClashKind,
    pub one: &'a Operation,
    pub other: Option<&'a Operation>,
    pub order: u64,
}

/// What two answers say of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checker) enum ClashKind {
    /// Two writes have it.
    TwoWrites,
    /// It has two values, or two numbers of edits.
    TwoContents,
    /// No write can have had it.
    NoWrite,
    /// Nothing was there, under a version; or something, under none.
    Nothing,
}

/// The value and version that an answer shows; `None`: none. The bool: whether the call itself made it.
fn shown(operation: &Operation) -> Option<(Option<Value>, Version, bool)> {
    match (&operation.call, operation.reply()?) {
        (Call::Read { .. }, Reply::Read { value, version }) => Some((*value, (*version)?, false)),
        (Call::Write { value, .. } | Call::Cas { value, .. }, Reply::Written { version }) => {
            Some((Some(*value), (*version)?, true))
        }
        _ => None,
    }
}

/// The value that a call wrote or may have written.
pub(in crate::checker) fn written(operation: &Operation) -> Option<Value> {
    let may_be = match operation.reply() {
        Some(reply) => matches!(reply, Reply::Written { .. }),
        None => operation.outcome.is_unknown(),
    };
    match operation.call {
        Call::Write { value, .. } | Call::Cas { value, .. } if may_be => Some(value),
        _ => None,
    }
}

/// What is shown of one version.
struct Group<'a> {
    value: Value,
    edits: Option<u64>,
    write: Option<&'a Operation>,
    shown_by: &'a Operation,
    known_ns: u64,
}

impl<'a> Writes<'a> {
    /// The writes among the operations of one key.
    pub fn new(operations: &[&'a Operation]) -> Writes<'a> {
        let mut writes = Writes::default();
        let mut groups: BTreeMap<u64, Group> = BTreeMap::new();
        for operation in operations {
            let Some((value, version, is_write)) = shown(operation) else { continue };
            match value {
                Some(value) if version.order > 0 => {
                    writes.show(&mut groups, operation, (value, version, is_write));
                }
                None if version.order == 0 => {}
                _ => writes.clash(ClashKind::Nothing, version.order, operation, None),
            }
        }
        writes.assign(operations, &mut groups);
        writes.placed = groups
            .into_iter()
            .map(|(order, group)| {
                let Group { value, edits, write, shown_by, known_ns } = group;
                Placed { order, value, edits, write, shown_by, known_ns }
            })
            .collect();
        writes
    }

    fn clash(&mut self, why: ClashKind, order: u64, one: &'a Operation, other: Option<&'a Operation>) {
        self.clashes.push(Clash { why, one, other, order });
    }

    fn show(
        &mut self,
        groups: &mut BTreeMap<u64, Group<'a>>,
        operation: &'a Operation,
        (value, version, is_write): (Value, Version, bool),
    ) {
        let known_ns = operation.returned_ns.unwrap_or(u64::MAX);
        let Version { order, edits } = version;
        let write = is_write.then_some(operation);
        let Some(group) = groups.get_mut(&order) else {
            groups.insert(order, Group { value, edits, write, shown_by: operation, known_ns });
            return;
        };
        if group.value != value || group.edits.is_some() && edits.is_some() && group.edits != edits {
            self.clash(ClashKind::TwoContents, order, operation, Some(group.shown_by));
        } else if let (Some(_), Some(other)) = (write, group.write) {
            self.clash(ClashKind::TwoWrites, order, operation, Some(other));
        }
        group.edits = group.edits.or(edits);
        group.write = group.write.or(write);
        if known_ns < group.known_ns {
            (group.known_ns, group.shown_by) = (known_ns, operation);
        }
    }

    /// Finds the calls that made what only reads have shown.
    fn assign(&mut self, operations: &[&'a Operation], groups: &mut BTreeMap<u64, Group<'a>>) {
        let mut unplaced: FxHashMap<Value, Vec<&Operation>> = FxHashMap::default();
        let without = |operation: &&&Operation| shown(operation).is_none();
        for operation in operations.iter().filter(without) {
            if let Some(value) = written(operation) {
                unplaced.entry(value).or_default().push(operation);
            }
        }
        let mut orphans: FxHashMap<Value, Vec<u64>> = FxHashMap::default();
        for (order, group) in groups.iter().filter(|(_, group)| group.write.is_none()) {
            orphans.entry(group.value).or_default().push(*order);
        }
        for (value, orders) in &orphans {
            let calls = unplaced.get(value).map_or(0, Vec::len);
            // The first that is one too many for the calls that there are.
            if let Some(group) = orders.get(calls).and_then(|order| groups.get(order)) {
                let same = operations.iter().copied().find(|one| written(one) == Some(*value));
                self.clash(ClashKind::NoWrite, orders[calls], group.shown_by, same);
            }
            if let ([order], 1) = (&orders[..], calls)
                && let (Some(group), Some(call)) = (groups.get_mut(order), unplaced.remove(value))
            {
                group.write = call.first().copied();
            }
        }
        self.unplaced = unplaced.into_values().flatten().collect();
        self.unplaced.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    }

    /// The place of a call among the placed writes, if it has one.
    pub fn place_of(&self, call: &Operation) -> Option<usize> {
        let is_it = |place: &usize| self.placed[*place].write.is_some_and(|write| std::ptr::eq(write, call));
        match shown(call) {
            Some((_, version, _)) => self.at(version.order).filter(is_it),
            None => (0..self.placed.len()).find(is_it),
        }
    }

    /// The place of the last write at or before `order` among the placed ones; `None`: there is none yet.
    pub fn at(&self, order: u64) -> Option<usize> {
        self.placed.partition_point(|placed| placed.order <= order).checked_sub(1)
    }
}

/// The operations on registers by key, each key by invocation.
pub(in crate::checker) fn by_key(operations: &[Operation]) -> BTreeMap<Key, Vec<&Operation>> {
    let mut by_key: BTreeMap<Key, Vec<&Operation>> = BTreeMap::new();
    let is_register = |call: &Call| matches!(call, Call::Read { .. } | Call::Write { .. } | Call::Cas { .. });
    for operation in operations.iter().filter(|operation| is_register(&operation.call)) {
        by_key.entry(operation.call.key()).or_default().push(operation);
    }
    by_key
}
