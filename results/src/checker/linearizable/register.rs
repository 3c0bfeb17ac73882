//! Registers with compare-and-set, by what is special about them: whatever a model calls an [`Access`](crate::model::Access)
//! of each operation.
//!
//! If every value is written at most once, zones decide ([`unique`]). Else the frontier of strands does ([`frontier`]): in
//! one exact pass if every operation returned. Operations that never returned make many more orders possible, mostly
//! for nothing. Then cheap passes come first: frugal ones, which look at few configurations and use few such
//! operations, so that an order that they find is an order and their failure means nothing; and one with an endless
//! supply of what was ever called without returning, in which there are more orders than in truth, so that its
//! failure means that there are none. Only what lies between the two needs an exact pass, as far as the budget allows.
//! Before any of them, where they may take long, it is counted whether each value has as many sources as it needs
//! ([`supply`]): what finds most contradictions in the time of sorting, however many clients there are.
//!
//! No order is believed before it was replayed ([`replay`](super::replay)), and where it can the bare search looks at every
//! contradiction once more ([`recheck`]).

mod config;
mod dominance;
mod frontier;
mod implied;
pub(super) mod live;
mod mask;
mod moves;
mod numbering;
mod ops;
mod order;
mod proof;
mod reach;
mod recheck;
mod settle;
mod supply;
mod tidy;
mod trail;
mod unique;
mod unobserved;
mod window;

use super::entry::{EntryOf, Held, InPlace, OperationOf};
use super::meter::{Meter, Stop};
use super::replay::is_legal_order;
use super::search::Stopped;
use super::{Course, Idea};
use crate::model::Model;
use frontier::Frontier;
use implied::Ahead;
use ops::{Event, Ops};
use order::{Placed, with_observers};
use recheck::{Recheck, recheck};
use unique::Told;

/// What is known of one key, and who knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub answer: Answer,
    /// Whether zones decided.
    pub by_zones: bool,
    /// The most configurations at one moment.
    pub peak: usize,
}

/// Whether there is a legal order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// One was found and replayed.
    Legal,
    /// There is none, at the latest from the return of this entry on; and whether the bare search says so too.
    NoOrder { entry: usize, rechecked: bool },
    /// The budget did not suffice.
    Unknown(Stopped),
}

/// How hard a pass tries, where operations never returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Effort {
    /// Whether there is no end of whatever was once called without returning: more orders are possible than in truth.
    endless: bool,
    /// How many configurations are kept at most: fewer orders are found than there are.
    beam: Option<usize>,
    /// How many more of the operations that never returned a configuration may use than the one that uses fewest.
    spare: Option<u32>,
    /// Whether only their number counts, whatever they do.
    fungible: bool,
    /// What is switched off.
    without: Option<Idea>,
}

impl Effort {
    const EXACT: Effort = Effort { endless: false, beam: None, spare: None, fungible: false, without: None };
    const ENDLESS: Effort = Effort { endless: true, ..Effort::EXACT };

    const fn frugal(beam: usize, spare: u32) -> Effort {
        Effort { beam: Some(beam), spare: Some(spare), fungible: true, ..Effort::EXACT }
    }

    /// Whether an idea is made use of.
    fn has(&self, idea: Idea) -> bool {
        self.without != Some(idea)
    }

    /// Whether the pass itself is an idea that is switched off.
    fn is_without_itself(&self) -> bool {
        self.endless && !self.has(Idea::Endless) || self.beam.is_some() && !self.has(Idea::Frugal)
    }
}

/// From so many operations open at once on counting takes little beside an exact pass.
const WIDE: usize = 16;

/// How many configurations may be expanded for the first return without an order, where a later one is known by counting.
const STEPS_TO_FIRST: u64 = 100_000;

