//! Puts the end of a call to its beginning. Out come squall's events.
//!
//! Where its instants come from, a history's [`Clock`] knows.

use super::FailedCas;
use super::clock::{Clock, Order};
use super::datum::{Datum, shown};
use super::keys::KeysOf;
use super::names::{Names, Numberings};
use super::numbering::Numbering;
use super::place::{Place, Problem};
use super::row::{Row, RowKind};
use super::vocabulary::{Meaningless, Vocabulary};
use crate::call::{Call, Key, Reply};
use crate::event::{Event, Invoke, Return};
use crate::outcome::Outcome;
use rustc_hash::FxHashMap;

/// Makes events out of rows.
pub(super) struct Pairing {
    keys: KeysOf,
    failed_cas: FailedCas,
    pub(super) vocabulary: Vocabulary,
    numbers: Numbering,
    processes: FxHashMap<Datum, Process>,
    operations: u64,
    last_index: Option<i64>,
    clock: Clock,
    counts: Counts,
}

/// A process of the history.
struct Process {
    number: u64,
    state: State,
    /// When its last call ended.
    ended_ns: u64,
}

enum State {
    Idle,
    Open(Box<Open>),
    /// Its last call is in doubt: what that was, and in which line it began.
    InDoubt(Box<str>, u64),
}

/// What was called and has not ended yet.
struct Open {
    op: u64,
    f: Box<str>,
    key: Key,
    /// Whether the call named that key.
    named: bool,
    /// The key of a transaction as it was named, beside those of its registers.
    outer: Option<Datum>,
    call: Call,
    place: Place,
}

/// What people should know about the lines.
#[derive(Default)]
struct Counts {
    resumed: u64,
    observed: u64,
    errors: u64,
    endless: u64,
    refused: u64,
    odd_versions: u64,
}

impl Pairing {
    pub(super) fn new(keys: KeysOf, failed_cas: FailedCas, vocabulary: Vocabulary, keeps_names: bool) -> Pairing {
        Pairing {
            keys,
            failed_cas,
            vocabulary,
            numbers: Numbering::new(keeps_names),
            processes: FxHashMap::default(),
            operations: 0,
            last_index: None,
            clock: Clock::default(),
            counts: Counts::default(),
        }
    }

    /// The event that a row tells.
    pub(super) fn event(&mut self, mut row: Row, order: Order) -> Result<Event, Problem> {
        if let (Some(index), Some(last)) = (row.index, self.last_index)
            && index <= last
        {
            return Err(Problem::at(
                row.place,
                format!("index {index} after index {last}: the lines are out of order"),
            ));
        }
        self.last_index = row.index.or(self.last_index);
        self.counts.odd_versions += u64::from(row.odd_version);
        let at_ns = self.clock.at_ns(&row, order)?;
        let key = self.keys.take(&mut row)?;
        if row.kind == RowKind::Invoke {
            self.invoke(row, key.as_ref(), at_ns)
        } else {
            self.ret(row, key.as_ref(), at_ns)
        }
    }

    fn invoke(&mut self, row: Row, key: Option<&Datum>, at_ns: u64) -> Result<Event, Problem> {
        let place = row.place;
        let (outer, named) = (key, key.is_some());
        let key = self.vocabulary.key(key).map_err(|reason| Problem::At(place, reason))?;
        let call = self.vocabulary.call(&row, key, outer).map_err(|wrong| match wrong {
            Meaningless::Call(reason) => Problem::At(row.f_at, reason),
            Meaningless::Value(reason) => wrong_value(&row, &reason),
        })?;
        let process = self.process(&row, at_ns)?;
        let op = self.operations;
        self.operations += 1;
        let outer = outer.filter(|_| matches!(call, Call::Transaction { .. } | Call::ListTransaction { .. })).cloned();
        let open = Open { op, f: row.f, key, named, outer, call: call.clone(), place };
        let state = State::Open(Box::new(open));
        self.processes.insert(row.process, Process { number: process, state, ended_ns: 0 });
        let node = row.node.map(String::from).unwrap_or_default();
        Ok(Event::Invoke(Invoke { at_ns, due_ns: at_ns, op, process, node, call }))
    }

