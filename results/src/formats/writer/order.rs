//! The order in which lines must stand where it says what was concurrent: by instant, and at one instant what begins before
//! what ends, as far as one process does one thing at a time.

use crate::event::Event;
use crate::in_order::{InOrder, SLACK_NS};
use rustc_hash::{FxHashMap, FxHashSet};

/// Puts events into the order of their lines.
pub(super) struct LineOrder {
    sorted: InOrder,
    /// Those of one instant, and the instant.
    instant: Vec<Event>,
    at_ns: u64,
    /// Which operation each process has open, and the other way round, as far as lines were given out.
    open: FxHashMap<u64, u64>,
    callers: FxHashMap<u64, u64>,
    /// How many calls stand after ends with which they are concurrent.
    told_later: u64,
}

impl LineOrder {
    pub(super) fn new() -> LineOrder {
        LineOrder {
            sorted: InOrder::new(SLACK_NS),
            instant: Vec::new(),
            at_ns: 0,
            open: FxHashMap::default(),
            callers: FxHashMap::default(),
            told_later: 0,
        }
    }

    /// Takes an invocation or a return, and gives out what is known to be next. `None`: it comes so late that the lines after
    /// it are out already.
    pub(super) fn push(&mut self, event: Event) -> Option<Vec<Event>> {
        if !self.sorted.push(event) {
            return None;
        }
        let mut out = Vec::new();
        while let Some(event) = self.sorted.due() {
            self.take(event, &mut out);
        }
        Some(out)
    }

    /// The rest, when no more will come.
    pub(super) fn rest(&mut self) -> Vec<Event> {
        let mut out = Vec::new();
        while let Some(event) = self.sorted.rest() {
            self.take(event, &mut out);
        }
        self.end_instant(&mut out);
        out
    }

    /// How many calls begin in the instant in which calls of others end, and stand after them all the same.
    pub(super) fn told_later(&self) -> u64 {
        self.told_later
    }

    fn take(&mut self, event: Event, out: &mut Vec<Event>) {
        let at_ns = match &event {
            Event::Invoke(invoke) => invoke.at_ns,
            Event::Return(ret) => ret.at_ns,
            _ => self.at_ns,
        };
        if at_ns > self.at_ns {
            self.end_instant(out);
            self.at_ns = at_ns;
        }
        self.instant.push(event);
    }

    /// Gives out the events of one instant: whoever can begin, then the ends for which somebody waits, and so on; last of all
    /// the other ends.
    fn end_instant(&mut self, out: &mut Vec<Event>) {
        let mut events = std::mem::take(&mut self.instant);
        let mut ended = 0;
        while !events.is_empty() {
            let (begin, rest): (Vec<Event>, Vec<Event>) = events.into_iter().partition(|event| self.can_begin(event));
            let (now, later) = if begin.is_empty() {
                let waiting: FxHashSet<u64> = rest.iter().filter_map(caller).collect();
                let (awaited, rest): (Vec<Event>, Vec<Event>) =
                    rest.into_iter().partition(|event| self.ends_for(event).is_some_and(|by| waiting.contains(&by)));
                ended += awaited.len();
                if awaited.is_empty() { (rest, Vec::new()) } else { (awaited, rest) }
            } else {
                // An end of its own is no other's.
                self.told_later += if ended > 1 { begin.len() as u64 } else { 0 };
                (begin, rest)
            };
            now.iter().for_each(|event| self.note(event));
            out.extend(now);
            events = later;
        }
    }

    fn can_begin(&self, event: &Event) -> bool {
        caller(event).is_some_and(|process| !self.open.contains_key(&process))
    }

    /// Whose call ends.
    fn ends_for(&self, event: &Event) -> Option<u64> {
        match event {
            Event::Return(ret) => self.callers.get(&ret.op).copied(),
            _ => None,
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Invoke(invoke) => {
                self.open.insert(invoke.process, invoke.op);
                self.callers.insert(invoke.op, invoke.process);
            }
            Event::Return(ret) => {
                if let Some(process) = self.callers.remove(&ret.op) {
                    self.open.remove(&process);
                }
            }
            _ => {}
        }
    }
}

/// Who calls.
fn caller(event: &Event) -> Option<u64> {
    match event {
        Event::Invoke(invoke) => Some(invoke.process),
        _ => None,
    }
}
