//! Whether a set kept its elements: every acknowledged one is there, and nothing else.
//!
//! Every element must be added by one call at most, those that failed aside; then a read tells which additions it saw,
//! and the judgement is exact for each set alone and takes about as long as reading the history once; see `fate`. What
//! differs by promise:
//!
//! - [`Promise::Linearizable`]: what was acknowledged before a read began is in it. Once any read returned an element,
//!   every read that begins later has it, even if the addition was never acknowledged.
//! - [`Promise::Sequential`]: a read during the storm may be old. But each process sees its own additions, never less than
//!   it saw before, and nothing before it was called for (which no target can guess); and all reads are views of one course
//!   of events. The sets are judged one by one, which is less than the promise for all of them together.
//!
//! At either promise the final reads, which are made in the strongest way, are judged by time: what none of them has is
//! lost. An element that is present though its addition failed is an anomaly, and so is one that is there twice. A set
//! that was never read is [`Validity::Unknown`].

mod bits;
mod fate;
mod figures;
mod record;
mod tell;

use crate::call::Key;
use crate::checker::accusation::{self, Accusation};
use crate::checker::patience::Patience;
use crate::checker::{Budget, Checker};
use crate::event::PhaseName;
use crate::history::{History, Operation};
use crate::verdict::{Promise, Validity, Verdict};
use crate::words::counted;
use figures::Counts;
use record::{Record, Unusable};
use std::collections::BTreeMap;
use tell::{Kind, Story};

/// Judges sets of unique elements; see the [module](self).
#[derive(Debug, Clone, Copy)]
pub struct Set {
    /// What the target promises.
    pub promise: Promise,
}

/// What was found out about all sets.
struct Found<'a> {
    accusations: Vec<Accusation<'a, Kind>>,
    counts: Counts,
    /// Why some sets could not be judged.
    open: Vec<String>,
}

impl Checker for Set {
    fn name(&self) -> &'static str {
        "set"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let patience = Patience::new(budget);
        let mut by_key: BTreeMap<Key, Vec<&Operation>> = BTreeMap::new();
        for operation in &history.operations {
            by_key.entry(operation.call.key()).or_default().push(operation);
        }
        let final_ns = history.phase_ns(PhaseName::FinalReads);
        let mut found = Found { accusations: Vec::new(), counts: Counts::default(), open: Vec::new() };
        for (key, operations) in &by_key {
            if let Some(why) = patience.ended() {
                found.open.push(format!("{why} before set {key}; a larger budget would help"));
                break;
            }
            match Record::new(operations, final_ns, budget.memory_bytes) {
                Ok(record) => self.judge(*key, &record, &mut found),
                Err(Unusable::AddedTwice(value)) => found.open.push(format!(
                    "{value} is added to set {key} by two calls, so that nobody can tell which of them a read saw"
                )),
                Err(Unusable::TooLarge) => found.open.push(format!("set {key} is too large for the memory allowed")),
            }
        }
        self.verdict(by_key.len(), found)
    }
}

impl Set {
    fn judge<'a>(&self, key: Key, record: &Record<'a>, found: &mut Found<'a>) {
        if record.reads.is_empty() {
            let lost_track = record.acknowledged > 0;
            found.counts.elements += record.elements.len();
            found.open.extend(lost_track.then(|| format!("set {key} was never read")));
            return;
        }
        let fates = fate::fates(record, self.promise);
        let finals = record.reads.iter().filter(|read| read.is_final).count();
        let story = Story { key, record, finals };
        let before = found.accusations.len();
        found.accusations.extend(fates.iter().enumerate().filter_map(|(number, fate)| story.element(number, fate)));
        if found.accusations.len() == before {
            found.accusations.extend(fate::two_views(record).map(|(one, other)| story.two_views(one, other)));
        }
        found.counts.add(record, &fates);
    }

    fn verdict(&self, sets: usize, found: Found) -> Verdict {
        let Found { accusations, counts, open } = found;
        let name = |kind: Kind| kind.name();
        let elements = counted(counts.elements, "element");
        let (validity, reason) = match (accusations.is_empty(), open.first()) {
            (false, _) => {
                let told = accusation::counted(&accusations, name);
                (Validity::Invalid, format!("{told}, among {elements} of {}", counted(sets, "set")))
            }
            (true, Some(first)) if open.len() > 1 => {
                (Validity::Unknown, format!("{first}; {} more are undecided", open.len() - 1))
            }
            (true, Some(first)) => (Validity::Unknown, first.clone()),
            (true, None) => {
                let are = if counts.elements == 1 { "is where it belongs" } else { "are where they belong" };
                (Validity::Valid, format!("{elements} of {} {are}", counted(sets, "set")))
            }
        };
        let mut figures = counts.figures(sets);
        for kind in [Kind::Lost, Kind::AfterFail, Kind::Phantom, Kind::Twice, Kind::Flickering, Kind::Stale] {
            let count = accusations.iter().filter(|one| one.kind == kind).count();
            figures.insert(kind.name().replace(' ', "_"), count as f64);
        }
        let anomalies = accusation::anomalies(accusations, name);
        Verdict { checker: self.name().into(), validity, reason, anomalies, figures }
    }
}
