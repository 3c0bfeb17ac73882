//! A line of a history that squall did not write: what one process began to do, or how it ended.

use super::datum::{Datum, shown};
use super::field_names::{FIELDS, Field, FieldNames};
use super::place::{Place, Problem};

/// What a line says, before anybody asks what its words mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins.
    pub place: Place,
    /// Which process did it; a client as a rule.
    pub process: Datum,
    /// Whether it begins or ends.
    pub kind: RowKind,
    /// What is done: `read`, `write`, `cas`, ...
    pub f: Box<str>,
    /// What it is done with, or what was found.
    pub value: Datum,
    /// In which field that stands.
    pub told_in: Field,
    /// Where those fields stand, as exactly as the format says.
    pub f_at: Place,
    pub value_at: Place,
    /// On which object, where the line has a field of its own for that.
    pub key: Option<Datum>,
    /// The version that the object had or got.
    pub version: Option<u64>,
    /// Whether a version was passed over that is none as squall knows them.
    pub odd_version: bool,
    /// When, in nanoseconds.
    pub time_ns: Option<i64>,
    /// Its number.
    pub index: Option<i64>,
    /// Why it failed.
    pub error: Option<Datum>,
    /// Through which node.
    pub node: Option<Box<str>>,
}

/// Whether a line begins a call, or how it ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// A line that is a whole operation, from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    /// The operation as it begins.
    pub invoke: Row,
    /// The operation as it ends, without a time where nobody knows when.
    pub end: Row,
    /// Whether the line says how it ended, rather than when alone.
    pub says_outcome: bool,
}

/// What a line may be.
#[expect(clippy::large_enum_variant, reason = "one is there at a time, and nearly all are rows")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A beginning or an end.
    Row(Row),
    /// Both.
    Whole(Box<Whole>),
    /// What the nemesis did, which is no operation.
    Nemesis,
    /// Nothing about operations: a line of a log.
    Other,
    /// A last line that may be cut off.
    Cut(Place),
}

/// The fields that a line has.
#[derive(Debug)]
pub(super) struct Fields {
    /// Where the line begins.
    place: Place,
    said: [Option<Datum>; FIELDS],
    /// Where each stands, as far as the format says.
    places: [Option<Place>; FIELDS],
    /// What stands where keys do.
    key: Option<Datum>,
    /// Why there is no key, where a call should have one.
    keyless: Option<String>,
}

impl Fields {
    /// None yet, of the line that begins at `place`.
    pub(super) fn at(place: Place) -> Fields {
        Fields { place, said: Default::default(), places: Default::default(), key: None, keyless: None }
    }

    /// The fields of a map.
    pub(super) fn of_map(place: Place, datum: Datum, names: &FieldNames) -> Result<Fields, Problem> {
        let Datum::Map(entries) = datum else {
            let kind = datum.kind();
            return Err(Problem::at(place, format!("{kind} where a map should stand: an operation is a map")));
        };
        let there_are = || entries.iter().filter_map(|(name, _)| name.word());
        if let Some((_, reason)) = names.unknown(there_are()) {
            return Err(Problem::at(place, reason));
        }
        let mut fields = Fields { keyless: names.missing_key(there_are()), ..Fields::at(place) };
        for (name, value) in entries {
            if let Some(name) = name.word() {
                fields.set(name, value, names);
            }
        }
        Ok(fields)
    }

    /// Notes why the line has no key, if it should have one.
    pub(super) fn wants_key(&mut self, keyless: Option<String>) {
        self.keyless = keyless;
    }

    /// Whether the line says that a call began, or ended well.
    pub(super) fn is_well(&self) -> bool {
        matches!(self.said(Field::Type).and_then(Datum::word), Some("invoke" | "ok"))
    }

    /// Sets the field `name`, if it is one that counts. A key may stand in any of them.
    pub(super) fn set(&mut self, name: &str, value: Datum, names: &FieldNames) {
        if names.is_key(name) {
            self.key = Some(value.clone());
        }
        if let Some(field) = Field::of(name) {
            self.said[field as usize] = Some(value);
        }
    }

