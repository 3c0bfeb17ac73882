//! The frontier of a register: all configurations that matter, carried along from return to return.
//!
//! As in the general [`search`](crate::checker::linearizable::search) an operation is placed only when one that returns
//! must be. Beyond that nothing is decided that a write hides. A legal order is a row of *strands*, each a write (or the
//! beginning) and the swaps that follow it. A strand that another one follows can be changed later, unseen: swaps can be
//! added to its end, where it holds the value of its *token*; and whole strands can be put in front of a write. The best
//! place for those is in front of the last write, the *boundary*: a strand that can stand somewhere earlier can be taken
//! from there, where it is unseen too, and stand there, as all of it that was invoked in time for the earlier place was for
//! the later one, and none of it has returned. So a configuration is: the value at the end, which open operations
//! are done, which can still be put in front of the boundary, and the tokens.
//!
//! The reductions, each proved where it is made:
//! - observers are placed as soon as a value that they accept stands where they may stand ([`moves`](super::moves)), and
//!   those whose places are certain are left out from the beginning ([`implied`](super::implied));
//! - of writes of one value those come first that return first ([`window`](super::window));
//! - what a write hides is postponed ([`reach`](super::reach));
//! - what can be of no use is forgotten ([`tidy`](super::tidy));
//! - configurations that others can imitate are left out ([`dominance`](super::dominance)).

use super::config::{Config, Key, Token};
use super::moves::Source;
use super::ops::{Kind, Op, START_VALUE};
use super::trail::Trail;
use super::window::Window;
use super::{Effort, Halt};
use crate::checker::linearizable::Idea;
use crate::checker::linearizable::meter::{Meter, Stop};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;
use std::cmp::Reverse;

/// One pass over the operations of a key, fed with them one by one.
#[derive(Clone)]
pub(super) struct Frontier<const W: usize> {
    pub effort: Effort,
    pub window: Window<W>,
    pub configs: Vec<Config<W>>,
    /// Room for the configurations of the next return.
    pub room: Vec<Config<W>>,
    pub slot_of: FxHashMap<u32, usize>,
    /// Slots of what never returns and is not old yet.
    pub young: Vec<usize>,
    pub trail: Trail,
    pub keep_orders: bool,
    /// The moment of the return that is looked at.
    pub now: u32,
    /// How many doubtful operations a configuration may use.
    pub limit: u32,
    /// Whether at this return one could not be used for that reason.
    pub refused: Cell<bool>,
    /// Whether configurations were left out that nothing stands for.
    pub cut: bool,
    /// The most configurations at one moment.
    pub peak: usize,
    /// What whoever feeds it holds for it.
    pub fed_bytes: usize,
    /// Whether whoever feeds it [settles](super::settle) what the trail holds.
    pub settles: bool,
}

impl<const W: usize> Frontier<W> {
    /// At the beginning of a history with so many values.
    pub fn new(values: usize, effort: Effort) -> Frontier<W> {
        Frontier {
            effort,
            window: Window::new(values, effort.endless),
            configs: vec![Config::start(START_VALUE)],
            room: Vec::new(),
            slot_of: FxHashMap::default(),
            young: Vec::new(),
            trail: Trail::default(),
            keep_orders: !effort.endless,
            now: 0,
            limit: u32::MAX,
            refused: Cell::new(false),
            cut: effort.fungible,
            peak: 1,
            fed_bytes: 0,
            settles: false,
        }
    }

    /// An operation is invoked. What is [implied](super::implied), or observes without a return, is not for it to know.
    pub fn invoke(&mut self, op: Op, index: u32, outlasts: bool) -> Result<(), Halt> {
        if self.effort.endless && !op.must() {
            self.window.supply(&op);
            return Ok(());
        }
        let slot = self.window.invoke(op, index, outlasts).ok_or(Halt::Slots)?;
        if op.must() {
            self.slot_of.insert(index, slot);
        } else {
            self.young.push(slot);
        }
        Ok(())
    }

