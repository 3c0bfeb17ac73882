//! A register judged while its operations come: an operation as soon as its outcome is known, memory as the concurrency
//! of the history demands, and not its length, as long as every operation returns.
//!
//! An exact pass goes along with the history. From the first operation on that never returned frugal passes do, for which
//! see the [passes of a whole key](super). When one comes to its end, the next begins where the exact one stopped. So from
//! that first one on the operations are kept, in 28 bytes each; before it they are forgotten. The pass with an endless
//! supply goes along from the first time that a frugal one comes to its end, and from the first of those operations on the
//! sources of each value are [counted](super::supply).

mod pass;

use super::ops::{NEVER, Op, START_VALUE, ValueId, by_numbers};
use super::supply::Supply;
use super::{Halt, PASSES};
use crate::call::Value;
use crate::checker::linearizable::meter::{Meter, Stop};
use crate::model::Access;
use pass::{Known, Pass, Stands};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happened at the return of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::checker::linearizable) enum Step {
    /// There is a legal order of all that returned by now; or nobody could tell, as [`LiveRegister::unknown`] says, and
    /// more may be known later.
    Goes,
    /// There is none.
    NoOrder,
}

/// An operation as it is fed.
#[derive(Debug, Clone, Copy)]
pub(in crate::checker::linearizable) struct Fed {
    pub index: u32,
    pub access: Access,
    pub inv: u32,
    /// [`NEVER`] if it may or may not take effect.
    pub ret: u32,
    pub implied: bool,
    pub outlasts: bool,
}

/// A key of a register.
pub(in crate::checker::linearizable) struct LiveRegister {
    ids: FxHashMap<Option<Value>, ValueId>,
    /// How many values there were when they were last numbered.
    numbered: usize,
    /// The pass that goes along; `None`: the budget did not suffice for any.
    lead: Option<Pass>,
    /// The next of the passes.
    next: usize,
    endless: Option<Pass>,
    /// Counts sources from the first operation on that never returned.
    supply: Option<Supply>,
    kept: Option<Kept>,
    /// Whether the exact pass is to be taken at once.
    is_exact: bool,
    peak: usize,
    /// Why it is not known whether there is an order.
    unknown: Option<Stop>,
    is_too_wide: bool,
    /// How much may pile up before something is settled or forgotten.
    spare: usize,
}

/// What is kept from the first operation on that never returned.
struct Kept {
    /// The exact pass before it.
    start: Pass,
    ops: Vec<Known>,
}

impl LiveRegister {
    /// Before any operation of a register that holds `initial`.
    pub fn new(initial: Option<Value>, is_exact: bool, spare: usize) -> LiveRegister {
        LiveRegister {
            ids: FxHashMap::from_iter([(initial, START_VALUE)]),
            numbered: 1,
            lead: Some(Pass::new(spare)),
            next: 0,
            endless: None,
            supply: None,
            kept: None,
            is_exact,
            peak: 1,
            unknown: None,
            is_too_wide: false,
            spare,
        }
    }

    /// An operation is invoked, whose end is known. Returns whether it can be judged.
    pub fn invoke(&mut self, fed: Fed) -> bool {
        let ids = &mut self.ids;
        let mut id = |value: Option<Value>| {
            let next = ids.len() as ValueId;
            *ids.entry(value).or_insert(next)
        };
        let Some((kind, from, to)) = by_numbers(fed.access, &mut id) else { return false };
        let op = Op { kind, from, to, inv: fed.inv, ret: fed.ret };
        let known = Known { op, index: fed.index, implied: fed.implied, outlasts: fed.outlasts };
        if !op.must() && self.kept.is_none() {
            self.begin_to_keep();
        }
        if let Some(kept) = &mut self.kept {
            kept.ops.push(known);
        }
        let values = self.ids.len();
        // What is implied is not told when it returns.
        if let Some(supply) = self.supply.as_mut().filter(|_| !fed.implied) {
            supply.invoke(op, fed.index, values);
        }
        for pass in [&mut self.lead, &mut self.endless].into_iter().flatten() {
            if pass.invoke(&known, values).is_err() {
                self.is_too_wide = true;
            }
        }
        !self.is_too_wide
    }

