//! Histories in CSV (RFC 4180): a line with the names of the columns, then an operation a line, or its beginning and its end
//! in lines of their own. Which columns there are, [`formats`](super) says.

use super::bytes::Bytes;
use super::datum::Datum;
use super::decimal::{decimal, plain};
use super::edn;
use super::field_names::{Field, FieldNames};
use super::place::{Place, Problem};
use super::row::{Fields, Found, is_whole_word};
use super::subject::Subject;
use std::io::Read;

/// A reader of records.
pub(super) struct CsvRows<R> {
    bytes: Bytes<R>,
    names: FieldNames,
    /// What the history is about, where somebody said so.
    subject: Option<Subject>,
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
    pub(super) fn new(bytes: Bytes<R>, names: FieldNames, subject: Option<Subject>) -> CsvRows<R> {
        CsvRows { bytes, names, subject, columns: None, record: Vec::new(), cut: false }
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
            // Tables of spreadsheets end in such lines.
            if self.record.iter().all(|cell| cell.text.iter().all(u8::is_ascii_whitespace)) {
                continue;
            }
            if self.cut && !self.is_complete() {
                let reason = "the last line has no line feed at its end, so it may be cut off; end it with one if it is whole, or leave it out";
                return Err(Problem::at(place, reason));
            }
            return self.fields(place)?.found(&self.names).map(Some);
        }
    }

    /// Whether nothing can be missing from a record that ended with the file.
    fn is_complete(&self) -> bool {
        let columns = self.columns.as_deref().unwrap_or_default();
        let last = self.record.last().and_then(|cell| cell_text(cell).ok());
        self.record.len() == columns.len()
            && columns.last().zip(last).is_some_and(|(column, word)| is_whole_word(column, word.trim()))
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
        let mut fields = Fields::at(place);
        let is_about_texts = self.is_about_texts(columns)?;
        for (cell, name) in self.record.iter().zip(columns) {
            fields.set_place(name, cell.place);
            let is_text = is_about_texts && matches!(Field::of(name), Some(Field::Value | Field::Result));
            match cell.datum(is_text)? {
                Some(datum) => fields.set(name, datum, &self.names),
                // A column that should say how it ended, and does not.
                None if Field::of(name) == Some(Field::Outcome) => fields.set(name, Datum::Nil, &self.names),
                None => {}
            }
        }
        Ok(fields)
    }

    /// Whether values are texts, to which every blank counts.
    fn is_about_texts(&self, columns: &[String]) -> Result<bool, Problem> {
        let place = columns.iter().position(|name| Field::of(name) == Some(Field::F));
        let f = place.map_or(Ok(""), |place| cell_text(&self.record[place]))?;
        Ok(self.subject.or_else(|| Subject::of_call(f.trim())) == Some(Subject::Texts))
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
                // All that can be missing is the line feed.
                Some(b'\r') if self.bytes.peek()?.is_none() => return Ok(true),
                Some(b'\n') => return Ok(true),
                Some(b'\r') => {
                    let reason = "a carriage return with no line feed after it; lines end with a line feed";
                    return Err(Problem::at(self.bytes.place(), reason));
                }
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

impl Cell {
    /// What a cell says, `None`: nothing. It is EDN if it is some, else a text. Where one `is_text`, blanks in a cell count, and
    /// quotes tell the empty text from nothing.
    fn datum(&self, is_text: bool) -> Result<Option<Datum>, Problem> {
        let text = cell_text(self)?;
        let trimmed = text.trim();
        if text.is_empty() || (trimmed.is_empty() && !is_text) {
            return Ok((is_text && self.quoted).then(|| Datum::Text("".into())));
        }
        if trimmed == "null" {
            return Ok(Some(Datum::Nil));
        }
        if is_nothing_elsewhere(trimmed) {
            let reason = format!(
                "`{trimmed}` may be nil or a text; leave the cell empty if it is nil, and write \"\"\"{trimmed}\"\"\" if it is a text"
            );
            return Err(Problem::at(self.place, reason));
        }
        let word = || Datum::Text(if is_text || self.quoted { text.into() } else { trimmed.into() });
        if let Some(number) = decimal(trimmed).filter(|_| !is_text) {
            return Ok(Some(number));
        }
        Ok(Some(match edn::parse(text) {
            Some(Datum::Symbol(_)) | None => word(),
            // A number in another form than the usual ones (`+7`, `7N`) may be a name that happens to look like one.
            Some(number @ (Datum::Int(_) | Datum::Number(_))) if number.to_string() != trimmed => word(),
            Some(datum) => plain(datum),
        }))
    }
}

/// How other languages write that there is nothing, or no number.
fn is_nothing_elsewhere(word: &str) -> bool {
    ["NULL", "Null", "NIL", "Nil", "None", "NONE", "NaN", "NAN", "nan"].contains(&word)
}
