//! Reads history files: one event a line, in JSON.

use crate::event::{Ending, Event};
use crate::history::{History, HistoryBuilder, HistoryError};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// No line of a history is as long as this: a file that holds one is something else, and must not fill the memory.
const LINE_BYTES_MAX: u64 = 16 << 20;

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
        let read = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text);
        if read.map_err(|source| ReadError::Io { path: path.into(), source })? == 0 {
            break;
        }
        line += 1;
        if text.len() as u64 == LINE_BYTES_MAX {
            let reason = format!("longer than {LINE_BYTES_MAX} bytes");
            return Err(ReadError::Line { path: path.into(), line, reason });
        }
        let whole = text.last() == Some(&b'\n');
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Event>(text.trim_ascii_end()) {
            Ok(event) => {
                events += 1;
                builder.push(event).map_err(|reason| ReadError::Order { path: path.into(), line, reason })?;
            }
            Err(_) if !whole => notes.push(format!("line {line} is cut off and was left out")),
            Err(error) => return Err(ReadError::Line { path: path.into(), line, reason: told(&error) }),
        }
    }
    if events == 0 {
        return Err(ReadError::Empty { path: path.into() });
    }
    let mut history = builder.finish();
    notes.extend(ending(&history));
    history.notes = notes;
    Ok(history)
}

/// What a reader should know of a run that did not go through all phases.
fn ending(history: &History) -> Option<String> {
    match history.end.as_ref().map(|end| &end.how) {
        None => Some("the run was cut short: operations without a return count as unknown".into()),
        Some(Ending::Interrupted) => Some("somebody stopped the run before it was complete".into()),
        Some(Ending::FirstViolation) => Some("the run ended with the first violation, as it was to".into()),
        Some(Ending::Failed(reason)) => Some(format!("squall itself failed: {reason}")),
        Some(Ending::Completed) => None,
    }
}

/// What is wrong with a line, without the line number that counts within the line alone.
fn told(error: &serde_json::Error) -> String {
    let (text, column) = (error.to_string(), error.column());
    let place = format!(" at line {} column {column}", error.line());
    text.strip_suffix(&place).map_or_else(|| text.clone(), |bare| format!("column {column}: {bare}"))
}
