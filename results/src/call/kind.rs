//! Calls without their arguments.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A [`Call`](super::Call) without its arguments: what a workload needs, what a target supports, how operations are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// [`Call::Read`](super::Call::Read).
    Read,
    /// [`Call::Write`](super::Call::Write).
    Write,
    /// [`Call::Cas`](super::Call::Cas).
    Cas,
    /// [`Call::Add`](super::Call::Add).
    Add,
    /// [`Call::Elements`](super::Call::Elements).
    Elements,
    /// [`Call::AddToList`](super::Call::AddToList).
    AddToList,
    /// [`Call::AddGuarded`](super::Call::AddGuarded) with [`Guard::Lock`](super::Guard::Lock).
    AddLocked,
    /// [`Call::AddGuarded`](super::Call::AddGuarded) with [`Guard::Token`](super::Guard::Token).
    AddFenced,
    /// [`Call::List`](super::Call::List).
    List,
    /// [`Call::Open`](super::Call::Open).
    Open,
    /// [`Call::Transfer`](super::Call::Transfer).
    Transfer,
    /// [`Call::Accounts`](super::Call::Accounts).
    Accounts,
    /// [`Call::Acquire`](super::Call::Acquire).
    Acquire,
    /// [`Call::Release`](super::Call::Release).
    Release,
    /// [`Call::Put`](super::Call::Put).
    Put,
    /// [`Call::Append`](super::Call::Append).
    Append,
    /// [`Call::Get`](super::Call::Get).
    Get,
    /// [`Call::Enqueue`](super::Call::Enqueue).
    Enqueue,
    /// [`Call::Dequeue`](super::Call::Dequeue).
    Dequeue,
    /// [`Call::Increase`](super::Call::Increase).
    Increase,
    /// [`Call::Count`](super::Call::Count).
    Count,
    /// [`Call::Transaction`](super::Call::Transaction).
    Transaction,
    /// [`Call::ListTransaction`](super::Call::ListTransaction).
    ListTransaction,
    /// [`Call::Other`](super::Call::Other).
    Other,
}

impl CallKind {
    /// All kinds, in the order in which they are listed to people.
    pub const ALL: [CallKind; 24] = [
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
        CallKind::Put,
        CallKind::Append,
        CallKind::Get,
        CallKind::Enqueue,
        CallKind::Dequeue,
        CallKind::Increase,
        CallKind::Count,
        CallKind::Transaction,
        CallKind::ListTransaction,
        CallKind::Other,
    ];

    /// Whether who makes a call of this kind holds a lock, in it or by it. Such a client is a process of its own, so that a
    /// fault can pause it whole.
    pub fn takes_lock(self) -> bool {
        matches!(self, CallKind::AddLocked | CallKind::AddFenced | CallKind::Acquire | CallKind::Release)
    }

    /// Whether a call of this kind can never change the target: one that got no answer may count as not done.
    pub fn only_observes(self) -> bool {
        matches!(
            self,
            CallKind::Read | CallKind::Elements | CallKind::List | CallKind::Accounts | CallKind::Get | CallKind::Count
        )
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
            CallKind::Put => "put",
            CallKind::Append => "append",
            CallKind::Get => "get",
            CallKind::Enqueue => "enqueue",
            CallKind::Dequeue => "dequeue",
            CallKind::Increase => "increase",
            CallKind::Count => "count",
            CallKind::Transaction => "transaction",
            CallKind::ListTransaction => "list transaction",
            CallKind::Other => "other",
        })
    }
}
