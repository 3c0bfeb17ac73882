//! What a leader knows about one follower's log, and how much is under way to it.

use super::log::Log;
use super::message::SnapshotName;
use crate::types::{Bug, Index, Snapshot, Term};
use std::collections::VecDeque;

#[derive(Debug, Clone, Hash)]
pub(super) struct Progress {
    /// matchIndex: so much of the leader's log is on the follower's disk.
    pub(super) match_index: Index,
    /// nextIndex: what to send next; always beyond `match_index`.
    pub(super) next_index: Index,
    /// The newest round of heartbeats that the follower echoed.
    pub(super) echoed_round: u64,
    /// The last commit index that an Append told.
    commit_told: Index,
    pace: Pace,
    /// A heartbeat went out on the timer since the follower's last echo: the echo is the time to look for losses.
    look_for_loss: bool,
    /// `match_index` when losses were last looked for.
    match_at_last_look: Index,
}

#[derive(Debug, Clone, Hash)]
enum Pace {
    /// Where the logs agree is not known: one message, then its answer.
    Probe {
        /// The message is under way.
        waiting: bool,
    },
    /// The logs agree up to `next_index` if nothing is lost: message upon message.
    Replicate {
        /// The last index of each message with entries under way.
        in_flight: VecDeque<Index>,
    },
    /// The follower lacks what only the snapshot still has: one chunk, then its answer.
    Chunks {
        snapshot: Snapshot,
        name: SnapshotName,
        /// How much of it the follower is known to have.
        offset: u64,
        /// A chunk is under way.
        waiting: bool,
        /// `offset` when losses were last looked for.
        offset_at_last_look: u64,
        /// What the last answer said, if that was less: it is old, or the follower has lost what it had.
        behind: Option<u64>,
    },
}

/// What to send a follower next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Entries from `next_index` on, or, if there are none, the question whether the logs agree.
    Entries,
    /// Only the commit index.
    Commit,
    /// A chunk of the snapshot.
    Chunk,
    /// Nothing for now.
    Wait,
}

impl Progress {
    /// A new leader assumes that the follower lacks nothing (figure 2 of the extended paper), and asks. It knows of nothing.
    pub(super) fn new(last_index: Index, bug: Option<Bug>) -> Progress {
        Progress {
            match_index: if bug == Some(Bug::MatchAtStart) { last_index } else { 0 },
            next_index: last_index + 1,
            echoed_round: 0,
            commit_told: 0,
            pace: Pace::Probe { waiting: false },
            look_for_loss: false,
            match_at_last_look: 0,
        }
    }

    /// Whether the follower is sent a snapshot.
    pub(super) fn gets_snapshot(&self) -> bool {
        matches!(self.pace, Pace::Chunks { .. })
    }

    /// What to send next.
    pub(super) fn next_step(&self, last_index: Index, commit: Index, max_inflight: usize) -> Step {
        match &self.pace {
            Pace::Probe { waiting: false } => Step::Entries,
            Pace::Chunks { waiting: false, .. } => Step::Chunk,
            Pace::Probe { waiting: true } | Pace::Chunks { waiting: true, .. } => Step::Wait,
            Pace::Replicate { in_flight } if in_flight.len() >= max_inflight => Step::Wait,
            Pace::Replicate { .. } if self.next_index <= last_index => Step::Entries,
            Pace::Replicate { .. } if self.commit_told < commit => Step::Commit,
            Pace::Replicate { .. } => Step::Wait,
        }
    }

    /// A message with `count` entries from `next_index` on, and with the commit index, was sent.
    pub(super) fn sent(&mut self, count: usize, commit: Index) {
        self.commit_told = commit;
        match &mut self.pace {
            Pace::Probe { waiting } => *waiting = true,
            Pace::Replicate { in_flight } if count > 0 => {
                self.next_index += count as Index;
                in_flight.push_back(self.next_index - 1);
            }
            Pace::Replicate { .. } | Pace::Chunks { .. } => {}
        }
    }

