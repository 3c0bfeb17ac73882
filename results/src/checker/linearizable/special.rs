//! Objects that are judged in the time that sorting takes: queues, counters, texts, locks.
//!
//! Each of them has a premise (elements are unique, all steps are equal, ...) under which a few rules decide, proved where
//! they stand. Where it does not hold, or operations without an answer leave a choice that the rules do not know, nothing
//! is said here and the search decides.
//!
//! An order that is found is replayed by the model before it is believed. What has none is shown by a *core* where there is
//! a small one: operations such that every legal order of the whole gives a legal order of them. They are looked at once
//! more by the bare search, without any reduction.

mod counter;
mod lock;
mod owned;
mod queue;
mod text;

use super::Algorithm;
use super::entry::{Entry, EntryOf};
use super::keys::Answer;
use super::meter::Meter;
use super::reductions::Reductions;
use super::replay::is_legal_order;
use super::search::{Ended, Search};
use crate::model::{Deed, Model, Object};

/// What the rules for an object found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ruling {
    /// This is a legal order of the entries.
    Order(Vec<u32>),
    /// There is none, at the latest when this entry returned.
    NoOrder {
        /// The entry.
        entry: usize,
        /// The core, if there is a small one.
        core: Option<Vec<usize>>,
    },
    /// The rules do not tell.
    Open,
}

/// What is known of one key.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub answer: Answer,
    pub by: Algorithm,
    /// If it is invalid: the operations, by position and in order, that are enough to see that.
    pub core: Option<Vec<usize>>,
}

/// An entry as the rules see it.
#[derive(Debug, Clone, Copy)]
struct Act<'a> {
    deed: Deed<'a>,
    from_ns: u64,
    /// [`NEVER`] if it need not take effect.
    until_ns: u64,
    must: bool,
}

/// Later than any instant of a history.
const NEVER: u64 = u64::MAX;

/// The end of what takes effect, whenever.
const AT_LAST: u64 = NEVER - 1;

/// How many bytes the rules hold for each entry, at most.
const BYTES_PER_ENTRY: usize = 200;

/// More operations than these no search for any model looks at again: a long text needs all its pieces, whatever is wrong.
pub(super) const CORE_MAX: usize = 60;

/// How many configurations the bare search may expand to look at a core once more.
const STEPS_TO_RECHECK: u64 = 20_000;

/// Judges the entries of one key, if there are rules for it and they tell.
pub(super) fn judge<M: Model>(model: &M, entries: &[EntryOf<M>], meter: &mut Meter) -> Option<Decided> {
    let object = model.object()?;
    meter.step(|| entries.len() * BYTES_PER_ENTRY).ok()?;
    let acts: Vec<Act> = entries.iter().map(|entry| act(model, entry)).collect::<Option<_>>()?;
    let (ruling, by) = match object {
        Object::FifoQueue => (queue::rule(&acts, queue::Kind::Fifo), Algorithm::Queue),
        Object::UnorderedQueue => (queue::rule(&acts, queue::Kind::Unordered), Algorithm::Queue),
        Object::Counter { initial } => (counter::rule(&acts, initial), Algorithm::Counter),
        Object::Text => (text::rule(&acts, meter), Algorithm::Text),
        Object::Lock => (lock::rule(&acts), Algorithm::Lock),
        Object::OwnedLock { fenced } => (owned::rule(&acts, fenced), Algorithm::Lock),
    };
    match ruling {
        Ruling::Open => None,
        Ruling::Order(order) => {
            // What is no order is not believed; tests see that the search had to decide.
            is_legal_order(model, entries, &order).then_some(Decided { answer: Answer::Valid, by, core: None })
        }
        Ruling::NoOrder { entry, core } => {
            let again = match &core {
                Some(core) => core.iter().map(|entry| entries[*entry].clone()).collect(),
                None => up_to(entries, entries[entry].until_ns),
            };
            // Where the bare search finds an order the rules are wrong.
            let is_small = again.len() <= CORE_MAX;
            let rechecked = match is_small.then(|| has_no_order(model, &again, meter)).flatten() {
                Some(true) => true,
                Some(false) => return None,
                None => false,
            };
            let (at_ns, position) = (entries[entry].until_ns, entries[entry].position);
            let mut core: Option<Vec<usize>> =
                core.map(|core| core.iter().map(|entry| entries[*entry].position).collect());
            core.iter_mut().for_each(|core| core.sort_unstable());
            Some(Decided { answer: Answer::Invalid { at_ns, position, rechecked }, by, core })
        }
    }
}

fn act<'a, M: Model>(model: &M, entry: &'a EntryOf<M>) -> Option<Act<'a>> {
    let deed = model.deed(&entry.call, entry.reply.as_ref())?;
    let until_ns = if entry.must { entry.until_ns.min(AT_LAST) } else { NEVER };
    Some(Act { deed, from_ns: entry.invoked_ns, until_ns, must: entry.must })
}

/// What can have taken effect up to `at_ns`; what had not returned by then need not have.
fn up_to<C: Clone, R: Clone>(entries: &[Entry<C, R>], at_ns: u64) -> Vec<Entry<C, R>> {
    let begun = entries.iter().filter(|entry| entry.invoked_ns <= at_ns);
    let cut_off = |entry: &Entry<C, R>| {
        let must = entry.must && entry.until_ns <= at_ns;
        Entry { must, until_ns: if must { entry.until_ns } else { u64::MAX }, ..entry.clone() }
    };
    begun.map(cut_off).collect()
}

/// Whether the bare search finds that the entries have no legal order; `None`: it takes too long.
fn has_no_order<M: Model>(model: &M, entries: &[EntryOf<M>], meter: &Meter) -> Option<bool> {
    let mut search = Search::new(model, entries, Reductions::NONE, false);
    let ended = search.run(&mut meter.fork(STEPS_TO_RECHECK)).ok()?;
    Some(matches!(ended, Ended::NoOrder { .. }))
}
