//! Client sessions: a retried change is applied once (Ongaro's dissertation, section 6.3).
//!
//! A client with a session has one request in flight at a time and numbers its requests; the machine remembers the last
//! number and its answer. Everything here follows from the log alone, the expiry of sessions included, so that all
//! members agree on which change was a repetition.

use super::{Answer, Serial};
use crate::types::Index;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// How many sessions are kept; the least recently used one goes when another is opened. It is part of the meaning of
/// the log: members of one cluster must agree on it.
pub const SESSIONS_MAX: usize = 4096;

/// Why a change with a serial was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Refusal {
    /// The session does not exist (any more), so nobody can tell whether the request is a repetition. This entry did
    /// nothing; an earlier try of the same request may have been applied while the session was still there.
    #[error("session {session} is unknown or expired; an earlier try may have been applied; open a new session")]
    UnknownSession {
        /// The session.
        session: u64,
    },
    /// The session has gone on to a later request, so the answer is forgotten. This entry did nothing; an earlier try
    /// of the same request may have been applied.
    #[error(
        "sequence {sequence} is older than {last}, the last one of session {session}; an earlier try may have been applied"
    )]
    Stale {
        /// The session.
        session: u64,
        /// The number that was asked for.
        sequence: u64,
        /// The youngest number that the session has seen.
        last: u64,
    },
    /// The number was already used for another change, which is therefore no repetition. This change never happened.
    #[error("sequence {sequence} of session {session} was already used for a different request; use a new number")]
    Reused {
        /// The session.
        session: u64,
        /// The number.
        sequence: u64,
    },
}

/// What to do with a change that carries a serial.
pub(super) enum Admission {
    /// Apply it.
    New,
    /// It was applied before, with this answer.
    Repeated(Answer),
    /// Leave it.
    Refused(Refusal),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sessions {
    open: BTreeMap<u64, Session>,
    /// Sessions by the entry that used them last: the first is the least recently used one.
    by_use: BTreeMap<Index, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    used: Index,
    last: Option<Remembered>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    sequence: u64,
    digest: u32,
    answer: Answer,
}

impl Sessions {
    /// All sessions, by name.
    pub(super) fn open_ones(&self) -> &BTreeMap<u64, Session> {
        &self.open
    }

    /// The sessions of a snapshot.
    pub(super) fn restored(open: BTreeMap<u64, Session>) -> Sessions {
        let by_use = open.iter().map(|(name, session)| (session.used, *name)).collect();
        Sessions { open, by_use }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Opens the session that is named by the entry which asks for it.
    pub(super) fn open(&mut self, index: Index) {
        if self.open.len() == SESSIONS_MAX
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.open.remove(&oldest);
        }
        self.open.insert(index, Session { used: index, last: None });
        self.by_use.insert(index, index);
    }

    /// Judges a serial found in entry `index`, and counts that as a use of its session.
    pub(super) fn admit(&mut self, index: Index, serial: Serial, digest: u32) -> Admission {
        let Serial { session: name, sequence } = serial;
        let Some(session) = self.open.get_mut(&name) else {
            return Admission::Refused(Refusal::UnknownSession { session: name });
        };
        self.by_use.remove(&session.used);
        self.by_use.insert(index, name);
        session.used = index;
        match &session.last {
            Some(last) if sequence < last.sequence => {
                Admission::Refused(Refusal::Stale { session: name, sequence, last: last.sequence })
            }
            Some(last) if sequence == last.sequence && digest != last.digest => {
                Admission::Refused(Refusal::Reused { session: name, sequence })
            }
            Some(last) if sequence == last.sequence => Admission::Repeated(last.answer.clone()),
            Some(_) | None => Admission::New,
        }
    }

    /// Keeps the answer of a change that was applied, in place of the one before it.
    pub(super) fn remember(&mut self, serial: Serial, digest: u32, answer: Answer) {
        if let Some(session) = self.open.get_mut(&serial.session) {
            session.last = Some(Remembered { sequence: serial.sequence, digest, answer });
        }
    }
}