    /// The number of the process that calls now.
    fn process(&mut self, row: &Row, at_ns: u64) -> Result<u64, Problem> {
        let name = || shown(&row.process);
        let number = match self.processes.get(&row.process) {
            None => self.numbers.number(&row.process, true),
            Some(Process { ended_ns, .. }) if at_ns < *ended_ns => {
                let reason = format!(
                    "process {} calls {} before the time at which its last call ends; a process does one thing at a time",
                    name(),
                    row.f
                );
                return Err(Problem::at(row.place, reason));
            }
            Some(Process { number, state: State::Idle, .. }) => return Ok(*number),
            Some(Process { state: State::InDoubt(f, line), .. }) if self.vocabulary.owners_matter() => {
                let reason = format!(
                    "process {} goes on after its {f} of line {line}, of which nobody knows how it ended; so nobody knows what it holds: let another process go on",
                    name()
                );
                return Err(Problem::at(row.place, reason));
            }
            Some(Process { state: State::InDoubt(..), .. }) => {
                self.counts.resumed += 1;
                self.numbers.another()
            }
            Some(Process { state: State::Open(open), .. }) => {
                let Open { f, place, .. } = &**open;
                let reason = format!(
                    "process {} calls {} while its {f} of line {} is still open; a process does one thing at a time",
                    name(),
                    row.f,
                    place.line
                );
                return Err(Problem::at(row.place, reason));
            }
        };
        let number = number.and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| Problem::at(row.place, format!("there is no number left for process {}", name())))
    }

    fn ret(&mut self, row: Row, key: Option<&Datum>, at_ns: u64) -> Result<Event, Problem> {
        let place = row.place;
        let process = self.processes.get_mut(&row.process);
        let open = process.and_then(|process| match std::mem::replace(&mut process.state, State::Idle) {
            State::Open(open) => {
                if row.kind == RowKind::Info {
                    process.state = State::InDoubt(open.f.clone(), open.place.line);
                }
                // An end that has no time was known at some later one.
                process.ended_ns = row.time_ns.map_or(0, |_| at_ns);
                Some(open)
            }
            State::Idle | State::InDoubt(..) => None,
        });
        let Some(open) = open else {
            let (process, f) = (shown(&row.process), &row.f);
            let reason = format!("process {process} ends a {f} that it has not begun, or has ended before");
            return Err(Problem::at(place, reason));
        };
        let Open { op, f, key: begun, named, outer, call, place: began } = *open;
        if f != row.f {
            let (process, line) = (shown(&row.process), began.line);
            let reason = format!("process {process} ends a {}, but what it began in line {line} is a {f}", row.f);
            return Err(Problem::at(place, reason));
        }
        if let Some(key) = key {
            let same = named && self.vocabulary.key(Some(key)).map_err(|reason| Problem::At(place, reason))? == begun;
            if !same {
                let (key, line, another) = (shown(key), began.line, if named { "another" } else { "none" });
                return Err(Problem::at(place, format!("it ends on key {key}, and began on {another} in line {line}")));
            }
        }
        let outcome = self.outcome(&call, &row, outer.as_ref())?;
        Ok(Event::Return(Return { at_ns, op, outcome }))
    }

    fn outcome(&mut self, call: &Call, row: &Row, outer: Option<&Datum>) -> Result<Outcome, Problem> {
        let why = |otherwise: &str| row.error.as_ref().map_or_else(|| otherwise.to_owned(), bare);
        let is_cas = matches!(call, Call::Cas { .. });
        Ok(match row.kind {
            RowKind::Ok if is_cas && row.value == Datum::Bool(false) && self.failed_cas == FailedCas::Nothing => {
                self.counts.refused += 1;
                Outcome::Fail(why("false"))
            }
            RowKind::Ok if is_cas && row.value == Datum::Bool(false) => {
                self.counts.observed += 1;
                Outcome::Ok(Reply::NotEqual)
            }
            RowKind::Ok => {
                let reply = self.vocabulary.reply(call, row, outer);
                Outcome::Ok(reply.map_err(|reason| wrong_value(row, &reason))?)
            }
            RowKind::Fail if is_cas && self.failed_cas == FailedCas::Observation => {
                // An error says that something else was in the way than the value. And who does not say when the value was
                // looked at says of no instant that it was another then.
                if row.error.is_some() {
                    self.counts.errors += 1;
                    Outcome::Fail(why("failed"))
                } else if !self.clock.knows_when(row) {
                    self.counts.endless += 1;
                    Outcome::Fail(why("failed, nobody knows when"))
                } else {
                    self.counts.observed += 1;
                    Outcome::Ok(Reply::NotEqual)
                }
            }
            RowKind::Fail => Outcome::Fail(why("failed")),
            RowKind::Info | RowKind::Invoke => Outcome::Unknown(why("nobody knows")),
        })
    }

    /// The names of what was numbered.
    pub(super) fn names(&self) -> Names<'_> {
        let Vocabulary { values, keys, accounts, .. } = &self.vocabulary;
        Names { numberings: Some(Numberings { values, keys, accounts, processes: &self.numbers }) }
    }

    /// Whether the history names any keys, as far as it was read.
    pub(super) fn has_keys(&self) -> bool {
        self.keys.any()
    }

    /// Whether any line has a time.
    pub(super) fn is_timed(&self) -> bool {
        self.clock.is_timed()
    }

    /// What people should know about the lines.
    pub(super) fn notes(&self) -> Vec<String> {
        let Counts { resumed, observed, errors, endless, refused, odd_versions } = self.counts;
        let mut notes: Vec<String> = self.vocabulary.notes().chain(self.keys.notes()).collect();
        if resumed > 0 {
            notes
                .push(format!("processes that went on after a call in doubt stand under new numbers: {resumed} times"));
        }
        if observed > 0 {
            notes.push(format!("{observed} failed compare-and-sets count as observations that the value was another"));
        }
        if errors > 0 {
            notes.push(format!("{errors} failed compare-and-sets name an error and count as nothing that happened"));
        }
        if endless > 0 {
            notes.push(format!(
                "{endless} failed compare-and-sets do not say when they ended, so they observed nothing and count as nothing that happened"
            ));
        }
        if refused > 0 {
            notes.push(format!(
                "{refused} compare-and-sets end with false and count as nothing that happened; that the value was another says --failed-cas observation"
            ));
        }
        if odd_versions > 0 {
            notes.push(format!(
                "{odd_versions} lines have a version that is no whole number from 0 on; it was left out"
            ));
        }
        notes.extend(self.clock.notes());
        notes
    }
}

/// What is wrong with a value, by the name of its field.
fn wrong_value(row: &Row, reason: &str) -> Problem {
    Problem::at(row.value_at, format!("{}: {reason}", row.told_in.name()))
}

/// A text without quotes, anything else in EDN.
fn bare(datum: &Datum) -> String {
    match datum {
        Datum::Text(text) => text.to_string(),
        other => shown(other),
    }
}
