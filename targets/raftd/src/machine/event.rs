//! What a change did, for whoever watches.

use super::{LeaseId, Token};
use serde::Serialize;

/// One thing that a change did. What changed nothing is no event: a swap that found something else, an element that was there, a
/// repetition within a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A key was written.
    Put {
        /// The key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// A key is gone.
    Delete {
        /// The key.
        key: String,
    },
    /// An element came into a set.
    Add {
        /// The set.
        set: String,
        /// The element.
        element: String,
    },
    /// Somebody took a lock.
    Lock {
        /// The lock.
        lock: String,
        /// The lease that holds it.
        lease: LeaseId,
        /// Under which token.
        token: Token,
    },
    /// A lock is free.
    Unlock {
        /// The lock.
        lock: String,
    },
}

impl Event {
    /// The key, the set or the lock.
    pub fn name(&self) -> &str {
        match self {
            Event::Put { key: name, .. }
            | Event::Delete { key: name }
            | Event::Add { set: name, .. }
            | Event::Lock { lock: name, .. }
            | Event::Unlock { lock: name } => name,
        }
    }

    /// About how large it is.
    pub fn bytes(&self) -> usize {
        let content = match self {
            Event::Put { value: content, .. } | Event::Add { element: content, .. } => content.len(),
            Event::Delete { .. } | Event::Lock { .. } | Event::Unlock { .. } => 0,
        };
        size_of::<Event>() + self.name().len() + content
    }
}
