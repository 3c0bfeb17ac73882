//! One order followed as far as it leads, and then the next: for histories that have many configurations and many legal
//! orders, of which one is enough.
//!
//! The same configurations as in the [search](super::search), in another order: that of Wing and Gong, 1993, with the
//! memory of what led nowhere and just in time, as in Lowe, 2017. At each return the operation that returns is tried
//! first, then those that return soonest. What was met is kept, at the price of memory that follows the steps taken, so
//! it is for a bounded number of steps only. An order that it finds is an order; that it found none in its steps says
//! nothing; and when nothing is left to try there is none.

use super::commuting::kin;
use super::config::{Config, SlotSet, Trail, Used};
use super::entry::{EntryOf, Moment, What, moments};
use super::meter::{Meter, Stop};
use super::reductions::Reductions;
use super::search::{Doubtful, Open};
use super::table::{ClassId, StateId, Table};
use crate::model::Model;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// What was found in the steps allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// This is a legal order.
    Order(Vec<u32>),
    /// There is none: it ends at the latest at the return of this entry.
    NoOrder { entry: usize },
}

/// Goes through the entries of one key.
pub(super) struct DepthFirst<'a, M: Model> {
    entries: &'a [EntryOf<M>],
    reductions: Reductions,
    table: Table<'a, M>,
    moments: Vec<Moment>,
    /// The slot of each entry that returns.
    slots: Vec<usize>,
    classes: Vec<ClassId>,
    /// The moment that comes next.
    now: usize,
    /// What is open now, in the order of return, and what never returns.
    open: Vec<Open>,
    doubtful: Vec<Doubtful>,
    /// The states from which nothing was tried yet.
    starts: Vec<StateId>,
    /// Where something had to be chosen, and the order so far.
    choices: Vec<Choice>,
    order: Vec<u32>,
    /// What was met at each return.
    met: FxHashSet<(usize, StateId, SlotSet, Used)>,
    around: FxHashMap<usize, Rc<Around>>,
    /// The last return that was come to; some entry returns there, unless there is an order.
    farthest: usize,
}

/// A configuration that lacks the operation that returns at a moment.
struct Choice {
    config: Config,
    now: usize,
    order: usize,
    /// How many of the open and doubtful operations were tried.
    tried: usize,
    around: Rc<Around>,
}

/// What is the same for all configurations at one return.
struct Around {
    /// Which operations have to do with the one that returns.
    kin: Vec<bool>,
    /// The slot of the operation of the same class that is placed first.
    twins: Vec<Option<usize>>,
}

