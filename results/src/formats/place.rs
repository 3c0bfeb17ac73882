//! Where in a file something is wrong, and what.

use std::fmt;
use std::io;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why reading cannot go on.
#[derive(Debug)]
pub(super) enum Problem {
    /// The system, or what is packed.
    Io(io::Error),
    /// What stands at a place is wrong.
    At(Place, String),
}

impl Problem {
    /// Something is wrong at `place`.
    pub(super) fn at(place: Place, reason: impl Into<String>) -> Problem {
        Problem::At(place, reason.into())
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        Problem::Io(error)
    }
}
