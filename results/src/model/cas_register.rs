//! Registers as other tools know them: with a first value, and with reads of nil that say nothing.

use crate::call::{Call, Key, Reply, Shown, Value};
use crate::model::{Access, Demand, Model, Register};

/// What a read means that found nil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NilRead {
    /// The register held nothing: an observation as any other.
    #[default]
    Value,
    /// Nobody noted what it found: any state explains it, as in the models of Knossos.
    Wildcard,
}

/// A [`Register`] that holds `initial` at first.
#[derive(Debug, Clone, Copy, Default)]
pub struct CasRegister {
    /// What it holds at first; `None`: nothing.
    pub initial: Option<Value>,
    /// What a read of nil means.
    pub nil_read: NilRead,
}

impl CasRegister {
    fn says_nothing(&self, call: &Call, reply: Option<&Reply>) -> bool {
        let found_nil = matches!((call, reply), (Call::Read { .. }, Some(Reply::Read { value: None, .. })));
        found_nil && self.nil_read == NilRead::Wildcard
    }
}

impl Model for CasRegister {
    type Call = Call;
    type Reply = Reply;
    type State = Option<Value>;

    fn name(&self) -> &'static str {
        Register.name()
    }

    fn init(&self) -> Self::State {
        self.initial
    }

    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String> {
        if self.says_nothing(call, reply) { Ok(*state) } else { Register.step(state, call, reply) }
    }

    fn partition(&self, call: &Call) -> Key {
        Register.partition(call)
    }

    fn only_observes(&self, call: &Call) -> bool {
        Register.only_observes(call)
    }

    fn access(&self, call: &Call, reply: Option<&Reply>) -> Option<Access> {
        if self.says_nothing(call, reply) {
            return Some(Access { demands: Demand::Anything, sets: None });
        }
        Register.access(call, reply)
    }

    fn initial(&self) -> Option<Value> {
        self.initial
    }

    fn is_register(&self) -> bool {
        true
    }

    fn show(&self, state: &Self::State) -> String {
        Shown(*state).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_of_nil_is_an_observation_or_says_nothing() {
        let read = |value| Reply::Read { value, version: None };
        let check = |nil_read, found, legal: bool| {
            let register = CasRegister { initial: Some(7), nil_read };
            let step = register.step(&register.init(), &Call::Read { key: 0 }, Some(&read(found)));
            assert_eq!(step.ok(), legal.then_some(Some(7)), "{nil_read:?} {found:?}");
        };
        check(NilRead::Value, None, false);
        check(NilRead::Value, Some(7), true);
        check(NilRead::Wildcard, None, true);
        check(NilRead::Wildcard, Some(7), true);
        check(NilRead::Wildcard, Some(8), false);
    }
}