    /// An operation returns at `moment`. Afterwards no configuration is left if there is no order. If it is stopped, all
    /// is as it was before.
    pub fn ret(&mut self, index: u32, moment: u32, meter: &mut Meter) -> Result<(), Halt> {
        self.now = moment;
        let Some(slot) = self.slot_of.get(&index).copied() else { return Ok(()) };
        self.hold(slot, meter)?;
        self.slot_of.remove(&index);
        Ok(())
    }

    /// What is in `slot` returns: every configuration has to hold it.
    fn hold(&mut self, slot: usize, meter: &mut Meter) -> Result<(), Halt> {
        let op = *self.window.op(slot);
        let holds = |config: &Config<W>| {
            let found = match op.kind {
                Kind::Read => config.value == op.from,
                Kind::Differs => config.value != op.from,
                Kind::Write | Kind::Swap => false,
            };
            found || config.done.contains(slot)
        };
        if self.configs.iter().all(holds) {
            meter.step(|| self.held_bytes(0))?;
            self.close(slot);
            return Ok(());
        }
        let mut before = std::mem::take(&mut self.configs);
        match self.holding(&before, slot, &holds, meter) {
            Ok(out) => self.configs = out,
            Err(stop) => {
                self.configs = before;
                return Err(stop.into());
            }
        }
        if before.capacity() <= ROOM {
            before.clear();
            self.room = before;
        }
        self.close(slot);
        self.thin_out(meter)
    }

    /// The configurations that come from `before` by holding what is in `slot`, and by nothing that could be done later.
    fn holding(
        &mut self,
        before: &[Config<W>],
        slot: usize,
        holds: &impl Fn(&Config<W>) -> bool,
        meter: &mut Meter,
    ) -> Result<Vec<Config<W>>, Stop> {
        let mut out = std::mem::take(&mut self.room);
        let limit = self.first_limit(before);
        self.limit = limit;
        loop {
            let goal = (self.window.op(slot).kind != Kind::Write).then(|| self.goal(slot));
            for config in before {
                meter.step(|| self.held_bytes(before.len() + 2 * out.len()))?;
                match &goal {
                    _ if holds(config) => out.push(config.clone()),
                    Some(goal) => self.reach(config, goal, &mut out, meter)?,
                    None => self.write(config, slot, &mut out),
                }
            }
            let refused = self.refused.take();
            if !(refused && out.is_empty()) || self.limit >= limit.saturating_add(RAISES) {
                self.cut |= refused;
                return Ok(out);
            }
            self.limit += 1;
        }
    }

    /// A write returns that `config` does not hold. It is placed at the end; or at the boundary, if it may stand there,
    /// unless its value is at the end anyway: a write at the end leaves the same value, as good a token, and a later
    /// boundary.
    fn write(&mut self, config: &Config<W>, slot: usize, out: &mut Vec<Config<W>>) {
        if config.free.contains(slot) && config.value != self.window.op(slot).to {
            let mut unseen = config.clone();
            let token = self.write_at_boundary(&mut unseen, Source::Slot(slot));
            unseen.tokens.push(token);
            out.push(unseen);
        }
        let mut seen = config.clone();
        self.write_live(&mut seen, Source::Slot(slot));
        out.push(seen);
    }

    /// Closes the slot, and those of operations that are old without it.
    fn close(&mut self, slot: usize) {
        self.window.ret(slot);
        self.configs.iter_mut().for_each(|config| config.forget(slot));
        if self.young.is_empty() {
            return;
        }
        let first = self.window.first_invocation();
        for young in std::mem::take(&mut self.young) {
            if self.window.op(young).inv > first {
                self.young.push(young);
                continue;
            }
            let class = self.window.grow_old(young);
            for config in &mut self.configs {
                if config.done.contains(young) {
                    config.used.add(class);
                }
                config.forget(young);
            }
        }
    }

    /// Leaves out what other configurations can do as well.
    fn thin_out(&mut self, meter: &mut Meter) -> Result<(), Halt> {
        let mut all = std::mem::take(&mut self.configs);
        let count = all.len();
        for config in &mut all {
            meter.tick(|| self.held_bytes(2 * count))?;
            self.tidy(config);
        }
        if count > 1 {
            self.compare(&mut all, meter)?;
        }
        self.configs = all;
        self.peak = self.peak.max(self.configs.len());
        if !self.settles && self.trail.is_full() {
            self.give_up();
        }
        Ok(())
    }

