//! Histories in CSV (RFC 4180): a line with the names of the columns, then an operation a line, or its beginning and its end
//! in lines of their own. Which columns there are, [`formats`](super) says.

use super::bytes::Bytes;
use super::datum::Datum;
use super::edn;
use super::field_names::FieldNames;
use super::place::{Place, Problem};
use super::row::{Fields, Found};
use std::io::Read;

/// A reader of records.
pub(super) struct CsvRows<R> {
    bytes: Bytes<R>,
    names: FieldNames,
    columns: Option<Vec<String>>,
    record: Vec<Cell>,
    /// The record ended with the file and not with its line.
    cut: bool,
}

struct Cell {
    place: Place,
    text: Vec<u8>,
    quoted: bool,
}

impl<R: Read> CsvRows<R> {
    pub(super) fn new(bytes: Bytes<R>, names: FieldNames) -> CsvRows<R> {
        CsvRows { bytes, names, columns: None, record: Vec::new(), cut: false }
    }

    pub(super) fn next(&mut self) -> Result<Option<Found>, Problem> {
        if self.columns.is_none() {
            self.columns = Some(self.header()?);
        }
        loop {
            let place = self.bytes.place();
            if !self.take_record()? {
                return Ok(None);
            }
            if self.record.len() == 1 && self.record[0].text.is_empty() {
                continue;
            }
            if self.cut {
                let reason = "the last line has no line feed at its end, so it may be cut off; end it with one if it is whole, or leave it out";
                return Err(Problem::at(place, reason));
            }
            return self.fields(place)?.found(place, &self.names).map(Some);
        }
    }

    fn header(&mut self) -> Result<Vec<String>, Problem> {
        let place = self.bytes.place();
        self.take_record()?;
        let names = self.record.iter().map(|cell| Ok(cell_text(cell)?.trim().to_owned()));
        let names: Vec<String> = names.collect::<Result<_, Problem>>()?;
        let has = |name: &str| names.iter().any(|other| other == name);
        if !(has("process") && has("f") && (has("type") || has("start"))) {
            return Err(Problem::at(
                place,
                "the first line must name the columns: process, f, and either type or start; see `squall check --help`",
            ));
        }
        if let Some((place, twice)) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
            return Err(Problem::at(self.record[place].place, format!("the column {twice} is there twice")));
        }
        if let Some((unknown, reason)) = self.names.unknown(names.iter().map(String::as_str)) {
            let place = names.iter().position(|name| name == unknown).map_or(place, |at| self.record[at].place);
            return Err(Problem::at(place, reason));
        }
        match self.names.missing_key(names.iter().map(String::as_str)) {
            Some(reason) => Err(Problem::at(place, reason)),
            None => Ok(names),
        }
    }

    fn fields(&mut self, place: Place) -> Result<Fields, Problem> {
        let columns = self.columns.as_deref().unwrap_or_default();
        if self.record.len() != columns.len() {
            let (cells, columns) = (self.record.len(), columns.len());
            return Err(Problem::at(place, format!("{cells} cells, where the first line names {columns} columns")));
        }
        let mut fields = Fields::default();
        for (cell, name) in self.record.iter().zip(columns) {
            let text = cell_text(cell)?;
            match text.is_empty() && !cell.quoted {
                false => fields.set(name, value(text), &self.names),
                // A column that should say how it ended, and does not.
                true if name == "outcome" => fields.set(name, Datum::Nil, &self.names),
                true => {}
            }
        }
        Ok(fields)
    }

    /// Takes the next record; `false` at the end.
    fn take_record(&mut self) -> Result<bool, Problem> {
        self.bytes.begin_form();
        self.record.clear();
        if self.bytes.peek()?.is_none() {
            return Ok(false);
        }
        loop {
            let mut cell = Cell { place: self.bytes.place(), text: Vec::new(), quoted: false };
            self.take_cell(&mut cell)?;
            let end = self.bytes.next()?;
            self.record.push(cell);
            match end {
                Some(b',') => {}
                Some(b'\r') if self.bytes.peek()? == Some(b'\n') => {}
                Some(b'\n') => return Ok(true),
                None => {
                    self.cut = true;
                    return Ok(true);
                }
                Some(_) => {
                    return Err(Problem::at(self.bytes.place(), "something between a quoted cell and the next comma"));
                }
            }
            if end == Some(b'\r') {
                self.bytes.next()?;
                return Ok(true);
            }
        }
    }

    fn take_cell(&mut self, cell: &mut Cell) -> Result<(), Problem> {
        if self.bytes.peek()? != Some(b'"') {
            return self.bytes.take_while(&mut cell.text, |byte| !matches!(byte, b',' | b'\n' | b'\r'));
        }
        cell.quoted = true;
        self.bytes.pass(b'"')?;
        loop {
            self.bytes.take_while(&mut cell.text, |byte| byte != b'"')?;
            if self.bytes.next()?.is_none() {
                return Err(Problem::at(cell.place, "a quoted cell that is not finished when the file ends"));
            }
            // Two quotes are one; one is the end.
            if self.bytes.peek()? != Some(b'"') {
                return Ok(());
            }
            self.bytes.pass(b'"')?;
            cell.text.push(b'"');
        }
    }
}

fn cell_text(cell: &Cell) -> Result<&str, Problem> {
    std::str::from_utf8(&cell.text).map_err(|_| Problem::at(cell.place, "bytes that are no UTF-8"))
}

/// What a cell says: EDN if it is some, else the text itself. A number in another form than the usual one (`+7`, `7N`, `12e3`)
/// is a text: it may be a name that happens to look like a number.
fn value(text: &str) -> Datum {
    match edn::parse(text) {
        Some(Datum::Symbol(_)) | None => Datum::Text(text.into()),
        Some(datum @ (Datum::Int(_) | Datum::Number(_))) => {
            let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
            if is_decimal || datum.to_string() == text.trim() { datum } else { Datum::Text(text.into()) }
        }
        Some(datum) => datum,
    }
}
