//! What the records of the log mean together.

use super::frame::Torn;
use crate::types::{Entry, HardState, Index, Snapshot, Term};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// One change of what must not be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The new hard state, if it changed.
    pub hard_state: Option<HardState>,
    /// A snapshot that another member took: the log begins anew behind it.
    pub snapshot: Option<Snapshot>,
    /// Entries without gaps; they replace what the log holds from the index of the first of them on.
    pub entries: Vec<Entry>,
}

/// A record as it stands in a segment. Snapshots have files of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub hard_state: Option<HardState>,
    pub mark: Option<Mark>,
    pub entries: Vec<Entry>,
}

/// What a line says of the log as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mark {
    /// A segment begins, and the log ends here: so one knows when the segments before this one are gone.
    Ends(Index, Term),
    /// All of the log is void; it begins anew behind this entry, which a snapshot stands for.
    Begins(Index, Term),
}

/// What was on disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Term and vote.
    pub hard_state: HardState,
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// The log behind the snapshot.
    pub entries: Vec<Entry>,
    /// How many segments there are.
    pub segments: u64,
    /// How many bytes they hold.
    pub bytes: u64,
    /// What a crash had left half done, and was put right.
    pub repairs: Vec<Repair>,
}

/// Something half done that was put right. Nobody was told that it was durable, or it was of no more use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// The tail of the last segment was never completely written.
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
    /// A snapshot that had not been completely written.
    PartialSnapshot {
        /// The file.
        file: String,
    },
    /// A snapshot or segment that a newer snapshot makes dispensable, and that was about to be removed.
    Dispensable {
        /// The file.
        file: String,
    },
    /// The log does not reach the snapshot, which came from another member and had just been written.
    LogBeforeSnapshot {
        /// The last entry of the log.
        last: Index,
        /// The last entry that the snapshot stands for.
        snapshot: Index,
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
    /// A segment begins with another log than the one before it ends with.
    #[error("the segment begins behind entry {found}, the one before it ends with entry {last}")]
    Beginning {
        /// The last index before.
        last: Index,
        /// The last index as the segment says.
        found: Index,
    },
}

/// The log as far as it is replayed. It knows nothing of snapshots: where segments are gone it begins later than behind 0.
#[derive(Debug, Default)]
pub(super) struct Replay {
    pub hard_state: HardState,
    /// Whether any line was replayed.
    is_begun: bool,
    /// The log begins behind this entry; its term is 0 where that is not known.
    pub start: (Index, Term),
    pub entries: Vec<Entry>,
}

impl Replay {
    /// Takes in one line.
    pub(super) fn replay(&mut self, line: Line) -> Result<(), Contradiction> {
        if let Some(hard_state) = line.hard_state {
            let before = self.hard_state;
            let vote_changed = before.term == hard_state.term
                && before.voted_for.is_some()
                && before.voted_for != hard_state.voted_for;
            if hard_state.term < before.term || vote_changed {
                return Err(Contradiction::HardState { before: before.term, found: hard_state.term });
            }
            self.hard_state = hard_state;
        }
        match line.mark {
            Some(Mark::Ends(index, term)) if !self.is_begun => self.start = (index, term),
            Some(Mark::Ends(found, term)) if (found, term) != self.end() => {
                return Err(Contradiction::Beginning { last: self.end().0, found });
            }
            Some(Mark::Begins(index, term)) => (self.start, self.entries) = ((index, term), Vec::new()),
            Some(Mark::Ends(..)) | None => {}
        }
        self.is_begun = true;
        if let Some(first) = line.entries.first() {
            self.cut(first.index)?;
        }
        line.entries.into_iter().try_for_each(|entry| self.append(entry))
    }

    /// The last entry, or what the log begins behind.
    pub(super) fn end(&self) -> (Index, Term) {
        self.entries.last().map_or(self.start, |last| (last.index, last.term))
    }

    /// The term of an entry of the log, or of the one that it begins behind.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        match index.checked_sub(self.start.0)? {
            0 => Some(self.start.1),
            place => self.entries.get(place as usize - 1).map(|entry| entry.term),
        }
    }

    /// Makes room for an entry that replaces what the log holds there and behind.
    fn cut(&mut self, first: Index) -> Result<(), Contradiction> {
        let last = self.end().0;
        let previous = first.checked_sub(1).filter(|previous| *previous <= last);
        let previous = previous.ok_or(Contradiction::Gap { last, found: first })?;
        match previous.checked_sub(self.start.0) {
            Some(keep) => self.entries.truncate(keep as usize),
            // What is replaced lies in segments that are gone.
            None => (self.start, self.entries) = ((previous, 0), Vec::new()),
        }
        Ok(())
    }

    fn append(&mut self, entry: Entry) -> Result<(), Contradiction> {
        let (last, before) = self.end();
        if entry.index != last + 1 {
            return Err(Contradiction::Gap { last, found: entry.index });
        }
        if entry.term < before {
            return Err(Contradiction::EntryTerm { index: entry.index, before, found: entry.term });
        }
        self.entries.push(entry);
        Ok(())
    }

    /// The log behind a snapshot: what follows its last entry if the log has just that one. Otherwise the snapshot came
    /// from another member, and the crash before the log could say so: nothing of the log is left, as if it had.
    pub(super) fn behind(&mut self, snapshot: &Snapshot) -> bool {
        let agrees = self.term_at(snapshot.last_index) == Some(snapshot.last_term);
        match agrees {
            true => self.entries.retain(|entry| entry.index > snapshot.last_index),
            false => self.entries.clear(),
        }
        self.start = (snapshot.last_index, snapshot.last_term);
        agrees
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::Tail { file, offset, bytes, torn } => {
                write!(f, "cut {bytes} bytes off `{file}` at offset {offset}, a write that was never completed: {torn}")
            }
            Repair::Segment { file } => write!(f, "removed `{file}`, which was just being created"),
            Repair::PartialSnapshot { file } => write!(f, "removed `{file}`, which was never completely written"),
            Repair::Dispensable { file } => write!(f, "removed `{file}`, in place of which there is a newer snapshot"),
            Repair::LogBeforeSnapshot { last, snapshot } => write!(
                f,
                "the log ended with entry {last} and not with {snapshot}, as the snapshot of another member does that was being \
                 installed; it begins behind the snapshot now"
            ),
        }
    }
}
