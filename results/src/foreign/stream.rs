//! Judges a file while it is read, so that memory follows what its history needs and not how long it is.

use super::{ForeignError, Question};
use crate::call::{CallKind, Key};
use crate::checker::Budget;
use crate::event::Event;
use crate::figures::CallCounts;
use crate::formats::{Format, ReadError, Reader};
use crate::history::{History, HistoryBuilder, Operation};
use crate::outcome::Outcome;
use crate::verdict::Verdict;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a history that was not held.
#[derive(Debug)]
pub struct Streamed {
    /// What the checker says.
    pub verdict: Verdict,
    /// How the calls ended.
    pub calls: Vec<CallCounts>,
    /// The last instant.
    pub end_ns: u64,
    /// A history without operations, with all that is known besides.
    pub history: History,
}

/// As [`judge`](super::judge), of a file that can be opened several times; `None`: the model needs the whole history, or the
/// events are out of order, or squall recorded it: only a whole history shows that its events fit together, and how the run
/// ended. A file with a violation is read again, for the operations of the keys that are broken.
///
/// # Errors
/// When the history cannot be read, or options do not fit the model.
pub fn judge_stream(
    mut reader: Reader,
    open: &dyn Fn() -> Result<Reader, ReadError>,
    question: &Question,
    budget: &Budget,
) -> Result<Option<Streamed>, ForeignError> {
    if reader.format() == Format::Squall {
        return Ok(None);
    }
    let checker = question.checker(&mut reader)?;
    let Some(mut live) = checker.live(budget) else { return Ok(None) };
    let mut tally = Tally::default();
    for event in reader.by_ref() {
        let event = event?;
        tally.count(&event);
        if live.push(&event).is_err() {
            return Ok(None);
        }
    }
    let mut failed = None;
    let verdict = live.finish(&mut |keys| {
        operations_of(open, question, keys).unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut history = History::default();
    reader.describe(&mut history);
    Ok(Some(Streamed { verdict, end_ns: tally.end_ns, calls: tally.calls(), history }))
}

/// The operations of some keys.
fn operations_of(
    open: &dyn Fn() -> Result<Reader, ReadError>,
    question: &Question,
    keys: &BTreeSet<Key>,
) -> Result<Vec<Operation>, ForeignError> {
    let mut reader = open()?;
    // What was numbered before anything was read must be numbered so again.
    question.checker(&mut reader)?;
    let (mut builder, mut wanted) = (HistoryBuilder::default(), FxHashSet::default());
    while let Some(event) = reader.next() {
        let event = event?;
        let is_wanted = match &event {
            Event::Invoke(invoke) => (question.whole || keys.contains(&invoke.call.key())) && wanted.insert(invoke.op),
            Event::Return(ret) => wanted.remove(&ret.op),
            _ => false,
        };
        if is_wanted {
            builder.push(event).map_err(|reason| reader.contradiction(reason))?;
        }
    }
    Ok(builder.finish().operations)
}

/// Counts calls as they come.
#[derive(Default)]
struct Tally {
    open: FxHashMap<u64, CallKind>,
    counts: BTreeMap<CallKind, CallCounts>,
    end_ns: u64,
}

impl Tally {
    fn count(&mut self, event: &Event) {
        self.end_ns = self.end_ns.max(event.latest_ns().unwrap_or(0));
        match event {
            Event::Invoke(invoke) => {
                let kind = invoke.call.kind();
                self.open.insert(invoke.op, kind);
                self.of(kind).invoked += 1;
            }
            Event::Return(ret) => {
                let Some(kind) = self.open.remove(&ret.op) else { return };
                let counts = self.of(kind);
                match ret.outcome {
                    Outcome::Ok(_) => counts.ok += 1,
                    Outcome::Fail(_) => counts.fail += 1,
                    Outcome::Unknown(_) => counts.unknown += 1,
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, kind: CallKind) -> &mut CallCounts {
        self.counts.entry(kind).or_insert(CallCounts { kind, invoked: 0, ok: 0, fail: 0, unknown: 0 })
    }

    /// What has not ended has no known outcome.
    fn calls(mut self) -> Vec<CallCounts> {
        for kind in std::mem::take(&mut self.open).into_values() {
            self.of(kind).unknown += 1;
        }
        self.counts.into_values().collect()
    }
}
