//! The state as bytes, for snapshots: the same bytes for the same state, whoever encodes it.
//!
//! A state begins with a mark and its version. States of the first version have neither: they begin with the number of keys,
//! which the mark cannot be. They are read like those of today, as the states without leases that they are.

use super::session::{Session, Sessions};
use super::{Leases, Machine, SetView, Version};
use crate::types::Bug;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// No number begins like this.
const MARK: [u8; 10] = [0xff; 10];
const VERSION: u8 = 2;

/// Bytes that are no state that can be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StateError {
    /// They are damaged.
    #[error("not a state: {0}")]
    Damaged(#[from] postcard::Error),
    /// They are of a newer version of the server.
    #[error(
        "a state of version {found}, where {VERSION} is the latest that is known here; run the version that wrote it"
    )]
    Version {
        /// The version.
        found: u8,
    },
}

#[derive(Serialize)]
struct Encoded<'a> {
    keys: &'a BTreeMap<String, (String, Version)>,
    sets: &'a BTreeMap<String, SetView>,
    sessions: &'a BTreeMap<u64, Session>,
    leases: &'a Leases,
}

#[derive(Deserialize)]
struct Decoded {
    first: First,
    leases: Leases,
}

/// A state of the first version.
#[derive(Deserialize)]
struct First {
    keys: BTreeMap<String, (String, Version)>,
    sets: BTreeMap<String, SetView>,
    sessions: BTreeMap<u64, Session>,
}

/// Reads all of the bytes.
fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, StateError> {
    match postcard::take_from_bytes(bytes)? {
        (read, []) => Ok(read),
        (_, _) => Err(StateError::Damaged(postcard::Error::DeserializeBadEncoding)),
    }
}

impl Machine {
    /// The whole state.
    pub fn encode(&self) -> Vec<u8> {
        let Machine { keys, sets, sessions, leases, bug: _ } = self;
        let state = Encoded { keys, sets, sessions: sessions.open_ones(), leases };
        let head = [&MARK[..], &[VERSION]].concat();
        postcard::to_extend(&state, head).expect("a state is made of strings and numbers, which always encode")
    }

    /// The machine with the state in `bytes`, and a planted bug, if it is one that a machine can have.
    ///
    /// # Errors
    ///
    /// If they are not a state, or one of a newer version.
    pub fn decode(bytes: &[u8], bug: Option<Bug>) -> Result<Machine, StateError> {
        let Decoded { first: First { keys, sets, sessions }, leases } = match bytes.strip_prefix(&MARK) {
            None => Decoded { first: whole(bytes)?, leases: Leases::default() },
            Some([VERSION, state @ ..]) => whole(state)?,
            Some([found, ..]) => return Err(StateError::Version { found: *found }),
            Some([]) => return Err(StateError::Damaged(postcard::Error::DeserializeUnexpectedEnd)),
        };
        let sessions = if bug == Some(Bug::SnapshotWithoutSessions) { BTreeMap::new() } else { sessions };
        Ok(Machine { keys, sets, sessions: Sessions::restored(sessions), leases, bug })
    }
}
