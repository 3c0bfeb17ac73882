//! The order of the versions of each list.

use super::super::components::NONE;
use super::super::graph::{Edge, WW};
use super::super::kind::Kind;
use super::super::record::{Fate, Finding, Findings};
use super::{Lists, Read};
use crate::call::{Key, Value, list_in_short};

/// What is known of one list.
pub(super) struct List<'a> {
    pub key: Key,
    /// The longest reads of which none begins with another.
    pub branches: Vec<&'a [Value]>,
    /// The elements whose order is known: those of the longest read, as far as no other one contradicts it.
    pub order: Vec<u32>,
    /// For each version the first element behind it that did not fail; one more than there are elements.
    pub next_live: Vec<u32>,
    /// Whether more was read than there is order.
    pub corrupt: bool,
    /// Appended, not known to have failed, and never seen: after all that was seen.
    pub unseen: Vec<u32>,
}

impl<'a> List<'a> {
    pub(super) fn new(key: Key) -> List<'a> {
        let (branches, order, next_live, unseen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        List { key, branches, order, next_live, corrupt: false, unseen }
    }

    /// The branch that begins with what was found, or became longer by it.
    pub(super) fn take(&mut self, found: &'a [Value]) -> u32 {
        for (at, branch) in self.branches.iter_mut().enumerate() {
            if branch.starts_with(found) {
                return at as u32;
            }
            if found.starts_with(branch) {
                *branch = found;
                return at as u32;
            }
        }
        self.branches.push(found);
        self.branches.len() as u32 - 1
    }

    /// The longest read.
    pub(super) fn longest(&self) -> Option<usize> {
        (0..self.branches.len()).max_by_key(|at| (self.branches[*at].len(), std::cmp::Reverse(*at)))
    }

    /// The last element before a position that did not fail.
    pub(super) fn last_live(&self, position: usize) -> Option<u32> {
        let is_live = |at: &usize| self.order[*at] != NONE && self.next_live[*at] == self.order[*at];
        (0..position).rev().find(is_live).map(|at| self.order[at])
    }
}

impl<'a> Lists<'a> {
    /// Finds the order of each list, and what is wrong with whole lists.
    pub(super) fn order(&mut self, reads: &[Read<'a>], findings: &mut Findings) {
        for list in 0..self.lists.len() as u32 {
            self.order_of(list, reads, findings);
        }
        for element in 0..self.elements.len() as u32 {
            let Some(one) = self.live(element).map(|_| &self.elements[element as usize]) else { continue };
            let list = &mut self.lists[one.list as usize];
            if one.position == NONE && !list.corrupt && self.by_value.get(&(one.list, one.value)) == Some(&element) {
                list.unseen.push(element);
            }
        }
    }

    fn order_of(&mut self, number: u32, reads: &[Read<'a>], findings: &mut Findings) {
        let list = &self.lists[number as usize];
        let Some(longest) = list.longest() else { return };
        let (key, branches, main) = (list.key, list.branches.clone(), list.branches[longest]);
        // Past the first element that reads do not agree on nothing is proven.
        let mut usable = main.len();
        for (at, branch) in branches.iter().enumerate().filter(|(at, _)| *at != longest) {
            let common = branch.iter().zip(main).take_while(|(one, other)| one == other).count();
            usable = usable.min(common);
            findings.add(Kind::IncompatibleOrder, || Finding {
                key,
                transactions: [at, longest].into_iter().flat_map(|at| who_read(reads, number, branches[at])).collect(),
                told: format!(
                    "{{T1}} read {key} as {} and {{T2}} as {}: neither begins with the other",
                    list_in_short(branch),
                    list_in_short(main)
                ),
            });
        }
        for branch in &branches {
            self.look_for_strangers(number, branch, reads, findings);
        }
        let mut order = Vec::with_capacity(usable);
        for value in &main[..usable] {
            let element = self.element(number, *value).unwrap_or(NONE);
            match self.elements.get_mut(element as usize) {
                Some(element) if element.position != NONE => break,
                Some(element) => element.position = order.len() as u32,
                None => {}
            }
            order.push(element);
        }
        let mut next_live = vec![NONE; order.len() + 1];
        for at in (0..order.len()).rev() {
            next_live[at] = if self.live(order[at]).is_some() { order[at] } else { next_live[at + 1] };
        }
        self.look_for_dirty_updates(number, &order, findings);
        let corrupt = order.len() < main.len() || branches.len() > 1 || order.contains(&NONE);
        let list = &mut self.lists[number as usize];
        (list.order, list.next_live, list.corrupt) = (order, next_live, corrupt);
    }

    /// Elements of a read that nobody appended, or that are there twice.
    fn look_for_strangers(&self, number: u32, branch: &'a [Value], reads: &[Read<'a>], findings: &mut Findings) {
        let key = self.lists[number as usize].key;
        let transactions = || who_read(reads, number, branch).into_iter().collect::<Vec<u32>>();
        if let Some(stranger) = branch.iter().find(|value| self.element(number, **value).is_none()) {
            findings.add(Kind::Phantom, || Finding {
                key,
                transactions: transactions(),
                told: format!("{{T1}} read {stranger} in {key}, which nobody appended"),
            });
        }
        let mut sorted = branch.to_vec();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            findings.add(Kind::Duplicate, || Finding {
                key,
                transactions: transactions(),
                told: format!(
                    "{{T1}} read {key} as {}, where {} stands twice, though it was appended once",
                    list_in_short(branch),
                    twice[0]
                ),
            });
        }
    }

    fn look_for_dirty_updates(&self, number: u32, order: &[u32], findings: &mut Findings) {
        let mut aborted = None;
        for element in order.iter().copied().filter(|element| *element != NONE) {
            match (self.fate_of(element), aborted) {
                (Fate::Failed, _) => aborted = Some(element),
                (Fate::Committed, Some(aborted)) => {
                    let [one, other] = [element, aborted].map(|element| &self.elements[element as usize]);
                    let key = self.lists[number as usize].key;
                    findings.add(Kind::DirtyUpdate, || Finding {
                        key,
                        transactions: vec![one.transaction, other.transaction],
                        told: format!(
                            "{{T1}} appended {} to {key} behind {}, which {{T2}} had appended that failed",
                            one.value, other.value
                        ),
                    });
                    return;
                }
                _ => {}
            }
        }
    }

    /// Which appends come after which.
    pub(super) fn write_edges(&self) -> Vec<Edge> {
        let mut edges = Vec::with_capacity(4 * self.elements.len());
        for list in &self.lists {
            let mut last = None;
            for transaction in list.order.iter().filter_map(|element| self.live(*element)) {
                if let Some(last) = last.filter(|last| *last != transaction) {
                    edges.push((last, transaction, WW));
                }
                last = Some(transaction);
            }
            let Some(last) = last else { continue };
            let unseen = list.unseen.iter().map(|element| self.elements[*element as usize].transaction);
            edges.extend(unseen.filter(|unseen| *unseen != last).map(|unseen| (last, unseen, WW)));
        }
        edges
    }
}

/// A transaction that found all of `branch`.
fn who_read(reads: &[Read], list: u32, branch: &[Value]) -> Option<u32> {
    reads
        .iter()
        .find(|read| read.list == list && read.found.len() == branch.len() && read.found == branch)
        .map(|read| read.transaction)
}
