//! What became of each element: who saw it, and which reads lack it that must not.
//!
//! A history of one set has a legal order exactly if (1) of any two reads one holds all that the other holds, (2) no read
//! holds an element that was never added, failed, or was called for only after the read had returned, or holds it twice,
//! and (3) no read lacks an element that is *due* to it. Due to a read is what was acknowledged before the read began, what
//! a read had that returned before it began, and what was acknowledged before some element that the read holds was called
//! for.
//!
//! Why that suffices: by (1) the reads fall into groups of equal contents, each within the next. Take for each group the
//! additions that are new in it, then its reads; behind the last group the acknowledged additions that nobody read; within
//! each stretch by invocation. Whatever stands in the wrong order of time there is an addition behind a read that lacks it,
//! a read of less behind a read of more, an earlier addition behind a later one: just what (2) and (3) exclude.
//!
//! At [`Promise::Sequential`] the same holds with the order of each process in place of time, for reads in the storm.
//! Final reads are made in the strongest way, so to them time applies.

use super::bits::Bits;
use super::record::Record;
use crate::history::Operation;
use crate::verdict::Promise;
use rustc_hash::FxHashMap;

/// Why an element is due to a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// An earlier read had it.
    Seen,
    /// The process that reads had added it.
    Own,
    /// It was acknowledged before the read began.
    Acknowledged,
    /// It was acknowledged before this other element, which the read has, was called for.
    Before(usize),
}

/// The reads that lack an element that is due to them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absence {
    /// Why it was due to the first of them.
    pub due: Due,
    /// The first and the last of them.
    pub first: usize,
    pub last: usize,
    /// How many of them are final.
    pub finals: usize,
}

/// What became of one element.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate {
    /// The read that had it and returned first.
    pub seen_first: Option<usize>,
    /// The last read that had it, and whether a final one had.
    pub seen_last: Option<usize>,
    pub seen_at_last: bool,
    /// A read that had it and cannot come after the call that added it.
    pub early: Option<usize>,
    /// A read that had it more than once.
    pub twice: Option<usize>,
    /// The reads that had to have it and do not.
    pub absence: Option<Absence>,
    /// The last read that began after it was acknowledged and lacks it, whether it may or not.
    pub late: Option<usize>,
    /// Whether any read began after it was acknowledged.
    pub was_looked_for: bool,
}

/// What became of all elements of a set.
pub(super) fn fates(record: &Record, promise: Promise) -> Vec<Fate> {
    let size = record.elements.len();
    let mut fates = vec![Fate::default(); size];
    let mut time = Time::new(record);
    let mut processes = Processes::new(record);
    for (place, read) in record.reads.iter().enumerate() {
        note_presence(record, place, promise, &mut fates);
        let acknowledged = Bits::first(record.acknowledged_before(read.invoked_ns()), size);
        acknowledged.without(&read.has).iter().for_each(|number| fates[number].late = Some(place));
        let by_time = promise == Promise::Linearizable || read.is_final;
        let due = if by_time { time.due(place, acknowledged) } else { processes.due(place) };
        for number in due.all.without(&read.has).iter() {
            note_absence(&mut fates[number].absence, place, read.is_final, || due.why(number));
        }
    }
    if let Some(last_ns) = record.reads.last().map(super::record::SetRead::invoked_ns) {
        let looked_for = record.acknowledged_before(last_ns);
        fates[..looked_for].iter_mut().for_each(|fate| fate.was_looked_for = true);
    }
    fates
}

fn note_presence(record: &Record, place: usize, promise: Promise, fates: &mut [Fate]) {
    let read = &record.reads[place];
    let precedes = |add: &Operation| {
        let by_process = promise == Promise::Sequential && read.operation.process == add.process;
        read.returned_ns() < add.invoked_ns || by_process && is_before(read.operation, add)
    };
    for number in read.has.iter() {
        let fate = &mut fates[number];
        let is_first = |first: usize| read.returned_ns() < record.reads[first].returned_ns();
        if fate.seen_first.is_none_or(is_first) {
            fate.seen_first = Some(place);
        }
        if fate.early.is_none() && record.elements[number].add.is_some_and(precedes) {
            fate.early = Some(place);
        }
        fate.seen_last = Some(place);
        fate.seen_at_last |= read.is_final;
    }
    for number in &read.twice {
        fates[*number].twice.get_or_insert(place);
    }
}

fn note_absence(absence: &mut Option<Absence>, place: usize, is_final: bool, why: impl FnOnce() -> Due) {
    let absence = absence.get_or_insert_with(|| Absence { due: why(), first: place, last: place, finals: 0 });
    absence.last = place;
    absence.finals += usize::from(is_final);
}