    /// The entries that the follower needs next are gone: it needs the snapshot.
    pub(super) fn needs_snapshot(&mut self, snapshot: Snapshot) {
        let name = SnapshotName::of(&snapshot);
        self.pace = Pace::Chunks { snapshot, name, offset: 0, waiting: false, offset_at_last_look: 0, behind: None };
    }

    /// The snapshot that the follower is sent, and where in its state the next chunk begins. That is now under way.
    pub(super) fn next_chunk(&mut self) -> Option<(&Snapshot, SnapshotName, usize)> {
        let Pace::Chunks { snapshot, name, offset, waiting, .. } = &mut self.pace else { return None };
        *waiting = true;
        let offset = usize::try_from(*offset).expect("an offset in memory");
        Some((snapshot, *name, offset))
    }

    /// The follower has so much of a snapshot. If that is one which it got from an earlier leader, this one goes on there.
    pub(super) fn chunk_received(&mut self, of: SnapshotName, received: u64) {
        let Pace::Chunks { name, offset, waiting, behind, .. } = &mut self.pace else { return };
        if of != *name || received > name.bytes {
            return;
        }
        if received > *offset {
            (*offset, *waiting, *behind) = (received, false, None);
        } else {
            *behind = Some(received);
        }
    }

    /// The follower has everything up to `match_index`. Old answers say less than is known, and change nothing.
    pub(super) fn appended(&mut self, match_index: Index) {
        self.match_index = self.match_index.max(match_index);
        match &mut self.pace {
            Pace::Probe { .. } => {
                self.next_index = self.match_index + 1;
                self.pace = Pace::Replicate { in_flight: VecDeque::new() };
            }
            Pace::Replicate { in_flight } => {
                while in_flight.pop_front_if(|last| *last <= match_index).is_some() {}
                self.next_index = self.next_index.max(self.match_index + 1);
            }
            Pace::Chunks { snapshot, .. } if self.match_index < snapshot.last_index => {}
            Pace::Chunks { .. } => {
                self.next_index = self.match_index + 1;
                self.pace = Pace::Replicate { in_flight: VecDeque::new() };
            }
        }
    }

    /// The follower refused a message; see [`Body::AppendRejected`](super::message::Body::AppendRejected). Goes back over
    /// a whole term at once (end of section 5.3).
    pub(super) fn rejected(&mut self, log: &Log, previous: Index, conflict_term: Option<Term>, first: Index) {
        let is_news = match self.pace {
            Pace::Probe { .. } => previous + 1 == self.next_index,
            Pace::Replicate { .. } => previous > self.match_index,
            Pace::Chunks { .. } => false,
        };
        if !is_news {
            return;
        }
        let agreed = conflict_term.and_then(|term| log.last_index_of_term(term));
        let next = agreed.map_or(first, |index| index + 1);
        self.next_index = next.min(previous).max(self.match_index + 1);
        self.pace = Pace::Probe { waiting: false };
    }

    /// A heartbeat goes out on the timer.
    pub(super) fn heartbeat_due(&mut self) {
        self.look_for_loss = true;
    }

    /// The follower echoed a heartbeat. Returns whether to ask if the logs still agree up to `next_index`, because nothing
    /// moved since the last time: a message may be lost, or the follower's disk is slow. If it is slow, asking costs little.
    pub(super) fn echoed(&mut self, round: u64) -> bool {
        self.echoed_round = self.echoed_round.max(round);
        if !std::mem::take(&mut self.look_for_loss) {
            return false;
        }
        let moved = self.match_index > std::mem::replace(&mut self.match_at_last_look, self.match_index);
        match &mut self.pace {
            Pace::Probe { waiting } => {
                *waiting = false;
                false
            }
            Pace::Replicate { in_flight } => !in_flight.is_empty() && !moved,
            Pace::Chunks { offset, waiting, offset_at_last_look, behind, .. } => {
                if *offset == std::mem::replace(offset_at_last_look, *offset) {
                    // A chunk or its answer is lost, or the follower has lost what it had: it said then how much is left.
                    (*offset, *waiting) = (behind.take().unwrap_or(*offset), false);
                }
                false
            }
        }
    }
}
