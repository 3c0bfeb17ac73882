//! Operations in a log of Jepsen, as those of its etcd runs of 2014:
//!
//! ```text
//! INFO  jepsen.util - 3  :invoke  :write  2
//! INFO  jepsen.util - 3  :info    :write  :timed-out
//! ```
//!
//! Newer ones have the error after the value. Lines that tell of no operation are passed over. A last line without a line feed
//! at its end may be cut off, so it is left out and noted.

use super::bytes::Bytes;
use super::datum::Datum;
use super::edn;
use super::field_names::{Field, FieldNames};
use super::place::{Place, Problem};
use super::row::{Fields, Found};
use std::io::Read;

/// What stands before an operation.
const MARK: &str = "jepsen.util";

/// What a line says.
const FIELDS: [Field; 5] = [Field::Process, Field::Type, Field::F, Field::Value, Field::Error];

/// A reader of lines.
pub(super) struct LogRows<R> {
    bytes: Bytes<R>,
    names: FieldNames,
    line: Vec<u8>,
}

impl<R: Read> LogRows<R> {
    pub(super) fn new(bytes: Bytes<R>, names: FieldNames) -> LogRows<R> {
        LogRows { bytes, names, line: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Result<Option<Found>, Problem> {
        self.bytes.begin_form();
        self.line.clear();
        let begin = self.bytes.place();
        let Some(is_whole) = self.bytes.take_line(&mut self.line)? else { return Ok(None) };
        let line = std::str::from_utf8(&self.line).map_err(|_| Problem::at(begin, "bytes that are no UTF-8"))?;
        let Some(told) = operation(line) else { return Ok(Some(Found::Other)) };
        let before = line.len() - told.len();
        let place = Place { column: begin.column + line[..before].chars().count() as u64, ..begin };
        if !is_whole {
            // Without it a call stays open, or was never begun, which is true of every log that ended a little earlier.
            return Ok(Some(Found::Cut(place)));
        }
        row(place, told, &self.names).map(Some)
    }
}

/// The part of a line that tells of an operation: from its process on.
pub(super) fn operation(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(MARK)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start();
    let kind = rest.split_whitespace().nth(1)?;
    matches!(kind, ":invoke" | ":ok" | ":fail" | ":info").then_some(rest)
}

fn row(place: Place, told: &str, names: &FieldNames) -> Result<Found, Problem> {
    let bad = |what: &str| Problem::at(place, format!("{what}; an operation is `process :type :f value`"));
    let datum = edn::parse(&format!("[{told}]")).ok_or_else(|| bad("what follows is no EDN"))?;
    let Datum::Seq(parts) = datum else { return Err(bad("what follows is no EDN")) };
    let mut parts = parts.into_iter();
    let mut fields = Fields::at(place);
    for field in &FIELDS[..3] {
        fields.set(field.name(), parts.next().ok_or_else(|| bad("something is missing"))?, names);
    }
    let (value, error) = (parts.next().unwrap_or(Datum::Nil), parts.next());
    if parts.next().is_some() {
        return Err(bad("there is more than a value and an error"));
    }
    match (value, error) {
        // A keyword in place of the value is why there is none; where all went well it is what was found.
        (Datum::Keyword(why), None) if !fields.is_well() => fields.set("error", Datum::Keyword(why), names),
        (value, error) => {
            fields.set("value", value, names);
            if let Some(error) = error {
                fields.set("error", error, names);
            }
        }
    }
    fields.wants_key(names.missing_key(FIELDS.iter().map(|field| field.name())));
    fields.found(names)
}
