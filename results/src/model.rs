//! Sequential models: what a correct object would do if its operations came one at a time.

pub mod access;
pub mod bank;
pub mod cas_register;
pub mod collection;
pub mod counter;
pub mod kv;
pub mod multi_register;
pub mod mutex;
pub mod object;
pub mod owned;
pub mod queue;
pub mod register;
pub mod versioned;

pub use access::{Access, Demand};
pub use bank::{Bank, CreditBank};
pub use cas_register::{CasRegister, NilRead};
pub use collection::Collection;
pub use counter::Counter;
pub use kv::Kv;
pub use multi_register::MultiRegister;
pub use mutex::Mutex;
pub use object::{Deed, Object};
pub use owned::{FencedLock, OwnedCall, OwnerMutex};
pub use queue::{FifoQueue, UnorderedQueue};
pub use register::Register;
pub use versioned::VersionedRegister;

use crate::call::{Call, Key, Reply, Value};
use std::fmt::{Debug, Display};
use std::hash::Hash;

/// A sequential specification. Pure: no randomness, no clock, no hidden state.
///
/// Yours may have calls and replies of its own. This is a whole one, a stack, and a history in which two processes push at
/// the same time and a third pops what cannot be on top:
///
/// ```
/// use squall_results::checker::linearizable::Linearizable;
/// use squall_results::model::{AnyCall, AnyReply, Model};
/// use squall_results::{Budget, Operation, Outcome, Validity};
/// use std::fmt;
///
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// enum Ask {
///     Push(u32),
///     Pop,
/// }
///
/// impl fmt::Display for Ask {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         match self {
///             Ask::Push(item) => write!(f, "push {item}"),
///             Ask::Pop => f.write_str("pop"),
///         }
///     }
/// }
///
/// /// What was popped; nothing to a push, and to a pop of an empty stack.
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Popped(Option<u32>);
///
/// impl fmt::Display for Popped {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         self.0.map_or(f.write_str("nothing"), |item| write!(f, "{item}"))
///     }
/// }
///
/// impl AnyCall for Ask {}
/// impl AnyReply for Popped {}
///
/// struct Stack;
///
/// impl Model for Stack {
///     type Call = Ask;
///     type Reply = Popped;
///     type State = Vec<u32>;
///
///     fn name(&self) -> &'static str {
///         "stack"
///     }
///
///     fn init(&self) -> Vec<u32> {
///         Vec::new()
///     }
///
///     fn step(&self, state: &Vec<u32>, call: &Ask, reply: Option<&Popped>) -> Result<Vec<u32>, String> {
///         let mut after = state.clone();
///         let top = match call {
///             Ask::Push(item) => {
///                 after.push(*item);
///                 None
///             }
///             Ask::Pop => after.pop(),
///         };
///         match reply {
///             Some(Popped(item)) if *item != top => Err(format!("it popped {item:?}, but {top:?} is on top")),
///             _ => Ok(after),
///         }
///     }
///
///     fn partition(&self, _call: &Ask) -> u64 {
///         0 // there is one stack
///     }
/// }
///
/// let operation = |process, call, invoked_ns, returned_ns, popped| Operation {
///     id: process, // every process makes one call here
///     process,
///     node: "n1".into(),
///     call,
///     due_ns: invoked_ns,
///     invoked_ns,
///     returned_ns: Some(returned_ns),
///     outcome: Outcome::Ok(Popped(popped)),
/// };
/// let mut history = vec![
///     operation(0, Ask::Push(1), 0, 10, None),
///     operation(1, Ask::Push(2), 5, 15, None),
///     operation(2, Ask::Pop, 20, 25, Some(1)),
///     operation(3, Ask::Pop, 30, 35, Some(2)),
/// ];
/// let checker = Linearizable::new(Stack);
/// assert_eq!(checker.check_operations(&history, &Budget::default()).validity, Validity::Valid);
///
/// history[3].outcome = Outcome::Ok(Popped(Some(1)));
/// let verdict = checker.check_operations(&history, &Budget::default());
/// assert_eq!(verdict.validity, Validity::Invalid);
/// assert!(verdict.anomalies[0].minimal.as_ref().unwrap().verified);
/// ```
pub trait Model: Sync {
    /// What can be asked.
    type Call: AnyCall;

