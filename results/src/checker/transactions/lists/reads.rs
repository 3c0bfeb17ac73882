//! What single reads of lists show, and what depends on them.

use super::super::components::NONE;
use super::super::graph::{Edge, RW, WR};
use super::super::kind::Kind;
use super::super::record::{Fate, Finding, Findings};
use super::{Lists, Read};
use crate::call::{ListStep, Value, list_in_short};
use rustc_hash::FxHashMap;

impl<'a> Lists<'a> {
    /// What each read depends on and what depends on it, and what is wrong with it.
    pub(super) fn judge(&self, reads: &[Read<'a>], edges: &mut Vec<Edge>, findings: &mut Findings) {
        let first_failed = self.first_failed();
        let mut updaters: FxHashMap<(u32, u32, u32), u32> = FxHashMap::default();
        for reads in reads.chunk_by(|one, other| one.transaction == other.transaction) {
            for (at, read) in reads.iter().enumerate() {
                self.depend(read, edges);
                let failed = first_failed[read.list as usize].get(read.branch as usize).copied().unwrap_or(NONE);
                if read.found.len() as u32 > failed {
                    self.aborted(read, read.found[failed as usize], findings);
                }
                self.intermediate(read, findings);
                let is_first = reads[..at].iter().all(|earlier| earlier.list != read.list);
                if is_first && let Some(other) = self.updates(read, &mut updaters) {
                    let key = self.lists[read.list as usize].key;
                    findings.add(Kind::LostUpdate, || Finding {
                        key,
                        transactions: vec![read.transaction, other],
                        told: format!(
                            "{{T1}} and {{T2}} both read {key} as {} and both appended to it",
                            list_in_short(read.found)
                        ),
                    });
                }
            }
            self.contradictions(reads, findings);
        }
    }

    /// For every branch of every list the first element that failed.
    fn first_failed(&self) -> Vec<Vec<u32>> {
        let failed = |list: u32, value: Value| {
            self.element(list, value).is_some_and(|element| self.fate_of(element) == Fate::Failed)
        };
        let any_failed = self.record.fates.contains(&Fate::Failed);
        let of_list = |(list, one): (u32, &super::List)| {
            let first = |branch: &&[Value]| branch.iter().position(|value| failed(list, *value));
            let branches = one.branches.iter().filter(|_| any_failed);
            branches.map(|branch| first(branch).map_or(NONE, |at| at as u32)).collect()
        };
        (0..).zip(&self.lists).map(of_list).collect()
    }

    /// Whether a read is of a version whose successors are known.
    fn in_order(&self, read: &Read) -> bool {
        let list = &self.lists[read.list as usize];
        let usable = list.order.len();
        read.found.len() <= usable
            && list.longest().is_some_and(|longest| list.branches[longest].starts_with(read.found))
    }

    /// The last element of a read that did not fail.
    pub(super) fn last_of(&self, read: &Read) -> Option<u32> {
        if self.in_order(read) {
            return self.lists[read.list as usize].last_live(read.found.len());
        }
        let last = self.element(read.list, *read.found.last()?)?;
        self.live(last).map(|_| last)
    }

    /// The elements that came next after what a read found.
    pub(super) fn next_of(&self, read: &Read) -> &[u32] {
        let list = &self.lists[read.list as usize];
        if !self.in_order(read) {
            return &[];
        }
        match list.next_live.get(read.found.len()..).unwrap_or_default() {
            [next, ..] if *next != NONE => std::slice::from_ref(&list.next_live[read.found.len()]),
            _ => &list.unseen,
        }
    }

    fn depend(&self, read: &Read, edges: &mut Vec<Edge>) {
        let own = read.transaction;
        let of = |element: u32| self.elements[element as usize].transaction;
        if let Some(writer) = self.last_of(read).map(of).filter(|writer| *writer != own) {
            edges.push((writer, own, WR));
        }
        let next = self.next_of(read).iter().map(|element| of(*element));
        edges.extend(next.filter(|writer| *writer != own).map(|writer| (own, writer, RW)));
    }

    fn aborted(&self, read: &Read, value: Value, findings: &mut Findings) {
        let key = self.lists[read.list as usize].key;
        let writer = self.element(read.list, value).map(|element| self.elements[element as usize].transaction);
        findings.add(Kind::AbortedRead, || Finding {
            key,
            transactions: std::iter::once(read.transaction).chain(writer).collect(),
            told: format!("{{T1}} read {value} in {key}, which {{T2}} had appended that failed"),
        });
    }

    fn intermediate(&self, read: &Read, findings: &mut Findings) {
        let last = read.found.last().and_then(|value| self.element(read.list, *value));
        let Some(last) = last.map(|element| &self.elements[element as usize]) else { return };
        if last.intermediate && last.transaction != read.transaction {
            let (key, value) = (self.lists[read.list as usize].key, last.value);
            findings.add(Kind::IntermediateRead, || Finding {
                key,
                transactions: vec![read.transaction, last.transaction],
                told: format!(
                    "{{T1}} read {key} as it ended with {value}, to which {{T2}} appended again in the same transaction"
                ),
            });
        }
    }

    /// Whether the transaction of a first read appends to what it read, as another one did that found the same: which one.
    fn updates(&self, read: &Read, updaters: &mut FxHashMap<(u32, u32, u32), u32>) -> Option<u32> {
        let key = self.lists[read.list as usize].key;
        let mut steps = self.steps(read.transaction).iter();
        let first = steps.find(
            |step| matches!(step, ListStep::Read { key: one } | ListStep::Append { key: one, .. } if *one == key),
        );
        let appends = steps.any(|step| matches!(step, ListStep::Append { key: one, .. } if *one == key));
        if !appends || !matches!(first, Some(ListStep::Read { .. })) {
            return None;
        }
        let branch = if self.in_order(read) { NONE } else { read.branch };
        match updaters.entry((read.list, branch, read.found.len() as u32)) {
            std::collections::hash_map::Entry::Occupied(other) => Some(*other.get()),
            std::collections::hash_map::Entry::Vacant(none) => {
                none.insert(read.transaction);
                None
            }
        }
    }

    /// Whether a transaction contradicts itself: it does not see its own appends, or sees something change.
    fn contradictions(&self, reads: &[Read<'a>], findings: &mut Findings) {
        let Some(transaction) = reads.first().map(|read| read.transaction) else { return };
        let steps = self.steps(transaction);
        if steps.len() < 2 {
            return;
        }
        let mut reads_left = reads.iter();
        let mut seen: Vec<(usize, &Read)> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let ListStep::Read { key } = step else { continue };
            let Some(read) = reads_left.next() else { return };
            let own = |steps: &[ListStep]| -> Vec<Value> {
                let own = steps.iter().filter_map(|step| match step {
                    ListStep::Append { key: other, element } if other == key => Some(*element),
                    _ => None,
                });
                own.collect()
            };
            let before = seen.iter().rev().find(|(_, earlier)| earlier.list == read.list);
            let wrong = match before {
                Some((place, earlier)) => {
                    let appended = own(&steps[*place..at]);
                    let rest = read.found.strip_prefix(earlier.found);
                    let is_so = rest.is_some_and(|rest| rest == appended);
                    (!is_so)
                        .then(|| format!("after it had read it as {}{}", list_in_short(earlier.found), and(&appended)))
                }
                None => {
                    let appended = own(&steps[..at]);
                    (!read.found.ends_with(&appended))
                        .then(|| format!("after it had appended {}", list_in_short(&appended)))
                }
            };
            let later = own(&steps[at..]);
            let wrong = wrong.or_else(|| {
                let future = later.iter().find(|value| read.found.contains(value))?;
                Some(format!("before it appended {future}"))
            });
            if let Some(wrong) = wrong {
                findings.add(Kind::Internal, || Finding {
                    key: *key,
                    transactions: vec![transaction],
                    told: format!("{{T1}} read {key} as {} {wrong}", list_in_short(read.found)),
                });
            }
            seen.push((at, read));
        }
    }
}

/// ` and appended [3]`; nothing where nothing was appended.
fn and(appended: &[Value]) -> String {
    if appended.is_empty() { String::new() } else { format!(" and appended {}", list_in_short(appended)) }
}
