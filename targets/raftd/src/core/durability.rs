//! What has been asked of the disk, what it has done, and the messages that wait for it.
//!
//! Persistence before speech: a member that says a thing must still know it after a crash. If it could forget a vote, it
//! would vote twice in a term and two leaders would rule it; if it could forget an acknowledged entry, a majority that
//! "has" the entry could later elect a leader without it. Therefore each message waits here for the request that
//! covers what it says. Requests complete in order, so one number tells how far the disk has come.

use super::message::Message;
use super::output::Persist;
use crate::types::{HardState, Index};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// What a message says, hence what must be durable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: only a planted bug speaks so.
    Nothing,
    /// Only the term and vote.
    Term,
    /// All of the log too.
    Log,
}

#[derive(Debug, Clone)]
pub(super) struct Durability {
    /// The number of the last request handed out.
    requested: u64,
    /// The number of the last request that is durable.
    durable: u64,
    /// The hard state changed since the last request.
    term_changed: bool,
    /// The first index of the log that changed since the last request.
    log_changed_from: Option<Index>,
    /// The request, possibly the next one, that covers the hard state as it is.
    term_sequence: u64,
    /// The same for the log.
    log_sequence: u64,
    /// Requests that are not durable yet and write entries.
    in_flight: VecDeque<Write>,
    /// The last index of the log on disk.
    disk_end: Index,
    /// Messages to go out, each with the request that must be durable first, in the order in which they were sent: those
    /// that waited when they were last looked through, as far as the disk had come then, and what came since. There can
    /// be very many while a disk stands still, and each message that is heard asks what may be spoken.
    waiting: Vec<(u64, Message)>,
    looked_at: u64,
    fresh: Vec<(u64, Message)>,
}

#[derive(Debug, Clone)]
struct Write {
    sequence: u64,
    first: Index,
    last: Index,
}

/// The numbers of requests only matter as far as they are not durable, so states that differ by those that are count as one.
impl Hash for Durability {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ahead = |sequence: u64| sequence.saturating_sub(self.durable);
        (ahead(self.requested), ahead(self.term_sequence), ahead(self.log_sequence)).hash(state);
        (self.term_changed, self.log_changed_from, self.disk_end).hash(state);
        self.in_flight.iter().for_each(|write| (ahead(write.sequence), write.first, write.last).hash(state));
        let messages = self.waiting.iter().chain(&self.fresh);
        messages.for_each(|(sequence, message)| (ahead(*sequence), message).hash(state));
    }
}

impl Durability {
    /// At the start the disk holds all that is known.
    pub(super) fn new(disk_end: Index) -> Durability {
        Durability {
            requested: 0,
            durable: 0,
            term_changed: false,
            log_changed_from: None,
            term_sequence: 0,
            log_sequence: 0,
            in_flight: VecDeque::new(),
            disk_end,
            waiting: Vec::new(),
            looked_at: 0,
            fresh: Vec::new(),
        }
    }

    /// The term or the vote changed.
    pub(super) fn term_changed(&mut self) {
        self.term_changed = true;
        self.term_sequence = self.requested + 1;
    }

    /// The log changed at `first` and after.
    pub(super) fn log_changed(&mut self, first: Index) {
        self.log_changed_from = Some(self.log_changed_from.map_or(first, |earlier| earlier.min(first)));
        self.log_sequence = self.requested + 1;
    }

    /// Whether the term and the vote are on disk.
    pub(super) fn term_is_durable(&self) -> bool {
        self.term_sequence <= self.durable
    }

    /// How much of the log as it is in memory is on disk. What a later request overwrites does not count.
    pub(super) fn durable_index(&self) -> Index {
        let in_flight = self.in_flight.iter().map(|write| write.first);
        in_flight.chain(self.log_changed_from).map(|first| first - 1).fold(self.disk_end, Index::min)
    }

    /// Queues a message until what it says is durable.
    pub(super) fn send(&mut self, message: Message, needs: Needs) {
        let sequence = match needs {
            Needs::Nothing => 0,
            Needs::Term => self.term_sequence,
            Needs::Log => self.term_sequence.max(self.log_sequence),
        };
        self.fresh.push((sequence, message));
    }

    /// Takes what changed since the last call, as a request without its contents: the first index to write, if any, and
    /// whether the hard state is due.
    pub(super) fn request(&mut self, hard_state: HardState, last_index: Index) -> Option<(Persist, Option<Index>)> {
        let hard_state = std::mem::take(&mut self.term_changed).then_some(hard_state);
        let first = self.log_changed_from.take();
        if hard_state.is_none() && first.is_none() {
            return None;
        }
        self.requested += 1;
        let sequence = self.requested;
        if let Some(first) = first {
            self.in_flight.push_back(Write { sequence, first, last: last_index });
        }
        Some((Persist { sequence, hard_state, snapshot: None, entries: Vec::new() }, first))
    }

    /// All requests up to `sequence` are durable.
    pub(super) fn persisted(&mut self, sequence: u64) {
        assert!(sequence <= self.requested, "request {sequence} is said to be durable, but was never made");
        self.durable = self.durable.max(sequence);
        while let Some(write) = self.in_flight.pop_front_if(|write| write.sequence <= sequence) {
            self.disk_end = write.last;
        }
    }

    /// Takes the messages that may be spoken now.
    pub(super) fn speakable(&mut self) -> Vec<Message> {
        let mut ready = Vec::new();
        if self.looked_at < self.durable {
            self.looked_at = self.durable;
            let durable = self.durable;
            ready.extend(self.waiting.extract_if(.., |(sequence, _)| *sequence <= durable));
        }
        for (sequence, message) in self.fresh.drain(..) {
            let to = if sequence <= self.durable { &mut ready } else { &mut self.waiting };
            to.push((sequence, message));
        }
        ready.into_iter().map(|(_, message)| message).collect()
    }
}