    /// What can be answered.
    type Reply: AnyReply;

    /// The state of one key.
    type State: Clone + Eq + Hash + Debug + Send + Sync;

    /// The name by which people choose it: `cas-register`.
    fn name(&self) -> &'static str;

    /// The state before any operation.
    fn init(&self) -> Self::State;

    /// The state after `call` answered with `reply` in `state`, or why that cannot be.
    ///
    /// A `reply` of `None` is a call whose answer nobody saw, at the moment at which it takes effect: every answer is
    /// allowed then, and the model returns the state that follows.
    fn step(&self, state: &Self::State, call: &Self::Call, reply: Option<&Self::Reply>) -> Result<Self::State, String>;

    /// As [`step`](Model::step), in place: for orders that are long and states that are large. The state is lost if the
    /// step is not legal.
    fn step_in_place(
        &self,
        state: &mut Self::State,
        call: &Self::Call,
        reply: Option<&Self::Reply>,
    ) -> Result<(), String> {
        *state = self.step(state, call, reply)?;
        Ok(())
    }

    /// The independent object that a call acts on. Keys are judged apart (linearizability is local: Herlihy and Wing,
    /// 1990, theorem 1), so a model must only split where no call touches two keys.
    fn partition(&self, call: &Self::Call) -> Key;

    /// Whether a call leaves every state as it is, whatever is answered. `false` is always right, only slower.
    fn only_observes(&self, _call: &Self::Call) -> bool {
        false
    }

    /// Whether two operations, each a call and its answer, can change places wherever one comes right after the other: in
    /// every state both orders of them are legal or neither, and both lead to the same state. Then the search need not
    /// try both. `false` is always right, only slower.
    fn commute(&self, _one: (&Self::Call, Option<&Self::Reply>), _other: (&Self::Call, Option<&Self::Reply>)) -> bool {
        false
    }

    /// The operation as an access to a single overwritable value, where it is one; see [`Access`] for the law. It lets
    /// checkers drop what nothing can depend on and tell a contradiction in the words of a register. `None` is always
    /// right, only slower and less eloquent.
    fn access(&self, _call: &Self::Call, _reply: Option<&Self::Reply>) -> Option<Access> {
        None
    }

    /// The value of [`init`](Model::init) as [`access`](Model::access) sees it: what the register holds before the first
    /// write. `None`: nothing, a value like any other that no call can write.
    fn initial(&self) -> Option<Value> {
        None
    }

    /// Whether every operation is an access to one value: what [`access`](Model::access) gives `None` for is legal in no
    /// state if it was answered, and changes none if not. Then judging while events come need not keep operations that
    /// are over; `false` is always right, and only needs more memory.
    fn is_register(&self) -> bool {
        false
    }

    /// What a key is, where it is an object that is judged faster than by a search; see [`Object`] for the law. `None` is
    /// always right, only slower.
    fn object(&self) -> Option<Object> {
        None
    }

    /// What an operation does to that [`object`](Model::object). `None` leaves the key to the search.
    fn deed<'a>(&self, _call: &'a Self::Call, _reply: Option<&'a Self::Reply>) -> Option<Deed<'a>> {
        None
    }

    /// The state as people write it.
    fn show(&self, state: &Self::State) -> String {
        format!("{state:?}")
    }
}

/// A call that a model knows: squall's own [`Call`], or a type of a library's user.
pub trait AnyCall: Clone + Eq + Hash + Debug + Display + Send + Sync {
    /// The call as evidence shows it.
    fn to_call(&self) -> Call {
        Call::Other { key: 0, text: self.to_string() }
    }
}

/// A reply that a model knows: squall's own [`Reply`], or a type of a library's user.
pub trait AnyReply: Clone + Eq + Hash + Debug + Display + Send + Sync {
    /// The reply as evidence shows it.
    fn to_reply(&self) -> Reply {
        Reply::Other { text: self.to_string() }
    }
}

impl AnyCall for Call {
    fn to_call(&self) -> Call {
        self.clone()
    }
}

impl AnyReply for Reply {
    fn to_reply(&self) -> Reply {
        self.clone()
    }
}
