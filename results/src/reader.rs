//! Reads squall's own history files.

use crate::formats::{Format, Options, Reader};
use crate::history::History;
use std::io::Read;
use std::path::Path;

pub use crate::formats::ReadError;

/// Reads the history file at `path`. A cut last line (no line feed at its end) is left out and noted, as a killed run
/// leaves one; any other line that is no event is an error.
pub fn read_history(path: &Path) -> Result<History, ReadError> {
    Reader::open(path, &own())?.read_history()
}

/// As [`read_history`], from any reader; `path` is for messages.
pub fn read_history_from(input: impl Read + Send + 'static, path: &Path) -> Result<History, ReadError> {
    Reader::new(input, path, &own())?.read_history()
}

fn own() -> Options {
    Options { format: Some(Format::Squall), ..Options::default() }
}