    /// The first operation that never returned is invoked.
    fn begin_to_keep(&mut self) {
        let Some(start) = self.lead.take() else { return };
        self.next = if self.is_exact { PASSES.len() } else { 1 };
        let effort = PASSES[self.next - 1].0;
        if !self.is_exact {
            self.supply = Some(Supply::midway(start.open().into_iter().map(|(ret, _)| ret).collect()));
        }
        self.lead = Some(start.clone().with_effort(effort));
        self.kept = Some(Kept { start, ops: Vec::new() });
    }

    /// An operation returns. If its steps are used up it is to be called again.
    pub fn ret(&mut self, index: u32, moment: u32, meter: &mut Meter) -> Result<Step, Stop> {
        let fed_bytes = self.held_by_itself();
        for pass in [&mut self.lead, &mut self.endless].into_iter().flatten() {
            pass.hold(fed_bytes);
        }
        if self.supply.as_mut().is_some_and(|supply| !supply.ret(index, moment)) {
            return Ok(Step::NoOrder);
        }
        if let Some(endless) = &mut self.endless {
            match endless.ret(index, moment, meter) {
                Ok(Stands::Legal) => {}
                Ok(Stands::NoOrder { .. }) => return Ok(Step::NoOrder),
                Err(Halt::Stop(Stop::Steps)) => return Err(Stop::Steps),
                Err(_) => self.endless = None,
            }
        }
        let Some(lead) = &mut self.lead else { return Ok(Step::Goes) };
        if self.kept.is_some() {
            meter.share(PASSES[self.next - 1].1);
        }
        match lead.ret(index, moment, meter) {
            Ok(Stands::Legal) => {
                self.recycle();
                Ok(Step::Goes)
            }
            Ok(Stands::NoOrder { certain: true }) => Ok(Step::NoOrder),
            Ok(Stands::NoOrder { certain: false }) => self.go_on(moment, meter),
            Err(Halt::Stop(Stop::Steps)) => Err(Stop::Steps),
            Err(Halt::Stop(Stop::Time)) if self.next < PASSES.len() => self.go_on(moment, meter),
            Err(Halt::Stop(stop)) => Err(stop),
            Err(Halt::Slots) => Err(Stop::Memory),
        }
    }

    /// The pass came to its end at `moment`: the endless one and the next ones come up to there.
    fn go_on(&mut self, moment: u32, meter: &mut Meter) -> Result<Step, Stop> {
        self.peak = self.lead.take().map_or(0, |lead| lead.peak()).max(self.peak);
        let Some(kept) = &self.kept else { return Err(Stop::Time) };
        let (values, fed_bytes) = (self.ids.len(), self.held_by_itself());
        if self.next == 1 {
            let (effort, percent) = PASSES[1];
            meter.share(percent);
            self.next = 2;
            match kept.catch_up(kept.start.clone().with_effort(effort), moment, values, fed_bytes, meter) {
                Ok((endless, Stands::Legal)) => self.endless = Some(endless),
                Ok((_, Stands::NoOrder { .. })) => return Ok(Step::NoOrder),
                Err(Stop::Time) => {}
                Err(stop) => return Err(stop),
            }
        }
        while let Some((effort, percent)) = PASSES.get(self.next) {
            // What is left after the exact one is for the endless one.
            meter.share(if self.endless.is_some() { EXACT_PERCENT.min(*percent) } else { *percent });
            self.next += 1;
            match kept.catch_up(kept.start.clone().with_effort(*effort), moment, values, fed_bytes, meter) {
                Ok((lead, Stands::Legal)) => {
                    self.lead = Some(lead);
                    return Ok(Step::Goes);
                }
                Ok((_, Stands::NoOrder { certain: true })) => return Ok(Step::NoOrder),
                Ok((_, Stands::NoOrder { certain: false })) | Err(Stop::Time) => {}
                Err(stop) => return Err(stop),
            }
        }
        self.unknown = Some(Stop::Time);
        if self.endless.is_some() { Ok(Step::Goes) } else { Err(Stop::Time) }
    }

