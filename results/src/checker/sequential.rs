//! Whether some order of all operations on all registers is legal and keeps each process's own order (Lamport, "How to
//! make a multiprocessor computer that correctly executes multiprocess programs", 1979). Time does not matter.
//!
//! Other than linearizability this is not local: two registers can each be in order while both together are not. So the
//! history is judged as a whole, and since that is hard in general (Gibbons and Korach, "Testing shared memories", 1997),
//! the versions of the replies are the witness.
//!
//! # What it decides
//!
//! The object is a *versioned* store: its versions number all writes, on whatever key, in their order. So the writes whose
//! versions are known can only stand in the order of these, and what remains is to place each process's operations among
//! them. A place is a version: behind the write of that version and before the next. A write of version `v` stands at `v`;
//! a read that found version `v` of a key stands at `v` or behind it, before the next write of that key; a comparison that
//! was false, and a read without a version, stand where the key holds what was observed. Each process keeps a *floor*, the
//! place of what it did last. Every next operation takes the least place that is allowed to it at or above the floor (a
//! write of its own: above).
//!
//! - **Valid is proven.** The places give an order: by place, the write of that place first, each process's operations in
//!   its own order. That order is replayed, so that nothing rests on the argument alone.
//! - **Invalid is proven.** Processes do not hinder each other, since reads change nothing and the writes stand already.
//!   And the least place is the best: any choice of places for a process has a floor at least as high after every step
//!   (by induction: whatever a higher floor allows, a lower one allows too), so if there is no place above the least
//!   floor, there is none at all.
//! - **Unknown** is what rests on writes without an answer that nobody saw. They may be left out; but they might also make
//!   a comparison false, or stand before a swap, at a lower place than the others do. So what has no place without them
//!   is invalid only if there is none either when each of them explains all that it may. A write that may have been made
//!   by several calls is another such doubt.
//!
//! Where acknowledged writes have no versions at all, a bounded search over all orders takes over, by values alone.

mod floors;
mod replay;
mod search;

use crate::call::Key;
use crate::checker::accusation::{self, Accusation};
use crate::checker::patience::Patience;
use crate::checker::versions::tell::accuse;
use crate::checker::versions::writes::{self, Writes};
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
use crate::verdict::{Validity, Verdict};
use floors::{Kind, Unseen};
use rustc_hash::FxHashMap;
use search::Found;
use std::collections::BTreeMap;

/// Judges registers; see the [module](self).
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequential;

/// The writes of all keys.
type AllWrites<'a> = FxHashMap<Key, Writes<'a>>;

impl Checker for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let patience = Patience::new(budget);
        let by_key = writes::by_key(&history.operations);
        let all: AllWrites = by_key.iter().map(|(key, operations)| (*key, Writes::new(operations))).collect();
        let processes = by_process(&history.operations);
        let mut figures = BTreeMap::from([
            ("processes".to_owned(), processes.len() as f64),
            ("writes_placed".to_owned(), all.values().map(|writes| writes.placed.len()).sum::<usize>() as f64),
        ]);
        let answer = |validity, reason: String, accusations: Vec<Accusation<Kind>>, figures| {
            let anomalies = accusation::anomalies(accusations, |kind: Kind| kind.name());
            Verdict { checker: self.name().into(), validity, reason, anomalies, figures }
        };
        if let Some(doubt) = doubt(&all) {
            return answer(Validity::Unknown, doubt, vec![], figures);
        }
        if has_no_versions(&all) {
            let (validity, reason, accusations) = by_values(&processes, budget, &patience);
            return answer(validity, reason, accusations, figures);
        }
        let (mut placed, mut accusations, mut open) = (Vec::new(), Vec::new(), None);
        for (number, operations) in processes.iter().enumerate() {
            if let Some(why) = patience.ended() {
                // What was proven until now stays proven.
                open = Some(format!("{why}; a larger budget would help"));
                break;
            }
            let Err(refused) = floors::place(number, operations, &all, Unseen::LeftOut, &mut placed) else { continue };
            match floors::place(number, operations, &all, Unseen::Explain, &mut Vec::new()) {
                Err(proven) => accusations.push(*proven),
                Ok(()) => {
                    let why = || {
                        format!("only a write without an answer that nobody saw could explain this: {}", refused.told)
                    };
                    open = open.or_else(|| Some(why()));
                }
            }
        }
        figures.insert("operations_placed".into(), placed.len() as f64);
        if !accusations.is_empty() {
            let count = accusations.len();
            let reason = format!("{count} of {} processes saw what no order of all operations allows", processes.len());
            return answer(Validity::Invalid, reason, accusations, figures);
        }
        if let Some(why) = open {
            return answer(Validity::Unknown, why, vec![], figures);
        }
        match replay::replay(&all, placed) {
            Ok(length) => {
                let reason = format!("an order of {length} operations, by their versions, was replayed and is legal");
                answer(Validity::Valid, reason, vec![], figures)
            }
            Err(why) => {
                answer(Validity::Unknown, format!("the order that was found is not legal: {why}"), vec![], figures)
            }
        }
    }
}

