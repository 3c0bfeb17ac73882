//! A register whose value has a version: `versioned-register`.

use crate::call::{Call, Key, Reply, Shown, Value, Version};
use crate::model::Model;
use std::fmt;

/// A register that holds nothing at first, and whose versions grow with every write of it: by any amount in their order,
/// by one where edits are counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct VersionedRegister;

/// What a register holds, and under which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Cell {
    /// The value.
    pub value: Option<Value>,
    /// The place of its write in the order of all writes.
    pub order: Order,
    /// How many writes the register had.
    pub edits: u64,
}

/// The place of a write in the order of all writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// It was told.
    Known(u64),
    /// Nobody saw it yet; it is this one or a later one.
    AtLeast(u64),
}

impl Default for Order {
    fn default() -> Order {
        Order::Known(0)
    }
}

impl Order {
    fn least(self) -> u64 {
        let (Order::Known(order) | Order::AtLeast(order)) = self;
        order
    }

    fn accepts(self, order: u64) -> bool {
        match self {
            Order::Known(known) => known == order,
            Order::AtLeast(least) => least <= order,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.order {
            Order::Known(0) => write!(f, "{}", Shown(self.value)),
            Order::Known(order) => write!(f, "{} at version {order}", Shown(self.value)),
            Order::AtLeast(order) => write!(f, "{} at version {order} or later", Shown(self.value)),
        }
    }
}

impl Cell {
    /// The cell after a write that was told to have this version, if any was told.
    fn written(&self, value: Value, version: Option<Version>) -> Result<Cell, String> {
        let (least, edits) = (self.order.least().saturating_add(1), self.edits.saturating_add(1));
        let order = match version {
            Some(version) if version.order < least => {
                return Err(format!("it wrote version {}, but the register holds {self}", version.order));
            }
            Some(version) if version.edits.is_some_and(|told| told != edits) => {
                return Err(format!("its write is told to be no. {}, but it is no. {edits}", Shown(told(version))));
            }
            Some(version) => Order::Known(version.order),
            None => Order::AtLeast(least),
        };
        Ok(Cell { value: Some(value), order, edits })
    }

    /// The cell after a read that found this version of it.
    fn found(&self, version: Option<Version>) -> Result<Cell, String> {
        match version {
            None => Ok(*self),
            Some(version) if !self.order.accepts(version.order) => {
                Err(format!("it read version {}, but the register holds {self}", version.order))
            }
            Some(version) if version.edits.is_some_and(|told| told != self.edits) => {
                Err(format!("it found {} writes, but there were {}", Shown(told(version)), self.edits))
            }
            Some(version) => Ok(Cell { order: Order::Known(version.order), ..*self }),
        }
    }
}

fn told(version: Version) -> Option<Value> {
    version.edits.and_then(|edits| edits.try_into().ok())
}

impl Model for VersionedRegister {
    type Call = Call;
    type Reply = Reply;
    type State = Cell;

    fn name(&self) -> &'static str {
        "versioned-register"
    }

    fn init(&self) -> Cell {
        Cell::default()
    }

    fn step(&self, cell: &Cell, call: &Call, reply: Option<&Reply>) -> Result<Cell, String> {
        let holds = Shown(cell.value);
        match (call, reply) {
            (Call::Read { .. }, None) => Ok(*cell),
            (Call::Read { .. }, Some(Reply::Read { value, version })) if *value == cell.value => cell.found(*version),
            (Call::Read { .. }, Some(Reply::Read { value, .. })) => {
                Err(format!("it read {}, but the register holds {holds}", Shown(*value)))
            }
            (Call::Write { value, .. }, None) => cell.written(*value, None),
            (Call::Write { value, .. }, Some(Reply::Written { version })) => cell.written(*value, *version),
            (Call::Cas { expect, value, .. }, None) if *expect == cell.value => cell.written(*value, None),
            (Call::Cas { .. }, None) => Ok(*cell),
            (Call::Cas { expect, value, .. }, Some(Reply::Written { version })) if *expect == cell.value => {
                cell.written(*value, *version)
            }
            (Call::Cas { expect, .. }, Some(Reply::Written { .. })) => {
                Err(format!("it swapped {}, but the register holds {holds}", Shown(*expect)))
            }
            (Call::Cas { expect, .. }, Some(Reply::NotEqual)) if *expect != cell.value => Ok(*cell),
            (Call::Cas { expect, .. }, Some(Reply::NotEqual)) => {
                Err(format!("it found the register not equal to {}, but it holds just that", Shown(*expect)))
            }
            (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no register knows changes none.
            (_, None) => Ok(*cell),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn show(&self, cell: &Cell) -> String {
        cell.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_grow_with_every_write() {
        let key = 0;
        let (read, write) = (Call::Read { key }, Call::Write { key, value: 2 });
        let cas = Call::Cas { key, expect: Some(1), value: 2 };
        let one = Cell { value: Some(1), order: Order::Known(5), edits: 1 };
        let two = |order| Cell { value: Some(2), order, edits: 2 };
        let some = |order, edits| Some(Version { order, edits });
        let check = |cell: &Cell, call: &Call, reply: Option<Reply>, after: Option<Cell>| {
            let found = VersionedRegister.step(cell, call, reply.as_ref()).ok();
            assert_eq!(found, after, "{call} -> {reply:?} at {cell}");
        };
        for call in [&write, &cas] {
            let written = |version| Some(Reply::Written { version });
            check(&one, call, written(some(7, Some(2))), Some(two(Order::Known(7))));
            check(&one, call, written(some(7, None)), Some(two(Order::Known(7))));
            check(&one, call, written(some(7, Some(3))), None);
            check(&one, call, written(some(5, None)), None);
            check(&one, call, written(None), Some(two(Order::AtLeast(6))));
            check(&one, call, None, Some(two(Order::AtLeast(6))));
        }
        let found = |version| Some(Reply::Read { value: Some(2), version });
        check(&two(Order::AtLeast(6)), &read, found(some(9, None)), Some(two(Order::Known(9))));
        check(&two(Order::AtLeast(6)), &read, found(some(5, None)), None);
        check(&two(Order::Known(7)), &read, found(some(7, Some(2))), Some(two(Order::Known(7))));
        check(&two(Order::Known(7)), &read, found(some(7, Some(1))), None);
        check(&two(Order::Known(7)), &read, found(some(8, None)), None);
        check(&two(Order::Known(7)), &read, found(None), Some(two(Order::Known(7))));
        check(&one, &read, found(None), None);
        check(&one, &cas, Some(Reply::NotEqual), None);
        check(&two(Order::Known(7)), &cas, Some(Reply::NotEqual), Some(two(Order::Known(7))));
    }
}
