//! What can be asked to change, and what comes of it.

use super::{Done, Fence, Held, LeaseChange, LeaseId, Refusal, Token, Transaction, Version, Versioned};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A change, and how to recognise its repetition. This is what an entry of the log carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The client's session and the number of the request within it. Without one a repetition is applied again.
    pub serial: Option<Serial>,
    /// What to do.
    pub change: Change,
}

/// Names one request of one client session (Ongaro's dissertation, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serial {
    /// The session, as [`Answer::Opened`] named it.
    pub session: u64,
    /// Grows with each new request of the session; a retry keeps it.
    pub sequence: u64,
}

/// What an entry does to the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Gives `key` a value.
    Write {
        /// The key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// Gives `key` a value if it has the expected one.
    CompareAndSet {
        /// The key.
        key: String,
        /// What it must hold; `None`: it must be absent.
        expect: Option<String>,
        /// Its new value.
        value: String,
    },
    /// Puts an element into a set, which comes into being by that.
    Add {
        /// The set.
        set: String,
        /// The element.
        element: String,
    },
    /// Does several things to several keys, all or none.
    Transact(Transaction),
    /// Opens a client session, named by the index of this entry.
    OpenSession,
    /// Changes leases or locks.
    Lease(LeaseChange),
    /// Does something if a lock is held under a token.
    Fenced {
        /// The lock and the token.
        fence: Fence,
        /// What is then done.
        change: Box<Change>,
    },
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The key was written.
    Written {
        /// Its new version.
        version: Version,
    },
    /// The key held what was expected and was written.
    Swapped {
        /// Its new version.
        version: Version,
    },
    /// The key held something else, and holds it still.
    NotEqual(Versioned),
    /// The element is in the set.
    Added {
        /// Whether it was not there before.
        added: bool,
        /// The version of the set afterwards.
        version: Version,
    },
    /// Every condition held and every operation was done.
    Committed(Vec<Done>),
    /// Some condition did not hold and nothing was done.
    Aborted,
    /// The session is open.
    Opened {
        /// Its name.
        session: u64,
    },
    /// The command was not applied, and this entry never will be.
    Refused(Refusal),
    /// The lease is there.
    LeaseGranted {
        /// Its name.
        lease: LeaseId,
        /// How long it lasts without being kept alive.
        ttl_ms: u64,
    },
    /// The lease has its whole time again.
    LeaseKept {
        /// How long it lasts from now on.
        ttl_ms: u64,
    },
    /// Leases ended by this.
    LeaseEnded {
        /// How many.
        leases: u64,
    },
    /// There is no such lease (any more), and nothing was done.
    LeaseGone,
    /// The lease holds the lock.
    LockAcquired {
        /// Under this token.
        token: Token,
    },
    /// Another lease holds the lock.
    LockHeld(Held),
    /// The lock was asked to be given back.
    LockReleased {
        /// Whether it was held under that token until now.
        released: bool,
    },
    /// The lock is not held under the token of the fence, and nothing was done.
    FencedOff {
        /// Who holds it, if anybody.
        held: Option<Held>,
    },
    /// There are as many leases, or locks of one lease, as there may be, and nothing was done.
    TooMany,
}

/// Bytes that are no command: written by a version of the server that knows more than this one.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a command that this version of the server knows: {0}")]
pub struct CommandError(#[from] postcard::Error);

impl Command {
    /// The command as the log keeps it.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a command is made of strings and numbers, which always encode")
    }

    /// The command in an entry.
    pub fn decode(bytes: &[u8]) -> Result<Command, CommandError> {
        match postcard::take_from_bytes(bytes)? {
            (command, []) => Ok(command),
            (_, _) => Err(CommandError(postcard::Error::DeserializeBadEncoding)),
        }
    }
}

impl Change {
    /// Tells two different changes apart, but for one chance in four thousand million.
    pub(super) fn digest(&self) -> u32 {
        let bytes = postcard::to_stdvec(self).expect("a change is made of strings and numbers, which always encode");
        crc32fast::hash(&bytes)
    }
}
