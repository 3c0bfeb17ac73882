//! All keys of a history, in parallel.

use super::Linearizable;
use super::entry::Entry;
use super::evidence::{Evidence, gather};
use super::meter::{Allowance, Meter, Stop};
use super::search::{Ended, Search, Stopped};
use crate::call::Key;
use crate::history::Operation;
use crate::model::Model;
use crate::verdict::{Anomaly, Validity};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has a legal order.
    Valid,
    /// It has none: the search failed when the operation at this position returned.
    Invalid { at_ns: u64, position: usize },
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
    /// How many operations it has.
    pub operations: usize,
    /// The most configurations at one moment.
    pub peak: usize,
    /// How many configurations were expanded.
    pub steps: u64,
}

/// Judges the entries of one key; the caller knows which.
pub(super) fn judge<M: Model>(checker: &Linearizable<M>, entries: &[Entry], meter: &mut Meter) -> Judged {
    let mut search = Search::new(&checker.model, entries, checker.reductions, false);
    let answer = match search.run(meter) {
        Ok(Ended::Legal) => Answer::Valid,
        Ok(Ended::NoOrder { entry }) => {
            Answer::Invalid { at_ns: entries[entry].until_ns, position: entries[entry].position }
        }
        Err(stopped) => Answer::Unknown(stopped),
    };
    Judged { key: 0, answer, operations: entries.len(), peak: search.peak, steps: meter.steps() }
}

/// How many steps each key gets in the first round: some hundredths of a second.
const FIRST_ROUND_STEPS: u64 = 10_000;

/// Judges all keys. Nearly every key is decided in a first round with few steps, smallest first; what remains gets the
/// whole budget in a second one, largest first. So a few hard keys cannot use up what the many easy ones need, and in the
/// end no thread is left alone with a large one.
pub(super) fn judge_all<M: Model + Send>(
    checker: &Linearizable<M>,
    by_key: &BTreeMap<Key, Vec<&Operation>>,
    allowance: &Allowance,
) -> Vec<Judged> {
    let mut keys: Vec<(&Key, &Vec<&Operation>)> = by_key.iter().collect();
    keys.sort_by_key(|(key, operations)| (operations.len(), **key));
    let mut judged: Vec<Judged> = Vec::with_capacity(keys.len());
    for steps in [FIRST_ROUND_STEPS, u64::MAX] {
        let round = in_parallel(&keys, |(key, operations)| {
            let judged = judge(checker, &checker.entries(operations), &mut Meter::new(allowance, steps));
            Judged { key: **key, operations: operations.len(), ..judged }
        });
        keys.reverse();
        let (open, done): (Vec<Judged>, Vec<Judged>) = round.into_iter().partition(wants_more_steps);
        judged.extend(done);
        let open: BTreeSet<Key> = open.iter().map(|judged| judged.key).collect();
        keys.retain(|(key, _)| open.contains(*key));
    }
    judged.sort_by_key(|judged| judged.key);
    judged
}

fn wants_more_steps(judged: &Judged) -> bool {
    matches!(judged.answer, Answer::Unknown(Stopped { why: Stop::Steps, .. }))
}

/// The most keys for which evidence is gathered, the first that broke first.
const KEYS_WITH_EVIDENCE: usize = 100;

/// The most anomalies in one verdict.
const ANOMALIES: usize = 20;

/// The evidence of the keys that have no legal order: one anomaly a key, the clearest first.
pub(super) fn anomalies<M: Model + Send>(
    checker: &Linearizable<M>,
    by_key: &BTreeMap<Key, Vec<&Operation>>,
    judged: &[Judged],
    allowance: &Allowance,
) -> Vec<Anomaly> {
    let mut broken: Vec<(u64, Key, usize)> = judged
        .iter()
        .filter_map(|judged| match judged.answer {
            Answer::Invalid { at_ns, position } => Some((at_ns, judged.key, position)),
            Answer::Valid | Answer::Unknown(_) => None,
        })
        .collect();
    broken.sort_unstable();
    broken.truncate(KEYS_WITH_EVIDENCE);
    let mut gathered: Vec<Evidence> =
        in_parallel(&broken, |(_, key, position)| gather(checker, *key, &by_key[key], *position, allowance));
    gathered.sort_by_key(|evidence| evidence.clearness);
    gathered.truncate(ANOMALIES);
    gathered.into_iter().map(|evidence| evidence.anomaly).collect()
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
