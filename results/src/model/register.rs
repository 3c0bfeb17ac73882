//! A register with read, write and compare-and-set: `cas-register`.

use crate::call::{Call, Key, Reply, Shown, Value};
use crate::model::Model;

/// A register that holds nothing at first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Register;

impl Model for Register {
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
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn show(&self, state: &Self::State) -> String {
        Shown(*state).to_string()
    }
}
