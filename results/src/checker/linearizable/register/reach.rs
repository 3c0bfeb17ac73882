//! All ways in which an operation that returns, and demands a value, can find it.

use super::config::{Config, Token};
use super::frontier::Frontier;
use super::mask::Mask;
use super::moves::Source;
use super::ops::{Kind, Op, ValueId};
use super::trail::Which;
use crate::checker::linearizable::config::Used;
use crate::checker::linearizable::meter::{Meter, Stop};
use crate::checker::linearizable::table::ClassId;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// An operation that has to find its value.
pub(super) struct Goal {
    slot: usize,
    op: Op,
    /// The values from which swaps lead to where it can stand; `None`: any value.
    useful: Option<SmallVec<[ValueId; 8]>>,
}

impl Goal {
    fn is_met_by(&self, value: ValueId) -> bool {
        (value == self.op.from) == (self.op.kind != Kind::Differs)
    }

    fn is_useful(&self, value: ValueId) -> bool {
        self.useful.as_ref().is_none_or(|useful| useful.contains(&value))
    }
}

/// A configuration on its way to the goal: at the end, or where a token is that was taken out of it.
#[derive(Clone)]
struct Walker<const W: usize> {
    config: Config<W>,
    token: Option<Token<W>>,
}

impl<const W: usize> Walker<W> {
    fn value(&self) -> ValueId {
        self.token.as_ref().map_or(self.config.value, |token| token.value)
    }
}

/// Where walkers of one beginning were: value, operations done, doubtful ones used.
#[derive(Default)]
struct Seen<const W: usize> {
    few: SmallVec<[(ValueId, Mask<W>, Used); 8]>,
    /// What is too much to look through.
    many: FxHashMap<(ValueId, Mask<W>), SmallVec<[Used; 1]>>,
}

/// How many are looked through.
const FEW: usize = 16;

impl<const W: usize> Seen<W> {
    /// Takes a walker in, unless one was there that used no more.
    fn insert(&mut self, value: ValueId, config: &Config<W>) -> bool {
        let (place, used) = ((value, config.done), &config.used);
        let was_there = self.few.iter().any(|seen| (seen.0, seen.1) == place && seen.2.is_within(used))
            || self.many.get(&place).is_some_and(|there| there.iter().any(|there| there.is_within(used)));
        if !was_there && self.few.len() < FEW {
            self.few.push((value, config.done, used.clone()));
        } else if !was_there {
            self.many.entry(place).or_default().push(used.clone());
        }
        !was_there
    }

    /// Roughly how many bytes it holds; a table that grows exists twice for a moment.
    fn held_bytes(&self) -> usize {
        3 * self.many.len() * size_of::<((ValueId, Mask<W>), SmallVec<[Used; 1]>)>()
    }
}

impl<const W: usize> Frontier<W> {
    /// The goal of the operation in `slot`, which demands something.
    pub(super) fn goal(&self, slot: usize) -> Goal {
        let op = *self.window.op(slot);
        let useful = (op.kind != Kind::Differs).then(|| self.values_that_lead_to(op.from));
        Goal { slot, op, useful }
    }

    /// The values from which open swaps and old ones lead to `value`.
    fn values_that_lead_to(&self, value: ValueId) -> SmallVec<[ValueId; 8]> {
        let mut reached: SmallVec<[ValueId; 8]> = SmallVec::from_slice(&[value]);
        let mut at = 0;
        while let Some(to) = reached.get(at).copied() {
            let open = self.window.swaps.iter().map(|slot| self.window.op(slot)).filter(|op| op.to == to);
            for from in open.map(|op| op.from).chain(self.window.old.leads_to(to).iter().copied()) {
                if !reached.contains(&from) {
                    reached.push(from);
                }
            }
            at += 1;
        }
        reached
    }

    /// Puts into `out` every configuration that comes from `config` by meeting the goal, and by nothing that could as
    /// well be done later.
    ///
    /// These are all that matter. Take the operations that a legal order inserts or appends up to the goal. Those that go
    /// into other strands than the goal can be inserted later, too, at their token or at the boundary. If the goal stands
    /// at the end, let `w` be the last write before it: what comes before `w` can be inserted later, at the token that
    /// the value at the end leaves or just before `w`. So what is needed is one of
    ///
    /// - swaps at the end;
    /// - a write at the end, and swaps after it;
    /// - a write at the boundary, and swaps after it;
    /// - swaps where a token is.
    ///
    /// Swaps leave no token: what is to stand between two of them has to be placed now, so every way is walked, also
    /// round in circles.
    pub(super) fn reach(
        &mut self,
        config: &Config<W>,
        goal: &Goal,
        out: &mut Vec<Config<W>>,
        meter: &mut Meter,
    ) -> Result<(), Stop> {
        let in_time = config.free.contains(goal.slot);
        if goal.is_useful(config.value) {
            self.walk(Walker { config: config.clone(), token: None }, goal, out, meter)?;
        }
        for source in self.sources(config, self.window.open, goal) {
            let mut config = config.clone();
            self.write_live(&mut config, source);
            config.done |= self.window.served(config.value);
            self.walk(Walker { config, token: None }, goal, out, meter)?;
        }
        for source in if in_time { self.sources(config, config.free, goal) } else { SmallVec::new() } {
            let mut config = config.clone();
            let token = Some(self.write_at_boundary(&mut config, source));
            self.walk(Walker { config, token }, goal, out, meter)?;
        }
        for at in 0..config.tokens.len() {
            let token = config.tokens[at];
            let alike = |other: &Token<W>| (other.value, other.mask) == (token.value, token.mask);
            if !token.mask.contains(goal.slot) || config.tokens[..at].iter().any(alike) {
                continue;
            }
            let mut config = config.clone();
            config.tokens.remove(at);
            self.walk(Walker { config, token: Some(token) }, goal, out, meter)?;
        }
        Ok(())
    }

