//! The operations of one process, each at the least place that is allowed to it.

use super::AllWrites;
use crate::call::{Call, Reply, Value};
use crate::checker::accusation::Accusation;
use crate::checker::versions::tell::{accuse, tell};
use crate::checker::versions::writes::Writes;
use crate::history::Operation;
use crate::outcome::Outcome;

/// The kinds of contradiction, the clearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Back,
    LateWrite,
    Swap,
    Comparison,
    NoOrder,
}

impl Kind {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Back => "went back in time",
            Kind::LateWrite => "write before its past",
            Kind::Swap => "swap of another version",
            Kind::Comparison => "wrong comparison",
            Kind::NoOrder => "not sequential",
        }
    }
}

/// What is thought of writes without an answer that nobody saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    /// They never happened.
    LeftOut,
    /// They explain whatever they may: an observation that they can make true needs no higher floor.
    Explain,
}

/// An operation that changes nothing, with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacedRead<'a> {
    pub place: u64,
    pub process: usize,
    pub operation: &'a Operation,
}

/// Why an operation has no place.
pub(super) type Refused<'a> = Box<Accusation<'a, Kind>>;

/// How far a process has seen.
struct Floor<'a> {
    place: u64,
    /// What raised it.
    by: Option<&'a Operation>,
}

/// Places the operations of process number `process`, as far as they have places; those that change nothing go into
/// `reads`.
pub(super) fn place<'a>(
    process: usize,
    operations: &[&'a Operation],
    all: &AllWrites<'a>,
    unseen: Unseen,
    reads: &mut Vec<PlacedRead<'a>>,
) -> Result<(), Refused<'a>> {
    let mut floor = Floor { place: 0, by: None };
    for operation in operations {
        let Some(writes) = all.get(&operation.call.key()) else { continue };
        let explained = unseen == Unseen::Explain && !writes.unplaced.is_empty();
        let place = match (&operation.call, &operation.outcome) {
            (Call::Read { .. }, Outcome::Ok(Reply::Read { value, version })) => {
                let is_versioned = version.is_some() || value.is_none();
                let order = version.map_or(0, |version| version.order);
                Some(if is_versioned {
                    read(operation, order, writes, &floor)?
                } else {
                    observed(operation, writes, explained, &floor, |held| held == *value)?
                })
            }
            (Call::Cas { expect, .. }, Outcome::Ok(Reply::NotEqual)) => {
                Some(observed(operation, writes, explained, &floor, |held| held != *expect)?)
            }
            _ => None,
        };
        if let Some(place) = place {
            reads.push(PlacedRead { place, process, operation });
            if place > floor.place {
                floor = Floor { place, by: Some(operation) };
            }
        } else if let Some(position) = writes.place_of(operation) {
            write(operation, position, writes, explained, &floor)?;
            floor = Floor { place: writes.placed[position].order, by: Some(operation) };
        }
    }
    Ok(())
}

/// The least place of a read that found the version `order`.
fn read<'a>(operation: &'a Operation, order: u64, writes: &Writes<'a>, floor: &Floor<'a>) -> Result<u64, Refused<'a>> {
    let newest = writes.at(floor.place).map(|place| &writes.placed[place]);
    match newest.filter(|newest| newest.order > order) {
        None => Ok(floor.place.max(order)),
        Some(newest) => Err(refuse(Kind::Back, operation, floor, newest.shown_by, |seen, at| {
            let key = operation.call.key();
            format!(
                "{seen}; there version {} of key {key} stood already, yet then {}",
                newest.order,
                tell(operation, at)
            )
        })),
    }
}

/// The least place at which the key holds what was observed.
fn observed<'a>(
    operation: &'a Operation,
    writes: &Writes<'a>,
    explained: bool,
    floor: &Floor<'a>,
    holds: impl Fn(Option<Value>) -> bool,
) -> Result<u64, Refused<'a>> {
    let now = writes.at(floor.place);
    if explained || holds(now.map(|place| writes.placed[place].value)) {
        return Ok(floor.place);
    }
    let later = &writes.placed[now.map_or(0, |place| place + 1)..];
    if let Some(placed) = later.iter().find(|placed| holds(Some(placed.value))) {
        return Ok(placed.order);
    }
    let witness = now.map_or(operation, |place| writes.placed[place].shown_by);
    Err(refuse(Kind::Comparison, operation, floor, witness, |seen, at| {
        format!("{seen}; from there on the key never holds what explains that {}", tell(operation, at))
    }))
}

/// Whether a write can stand at its place.
fn write<'a>(
    operation: &'a Operation,
    position: usize,
    writes: &Writes<'a>,
    explained: bool,
    floor: &Floor<'a>,
) -> Result<(), Refused<'a>> {
    let order = writes.placed[position].order;
    if order <= floor.place {
        return Err(refuse(Kind::LateWrite, operation, floor, writes.placed[position].shown_by, |seen, at| {
            format!("{seen}; then {}, which has the smaller version {order}", at.tell(operation))
        }));
    }
    let Call::Cas { expect, .. } = operation.call else { return Ok(()) };
    let before = position.checked_sub(1).map(|before| &writes.placed[before]);
    if explained || before.map(|before| before.value) == expect {
        return Ok(());
    }
    let witness = before.map_or(operation, |before| before.shown_by);
    Err(refuse(Kind::Swap, operation, floor, witness, |_, at| match before {
        Some(_) => format!("{}, but what stood there before it is another: {}", tell(operation, at), tell(witness, at)),
        None => format!("{}, but nothing stood there before it", tell(operation, at)),
    }))
}

fn refuse<'a>(
    kind: Kind,
    operation: &'a Operation,
    floor: &Floor<'a>,
    witness: &'a Operation,
    told: impl FnOnce(String, &crate::words::Instants) -> String,
) -> Refused<'a> {
    let witnesses = floor.by.into_iter().chain([witness]).collect();
    Box::new(accuse(kind, operation.call.key(), operation, witnesses, |at| {
        let seen = match floor.by {
            Some(by) => {
                let key = by.call.key();
                let place = floor.place;
                format!("{} of key {key}, so whatever it does next stands behind version {place}", tell(by, at))
            }
            None => format!("process {} had seen nothing", operation.process),
        };
        told(seen, at)
    }))
}
