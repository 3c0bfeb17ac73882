//! The record of what was done on a node: `commands.log` in its folder.

use jiff::Timestamp;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many lines of a command's input or complaint are recorded.
const LINES_MAX: usize = 40;

/// Appends one entry an action, whole: the actions on a node may overlap.
#[derive(Debug)]
pub(crate) struct CommandLog {
    file: Mutex<File>,
}

/// An action under way: when it began, by the calendar and by the clock that never jumps.
pub(crate) struct Begun {
    at: Timestamp,
    since: Instant,
}

impl CommandLog {
    /// Opens the log in a node's folder, to append to it.
    pub(crate) fn open(folder: &Path) -> io::Result<CommandLog> {
        let file = OpenOptions::new().create(true).append(true).open(folder.join("commands.log"))?;
        Ok(CommandLog { file: Mutex::new(file) })
    }

    /// Stamps the beginning of an action.
    pub(crate) fn begin(&self) -> Begun {
        Begun { at: Timestamp::now(), since: Instant::now() }
    }

    /// Records an action that has ended, with what went in (`<`) and what it complained about (`!`).
    pub(crate) fn end(&self, begun: Begun, action: &str, result: impl Display, input: &[u8], complaint: &[u8]) {
        let took_ms = begun.since.elapsed().as_secs_f64() * 1e3;
        let mut entry = format!("{:.3} {took_ms:.1} ms, {result}: {action}\n", begun.at);
        for (mark, bytes) in [('<', input), ('!', complaint)] {
            for line in String::from_utf8_lossy(bytes).lines().take(LINES_MAX) {
                entry.push_str(&format!("    {mark} {line}\n"));
            }
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(entry.as_bytes()) {
            tracing::warn!(%error, action, "cannot write to commands.log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_holds_status_duration_input_and_complaint() {
        let folder = tempfile::tempdir().unwrap();
        let log = CommandLog::open(folder.path()).unwrap();
        log.end(log.begin(), "cat -", "status 1", b"in\n", b"bad\nworse\n");
        let text = std::fs::read_to_string(folder.path().join("commands.log")).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(first.ends_with(" ms, status 1: cat -"), "{first}");
        assert_eq!(rest, "    < in\n    ! bad\n    ! worse\n");
    }
}
