//! What a client asks of the target, and what the target answers.
//!
//! Workloads and targets meet only here: a workload speaks [`Call`], a target's client turns it into requests and the
//! answer into a [`Reply`].

mod kind;
mod reply;
mod version;

pub use kind::CallKind;
pub use reply::Reply;
pub(crate) use reply::list_in_short;
pub use version::Version;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one independent object of the target (one register, one set, ...).
pub type Key = u64;

/// What a register holds, or an element of a set. The absence of a value (a register never written) is `None` where a
/// value is read.
pub type Value = i64;

/// An account of a bank, counted from 0.
pub type Account = u32;

/// One request of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    /// Read the register `key`.
    Read {
        /// The register.
        key: Key,
    },
    /// Write `value` to the register `key` without condition.
    Write {
        /// The register.
        key: Key,
        /// The value to write.
        value: Value,
    },
    /// Set the register `key` to `value` if it holds `expect`.
    Cas {
        /// The register.
        key: Key,
        /// What it must hold; `None`: nothing was ever written.
        expect: Option<Value>,
        /// The value to write.
        value: Value,
    },
    /// Add `element` to the set `key`, whose elements the target keeps apart from each other.
    Add {
        /// The set.
        key: Key,
        /// The element.
        element: Value,
    },
    /// Read all elements of a set that was filled by [`Call::Add`], at one moment.
    Elements {
        /// The set.
        key: Key,
    },
    /// Add `element` to the list `key`, which is one value of the target: read it, and swap it for a longer one by
    /// compare-and-set.
    AddToList {
        /// The list.
        key: Key,
        /// The element.
        element: Value,
    },
    /// Take the lock `key`, add `element` to the list `key` by a read and a write, and give the lock back.
    AddGuarded {
        /// The list, and the lock.
        key: Key,
        /// The element.
        element: Value,
        /// What protects the write.
        guard: Guard,
    },
    /// Read all elements of a list that was filled by [`Call::AddToList`] or [`Call::AddGuarded`].
    List {
        /// The list.
        key: Key,
    },
    /// Open the bank `key`, if it has no accounts: all of them, with these balances, in one transaction.
    Open {
        /// The bank.
        key: Key,
        /// What each account holds at first, in the order of the accounts.
        balances: Vec<i64>,
    },
    /// Move `amount` from one account of the bank `key` to another, if it has so much, in one transaction.
    Transfer {
        /// The bank.
        key: Key,
        /// The account that gives.
        from: Account,
        /// The account that takes.
        to: Account,
        /// How much; more than 0.
        amount: i64,
    },
    /// Read all accounts of the bank `key`, at one moment.
    Accounts {
        /// The bank.
        key: Key,
    },
    /// Take the lock `key`; ends when it is taken, or in time without it.
    Acquire {
        /// The lock.
        key: Key,
    },
    /// Give the lock `key` back, which this process holds or held.
    Release {
        /// The lock.
        key: Key,
    },
    /// Put `text` under the key `key`, whatever was there.
    Put {
        /// The key.
        key: Key,
        /// The text.
        text: String,
    },
    /// Append `text` to what is under the key `key`.
    Append {
        /// The key.
        key: Key,
        /// The text.
        text: String,
    },
    /// Read the text under the key `key`.
    Get {
        /// The key.
        key: Key,
    },
    /// Put `element` into the queue `key`.
    Enqueue {
        /// The queue.
        key: Key,
        /// The element.
        element: Value,
    },
    /// Take an element out of the queue `key`.
    Dequeue {
        /// The queue.
        key: Key,
    },
    /// Add `by` to the counter `key`.
    Increase {
        /// The counter.
        key: Key,
        /// How much; may be less than 0.
        by: i64,
    },
    /// Read the counter `key`.
    Count {
        /// The counter.
        key: Key,
    },
    /// Several reads and writes of registers, all in one transaction.
    Transaction {
        /// What is done, in this order.
        steps: Vec<Step>,
    },
    /// Several reads of lists and appends to lists, all in one transaction.
    ListTransaction {
        /// What is done, in this order.
        steps: Vec<ListStep>,
    },
    /// Something that only a model of somebody else knows.
    Other {
        /// The object.
        key: Key,
        /// The call, as people write it.
        text: String,
    },
}

/// A part of a [`Call::Transaction`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Read the register `key`.
    Read {
        /// The register.
        key: Key,
    },
    /// Write `value` to the register `key`.
    Write {
        /// The register.
        key: Key,
        /// The value to write.
        value: Value,
    },
}

/// A part of a [`Call::ListTransaction`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ListStep {
    /// Read the whole list `key`.
    Read {
        /// The list.
        key: Key,
    },
    /// Append `element` to the list `key`; no other append to this list has the same element.
    Append {
        /// The list.
        key: Key,
        /// The element.
        element: Value,
    },
}

impl Step {
    /// The register.
    pub fn key(&self) -> Key {
        match self {
            Step::Read { key } | Step::Write { key, .. } => *key,
        }
    }
}

impl ListStep {
    /// The list.
    pub fn key(&self) -> Key {
        match self {
            ListStep::Read { key } | ListStep::Append { key, .. } => *key,
        }
    }
}

/// What protects a write that is made while a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The lock alone: the write has no condition of its own.
    Lock,
    /// The fencing token: the target refuses the write unless the lock is still held under it.
    Token,
}

