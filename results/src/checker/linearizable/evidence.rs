//! The evidence that a key has no legal order: what a person needs to see that it is so.

mod prefix;
mod smallest;
mod told;
mod witness;

use super::Linearizable;
use super::entry::{Entry, EntryOf, OperationOf};
use super::meter::{Allowance, Meter};
use super::search::{Ended, Search};
use super::special::CORE_MAX;
use crate::call::Key;
use crate::history::Operation;
use crate::model::{Access, AnyCall, AnyReply, Model, Register};
use crate::outcome::Outcome;
use crate::verdict::{Anomaly, AnomalyOperation, LegalPrefix, Minimal, Role};
use prefix::DeadEnd;
use smallest::{Beginning, Small, has_no_order, shrink};
use told::{Kind, Story, Told, tell_plainly};
use witness::{Piece, Shrink, pieces};

/// How many operations an anomaly shows: those that matter, and of the others the nearest up to this number.
const SHOWN: usize = 30;

/// The most operations that an anomaly shows if all of them matter.
const SHOWN_MAX: usize = 200;

/// One anomaly, and how clear it is: kind, witnesses, instant; the least is the clearest.
pub(super) struct Evidence {
    pub anomaly: Anomaly,
    pub clearness: (Kind, usize, u64),
}

/// Where a key is broken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken<'a> {
    /// The position of the operation at whose return there is no legal order, at the latest.
    pub position: usize,
    /// The operations, by position, that are enough to see it, in order, if they are known.
    pub core: Option<&'a [usize]>,
}

/// The evidence for a key whose `operations` have no legal order; where that shows in a few of them, among these alone.
/// What the budget does not allow is left out.
pub(super) fn gather<M: Model>(
    checker: &Linearizable<M>,
    key: Key,
    operations: &[&OperationOf<M>],
    Broken { position: contradiction, core }: Broken,
    allowance: &Allowance,
) -> Evidence {
    let mut entries = checker.entries(operations);
    entries.retain(|entry| core.is_none_or(|core| core.binary_search(&entry.position).is_ok()));
    let is_small = core.is_none_or(|core| core.len() <= CORE_MAX);
    let failed = entries.iter().position(|entry| entry.position == contradiction).filter(|_| is_small);
    let rerun = failed.and_then(|failed| rerun(checker, operations, &entries, failed, allowance));
    let Rerun { prefixes, beginnings } = rerun.unwrap_or_else(|| Rerun::nothing(&checker.model));
    let told = failed.and_then(|failed| tell(checker, operations, &entries, failed, allowance));
    let (told, minimal) = told.unwrap_or_else(|| {
        let small = failed.and_then(|failed| shrink(&checker.model, &entries, failed, beginnings, allowance));
        let minimal = small.as_ref().map(|small| minimal_of(&checker.model, operations, small, allowance));
        (tell_plainly(operations, contradiction, prefixes.first(), small.as_ref().zip(minimal.as_ref())), minimal)
    });
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
        minimal,
        dependencies: Vec::new(),
    };
    let clearness = (told.kind, told.witnesses.len(), anomaly.to_ns);
    Evidence { anomaly, clearness }
}

/// What the search tells when it goes up to where it failed once more.
struct Rerun<S> {
    prefixes: Vec<LegalPrefix>,
    /// From where the contradiction can be looked at: the beginning of the history, then the latest quiet moments.
    beginnings: Vec<Beginning<S>>,
}

impl<S> Rerun<S> {
    fn nothing<M: Model<State = S>>(model: &M) -> Rerun<S> {
        Rerun { prefixes: Vec::new(), beginnings: vec![Beginning { after_ns: None, states: vec![model.init()] }] }
    }
}

