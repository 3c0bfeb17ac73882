//! The checker of each model.

use super::{ModelError, ModelOptions};
use crate::checker::bank::{FromFirstRead, Totals};
use crate::checker::linearizable::Linearizable;
use crate::checker::set::Set;
use crate::checker::versions::VersionedRegisters;
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
use crate::model::{
    Bank, CasRegister, Collection, Counter, FencedLock, FifoQueue, Kv, Model, MultiRegister, Mutex, OwnedCall,
    OwnerMutex, UnorderedQueue,
};
use crate::verdict::{Promise, Validity, Verdict};
use crate::{Call, Reply};
use std::collections::BTreeSet;

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

/// Element by element if no element is added by two calls, else by the search.
struct AnySet;

impl Checker for AnySet {
    fn name(&self) -> &'static str {
        "set"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let mut added = BTreeSet::new();
        let mut is_new = |operation: &Operation| match operation.call {
            Call::Add { key, element } | Call::AddToList { key, element } | Call::AddGuarded { key, element, .. } => {
                added.insert((key, element))
            }
            _ => true,
        };
        match history.operations.iter().all(&mut is_new) {
            true => Set { promise: Promise::Linearizable }.check(history, budget),
            false => Linearizable::new(Collection).check(history, budget),
        }
    }
}

/// By what it was opened with, if it was; else by the first read.
struct AnyBank {
    allow_negative: bool,
}

impl Checker for AnyBank {
    fn name(&self) -> &'static str {
        "bank"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let is_opened = history.operations.iter().any(|operation| matches!(operation.call, Call::Open { .. }));
        if !is_opened || self.allow_negative {
            return FromFirstRead { allow_negative: self.allow_negative }.check(history, budget);
        }
        let totals = Totals { promise: Promise::Linearizable }.check(history, budget);
        match totals.validity {
            Validity::Valid => Linearizable::new(Bank).check(history, budget),
            _ => totals,
        }
    }
}
