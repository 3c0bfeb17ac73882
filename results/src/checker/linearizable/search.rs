//! The search: all configurations that a legal order can have led to, carried along from moment to moment.
//!
//! Wing and Gong, "Testing and verifying concurrent objects", 1993, search for a legal order; Lowe, "Testing for
//! linearizability", 2017, makes the search a graph search (a configuration met twice is expanded once) and just-in-time
//! (an operation is placed only when one that returns must be, together with what has to come before it). Only operations
//! that are open, and those that never return, are part of a configuration, so what the search holds follows the
//! concurrency of the history and not its length.
//!
//! Why postponing is exact: what is placed without need before a return can be placed just as well at the start of the
//! next return's step, as nothing but an invocation lies between, and an invocation only adds possibilities.

use super::commuting::kin;
use super::config::{Antichain, Config, SlotSet, Trail, TrailId, Used};
use super::entry::{EntryOf, Moment, What, moments};
use super::meter::{Meter, Stop};
use super::reductions::Reductions;
use super::table::{ClassId, StateId, Table};
use crate::model::Model;
use std::collections::VecDeque;

/// An entry that was invoked and has to take effect before it returns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub entry: usize,
    pub slot: usize,
    pub class: ClassId,
    pub until_ns: u64,
}

/// Entries of one class that were invoked and never return, by invocation. They are interchangeable for ever, so a
/// configuration counts how many it used, and the first are used first.
#[derive(Debug, Clone)]
pub(super) struct Doubtful {
    pub class: ClassId,
    pub entries: Vec<usize>,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// There is a legal order.
    Legal,
    /// There is none: it ends at the latest at the return of this entry.
    NoOrder { entry: usize },
}

/// A moment at which nothing was open that has to take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quiet {
    /// Everything answered has returned by then, or is invoked later.
    pub after_ns: u64,
    /// What the legal orders of everything that returned by then can have led to. Operations without a return, used or
    /// not, may lead on from there.
    pub states: Vec<StateId>,
}

/// How many quiet moments are kept.
const QUIET_KEPT: usize = 6;

/// A search that stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped {
    /// Why.
    pub why: Stop,
    /// Everything that returned up to here has a legal order; `None`: nothing is established.
    pub established_ns: Option<u64>,
}

/// One search over the entries of one key.
pub(super) struct Search<'a, M: Model> {
    entries: &'a [EntryOf<M>],
    reductions: Reductions,
    pub table: Table<'a, M>,
    /// In the order of return.
    pub open: Vec<Open>,
    free_slots: Vec<usize>,
    slots: usize,
    doubtful: Vec<Doubtful>,
    frontier: Vec<Config>,
    /// The configurations of the last step that lack the operation that returned: all that could be reached without it.
    pub explored: Vec<Config>,
    /// Kept only if asked for.
    pub trail: Option<Trail>,
    /// The last moments at which nothing was open, oldest first; kept together with the trail.
    pub quiet: VecDeque<Quiet>,
    /// How many entries returned so far; each configuration holds them all.
    pub returned: usize,
    /// The most configurations at one moment.
    pub peak: usize,
    /// What whoever feeds it holds for it.
    pub fed_bytes: usize,
}

