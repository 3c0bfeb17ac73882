//! All keys of a history, in parallel.

use super::depth_first::{DepthFirst, Found};
use super::entry::{Entry, EntryOf, OperationOf};
use super::evidence::{Broken, Evidence, gather};
use super::meter::{Allowance, Meter, Stop};
use super::register;
use super::replay::is_legal_order;
use super::search::{Ended, Search, Stopped};
use super::special::{self, Decided};
use super::{Algorithm, Course, Linearizable};
use crate::call::Key;
use crate::checker::Budget;
use crate::model::Model;
use crate::verdict::{Anomaly, Validity};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// The operations of each key, by invocation.
pub(super) type ByKey<'a, M> = BTreeMap<Key, Vec<&'a OperationOf<M>>>;

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has a legal order.
    Valid,
    /// It has none, at the latest since the operation at this position returned; and whether the bare search, without
    /// any reduction, looked at that again and says so too.
    Invalid { at_ns: u64, position: usize, rechecked: bool },
    /// The budget did not suffice.
    Unknown(Stopped),
}

impl Answer {
    /// The answer in the words of a verdict.
    pub fn validity(self) -> Validity {
        match self {
            Answer::Valid => Validity::Valid,
            Answer::Invalid { .. } => Validity::Invalid,
            Answer::Unknown(_) => Validity::Unknown,
        }
    }
}

/// The answer for one key, and what it took.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub key: Key,
    pub answer: Answer,
    /// Who gave it.
    pub by: Algorithm,
    /// How many operations it has.
    pub operations: usize,
    /// The most configurations at one moment.
    pub peak: usize,
    /// How many configurations were expanded.
    pub steps: u64,
    /// Of a key that is broken: the operations, by position, that are enough to see it, if they are known.
    pub core: Option<Vec<usize>>,
}

/// Judges the operations of one key; the caller knows which.
pub(super) fn judge<M: Model>(checker: &Linearizable<M>, operations: &[&OperationOf<M>], meter: &mut Meter) -> Judged {
    let is_special = checker.course == Course::Automatic && checker.model.object().is_some();
    if !is_special && let Some(judged) = judge_register(checker, operations, meter) {
        return judged;
    }
    let entries = checker.entries(operations);
    if is_special && let Some(decided) = special::judge(&checker.model, &entries, meter) {
        let Decided { answer, by, core } = decided;
        return Judged { key: 0, answer, by, operations: entries.len(), peak: 0, steps: meter.steps(), core };
    }
    let judged = if is_special { judge_register(checker, operations, meter) } else { None };
    judged.unwrap_or_else(|| judge_by_search(checker, &entries, meter))
}

/// Judges the operations of one key as those of a register, if that is what they are.
fn judge_register<M: Model>(
    checker: &Linearizable<M>,
    operations: &[&OperationOf<M>],
    meter: &mut Meter,
) -> Option<Judged> {
    if checker.course == Course::Search {
        return None;
    }
    let keeps_all = !checker.reductions.unobserved;
    let found = register::judge(&checker.model, operations, keeps_all, checker.course, meter)?;
    let register::Found { answer, by_zones, peak } = found;
    let answer = match answer {
        register::Answer::Legal => Answer::Valid,
        register::Answer::NoOrder { entry: position, rechecked } => {
            Answer::Invalid { at_ns: operations[position].effect_until_ns(), position, rechecked }
        }
        register::Answer::Unknown(stopped) => Answer::Unknown(stopped),
    };
    let by = if by_zones { Algorithm::Zones } else { Algorithm::Register };
    Some(Judged { key: 0, answer, by, operations: operations.len(), peak, steps: meter.steps(), core: None })
}

fn no_order<C, R>(entries: &[Entry<C, R>], entry: usize, rechecked: bool) -> Answer {
    Answer::Invalid { at_ns: entries[entry].until_ns, position: entries[entry].position, rechecked }
}

fn judge_by_search<M: Model>(checker: &Linearizable<M>, entries: &[EntryOf<M>], meter: &mut Meter) -> Judged {
    if let Some(judged) = judge_depth_first(checker, entries, meter) {
        return judged;
    }
    let mut search = Search::new(&checker.model, entries, checker.reductions, true);
    let answer = match search.run(meter) {
        Ok(Ended::Legal) => {
            let order = search.order().unwrap_or_default();
            assert!(is_legal_order(&checker.model, entries, &order), "the search found an order that is none");
            Answer::Valid
        }
        Ok(Ended::NoOrder { entry }) => no_order(entries, entry, false),
        Err(stopped) => Answer::Unknown(stopped),
    };
    let (by, peak) = (Algorithm::Search, search.peak);
    Judged { key: 0, answer, by, operations: entries.len(), peak, steps: meter.steps(), core: None }
}

/// What a search that follows one order as far as it leads finds in a few steps for each entry; `None` if nothing.
fn judge_depth_first<M: Model>(checker: &Linearizable<M>, entries: &[EntryOf<M>], meter: &mut Meter) -> Option<Judged> {
    if !checker.reductions.depth_first {
        return None;
    }
    let steps = (entries.len() as u64 * STEPS_PER_ENTRY).min(meter.steps_left());
    let mut fork = meter.fork(steps);
    let search = DepthFirst::from_states(&checker.model, &[checker.model.init()], entries, checker.reductions);
    let answer = match search.run(&mut fork).ok()? {
        Found::Order(order) => {
            assert!(is_legal_order(&checker.model, entries, &order), "the search found an order that is none");
            Answer::Valid
        }
        Found::NoOrder { entry } => no_order(entries, entry, false),
    };
    let steps = meter.steps() + fork.steps();
    Some(Judged { key: 0, answer, by: Algorithm::Search, operations: entries.len(), peak: 0, steps, core: None })
}

