//! Reads history files: one event a line, in JSON.

use crate::event::Event;
use crate::history::{History, HistoryBuilder, HistoryError};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a history file cannot be read. Each names the file and, where there is one, the line.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that is no event.
    #[error("{path}, line {line}: not an event of a history: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, with the column.
        reason: String,
    },
    /// A line that contradicts the lines before it.
    #[error("{path}, line {line}: {reason}")]
    Order {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: HistoryError,
    },
    /// There is not a single event.
    #[error("{path} holds no event; is it a history of squall?")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the history file at `path`. A cut last line (no line feed at its end) is left out and noted, as a killed run
/// leaves one; any other line that is no event is an error.
pub fn read_history(path: &Path) -> Result<History, ReadError> {
    let file = File::open(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
    read_history_from(BufReader::with_capacity(1 << 16, file), path)
}

/// As [`read_history`], from any reader; `path` is for messages.
pub fn read_history_from(mut input: impl BufRead, path: &Path) -> Result<History, ReadError> {
    let mut builder = HistoryBuilder::default();
    let mut notes = Vec::new();
    let (mut text, mut line, mut events) = (Vec::new(), 0, 0);
    loop {
        text.clear();
        let read = input.read_until(b'\n', &mut text).map_err(|source| ReadError::Io { path: path.into(), source })?;
        if read == 0 {
            break;
        }
        line += 1;
        let whole = text.last() == Some(&b'\n');
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Event>(&text) {
            Ok(event) => {
                events += 1;
                builder.push(event).map_err(|reason| ReadError::Order { path: path.into(), line, reason })?;
            }
            Err(_) if !whole => notes.push(format!("line {line} is cut off and was left out")),
            Err(error) => {
                let reason = error.to_string();
                return Err(ReadError::Line { path: path.into(), line, reason });
            }
        }
    }
    if events == 0 {
        return Err(ReadError::Empty { path: path.into() });
    }
    let mut history = builder.finish();
    if history.end.is_none() {
        notes.push("the run was cut short: operations without a return count as unknown".into());
    }
    history.notes = notes;
    Ok(history)
}
