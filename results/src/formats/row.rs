//! A line of a history that squall did not write: what one process began to do, or how it ended.

use super::datum::{Datum, shown};
use super::field_names::FieldNames;
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
    /// On which object, where the line has a field of its own for that.
    pub key: Option<Datum>,
    /// The version that the object had or got.
    pub version: Option<u64>,
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

/// The fields that a line has, by name.
#[derive(Debug, Default)]
pub(super) struct Fields {
    process: Option<Datum>,
    kind: Option<Datum>,
    f: Option<Datum>,
    value: Option<Datum>,
    key: Option<Datum>,
    version: Option<Datum>,
    time: Option<Datum>,
    index: Option<Datum>,
    error: Option<Datum>,
    node: Option<Datum>,
    start: Option<Datum>,
    end: Option<Datum>,
    result: Option<Datum>,
    outcome: Option<Datum>,
    /// Why there is no key, where a call should have one.
    keyless: Option<String>,
}

impl Fields {
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
        let mut fields = Fields { keyless: names.missing_key(there_are()), ..Fields::default() };
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
        matches!(self.kind.as_ref().and_then(Datum::word), Some("invoke" | "ok"))
    }

    /// Sets the field `name`, if it is one that counts. A key may stand in any of them.
    pub(super) fn set(&mut self, name: &str, value: Datum, names: &FieldNames) {
        if names.is_key(name) {
            self.key = Some(value.clone());
        }
        let field = match name {
            "process" => &mut self.process,
            "type" => &mut self.kind,
            "f" => &mut self.f,
            "value" => &mut self.value,
            "version" => &mut self.version,
            "time" => &mut self.time,
            "index" => &mut self.index,
            "error" => &mut self.error,
            "node" => &mut self.node,
            "start" => &mut self.start,
            "end" => &mut self.end,
            "result" => &mut self.result,
            "outcome" => &mut self.outcome,
            _ => return,
        };
        *field = Some(value);
    }

    /// What the line at `place` is.
    pub(super) fn found(self, place: Place, names: &FieldNames) -> Result<Found, Problem> {
        let misplaced = self.misplaced().filter(|_| names.only_known());
        let process = self.process.filter(|process| *process != Datum::Nil);
        let process = process.ok_or_else(|| Problem::at(place, "an operation without a process"))?;
        if process.word() == Some("nemesis") {
            return Ok(Found::Nemesis);
        }
        if let Some(reason) = misplaced {
            return Err(Problem::at(place, reason));
        }
        let f = match self.f.as_ref().map(|f| (f, f.word())) {
            Some((_, Some(word))) => Box::from(word),
            Some((other, None)) => return Err(Problem::at(place, format!("`{}` is no name of a call", shown(other)))),
            None => return Err(Problem::at(place, "an operation without an f: it does not say what is called")),
        };
        let node = self.node.map(|node| node.word().map_or_else(|| node.to_string().into(), Box::from));
        let row = Row {
            place,
            process,
            kind: RowKind::Invoke,
            f,
            value: self.value.unwrap_or(Datum::Nil),
            key: self.key,
            version: version(place, self.version)?,
            time_ns: whole(place, "time", self.time)?,
            index: whole(place, "index", self.index)?,
            error: self.error.filter(|error| *error != Datum::Nil),
            node,
        };
        let kind = self.kind.map(|kind| kind_of(place, &kind)).transpose()?;
        if let Some(keyless) = self.keyless.filter(|_| kind.is_none_or(|kind| kind == RowKind::Invoke)) {
            return Err(Problem::at(place, keyless));
        }
        match (kind, self.start) {
            (Some(kind), _) => Ok(Found::Row(Row { kind, ..row })),
            (None, None) => Err(Problem::at(place, "an operation with neither a type (invoke, ok, ...) nor a start")),
            (None, Some(start)) => {
                let start = whole(place, "start", Some(start))?;
                let end = whole(place, "end", self.end)?;
                let kind = match (&self.outcome, end) {
                    (Some(Datum::Nil), Some(_)) => {
                        let reason = "an end without an outcome, where there should be one: ok, fail or unknown";
                        return Err(Problem::at(place, reason));
                    }
                    (None, Some(_)) => RowKind::Ok,
                    (None | Some(Datum::Nil), None) => RowKind::Info,
                    (Some(outcome), _) => outcome_of(place, outcome)?,
                };
                let says_outcome = self.outcome.is_some();
                let (invoke, end) = both(Row { time_ns: start, ..row }, self.result, end, kind)?;
                Ok(Found::Whole(Box::new(Whole { invoke, end, says_outcome })))
            }
        }
    }

    /// What a line has that belongs to lines of the other kind; `None`: nothing.
    fn misplaced(&self) -> Option<&'static str> {
        let says = |field: &Option<Datum>| field.as_ref().is_some_and(|datum| *datum != Datum::Nil);
        match (&self.kind, &self.start) {
            (Some(_), _) if [&self.start, &self.end, &self.result, &self.outcome].into_iter().any(says) => {
                Some("a line with a type says what was found in its value; it has no start, end, result or outcome")
            }
            (None, Some(_)) if says(&self.time) => Some("a line with a start has no time"),
            _ => None,
        }
    }
}

/// The two ends of an operation that stands in one line. A result is what was found; without one, it is what was given.
fn both(row: Row, result: Option<Datum>, end: Option<i64>, kind: RowKind) -> Result<(Row, Row), Problem> {
    let (place, start) = (row.place, row.time_ns);
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        return Err(Problem::at(place, format!("an operation that ends at {end}, before its start at {start}")));
    }
    if end.is_none() && kind == RowKind::Ok {
        return Err(Problem::at(place, "an operation that is ok, but has no end"));
    }
    let value = result.unwrap_or_else(|| row.value.clone());
    let invoke = Row { version: None, error: None, ..row.clone() };
    Ok((invoke, Row { kind, value, time_ns: end, index: None, ..row }))
}

fn kind_of(place: Place, kind: &Datum) -> Result<RowKind, Problem> {
    match kind.word() {
        Some("invoke") => Ok(RowKind::Invoke),
        Some("ok") => Ok(RowKind::Ok),
        Some("fail") => Ok(RowKind::Fail),
        Some("info") => Ok(RowKind::Info),
        _ => Err(Problem::at(place, format!("`{}` is no type; there are: invoke, ok, fail, info", shown(kind)))),
    }
}

fn outcome_of(place: Place, outcome: &Datum) -> Result<RowKind, Problem> {
    match outcome.word() {
        Some("ok") => Ok(RowKind::Ok),
        Some("fail") => Ok(RowKind::Fail),
        Some("unknown" | "info") => Ok(RowKind::Info),
        _ => Err(Problem::at(place, format!("`{}` is no outcome; there are: ok, fail, unknown", shown(outcome)))),
    }
}

fn version(place: Place, datum: Option<Datum>) -> Result<Option<u64>, Problem> {
    let version = whole(place, "version", datum)?.map(u64::try_from).transpose();
    version.map_err(|_| Problem::at(place, "a version that is less than 0"))
}

fn whole(place: Place, name: &str, datum: Option<Datum>) -> Result<Option<i64>, Problem> {
    match datum {
        None | Some(Datum::Nil) => Ok(None),
        Some(Datum::Int(int)) => Ok(Some(int)),
        Some(other) => Err(Problem::at(place, format!("the {name} {} is no whole number of 64 bits", shown(&other)))),
    }
}
