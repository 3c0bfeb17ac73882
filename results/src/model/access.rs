//! Operations on a single overwritable value, as the checkers see them: what an operation demands of the value that is
//! there, and what it leaves behind.

use crate::call::Value;

/// What one operation demands of the value before it and what it leaves. `None` is nothing: no operation can leave it.
/// The value before the first write is [`Model::initial`](super::Model::initial).
///
/// The law of a model that gives this for a call and its reply, over every state that it can reach:
///
/// - with a reply, [`Model::step`](super::Model::step) allows the operation exactly in the states that
///   [`Demand::accepts`], and leaves [`sets`](Access::sets), or the state as it was where that is `None`;
/// - without a reply, `step` always allows it: where the demand is met it leaves `sets`, elsewhere nothing changes.
///
/// So operations of equal access are the same to the model, and a checker may reason about accesses alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// What must be there.
    pub demands: Demand,
    /// What it leaves; `None`: what was there.
    pub sets: Option<Value>,
}

/// What an operation demands of the value before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Demand {
    /// Nothing.
    Anything,
    /// This value.
    Is(Option<Value>),
    /// Any value but this one.
    IsNot(Option<Value>),
}

impl Demand {
    /// Whether the demand is met by `value`.
    pub fn accepts(self, value: Option<Value>) -> bool {
        match self {
            Demand::Anything => true,
            Demand::Is(wanted) => wanted == value,
            Demand::IsNot(unwanted) => unwanted != value,
        }
    }
}

impl Access {
    /// Whether the operation leaves every state in which it is legal as it was.
    pub fn only_observes(self) -> bool {
        match self.sets {
            None => true,
            Some(value) => self.demands == Demand::Is(Some(value)),
        }
    }
}
