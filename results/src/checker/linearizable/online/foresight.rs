//! What can be told of an operation when it returns, by what happened while it was open: the same as
//! [`Ahead`](crate::checker::linearizable::register) tells of a whole key.

use crate::call::Value;
use crate::model::{Access, Demand};
use rustc_hash::FxHashMap;

/// The last invocations of what returned so far, as moments; 0: there is none.
#[derive(Default)]
pub(super) struct Foresight {
    /// Of the operations that met each value: found it or left it.
    of_value: FxHashMap<Option<Value>, u32>,
    /// The last of all that met a value, with the value, and the last of those that met another one.
    latest: (u32, Option<Value>),
    second: u32,
    of_write: u32,
    /// How many values were left when values were last forgotten.
    left: usize,
    /// How many may pile up before those are forgotten that no open operation can ask about.
    spare: usize,
}

/// What is known of an operation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Foreseen {
    /// It observes, and is sure to find what it accepts.
    pub implied: bool,
    /// It is a write, and another write was invoked and returned while it was open.
    pub outlasts: bool,
}

impl Foresight {
    /// Nothing has returned.
    pub fn new(spare: usize) -> Foresight {
        Foresight { spare, ..Foresight::default() }
    }

    /// An operation that was invoked at `inv` returns. All that returned earlier came earlier.
    pub fn ret(&mut self, access: Access, inv: u32, oldest_open: u32) -> Foreseen {
        let observes = access.only_observes();
        let implied = match access.demands {
            Demand::Is(value) if observes => self.of_value.get(&value).is_some_and(|invoked| *invoked > inv),
            Demand::IsNot(value) if observes => {
                (if self.latest.1 == value { self.second } else { self.latest.0 }) > inv
            }
            _ => false,
        };
        let is_write = access.demands == Demand::Anything && !observes;
        let outlasts = is_write && self.of_write > inv;
        if is_write {
            self.of_write = self.of_write.max(inv);
        }
        if let Demand::Is(value) = access.demands {
            self.take(value, inv);
        }
        if access.sets.is_some() {
            self.take(access.sets, inv);
        }
        if self.of_value.len() > 2 * self.left + self.spare {
            self.of_value.retain(|_, invoked| *invoked > oldest_open);
            self.left = self.of_value.len();
            self.of_value.shrink_to(2 * self.left + self.spare);
        }
        Foreseen { implied, outlasts }
    }

    fn take(&mut self, value: Option<Value>, inv: u32) {
        let of_value = self.of_value.entry(value).or_default();
        *of_value = inv.max(*of_value);
        if value == self.latest.1 {
            self.latest.0 = inv.max(self.latest.0);
        } else if inv > self.latest.0 {
            self.second = self.latest.0;
            self.latest = (inv, value);
        } else {
            self.second = inv.max(self.second);
        }
    }
}
