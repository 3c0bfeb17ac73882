//! Whether every operation can have taken effect at one instant between its invocation and its return (Herlihy and
//! Wing, "Linearizability: a correctness condition for concurrent objects", 1990).
//!
//! Each key is judged alone, which is enough by their theorem 1. An operation that was answered has to take effect
//! between invocation and return, one that failed never does, and one of unknown outcome may at any time after its
//! invocation, or never. Equal stamps count as concurrent.
//!
//! ```
//! use squall_results::checker::linearizable::Linearizable;
//! use squall_results::model::Register;
//! use squall_results::{Budget, Checker, History, Validity};
//!
//! let verdict = Linearizable::new(Register).check(&History::default(), &Budget::default());
//! assert_eq!(verdict.validity, Validity::Valid);
//! ```
//!
//! This module must not know how a history came about, nor any one model: what it assumes of a model stands in
//! [`Model`].

mod commuting;
mod config;
mod depth_first;
mod entry;
mod evidence;
mod ideas;
mod keys;
mod meter;
pub mod online;
mod reductions;
mod register;
mod replay;
mod search;
mod special;
mod table;

pub use ideas::Idea;
pub use reductions::Reductions;

use crate::call::{Call, Reply};
use crate::checker::{Budget, Checker, Live};
use crate::history::History;
use crate::model::Model;
use crate::verdict::{Anomaly, Validity, Verdict};
use entry::{EntryOf, OperationOf};
use keys::{Answer, ByKey, Judged};
use meter::{Allowance, Meter};
use online::Online;
use std::collections::BTreeMap;
use std::time::Instant;

/// Judges histories by a model; see the [module](self).
#[derive(Debug, Clone, Default)]
pub struct Linearizable<M: Model> {
    model: M,
    reductions: Reductions,
    course: Course,
}

/// Which algorithms come into question. All courses give the same answers; only the first is meant for use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Course {
    /// The fastest that knows the operations at hand: the rules for a special object, zones, else the frontier of a
    /// register, else the search.
    #[default]
    Automatic,
    /// As if values were written more than once.
    Register,
    /// As if values were written more than once, and at once with an exact pass.
    RegisterExactly,
    /// As if values were written more than once, and without one of the ideas that keep the frontier small. (Fed event by
    /// event, with all of them.)
    RegisterWithout(Idea),
    /// The search for any model.
    Search,
}

/// Who gave the answer for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Zones: every value of a register is written at most once.
    Zones,
    /// The frontier of a register.
    Register,
    /// The rules for queues of unique elements.
    Queue,
    /// The rules for counters of equal steps.
    Counter,
    /// The rules for texts that grow by unique pieces.
    Text,
    /// The rules for locks.
    Lock,
    /// The search for any model.
    Search,
}

/// The name of the checker.
const NAME: &str = "linearizable";

impl<M: Model> Linearizable<M> {
    /// A checker for `model`.
    pub fn new(model: M) -> Linearizable<M> {
        Linearizable { model, reductions: Reductions::ALL, course: Course::Automatic }
    }

    /// As [`new`](Linearizable::new), decided by the search for any model, with these reductions: the same answers,
    /// slower. For tests and measurements.
    pub fn with_reductions(model: M, reductions: Reductions) -> Linearizable<M> {
        Linearizable { model, reductions, course: Course::Search }
    }

    /// As [`new`](Linearizable::new), with other algorithms: the same answers, slower. For tests and measurements.
    pub fn with_course(model: M, course: Course) -> Linearizable<M> {
        Linearizable { model, reductions: Reductions::ALL, course }
    }

    /// Judges operations of any model, whatever its calls and replies are.
    pub fn check_operations(&self, operations: &[OperationOf<M>], budget: &Budget) -> Verdict {
        let mut by_key = ByKey::<M>::new();
        for operation in operations {
            by_key.entry(self.model.partition(&operation.call)).or_default().push(operation);
        }
        let (judged, anomalies) = keys::judge_all(self, &by_key, budget);
        let crashed = operations.iter().filter(|operation| operation.outcome.is_unknown()).count();
        verdict(NAME, Counted { operations: operations.len(), crashed }, &judged, anomalies)
    }

    /// Judges operations while they come; see [`Online`].
    pub fn online(&self, budget: Budget) -> Online<'_, M> {
        Online::new(self, budget)
    }

    /// Whether the operations of one key have a legal order; `Unknown` if the budget does not suffice. No evidence is
    /// gathered.
    pub fn check_key(&self, operations: &[&OperationOf<M>], budget: &Budget) -> Validity {
        self.check_key_by(operations, budget).0
    }

    /// As [`check_key`](Linearizable::check_key), and who gave the answer.
    pub fn check_key_by(&self, operations: &[&OperationOf<M>], budget: &Budget) -> (Validity, Algorithm) {
        let allowance = Allowance::whole(budget, Instant::now());
        let judged = keys::judge(self, operations, &mut Meter::new(&allowance, u64::MAX));
        (judged.answer.validity(), judged.by)
    }

    fn entries(&self, operations: &[&OperationOf<M>]) -> Vec<EntryOf<M>> {
        let entries = entry::entries(&self.model, operations);
        if self.reductions.unobserved { reductions::without_unobserved(&self.model, entries) } else { entries }
    }
}