/// The judgement by values alone.
fn by_values<'a>(
    processes: &[Vec<&'a Operation>],
    budget: &Budget,
    patience: &Patience,
) -> (Validity, String, Vec<Accusation<'a, Kind>>) {
    let reason = |what: &str| format!("{what}; the replies to writes hold no versions");
    match search::search(processes, budget, patience) {
        Found::Order => (Validity::Valid, reason("a search by values found a legal order"), vec![]),
        Found::Nothing(why) => (Validity::Unknown, reason(&format!("{why} in a search by values")), vec![]),
        Found::NoOrder { stuck } => {
            let accusation = stuck.split_first().map(|(first, others)| {
                accuse(Kind::NoOrder, first.call.key(), first, others.to_vec(), |at| {
                    let told: Vec<String> = stuck.iter().map(|operation| at.tell(operation)).collect();
                    format!("no order of all operations goes on to {}", told.join(", nor to "))
                })
            });
            (
                Validity::Invalid,
                reason("no order of all operations is legal by values"),
                accusation.into_iter().collect(),
            )
        }
    }
}

/// The operations on registers that may have taken effect, by process in its own order.
fn by_process(operations: &[Operation]) -> Vec<Vec<&Operation>> {
    let mut by_process: BTreeMap<u64, Vec<&Operation>> = BTreeMap::new();
    let on_registers = writes::by_key(operations).into_values().flatten();
    for operation in on_registers.filter(|operation| !operation.outcome.is_fail()) {
        by_process.entry(operation.process).or_default().push(operation);
    }
    let mut processes: Vec<Vec<&Operation>> = by_process.into_values().collect();
    processes.iter_mut().for_each(|process| process.sort_by_key(|operation| (operation.invoked_ns, operation.id)));
    processes
}

/// Why the versions are no witness, if they are none.
fn doubt(all: &AllWrites) -> Option<String> {
    let mut orders: Vec<u64> = all.values().flat_map(|writes| &writes.placed).map(|placed| placed.order).collect();
    orders.sort_unstable();
    let contradict = all.values().any(|writes| !writes.clashes.is_empty());
    if contradict || orders.windows(2).any(|pair| pair[0] == pair[1]) {
        return Some("the versions contradict each other, so they give no order of the writes".into());
    }
    let nameless = all.values().flat_map(|writes| &writes.placed).find(|placed| placed.write.is_none());
    nameless.map(|placed| format!("several calls may have written {} at version {}", placed.value, placed.order))
}

/// Whether there are acknowledged writes that have no place.
fn has_no_versions(all: &AllWrites) -> bool {
    all.values().flat_map(|writes| &writes.unplaced).any(|write| write.outcome.is_ok())
}