    /// The history is over: whether there is an order.
    ///
    /// Returns whether the order that was found was replayed and is one, or why it is not known that there is one.
    pub fn finish(self) -> Result<bool, Stop> {
        if let Some(why) = self.unknown {
            return Err(why);
        }
        self.lead.map(Pass::finish).ok_or(Stop::Time)
    }

    /// Why it is not known that there is an order up to now, though none of what was found excludes one.
    pub fn unknown(&self) -> Option<Stop> {
        self.unknown
    }

    /// The most configurations at one moment.
    pub fn peak(&self) -> usize {
        [&self.lead, &self.endless].into_iter().flatten().map(Pass::peak).fold(self.peak, usize::max)
    }

    /// Roughly how many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        [&self.lead, &self.endless].into_iter().flatten().map(Pass::held_bytes).sum::<usize>() + self.held_by_itself()
    }

    fn held_by_itself(&self) -> usize {
        let kept = self.kept.as_ref().map_or(0, |kept| kept.ops.capacity() * size_of::<Known>());
        let supply = self.supply.as_ref().map_or(0, Supply::held_bytes);
        kept + supply + self.ids.capacity() * 32
    }

    /// Numbers the values anew that still matter, if most no longer do. While operations are kept their values stay.
    fn recycle(&mut self) {
        let is_worth_it = self.kept.is_none() && self.ids.len() > 2 * self.numbered + self.spare;
        let Some(lead) = self.lead.as_mut().filter(|_| is_worth_it) else { return };
        let mut anew = FxHashMap::from_iter([(START_VALUE, START_VALUE)]);
        lead.renumber(&mut |value| {
            let next = anew.len() as ValueId;
            *anew.entry(value).or_insert(next)
        });
        lead.make_room(anew.len());
        self.ids.retain(|_, id| {
            let stays = anew.get(id);
            stays.iter().for_each(|new| *id = **new);
            stays.is_some()
        });
        self.ids.shrink_to(2 * anew.len() + self.spare);
        self.numbered = anew.len();
    }
}

/// The share of the time that an exact pass gets as long as an endless one could still find a contradiction.
const EXACT_PERCENT: u32 = 70;

impl Kept {
    /// Brings `pass` up to the return at `moment`.
    fn catch_up(
        &self,
        mut pass: Pass,
        moment: u32,
        values: usize,
        fed_bytes: usize,
        meter: &Meter,
    ) -> Result<(Pass, Stands), Stop> {
        let mut meter = meter.fork(u64::MAX);
        let mut returns: BinaryHeap<Reverse<(u32, u32)>> = pass.open().into_iter().map(Reverse).collect();
        pass.hold(fed_bytes);
        let mut invoked = self.ops.iter().peekable();
        loop {
            let ret = returns.peek().map_or(NEVER, |Reverse((ret, _))| *ret);
            if let Some(known) = invoked.next_if(|known| known.op.inv < ret && known.op.inv <= moment) {
                pass.invoke(known, values).map_err(|_| Stop::Memory)?;
                if known.op.must() && !known.implied {
                    returns.push(Reverse((known.op.ret, known.index)));
                }
                continue;
            }
            if ret > moment {
                return Ok((pass, Stands::Legal));
            }
            let Some(Reverse((ret, index))) = returns.pop() else { return Ok((pass, Stands::Legal)) };
            match pass.ret(index, ret, &mut meter) {
                Ok(Stands::Legal) => {}
                Ok(dead) => return Ok((pass, dead)),
                Err(Halt::Stop(stop)) => return Err(stop),
                Err(Halt::Slots) => return Err(Stop::Memory),
            }
        }
    }
}
