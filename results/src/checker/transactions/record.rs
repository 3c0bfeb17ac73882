//! The transactions of a history, and what was found wrong with single ones of them.

use super::graph::{Mask, Span};
use super::kind::Kind;
use crate::call::Key;
use crate::history::{History, Operation};
use crate::outcome::Outcome;
use std::collections::BTreeMap;

/// The most findings of one kind that are told.
const SHOWN_OF_KIND: usize = 5;

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It took place.
    Committed,
    /// Nobody knows: it did if anybody saw it.
    Unknown,
    /// It did not take place.
    Failed,
}

/// The transactions, by number: in the order in which they began.
pub(super) struct Record<'a> {
    pub operations: Vec<&'a Operation>,
    pub fates: Vec<Fate>,
    /// Whether the history says when anything happened.
    pub is_timed: bool,
}

impl<'a> Record<'a> {
    pub(super) fn of(history: &'a History) -> Record<'a> {
        let mut operations: Vec<&Operation> = history.operations.iter().collect();
        operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
        let fate = |operation: &&Operation| match operation.outcome {
            Outcome::Ok(_) => Fate::Committed,
            Outcome::Fail(_) => Fate::Failed,
            Outcome::Unknown(_) => Fate::Unknown,
        };
        let fates = operations.iter().map(fate).collect();
        Record { operations, fates, is_timed: history.is_timed() }
    }

    /// When each began and ended.
    pub(super) fn spans(&self) -> Vec<Span> {
        let span = |(operation, fate): (&&Operation, &Fate)| Span {
            process: operation.process,
            invoked_ns: operation.invoked_ns,
            committed_ns: operation.returned_ns.filter(|_| *fate == Fate::Committed),
            failed: *fate == Fate::Failed,
        };
        self.operations.iter().zip(&self.fates).map(span).collect()
    }

    pub(super) fn fate(&self, transaction: u32) -> Fate {
        self.fates[transaction as usize]
    }
}

/// Something wrong that shows without any cycle.
pub(super) struct Finding {
    pub key: Key,
    /// The transactions that it rests on; that which cannot be comes first.
    pub transactions: Vec<u32>,
    /// What is wrong; `T1` stands for the first of the transactions.
    pub told: String,
}

/// What was found, of every kind the first few.
#[derive(Default)]
pub(super) struct Findings {
    pub counts: BTreeMap<Kind, usize>,
    pub shown: Vec<(Kind, Finding)>,
}

impl Findings {
    pub(super) fn add(&mut self, kind: Kind, finding: impl FnOnce() -> Finding) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= SHOWN_OF_KIND {
            self.shown.push((kind, finding()));
        }
    }
}

/// On what a dependency by data rests.
pub(super) struct Reason {
    pub key: Key,
    /// In a sentence, where `{from}` and `{to}` stand for the two transactions.
    pub told: String,
    /// In a few characters.
    pub label: String,
}

/// What a history of transactions says of their dependencies.
pub(super) trait Inference {
    /// Why `from` comes before `to` by this relation of data.
    fn why(&self, from: u32, to: u32, how: Mask) -> Option<Reason>;
}
