//! What a member must not forget: its term, its vote and its log, in a write-ahead log on disk.
//!
//! [`Wal::open`] replays the log and says what it found and repaired; [`Wal::save`] returns when what it was given is
//! durable. [`Wal::save_snapshot`] makes a snapshot durable and drops what it makes dispensable. After a failure to write or sync the log takes nothing more: what reached the disk is then unknown, and only
//! a fresh start, which reads the disk, can tell.
//!
//! It must not know networks, the state machine or who leads. The disk below it is a trait, [`Disk`]; [`Folder`] is the
//! real one.

mod disk;
mod folder;
mod frame;
mod identity;
pub mod memory;
mod recovery;
mod replay;
mod segment;
mod snapshot;
#[cfg(test)]
mod tests;
mod wal;

pub use disk::{Disk, DiskFile};
pub use folder::Folder;
pub use frame::{Damage, Torn};
pub use identity::Identity;
pub use replay::{Contradiction, Record, Recovered, Repair};
pub use segment::SegmentDamage;
pub use snapshot::SnapshotDamage;
pub use wal::{SEGMENT_BYTES, SnapshotDesk, Wal};

use crate::types::Index;
use std::io;
use thiserror::Error;

/// What to do with a member whose log is lost. If it started empty, or from an old copy, it could vote as though it had never
/// acknowledged what it has forgotten; so another one takes its place, with a number of its own.
const STAY_DOWN: &str = "leave this member down, a majority serves without it: started empty or from an old copy, it could lose data for all; remove it from the cluster, and add a new one with another number";

/// Why storage cannot be used (any more).
#[derive(Debug, Error)]
pub enum StorageError {
    /// The disk failed.
    #[error("cannot {action} `{file}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The folder belongs to someone else.
    #[error(
        "the folder belongs to {found}, not to {expected}; \
         give each member a folder of its own, and leave --cluster, --peers and --join what they were at its first start"
    )]
    Foreign {
        /// The owner.
        found: Box<Identity>,
        /// Who wanted to use it.
        expected: Box<Identity>,
    },
    /// The file that names the owner cannot be understood.
    #[error("`{}` does not say whose folder this is: {reason}", identity::FILE)]
    Identity {
        /// What is wrong with it.
        reason: String,
    },
    /// There is a log, but no file that names the owner.
    #[error(
        "the folder holds a log, but `{}`, which says whose it is, is missing; put it back, or {STAY_DOWN}",
        identity::FILE
    )]
    NoIdentity,
    /// A segment is missing.
    #[error("corrupt log: `{file}` is missing; put it back, or {STAY_DOWN}")]
    Missing {
        /// The file.
        file: String,
    },
    /// A segment is not what it should be.
    #[error("corrupt log: `{file}`: {damage}; {STAY_DOWN}")]
    Segment {
        /// The file.
        file: String,
        /// What is wrong.
        damage: SegmentDamage,
    },
    /// A snapshot is not what it should be.
    #[error("corrupt snapshot: `{file}`: {damage}; {STAY_DOWN}")]
    Snapshot {
        /// The file.
        file: String,
        /// What is wrong.
        damage: SnapshotDamage,
    },
    /// The log begins behind a snapshot that is not there.
    #[error(
        "the log begins behind entry {start}, and there is no snapshot that reaches it; put it back, or {STAY_DOWN}"
    )]
    NoSnapshot {
        /// The entry.
        start: Index,
    },
    /// A record does not read back, and not because it was being written when the power went.
    #[error("corrupt log: `{file}` at offset {offset}: {damage}; {STAY_DOWN}")]
    Record {
        /// The file.
        file: String,
        /// Where the record begins, in bytes.
        offset: u64,
        /// What is wrong.
        damage: Damage,
    },
    /// A record contradicts those before it.
    #[error("corrupt log: `{file}` at offset {offset}: {contradiction}; {STAY_DOWN}")]
    Contradiction {
        /// The file.
        file: String,
        /// Where the record begins, in bytes.
        offset: u64,
        /// What does not fit.
        contradiction: Contradiction,
    },
    /// A record is larger than the log takes.
    #[error("a record of {bytes} bytes is more than the log takes")]
    TooLarge {
        /// Its encoded size.
        bytes: usize,
    },
    /// An earlier write failed.
    #[error("the log stopped after an earlier failure; restart the server, so that it reads what is on disk")]
    Stopped,
}

impl StorageError {
    /// Wraps what the system said about `file`.
    fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> StorageError {
        move |source| StorageError::Io { action, file: file.into(), source }
    }
}
