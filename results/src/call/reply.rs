//! What the target answers.

use super::{Account, Shown, Value, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

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
    /// [`Call::Open`](super::Call::Open): the bank has accounts already.
    NotEqual,
    /// To an addition that took place.
    Added {
        /// The version that the addition gave the set or list, where the target has versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// To [`Call::Elements`](super::Call::Elements) and [`Call::List`](super::Call::List): all elements, in the target's order; one that is there twice comes twice.
    Elements {
        /// The elements.
        elements: Vec<Value>,
        /// The version of the set or list at that moment, where the target has versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// To [`Call::Open`](super::Call::Open): the accounts are there.
    Opened,
    /// To [`Call::Transfer`](super::Call::Transfer): it took place.
    Transferred,
    /// To [`Call::Transfer`](super::Call::Transfer): the account that should give held too little. An observation, not a failure.
    TooLittle,
    /// To [`Call::Accounts`](super::Call::Accounts): what each account held at one moment.
    Accounts {
        /// The balances by account; accounts that do not exist are missing.
        balances: BTreeMap<Account, i64>,
    },
    /// To [`Call::Acquire`](super::Call::Acquire): the lock is taken.
    Acquired {
        /// The fencing token: greater than that of every earlier holder.
        token: u64,
        /// Until when the holder may rely on it by its own calculation, on the clock of the history; `None`: it cannot
        /// calculate, and holds the lock until it gives it back or learns that it was lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ns: Option<u64>,
    },
    /// To [`Call::Release`](super::Call::Release): it was held to this moment, and is given back.
    Released {
        /// Until when the holder could rely on it in the end; see [`Reply::Acquired`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ns: Option<u64>,
    },
    /// To [`Call::Release`](super::Call::Release): the target says that the lock was lost before. Only now the holder learns of it.
    NotHeld {
        /// Until when the holder could rely on it; see [`Reply::Acquired`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ns: Option<u64>,
    },
    /// To [`Call::Get`](super::Call::Get): the text; empty where nothing was ever put.
    Text {
        /// The text.
        text: String,
    },
    /// To [`Call::Dequeue`](super::Call::Dequeue).
    Dequeued {
        /// The element; `None`: the queue was empty.
        element: Option<Value>,
    },
    /// To [`Call::Count`](super::Call::Count).
    Count {
        /// What the counter held.
        count: i64,
    },
    /// To [`Call::Transaction`](super::Call::Transaction): it took place.
    Committed {
        /// What each of its reads found, in their order.
        found: Vec<Option<Value>>,
    },
    /// To [`Call::ListTransaction`](super::Call::ListTransaction): it took place.
    CommittedLists {
        /// What each of its reads found, in their order; an empty list where nothing was ever appended.
        found: Vec<Vec<Value>>,
    },
    /// An answer that only a model of somebody else knows.
    Other {
        /// The answer, as people write it.
        text: String,
    },
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
            Reply::Text { text } => write!(f, "{text:?}"),
            Reply::Dequeued { element: Some(element) } => write!(f, "{element}"),
            Reply::Dequeued { element: None } => f.write_str("empty"),
            Reply::Count { count } => write!(f, "{count}"),
            Reply::Committed { found } => write_found(f, found),
            Reply::CommittedLists { found } => write_found_lists(f, found),
            Reply::Other { text } => f.write_str(text),
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

/// `1, nil`; of a transaction that read nothing, `ok`.
fn write_found(f: &mut fmt::Formatter<'_>, found: &[Option<Value>]) -> fmt::Result {
    match found {
        [] => f.write_str("ok"),
        found => f.write_str(&found.iter().map(|value| Shown(*value).to_string()).collect::<Vec<_>>().join(", ")),
    }
}

/// `[1, 2], []`; of a transaction that read nothing, `ok`.
fn write_found_lists(f: &mut fmt::Formatter<'_>, found: &[Vec<Value>]) -> fmt::Result {
    match found {
        [] => f.write_str("ok"),
        found => f.write_str(&found.iter().map(|list| list_in_short(list)).collect::<Vec<_>>().join(", ")),
    }
}

/// `[1, 2, 3]`; of a long list its ends and its length.
pub(crate) fn list_in_short(list: &[Value]) -> String {
    let join = |part: &[Value]| part.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    if list.len() <= 2 * SHOWN_AT_EACH_END + 1 {
        return format!("[{}]", join(list));
    }
    let (first, last) = (&list[..SHOWN_AT_EACH_END], &list[list.len() - SHOWN_AT_EACH_END..]);
    format!("[{}, ..., {}] ({} elements)", join(first), join(last), list.len())
}

#[cfg(test)]
mod tests {
    use super::*;

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