/// The passes where operations never returned, each with its share of the time that is left, in percent.
const PASSES: [(Effort, u32); 5] = [
    (Effort::frugal(50, 0), 40),
    (Effort::ENDLESS, 40),
    (Effort::frugal(500, 0), 40),
    (Effort::frugal(200, 1), 40),
    (Effort::EXACT, 100),
];

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// There is an order, as far as the pass knows.
    Legal,
    /// None was left at the return of this operation; perhaps because others were left out.
    NoOrder { op: u32, certain: bool },
}

/// Why a pass stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    /// More operations were open than it has slots for.
    Slots,
    /// The budget.
    Stop(Stop),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Halt {
        Halt::Stop(stop)
    }
}

/// The operations of a key by numbers, and the entries that they are; `None` if it is no register.
fn in_place<'a, M: Model>(
    model: &M,
    operations: &'a [&'a OperationOf<M>],
    keeps_all: bool,
) -> Option<(Ops, InPlace<'a, M>)> {
    let (mut ops, mut entries) = numbering::in_place(model, operations)?;
    if !keeps_all {
        unobserved::leave_out(&mut ops, &mut entries.positions);
    }
    Some((ops, entries))
}

/// Judges a key; `None` if it is no register, if too much is open at once, or if an order that was found is none. A
/// contradiction is told by the position of its operation. Doubtful operations that nothing can depend on are left out,
/// unless all are kept.
pub(super) fn judge<M: Model>(
    model: &M,
    operations: &[&OperationOf<M>],
    keeps_all: bool,
    course: Course,
    meter: &mut Meter,
) -> Option<Found> {
    let (ops, entries) = in_place(model, operations, keeps_all)?;
    let found = judge_ops(model, &entries, &ops, course, meter)?;
    let answer = match rechecked(&ops, found.answer, meter)? {
        Answer::NoOrder { entry, rechecked } => Answer::NoOrder { entry: entries.positions[entry] as usize, rechecked },
        answer => answer,
    };
    Some(Found { answer, ..found })
}

fn judge_ops<M: Model>(
    model: &M,
    entries: &InPlace<'_, M>,
    ops: &Ops,
    course: Course,
    meter: &mut Meter,
) -> Option<Found> {
    if let Err(why) = meter.step(|| ops.held_bytes()) {
        let answer = Answer::Unknown(Stopped { why, established_ns: None });
        return Some(Found { answer, by_zones: false, peak: 0 });
    }
    let zones = if course == Course::Automatic { by_zones(model, entries, ops) } else { None };
    if let Some(answer) = zones {
        return Some(Found { answer, by_zones: true, peak: 0 });
    }
    let ahead = Ahead::new(ops);
    let mut passes = Passes { model, entries, ops, ahead: &ahead, peak: 0, established: 0 };
    Some(Found { answer: passes.run(course, meter)?, by_zones: false, peak: passes.peak })
}

/// Whether the bare search finds the contradiction at the return of `entry` too, where it can; `None` if it finds none.
pub(super) fn confirms<M: Model>(model: &M, entries: &[EntryOf<M>], entry: usize, meter: &mut Meter) -> Option<bool> {
    let Some(ops) = Ops::new(model, entries) else { return Some(false) };
    match rechecked(&ops, Answer::NoOrder { entry, rechecked: false }, meter)? {
        Answer::NoOrder { rechecked, .. } => Some(rechecked),
        Answer::Legal | Answer::Unknown(_) => None,
    }
}

/// The answer, with a contradiction looked at once more. `None` if the bare search finds none.
fn rechecked(ops: &Ops, answer: Answer, meter: &mut Meter) -> Option<Answer> {
    let Answer::NoOrder { entry, .. } = answer else { return Some(answer) };
    let recheck = recheck(ops, entry as u32, meter);
    (recheck != Recheck::Refuted).then_some(Answer::NoOrder { entry, rechecked: recheck == Recheck::Confirmed })
}