    /// Notes where the field `name` stands, whether it says something or not.
    pub(super) fn set_place(&mut self, name: &str, place: Place) {
        if let Some(field) = Field::of(name) {
            self.places[field as usize] = Some(place);
        }
    }

    fn said(&self, field: Field) -> Option<&Datum> {
        self.said[field as usize].as_ref()
    }

    fn take(&mut self, field: Field) -> Option<Datum> {
        self.said[field as usize].take()
    }

    fn place_of(&self, field: Field) -> Place {
        self.places[field as usize].unwrap_or(self.place)
    }

    /// What is wrong with a field.
    fn wrong(&self, field: Field, reason: impl Into<String>) -> Problem {
        Problem::at(self.place_of(field), reason)
    }

    /// A field that is a whole number.
    fn whole(&mut self, field: Field) -> Result<Option<i64>, Problem> {
        match self.take(field) {
            None | Some(Datum::Nil) => Ok(None),
            Some(Datum::Int(int)) => Ok(Some(int)),
            Some(other) => {
                let (name, said) = (field.name(), shown(&other));
                Err(self.wrong(field, format!("the {name} {said} is no whole number of 64 bits")))
            }
        }
    }

    /// The version, and whether one was passed over: in a map of Jepsen the word may mean anything.
    fn version(&mut self, names: &FieldNames) -> Result<(Option<u64>, bool), Problem> {
        if !names.only_known() {
            let version = self.take(Field::Version).filter(|version| *version != Datum::Nil);
            let known = version.as_ref().and_then(Datum::int).and_then(|version| u64::try_from(version).ok());
            return Ok((known, version.is_some() && known.is_none()));
        }
        let version = self.whole(Field::Version)?.map(u64::try_from).transpose();
        version.map(|version| (version, false)).map_err(|_| self.wrong(Field::Version, "a version that is less than 0"))
    }

    /// What the line is.
    pub(super) fn found(mut self, names: &FieldNames) -> Result<Found, Problem> {
        let misplaced = self.misplaced().filter(|_| names.only_known());
        let process = self.take(Field::Process).filter(|process| *process != Datum::Nil);
        let process = process.ok_or_else(|| self.wrong(Field::Process, "an operation without a process"))?;
        if process.word() == Some("nemesis") {
            return Ok(Found::Nemesis);
        }
        if let Some((field, reason)) = misplaced {
            return Err(self.wrong(field, reason));
        }
        let row = self.row(process, names)?;
        let kind = self.take(Field::Type).map(|kind| kind_of(&kind).map_err(|reason| self.wrong(Field::Type, reason)));
        let kind = kind.transpose()?;
        if let Some(keyless) = self.keyless.take().filter(|_| kind.is_none_or(|kind| kind == RowKind::Invoke)) {
            return Err(Problem::at(self.place, keyless));
        }
        match (kind, self.said(Field::Start).is_some()) {
            (Some(kind), _) => Ok(Found::Row(Row { kind, ..row })),
            (None, true) => self.both(row).map(|whole| Found::Whole(Box::new(whole))),
            (None, false) => {
                Err(Problem::at(self.place, "an operation with neither a type (invoke, ok, ...) nor a start"))
            }
        }
    }

    /// All but how it ended.
    fn row(&mut self, process: Datum, names: &FieldNames) -> Result<Row, Problem> {
        let f = match self.take(Field::F).as_ref().map(|f| (f, f.word())) {
            Some((_, Some(word))) => Box::from(word),
            Some((other, None)) => {
                return Err(self.wrong(Field::F, format!("`{}` is no name of a call", shown(other))));
            }
            None => return Err(self.wrong(Field::F, "an operation without an f: it does not say what is called")),
        };
        let node = self.take(Field::Node).map(|node| node.word().map_or_else(|| node.to_string().into(), Box::from));
        let (version, odd_version) = self.version(names)?;
        Ok(Row {
            place: self.place,
            process,
            kind: RowKind::Invoke,
            f,
            value: self.take(Field::Value).unwrap_or(Datum::Nil),
            told_in: Field::Value,
            f_at: self.place_of(Field::F),
            value_at: self.place_of(Field::Value),
            key: self.key.take(),
            version,
            odd_version,
            time_ns: self.whole(Field::Time)?,
            index: self.whole(Field::Index)?,
            error: self.take(Field::Error).filter(|error| *error != Datum::Nil),
            node,
        })
    }

