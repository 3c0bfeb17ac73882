//! What a client asks of the target, and what the target answers.
//!
//! Workloads and targets meet only here: a workload speaks [`Call`], a target's client turns it into requests and the
//! answer into a [`Reply`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// Where a write stands among all writes of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Version {
    /// Its place in the one order of all writes, on whatever key: etcd's mod revision, ZooKeeper's mzxid, the index in
    /// raftd's log. 0: nothing was ever written.
    pub order: u64,
    /// How many writes the key had, where the target counts them: etcd's version, ZooKeeper's version and 1.
    pub edits: Option<u64>,
}

/// A version in a file: its order, or order and edits.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Order(u64),
    Both(u64, u64),
}

impl From<Form> for Version {
    fn from(form: Form) -> Version {
        match form {
            Form::Order(order) => Version { order, edits: None },
            Form::Both(order, edits) => Version { order, edits: Some(edits) },
        }
    }
}

impl From<Version> for Form {
    fn from(Version { order, edits }: Version) -> Form {
        edits.map_or(Form::Order(order), |edits| Form::Both(order, edits))
    }
}

impl Version {
    /// A version of a target that does not count the writes of a key.
    pub fn at(order: u64) -> Version {
        Version { order, edits: None }
    }
}

/// A [`Call`] without its arguments: what a workload needs, what a target supports, how operations are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// [`Call::Read`].
    Read,
    /// [`Call::Write`].
    Write,
    /// [`Call::Cas`].
    Cas,
    /// [`Call::Add`].
    Add,
    /// [`Call::Elements`].
    Elements,
    /// [`Call::AddToList`].
    AddToList,
    /// [`Call::AddGuarded`] with [`Guard::Lock`].
    AddLocked,
    /// [`Call::AddGuarded`] with [`Guard::Token`].
    AddFenced,
    /// [`Call::List`].
    List,
    /// [`Call::Open`].
    Open,
    /// [`Call::Transfer`].
    Transfer,
    /// [`Call::Accounts`].
    Accounts,
    /// [`Call::Acquire`].
    Acquire,
    /// [`Call::Release`].
    Release,
}

/// What the target answered to a call that it carried out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// To a read: what the register held.
    Read {
        /// The value; `None`: nothing was ever written.
        value: Option<Value>,
        /// The version of the register at that moment, where the target has versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// To a write, and to a compare-and-set that took place.
    Written {
        /// The version that the write gave the register, where the target has versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// To a compare-and-set: the target evaluated the comparison, and it was false. An observation, not a failure. To
    /// [`Call::Open`]: the bank has accounts already.
    NotEqual,
    /// To an addition that took place.
    Added {
        /// The version that the addition gave the set or list, where the target has versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// To [`Call::Elements`] and [`Call::List`]: all elements, in the target's order; one that is there twice comes twice.
    Elements {
        /// The elements.
        elements: Vec<Value>,
        /// The version of the set or list at that moment, where the target has versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// To [`Call::Open`]: the accounts are there.
    Opened,
    /// To [`Call::Transfer`]: it took place.
    Transferred,
    /// To [`Call::Transfer`]: the account that should give held too little. An observation, not a failure.
    TooLittle,
    /// To [`Call::Accounts`]: what each account held at one moment.
    Accounts {
        /// The balances by account; accounts that do not exist are missing.
        balances: BTreeMap<Account, i64>,
    },
    /// To [`Call::Acquire`]: the lock is taken.
    Acquired {
        /// The fencing token: greater than that of every earlier holder.
        token: u64,
        /// Until when the holder may rely on it by its own calculation, on the clock of the history; `None`: it cannot
        /// calculate, and holds the lock until it gives it back or learns that it was lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ns: Option<u64>,
    },
    /// To [`Call::Release`]: it was held to this moment, and is given back.
    Released {
        /// Until when the holder could rely on it in the end; see [`Reply::Acquired`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ns: Option<u64>,
    },
    /// To [`Call::Release`]: the target says that the lock was lost before. Only now the holder learns of it.
    NotHeld {
        /// Until when the holder could rely on it; see [`Reply::Acquired`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ns: Option<u64>,
    },
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
        }
    }

    /// The independent object this call acts on.
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
            | Call::Release { key } => *key,
        }
    }
}