impl Call {
    /// The kind of this call.
    pub fn kind(&self) -> CallKind {
        match self {
            Call::Read { .. } => CallKind::Read,
            Call::Write { .. } => CallKind::Write,
            Call::Cas { .. } => CallKind::Cas,
            Call::Add { .. } => CallKind::Add,
            Call::Elements { .. } => CallKind::Elements,
            Call::AddToList { .. } => CallKind::AddToList,
            Call::AddGuarded { guard: Guard::Lock, .. } => CallKind::AddLocked,
            Call::AddGuarded { guard: Guard::Token, .. } => CallKind::AddFenced,
            Call::List { .. } => CallKind::List,
            Call::Open { .. } => CallKind::Open,
            Call::Transfer { .. } => CallKind::Transfer,
            Call::Accounts { .. } => CallKind::Accounts,
            Call::Acquire { .. } => CallKind::Acquire,
            Call::Release { .. } => CallKind::Release,
            Call::Put { .. } => CallKind::Put,
            Call::Append { .. } => CallKind::Append,
            Call::Get { .. } => CallKind::Get,
            Call::Enqueue { .. } => CallKind::Enqueue,
            Call::Dequeue { .. } => CallKind::Dequeue,
            Call::Increase { .. } => CallKind::Increase,
            Call::Count { .. } => CallKind::Count,
            Call::Transaction { .. } => CallKind::Transaction,
            Call::ListTransaction { .. } => CallKind::ListTransaction,
            Call::Other { .. } => CallKind::Other,
        }
    }

    /// The independent object this call acts on. All registers or lists that transactions touch are one object, 0.
    pub fn key(&self) -> Key {
        match self {
            Call::Read { key }
            | Call::Write { key, .. }
            | Call::Cas { key, .. }
            | Call::Add { key, .. }
            | Call::Elements { key }
            | Call::AddToList { key, .. }
            | Call::AddGuarded { key, .. }
            | Call::List { key }
            | Call::Open { key, .. }
            | Call::Transfer { key, .. }
            | Call::Accounts { key }
            | Call::Acquire { key }
            | Call::Release { key }
            | Call::Put { key, .. }
            | Call::Append { key, .. }
            | Call::Get { key }
            | Call::Enqueue { key, .. }
            | Call::Dequeue { key }
            | Call::Increase { key, .. }
            | Call::Count { key }
            | Call::Other { key, .. } => *key,
            Call::Transaction { .. } | Call::ListTransaction { .. } => 0,
        }
    }

    /// Whether it changes nothing: a call of a kind that only observes, or a transaction of nothing but reads.
    pub fn only_observes(&self) -> bool {
        match self {
            Call::Transaction { steps } => steps.iter().all(|step| matches!(step, Step::Read { .. })),
            Call::ListTransaction { steps } => steps.iter().all(|step| matches!(step, ListStep::Read { .. })),
            call => call.kind().only_observes(),
        }
    }

    /// All objects that this call names: that of [`Call::key`], of a transaction every register or list, perhaps repeatedly.
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Call::Transaction { steps } => steps.iter().map(Step::key).collect(),
            Call::ListTransaction { steps } => steps.iter().map(ListStep::key).collect(),
            call => vec![call.key()],
        }
    }
}

/// Shows an optional register value as people write it: `3`, or `nil` where nothing was ever written.
pub struct Shown(pub Option<Value>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("nil"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Read { .. } => f.write_str("read"),
            Call::Write { value, .. } => write!(f, "write {value}"),
            Call::Cas { expect, value, .. } => write!(f, "cas {} to {value}", Shown(*expect)),
            Call::Add { element, .. } | Call::AddToList { element, .. } => write!(f, "add {element}"),
            Call::AddGuarded { element, guard: Guard::Lock, .. } => write!(f, "add {element} under the lock"),
            Call::AddGuarded { element, guard: Guard::Token, .. } => write!(f, "add {element} under the token"),
            Call::Elements { .. } | Call::List { .. } => f.write_str("read all"),
            Call::Open { balances, .. } => write!(f, "open {} accounts", balances.len()),
            Call::Transfer { from, to, amount, .. } => write!(f, "move {amount} from {from} to {to}"),
            Call::Accounts { .. } => f.write_str("read accounts"),
            Call::Acquire { .. } => f.write_str("acquire"),
            Call::Release { .. } => f.write_str("release"),
            Call::Put { text, .. } => write!(f, "put {text:?}"),
            Call::Append { text, .. } => write!(f, "append {text:?}"),
            Call::Get { .. } => f.write_str("get"),
            Call::Enqueue { element, .. } => write!(f, "enqueue {element}"),
            Call::Dequeue { .. } => f.write_str("dequeue"),
            Call::Increase { by, .. } => write!(f, "increase by {by}"),
            Call::Count { .. } => f.write_str("count"),
            Call::Transaction { steps } => write_steps(f, steps),
            Call::ListTransaction { steps } => write_list_steps(f, steps),
            Call::Other { text, .. } => f.write_str(text),
        }
    }
}

/// `read 0, write 1 to 2`.
fn write_steps(f: &mut fmt::Formatter<'_>, steps: &[Step]) -> fmt::Result {
    let told = steps.iter().map(|step| match step {
        Step::Read { key } => format!("read {key}"),
        Step::Write { key, value } => format!("write {value} to {key}"),
    });
    f.write_str(&told.collect::<Vec<_>>().join(", "))
}

/// `read 0, append 1 to 2`.
fn write_list_steps(f: &mut fmt::Formatter<'_>, steps: &[ListStep]) -> fmt::Result {
    let told = steps.iter().map(|step| match step {
        ListStep::Read { key } => format!("read {key}"),
        ListStep::Append { key, element } => format!("append {element} to {key}"),
    });
    f.write_str(&told.collect::<Vec<_>>().join(", "))
}
