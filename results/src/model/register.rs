//! A register with read, write and compare-and-set: `cas-register`.

use crate::call::{Call, Key, Reply, Shown, Value};
use crate::model::{Access, Demand, Model};

/// A register that holds nothing at first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Register;

impl Model for Register {
    type Call = Call;
    type Reply = Reply;
    type State = Option<Value>;

    fn name(&self) -> &'static str {
        "cas-register"
    }

    fn init(&self) -> Self::State {
        None
    }

    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String> {
        match (call, reply) {
            (Call::Read { .. }, None) => Ok(*state),
            (Call::Read { .. }, Some(Reply::Read { value, .. })) if value == state => Ok(*state),
            (Call::Read { .. }, Some(Reply::Read { value, .. })) => {
                Err(format!("it read {}, but the register holds {}", Shown(*value), Shown(*state)))
            }
            (Call::Write { value, .. }, None | Some(Reply::Written { .. })) => Ok(Some(*value)),
            (Call::Cas { expect, value, .. }, None) => Ok(if expect == state { Some(*value) } else { *state }),
            (Call::Cas { expect, value, .. }, Some(Reply::Written { .. })) if expect == state => Ok(Some(*value)),
            (Call::Cas { expect, .. }, Some(Reply::Written { .. })) => {
                Err(format!("it swapped {}, but the register holds {}", Shown(*expect), Shown(*state)))
            }
            (Call::Cas { expect, .. }, Some(Reply::NotEqual)) if expect != state => Ok(*state),
            (Call::Cas { expect, .. }, Some(Reply::NotEqual)) => {
                Err(format!("it found the register not equal to {}, but it holds just that", Shown(*expect)))
            }
            (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no register knows changes none.
            (_, None) => Ok(*state),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn only_observes(&self, call: &Call) -> bool {
        call.kind().only_observes()
    }

    fn access(&self, call: &Call, reply: Option<&Reply>) -> Option<Access> {
        let (demands, sets) = match (call, reply) {
            (Call::Read { .. }, None) => (Demand::Anything, None),
            (Call::Read { .. }, Some(Reply::Read { value, .. })) => (Demand::Is(*value), None),
            (Call::Write { value, .. }, None | Some(Reply::Written { .. })) => (Demand::Anything, Some(*value)),
            (Call::Cas { expect, value, .. }, None | Some(Reply::Written { .. })) => {
                (Demand::Is(*expect), Some(*value))
            }
            (Call::Cas { expect, .. }, Some(Reply::NotEqual)) => (Demand::IsNot(*expect), None),
            (_, Some(_) | None) => return None,
        };
        Some(Access { demands, sets })
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
    use crate::call::Version;

    const VALUES: [Option<Value>; 4] = [None, Some(1), Some(2), Some(3)];

    fn calls() -> Vec<Call> {
        let written = VALUES.iter().flatten();
        let mut calls = vec![Call::Read { key: 0 }];
        calls.extend(written.clone().map(|value| Call::Write { key: 0, value: *value }));
        calls.extend(written.flat_map(|value| VALUES.map(|expect| Call::Cas { key: 0, expect, value: *value })));
        calls
    }

    fn replies() -> Vec<Option<Reply>> {
        let mut replies = vec![None, Some(Reply::Written { version: Some(Version::at(7)) }), Some(Reply::NotEqual)];
        replies.extend(VALUES.map(|value| Some(Reply::Read { value, version: Some(Version::at(7)) })));
        replies
    }

    /// The law of [`Access`], over every call, every reply and every state of a small world.
    #[test]
    fn an_access_says_just_what_a_step_does() {
        let mut seen = 0;
        for (call, reply) in calls().iter().flat_map(|call| replies().into_iter().map(move |reply| (call, reply))) {
            let access = Register.access(call, reply.as_ref());
            for state in VALUES {
                let step = Register.step(&state, call, reply.as_ref());
                let Some(access) = access else {
                    assert!(step.is_err(), "{call} -> {reply:?}");
                    continue;
                };
                let expected = match (access.demands.accepts(state), &reply) {
                    (true, _) => Some(access.sets.or(state)),
                    (false, None) => Some(state),
                    (false, Some(_)) => None,
                };
                assert_eq!(step.ok(), expected, "{call} -> {reply:?} at {state:?}");
                seen += 1;
            }
        }
        assert!(seen > 100);
    }
}