impl<M: Model<Call = Call, Reply = Reply> + Send> Checker for Linearizable<M> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        self.check_operations(&history.operations, budget)
    }

    fn live<'a>(&'a self, budget: &Budget) -> Option<Box<dyn Live + 'a>> {
        Some(Box::new(self.online(budget.clone())))
    }
}

/// How many operations there were.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    operations: usize,
    crashed: usize,
}

fn verdict(checker: &str, counted: Counted, judged: &[Judged], anomalies: Vec<Anomaly>) -> Verdict {
    let validity = judged.iter().map(|key| key.answer.validity()).max().unwrap_or(Validity::Valid);
    let reason = match validity {
        Validity::Valid if counted.operations == 0 => "no operations".into(),
        Validity::Valid => format!("every key has a legal order ({} keys)", judged.len()),
        Validity::Invalid => broken_reason(judged, anomalies.len()),
        Validity::Unknown => unknown_reason(judged),
    };
    Verdict { checker: checker.into(), validity, reason, anomalies, figures: figures(counted, judged) }
}

/// How many keys are broken; what is not shown and what is not known is counted too.
fn broken_reason(judged: &[Judged], shown: usize) -> String {
    let count = |validity| judged.iter().filter(|key| key.answer.validity() == validity).count();
    let (broken, undecided) = (count(Validity::Invalid), count(Validity::Unknown));
    let have = if broken == 1 { "has" } else { "have" };
    let mut reason = format!("{broken} of {} keys {have} no legal order", judged.len());
    if undecided > 0 {
        reason.push_str(&format!("; {undecided} are undecided"));
    }
    if shown < broken {
        reason.push_str(&format!("; the {shown} clearest are shown"));
    }
    match rechecked(judged) {
        0 => reason,
        again if again == broken => reason + "; the bare search says so too",
        again => reason + &format!("; the bare search says so too of {again}"),
    }
}

/// Which keys are open, why, and how far the least known of them is established.
fn unknown_reason(judged: &[Judged]) -> String {
    let open: Vec<_> = judged
        .iter()
        .filter_map(|key| match key.answer {
            Answer::Unknown(stopped) => Some((stopped.established_ns, key.key, stopped.why)),
            _ => None,
        })
        .collect();
    let Some((established_ns, key, why)) = open.iter().min_by_key(|(established_ns, key, _)| (*established_ns, *key))
    else {
        return "nothing is known".into();
    };
    let far = match established_ns {
        Some(at_ns) => format!("has a legal order up to {:.3} s", *at_ns as f64 / 1e9),
        None => "was not begun".into(),
    };
    format!(
        "{why} with {} of {} keys undecided; key {key} {far}; a larger budget or fewer operations a key would help",
        open.len(),
        judged.len()
    )
}

/// How many of the broken keys the bare search looked at again, without any reduction, and found broken too.
fn rechecked(judged: &[Judged]) -> usize {
    judged.iter().filter(|key| matches!(key.answer, Answer::Invalid { rechecked: true, .. })).count()
}

fn figures(counted: Counted, judged: &[Judged]) -> BTreeMap<String, f64> {
    let count = |validity| judged.iter().filter(|key| key.answer.validity() == validity).count();
    let Counted { operations, crashed } = counted;
    let figures = [
        ("keys", judged.len()),
        ("keys_invalid", count(Validity::Invalid)),
        ("keys_unknown", count(Validity::Unknown)),
        ("operations", operations),
        ("crashed", crashed),
        ("largest_key", judged.iter().map(|key| key.operations).max().unwrap_or(0)),
        ("peak_configurations", judged.iter().map(|key| key.peak).max().unwrap_or(0)),
    ];
    let by = |algorithm| judged.iter().filter(|key| key.by == algorithm).count();
    let algorithms = [
        ("keys_by_zones", by(Algorithm::Zones)),
        ("keys_by_register", by(Algorithm::Register)),
        ("keys_by_search", by(Algorithm::Search)),
        ("keys_by_queue", by(Algorithm::Queue)),
        ("keys_by_counter", by(Algorithm::Counter)),
        ("keys_by_text", by(Algorithm::Text)),
        ("keys_by_lock", by(Algorithm::Lock)),
        ("keys_invalid_rechecked", rechecked(judged)),
    ];
    let figures = figures.into_iter().chain(algorithms);
    let mut figures: BTreeMap<String, f64> = figures.map(|(name, value)| (name.into(), value as f64)).collect();
    figures.insert("configurations".into(), judged.iter().map(|key| key.steps).sum::<u64>() as f64);
    figures
}