/// What looking ahead tells of each entry: whether it is implied, and whether it outlasts another write.
#[cfg(test)]
pub(super) fn looked_ahead<M: Model>(model: &M, entries: &[EntryOf<M>]) -> Option<Vec<(bool, bool)>> {
    let ahead = Ahead::new(&Ops::new(model, entries)?);
    Some((0..entries.len() as u32).map(|index| (ahead.is_implied(index), ahead.outlasts(index))).collect())
}

/// What zones say; `None` if they do not know.
fn by_zones<M: Model>(model: &M, entries: &InPlace<'_, M>, ops: &Ops) -> Option<Answer> {
    match order_by_zones(ops)? {
        Ok(order) => is_legal_order(model, entries, &order).then_some(Answer::Legal),
        Err(entry) => Some(Answer::NoOrder { entry, rechecked: false }),
    }
}

/// What zones say of a register to which every value is written at most once: an order, or the entry at whose return there
/// is none. `None` if they do not know.
pub(super) fn zones<M: Model>(model: &M, entries: &[EntryOf<M>]) -> Option<Result<Vec<u32>, usize>> {
    order_by_zones(&Ops::new(model, entries)?)
}

fn order_by_zones(ops: &Ops) -> Option<Result<Vec<u32>, usize>> {
    match unique::judge(ops)? {
        Told::Order(changes) => with_observers(ops, &changes).map(Ok),
        Told::NoOrder { shown } => {
            let entry = ops.returning_at(unique::first_return_without_order(ops, shown)?)?;
            Some(Err(entry as usize))
        }
    }
}

/// The passes over one key.
struct Passes<'a, M: Model> {
    model: &'a M,
    entries: &'a InPlace<'a, M>,
    ops: &'a Ops,
    ahead: &'a Ahead,
    peak: usize,
    /// Up to this moment there certainly is an order.
    established: u32,
}

/// What a pass found out.
struct Passed {
    ended: Result<Ended, Halt>,
    /// The changes of the order that it found.
    changes: Option<Vec<Placed>>,
    /// The return that it came to.
    at: u32,
    peak: usize,
}

