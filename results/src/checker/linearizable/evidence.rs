//! The evidence that a key has no legal order: what a person needs to see that it is so.

mod prefix;
mod sentence;
mod told;
mod witness;

use super::Linearizable;
use super::entry::Entry;
use super::meter::{Allowance, Meter};
use super::search::{Ended, Search};
use crate::call::Key;
use crate::history::Operation;
use crate::model::{Access, Model};
use crate::outcome::Outcome;
use crate::verdict::{Anomaly, AnomalyOperation, LegalPrefix, Role};
use prefix::DeadEnd;
use told::{Kind, Story, Told, tell_plainly};
use witness::{Shrink, pieces};

/// The most operations that an anomaly shows.
const SHOWN: usize = 30;

/// One anomaly, and how clear it is: kind, witnesses, instant; the least is the clearest.
pub(super) struct Evidence {
    pub anomaly: Anomaly,
    pub clearness: (Kind, usize, u64),
}

/// The evidence for a key whose `operations` have no legal order: the search failed at the return of the operation at
/// position `contradiction`. What the budget does not allow is left out.
pub(super) fn gather<M: Model>(
    checker: &Linearizable<M>,
    key: Key,
    operations: &[&Operation],
    contradiction: usize,
    allowance: &Allowance,
) -> Evidence {
    let entries = checker.entries(operations);
    let failed = entries.iter().position(|entry| entry.position == contradiction);
    let prefixes = failed.and_then(|failed| prefixes(checker, operations, &entries, failed, allowance));
    let prefixes = prefixes.unwrap_or_default();
    let told = failed.and_then(|failed| tell(checker, operations, &entries, failed, allowance));
    let told = told.unwrap_or_else(|| tell_plainly(operations[contradiction], prefixes.first()));
    let involved = told.witnesses.iter().chain([&contradiction]).map(|position| operations[*position]);
    let from_ns = involved.map(|operation| operation.invoked_ns).min().unwrap_or(0);
    let anomaly = Anomaly {
        kind: told.kind.name().into(),
        told: told.sentence.clone(),
        key,
        from_ns,
        to_ns: operations[contradiction].returned_ns.unwrap_or(operations[contradiction].invoked_ns),
        operations: around(operations, contradiction, &told.witnesses),
        prefixes,
    };
    let clearness = (told.kind, told.witnesses.len(), anomaly.to_ns);
    Evidence { anomaly, clearness }
}

/// The longest legal orders: the search once more, up to where it failed, with the orders kept.
fn prefixes<M: Model>(
    checker: &Linearizable<M>,
    operations: &[&Operation],
    entries: &[Entry],
    failed: usize,
    allowance: &Allowance,
) -> Option<Vec<LegalPrefix>> {
    let mut search = Search::new(&checker.model, entries, checker.reductions, true);
    let ended = search.run(&mut Meter::new(allowance, u64::MAX)).ok()?;
    let dead_end = DeadEnd { model: &checker.model, operations, entries, failed };
    (ended == Ended::NoOrder { entry: failed }).then(|| prefix::longest(search, &dead_end))
}

/// The contradiction in the words of a register, where the model is one and the budget allows.
fn tell<M: Model>(
    checker: &Linearizable<M>,
    operations: &[&Operation],
    entries: &[Entry],
    failed: usize,
    allowance: &Allowance,
) -> Option<Told> {
    let access = |operation: &&Operation| checker.model.access(&operation.call, operation.reply());
    let accesses: Vec<Option<Access>> = operations.iter().map(access).collect();
    let of_entries: Vec<Option<Access>> = entries.iter().map(|entry| accesses[entry.position]).collect();
    let mut all = pieces(entries, &of_entries, failed)?;
    // From here on a piece goes by the position of its operation.
    all.iter_mut().for_each(|piece| piece.entry = entries[piece.entry].position);
    let failed = *all.iter().find(|piece| piece.entry == entries[failed].position)?;
    let story = Story { operations, accesses: &accesses, all: &all, failed };
    story.tell(&mut Shrink::new(allowance, &all, failed.entry))
}

/// The contradiction, its witnesses, and what went on nearest in time; by invocation.
fn around(operations: &[&Operation], contradiction: usize, witnesses: &[usize]) -> Vec<AnomalyOperation> {
    let middle = operations[contradiction];
    let role = |position: usize| match position {
        _ if position == contradiction => Role::Contradiction,
        _ if witnesses.contains(&position) => Role::Witness,
        _ => Role::Context,
    };
    let away_ns = |operation: &Operation| {
        let (from_ns, until_ns) = (middle.invoked_ns, middle.effect_until_ns());
        operation.invoked_ns.saturating_sub(until_ns).max(from_ns.saturating_sub(operation.effect_until_ns()))
    };
    let tells = |position: &usize| {
        role(*position) != Role::Context || !matches!(operations[*position].outcome, Outcome::Fail(_))
    };
    let mut shown: Vec<usize> = (0..operations.len()).filter(tells).collect();
    // Calls without an answer are near to everything; among equals those that began nearest come first.
    shown.sort_by_key(|position| {
        let operation = operations[*position];
        let began_away_ns = operation.invoked_ns.abs_diff(middle.invoked_ns);
        (role(*position) == Role::Context, away_ns(operation), began_away_ns, operation.id)
    });
    shown.truncate(SHOWN);
    shown.sort_by_key(|position| (operations[*position].invoked_ns, operations[*position].id));
    let shown = shown.into_iter();
    shown.map(|position| AnomalyOperation { operation: operations[position].clone(), role: role(position) }).collect()
}
