//! What happened, a line an event, for people. Nothing is written unless somebody asked.

use crate::time::Micros;
use std::fmt::Write;

/// The lines of one run.
#[derive(Debug, Default)]
pub struct Trace {
    is_on: bool,
    text: String,
}

impl Trace {
    /// A trace; one that is off keeps nothing and costs nothing.
    pub fn new(is_on: bool) -> Trace {
        Trace { is_on, text: String::new() }
    }

    /// Writes a line, stamped in milliseconds.
    pub fn note(&mut self, now_us: Micros, line: impl FnOnce() -> String) {
        if self.is_on {
            let _ = writeln!(self.text, "{:>9}.{:03} ms  {}", now_us / 1000, now_us % 1000, line());
        }
    }

    /// All lines.
    pub fn text(&self) -> &str {
        &self.text
    }
}