    /// Leaves out of `all` what others among them can do as well.
    fn compare(&mut self, all: &mut Vec<Config<W>>, meter: &mut Meter) -> Result<(), Halt> {
        if let (Some(spare), Some(least)) =
            (self.effort.spare, all.iter().map(|config| self.doubtful_used(config)).min())
        {
            let before = all.len();
            all.retain(|config| self.doubtful_used(config) <= least.saturating_add(spare));
            self.cut |= all.len() < before;
        }
        if all.len() > FEW || !self.effort.has(Idea::Dominance) {
            let mut seen: FxHashSet<Key<W>> = FxHashSet::default();
            all.retain(|config| seen.insert(config.key()));
        }
        let weight = |config: &Config<W>| {
            let changes = config.done - self.window.observers;
            let able = config.free.len() + (config.done & self.window.observers).len();
            (self.doubtful_used(config), changes.len(), Reverse(able))
        };
        if all.len() <= FEW {
            all.sort_by_key(weight)
        } else {
            all.sort_by_cached_key(weight)
        }
        if self.effort.has(Idea::Dominance) {
            self.leave_out_dominated(all, meter)?;
        }
        if let Some(most) = self.effort.beam.filter(|most| all.len() > *most) {
            all.truncate(most);
            self.cut = true;
        }
        Ok(())
    }

    /// Leaves out each that one before it dominates.
    fn leave_out_dominated(&self, all: &mut Vec<Config<W>>, meter: &mut Meter) -> Result<(), Halt> {
        let count = all.len();
        let mut kept = 0;
        // Where there are many, those that are kept by their value.
        let mut of_value: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
        for at in 0..count {
            meter.tick(|| self.held_bytes(2 * count))?;
            let config = &all[at];
            let dominates = |other: &Config<W>| other.value == config.value && self.dominates(other, config);
            if count <= FEW {
                if all[..kept].iter().any(dominates) {
                    continue;
                }
            } else {
                let alike = of_value.entry(config.value).or_default();
                if alike.iter().any(|other| dominates(&all[*other])) {
                    continue;
                }
                alike.push(kept);
            }
            all.swap(kept, at);
            kept += 1;
        }
        all.truncate(kept);
        Ok(())
    }

    /// Gives up what the trail holds for nothing.
    pub fn give_up(&mut self) {
        let moved = self.trail.give_up(self.configs.iter().map(|config| config.trail));
        self.configs.iter_mut().for_each(|config| config.moved(&moved));
    }

    fn doubtful_used(&self, config: &Config<W>) -> u32 {
        config.doubtful_used(self.window.doubtful)
    }

    fn first_limit(&self, configs: &[Config<W>]) -> u32 {
        let least = configs.iter().map(|config| self.doubtful_used(config)).min().unwrap_or(0);
        self.effort.spare.map_or(u32::MAX, |spare| least.saturating_add(spare))
    }

    /// Whether `config` may use one more operation, which is doubtful or not.
    pub fn may_use(&self, config: &Config<W>, doubtful: bool) -> bool {
        let may = !doubtful || self.limit == u32::MAX || self.doubtful_used(config) < self.limit;
        if !may {
            self.refused.set(true);
        }
        may
    }

    /// Roughly how many bytes the pass holds, with so many configurations more.
    pub fn held_bytes(&self, more: usize) -> usize {
        let each = 2 * (size_of::<Config<W>>() + TOKENS_SPILLED * size_of::<Token<W>>());
        (self.configs.len() + more) * each + self.trail.held_bytes() + self.fed_bytes + self.window.held_bytes()
    }
}

/// How often at one return the number of doubtful operations that may be used is raised, where it has to be.
const RAISES: u32 = 4;

/// How many tokens a configuration keeps outside itself on average, where there are many.
const TOKENS_SPILLED: usize = 4;

/// Room for up to so many configurations is kept from return to return.
const ROOM: usize = 1_024;

/// Up to so many configurations are compared each with each right away.
const FEW: usize = 16;
