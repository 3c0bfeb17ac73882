//! Whether the versions of registers are consistent with one order of all writes: etcd's mod revision, ZooKeeper's mzxid,
//! the index in raftd's log. This sees more than values do: a write that was lost and made again, a version that was given
//! twice, a read that found the right value under the wrong version; and it takes hardly longer than reading the history.
//!
//! What must hold at either promise:
//! - a version belongs to one write, on whatever key; whoever finds it finds that value, and the same number of edits;
//! - a read finds the version of a write of its value, and not before that write was called for;
//! - writes are numbered in the order of time: one that was called for after a version had been shown (by its own answer or
//!   a read of it) has a greater one. Lamport's definition of sequential consistency leaves time out, but every target here
//!   that makes that promise carries its writes out one by one in real time, and only its reads may be old;
//! - a swap follows what it expected; where edits are counted, they count every write: more of them than there are writes
//!   that may have happened means that there is one which nobody made, fewer that one was lost.
//!
//! At [`Promise::Linearizable`] besides: a read finds no older version than anything that was over before it began, and a
//! comparison is false only while something else was there. If every version is known, this decides linearizability of
//! the register. At [`Promise::Sequential`] only final reads must be new, since they are made in the strongest way; whether
//! the others fit together is the business of [`Sequential`](crate::checker::sequential::Sequential).
//!
//! Writes without an answer that nobody saw may have happened at any place: where they could explain something, nothing is
//! said about it. A target without versions gives nothing to check.

mod fits;
mod registers;
pub(super) mod tell;
pub(super) mod writes;

pub use registers::VersionedRegisters;

use crate::call::Key;
use crate::checker::accusation::{self, Accusation};
use crate::checker::patience::Patience;
use crate::checker::{Budget, Checker};
use crate::event::PhaseName;
use crate::history::{History, Operation};
use crate::verdict::{Promise, Validity, Verdict};
use fits::Register;
use std::collections::BTreeMap;
use tell::Kind;
use writes::{Clash, ClashKind, Placed, Writes};

/// Judges the versions of registers; see the [module](self).
#[derive(Debug, Clone, Copy)]
pub struct Versions {
    /// What the target promises.
    pub promise: Promise,
}

impl Checker for Versions {
    fn name(&self) -> &'static str {
        "versions"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let patience = Patience::new(budget);
        let by_key = writes::by_key(&history.operations);
        let final_ns = history.phase_ns(PhaseName::FinalReads);
        let must_be_new = |read: &Operation| {
            self.promise == Promise::Linearizable || final_ns.is_some_and(|final_ns| read.invoked_ns >= final_ns)
        };
        let (mut accusations, mut all, mut unplaced, mut ended) = (Vec::new(), Vec::new(), 0, None);
        for (key, operations) in &by_key {
            ended = ended.or_else(|| patience.ended());
            if ended.is_some() {
                break;
            }
            let writes = Writes::new(operations);
            accusations.extend(writes.clashes.iter().map(|clash| tell::clash(*key, clash)));
            // Where versions contradict each other there is no order to fit into.
            if writes.clashes.is_empty() {
                let register = Register { key: *key, operations, writes: &writes };
                let before = accusations.len();
                accusations.extend(register.old_reads(must_be_new));
                accusations.extend(register.swaps());
                accusations.extend(register.edits());
                // A comparison is looked at among what else is in order.
                if self.promise == Promise::Linearizable && accusations.len() == before {
                    accusations.extend(register.comparisons());
                }
            }
            unplaced += writes.unplaced.len();
            all.extend(writes.placed.into_iter().map(|placed| (*key, placed)));
        }
        all.sort_by_key(|(_, placed)| placed.order);
        accusations.extend(across_keys(&all));
        verdict(self.name(), accusations, ended, by_key.len(), all.len(), unplaced)
    }
}

/// What is wrong with the order of the writes of all keys together; `all` by their versions.
fn across_keys<'a>(all: &[(Key, Placed<'a>)]) -> Vec<Accusation<'a, Kind>> {
    let mut found = Vec::new();
    for pair in all.windows(2) {
        let [(key, one), (_, other)] = pair else { continue };
        if one.order == other.order {
            let (mine, theirs) = (one.write.unwrap_or(one.shown_by), other.write.unwrap_or(other.shown_by));
            let clash = Clash { why: ClashKind::TwoWrites, one: mine, other: Some(theirs), order: one.order };
            found.push(tell::clash(*key, &clash));
        }
    }
    // From the greatest version down: what of the same or a greater one was shown first.
    let mut shown_first: Option<&Placed> = None;
    for (key, placed) in all.iter().rev() {
        shown_first = shown_first.into_iter().chain([placed]).min_by_key(|placed| placed.known_ns);
        if let (Some(write), Some(shown)) = (placed.write, shown_first)
            && shown.known_ns < write.invoked_ns
        {
            found.push(tell::too_late(*key, write, placed.order, shown));
        }
    }
    found
}

fn verdict(
    checker: &str,
    accusations: Vec<Accusation<Kind>>,
    ended: Option<&str>,
    keys: usize,
    placed: usize,
    unplaced: usize,
) -> Verdict {
    let name = |kind: Kind| kind.name();
    let (validity, reason) = match (accusations.is_empty(), ended) {
        (false, _) => {
            (Validity::Invalid, format!("{}, among {placed} versions", accusation::counted(&accusations, name)))
        }
        (true, Some(why)) => (Validity::Unknown, format!("{why}; a larger budget would help")),
        (true, None) if placed == 0 => {
            (Validity::Valid, "no reply holds a version, so there is nothing to check".into())
        }
        (true, None) => (Validity::Valid, format!("{placed} versions of {keys} keys fit one order of the writes")),
    };
    let figures = [("keys", keys), ("versions", placed), ("writes_without_a_version", unplaced)];
    let figures: BTreeMap<String, f64> = figures.map(|(name, count)| (name.into(), count as f64)).into();
    let anomalies = accusation::anomalies(accusations, name);
    Verdict { checker: checker.into(), validity, reason, anomalies, figures }
}