impl<M: Model> Passes<'_, M> {
    fn run(&mut self, course: Course, meter: &mut Meter) -> Option<Answer> {
        let all_return = self.ops.all.iter().all(|op| op.must());
        let is_exact = all_return || course == Course::RegisterExactly;
        let passes = if is_exact { &PASSES[PASSES.len() - 1..] } else { &PASSES[..] };
        let without = if let Course::RegisterWithout(idea) = course { Some(idea) } else { None };
        if course != Course::RegisterExactly && without != Some(Idea::Supply) {
            let is_worth_it = course == Course::Register || !all_return || self.ops.most_open() >= WIDE;
            match is_worth_it.then(|| supply::lacking(self.ops, meter)).transpose() {
                Ok(lacking) => {
                    if let Some(op) = lacking.flatten() {
                        let entry = self.first_without_order(op, &mut meter.fork(STEPS_TO_FIRST));
                        return Some(Answer::NoOrder { entry: entry as usize, rechecked: false });
                    }
                }
                Err(why) => return Some(Answer::Unknown(Stopped { why, established_ns: None })),
            }
        }
        let passes = passes.iter().map(|(effort, percent)| (Effort { without, ..*effort }, percent));
        let mut why = Stop::Time;
        for (effort, percent) in passes.filter(|(effort, _)| !effort.is_without_itself()) {
            meter.share(*percent);
            let passed = self.pass(self.ops, effort, meter)?;
            match passed.ended {
                Ok(Ended::Legal) if effort.endless => {}
                Ok(Ended::Legal) => {
                    let order = with_observers(self.ops, &passed.changes?)?;
                    return is_legal_order(self.model, self.entries, &order).then_some(Answer::Legal);
                }
                Ok(Ended::NoOrder { op, certain: true }) => {
                    meter.share(40);
                    let entry = if effort.endless { self.first_without_order(op, meter) } else { op };
                    return Some(Answer::NoOrder { entry: entry as usize, rechecked: false });
                }
                Ok(Ended::NoOrder { certain: false, .. }) => {}
                Err(Halt::Slots) => return None,
                Err(Halt::Stop(stop)) => {
                    why = stop;
                    if stop != Stop::Time {
                        break;
                    }
                }
            }
        }
        Some(Answer::Unknown(Stopped { why, established_ns: self.established_ns() }))
    }

    /// One pass, with as many slots as it needs; `None` if it needs too many.
    fn pass(&mut self, ops: &Ops, effort: Effort, meter: &mut Meter) -> Option<Passed> {
        for words in [1, 2, 4, 8, 16] {
            let passed = match words {
                1 => pass_with::<1>(ops, self.ahead, effort, meter),
                2 => pass_with::<2>(ops, self.ahead, effort, meter),
                4 => pass_with::<4>(ops, self.ahead, effort, meter),
                8 => pass_with::<8>(ops, self.ahead, effort, meter),
                _ => pass_with::<16>(ops, self.ahead, effort, meter),
            };
            if passed.ended == Err(Halt::Slots) {
                continue;
            }
            self.peak = self.peak.max(passed.peak);
            if !effort.endless {
                self.established = self.established.max(passed.at.saturating_sub(1));
            }
            return Some(passed);
        }
        None
    }

    /// There is no order from the return of `op` on; perhaps not even from an earlier return on, which an exact pass
    /// finds if the budget allows.
    fn first_without_order(&mut self, op: u32, meter: &mut Meter) -> u32 {
        let ret = self.ops.all[op as usize].ret;
        if self.established + 1 >= ret {
            return op;
        }
        let until = self.ops.up_to(ret);
        match self.pass(&until, Effort::EXACT, meter).map(|passed| passed.ended) {
            Some(Ok(Ended::NoOrder { op, certain: true })) => op,
            _ => op,
        }
    }

    /// The instant of the last return up to which an order is established.
    fn established_ns(&self) -> Option<u64> {
        let mut moments = (1..=self.established).rev();
        let op = moments.find_map(|moment| self.ops.returning_at(moment))?;
        Some(self.entries.at(op as usize).until_ns)
    }
}

fn pass_with<const W: usize>(ops: &Ops, ahead: &Ahead, effort: Effort, meter: &mut Meter) -> Passed {
    let mut frontier = Frontier::<W>::new(ops.values, effort);
    frontier.fed_bytes = ops.held_bytes();
    let ended = go_through(&mut frontier, ops, ahead, meter);
    let is_over = ended == Ok(Ended::Legal);
    let changes = || {
        let end = frontier.configs.first()?;
        frontier.trail.changes(end.trail, ops, |op| frontier.window.old.class(op))
    };
    Passed {
        changes: if is_over && !effort.endless { changes() } else { None },
        at: if is_over { ops.events.len() as u32 + 1 } else { frontier.now },
        peak: frontier.peak,
        ended,
    }
}

fn go_through<const W: usize>(
    frontier: &mut Frontier<W>,
    ops: &Ops,
    ahead: &Ahead,
    meter: &mut Meter,
) -> Result<Ended, Halt> {
    for (moment, event) in (1..).zip(ops.events.iter()) {
        match event {
            Event::Invoke(index) => {
                let op = ops.all[index as usize];
                let is_implied = frontier.effort.has(Idea::Implied) && ahead.is_implied(index);
                if !is_implied && (op.must() || !op.observes()) {
                    frontier.invoke(op, index, ahead.outlasts(index))?;
                }
            }
            Event::Return(index) => {
                frontier.ret(index, moment, meter)?;
                if frontier.configs.is_empty() {
                    return Ok(Ended::NoOrder { op: index, certain: !frontier.cut });
                }
            }
        }
    }
    Ok(Ended::Legal)
}
