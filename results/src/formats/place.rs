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

impl Place {
    /// The place of the next byte.
    pub(super) fn pass(&mut self, byte: u8) {
        match byte {
            b'\n' => *self = Place { line: self.line + 1, column: 1 },
            // What goes on with a character is no column of its own.
            0x80..=0xBF => {}
            _ => self.column += 1,
        }
    }

    /// The place behind these bytes, which begin here.
    pub(super) fn after(mut self, bytes: &[u8]) -> Place {
        bytes.iter().for_each(|byte| self.pass(*byte));
        self
    }
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
