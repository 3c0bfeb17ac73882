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
use super::implied::Ahead;
use super::moves::Source;
use super::ops::{Event, Kind, Ops, START_VALUE};
use super::order::Placed;
use super::trail::Trail;
use super::window::Window;
use super::{Effort, Ended, Halt};
use crate::checker::linearizable::meter::Meter;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;
use std::cmp::Reverse;

/// One pass over the operations of a key.
pub(super) struct Frontier<'a, const W: usize> {
    pub ops: &'a Ops,
    ahead: &'a Ahead,
    pub effort: Effort,
    pub window: Window<W>,
    pub configs: Vec<Config<W>>,
    slot_of: FxHashMap<u32, usize>,
    /// Slots of what never returns and is not old yet.
    young: Vec<usize>,
    pub trail: Trail,
    pub keep_orders: bool,
    /// The moment of the return that is looked at.
    pub now: u32,
    /// How many doubtful operations a configuration may use.
    limit: u32,
    /// Whether at this return one could not be used for that reason.
    refused: Cell<bool>,
    /// Whether configurations were left out that nothing stands for.
    cut: bool,
    /// The most configurations at one moment.
    pub peak: usize,
}

impl<'a, const W: usize> Frontier<'a, W> {
    /// At the beginning of `ops`.
    pub fn new(ops: &'a Ops, ahead: &'a Ahead, effort: Effort) -> Frontier<'a, W> {
        Frontier {
            ops,
            ahead,
            effort,
            window: Window::new(ops.values, effort.endless),
            configs: vec![Config::start(START_VALUE)],
            slot_of: FxHashMap::default(),
            young: Vec::new(),
            trail: Trail::default(),
            keep_orders: !effort.endless,
            now: 0,
            limit: u32::MAX,
            refused: Cell::new(false),
            cut: effort.fungible,
            peak: 1,
        }
    }

    /// Goes through all moments.
    pub fn run(&mut self, meter: &mut Meter) -> Result<Ended, Halt> {
        for (at, event) in self.ops.events.iter().enumerate() {
            match *event {
                Event::Invoke(index) => self.invoke(index)?,
                Event::Return(index) => {
                    self.now = at as u32 + 1;
                    let Some(slot) = self.slot_of.remove(&index) else { continue };
                    self.ret(slot, meter)?;
                    if self.configs.is_empty() {
                        return Ok(Ended::NoOrder { op: index, certain: !self.cut });
                    }
                }
            }
        }
        Ok(Ended::Legal)
    }

    /// The changes of one configuration that is left.
    pub fn changes(&self) -> Option<Vec<Placed>> {
        let end = self.configs.first()?;
        self.trail.changes(end.trail, self.ops, |op| self.window.old.class(op))
    }

    fn invoke(&mut self, index: u32) -> Result<(), Halt> {
        let op = self.ops.all[index as usize];
        let demands_nothing = op.observes() && !op.must();
        if self.ahead.is_implied(index) || demands_nothing {
            return Ok(());
        }
        if self.effort.endless && !op.must() {
            self.window.supply(&op);
            return Ok(());
        }
        let slot = self.window.invoke(op, index, self.ahead.outlasts(index)).ok_or(Halt::Slots)?;
        if op.must() {
            self.slot_of.insert(index, slot);
        } else {
            self.young.push(slot);
        }
        Ok(())
    }

    /// What is in `slot` returns: every configuration has to hold it.
    fn ret(&mut self, slot: usize, meter: &mut Meter) -> Result<(), Halt> {
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
        let before = std::mem::take(&mut self.configs);
        let mut out = Vec::with_capacity(before.len() + 8);
        let limit = self.first_limit(&before);
        self.limit = limit;
        loop {
            let goal = (op.kind != Kind::Write).then(|| self.goal(slot));
            for config in &before {
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
                break;
            }
            self.limit += 1;
        }
        self.configs = out;
        self.close(slot);
        self.thin_out(meter)
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
            meter.step(|| self.held_bytes(2 * count))?;
            self.tidy(config);
        }
        if let (Some(spare), Some(least)) =
            (self.effort.spare, all.iter().map(|config| self.doubtful_used(config)).min())
        {
            let before = all.len();
            all.retain(|config| self.doubtful_used(config) <= least.saturating_add(spare));
            self.cut |= all.len() < before;
        }
        if all.len() > FEW {
            let mut seen: FxHashSet<Key<W>> = FxHashSet::default();
            all.retain(|config| seen.insert(config.key()));
        }
        let weight = |config: &Config<W>| {
            let changes = config.done - self.window.observers;
            let able = config.free.len() + (config.done & self.window.observers).len();
            (self.doubtful_used(config), changes.len(), Reverse(able))
        };
        all.sort_by_cached_key(weight);
        let mut kept: Vec<Config<W>> = Vec::with_capacity(all.len());
        let mut of_value: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
        for config in all {
            meter.step(|| self.held_bytes(2 * count + kept.capacity()))?;
            let alike = of_value.entry(config.value).or_default();
            if alike.iter().any(|at| self.dominates(&kept[*at], &config)) {
                continue;
            }
            alike.push(kept.len());
            kept.push(config);
        }
        if let Some(most) = self.effort.beam.filter(|most| kept.len() > *most) {
            kept.truncate(most);
            self.cut = true;
        }
        self.configs = kept;
        self.peak = self.peak.max(self.configs.len());
        if self.trail.is_full() {
            let moved = self.trail.give_up(self.configs.iter().map(|config| config.trail));
            self.configs.iter_mut().for_each(|config| config.moved(&moved));
        }
        Ok(())
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
        (self.configs.len() + more) * each
            + self.trail.held_bytes()
            + self.ops.all.len() * 32
            + self.window.held_bytes()
    }
}

/// How often at one return the number of doubtful operations that may be used is raised, where it has to be.
const RAISES: u32 = 4;

/// How many tokens a configuration keeps outside itself on average, where there are many.
const TOKENS_SPILLED: usize = 4;

/// Up to so many configurations are compared each with each right away.
const FEW: usize = 16;
