//! What transactions on lists say of their order: every read of a list tells all versions before it, so that the longest read
//! of a list tells the order of all appends to it that were seen.

mod orders;
mod reads;
mod why;

use super::components::NONE;
use super::graph::Edge;
use super::record::{Fate, Findings, Record};
use crate::call::{Call, Key, ListStep, Reply, Value};
use orders::List;
use rustc_hash::FxHashMap;

/// An append.
struct Element {
    value: Value,
    transaction: u32,
    list: u32,
    /// Its transaction appends to the same list again.
    intermediate: bool,
    /// Where it stands in the order of its list.
    position: u32,
}

/// A read of a transaction that took place.
#[derive(Clone, Copy)]
struct Read<'a> {
    transaction: u32,
    list: u32,
    found: &'a [Value],
    /// Which of the list's branches begins with it.
    branch: u32,
}

/// All that is known of lists and of the transactions on them.
pub(super) struct Lists<'a> {
    record: &'a Record<'a>,
    numbers: FxHashMap<Key, u32>,
    lists: Vec<List<'a>>,
    elements: Vec<Element>,
    by_value: FxHashMap<(u32, Value), u32>,
}

/// A value that two transactions appended to one list, which leaves nothing to say of it.
pub(super) struct Ambiguous {
    pub key: Key,
    pub value: Value,
}

/// Everything that `record` says: dependencies, and what is wrong with single transactions.
pub(super) fn infer<'a>(record: &'a Record<'a>) -> Result<(Lists<'a>, Vec<Edge>, Findings), Ambiguous> {
    let mut lists = Lists {
        record,
        numbers: FxHashMap::default(),
        lists: Vec::new(),
        elements: Vec::new(),
        by_value: FxHashMap::default(),
    };
    let mut findings = Findings::default();
    lists.take_appends()?;
    let reads = lists.take_reads();
    lists.order(&reads, &mut findings);
    let mut edges = lists.write_edges();
    lists.judge(&reads, &mut edges, &mut findings);
    Ok((lists, edges, findings))
}

impl<'a> Lists<'a> {
    /// The steps of a transaction.
    fn steps(&self, transaction: u32) -> &'a [ListStep] {
        match &self.record.operations[transaction as usize].call {
            Call::ListTransaction { steps } => steps,
            _ => &[],
        }
    }

    /// What the reads of a transaction found; nothing where nobody knows.
    fn found(&self, transaction: u32) -> &'a [Vec<Value>] {
        match self.record.operations[transaction as usize].reply() {
            Some(Reply::CommittedLists { found }) => found,
            _ => &[],
        }
    }

    fn number(&mut self, key: Key) -> u32 {
        let next = self.lists.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.lists.push(List::new(key));
        }
        number
    }

    fn element(&self, list: u32, value: Value) -> Option<u32> {
        self.by_value.get(&(list, value)).copied()
    }

    fn fate_of(&self, element: u32) -> Fate {
        self.record.fate(self.elements[element as usize].transaction)
    }

    /// The transaction of an element that did not fail.
    fn live(&self, element: u32) -> Option<u32> {
        (element != NONE && self.fate_of(element) != Fate::Failed).then(|| self.elements[element as usize].transaction)
    }

    fn take_appends(&mut self) -> Result<(), Ambiguous> {
        for transaction in 0..self.record.operations.len() as u32 {
            let steps = self.steps(transaction);
            for (at, step) in steps.iter().enumerate() {
                let ListStep::Append { key, element: value } = *step else { continue };
                let list = self.number(key);
                let again = |step: &ListStep| matches!(step, ListStep::Append { key: other, .. } if *other == key);
                let intermediate = steps[at + 1..].iter().any(again);
                let number = self.elements.len() as u32;
                self.elements.push(Element { value, transaction, list, intermediate, position: NONE });
                if let Some(other) = self.by_value.insert((list, value), number) {
                    // What certainly was not appended is no second one.
                    match (self.fate_of(other), self.fate_of(number)) {
                        (Fate::Failed, _) => {}
                        (_, Fate::Failed) => {
                            self.by_value.insert((list, value), other);
                        }
                        _ => return Err(Ambiguous { key, value }),
                    }
                }
            }
        }
        Ok(())
    }

    fn take_reads(&mut self) -> Vec<Read<'a>> {
        let mut reads = Vec::new();
        for transaction in 0..self.record.operations.len() as u32 {
            let mut found = self.found(transaction).iter();
            for step in self.steps(transaction) {
                let ListStep::Read { key } = step else { continue };
                let Some(found) = found.next() else { break };
                let list = self.number(*key);
                let branch = self.lists[list as usize].take(found);
                reads.push(Read { transaction, list, found, branch });
            }
        }
        reads
    }
}