/// The search once more, up to where it failed, with the orders kept.
fn rerun<M: Model>(
    checker: &Linearizable<M>,
    operations: &[&OperationOf<M>],
    entries: &[EntryOf<M>],
    failed: usize,
    allowance: &Allowance,
) -> Option<Rerun<M::State>> {
    let mut search = Search::new(&checker.model, entries, checker.reductions, true);
    let ended = search.run(&mut Meter::new(allowance, u64::MAX)).ok()?;
    let mut rerun = Rerun::nothing(&checker.model);
    for quiet in search.quiet.iter().rev() {
        let states = quiet.states.iter().map(|state| search.table.state(*state).clone()).collect();
        rerun.beginnings.push(Beginning { after_ns: Some(quiet.after_ns), states });
    }
    let dead_end = DeadEnd { model: &checker.model, operations, entries, failed };
    rerun.prefixes = (ended == Ended::NoOrder { entry: failed }).then(|| prefix::longest(search, &dead_end))?;
    Some(rerun)
}

/// The contradiction in the words of a register, and the smallest set, where the model is one and the budget allows.
fn tell<M: Model>(
    checker: &Linearizable<M>,
    operations: &[&OperationOf<M>],
    entries: &[EntryOf<M>],
    failed: usize,
    allowance: &Allowance,
) -> Option<(Told, Option<Minimal>)> {
    let access = |operation: &&OperationOf<M>| checker.model.access(&operation.call, operation.reply());
    let accesses: Vec<Option<Access>> = operations.iter().map(access).collect();
    let of_entries: Vec<Option<Access>> = entries.iter().map(|entry| accesses[entry.position]).collect();
    let mut all = pieces(entries, &of_entries, failed)?;
    // From here on a piece goes by the position of its operation.
    all.iter_mut().for_each(|piece| piece.entry = entries[piece.entry].position);
    let failed = *all.iter().find(|piece| piece.entry == entries[failed].position)?;
    let story = Story { operations, accesses: &accesses, all: &all, failed, start: checker.model.initial() };
    let mut shrink = Shrink::new(allowance, &all, failed.entry, checker.model.initial());
    let told = story.tell(&mut shrink)?;
    let id = |piece: &Piece| operations[piece.entry].id;
    let is_weaker = |piece: &&Piece| all.iter().any(|whole| whole.entry == piece.entry && whole != *piece);
    let kept: Vec<Entry> = told.kept.iter().map(|piece| piece.to_entry()).collect();
    let minimal = Minimal {
        operations: told.kept.iter().map(id).collect(),
        effect_only: told.kept.iter().filter(is_weaker).map(id).collect(),
        starts: vec![checker.model.show(&checker.model.init())],
        after_ns: None,
        smallest: !shrink.cut_short,
        verified: has_no_order(&Register, &[checker.model.initial()], &kept, allowance),
    };
    Some((told, Some(minimal)))
}

fn minimal_of<M: Model>(model: &M, operations: &[&OperationOf<M>], small: &Small<M>, allowance: &Allowance) -> Minimal {
    let states = &small.beginning.states;
    Minimal {
        operations: small.entries.iter().map(|entry| operations[entry.position].id).collect(),
        effect_only: Vec::new(),
        starts: states.iter().map(|state| model.show(state)).collect(),
        after_ns: small.beginning.after_ns,
        smallest: small.smallest,
        verified: has_no_order(model, states, &small.entries, allowance),
    }
}

/// The contradiction, its witnesses, and what went on nearest in time; by invocation.
fn around<C: AnyCall, R: AnyReply>(
    operations: &[&Operation<C, R>],
    contradiction: usize,
    witnesses: &[usize],
) -> Vec<AnomalyOperation> {
    let middle = operations[contradiction];
    let role = |position: usize| match position {
        _ if position == contradiction => Role::Contradiction,
        _ if witnesses.contains(&position) => Role::Witness,
        _ => Role::Context,
    };
    let away_ns = |operation: &Operation<C, R>| {
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
        let of_role = match role(*position) {
            Role::Contradiction => 0,
            Role::Witness => 1,
            Role::Context => 2,
        };
        (of_role, away_ns(operation), began_away_ns, operation.id)
    });
    let matter = shown.iter().filter(|position| role(**position) != Role::Context).count();
    shown.truncate(matter.clamp(SHOWN, SHOWN_MAX));
    shown.sort_by_key(|position| (operations[*position].invoked_ns, operations[*position].id));
    let shown = shown.into_iter();
    shown
        .map(|position| AnomalyOperation { operation: operations[position].recorded(), role: role(position) })
        .collect()
}
