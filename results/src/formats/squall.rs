//! squall's own history files: one event a line, in JSON.

use super::bytes::{Bytes, FORM_BYTES_MAX};
use super::place::{Place, Problem};
use crate::event::Event;
use std::io::Read;

/// A reader of events. A cut last line (no line feed at its end) is left out and noted, as a killed run leaves one; any other
/// line that is no event is an error.
pub(super) struct SquallEvents<R> {
    bytes: Bytes<R>,
    line: Vec<u8>,
    pub(super) notes: Vec<String>,
}

impl<R: Read> SquallEvents<R> {
    pub(super) fn new(bytes: Bytes<R>) -> SquallEvents<R> {
        SquallEvents { bytes, line: Vec::new(), notes: Vec::new() }
    }

    /// The next event, and where it stands.
    pub(super) fn next(&mut self) -> Result<Option<(Place, Event)>, Problem> {
        loop {
            let place = self.bytes.place();
            self.bytes.begin_form();
            self.line.clear();
            let whole = match self.bytes.take_line(&mut self.line) {
                Ok(None) => return Ok(None),
                Ok(Some(whole)) => whole,
                Err(Problem::At(..)) => {
                    return Err(not_an_event(place, &format!("longer than {FORM_BYTES_MAX} bytes")));
                }
                Err(io) => return Err(io),
            };
            if self.line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice::<Event>(&self.line) {
                Ok(event) => return Ok(Some((place, event))),
                Err(_) if !whole => self.notes.push(format!("line {} is cut off and was left out", place.line)),
                Err(error) => {
                    let (said, column) = (error.to_string(), error.column().max(1) as u64);
                    let said = said.rsplit_once(" at line ").map_or(&*said, |(said, _)| said);
                    return Err(not_an_event(Place { column, ..place }, said));
                }
            }
        }
    }
}

fn not_an_event(place: Place, reason: &str) -> Problem {
    Problem::at(place, format!("not an event of a history: {reason}"))
}
