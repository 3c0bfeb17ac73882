//! What a client asks of the target, and what the target answers.
//!
//! Workloads and targets meet only here: a workload speaks [`Call`], a target's client turns it into requests and the
//! answer into a [`Reply`].

use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one independent object of the target (one register, one set, ...).
pub type Key = u64;

/// What a register holds. The absence of a value (a register never written) is `None` where a value is read.
pub type Value = i64;

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
        version: Option<u64>,
    },
    /// To a write, and to a compare-and-set that took place.
    Written {
        /// The version that the write gave the register, where the target has versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// To a compare-and-set: the target evaluated the comparison, and it was false. An observation, not a failure.
    NotEqual,
}

impl Call {
    /// The kind of this call.
    pub fn kind(&self) -> CallKind {
        match self {
            Call::Read { .. } => CallKind::Read,
            Call::Write { .. } => CallKind::Write,
            Call::Cas { .. } => CallKind::Cas,
        }
    }

    /// The independent object this call acts on.
    pub fn key(&self) -> Key {
        match self {
            Call::Read { key } | Call::Write { key, .. } | Call::Cas { key, .. } => *key,
        }
    }
}

impl CallKind {
    /// All kinds, in the order in which they are listed to people.
    pub const ALL: [CallKind; 3] = [CallKind::Read, CallKind::Write, CallKind::Cas];

    /// Whether a call of this kind can never change the target: one that got no answer may count as not done.
    pub fn only_observes(self) -> bool {
        matches!(self, CallKind::Read)
    }
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CallKind::Read => "read",
            CallKind::Write => "write",
            CallKind::Cas => "cas",
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
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Read { value, .. } => write!(f, "{}", Shown(*value)),
            Reply::Written { .. } => f.write_str("ok"),
            Reply::NotEqual => f.write_str("not equal"),
        }
    }
}
