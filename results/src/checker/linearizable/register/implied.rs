//! What can be told of operations by looking ahead, before any search.

use super::ops::{Kind, NEVER, Op, Ops};

/// What is known of each operation from what happened while it was open.
pub(super) struct Ahead {
    implied: Vec<bool>,
    outlasts: Vec<bool>,
}

impl Ahead {
    /// Looks at all operations, the last invocation first, so that those seen already were invoked later.
    pub fn new(ops: &Ops) -> Ahead {
        let mut ahead = Ahead { implied: vec![false; ops.all.len()], outlasts: vec![false; ops.all.len()] };
        let mut first =
            Returns { of_value: vec![NEVER; ops.values], least: (NEVER, 0), second: NEVER, of_write: NEVER };
        for (index, op) in ops.all.iter().enumerate().rev().filter(|(_, op)| op.must()) {
            match op.kind {
                Kind::Read => ahead.implied[index] = first.of_value[op.from as usize] < op.ret,
                Kind::Differs => ahead.implied[index] = first.of_other_than(op.from) < op.ret,
                Kind::Write => ahead.outlasts[index] = first.of_write < op.ret,
                Kind::Swap => {}
            }
            first.take(op);
        }
        ahead
    }

    /// Whether the operation observes, and is sure to find what it accepts: while it was open another one that met such
    /// a value (found it or left it) was invoked and returned. Where that one stands in a legal order, this one can stand
    /// beside it. If the other is implied itself, then by a shorter one; so this one is as well.
    pub fn is_implied(&self, index: u32) -> bool {
        self.implied[index as usize]
    }

    /// Whether the operation is a write, and another write was invoked and returned while it was open.
    pub fn outlasts(&self, index: u32) -> bool {
        self.outlasts[index as usize]
    }
}

/// The first returns of the operations that were looked at.
struct Returns {
    /// Of those that meet each value.
    of_value: Vec<u32>,
    /// The first of all that meet a value, with the value, and the first of those that meet another one.
    least: (u32, u32),
    second: u32,
    of_write: u32,
}

impl Returns {
    fn of_other_than(&self, value: u32) -> u32 {
        if self.least.1 == value { self.second } else { self.least.0 }
    }

    fn take(&mut self, op: &Op) {
        if op.kind == Kind::Differs {
            return;
        }
        for value in [op.from, op.to] {
            let of_value = &mut self.of_value[value as usize];
            *of_value = op.ret.min(*of_value);
            if value == self.least.1 {
                self.least.0 = op.ret.min(self.least.0);
            } else if op.ret < self.least.0 {
                (self.second, self.least) = (self.least.0, (op.ret, value));
            } else {
                self.second = op.ret.min(self.second);
            }
        }
        if op.kind == Kind::Write {
            self.of_write = op.ret.min(self.of_write);
        }
    }
}
