//! What is wrong with a set, told element by element.

use super::fate::{Absence, Due, Fate};
use super::record::{Record, SetRead};
use crate::call::Key;
use crate::checker::accusation::Accusation;
use crate::history::Operation;
use crate::words::Instants;

/// The kinds of contradiction, the clearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Lost,
    AfterFail,
    Phantom,
    Twice,
    Future,
    Flickering,
    Stale,
    OutOfOrder,
    TwoViews,
}

impl Kind {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Lost => "lost element",
            Kind::AfterFail => "present after fail",
            Kind::Phantom => "phantom element",
            Kind::Twice => "duplicated element",
            Kind::Future => "read from the future",
            Kind::Flickering => "flickering element",
            Kind::Stale => "stale read",
            Kind::OutOfOrder => "additions out of order",
            Kind::TwoViews => "contradicting reads",
        }
    }
}

/// The history of one set, to be told.
pub(super) struct Story<'r, 'a> {
    pub key: Key,
    pub record: &'r Record<'a>,
    /// How many final reads there are.
    pub finals: usize,
}

impl<'a> Story<'_, 'a> {
    /// The read at this place.
    fn read(&self, place: usize) -> &SetRead<'a> {
        &self.record.reads[place]
    }

    fn accuse(
        &self,
        kind: Kind,
        contradiction: &'a Operation,
        witnesses: Vec<&'a Operation>,
        tell: impl FnOnce(&Instants) -> String,
    ) -> Accusation<'a, Kind> {
        let instants = Instants::of(witnesses.iter().copied().chain([contradiction]));
        Accusation { kind, key: self.key, told: tell(&instants), contradiction, witnesses }
    }

    /// What is wrong with an element, if anything is: of several things the clearest.
    pub fn element(&self, number: usize, fate: &Fate) -> Option<Accusation<'a, Kind>> {
        let element = &self.record.elements[number];
        let value = element.value;
        if let Some(read) = fate.seen_first.map(|place| self.read(place).operation) {
            let Some(add) = element.add else {
                return Some(self.accuse(Kind::Phantom, read, vec![], |at| {
                    format!("{} found {value}, which nobody ever added", reader(read, at))
                }));
            };
            if element.was_refused() {
                return Some(self.accuse(Kind::AfterFail, read, vec![add], |at| {
                    format!("{}; yet {} found {value}", at.tell(add), reader(read, at))
                }));
            }
        }
        if let (Some(read), Some(add)) = (fate.early.map(|place| self.read(place).operation), element.add) {
            return Some(self.accuse(Kind::Future, read, vec![add], |at| {
                format!("{} found {value} before anybody added it: {}", reader(read, at), at.tell(add))
            }));
        }
        if let Some(read) = fate.twice.map(|place| self.read(place).operation) {
            return Some(self.accuse(Kind::Twice, read, element.add.into_iter().collect(), |at| {
                let added =
                    element.add.map_or(String::new(), |add| format!(", but it was added once: {}", at.tell(add)));
                format!("{} found {value} more than once{added}", reader(read, at))
            }));
        }
        let (add, absence) = (element.add?, fate.absence?);
        let is_lost = absence.finals > 0 && !fate.seen_at_last;
        Some(if is_lost { self.lost(add, value, fate, absence) } else { self.absent(add, value, fate, absence) })
    }

    fn lost(&self, add: &'a Operation, value: i64, fate: &Fate, absence: Absence) -> Accusation<'a, Kind> {
        let last = self.read(absence.last).operation;
        let seen = fate.seen_last.map(|place| self.read(place).operation);
        self.accuse(Kind::Lost, last, std::iter::once(add).chain(seen).collect(), |at| {
            let seen = match seen {
                Some(seen) => format!("last seen by {}", reader(seen, at)),
                None => "no read ever had it".into(),
            };
            let finals = match self.finals {
                1 => "the final read does not have it".into(),
                count => format!("none of the {count} final reads has it"),
            };
            format!("{}, but {finals}: {value} is lost; {seen}", at.tell(add))
        })
    }

    fn absent(&self, add: &'a Operation, value: i64, fate: &Fate, absence: Absence) -> Accusation<'a, Kind> {
        let read = self.read(absence.first);
        let contradiction = read.operation;
        match absence.due {
            Due::Seen => {
                let seen = self.seen_before(read, value);
                let witnesses = std::iter::once(add).chain(seen).collect();
                self.accuse(Kind::Flickering, contradiction, witnesses, |at| {
                    let seen = seen.map_or("a read".into(), |seen| reader(seen, at));
                    let back = self.back(fate, absence, at);
                    format!("{seen} found {value}, but later {} did not{back}", reader(contradiction, at))
                })
            }
            Due::Own => self.accuse(Kind::Stale, contradiction, vec![add], |at| {
                format!("{}, and then did not find it itself ({})", at.tell(add), at.span(contradiction))
            }),
            Due::Acknowledged => self.accuse(Kind::Stale, contradiction, vec![add], |at| {
                let back = self.back(fate, absence, at);
                format!("{}, but later {} did not find {value}{back}", at.tell(add), reader(contradiction, at))
            }),
            Due::Before(newer) => {
                let newer = &self.record.elements[newer];
                let witnesses = std::iter::once(add).chain(newer.add).collect();
                self.accuse(Kind::OutOfOrder, contradiction, witnesses, |at| {
                    let later = newer.add.map_or(String::new(), |newer| format!(", before {}", at.tell(newer)));
                    let newer = newer.value;
                    format!("{}{later}; but {} found {newer} and not {value}", at.tell(add), reader(contradiction, at))
                })
            }
        }
    }

    /// A read that had an element and returned before `read` began, the latest such.
    fn seen_before(&self, read: &SetRead<'a>, value: i64) -> Option<&'a Operation> {
        let number = self.record.elements.iter().position(|element| element.value == value)?;
        let earlier = self.record.reads.iter().filter(|earlier| earlier.has.contains(number));
        let own = |earlier: &&SetRead| earlier.operation.process == read.operation.process;
        let returned = |earlier: &&SetRead| earlier.returned_ns() < read.invoked_ns();
        let mut before = earlier.filter(|earlier| returned(earlier) || own(earlier));
        before.rfind(|earlier| earlier.invoked_ns() < read.invoked_ns()).map(|earlier| earlier.operation)
    }

    /// How long it was missing.
    fn back(&self, fate: &Fate, absence: Absence, at: &Instants) -> String {
        let last = self.read(absence.last);
        match fate.seen_last.map(|place| self.read(place)) {
            Some(seen) if seen.invoked_ns() > last.invoked_ns() && absence.last != absence.first => {
                format!("; the last read without it began at {} s", at.show(last.invoked_ns()))
            }
            Some(seen) if seen.invoked_ns() > last.invoked_ns() => String::new(),
            _ => "; no later read has it".into(),
        }
    }

    /// Two reads that contradict each other.
    pub fn two_views(&self, one: usize, other: usize) -> Accusation<'a, Kind> {
        let (one, other) = (self.read(one.min(other)), self.read(one.max(other)));
        let only = |mine: &SetRead, theirs: &SetRead| {
            mine.has.without(&theirs.has).iter().next().map_or(0, |number| self.record.elements[number].value)
        };
        let (first, second) = (only(one, other), only(other, one));
        self.accuse(Kind::TwoViews, other.operation, vec![one.operation], |at| {
            let (one, other) = (reader(one.operation, at), reader(other.operation, at));
            format!("{one} found {first} and not {second}, {other} found {second} and not {first}")
        })
    }
}

/// Who read, where and when: `process 5 on n1 (3.100 to 3.102 s)`.
fn reader(read: &Operation, at: &Instants) -> String {
    format!("process {}{} ({})", read.process, crate::words::on(&read.node), at.span(read))
}
