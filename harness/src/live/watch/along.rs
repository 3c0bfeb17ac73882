//! A checker that takes events as they come.

use super::{Watch, Wrong, wrong};
use squall_results::call::Key;
use squall_results::checker::Live;
use squall_results::checker::online::State;
use squall_results::history::HistoryBuilder;
use squall_results::in_order::{InOrder, SLACK_NS};
use squall_results::{Budget, Checker, Event};
use std::collections::HashMap;

/// Hands events on in their order, and keeps those of keys that are in use, for the evidence.
pub struct Along<'a> {
    checker: &'a dyn Checker,
    judge: Box<dyn Live + 'a>,
    /// For telling what is wrong.
    budget: Budget,
    events: InOrder,
    /// The keys that were in use not long ago.
    keys: HashMap<Key, Recent>,
    key_of_op: HashMap<u64, Key>,
    now_ns: u64,
    swept_ns: u64,
    /// Whether the events made no history: then nothing more is said here.
    broken: bool,
}

/// What happened on a key, as far as the judge knows it.
#[derive(Default)]
struct Recent {
    last_ns: u64,
    events: Vec<Event>,
    /// Whether there were too many to keep them: then what is wrong is told without evidence.
    is_crowded: bool,
}

/// After how long without a call a key counts as over. What is called on it all the same, as final reads are, is judged
/// when the run is over.
const IDLE_NS: u64 = 60_000_000_000;

/// How many events of a key are kept for the evidence.
const EVENTS_MAX: usize = 50_000;

impl<'a> Along<'a> {
    pub fn new(checker: &'a dyn Checker, judge: Box<dyn Live + 'a>, budget: Budget) -> Along<'a> {
        Along {
            checker,
            judge,
            budget,
            events: InOrder::new(SLACK_NS),
            keys: HashMap::new(),
            key_of_op: HashMap::new(),
            now_ns: 0,
            swept_ns: 0,
            broken: false,
        }
    }

    fn keep(&mut self, event: Event) {
        let (key, at_ns) = match &event {
            Event::Invoke(invoke) => {
                self.key_of_op.insert(invoke.op, invoke.call.key());
                (Some(invoke.call.key()), invoke.at_ns)
            }
            Event::Return(ret) => (self.key_of_op.remove(&ret.op), ret.at_ns),
            _ => (None, 0),
        };
        self.now_ns = self.now_ns.max(at_ns);
        let Some(key) = key else { return };
        let recent = self.keys.entry(key).or_default();
        recent.last_ns = at_ns;
        if recent.events.len() == EVENTS_MAX {
            *recent = Recent { last_ns: at_ns, events: Vec::new(), is_crowded: true };
        } else if !recent.is_crowded {
            recent.events.push(event);
        }
    }

    /// Ends keys that are idle. One that turns out to be broken is kept, to be told.
    fn sweep(&mut self) {
        if self.now_ns - self.swept_ns <= IDLE_NS {
            return;
        }
        self.swept_ns = self.now_ns;
        let is_idle = |recent: &Recent| self.now_ns - recent.last_ns > IDLE_NS;
        let idle: Vec<Key> = self.keys.iter().filter(|(_, recent)| is_idle(recent)).map(|(key, _)| *key).collect();
        idle.iter().for_each(|key| self.judge.retire(*key));
        if !matches!(self.judge.state(), State::NoOrder { .. }) {
            idle.iter().for_each(|key| drop(self.keys.remove(key)));
        }
    }

    /// What the checker says of a key that is broken.
    fn tell(&self, key: Key, op: u64, at_ns: u64) -> Wrong {
        let plain = || Wrong { at_ns, told: format!("key {key} has no legal order since operation {op} returned") };
        let mut history = HistoryBuilder::default();
        let events = self.keys.get(&key).map(|recent| recent.events.as_slice()).unwrap_or_default();
        if events.iter().any(|event| history.push(event.clone()).is_err()) {
            return plain();
        }
        wrong(&self.checker.check(&history.finish(), &self.budget)).unwrap_or_else(plain)
    }
}

impl Watch for Along<'_> {
    fn take(&mut self, events: &[Event]) {
        for event in events {
            self.broken |= !self.events.push(event.clone());
        }
        while let Some(event) = self.events.due().filter(|_| !self.broken) {
            self.broken |= self.judge.push(&event).is_err();
            self.keep(event);
        }
        self.sweep();
    }

    fn wrong(&mut self) -> Option<Wrong> {
        if self.broken {
            return None;
        }
        match self.judge.state() {
            State::NoOrder { key, op, at_ns } => Some(self.tell(key, op, at_ns)),
            State::Legal | State::Unknown { .. } => None,
        }
    }
}
