//! Whether everything that was answered about one register fits the order of its versions.
//!
//! Reads stand behind the write of the version that they found. Then an order by time exists exactly if nothing stands
//! behind something that was invoked only after it had returned.

use super::tell::{Kind, accuse, against_time, tell};
use super::writes::{Writes, written};
use crate::call::{Call, Key, Reply, Shown, Value};
use crate::checker::accusation::Accusation;
use crate::history::Operation;
use crate::outcome::Outcome;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One register: its operations by invocation, and its writes.
pub(super) struct Register<'r, 'a> {
    pub key: Key,
    pub operations: &'r [&'a Operation],
    pub writes: &'r Writes<'a>,
}

/// An operation with the place of the version that it made or found: 0 is nothing, 1 the first write that is placed.
#[derive(Clone, Copy)]
struct Item<'a> {
    place: usize,
    operation: &'a Operation,
}

impl Item<'_> {
    /// When it was over, if somebody saw that.
    fn until_ns(&self) -> u64 {
        self.operation.effect_until_ns()
    }
}

impl<'a> Register<'_, 'a> {
    /// The operations whose place is known, by it.
    fn items(&self) -> Vec<Item<'a>> {
        let writes = self.writes.placed.iter().enumerate();
        let mut items: Vec<Item> =
            writes.filter_map(|(place, placed)| Some(Item { place: place + 1, operation: placed.write? })).collect();
        for operation in self.operations {
            if let Some(Reply::Read { value, version }) = operation.reply() {
                let place = match (value, version) {
                    (None, _) => Some(0),
                    (Some(_), Some(version)) => self.writes.at(version.order).map(|place| place + 1),
                    (Some(_), None) => None,
                };
                items.extend(place.map(|place| Item { place, operation }));
            }
        }
        items.sort_by_key(|item| (item.place, written(item.operation).is_none(), item.operation.invoked_ns));
        items
    }

    /// Reads that found an older version than was there by time; `must_be_new` chooses the reads to look at.
    pub fn old_reads(&self, must_be_new: impl Fn(&Operation) -> bool) -> Vec<Accusation<'a, Kind>> {
        let items = self.items();
        let mut found = Vec::new();
        let mut over_first: Option<Item> = None;
        // From the newest version down; of all that is newer, what was over first.
        for group in items.chunk_by(|one, other| one.place == other.place).rev() {
            if let Some(newer) = over_first {
                let is_old = |item: &&Item| {
                    let is_read = written(item.operation).is_none();
                    is_read && newer.until_ns() < item.operation.invoked_ns && must_be_new(item.operation)
                };
                let old = group.iter().filter(is_old);
                found.extend(old.map(|item| against_time(self.key, newer.operation, item.operation)));
            }
            let first = group.iter().min_by_key(|item| item.until_ns()).copied();
            over_first = over_first.into_iter().chain(first).min_by_key(Item::until_ns);
        }
        found
    }

    /// Swaps of something else than was there before them.
    pub fn swaps(&self) -> Vec<Accusation<'a, Kind>> {
        let mut found = Vec::new();
        for (place, placed) in self.writes.placed.iter().enumerate() {
            let Some((swap, Call::Cas { expect, .. })) = placed.write.map(|write| (write, &write.call)) else {
                continue;
            };
            let before = place.checked_sub(1).map(|before| &self.writes.placed[before]);
            let follows = match (before.map(|before| before.edits), placed.edits) {
                (None, Some(edits)) => edits == 1,
                (Some(Some(before)), Some(edits)) => edits == before + 1,
                _ => false,
            };
            let certain = follows || self.writes.unplaced.is_empty();
            if certain && *expect != before.map(|before| before.value) {
                let witnesses = before.map(|before| before.shown_by).into_iter().collect();
                found.push(accuse(Kind::Swap, self.key, swap, witnesses, |at| {
                    let before = match before {
                        Some(before) => format!(
                            "what stood there before is version {}: {}",
                            before.order,
                            tell(before.shown_by, at)
                        ),
                        None => "nothing stood there before".into(),
                    };
                    format!("{} made version {}, but {before}", tell(swap, at), placed.order)
                }));
            }
        }
        found
    }

    /// Numbers of edits that do not count the writes.
    pub fn edits(&self) -> Option<Accusation<'a, Kind>> {
        let counted = self.writes.placed.iter().enumerate().filter_map(|(place, one)| Some((place, one, one.edits?)));
        let (mut place_before, mut edits_before, mut unexplained) = (0, 0, 0);
        let mut last: Option<&Operation> = None;
        for (place, placed, edits) in counted {
            let least = edits_before + (place + 1 - place_before) as u64;
            if edits < least || unexplained + (edits - least) as usize > self.writes.unplaced.len() {
                return Some(accuse(Kind::Edits, self.key, placed.shown_by, last.into_iter().collect(), |at| {
                    let (order, known) = (placed.order, place + 1);
                    let spare = self.writes.unplaced.len();
                    format!(
                        "{}: version {order} counts {edits} writes, but {known} are known up to there, and {spare} more may have happened",
                        tell(placed.shown_by, at)
                    )
                }));
            }
            unexplained += (edits - least) as usize;
            (place_before, edits_before, last) = (place + 1, edits, Some(placed.shown_by));
        }
        None
    }

    /// Comparisons that were false though just the compared value was there, all the time that they were under way.
    pub fn comparisons(&self) -> Vec<Accusation<'a, Kind>> {
        if !self.writes.unplaced.is_empty() {
            return Vec::new();
        }
        let stretches = Stretches::new(self);
        // The comparisons that are placed, by their returns; a later one cannot stand before them.
        let mut placed: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let (mut least, mut found) = (0, Vec::new());
        for operation in self.operations {
            let (Call::Cas { expect, .. }, Outcome::Ok(Reply::NotEqual)) = (&operation.call, &operation.outcome) else {
                continue;
            };
            while let Some(Reverse((returned_ns, place))) = placed.peek().copied()
                && returned_ns < operation.invoked_ns
            {
                least = least.max(place);
                placed.pop();
            }
            let from = least.max(stretches.first(operation.invoked_ns));
            let until = stretches.last(operation.effect_until_ns());
            match (from..=until).find(|place| self.value(*place) != *expect) {
                Some(place) => placed.push(Reverse((operation.effect_until_ns(), place))),
                None => {
                    let witness = from.checked_sub(1).map(|place| self.writes.placed[place].shown_by);
                    found.push(accuse(Kind::Comparison, self.key, operation, witness.into_iter().collect(), |at| {
                        let held = witness.map_or("nothing had been written".into(), |witness| tell(witness, at));
                        format!("{}, but just {} was there: {held}", tell(operation, at), Shown(*expect))
                    }));
                }
            }
        }
        found
    }

    fn value(&self, place: usize) -> Option<Value> {
        place.checked_sub(1).map(|place| self.writes.placed[place].value)
    }
}

