//! Watch safety: who watches from a revision on is told of every change after it, once, in order and whole, or is told that
//! some of it is gone, whichever members it asks.
//!
//! What should be told follows from the entries that were applied. It catches `watch-past-snapshot`.

use raftd::machine::{Command, Event, Machine};
use raftd::node::Told;
use raftd::types::{Bug, Entry, Index, Payload};

/// What there is to tell.
#[derive(Debug, Default)]
pub struct WatchSafety {
    machine: Machine,
    /// What each entry did, from index 1.
    events: Vec<Vec<Event>>,
}

impl WatchSafety {
    /// Watching members with a planted bug.
    pub(super) fn new(bug: Option<Bug>) -> WatchSafety {
        WatchSafety { machine: Machine::with_bug(bug), events: Vec::new() }
    }

    /// A watcher that has seen everything up to `seen` was told this.
    pub(super) fn see(&mut self, seen: Index, told: &Told, applied: &[Entry]) -> Result<(), String> {
        for entry in &applied[self.events.len()..] {
            let events = self.apply(entry);
            self.events.push(events);
        }
        let between = self.events.iter().zip(1..).take(told.up_to as usize).skip(seen as usize);
        let due: Vec<(Index, &Vec<Event>)> =
            between.filter(|(events, _)| !events.is_empty()).map(|(events, index)| (index, events)).collect();
        let got: Vec<(Index, &Vec<Event>)> = told.changes.iter().map(|c| (c.revision, &c.events)).collect();
        match due == got {
            true => Ok(()),
            false => {
                let indexes = |list: &[(Index, &Vec<Event>)]| list.iter().map(|(index, _)| *index).collect::<Vec<_>>();
                let (due, got) = (indexes(&due), indexes(&got));
                Err(format!(
                    "from {seen} to {} a watcher is told of changes {got:?}, but there are {due:?}",
                    told.up_to
                ))
            }
        }
    }

    fn apply(&mut self, entry: &Entry) -> Vec<Event> {
        let Payload::Command { bytes, .. } = &entry.payload else { return Vec::new() };
        let command = Command::decode(bytes).expect("only clients of the simulation make commands");
        self.machine.apply_telling(entry.index, &command).1
    }
}
