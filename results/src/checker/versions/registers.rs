//! Versioned registers, each for itself: by their versions where those decide, else by the search.

use super::{Versions, writes};
use crate::call::{Call, Reply};
use crate::checker::linearizable::Linearizable;
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
use crate::model::VersionedRegister;
use crate::verdict::{Promise, Validity, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Judges whether versioned registers are linearizable. Versions of different keys are not compared, since many targets
/// count them key by key.
///
/// Where every value of a key is written once and every answer tells its whole version, what the versions contradict has no
/// legal order; and if besides every write is known to have happened or not, they decide ([`Versions`]). The other keys are
/// left to the search.
#[derive(Debug, Clone, Copy, Default)]
pub struct VersionedRegisters;

impl Checker for VersionedRegisters {
    fn name(&self) -> &'static str {
        "versioned register"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let begun = Instant::now();
        let (mut worst, mut open, mut keys): (Option<Verdict>, Vec<Operation>, usize) = (None, Vec::new(), 0);
        let by_key = writes::by_key(&history.operations);
        for operations in by_key.values() {
            let operations: Vec<Operation> = operations.iter().map(|operation| (*operation).clone()).collect();
            if !versions_tell(&operations) {
                open.extend(operations);
                continue;
            }
            let of_key = History { operations, ..History::default() };
            let verdict = Versions { promise: Promise::Linearizable }.check(&of_key, &left(budget, begun));
            match verdict.validity {
                Validity::Valid if !is_in_doubt(&of_key.operations) => keys += 1,
                Validity::Valid => open.extend(of_key.operations),
                _ => worst = worst.into_iter().chain([verdict]).max_by_key(|verdict| verdict.validity),
            }
        }
        if !open.is_empty() && worst.as_ref().is_none_or(|worst| worst.validity != Validity::Invalid) {
            open.sort_by_key(|operation| (operation.invoked_ns, operation.id));
            let searched = Linearizable::new(VersionedRegister).check_operations(&open, &left(budget, begun));
            worst = worst.into_iter().chain([searched]).max_by_key(|verdict| verdict.validity);
        }
        let found = worst.unwrap_or_else(|| by_versions(keys));
        let mut figures = found.figures;
        figures.insert("keys".into(), by_key.len() as f64);
        figures.insert("keys_by_versions".into(), keys as f64);
        Verdict { checker: self.name().into(), figures, ..found }
    }
}

fn by_versions(keys: usize) -> Verdict {
    let reason = format!("the versions of every key are those of a legal order ({keys} keys)");
    let (anomalies, figures) = (Vec::new(), BTreeMap::new());
    Verdict { checker: String::new(), validity: Validity::Valid, reason, anomalies, figures }
}

/// What is left of the budget.
fn left(budget: &Budget, begun: Instant) -> Budget {
    Budget { time: budget.time.saturating_sub(begun.elapsed()), ..budget.clone() }
}

/// Whether every value is written once, and every answer tells its whole version; nothing was written at version 0.
fn versions_tell(operations: &[Operation]) -> bool {
    let mut written = BTreeSet::new();
    operations.iter().filter(|operation| !operation.outcome.is_fail()).all(|operation| {
        let is_new = match operation.call {
            Call::Write { value, .. } | Call::Cas { value, .. } => written.insert(value),
            _ => true,
        };
        is_new
            && match (&operation.call, operation.reply()) {
                (_, None) | (Call::Cas { .. }, Some(Reply::NotEqual)) => true,
                (Call::Read { .. }, Some(Reply::Read { value: None, version: Some(version) })) => {
                    version.order == 0 && version.edits.unwrap_or(0) == 0
                }
                (Call::Read { .. }, Some(Reply::Read { version, .. }))
                | (Call::Write { .. } | Call::Cas { .. }, Some(Reply::Written { version })) => {
                    version.is_some_and(|version| version.edits.is_some())
                }
                // No register answers so.
                _ => false,
            }
    })
}

/// Whether a write may or may not have happened.
fn is_in_doubt(operations: &[Operation]) -> bool {
    let changes = |operation: &&Operation| !operation.kind().only_observes();
    operations.iter().filter(changes).any(|operation| operation.outcome.is_unknown())
}
