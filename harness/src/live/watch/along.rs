//! A checker that takes events as they come.

use super::{Watch, Wrong, wrong};
use squall_results::call::Key;
use squall_results::checker::Live;
use squall_results::checker::online::State;
use squall_results::history::HistoryBuilder;
use squall_results::in_order::{InOrder, SLACK_NS};
use squall_results::{Budget, Checker, Event};
use std::collections::HashMap;
use std::time::Duration;

/// Hands events on in their order, and keeps those of keys that are in use, for the evidence.
pub struct Along<'a> {
    checker: &'a dyn Checker,
    judge: Box<dyn Live + 'a>,
    events: InOrder,
    /// The keys that were in use not long ago.
    keys: HashMap<Key, Recent>,
    key_of_op: HashMap<u64, Key>,
    now_ns: u64,
    swept_ns: u64,
    /// Whether the events made no history: then nothing more is said here.
    broken: bool,
}

/// What happened on a key.
#[derive(Default)]
struct Recent {
    last_ns: u64,
    events: Vec<Event>,
}

/// After how long without a call a key counts as over. What is called on it all the same, as final reads are, is judged
/// when the run is over.
const IDLE_NS: u64 = 60_000_000_000;

/// How long telling what is wrong may take.
const TIME_TO_TELL: Duration = Duration::from_secs(10);

impl<'a> Along<'a> {
    pub fn new(checker: &'a dyn Checker, judge: Box<dyn Live + 'a>) -> Along<'a> {
        Along {
            checker,
            judge,
            events: InOrder::new(SLACK_NS),
            keys: HashMap::new(),
            key_of_op: HashMap::new(),
            now_ns: 0,
            swept_ns: 0,
            broken: false,
        }
    }

    fn keep(&mut self, event: &Event) {
        let (key, at_ns) = match event {
            Event::Invoke(invoke) => {
                self.key_of_op.insert(invoke.op, invoke.call.key());
                (Some(invoke.call.key()), invoke.at_ns)
            }
            Event::Return(ret) => (self.key_of_op.remove(&ret.op), ret.at_ns),
            _ => (None, 0),
        };
        self.now_ns = self.now_ns.max(at_ns);
        if let Some(key) = key {
            let recent = self.keys.entry(key).or_default();
            recent.last_ns = at_ns;
            recent.events.push(event.clone());
        }
        if self.now_ns - self.swept_ns > IDLE_NS {
            self.swept_ns = self.now_ns;
            let idle = self.keys.extract_if(|_, recent| self.now_ns - recent.last_ns > IDLE_NS);
            idle.for_each(|(key, _)| self.judge.retire(key));
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
        let budget = Budget { time: TIME_TO_TELL, ..Budget::default() };
        wrong(&self.checker.check(&history.finish(), &budget)).unwrap_or_else(plain)
    }
}

impl Watch for Along<'_> {
    fn take(&mut self, events: &[Event]) {
        for event in events {
            self.keep(event);
            self.broken |= !self.events.push(event.clone());
        }
        while let Some(event) = self.events.due().filter(|_| !self.broken) {
            self.broken |= self.judge.push(&event).is_err();
        }
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
