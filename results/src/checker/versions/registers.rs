//! Versioned registers, each for itself: by their versions where those decide, else by the search.

use super::{Versions, writes};
use crate::call::{Call, Reply};
use crate::checker::linearizable::Linearizable;
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
use crate::model::VersionedRegister;
use crate::outcome::Outcome;
use crate::verdict::{Promise, Validity, Verdict};
use std::collections::BTreeMap;
use std::time::Instant;

/// Judges whether versioned registers are linearizable. Versions of different keys are not compared, since many targets
/// count them key by key.
///
/// What the versions of one key contradict has no legal order; and if every write is known to have happened or not, and
/// each that did told its version, they decide ([`Versions`]). The other keys, with writes in doubt or without versions,
/// are left to the search.
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
            let decide = versions_decide(&operations);
            let of_key = History { operations, ..History::default() };
            let verdict = Versions { promise: Promise::Linearizable }.check(&of_key, &left(budget, begun));
            match verdict.validity {
                Validity::Valid if decide => keys += 1,
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

/// Whether no write is in doubt, and every answer tells its version.
fn versions_decide(operations: &[Operation]) -> bool {
    operations.iter().all(|operation| match (&operation.call, &operation.outcome) {
        (_, Outcome::Fail(_)) | (Call::Read { .. }, Outcome::Unknown(_)) => true,
        (_, Outcome::Unknown(_)) => false,
        (_, Outcome::Ok(Reply::Read { version, .. } | Reply::Written { version })) => version.is_some(),
        (_, Outcome::Ok(reply)) => *reply == Reply::NotEqual,
    })
}
