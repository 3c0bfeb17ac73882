//! Operations that never returned and whose effect nothing can depend on, by numbers. See
//! [`without_unobserved`](crate::checker::linearizable::reductions::without_unobserved), which proves that they can be
//! left out, for any model.

use super::ops::{Event, Events, Kind, Op, Ops, START_VALUE, ValueId};

/// Leaves such operations out as long as there are any, together with their positions.
pub(super) fn leave_out(ops: &mut Ops, positions: &mut Vec<u32>) {
    let doubtful = (0_u32..).zip(&ops.all).filter(|(_, op)| !op.must());
    let mut doubtful: Vec<u32> = doubtful.map(|(index, _)| index).collect();
    if doubtful.is_empty() {
        return;
    }
    let mut demands = Demands::new(ops);
    let mut gone: Vec<u32> = Vec::new();
    loop {
        let before = gone.len();
        doubtful.retain(|index| {
            let op = &ops.all[*index as usize];
            let stays = demands.may_observe(op.to, op.inv);
            if !stays {
                demands.take_away(op);
                gone.push(*index);
            }
            stays
        });
        if gone.len() == before {
            break;
        }
    }
    if !gone.is_empty() {
        gone.sort_unstable();
        take_out(ops, positions, &gone);
    }
}

/// Who demands what. No operation without a return demands anything but a certain value: it would observe only.
struct Demands {
    /// For each value the last return of what found it, and how many operations that never returned demand it.
    of_value: Vec<(u32, u32)>,
    /// The last return of what found something else than a value, and that value; and the last of those that found
    /// something else than another one.
    differ: (u32, ValueId),
    differ_otherwise: u32,
}

impl Demands {
    fn new(ops: &Ops) -> Demands {
        let of_value = vec![(0, 0); ops.values];
        let mut demands = Demands { of_value, differ: (0, START_VALUE), differ_otherwise: 0 };
        for op in &ops.all {
            let of_value = &mut demands.of_value[op.from as usize];
            match op.kind {
                Kind::Write => {}
                Kind::Read | Kind::Swap if op.must() => of_value.0 = op.ret.max(of_value.0),
                Kind::Read | Kind::Swap => of_value.1 += 1,
                Kind::Differs => demands.add_differ(op.from, op.ret),
            }
        }
        demands
    }

    fn add_differ(&mut self, value: ValueId, ret: u32) {
        if value == self.differ.1 {
            self.differ.0 = ret.max(self.differ.0);
        } else if ret > self.differ.0 {
            (self.differ_otherwise, self.differ) = (self.differ.0, (ret, value));
        } else {
            self.differ_otherwise = ret.max(self.differ_otherwise);
        }
    }

    /// An operation that never returned is gone.
    fn take_away(&mut self, op: &Op) {
        if op.kind == Kind::Swap {
            self.of_value[op.from as usize].1 -= 1;
        }
    }

    /// Whether something can depend on `left`, which is there from the moment `from` on at the earliest.
    fn may_observe(&self, left: ValueId, from: u32) -> bool {
        let (found, doubtful) = self.of_value[left as usize];
        let differs = if self.differ.1 == left { self.differ_otherwise } else { self.differ.0 };
        doubtful > 0 || found > from || differs > from
    }
}

/// Takes operations out, by index and in order, and numbers the others and their moments anew.
fn take_out(ops: &mut Ops, positions: &mut Vec<u32>, gone: &[u32]) {
    let mut moved: Vec<u32> = vec![0; ops.all.len()];
    let mut events = Events::with_capacity(ops.events.len() - gone.len());
    let mut gone = gone.iter().copied().peekable();
    let mut next = 0;
    for event in ops.events.iter() {
        match event {
            Event::Invoke(index) if gone.next_if_eq(&index).is_some() => {}
            Event::Invoke(index) => {
                let inv = events.push(Event::Invoke(next));
                ops.all[next as usize] = Op { inv, ..ops.all[index as usize] };
                positions[next as usize] = positions[index as usize];
                moved[index as usize] = next;
                next += 1;
            }
            Event::Return(index) => {
                let index = moved[index as usize];
                ops.all[index as usize].ret = events.push(Event::Return(index));
            }
        }
    }
    ops.events = events;
    ops.all.truncate(next as usize);
    positions.truncate(next as usize);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Call, Reply, Value};
    use crate::checker::linearizable::entry::entries;
    use crate::checker::linearizable::reductions::without_unobserved;
    use crate::checker::linearizable::register::in_place;
    use crate::model::Register;
    use crate::{Operation, Outcome};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn operation(random: &mut ChaCha8Rng, id: u64) -> Operation {
        let value: Value = random.random_range(0..4);
        let expect = random.random_bool(0.8).then(|| random.random_range(0..4));
        let (call, reply) = match random.random_range(0..4) {
            0 => (Call::Read { key: 0 }, Reply::Read { value: expect, version: None }),
            1 => (Call::Write { key: 0, value }, Reply::Written { version: None }),
            2 => (Call::Cas { key: 0, expect, value }, Reply::Written { version: None }),
            _ => (Call::Cas { key: 0, expect, value }, Reply::NotEqual),
        };
        let invoked_ns = random.random_range(0..40);
        let returned_ns = Some(invoked_ns + random.random_range(0..12));
        let (outcome, returned_ns) = match random.random_range(0..10) {
            0..5 => (Outcome::Ok(reply), returned_ns),
            5 => (Outcome::Fail(String::new()), returned_ns),
            6 => (Outcome::Unknown(String::new()), returned_ns),
            _ => (Outcome::Unknown(String::new()), None),
        };
        Operation { id, process: id, node: String::new(), call, due_ns: invoked_ns, invoked_ns, returned_ns, outcome }
    }

    /// The same operations stay as with the reduction for any model, and they get the same numbers.
    #[test]
    fn what_stays_is_what_stays_for_any_model() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut left_out = 0;
        for _ in 0..3_000 {
            let count = random.random_range(0..14);
            let operations: Vec<Operation> = (0..count).map(|id| operation(&mut random, id)).collect();
            let operations: Vec<&Operation> = operations.iter().collect();
            let all = entries(&Register, &operations);
            let expected = without_unobserved(&Register, all.clone());
            let (ops, held) = in_place(&Register, &operations, false).unwrap();
            let positions: Vec<usize> = held.positions.iter().map(|position| *position as usize).collect();
            let expected_positions: Vec<usize> = expected.iter().map(|entry| entry.position).collect();
            assert_eq!(positions, expected_positions, "{operations:?}");
            let same = Ops::new(&Register, &expected).unwrap();
            let moments = |ops: &Ops| ops.all.iter().map(|op| (op.kind, op.inv, op.ret)).collect::<Vec<_>>();
            assert_eq!(moments(&ops), moments(&same), "{operations:?}");
            assert!(ops.events.iter().eq(same.events.iter()), "{operations:?}");
            left_out += all.len() - expected.len();
        }
        assert!(left_out > 100);
    }
}