    /// The two ends of an operation that stands in one line. A result is what was found; without one, it is what was given.
    fn both(&mut self, row: Row) -> Result<Whole, Problem> {
        let (start, end) = (self.whole(Field::Start)?, self.whole(Field::End)?);
        let outcome = self.take(Field::Outcome);
        let kind = match (&outcome, end) {
            (Some(Datum::Nil), Some(_)) => {
                let reason = "an end without an outcome, where there should be one: ok, fail or unknown";
                return Err(self.wrong(Field::Outcome, reason));
            }
            (None, Some(_)) => RowKind::Ok,
            (None | Some(Datum::Nil), None) => RowKind::Info,
            (Some(outcome), _) => outcome_of(outcome).map_err(|reason| self.wrong(Field::Outcome, reason))?,
        };
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            let reason = format!("an operation that ends at {end}, before its start at {start}");
            return Err(self.wrong(Field::End, reason));
        }
        if end.is_none() && kind == RowKind::Ok {
            return Err(self.wrong(Field::End, "an operation that is ok, but has no end"));
        }
        let invoke = Row { version: None, odd_version: false, error: None, time_ns: start, ..row.clone() };
        let (told_in, value) = match self.take(Field::Result) {
            Some(result) => (Field::Result, result),
            None => (Field::Value, row.value.clone()),
        };
        let value_at = self.place_of(told_in);
        let end = Row { kind, value, told_in, value_at, time_ns: end, index: None, ..row };
        Ok(Whole { invoke, end, says_outcome: outcome.is_some() })
    }

    /// What a line has that belongs to lines of the other kind; `None`: nothing.
    fn misplaced(&self) -> Option<(Field, &'static str)> {
        let says = |field: &Field| self.said(*field).is_some_and(|datum| *datum != Datum::Nil);
        if self.said(Field::Type).is_some() {
            let field = [Field::Start, Field::End, Field::Result, Field::Outcome].into_iter().find(says)?;
            let reason = "a line with a type says what was found in its value; it has no start, end, result or outcome";
            return Some((field, reason));
        }
        let has_time = self.said(Field::Start).is_some() && says(&Field::Time);
        has_time.then_some((Field::Time, "a line with a start has no time"))
    }
}

fn kind_of(kind: &Datum) -> Result<RowKind, String> {
    match kind.word() {
        Some("invoke") => Ok(RowKind::Invoke),
        Some("ok") => Ok(RowKind::Ok),
        Some("fail") => Ok(RowKind::Fail),
        Some("info") => Ok(RowKind::Info),
        _ => Err(format!("`{}` is no type; there are: invoke, ok, fail, info", shown(kind))),
    }
}

fn outcome_of(outcome: &Datum) -> Result<RowKind, String> {
    match outcome.word() {
        Some("ok") => Ok(RowKind::Ok),
        Some("fail") => Ok(RowKind::Fail),
        Some("unknown" | "info") => Ok(RowKind::Info),
        _ => Err(format!("`{}` is no outcome; there are: ok, fail, unknown", shown(outcome))),
    }
}

/// Whether this is a type or an outcome where one stands: none begins with another one, so it cannot be cut off.
pub(super) fn is_whole_word(column: &str, word: &str) -> bool {
    let word = Datum::Text(word.into());
    match Field::of(column) {
        Some(Field::Type) => kind_of(&word).is_ok(),
        Some(Field::Outcome) => outcome_of(&word).is_ok(),
        _ => false,
    }
}
