//! The checker of each model.

use super::{ModelError, ModelOptions};
use crate::call::{Key, Value};
use crate::checker::bank::{self, ForeignTotals};
use crate::checker::linearizable::Linearizable;
use crate::checker::set::Set;
use crate::checker::transactions::{Objects, Transactions};
use crate::checker::versions::VersionedRegisters;
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
use crate::isolation::Level;
use crate::model::{
    Bank, CasRegister, Collection, Counter, CreditBank, FencedLock, FifoQueue, Kv, Model, MultiRegister, Mutex,
    OwnedCall, OwnerMutex, UnorderedQueue,
};
use crate::verdict::{Promise, Validity, Verdict};
use crate::{Call, Outcome, Reply};
use rustc_hash::FxHashSet;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Instant;

type Made = Result<Box<dyn Checker>, ModelError>;

fn linearizable<M: Model<Call = Call, Reply = Reply> + Send + 'static>(model: M) -> Made {
    Ok(Box::new(Linearizable::new(model)))
}

pub(super) fn register(options: &ModelOptions) -> Made {
    linearizable(CasRegister { initial: options.first_value("register")?, nil_read: options.nil_read })
}

pub(super) fn versioned_register(_: &ModelOptions) -> Made {
    Ok(Box::new(VersionedRegisters))
}

pub(super) fn multi_register(options: &ModelOptions) -> Made {
    linearizable(MultiRegister { initial: options.first_values("multi-register")?, nil_read: options.nil_read })
}

pub(super) fn list_append(options: &ModelOptions) -> Made {
    Ok(Box::new(Transactions { objects: Objects::Lists, level: options.level.unwrap_or(Level::STRICT_SERIALIZABLE) }))
}

pub(super) fn rw_register(options: &ModelOptions) -> Made {
    Ok(Box::new(Transactions {
        objects: Objects::Registers,
        level: options.level.unwrap_or(Level::STRICT_SERIALIZABLE),
    }))
}

pub(super) fn kv(options: &ModelOptions) -> Made {
    linearizable(Kv { whole: options.whole })
}

pub(super) fn mutex(_: &ModelOptions) -> Made {
    linearizable(Mutex)
}

pub(super) fn counter(options: &ModelOptions) -> Made {
    linearizable(Counter { initial: options.first_value("counter")?.unwrap_or(0) })
}

pub(super) fn fifo_queue(_: &ModelOptions) -> Made {
    linearizable(FifoQueue)
}

pub(super) fn unordered_queue(_: &ModelOptions) -> Made {
    linearizable(UnorderedQueue)
}

pub(super) fn owner_mutex(_: &ModelOptions) -> Made {
    Ok(Box::new(Owned(Linearizable::new(OwnerMutex))))
}

pub(super) fn fenced_lock(_: &ModelOptions) -> Made {
    Ok(Box::new(Owned(Linearizable::new(FencedLock))))
}

pub(super) fn set(_: &ModelOptions) -> Made {
    Ok(Box::new(AnySet))
}

pub(super) fn bank(options: &ModelOptions) -> Made {
    Ok(Box::new(AnyBank { allow_negative: options.allow_negative }))
}

/// A model in which it matters who calls.
struct Owned<M: Model>(Linearizable<M>);

impl<M: Model<Call = OwnedCall, Reply = Reply> + Send> Checker for Owned<M> {
    fn name(&self) -> &'static str {
        "linearizable"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let owned: Vec<Operation<OwnedCall>> = history.operations.iter().map(OwnedCall::of).collect();
        self.0.check_operations(&owned, budget)
    }
}

/// Element by element where no element is added by two calls, else by the search.
struct AnySet;

impl Checker for AnySet {
    fn name(&self) -> &'static str {
        "set"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let begun = Instant::now();
        let again = added_again(history);
        let unique = Set { promise: Promise::Linearizable };
        if again.is_empty() {
            return unique.check(history, budget);
        }
        let searched = of_keys(history, |key| again.contains(&key));
        let mut verdict = Linearizable::new(Collection).check(&searched, budget);
        if let (Validity::Valid, Some(key)) = (verdict.validity, unread(&searched)) {
            (verdict.validity, verdict.reason) = (Validity::Unknown, format!("set {key} was never read"));
        }
        if searched.operations.len() == history.operations.len() {
            return verdict;
        }
        together(unique.check(&of_keys(history, |key| !again.contains(&key)), &rest(budget, begun)), verdict)
    }
}

/// The element that a call adds, if it may have done so. One that failed says only that nothing happened.
fn added(operation: &Operation) -> Option<(Key, Value)> {
    match (&operation.call, &operation.outcome) {
        (_, Outcome::Fail(_)) => None,
        (Call::Add { key, element } | Call::AddToList { key, element } | Call::AddGuarded { key, element, .. }, _) => {
            Some((*key, *element))
        }
        _ => None,
    }
}

/// The sets to which two calls add the same element.
fn added_again(history: &History) -> BTreeSet<Key> {
    let mut seen = FxHashSet::default();
    let adds = history.operations.iter().filter_map(added);
    adds.filter(|add| !seen.insert(*add)).map(|(key, _)| key).collect()
}

/// A set to which something was added, and of which no read was answered.
fn unread(history: &History) -> Option<Key> {
    let answered = history.operations.iter().filter(|operation| operation.outcome.is_ok());
    let (adds, reads): (Vec<_>, Vec<_>) = answered.partition(|operation| added(operation).is_some());
    let read: BTreeSet<Key> = reads.iter().map(|read| read.call.key()).collect();
    adds.iter().map(|add| add.call.key()).find(|key| !read.contains(key))
}

/// By what each bank was opened with, where that is in the history; else by its first read.
struct AnyBank {
    allow_negative: bool,
}

impl Checker for AnyBank {
    fn name(&self) -> &'static str {
        "bank"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let begun = Instant::now();
        let totals = ForeignTotals { allow_negative: self.allow_negative }.check(history, budget);
        let opened = bank::opened_in(history);
        if totals.validity == Validity::Invalid || opened.is_empty() {
            return totals;
        }
        // What a bank holds at first only its opening tells.
        let (opened, rest) = (of_keys(history, |key| opened.contains(&key)), rest(budget, begun));
        let balances = match self.allow_negative {
            true => Linearizable::new(CreditBank).check(&opened, &rest),
            false => Linearizable::new(Bank).check(&opened, &rest),
        };
        together(totals, balances)
    }
}

/// The operations on some keys.
fn of_keys(history: &History, wanted: impl Fn(Key) -> bool) -> History {
    let operations = history.operations.iter().filter(|operation| wanted(operation.call.key())).cloned();
    History { operations: operations.collect(), phases: history.phases.clone(), ..History::default() }
}

/// What is left of a budget.
fn rest(budget: &Budget, begun: Instant) -> Budget {
    Budget { time: budget.time.saturating_sub(begun.elapsed()), ..budget.clone() }
}

/// What two checkers say of one history: the worse answer, with the evidence and the figures of both.
fn together(one: Verdict, other: Verdict) -> Verdict {
    let reason = match one.validity.cmp(&other.validity) {
        Ordering::Greater => one.reason,
        Ordering::Equal => format!("{}; {}", one.reason, other.reason),
        Ordering::Less => other.reason,
    };
    Verdict {
        checker: one.checker,
        validity: one.validity.max(other.validity),
        reason,
        anomalies: [one.anomalies, other.anomalies].concat(),
        figures: one.figures.into_iter().chain(other.figures).collect(),
    }
}
