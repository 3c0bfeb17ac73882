//! The state as bytes, for snapshots: the same bytes for the same state, whoever encodes it.

use super::session::{Session, Sessions};
use super::{Machine, SetView, Version};
use crate::types::Bug;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// Bytes that are no state: written by another version of the server.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a state that this version of the server knows: {0}")]
pub struct StateError(#[from] postcard::Error);

#[derive(Serialize)]
struct Encoded<'a> {
    keys: &'a BTreeMap<String, (String, Version)>,
    sets: &'a BTreeMap<String, SetView>,
    sessions: &'a BTreeMap<u64, Session>,
}

#[derive(Deserialize)]
struct Decoded {
    keys: BTreeMap<String, (String, Version)>,
    sets: BTreeMap<String, SetView>,
    sessions: BTreeMap<u64, Session>,
}

impl Machine {
    /// The whole state.
    pub fn encode(&self) -> Vec<u8> {
        let state = Encoded { keys: &self.keys, sets: &self.sets, sessions: self.sessions.open_ones() };
        postcard::to_stdvec(&state).expect("a state is made of strings and numbers, which always encode")
    }

    /// The machine with the state in `bytes`, and a planted bug, if it is one that a machine can have.
    ///
    /// # Errors
    ///
    /// If they are not a state.
    pub fn decode(bytes: &[u8], bug: Option<Bug>) -> Result<Machine, StateError> {
        let (Decoded { keys, sets, sessions }, rest) = postcard::take_from_bytes(bytes)?;
        match rest {
            [] => Ok(Machine { keys, sets, sessions: Sessions::restored(sessions), bug }),
            _ => Err(StateError(postcard::Error::DeserializeBadEncoding)),
        }
    }
}
