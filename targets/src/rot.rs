//! Files of servers that do not run rot: bits flip, ends are lost, an old copy comes back.
//!
//! The node's agent starts the executable for it, as for a probe of a disk: it reads what is to be done, and prints what it changed.
//! Nothing outside of the folder that it is told is touched, since links are not followed; and no more than a
//! gigabyte is copied. Whatever is written is synced, so that a loss of power does not heal it.
//!
//! This module must not know whose files they are, nor why they rot.

mod decay;
mod pattern;
mod tree;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// The argument after [`crate::agent::ARGUMENT`] that lets files rot.
pub(crate) const ARGUMENT: &str = "rot";

/// The most room that a folder may take on the disk to be copied.
const BYTES_MAX: u64 = 1 << 30;

/// In which way files rot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decay {
    /// So many bits of the newest file flip, in the first half of what was written: what is wrong at the end of a log looks like a
    /// write that was torn by a loss of power.
    Flip {
        /// How many.
        bits: u32,
    },
    /// The newest file loses so much of the end of what was written.
    Truncate {
        /// How many bytes.
        bytes: u64,
    },
    /// The files are again what they were when a copy of all was kept.
    Restore,
}

/// What is to be done to a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Its files that match a pattern are counted.
    Count { folder: PathBuf, files: String },
    /// What its files hold that match one of some patterns is boiled down to a number.
    Mark { folder: PathBuf, files: Vec<String> },
    /// All that is in it is copied.
    Keep { folder: PathBuf, copy: PathBuf },
    /// Its files that match a pattern rot. Draws by the seed; only [`Decay::Restore`] needs the copy.
    Rot { folder: PathBuf, files: String, decay: Decay, copy: PathBuf, seed: u64 },
    /// Bits that have flipped flip back, where they are still as they were left.
    FlipBack { folder: PathBuf, changes: Vec<Change> },
    /// All that is in it goes, and the copy comes in its place.
    PutBack { folder: PathBuf, copy: PathBuf },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// So many files match.
    Counted(usize),
    /// As long as this number is the same, the files are, too.
    Marked(u64),
    /// So many bytes are in the copy, or came out of it.
    Copied(u64),
    /// This has changed.
    Changed(Vec<Change>),
    /// Nothing, since the files do not allow it; the text says why.
    Nothing(String),
}

/// What has changed about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its path within the folder.
    pub file: String,
    /// What.
    pub what: What,
}

/// See [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A byte.
    Byte {
        /// Where.
        at: u64,
        /// What it was.
        before: u8,
        /// What it is.
        after: u8,
        /// How many bytes of the file were written; the rest is preallocated.
        written: u64,
    },
    /// Its length, in bytes that were written; none where it is not there.
    Length {
        /// What it was.
        before: Option<u64>,
        /// What it is.
        after: Option<u64>,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match self.what {
            What::Byte { at, before, after, written } => {
                write!(f, "byte {at} of {written} in {file} is {after:#04x} and was {before:#04x}")
            }
            What::Length { before: Some(before), after: Some(after) } => {
                write!(f, "{file} has {after} bytes and had {before}")
            }
            What::Length { before: Some(before), after: None } => write!(f, "{file} is gone and had {before} bytes"),
            What::Length { before: None, after } => {
                write!(f, "{file} is there again with {} bytes", after.unwrap_or_default())
            }
        }
    }
}

/// Does what standard input asks, and prints the answer.
pub(crate) fn run() -> ExitCode {
    let done = asked().and_then(|ask| {
        let answer = act(&ask)?;
        serde_json::to_writer(io::stdout(), &answer).map_err(io::Error::from)
    });
    match done.and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("let files rot: {error}");
            ExitCode::FAILURE
        }
    }
}

fn asked() -> io::Result<Ask> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn act(ask: &Ask) -> io::Result<Answer> {
    match ask {
        Ask::Count { folder, files } => {
            Ok(Answer::Counted(tree::files(folder)?.iter().filter(|file| pattern::matches(files, file)).count()))
        }
        Ask::Mark { folder, files } => Ok(Answer::Marked(tree::mark(folder, files)?)),
        Ask::Keep { folder, copy } => match tree::bytes(folder)? {
            bytes if bytes > BYTES_MAX => {
                Ok(Answer::Nothing(format!("{bytes} bytes are too much to copy; at most {BYTES_MAX} are")))
            }
            _ => Ok(Answer::Copied(tree::replace(copy, folder)?)),
        },
        Ask::PutBack { folder, copy } => Ok(Answer::Copied(tree::replace(folder, copy)?)),
        Ask::FlipBack { folder, changes } => Ok(Answer::Changed(decay::flip_back(folder, changes)?)),
        Ask::Rot { folder, files, decay, copy, seed } => decay::rot(folder, files, *decay, copy, *seed),
    }
}

#[cfg(test)]
mod tests;
