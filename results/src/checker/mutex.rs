//! Whether a lock has one holder at a time, and tokens that grow.
//!
//! A process holds a lock from the *return* of its acquire, since before that it does not know, to the *invocation* of its
//! release, or to the instant until which it could rely on the lock if that comes earlier: by its own calculation, or because
//! it learnt of the loss. Both ends are certain, so two holds that overlap are a violation whatever happened in between.
//! Equal stamps count as concurrent. A call of unknown outcome proves nothing: an acquire may not have taken the lock, and a
//! release ends the hold with its invocation. A hold that was never given back is certain at the return of its acquire alone,
//! for the process may have ended just then.
//!
//! Fencing tokens (Kleppmann, "How to do distributed locking", 2016) must be greater than that of every holder whose acquire
//! returned before this one was invoked, and no two holders may have the same.
//!
//! Each lock is judged alone, in the time that sorting takes.
//!
//! ```
//! use squall_results::checker::mutex::Mutex;
//! use squall_results::{Budget, Checker, History, Validity};
//!
//! assert_eq!(Mutex.check(&History::default(), &Budget::default()).validity, Validity::Valid);
//! ```

mod hold;
mod tell;

use crate::call::Key;
use crate::checker::accusation::{self, Accusation};
use crate::checker::patience::Patience;
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
use crate::verdict::{Validity, Verdict};
use hold::Hold;
use std::collections::BTreeMap;
use tell::Kind;

/// The name of the checker.
pub const NAME: &str = "mutex";

/// Judges locks; see the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct Mutex;

impl Checker for Mutex {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let patience = Patience::new(budget);
        let mut by_key: BTreeMap<Key, Vec<&Operation>> = BTreeMap::new();
        for operation in history.operations.iter().filter(|operation| hold::is_of_a_lock(operation.kind())) {
            by_key.entry(operation.call.key()).or_default().push(operation);
        }
        let (mut accusations, mut holds_in_all, mut longest_ns, mut open) = (Vec::new(), 0, 0, None);
        for (number, (key, operations)) in by_key.iter().enumerate() {
            if let Some(why) = patience.ended() {
                open = Some(format!("{why} with {} of {} locks undecided", by_key.len() - number, by_key.len()));
                break;
            }
            let holds = hold::holds(operations);
            holds_in_all += holds.len();
            longest_ns = holds.iter().map(Hold::length_ns).max().unwrap_or(0).max(longest_ns);
            accusations.extend(judge(*key, holds));
        }
        let figures = BTreeMap::from([
            ("locks".to_owned(), by_key.len() as f64),
            ("holds".to_owned(), holds_in_all as f64),
            ("longest_hold_s".to_owned(), longest_ns as f64 / 1e9),
        ]);
        verdict(self.name(), &accusations, open, holds_in_all, figures)
    }
}

fn verdict(
    checker: &str,
    accusations: &[Accusation<Kind>],
    open: Option<String>,
    holds: usize,
    mut figures: BTreeMap<String, f64>,
) -> Verdict {
    let (validity, reason) = if !accusations.is_empty() {
        (Validity::Invalid, format!("{}, among {holds} holds", accusation::counted(accusations, Kind::name)))
    } else if let Some(open) = open {
        (Validity::Unknown, format!("{open}; a larger budget would help"))
    } else {
        (Validity::Valid, format!("{holds} holds, one at a time, under growing tokens"))
    };
    for kind in [Kind::TwoHolders, Kind::TokenRepeated, Kind::TokenNotGrown] {
        let count = accusations.iter().filter(|accusation| accusation.kind == kind).count();
        figures.insert(kind.name().replace(' ', "_"), count as f64);
    }
    let anomalies = accusation::anomalies(accusations.to_vec(), Kind::name);
    Verdict { checker: checker.into(), validity, reason, anomalies, figures }
}

/// What is wrong with the holds of one lock.
fn judge(key: Key, mut holds: Vec<Hold>) -> Vec<Accusation<Kind>> {
    let mut wrong = Vec::new();
    // Those that last no time come first among those that begin together, so that they do not overlap one another.
    holds.sort_by_key(|hold| (hold.from_ns, hold.until_ns, hold.acquire.id));
    let mut last: Option<Hold> = None;
    let mut accused = None;
    for hold in &holds {
        if hold.until_ns < hold.from_ns {
            continue; // it was over when the process learnt of it
        }
        if let Some(other) = last.as_ref().filter(|other| other.until_ns > hold.from_ns) {
            // Who held it too long is told of once, with the first who held it meanwhile.
            if accused.replace(other.acquire.id) != Some(other.acquire.id) {
                wrong.push(tell::two_holders(key, other, hold));
            }
        }
        if last.as_ref().is_none_or(|other| hold.until_ns > other.until_ns) {
            last = Some(*hold);
        }
    }
    wrong.extend(tokens(key, &holds));
    wrong
}

/// The tokens that do not grow from one acquire to a later one, or that are there twice.
fn tokens<'a>(key: Key, holds: &[Hold<'a>]) -> Vec<Accusation<'a, Kind>> {
    let mut wrong = Vec::new();
    let mut by_invocation: Vec<&Hold> = holds.iter().collect();
    by_invocation.sort_by_key(|hold| (hold.acquire.invoked_ns, hold.acquire.id));
    // The holds are sorted by return: those before `returned` returned before the acquire that is looked at began.
    let (mut returned, mut greatest): (usize, Option<&Hold>) = (0, None);
    let mut owners: BTreeMap<u64, &Hold> = BTreeMap::new();
    for hold in by_invocation {
        while let Some(earlier) = holds.get(returned).filter(|earlier| earlier.from_ns < hold.acquire.invoked_ns) {
            if greatest.is_none_or(|greatest| earlier.token > greatest.token) {
                greatest = Some(earlier);
            }
            returned += 1;
        }
        if let Some(other) = owners.insert(hold.token, hold) {
            wrong.push(tell::token_repeated(key, other, hold));
        } else if let Some(earlier) = greatest.filter(|greatest| greatest.token > hold.token) {
            wrong.push(tell::token_not_grown(key, earlier, hold));
        }
    }
    wrong
}