impl<'a, M: Model> DepthFirst<'a, M> {
    /// Begins at any of `states`.
    pub fn from_states(
        model: &'a M,
        states: &[M::State],
        entries: &'a [EntryOf<M>],
        reductions: Reductions,
    ) -> DepthFirst<'a, M> {
        let mut table = Table::new(model);
        let starts = states.iter().rev().map(|state| table.intern(state.clone())).collect();
        let classes = entries.iter().map(|entry| table.class(entry)).collect();
        let moments = moments(entries);
        DepthFirst {
            entries,
            reductions,
            table,
            slots: slots(&moments, entries),
            moments,
            classes,
            now: 0,
            open: Vec::new(),
            doubtful: Vec::new(),
            starts,
            choices: Vec::new(),
            order: Vec::new(),
            met: FxHashSet::default(),
            around: FxHashMap::default(),
            farthest: 0,
        }
    }

    /// Looks for an order until the meter stops it.
    pub fn run(mut self, meter: &mut Meter) -> Result<Found, Stop> {
        while let Some(mut config) = self.next() {
            meter.step(|| self.held_bytes())?;
            if self.goes_on(&mut config, meter)? {
                return Ok(Found::Order(self.order));
            }
            if self.met.insert((self.now, config.state, config.done.clone(), config.used.clone())) {
                self.farthest = self.farthest.max(self.now);
                let around = self.around();
                self.choices.push(Choice { config, now: self.now, order: self.order.len(), tried: 0, around });
            }
        }
        Ok(Found::NoOrder { entry: self.moments[self.farthest].entry })
    }

    /// Goes on to the first return of an operation that `config` lacks; whether it came to the end.
    fn goes_on(&mut self, config: &mut Config, meter: &mut Meter) -> Result<bool, Stop> {
        while let Some(Moment { what, entry, .. }) = self.moments.get(self.now).copied() {
            meter.tick(|| self.held_bytes())?;
            if what == What::Return {
                if !config.done.contains(self.slots[entry]) {
                    self.place_observers(config);
                }
                if !config.done.contains(self.slots[entry]) {
                    return Ok(false);
                }
                config.done.remove(self.slots[entry]);
            }
            self.pass(what, entry, true);
            self.now += 1;
        }
        Ok(true)
    }

    /// The next configuration that is one operation longer than one at which something is left to try, or a start.
    fn next(&mut self) -> Option<Config> {
        while let Some(mut choice) = self.choices.pop() {
            self.go_back(choice.now, choice.order);
            while choice.tried < choice.around.kin.len() {
                let at = choice.tried;
                choice.tried += 1;
                if let Some(mut longer) = self.longer(&choice, at) {
                    self.choices.push(choice);
                    self.place_observers(&mut longer);
                    return Some(longer);
                }
            }
        }
        self.go_back(0, 0);
        let state = self.starts.pop()?;
        Some(Config { state, done: SlotSet::default(), used: Used::default(), trail: Trail::START })
    }

    /// Back to an earlier moment, with so much of the order.
    fn go_back(&mut self, now: usize, order: usize) {
        while self.now > now {
            self.now -= 1;
            let Moment { what, entry, .. } = self.moments[self.now];
            self.pass(what, entry, false);
        }
        self.order.truncate(order);
    }

    /// The configuration of a choice with one operation more, if it may come next and is legal.
    fn longer(&mut self, Choice { config, around, .. }: &Choice, at: usize) -> Option<Config> {
        if !around.kin[at] {
            return None;
        }
        let Some(Open { entry, slot, class, .. }) = self.open.get(at).copied() else {
            let Doubtful { class, entries } = &self.doubtful[at - self.open.len()];
            let (class, entry) = (*class, *entries.get(config.used.of(*class) as usize)?);
            // A doubtful operation that changes nothing here is as good as one that never happened.
            let state = self.table.step(config.state, class).filter(|state| *state != config.state)?;
            let mut longer = Config { state, ..config.clone() };
            longer.used.add(class);
            self.order.push(entry as u32);
            return Some(longer);
        };
        let waits_for_twin = around.twins[at].is_some_and(|twin| !config.done.contains(twin));
        if config.done.contains(slot) || waits_for_twin {
            return None;
        }
        let state = self.table.step(config.state, class)?;
        let mut longer = Config { state, ..config.clone() };
        longer.done.insert(slot);
        self.order.push(entry as u32);
        Some(longer)
    }

    /// Places every open operation that only observes and is legal now; see the search.
    fn place_observers(&mut self, config: &mut Config) {
        if !self.reductions.observers_at_once {
            return;
        }
        for Open { entry, slot, class, .. } in &self.open {
            let observes = self.table.only_observes(*class) && !config.done.contains(*slot);
            if observes && self.table.step(config.state, *class) == Some(config.state) {
                config.done.insert(*slot);
                self.order.push(*entry as u32);
            }
        }
    }

    /// Something happens to an entry, or is taken back.
    fn pass(&mut self, what: What, entry: usize, forth: bool) {
        let class = self.classes[entry];
        if !self.entries[entry].must {
            let of_class = self.doubtful.iter().position(|doubtful| doubtful.class == class);
            match of_class {
                Some(at) if forth => self.doubtful[at].entries.push(entry),
                Some(at) => drop(self.doubtful[at].entries.pop()),
                None => self.doubtful.push(Doubtful { class, entries: vec![entry] }),
            }
        } else if (what == What::Invoke) == forth {
            let open = Open { entry, slot: self.slots[entry], class, until_ns: self.entries[entry].until_ns };
            let key = |open: &Open| (open.until_ns, open.entry);
            let at = self.open.partition_point(|other| key(other) <= key(&open));
            self.open.insert(at, open);
        } else {
            self.open.retain(|open| open.entry != entry);
        }
    }

    fn around(&mut self) -> Rc<Around> {
        let count = self.open.len() + self.doubtful.len();
        if let Some(around) = self.around.get(&self.now).filter(|around| around.kin.len() == count) {
            return around.clone();
        }
        let returns = self.moments[self.now].entry;
        let at = self.open.iter().position(|open| open.entry == returns).unwrap_or(0);
        let doubtful: Vec<ClassId> = self.doubtful.iter().map(|doubtful| doubtful.class).collect();
        let kin = match self.reductions.commuting {
            true => kin(&self.table, &self.open, &doubtful, at),
            false => vec![true; count],
        };
        let twin = |at: usize| {
            let twin = self.open[..at].iter().rev().find(|open| open.class == self.open[at].class)?;
            self.reductions.twins.then_some(twin.slot)
        };
        let twins = (0..self.open.len()).map(twin).collect();
        let around = Rc::new(Around { kin, twins });
        self.around.insert(self.now, around.clone());
        around
    }

    fn held_bytes(&self) -> usize {
        let met = 3 * (size_of::<(usize, StateId, SlotSet, Used)>() + 1) * self.met.len();
        let around = self.around.len() * (64 + 17 * self.open.len());
        let moments = self.moments.len() * (size_of::<Moment>() + size_of::<usize>() + size_of::<ClassId>());
        let choices = self.choices.last().map_or(0, |choice| choice.config.held_bytes() + size_of::<Choice>());
        met + self.choices.len() * choices + self.table.held_bytes() + around + moments
    }
}

/// A slot for each entry that returns, which no other has while it is open.
fn slots<C, R>(moments: &[Moment], entries: &[super::entry::Entry<C, R>]) -> Vec<usize> {
    let (mut slots, mut free, mut count) = (vec![0; entries.len()], Vec::new(), 0);
    for Moment { what, entry, .. } in moments.iter().filter(|moment| entries[moment.entry].must) {
        match what {
            What::Invoke => {
                slots[*entry] = free.pop().unwrap_or_else(|| {
                    count += 1;
                    count - 1
                });
            }
            What::Return => free.push(slots[*entry]),
        }
    }
    slots
}
