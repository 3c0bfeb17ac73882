//! The longest legal orders: each explains all that could be explained, and stops.

use crate::checker::linearizable::config::Config;
use crate::checker::linearizable::entry::{EntryOf, OperationOf};
use crate::checker::linearizable::search::{Open, Search};
use crate::checker::linearizable::table::StateId;
use crate::model::Model;
use crate::verdict::{LegalPrefix, Refusal};
use crate::words::Instants;

/// The most prefixes that are shown, each with another state.
const PREFIXES: usize = 4;

/// How many configurations are continued until nothing can come next.
const CONTINUED: usize = 50;

/// How many operations at the end of a prefix are named.
const LAST: usize = 20;

/// How many operations that came too late are named.
const TOO_LATE: usize = 2;

/// What the prefixes are about: one key, and the entry at whose return no legal order was left.
pub(super) struct DeadEnd<'a, M: Model> {
    pub model: &'a M,
    pub operations: &'a [&'a OperationOf<M>],
    pub entries: &'a [EntryOf<M>],
    pub failed: usize,
}

/// The longest legal orders that a search met before it failed, one for each state that they can end in.
///
/// Only those count that no open operation can continue. Each configuration of the last step leads to one: it can be
/// continued only finitely often, and never with the operation that failed. Where the search tried only what has to do
/// with that operation, it did not go so far, and some are continued here.
pub(super) fn longest<M: Model>(mut search: Search<M>, dead_end: &DeadEnd<M>) -> Vec<LegalPrefix> {
    let Some(mut trail) = search.trail.take() else { return Vec::new() };
    let mut ends: Vec<Config> = std::mem::take(&mut search.explored);
    if ends.iter().any(|config| next(&mut search, config).is_none()) {
        ends.retain(|config| next(&mut search, config).is_none());
    } else {
        ends.sort_by_key(|config| (std::cmp::Reverse(config.done.len()), config.used.total()));
        ends.truncate(CONTINUED);
        for config in &mut ends {
            while let Some((open, state)) = next(&mut search, config) {
                (config.state, config.trail) = (state, trail.push(config.trail, open.entry));
                config.done.insert(open.slot);
            }
        }
    }
    ends.sort_by_key(|config| (std::cmp::Reverse(config.done.len()), config.used.total()));
    let mut states = Vec::new();
    ends.retain(|config| {
        let new = !states.contains(&config.state);
        states.push(config.state);
        new
    });
    ends.truncate(PREFIXES);
    let prefix = |config: &Config| {
        let order = trail.order(config.trail);
        let left = search.open.iter().filter(|open| !config.done.contains(open.slot)).map(|open| open.entry);
        let state = search.table.state(config.state);
        LegalPrefix {
            length: order.len(),
            last: order[order.len().saturating_sub(LAST)..].iter().map(|entry| dead_end.operation(*entry).id).collect(),
            state: dead_end.model.show(state),
            refused: refusals(dead_end, state, left),
        }
    };
    ends.iter().map(prefix).collect()
}

/// The first open operation that can come next, and the state after it.
fn next<M: Model>(search: &mut Search<M>, config: &Config) -> Option<(Open, StateId)> {
    let mut left = search.open.iter().filter(|open| !config.done.contains(open.slot));
    left.find_map(|open| Some((*open, search.table.step(config.state, open.class)?)))
}

impl<'a, M: Model> DeadEnd<'a, M> {
    /// The operation of an entry.
    pub fn operation(&self, entry: usize) -> &'a OperationOf<M> {
        self.operations[self.entries[entry].position]
    }
}

/// Why nothing can come next: first the operation that failed, then the others that are open, then some that would help
/// but came too late.
fn refusals<M: Model>(dead_end: &DeadEnd<M>, state: &M::State, left: impl Iterator<Item = usize>) -> Vec<Refusal> {
    let DeadEnd { model, entries, failed, .. } = *dead_end;
    let step = |state: &M::State, entry: &EntryOf<M>| model.step(state, &entry.call, entry.reply.as_ref());
    let mut left: Vec<usize> = left.collect();
    left.sort_by_key(|entry| (*entry != failed, *entry));
    let refused = left.into_iter().filter_map(|entry| Some((entry, step(state, &entries[entry]).err()?)));
    let too_late = (0..entries.len()).filter(|entry| {
        let helps = |then: M::State| step(&then, &entries[failed]).is_ok();
        entries[*entry].invoked_ns > entries[failed].until_ns && step(state, &entries[*entry]).is_ok_and(helps)
    });
    let why_too_late = |entry: usize| {
        let (invoked_ns, returned_ns) = (entries[entry].invoked_ns, entries[failed].until_ns);
        let instants = Instants::new([invoked_ns, returned_ns]);
        let process = dead_end.operation(failed).process;
        let (invoked, returned) = (instants.show(invoked_ns), instants.show(returned_ns));
        let why = format!(
            "it was invoked only at {invoked} s, after the call of process {process} had returned at {returned} s"
        );
        (entry, why)
    };
    let all = refused.chain(too_late.take(TOO_LATE).map(why_too_late));
    all.map(|(entry, why)| Refusal { op: dead_end.operation(entry).id, why }).collect()
}