impl CallKind {
    /// All kinds, in the order in which they are listed to people.
    pub const ALL: [CallKind; 14] = [
        CallKind::Read,
        CallKind::Write,
        CallKind::Cas,
        CallKind::Add,
        CallKind::Elements,
        CallKind::AddToList,
        CallKind::AddLocked,
        CallKind::AddFenced,
        CallKind::List,
        CallKind::Open,
        CallKind::Transfer,
        CallKind::Accounts,
        CallKind::Acquire,
        CallKind::Release,
    ];

    /// Whether who makes a call of this kind holds a lock, in it or by it. Such a client is a process of its own, so that a
    /// fault can pause it whole.
    pub fn takes_lock(self) -> bool {
        matches!(self, CallKind::AddLocked | CallKind::AddFenced | CallKind::Acquire | CallKind::Release)
    }

    /// Whether a call of this kind can never change the target: one that got no answer may count as not done.
    pub fn only_observes(self) -> bool {
        matches!(self, CallKind::Read | CallKind::Elements | CallKind::List | CallKind::Accounts)
    }
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CallKind::Read => "read",
            CallKind::Write => "write",
            CallKind::Cas => "cas",
            CallKind::Add => "add",
            CallKind::Elements => "elements",
            CallKind::AddToList => "add to list",
            CallKind::AddLocked => "add locked",
            CallKind::AddFenced => "add fenced",
            CallKind::List => "list",
            CallKind::Open => "open",
            CallKind::Transfer => "transfer",
            CallKind::Accounts => "accounts",
            CallKind::Acquire => "acquire",
            CallKind::Release => "release",
        })
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
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Read { value, .. } => write!(f, "{}", Shown(*value)),
            Reply::Written { .. } => f.write_str("ok"),
            Reply::NotEqual => f.write_str("not equal"),
            Reply::Added { .. } | Reply::Opened | Reply::Transferred | Reply::Released { .. } => f.write_str("ok"),
            Reply::Elements { elements, .. } => write_elements(f, elements),
            Reply::TooLittle => f.write_str("too little"),
            Reply::Accounts { balances } => write_balances(f, balances),
            Reply::Acquired { token, .. } => write!(f, "token {token}"),
            Reply::NotHeld { .. } => f.write_str("not held"),
        }
    }
}

/// The most elements that are shown at each end of a long set.
const SHOWN_AT_EACH_END: usize = 4;

/// `{1, 2, 3}`; of a long set its ends and its size.
fn write_elements(f: &mut fmt::Formatter<'_>, elements: &[Value]) -> fmt::Result {
    let join = |part: &[Value]| part.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    if elements.len() <= 2 * SHOWN_AT_EACH_END + 1 {
        return write!(f, "{{{}}}", join(elements));
    }
    let (first, last) = (&elements[..SHOWN_AT_EACH_END], &elements[elements.len() - SHOWN_AT_EACH_END..]);
    write!(f, "{{{}, ..., {}}} ({} elements)", join(first), join(last), elements.len())
}

/// `0: 10, 1: 7 (17 in all)`.
fn write_balances(f: &mut fmt::Formatter<'_>, balances: &BTreeMap<Account, i64>) -> fmt::Result {
    for (account, balance) in balances {
        write!(f, "{account}: {balance}, ")?;
    }
    // Whatever stands in a file, a sum must not overflow.
    let total: i128 = balances.values().map(|balance| i128::from(*balance)).sum();
    write!(f, "{total} in all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_or_two() {
        for (version, text) in
            [(Version::at(7), "7"), (Version { order: 7, edits: Some(2) }, "[7,2]"), (Version::at(0), "0")]
        {
            assert_eq!(serde_json::to_string(&version).unwrap(), text);
            assert_eq!(serde_json::from_str::<Version>(text).unwrap(), version);
        }
    }

    #[test]
    fn replies_read_as_people_write_them() {
        let elements = |most| Reply::Elements { elements: (1..=most).collect(), version: None }.to_string();
        assert_eq!(elements(0), "{}");
        assert_eq!(elements(3), "{1, 2, 3}");
        assert_eq!(elements(50), "{1, 2, 3, 4, ..., 47, 48, 49, 50} (50 elements)");
        let accounts = Reply::Accounts { balances: BTreeMap::from([(0, i64::MAX), (1, 7)]) };
        assert_eq!(accounts.to_string(), "0: 9223372036854775807, 1: 7, 9223372036854775814 in all");
    }
}