/// Between which instants each version can have been the newest.
struct Stretches {
    /// For each place: the latest invocation of what stands before it, its write included.
    invoked_ns: Vec<u64>,
    /// For each place: the earliest end of what stands behind it.
    over_ns: Vec<u64>,
}

impl Stretches {
    fn new(register: &Register) -> Stretches {
        let places = register.writes.placed.len() + 1;
        let (mut invoked_ns, mut over_ns) = (vec![0; places], vec![u64::MAX; places]);
        for item in register.items() {
            let invoked = item.operation.invoked_ns;
            // A read stands behind its write, beside all other reads of that version.
            let since = item.place + usize::from(written(item.operation).is_none());
            if let Some(latest) = invoked_ns.get_mut(since) {
                *latest = invoked.max(*latest);
            }
            if let Some(before) = item.place.checked_sub(1) {
                over_ns[before] = item.until_ns().min(over_ns[before]);
            }
        }
        (1..places).for_each(|place| invoked_ns[place] = invoked_ns[place].max(invoked_ns[place - 1]));
        (1..places).rev().for_each(|place| over_ns[place - 1] = over_ns[place - 1].min(over_ns[place]));
        Stretches { invoked_ns, over_ns }
    }

    /// The first place at which something that was invoked at this instant can stand.
    fn first(&self, invoked_ns: u64) -> usize {
        self.over_ns.partition_point(|over_ns| *over_ns < invoked_ns)
    }

    /// The last place at which something that was over at this instant can stand.
    fn last(&self, until_ns: u64) -> usize {
        self.invoked_ns.partition_point(|latest_ns| *latest_ns <= until_ns).saturating_sub(1)
    }
}