/// What is due to a read.
struct Dues {
    all: Bits,
    seen: Bits,
    own: Bits,
    acknowledged: Bits,
    /// An element of the read that was called for after all others that are due.
    newest: usize,
}

impl Dues {
    fn why(&self, number: usize) -> Due {
        if self.seen.contains(number) {
            Due::Seen
        } else if self.own.contains(number) {
            Due::Own
        } else if self.acknowledged.contains(number) {
            Due::Acknowledged
        } else {
            Due::Before(self.newest)
        }
    }
}

/// What is due by time.
struct Time<'a> {
    record: &'a Record<'a>,
    /// The reads by their returns, and how many of them have returned.
    by_return: Vec<usize>,
    returned: usize,
    seen: Bits,
}

impl<'a> Time<'a> {
    fn new(record: &'a Record<'a>) -> Time<'a> {
        let mut by_return: Vec<usize> = (0..record.reads.len()).collect();
        by_return.sort_by_key(|place| record.reads[*place].returned_ns());
        Time { record, by_return, returned: 0, seen: Bits::none(record.elements.len()) }
    }

    fn due(&mut self, place: usize, acknowledged: Bits) -> Dues {
        let (record, read) = (self.record, &self.record.reads[place]);
        while let Some(earlier) = self.by_return.get(self.returned).map(|earlier| &record.reads[*earlier])
            && earlier.returned_ns() < read.invoked_ns()
        {
            self.seen.extend(&earlier.has);
            self.returned += 1;
        }
        let called_ns = |number: &usize| record.elements[*number].add.map_or(0, |add| add.invoked_ns);
        let newest = read.has.iter().max_by_key(called_ns);
        let before = newest.map_or(0, |newest| record.acknowledged_before(called_ns(&newest)));
        let size = record.elements.len();
        let mut all = Bits::first(before, size);
        all.extend(&acknowledged);
        all.extend(&self.seen);
        let own = Bits::none(size);
        Dues { all, seen: self.seen.clone(), own, acknowledged, newest: newest.unwrap_or(0) }
    }
}

/// What is due by the order of each process.
struct Processes<'a> {
    record: &'a Record<'a>,
    /// For each element the last one that its process had added before it.
    before: Vec<Option<usize>>,
    /// The acknowledged elements of each process by their numbers.
    added: FxHashMap<u64, Vec<usize>>,
    seen: FxHashMap<u64, Bits>,
}

impl<'a> Processes<'a> {
    fn new(record: &'a Record<'a>) -> Processes<'a> {
        let mut added: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        let mut before = vec![None; record.elements.len()];
        let adds = record.elements.iter().enumerate().filter_map(|(number, element)| Some((number, element.add?)));
        let mut adds: Vec<_> = adds.collect();
        adds.sort_by_key(|(_, add)| (add.invoked_ns, add.id));
        for (number, add) in adds {
            let own = added.entry(add.process).or_default();
            before[number] = own.last().copied();
            if number < record.acknowledged {
                own.push(number);
            }
        }
        Processes { record, before, added, seen: FxHashMap::default() }
    }

    fn due(&mut self, place: usize) -> Dues {
        let (record, read) = (self.record, &self.record.reads[place]);
        let (size, process) = (record.elements.len(), read.operation.process);
        let mut own = Bits::none(size);
        for number in self.added.get(&process).into_iter().flatten() {
            if record.elements[*number].add.is_some_and(|add| is_before(add, read.operation)) {
                own.insert(*number);
            }
        }
        let seen = self.seen.entry(process).or_insert_with(|| Bits::none(size));
        let mut all = seen.clone();
        all.extend(&own);
        let mut newest = 0;
        for (number, before) in read.has.iter().filter_map(|number| Some((number, self.before[number]?))) {
            if !read.has.contains(before) && all.insert(before) {
                newest = number;
            }
        }
        let dues = Dues { all, seen: seen.clone(), own, acknowledged: Bits::none(size), newest };
        seen.extend(&read.has);
        dues
    }
}

/// Whether a process made one call before another of its own.
fn is_before(one: &Operation, other: &Operation) -> bool {
    (one.invoked_ns, one.id) < (other.invoked_ns, other.id)
}

/// Two reads of which neither holds all that the other holds, if there are any.
pub(super) fn two_views(record: &Record) -> Option<(usize, usize)> {
    let sizes: Vec<usize> = record.reads.iter().map(|read| read.has.len()).collect();
    let mut by_size: Vec<usize> = (0..record.reads.len()).collect();
    by_size.sort_by_key(|place| sizes[*place]);
    let holds = |one: usize, other: usize| record.reads[one].has.without(&record.reads[other].has).len() == 0;
    by_size.windows(2).map(|pair| (pair[0], pair[1])).find(|(small, large)| !holds(*small, *large))
}
