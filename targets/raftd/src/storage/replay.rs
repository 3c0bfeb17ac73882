//! What the records of the log mean together.

use super::frame::Torn;
use crate::types::{Entry, HardState, Index, Term};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// One change of what must not be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The new hard state, if it changed.
    pub hard_state: Option<HardState>,
    /// Entries without gaps; they replace what the log holds from the index of the first of them on.
    pub entries: Vec<Entry>,
}

/// What was on disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Term and vote.
    pub hard_state: HardState,
    /// The log, from entry 1.
    pub entries: Vec<Entry>,
    /// How many segments there are.
    pub segments: u64,
    /// How many bytes they hold.
    pub bytes: u64,
    /// What a power cut had left half written, and was removed.
    pub repairs: Vec<Repair>,
}

/// Something half written that was removed. Nobody was told that it was durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// The tail of the last segment.
    Tail {
        /// The file.
        file: String,
        /// Where it ends now, in bytes.
        offset: u64,
        /// How many bytes were cut off.
        bytes: u64,
        /// How it was seen.
        torn: Torn,
    },
    /// A segment whose header had not been written yet.
    Segment {
        /// The file.
        file: String,
    },
}

/// Why a record does not fit those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Contradiction {
    /// Entries are missing.
    #[error("entry {found} follows entry {last}")]
    Gap {
        /// The last index before.
        last: Index,
        /// The index that follows it.
        found: Index,
    },
    /// Terms fall along the log.
    #[error("entry {index} is of term {found}, the one before it of term {before}")]
    EntryTerm {
        /// The entry.
        index: Index,
        /// The term before it.
        before: Term,
        /// Its term.
        found: Term,
    },
    /// The member went back to an older term, or changed its vote.
    #[error("term {found} follows term {before}, or the vote changed within a term")]
    HardState {
        /// The term before.
        before: Term,
        /// The term that follows it.
        found: Term,
    },
}

impl Recovered {
    /// Takes in one record.
    pub(super) fn replay(&mut self, record: Record) -> Result<(), Contradiction> {
        if let Some(hard_state) = record.hard_state {
            let before = self.hard_state;
            let vote_changed = before.term == hard_state.term
                && before.voted_for.is_some()
                && before.voted_for != hard_state.voted_for;
            if hard_state.term < before.term || vote_changed {
                return Err(Contradiction::HardState { before: before.term, found: hard_state.term });
            }
            self.hard_state = hard_state;
        }
        if let Some(first) = record.entries.first() {
            let last = self.entries.len() as Index;
            match first.index.checked_sub(1) {
                Some(keep) if keep <= last => self.entries.truncate(keep as usize),
                Some(_) | None => return Err(Contradiction::Gap { last, found: first.index }),
            }
        }
        record.entries.into_iter().try_for_each(|entry| self.append(entry))
    }

    fn append(&mut self, entry: Entry) -> Result<(), Contradiction> {
        let (last, before) = self.entries.last().map_or((0, 0), |last| (last.index, last.term));
        if entry.index != last + 1 {
            return Err(Contradiction::Gap { last, found: entry.index });
        }
        if entry.term < before {
            return Err(Contradiction::EntryTerm { index: entry.index, before, found: entry.term });
        }
        self.entries.push(entry);
        Ok(())
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::Tail { file, offset, bytes, torn } => {
                write!(f, "cut {bytes} bytes off `{file}` at offset {offset}, a write that was never completed: {torn}")
            }
            Repair::Segment { file } => write!(f, "removed `{file}`, which was just being created"),
        }
    }
}