impl<'a, M: Model> Search<'a, M> {
    /// A search at the state before any operation. With `keep_orders` it also keeps how each configuration came to be,
    /// at the price of memory that follows the length of the history.
    pub fn new(model: &'a M, entries: &'a [EntryOf<M>], reductions: Reductions, keep_orders: bool) -> Search<'a, M> {
        let trail = keep_orders.then(Trail::default);
        Search { trail, ..Search::from_states(model, &[model.init()], entries, reductions) }
    }

    /// A search that may begin at any of `states`.
    pub fn from_states(
        model: &'a M,
        states: &[M::State],
        entries: &'a [EntryOf<M>],
        reductions: Reductions,
    ) -> Search<'a, M> {
        let mut table = Table::new(model);
        let start = |state: &M::State| {
            let state = table.intern(state.clone());
            Config { state, done: SlotSet::default(), used: Used::default(), trail: Trail::START }
        };
        Search {
            entries,
            reductions,
            frontier: states.iter().map(start).collect(),
            table,
            open: Vec::new(),
            free_slots: Vec::new(),
            slots: 0,
            doubtful: Vec::new(),
            explored: Vec::new(),
            trail: None,
            quiet: VecDeque::new(),
            returned: 0,
            peak: 1,
            fed_bytes: 0,
        }
    }

    /// Goes through all moments.
    pub fn run(&mut self, meter: &mut Meter) -> Result<Ended, Stopped> {
        let mut established_ns = None;
        let entries = self.entries;
        for Moment { at_ns, what, entry } in moments(entries) {
            match what {
                What::Invoke => self.invoke(entry, &entries[entry]),
                What::Return => {
                    self.ret(entry, meter).map_err(|why| Stopped { why, established_ns })?;
                    if self.frontier.is_empty() {
                        return Ok(Ended::NoOrder { entry });
                    }
                    established_ns = Some(at_ns);
                    self.note_quiet(at_ns);
                }
            }
        }
        Ok(Ended::Legal)
    }

    /// As [`ret`](Search::ret), but if it is stopped all is as it was before.
    pub fn try_ret(&mut self, index: usize, meter: &mut Meter) -> Result<(), Stop> {
        let before = self.frontier.clone();
        let result = self.ret(index, meter);
        if result.is_err() {
            self.frontier = before;
        }
        result
    }

    /// Whether no configuration is left.
    pub fn is_over(&self) -> bool {
        self.frontier.is_empty()
    }

    /// Takes out of the orders what all configurations share, or when the history is `over` the whole order of one.
    pub fn settle(&mut self, over: bool) -> Vec<u32> {
        if over {
            self.frontier.truncate(1);
        }
        let Some(trail) = &mut self.trail else { return Vec::new() };
        let ends = self.frontier.iter().map(|config| config.trail).collect::<Vec<_>>();
        let (settled, moved) = trail.settle(&ends, over);
        for config in self.frontier.iter_mut().filter(|config| config.trail != Trail::START) {
            config.trail = moved[config.trail as usize];
        }
        settled
    }

    /// Forgets the states and operations that nothing refers to any more.
    pub fn recycle(&mut self) {
        let mut table = self.table.renewed();
        for config in &mut self.frontier {
            config.state = table.intern(self.table.state(config.state).clone());
        }
        let mut classes: Vec<ClassId> = vec![ClassId::MAX; self.table.classes()];
        let open = self.open.iter_mut().map(|open| &mut open.class);
        for class in open.chain(self.doubtful.iter_mut().map(|doubtful| &mut doubtful.class)) {
            classes[*class as usize] = table.adopt(&self.table, *class);
            *class = classes[*class as usize];
        }
        self.frontier.iter_mut().for_each(|config| config.used.renumber(|class| classes[class as usize]));
        self.explored.clear();
        self.table = table;
    }

    /// Roughly how many bytes it holds between two returns.
    pub fn rests_on_bytes(&self) -> usize {
        let each: usize = self.frontier.iter().map(Config::held_bytes).sum();
        each + self.table.held_bytes() + self.trail.as_ref().map_or(0, Trail::held_bytes)
    }

    /// The order of one configuration that is left, if orders are kept.
    pub fn order(&self) -> Option<Vec<u32>> {
        let order = self.trail.as_ref()?.order(self.frontier.first()?.trail);
        Some(order.into_iter().map(|entry| entry as u32).collect())
    }

    fn note_quiet(&mut self, after_ns: u64) {
        if self.trail.is_none() || !self.open.is_empty() {
            return;
        }
        let mut states: Vec<StateId> = self.frontier.iter().map(|config| config.state).collect();
        states.sort_unstable();
        states.dedup();
        if self.quiet.len() == QUIET_KEPT {
            self.quiet.pop_front();
        }
        self.quiet.push_back(Quiet { after_ns, states });
    }

    /// An entry is invoked.
    pub fn invoke(&mut self, index: usize, entry: &EntryOf<M>) {
        let class = self.table.class(entry);
        if !entry.must {
            match self.doubtful.iter_mut().find(|doubtful| doubtful.class == class) {
                Some(doubtful) => doubtful.entries.push(index),
                None => self.doubtful.push(Doubtful { class, entries: vec![index] }),
            }
            return;
        }
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        let open = Open { entry: index, slot, class, until_ns: entry.until_ns };
        let at = self.open.partition_point(|other| other.until_ns <= open.until_ns);
        self.open.insert(at, open);
    }

    /// `index` returns: every configuration that lacks it is expanded until it holds it.
    ///
    /// Configurations are taken by the number of doubtful operations they used, fewest first. One that can do all that
    /// another can used fewer, so it is there first and nothing needs to be taken back.
    pub fn ret(&mut self, index: usize, meter: &mut Meter) -> Result<(), Stop> {
        let Some(at) = self.open.iter().position(|open| open.entry == index) else { return Ok(()) };
        let slot = self.open[at].slot;
        let mut step = Step::new(slot, self.twins(), self.kin(at));
        for mut config in std::mem::take(&mut self.frontier) {
            self.place_observers(&mut config);
            step.postpone(config);
        }
        self.explored.clear();
        for level in 0.. {
            let Some(configs) = step.levels.get_mut(level).map(std::mem::take) else { break };
            configs.into_iter().for_each(|config| self.admit(config, &mut step));
            while let Some(config) = step.stack.pop() {
                meter.step(|| self.held_bytes(&config, &step))?;
                self.expand(&config, &mut step);
                self.explored.push(config);
                self.peak = self.peak.max(self.explored.len() + step.stack.len() + self.frontier.len());
            }
        }
        if !self.frontier.is_empty() {
            self.open.remove(at);
            self.free_slots.push(slot);
            self.returned += 1;
        }
        Ok(())
    }

    /// Takes in a configuration that is new and that no other can stand for: into the next frontier if it holds the
    /// operation that returns, else to be expanded.
    fn admit(&mut self, mut config: Config, step: &mut Step) {
        if config.done.contains(step.slot) {
            config.done.remove(step.slot);
            if step.next.insert(&config, self.reductions.dominance) {
                self.frontier.push(config);
            }
        } else if step.seen.insert(&config, self.reductions.dominance) {
            step.stack.push(config);
        }
    }

    /// Takes in or postpones every configuration that is one operation longer.
    fn expand(&mut self, config: &Config, step: &mut Step) {
        for at in 0..self.open.len() {
            let Open { entry, slot, class, .. } = self.open[at];
            let waits_for_twin = step.twins[at].is_some_and(|twin| !config.done.contains(twin));
            if !step.kin[at] || config.done.contains(slot) || waits_for_twin {
                continue;
            }
            let Some(state) = self.table.step(config.state, class) else { continue };
            let mut longer = Config { state, trail: self.follow(config.trail, entry), ..config.clone() };
            longer.done.insert(slot);
            self.place_observers(&mut longer);
            self.admit(longer, step);
        }
        for at in 0..self.doubtful.len() {
            let class = self.doubtful[at].class;
            if !step.kin[self.open.len() + at] {
                continue;
            }
            let used = config.used.of(class) as usize;
            let Some(&entry) = self.doubtful[at].entries.get(used) else { continue };
            let Some(state) = self.table.step(config.state, class) else { continue };
            // A doubtful operation that changes nothing here is as good as one that never happened.
            if state == config.state {
                continue;
            }
            let mut longer = Config { state, trail: self.follow(config.trail, entry), ..config.clone() };
            longer.used.add(class);
            self.place_observers(&mut longer);
            step.postpone(longer);
        }
    }

    fn held_bytes(&self, config: &Config, step: &Step) -> usize {
        let distinct = self.explored.len() + step.stack.len() + self.frontier.len();
        let trail = self.trail.as_ref().map_or(0, Trail::held_bytes);
        let waiting: usize = step.levels.iter().map(Vec::len).sum();
        distinct * (config.held_bytes() + config.held_in_antichain_bytes())
            + waiting * config.held_bytes()
            + self.table.held_bytes()
            + self.fed_bytes
            + trail
    }

    /// Places every open operation that only observes and is legal now.
    ///
    /// Exact: take any legal order that goes on from here and has such an operation `r` later. `r` changes no state, at
    /// its later place neither, so it can be moved to the front: it is legal here, open (invoked, and not yet due), and
    /// all others see the states they saw. It has to be an operation that changes no state *anywhere*, not only here.
    /// With `write 1 [0, 9]` at state 1, a `write 2 [1, 5]` and then `read 1 [6, 8]`, placing the open write of 1 at
    /// once, because it changes nothing at 1, would leave nothing to explain the read. Doubtful operations do not matter
    /// here: the argument leaves every other operation of the order as it is.
    fn place_observers(&mut self, config: &mut Config) {
        if !self.reductions.observers_at_once {
            return;
        }
        for at in 0..self.open.len() {
            let Open { entry, slot, class, .. } = self.open[at];
            let observes = self.table.only_observes(class) && !config.done.contains(slot);
            if observes && self.table.step(config.state, class) == Some(config.state) {
                config.done.insert(slot);
                config.trail = self.follow(config.trail, entry);
            }
        }
    }

    /// For each open operation the slot of the one of its class that returns just before it and is placed first.
    ///
    /// Exact: both are open now, so in any legal order that goes on from here and places the later-returning one first,
    /// the two can change places; the model cannot tell them apart, and the one that now comes later stands where the
    /// earlier-returning one stood, before that one's return and so before its own. With the later-returning one first
    /// it would not be: `write 1 [0, 3]` and `write 1 [0, 9]` with a read of 1 in `[1, 2]` and `write 2 [4, 5]`, read 1
    /// in `[6, 7]` needs the second one late.
    fn twins(&self) -> Vec<Option<usize>> {
        let earlier = |at: usize| {
            let twin = self.open[..at].iter().rev().find(|open| open.class == self.open[at].class)?;
            self.reductions.twins.then_some(twin.slot)
        };
        (0..self.open.len()).map(earlier).collect()
    }

    /// Which of the open operations, and of the doubtful ones behind them, may have to come before the one at `at`.
    fn kin(&self, at: usize) -> Vec<bool> {
        if !self.reductions.commuting {
            return vec![true; self.open.len() + self.doubtful.len()];
        }
        let doubtful: Vec<ClassId> = self.doubtful.iter().map(|doubtful| doubtful.class).collect();
        kin(&self.table, &self.open, &doubtful, at)
    }

    fn follow(&mut self, trail: TrailId, entry: usize) -> TrailId {
        match &mut self.trail {
            Some(orders) => orders.push(trail, entry),
            None => trail,
        }
    }
}

/// What one return works on.
struct Step {
    /// The slot of the operation that returns.
    slot: usize,
    twins: Vec<Option<usize>>,
    kin: Vec<bool>,
    /// What was met that lacks the operation, and what holds it.
    seen: Antichain,
    next: Antichain,
    /// To be expanded now; all of them used equally many doubtful operations.
    stack: Vec<Config>,
    /// To be looked at later, by the number of doubtful operations used.
    levels: Vec<Vec<Config>>,
}

impl Step {
    fn new(slot: usize, twins: Vec<Option<usize>>, kin: Vec<bool>) -> Step {
        let (seen, next) = (Antichain::default(), Antichain::default());
        Step { slot, twins, kin, seen, next, stack: Vec::new(), levels: Vec::new() }
    }

    fn postpone(&mut self, config: Config) {
        let level = config.used.total();
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        self.levels[level].push(config);
    }
}
