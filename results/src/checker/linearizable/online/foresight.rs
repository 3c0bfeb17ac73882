//! What can be told of an operation when it returns, by what happened while it was open: the same as
//! [`Ahead`](crate::checker::linearizable::register) tells of a whole key, as a test says below.

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

#[cfg(test)]
mod tests {
    use super::super::intake::{Handed, Intake};
    use super::*;
    use crate::call::{Call, Reply};
    use crate::checker::linearizable::entry::entries;
    use crate::checker::linearizable::register::looked_ahead;
    use crate::history::Operation;
    use crate::model::Register;
    use crate::outcome::Outcome;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Some operations at few instants, legal or not: nothing here depends on that.
    fn random_operations(rng: &mut ChaCha8Rng) -> Vec<Operation> {
        let version = None;
        let mut operation = |id| {
            let (value, other) = (rng.random_range(0..3), rng.random_range(0..3));
            let (call, reply) = match rng.random_range(0..4) {
                0 => (Call::Write { key: 0, value }, Reply::Written { version }),
                1 => (Call::Cas { key: 0, expect: Some(other), value }, Reply::Written { version }),
                2 => (Call::Cas { key: 0, expect: Some(other), value }, Reply::NotEqual),
                _ => (Call::Read { key: 0 }, Reply::Read { value: Some(value), version }),
            };
            let outcome = match rng.random_range(0..8) {
                0 => Outcome::Unknown("no answer".into()),
                1 => Outcome::Fail("refused".into()),
                _ => Outcome::Ok(reply),
            };
            let (invoked_ns, node) = (rng.random_range(0..20), "n1".into());
            let returned_ns = Some(invoked_ns + rng.random_range(0..12));
            Operation { id, process: id, node, call, due_ns: invoked_ns, invoked_ns, returned_ns, outcome }
        };
        let mut operations: Vec<Operation> = (0..12).map(&mut operation).collect();
        operations.sort_by_key(|operation| operation.invoked_ns);
        operations
    }

    /// What is foreseen of each operation that is handed on, in the order of their invocations.
    fn foreseen(operations: &[Operation], spare: usize) -> Vec<(bool, bool)> {
        let mut intake = Intake::new(spare);
        let mut foreseen = Vec::new();
        let mut open: Vec<(u64, u32, &Operation)> = Vec::new();
        let mut hand_on = |intake: &mut Intake<Call, Reply>| {
            while let Some(handed) = intake.next() {
                if let Handed::Invoke { foreseen: Foreseen { implied, outlasts }, .. } = handed {
                    foreseen.push((implied, outlasts));
                }
            }
        };
        for now_ns in 0..40 {
            for operation in operations.iter().filter(|operation| operation.invoked_ns == now_ns) {
                let index = intake.invoke(operation.id, operation.call.clone());
                open.push((operation.returned_ns.unwrap(), index, operation));
            }
            for (_, index, operation) in open.extract_if(.., |(returned_ns, ..)| *returned_ns == now_ns) {
                intake.end(&Register, index, now_ns, operation.outcome.clone());
            }
            intake.release(&Register);
            hand_on(&mut intake);
        }
        foreseen
    }

    #[test]
    fn it_tells_what_looking_ahead_tells() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut implied, mut outlasts) = (0, 0);
        for round in 0..5_000 {
            let operations = random_operations(&mut rng);
            let of_key: Vec<&Operation> = operations.iter().collect();
            let ahead = looked_ahead(&Register, &entries(&Register, &of_key)).unwrap();
            assert_eq!(foreseen(&operations, round % 3), ahead, "{operations:#?}");
            implied += ahead.iter().filter(|told| told.0).count();
            outlasts += ahead.iter().filter(|told| told.1).count();
        }
        assert!(implied > 1_000 && outlasts > 1_000, "{implied} {outlasts}");
    }
}
