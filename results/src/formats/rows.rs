//! The lines of a foreign history, whatever its format is.

use super::bytes::Bytes;
use super::clock::Order;
use super::csv::CsvRows;
use super::etcd_log::LogRows;
use super::field_names::FieldNames;
use super::input::Stream;
use super::jepsen_edn::EdnRows;
use super::jepsen_json::JsonRows;
use super::place::{Place, Problem};
use super::row::{Found, Row};
use super::whole::Open;
use super::{Format, Subject};

/// Rows in the order in which they happened.
pub(super) struct Rows {
    format: Format,
    /// Nobody said that this is the format.
    guessed: bool,
    lines: Lines,
    /// How the lines are, as the first of them is.
    kind: Option<Kind>,
    open: Open,
    finished: bool,
    nemesis: u64,
    other: u64,
    /// The last line, if it was left out since it may be cut off.
    cut: Option<u64>,
}

/// What lines of a history are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Whole operations.
    Whole,
    /// Beginnings and ends, with their numbers or without.
    Ends { numbered: bool },
}

enum Lines {
    Edn(EdnRows<Stream>),
    Json(JsonRows<Stream>),
    Log(LogRows<Stream>),
    Csv(CsvRows<Stream>),
}

impl Rows {
    /// The rows of a file of this format, which was `guessed` or said, about this subject, if that was said; its bytes again,
    /// if it holds events.
    pub(super) fn new(
        (format, guessed): (Format, bool),
        subject: Option<Subject>,
        bytes: Bytes<Stream>,
        names: FieldNames,
    ) -> Result<Rows, Bytes<Stream>> {
        let lines = match format {
            Format::Squall => return Err(bytes),
            Format::JepsenEdn | Format::PorcupineKv => Lines::Edn(EdnRows::new(bytes, names)),
            Format::JepsenJson | Format::Jsonl => Lines::Json(JsonRows::new(bytes, names)),
            Format::EtcdLog => Lines::Log(LogRows::new(bytes, names)),
            Format::Csv => Lines::Csv(CsvRows::new(bytes, names, subject)),
        };
        let open = Open::default();
        Ok(Rows { format, guessed, lines, kind: None, open, finished: false, nemesis: 0, other: 0, cut: None })
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, Problem> {
        loop {
            if let Some(row) = self.open.pop() {
                return Ok(Some(row));
            }
            if self.finished {
                return Ok(None);
            }
            let found = match &mut self.lines {
                Lines::Edn(lines) => lines.next(),
                Lines::Json(lines) => lines.next(),
                Lines::Log(lines) => lines.next(),
                Lines::Csv(lines) => lines.next(),
            };
            match found? {
                Some(Found::Row(row)) => {
                    let kind = *self.kind.get_or_insert(Kind::Ends { numbered: row.index.is_some() });
                    return if kind == Kind::Whole { Err(mixed(row.place)) } else { Ok(Some(row)) };
                }
                Some(Found::Whole(whole)) => {
                    if *self.kind.get_or_insert(Kind::Whole) != Kind::Whole {
                        return Err(mixed(whole.invoke.place));
                    }
                    self.open.push(*whole)?;
                }
                Some(Found::Nemesis) => self.nemesis += 1,
                Some(Found::Other) => self.other += 1,
                Some(Found::Cut(place)) => self.cut = Some(place.line),
                None => {
                    self.finished = true;
                    self.open.finish();
                }
            }
        }
    }

    /// What says which call was over when another one began. One recorder of Jepsen's wrote its lines in the order in which
    /// they happened, and put them into one array or numbered them as a rule; lines of JSON with neither may be everybody's.
    pub(super) fn order(&self) -> Order {
        match (self.kind, self.format, &self.lines) {
            (Some(Kind::Whole), ..) | (_, Format::Csv | Format::Jsonl, _) => Order::Times,
            (Some(Kind::Ends { numbered: false }), Format::JepsenJson, Lines::Json(json))
                if self.guessed && !json.is_array() =>
            {
                Order::Unsaid
            }
            _ => Order::Lines,
        }
    }

    /// What people should know about lines that are no rows.
    pub(super) fn notes(&self) -> Vec<String> {
        let told = [(self.nemesis, "lines of the nemesis were left out"), (self.other, "lines tell of no operation")];
        let counted = told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let cut = self
            .cut
            .map(|line| format!("line {line} has no line feed at its end, so it may be cut off; it was left out"));
        counted.chain(cut).collect()
    }
}

fn mixed(place: Place) -> Problem {
    Problem::at(place, "some lines have a type and some a start: an operation stands in two lines or in one, all alike")
}