    /// The writes out of `eligible`, and old ones, that can lead to the goal.
    fn sources(&self, config: &Config<W>, eligible: Mask<W>, goal: &Goal) -> SmallVec<[Source; 16]> {
        let is_useful = |slot: &usize| goal.is_useful(self.window.op(*slot).to);
        let mut sources: SmallVec<[Source; 16]> = SmallVec::new();
        for slot in self.window.usable(eligible, config.done).filter(is_useful) {
            if self.may_use(config, self.window.doubtful.contains(slot)) {
                sources.push(Source::Slot(slot));
            }
        }
        let by_slot = |value| {
            let slots = sources.iter().filter_map(|source| match source {
                Source::Slot(slot) => Some(self.window.op(*slot).to),
                Source::Old(..) => None,
            });
            slots.into_iter().any(|of| of == value)
        };
        let all = &self.window.old;
        let is_left = |(value, class): &(ValueId, ClassId)| all.has(*class, config) && !by_slot(*value);
        let source = |(value, class)| Source::Old(class, value);
        let old: SmallVec<[Source; 8]> = match &goal.useful {
            // There may be far more old writes than values that can lead to the goal.
            Some(useful) => {
                let of_value = useful.iter().filter_map(|value| Some((*value, all.write_of(*value)?)));
                of_value.filter(is_left).map(source).collect()
            }
            None => all.writes.iter().copied().filter(is_left).map(source).collect(),
        };
        if !old.is_empty() && self.may_use(config, true) {
            sources.extend(old);
        }
        sources
    }

    /// Walks along swaps, those ways first that use fewer operations that never returned.
    ///
    /// A walker that comes to a value where another one was, with the same operations done and no fewer doubtful ones
    /// used, is left out: the other one can go on in every way in which this one can.
    fn walk(&mut self, start: Walker<W>, goal: &Goal, out: &mut Vec<Config<W>>, meter: &mut Meter) -> Result<(), Stop> {
        if goal.op.kind != Kind::Swap && goal.is_met_by(start.value()) {
            out.push(arrived(start));
            return Ok(());
        }
        let mut seen = Seen::default();
        // Most ways are short: the queue takes room only for what it holds beside the first.
        let (mut first, mut queue) = (Some(start), VecDeque::new());
        while let Some(walker) = first.take().or_else(|| queue.pop_front()) {
            meter.step(|| self.held_bytes(2 * (out.len() + queue.len())) + seen.held_bytes())?;
            let value = walker.value();
            if !seen.insert(value, &walker.config) {
                continue;
            }
            if goal.is_met_by(value) {
                let mut walker = walker.clone();
                if goal.op.kind == Kind::Swap {
                    self.swap(&mut walker, Some(goal.slot), Which::This(self.window.index(goal.slot)), goal.op.to);
                }
                out.push(arrived(walker));
                if goal.op.kind != Kind::Swap {
                    continue;
                }
            }
            self.step(&walker, goal, &mut queue);
        }
        Ok(())
    }

    /// Takes every swap that goes on from where the walker is.
    fn step(&mut self, walker: &Walker<W>, goal: &Goal, queue: &mut VecDeque<Walker<W>>) {
        let config = &walker.config;
        let value = walker.value();
        let eligible = walker.token.as_ref().map_or(self.window.open, |token| token.mask);
        let open = (self.window.swaps_from[value as usize] & eligible) - config.done;
        for slot in open.iter().filter(|slot| *slot != goal.slot) {
            let (to, doubtful) = (self.window.op(slot).to, self.window.doubtful.contains(slot));
            if goal.is_useful(to) && self.may_use(config, doubtful) {
                let mut next = walker.clone();
                self.swap(&mut next, Some(slot), Which::This(self.window.index(slot)), to);
                if doubtful { queue.push_back(next) } else { queue.push_front(next) }
            }
        }
        let old: SmallVec<[_; 8]> =
            self.window.old.swaps(value, config).filter(|(to, _)| goal.is_useful(*to)).collect();
        for (to, class) in old {
            if !self.may_use(config, true) {
                break;
            }
            let mut next = walker.clone();
            if !self.window.old.endless {
                next.config.used.add(class);
            }
            self.swap(&mut next, None, Which::Some(class), to);
            queue.push_back(next);
        }
    }

    fn swap(&mut self, walker: &mut Walker<W>, slot: Option<usize>, which: Which, to: ValueId) {
        if let Some(slot) = slot {
            walker.config.done.insert(slot);
        }
        match &mut walker.token {
            None => self.swap_live(&mut walker.config, which, to),
            Some(token) => self.swap_at(&mut walker.config, token, which, to),
        }
    }
}

/// The configuration of a walker, with the token put back.
fn arrived<const W: usize>(walker: Walker<W>) -> Config<W> {
    let Walker { mut config, token } = walker;
    config.tokens.extend(token);
    config
}
