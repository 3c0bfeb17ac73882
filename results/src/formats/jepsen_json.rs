//! Histories in JSON: one object an operation, line by line or in one array around all.

use super::bytes::Bytes;
use super::datum::Datum;
use super::decimal::decimal;
use super::field_names::FieldNames;
use super::place::{Place, Problem};
use super::row::{Fields, Found};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::Read;

/// A reader of objects.
pub(super) struct JsonRows<R> {
    bytes: Bytes<R>,
    object: Vec<u8>,
    names: FieldNames,
    around: Option<Place>,
    closed: bool,
}

impl<R: Read> JsonRows<R> {
    pub(super) fn new(bytes: Bytes<R>, names: FieldNames) -> JsonRows<R> {
        JsonRows { bytes, object: Vec::new(), names, around: None, closed: false }
    }

    /// Whether an array is around all objects, as far as they were read.
    pub(super) fn is_array(&self) -> bool {
        self.around.is_some()
    }

    pub(super) fn next(&mut self) -> Result<Option<Found>, Problem> {
        loop {
            self.bytes.begin_form();
            self.bytes.skip_while(|byte| byte.is_ascii_whitespace() || byte == b',')?;
            let place = self.bytes.place();
            match (self.bytes.peek()?, self.around) {
                (None, Some(begun)) if !self.closed => {
                    return Err(Problem::at(begun, "an array of operations that is not finished when the file ends"));
                }
                (None, _) => return Ok(None),
                (Some(_), _) if self.closed => {
                    return Err(Problem::at(place, "something after the end of the array of operations"));
                }
                (Some(b'['), None) => {
                    self.bytes.pass(b'[')?;
                    self.around = Some(place);
                }
                (Some(b']'), Some(_)) => {
                    self.bytes.pass(b']')?;
                    self.closed = true;
                }
                (Some(b'{'), _) => {
                    let datum = self.datum(place)?;
                    return Fields::of_map(place, datum, &self.names)?.found(&self.names).map(Some);
                }
                (Some(other), _) => {
                    let other = char::from(other);
                    return Err(Problem::at(
                        place,
                        format!("`{}` where an object should begin", other.escape_default()),
                    ));
                }
            }
        }
    }

    /// The object that begins here.
    fn datum(&mut self, place: Place) -> Result<Datum, Problem> {
        self.frame(place)?;
        serde_json::from_slice(&self.object).map_err(|error| {
            // It counts lines and columns in bytes, from 1, to the byte at which it ended.
            let (lines, columns) = (error.line().saturating_sub(1), error.column().saturating_sub(1));
            let before: usize = self.object.split_inclusive(|byte| *byte == b'\n').take(lines).map(<[u8]>::len).sum();
            let at = place.after(&self.object[..(before + columns).min(self.object.len())]);
            let text = error.to_string();
            let said = text.rsplit_once(" at line ").map_or(&*text, |(said, _)| said);
            Problem::at(at, said)
        })
    }

    /// Takes the bytes of one object: up to the bracket that closes the first one.
    fn frame(&mut self, place: Place) -> Result<(), Problem> {
        self.object.clear();
        let mut depth = 0_usize;
        loop {
            let (from, at) = (self.object.len(), self.bytes.place());
            self.bytes.take_while(&mut self.object, |byte| !matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))?;
            if let Some((before, number)) = beyond_reading(&self.object[from..]) {
                let reason = format!("the number {number} has more digits than 64 bits hold; write it as a text");
                return Err(Problem::at(at.after(&self.object[from..from + before]), reason));
            }
            let byte = self.bytes.next()?;
            let byte = byte.ok_or_else(|| Problem::at(place, "an object that is not finished when the file ends"))?;
            self.object.push(byte);
            match byte {
                b'"' => self.text(place)?,
                b'{' | b'[' => depth += 1,
                _ if depth == 1 => return Ok(()),
                _ => depth -= 1,
            }
        }
    }

    /// Takes the rest of a text.
    fn text(&mut self, place: Place) -> Result<(), Problem> {
        loop {
            self.bytes.take_while(&mut self.object, |byte| byte != b'"' && byte != b'\\')?;
            let unfinished = || Problem::at(place, "an object that is not finished when the file ends");
            let byte = self.bytes.next()?.ok_or_else(unfinished)?;
            self.object.push(byte);
            if byte == b'"' {
                return Ok(());
            }
            self.object.push(self.bytes.next()?.ok_or_else(unfinished)?);
        }
    }
}

/// A number in a piece of JSON without texts that is another one when it is read, and how many bytes stand before it: a whole
/// one beyond 64 bits, or a decimal with more digits than a float has, is as good as others.
fn beyond_reading(piece: &[u8]) -> Option<(usize, &str)> {
    let mut before = 0;
    for word in piece.split(|byte| b",: \t\r\n".contains(byte)) {
        if word.first().is_some_and(|first| first.is_ascii_digit() || *first == b'-')
            && let Ok(number) = std::str::from_utf8(word)
            && !is_read_as_it_is(number)
        {
            return Some((before, number));
        }
        before += word.len() + 1;
    }
    None
}

fn is_read_as_it_is(number: &str) -> bool {
    if number.contains(['.', 'e', 'E']) {
        let read: Option<f64> = number.parse().ok();
        return read.is_none_or(|float| decimal(number).is_none_or(|exact| exact == of_float(float)));
    }
    number.len() <= 18 || number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok()
}

/// A float that was read from a number with no more digits than it has.
fn of_float(float: f64) -> Datum {
    let written = format!("{float:?}");
    decimal(&written).unwrap_or(Datum::Number(written.into()))
}

impl<'de> Deserialize<'de> for Datum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Datum, D::Error> {
        deserializer.deserialize_any(DatumVisitor)
    }
}

struct DatumVisitor;

impl<'de> Visitor<'de> for DatumVisitor {
    type Value = Datum;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Datum, E> {
        Ok(Datum::Nil)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Datum, E> {
        Ok(Datum::Bool(truth))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Datum, E> {
        Ok(Datum::Int(int))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Datum, E> {
        Ok(i64::try_from(int).map_or_else(|_| Datum::Number(int.to_string().into()), Datum::Int))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Datum, E> {
        Ok(of_float(float))
    }

    fn visit_str<E>(self, text: &str) -> Result<Datum, E> {
        Ok(Datum::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Datum, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Datum::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Datum, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Box<str>, Datum>()? {
            entries.push((Datum::Text(key), value));
        }
        Datum::map(entries).map_err(A::Error::custom)
    }
}
