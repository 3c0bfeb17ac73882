//! What happened to one set: its elements and its reads.

use super::bits::Bits;
use crate::call::{Call, Reply, Value};
use crate::history::Operation;
use crate::outcome::Outcome;
use rustc_hash::FxHashMap;

/// One element of the set.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub value: Value,
    /// The call that added it; `None`: nobody ever did.
    pub add: Option<&'a Operation>,
}

impl Element<'_> {
    /// When the target acknowledged that it is in.
    pub fn acknowledged_ns(&self) -> Option<u64> {
        self.add.filter(|add| is_acknowledged(add)).and_then(|add| add.returned_ns)
    }

    /// Whether it certainly was not added: the call failed, or the target refused it.
    pub fn was_refused(&self) -> bool {
        self.add.is_some_and(|add| !add.outcome.is_unknown() && !is_acknowledged(add))
    }
}

/// One read of the set.
#[derive(Debug)]
pub(super) struct SetRead<'a> {
    pub operation: &'a Operation,
    pub has: Bits,
    /// The elements that it has more than once.
    pub twice: Vec<usize>,
    /// Whether it was made after the storm, in the strongest way that the target has.
    pub is_final: bool,
}

impl SetRead<'_> {
    /// When it began.
    pub fn invoked_ns(&self) -> u64 {
        self.operation.invoked_ns
    }

    /// When it ended.
    pub fn returned_ns(&self) -> u64 {
        self.operation.returned_ns.unwrap_or(u64::MAX)
    }
}

/// The history of one set.
pub(super) struct Record<'a> {
    /// The acknowledged ones by the time of that, then the others.
    pub elements: Vec<Element<'a>>,
    /// How many are acknowledged.
    pub acknowledged: usize,
    /// By invocation.
    pub reads: Vec<SetRead<'a>>,
}

/// Why a set cannot be judged.
pub(super) enum Unusable {
    /// Two calls that did not fail add the same element, so that nobody can tell which of them a read saw.
    AddedTwice(Value),
    /// Reads and elements are too many to be held at once.
    TooLarge,
}

fn is_acknowledged(add: &Operation) -> bool {
    matches!(add.outcome, Outcome::Ok(Reply::Added { .. }))
}

/// The element that a call adds.
fn added(call: &Call) -> Option<Value> {
    match call {
        Call::Add { element, .. } | Call::AddToList { element, .. } | Call::AddGuarded { element, .. } => {
            Some(*element)
        }
        _ => None,
    }
}

impl<'a> Record<'a> {
    /// The record of the operations of one key. `final_ns`: when the final reads began.
    pub fn new(operations: &[&'a Operation], final_ns: Option<u64>, bytes_max: usize) -> Result<Record<'a>, Unusable> {
        let adds = operations.iter().filter_map(|operation| Some((added(&operation.call)?, *operation)));
        let adds = adds.map(|(value, add)| Element { value, add: Some(add) });
        let (refused, mut elements): (Vec<Element>, Vec<Element>) = adds.partition(Element::was_refused);
        elements.sort_by_key(|element| (element.acknowledged_ns().unwrap_or(u64::MAX), element.value));
        let acknowledged = elements.iter().filter(|element| element.acknowledged_ns().is_some()).count();
        let mut number: FxHashMap<Value, usize> = FxHashMap::default();
        for (place, element) in elements.iter().enumerate() {
            if number.insert(element.value, place).is_some() {
                return Err(Unusable::AddedTwice(element.value));
            }
        }
        // A call that failed says only that nothing happened: where another one adds the same it does not matter.
        for element in refused {
            number.entry(element.value).or_insert_with(|| {
                elements.push(element);
                elements.len() - 1
            });
        }
        let read = |operation: &&'a Operation| match operation.reply() {
            Some(Reply::Elements { elements, .. }) => Some((*operation, elements)),
            _ => None,
        };
        let found: Vec<(&Operation, &Vec<Value>)> = operations.iter().filter_map(read).collect();
        for value in found.iter().flat_map(|(_, values)| values.iter()) {
            number.entry(*value).or_insert_with(|| {
                elements.push(Element { value: *value, add: None });
                elements.len() - 1
            });
        }
        if found.len().saturating_mul(Bits::bytes(elements.len())) > bytes_max {
            return Err(Unusable::TooLarge);
        }
        let reads = found.into_iter().map(|(operation, values)| {
            let mut has = Bits::none(elements.len());
            let twice = values.iter().map(|value| number[value]).filter(|number| !has.insert(*number)).collect();
            let is_final = final_ns.is_some_and(|final_ns| operation.invoked_ns >= final_ns);
            SetRead { operation, has, twice, is_final }
        });
        let mut reads: Vec<SetRead> = reads.collect();
        reads.sort_by_key(|read| (read.invoked_ns(), read.operation.id));
        Ok(Record { reads, elements, acknowledged })
    }

    /// How many elements were acknowledged before `at_ns`.
    pub fn acknowledged_before(&self, at_ns: u64) -> usize {
        let acknowledged = &self.elements[..self.acknowledged];
        acknowledged.partition_point(|element| element.acknowledged_ns().is_some_and(|known_ns| known_ns < at_ns))
    }
}
