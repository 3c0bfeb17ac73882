//! Several registers that transactions read and write together: `multi-register`.

use super::NilRead;
use crate::call::{Call, Key, Reply, Shown, Step, Value};
use crate::model::Model;
use std::collections::BTreeMap;

/// Registers that are one object: that every transaction takes effect at one instant is strict serializability.
#[derive(Debug, Clone, Default)]
pub struct MultiRegister {
    /// What they hold at first; one that is missing holds nothing.
    pub initial: BTreeMap<Key, Value>,
    /// What a read of nil means.
    pub nil_read: NilRead,
}

impl Model for MultiRegister {
    type Call = Call;
    type Reply = Reply;
    /// What the registers hold that hold anything.
    type State = BTreeMap<Key, Value>;

    fn name(&self) -> &'static str {
        "multi-register"
    }

    fn init(&self) -> Self::State {
        self.initial.clone()
    }

    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String> {
        let Call::Transaction { steps } = call else {
            return match reply {
                Some(reply) => Err(format!("`{reply}` is no answer to `{call}`")),
                // A call that no transaction is changes nothing.
                None => Ok(state.clone()),
            };
        };
        let mut found = match reply {
            None => None,
            Some(Reply::Committed { found }) => Some(found.iter()),
            Some(reply) => return Err(format!("`{reply}` is no answer to `{call}`")),
        };
        let mut after = state.clone();
        for step in steps {
            match step {
                Step::Write { key, value } => {
                    after.insert(*key, *value);
                }
                Step::Read { key } => {
                    let Some(found) = &mut found else { continue };
                    let Some(found) = found.next() else { return Err("it has fewer answers than reads".into()) };
                    let holds = after.get(key).copied();
                    if *found != holds && !(found.is_none() && self.nil_read == NilRead::Wildcard) {
                        return Err(format!("it read {} in {key}, which holds {}", Shown(*found), Shown(holds)));
                    }
                }
            }
        }
        match found.is_some_and(|mut found| found.next().is_some()) {
            true => Err("it has more answers than reads".into()),
            false => Ok(after),
        }
    }

    /// Any two transactions may touch the same registers.
    fn partition(&self, _call: &Call) -> Key {
        0
    }

    fn only_observes(&self, call: &Call) -> bool {
        match call {
            Call::Transaction { steps } => steps.iter().all(|step| matches!(step, Step::Read { .. })),
            call => call.kind().only_observes(),
        }
    }

    /// Neither writes what the other one reads or writes.
    fn commute(&self, (one, _): (&Call, Option<&Reply>), (other, _): (&Call, Option<&Reply>)) -> bool {
        let (Call::Transaction { steps: one }, Call::Transaction { steps: other }) = (one, other) else { return false };
        let clash = |one: &Step, other: &Step| match (one, other) {
            (Step::Read { .. }, Step::Read { .. }) => false,
            (Step::Read { key: one } | Step::Write { key: one, .. }, Step::Read { key } | Step::Write { key, .. }) => {
                one == key
            }
        };
        !one.iter().any(|one| other.iter().any(|other| clash(one, other)))
    }

    fn show(&self, state: &Self::State) -> String {
        let shown: Vec<String> = state.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        if shown.is_empty() { "nothing".into() } else { shown.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_takes_effect_in_one_step_and_sees_its_own_writes() {
        let model = |nil_read| MultiRegister { initial: BTreeMap::from([(0, 7)]), nil_read };
        let (read, write) = (|key| Step::Read { key }, |key, value| Step::Write { key, value });
        let check = |nil_read, steps: &[Step], found: Option<&[Option<Value>]>, after: Option<&[(Key, Value)]>| {
            let (model, call) = (model(nil_read), Call::Transaction { steps: steps.to_vec() });
            let reply = found.map(|found| Reply::Committed { found: found.to_vec() });
            let stepped = model.step(&model.init(), &call, reply.as_ref()).ok();
            assert_eq!(stepped, after.map(|after| after.iter().copied().collect()), "{call} -> {reply:?}");
        };
        let value = NilRead::Value;
        check(value, &[read(0), write(0, 8), read(0)], Some(&[Some(7), Some(8)]), Some(&[(0, 8)]));
        check(value, &[read(0), write(0, 8), read(0)], Some(&[Some(7), Some(7)]), None);
        check(value, &[read(1), write(1, 1)], Some(&[None]), Some(&[(0, 7), (1, 1)]));
        check(value, &[read(0)], Some(&[None]), None);
        check(NilRead::Wildcard, &[read(0)], Some(&[None]), Some(&[(0, 7)]));
        check(value, &[read(0), write(2, 2)], None, Some(&[(0, 7), (2, 2)]));
        check(value, &[read(0)], Some(&[]), None);
        check(value, &[read(0)], Some(&[Some(7), None]), None);
    }
}
