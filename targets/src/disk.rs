//! The disk of a node: a file system of squall's own under the data of its server, which fails, and forgets when the power
//! goes.
//!
//! Everything is passed on to the folder underneath; beside it is kept what a disk would not have yet. When the power is
//! cut, the folder becomes what the disk has, in one of two [`Model`]s. It runs on the node as a process of its own, started
//! by the agent, and is mounted in the node's mount namespace alone; when the node ends, both are gone.
//!
//! - `Volume`: the folder and what of it is on the disk. Pure parts: `contents` (a file), `names` (folders),
//!   `tear` (a write that the power cut in half).
//! - `gate`: which calls fail or take long. `shell`: FUSE over both. `serve`: the process. `probe`: what a server would meet.
//!
//! Databases and which faults exist must not be known here.

mod contents;
mod gate;
mod kept;
mod mount;
mod names;
pub(crate) mod probe;
mod ranges;
pub(crate) mod serve;
mod shell;
mod tear;
mod volume;

pub use gate::{Counters, Switches};
pub use probe::{Touch, Touched};
pub use volume::Loss;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Whether this user can have disks here.
///
/// # Errors
/// Why not, and what to do.
pub fn are_possible() -> Result<(), String> {
    mount::device()
        .map(drop)
        .map_err(|error| format!("disks that fail and lose power need a file system of squall's own: {error}"))
}

/// The number of a file or folder.
type Ino = u64;

/// The number of the folder that is the disk.
const ROOT: Ino = 1;

/// What of that which was not synced the disk has when the power goes. Both have all that was synced; what neither promises
/// to have is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// As ext4 with `data=ordered`, `auto_da_alloc` and delayed allocation, the defaults of Linux
    /// (<https://docs.kernel.org/filesystems/ext4/journal.html>, and `Documentation/admin-guide/ext4.rst`):
    ///
    /// 1. Changes of names and set lengths go through one journal and reach the disk in their order. A sync of a file
    ///    that has something to write commits the journal, and with it every change before the sync, in any folder; a sync
    ///    that has nothing to write, and one of a folder, commit it up to the last change of this file or folder.
    /// 2. The contents of a file reach the disk by its own syncs alone: delayed allocation leaves other files' data out of a
    ///    commit. A file grows on the disk when its data is there, never before: what was appended without a sync is gone,
    ///    and the file as short as it was.
    /// 3. `auto_da_alloc`: a file that takes the place of another by rename, or was truncated to nothing, written and
    ///    closed, is written out before the journal tells of it.
    /// 4. `rename` is atomic: the new name stands for the old file or the new one.
    #[default]
    Ext4Ordered,
    /// What POSIX says of fsync, and no more: contents and length of a file are on the disk when this file was synced, the
    /// names in a folder when this folder was. A new file whose folder was not synced is gone, however often the file was;
    /// of a rename from one folder to another either half may be lost.
    Posix,
}

/// What becomes a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// The folder, which is made if need be; all that is in it is on the disk.
    pub folder: PathBuf,
    /// A folder beside for what was removed, on the same file system underneath.
    pub attic: PathBuf,
    /// What it forgets.
    pub model: Model,
}

/// What a node's disk is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskAsk {
    /// To be there from now on.
    Mount(DiskSpec),
    /// To fail, or not to fail any more.
    Switch(Switches),
    /// To answer nobody from now on, as if the power had gone. Who uses it must be killed before anything else.
    Freeze,
    /// To fail all calls, those that wait included, so that the killed can end.
    PowerOff,
    /// To be there again, without what was not synced. With a seed parts of the last writes are left.
    PowerOn {
        /// What is drawn from.
        torn: Option<u64>,
    },
    /// To tell what it has done so far.
    Count,
}

/// What a node's disk answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskAnswer {
    /// It is as it was asked to be.
    Done,
    /// To [`DiskAsk::PowerOn`].
    Lost(Loss),
    /// To [`DiskAsk::Count`] and [`DiskAsk::Switch`]: what it has done since it was switched last.
    Counted(Counters),
}

impl Model {
    /// All models.
    pub const ALL: [Model; 2] = [Model::Ext4Ordered, Model::Posix];

    /// The name on the command line and in verdicts.
    pub fn name(self) -> &'static str {
        match self {
            Model::Ext4Ordered => "ext4-ordered",
            Model::Posix => "posix",
        }
    }

    /// What it is, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Model::Ext4Ordered => {
                "as ext4 with data=ordered: names in the order of the journal, contents by fsync alone"
            }
            Model::Posix => "no more than fsync says: names of folders that were not synced are gone too",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Model {
    type Err = String;

    fn from_str(text: &str) -> Result<Model, String> {
        let found = Model::ALL.into_iter().find(|model| model.name() == text);
        let known = Model::ALL.map(Model::name).join(" or ");
        found.ok_or_else(|| format!("there is no model of a disk called `{text}`; write {known}"))
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Loss { bytes, files, names, torn } = self;
        write!(f, "{bytes} bytes of {files} files and {names} names lost")?;
        if *torn > 0 { write!(f, ", {torn} files torn") } else { Ok(()) }
    }
}

impl fmt::Display for DiskAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskAsk::Mount(DiskSpec { folder, model, .. }) => {
                write!(f, "mount a disk ({model}) on {}", folder.display())
            }
            DiskAsk::Switch(switches) => write!(f, "switch the disk to: {switches}"),
            DiskAsk::Freeze => f.pad("freeze the disk"),
            DiskAsk::PowerOff => f.pad("turn the power of the disk off"),
            DiskAsk::PowerOn { torn: None } => f.pad("turn the power of the disk on"),
            DiskAsk::PowerOn { torn: Some(seed) } => {
                write!(f, "turn the power of the disk on, last writes torn by seed {seed}")
            }
            DiskAsk::Count => write!(f, "count what the disk did"),
        }
    }
}