/// How many steps the search may take for each entry that follows one order as far as it leads.
const STEPS_PER_ENTRY: u64 = 50;

/// How many steps each key gets in the first round: some milliseconds.
const FIRST_ROUND_STEPS: u64 = 2_000;

/// Judges all keys, and gathers the evidence of those that have no legal order.
///
/// Nearly every key is decided in a first round with few steps, smallest first, and told at once; what remains gets the
/// whole budget in a second round, largest first. So a few hard keys cannot use up what the many easy ones need, and in
/// the end no thread is left alone with a large one.
pub(super) fn judge_all<M: Model>(
    checker: &Linearizable<M>,
    by_key: &ByKey<M>,
    budget: &Budget,
) -> (Vec<Judged>, Vec<Anomaly>) {
    let begun = Instant::now();
    let for_search = Allowance::for_search(budget, begun);
    let mut keys: Vec<(&Key, &Vec<&OperationOf<M>>)> = by_key.iter().collect();
    keys.sort_by_key(|(key, operations)| (operations.len(), **key));
    let (mut judged, mut evidence) = (Vec::with_capacity(keys.len()), Vec::new());
    for steps in [FIRST_ROUND_STEPS, u64::MAX] {
        let round = in_parallel(&keys, |(key, operations)| {
            let judged = judge(checker, operations, &mut Meter::new(&for_search, steps));
            Judged { key: **key, operations: operations.len(), ..judged }
        });
        keys.reverse();
        let (open, done): (Vec<Judged>, Vec<Judged>) = round.into_iter().partition(wants_more_steps);
        let for_telling = Allowance::for_telling(budget, begun);
        evidence.extend(gather_all(checker, by_key, &done, &for_telling, KEYS_WITH_EVIDENCE - evidence.len()));
        judged.extend(done);
        let open: BTreeSet<Key> = open.iter().map(|judged| judged.key).collect();
        keys.retain(|(key, _)| open.contains(*key));
    }
    judged.sort_by_key(|judged| judged.key);
    evidence.sort_by_key(|evidence| evidence.clearness);
    evidence.truncate(ANOMALIES);
    (judged, evidence.into_iter().map(|evidence| evidence.anomaly).collect())
}

fn wants_more_steps(judged: &Judged) -> bool {
    matches!(judged.answer, Answer::Unknown(Stopped { why: Stop::Steps, .. }))
}

/// The most keys for which evidence is gathered, the first that broke first.
const KEYS_WITH_EVIDENCE: usize = 100;

/// The most anomalies in one verdict.
const ANOMALIES: usize = 20;

/// The evidence of the keys that have no legal order, of the first `most` that broke.
fn gather_all<M: Model>(
    checker: &Linearizable<M>,
    by_key: &ByKey<M>,
    judged: &[Judged],
    allowance: &Allowance,
    most: usize,
) -> Vec<Evidence> {
    let mut broken: Vec<(u64, Key, Broken)> = judged
        .iter()
        .filter_map(|judged| match judged.answer {
            Answer::Invalid { at_ns, position, .. } => {
                Some((at_ns, judged.key, Broken { position, core: judged.core.as_deref() }))
            }
            Answer::Valid | Answer::Unknown(_) => None,
        })
        .collect();
    broken.sort_unstable_by_key(|(at_ns, key, _)| (*at_ns, *key));
    broken.truncate(most);
    in_parallel(&broken, |(_, key, broken)| gather(checker, *key, &by_key[key], *broken, allowance))
}

/// Gathers the evidence of keys that broke at known operations, where `operations` holds them, and has the bare search look
/// at each contradiction again.
pub(super) fn gather_broken<M: Model>(
    checker: &Linearizable<M>,
    judged: &mut [(Judged, Option<u64>)],
    operations: &[OperationOf<M>],
    allowance: &Allowance,
) -> Vec<Anomaly> {
    let mut by_key = ByKey::<M>::new();
    for operation in operations {
        by_key.entry(checker.model.partition(&operation.call)).or_default().push(operation);
    }
    let mut found = Vec::new();
    for (judged, op) in judged {
        let (Answer::Invalid { at_ns, .. }, Some(op)) = (judged.answer, *op) else { continue };
        let Some(of_key) = by_key.get(&judged.key) else { continue };
        let Some(position) = of_key.iter().position(|operation| operation.id == op) else { continue };
        let entries = checker.entries(of_key);
        let Some(entry) = entries.iter().position(|entry| entry.position == position) else { continue };
        let mut meter = Meter::new(allowance, u64::MAX);
        judged.answer = match register::confirms(&checker.model, &entries, entry, &mut meter) {
            Some(rechecked) => Answer::Invalid { at_ns, position, rechecked },
            // What the bare search does not find is decided by the search.
            None => judge_by_search(checker, &entries, &mut meter).answer,
        };
        found.push(judged.clone());
    }
    let mut evidence = gather_all(checker, &by_key, &found, allowance, KEYS_WITH_EVIDENCE);
    evidence.sort_by_key(|evidence| evidence.clearness);
    evidence.truncate(ANOMALIES);
    evidence.into_iter().map(|evidence| evidence.anomaly).collect()
}

/// Maps `tasks`, each taken by the next free thread in their order; the results come in that order too.
pub(super) fn in_parallel<T: Sync, R: Send>(tasks: &[T], run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(tasks.len()));
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads().min(tasks.len()) {
            scope.spawn(|_| {
                while let Some((at, task)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, tasks.get(at)?)))
                {
                    let result = run(task);
                    results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
