//! Histories in EDN, as Jepsen, Knossos and Porcupine's key-value store write them: one map an operation, line by line or in
//! one vector or list around all.

use super::bytes::Bytes;
use super::edn::{Edn, Next};
use super::field_names::FieldNames;
use super::place::{Place, Problem};
use super::row::{Fields, Found};
use std::io::Read;

/// A reader of maps.
pub(super) struct EdnRows<R> {
    edn: Edn<R>,
    names: FieldNames,
    /// What closes the vector or list around the maps, and where that began.
    around: Option<(u8, Place)>,
    closed: bool,
}

impl<R: Read> EdnRows<R> {
    pub(super) fn new(bytes: Bytes<R>, names: FieldNames) -> EdnRows<R> {
        EdnRows { edn: Edn::new(bytes), names, around: None, closed: false }
    }

    pub(super) fn next(&mut self) -> Result<Option<Found>, Problem> {
        loop {
            self.edn.begin_form();
            let first = match (self.edn.ahead()?, self.around) {
                (Next::End, Some((_, place))) if !self.closed => {
                    return Err(Problem::at(place, "a list of operations that is not finished when the file ends"));
                }
                (Next::End, _) => return Ok(None),
                (Next::Close(close, _), Some((expected, _))) if close == expected && !self.closed => {
                    self.closed = true;
                    continue;
                }
                (Next::Close(close, at), _) => {
                    let close = char::from(close);
                    return Err(Problem::at(at, format!("a `{close}` that closes nothing")));
                }
                (Next::Form(first), _) => first,
            };
            let place = self.edn.place();
            if self.closed {
                return Err(Problem::at(place, "something after the end of the list of operations"));
            }
            if let (b'(' | b'[', None) = (first, self.around) {
                self.edn.pass(first)?;
                self.around = Some((if first == b'(' { b')' } else { b']' }, place));
                continue;
            }
            if let Some(datum) = self.edn.form(first)? {
                return Fields::of_map(place, datum, &self.names)?.found(&self.names).map(Some);
            }
        }
    }
}
