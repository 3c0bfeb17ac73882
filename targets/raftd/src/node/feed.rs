//! What watchers are told: the changes that this member applied, in order, as far back as there is room.
//!
//! A watcher has no queue. It has a place in this history, and takes what lies behind it when it is ready to; so however many there are and
//! however slow, the history is all the memory that they cost. One that falls behind what is kept is told so and has to look at
//! the state anew. A member that was just started, or that installed a snapshot, has no history of what was before.

use crate::machine::Event;
use crate::types::Index;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How many changes are kept at most.
const CHANGES_MAX: usize = 65_536;
/// How many changes a watcher takes at a time.
const BATCH: usize = 128;

/// What one entry of the log changed: all of it, so that a watcher sees a transaction as a whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// The entry.
    pub revision: Index,
    /// What it did, in order.
    pub events: Vec<Event>,
}

/// Some of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What was changed, in order.
    pub changes: Vec<Arc<Changed>>,
    /// Everything up to this revision has been told then.
    pub up_to: Index,
}

/// What was asked for is no longer kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// The oldest revision from which one may watch.
    pub oldest: Index,
}

#[derive(Debug, Default)]
struct History {
    changes: VecDeque<Arc<Changed>>,
    bytes: usize,
    /// All that was changed after this revision is there.
    complete_after: Index,
    applied: Index,
}

/// The member's side: adds to the history.
#[derive(Debug)]
pub struct Feed {
    history: Arc<Mutex<History>>,
    bytes_max: usize,
    applied: watch::Sender<Index>,
}

/// The watchers' side; clones see the same history.
#[derive(Debug, Clone)]
pub struct Watching {
    history: Arc<Mutex<History>>,
    applied: watch::Receiver<Index>,
}

impl Feed {
    /// An empty history that keeps about so many bytes.
    pub fn new(bytes_max: usize) -> (Feed, Watching) {
        let (sender, receiver) = watch::channel(0);
        let history = Arc::<Mutex<History>>::default();
        (Feed { history: history.clone(), bytes_max, applied: sender }, Watching { history, applied: receiver })
    }

    /// An entry was applied, and did this.
    pub fn add(&self, revision: Index, events: Vec<Event>) {
        let mut history = lock(&self.history);
        history.applied = revision;
        if events.is_empty() {
            return;
        }
        history.bytes += bytes(&events);
        history.changes.push_back(Arc::new(Changed { revision, events }));
        while history.bytes > self.bytes_max || history.changes.len() > CHANGES_MAX {
            let Some(oldest) = history.changes.pop_front() else { break };
            history.bytes -= bytes(&oldest.events);
            history.complete_after = oldest.revision;
        }
    }

    /// The state now stands for all entries up to this one, and nobody here knows what each of them did.
    pub fn restart(&self, applied: Index) {
        *lock(&self.history) = History { complete_after: applied, applied, ..History::default() };
    }

    /// Wakes those who wait for what was added.
    pub(super) fn tell(&self) {
        let applied = lock(&self.history).applied;
        self.applied.send_if_modified(|told| std::mem::replace(told, applied) != applied);
    }
}

impl Watching {
    /// The revision that was applied last.
    pub fn applied(&self) -> Index {
        lock(&self.history).applied
    }

    /// What was changed after a revision, the oldest first, and not all at once.
    pub fn after(&self, revision: Index) -> Result<Told, Compacted> {
        let history = lock(&self.history);
        if revision < history.complete_after {
            return Err(Compacted { oldest: history.complete_after + 1 });
        }
        let first = history.changes.partition_point(|change| change.revision <= revision);
        let changes: Vec<Arc<Changed>> = history.changes.iter().skip(first).take(BATCH).cloned().collect();
        let up_to = match changes.last() {
            Some(last) if first + changes.len() < history.changes.len() => last.revision,
            // A watcher may have seen more elsewhere.
            _ => history.applied.max(revision),
        };
        Ok(Told { changes, up_to })
    }

    /// Waits until more than this was applied. `false`: the member has stopped.
    pub async fn wait_beyond(&mut self, revision: Index) -> bool {
        self.applied.wait_for(|applied| *applied > revision).await.is_ok()
    }
}

fn bytes(events: &[Event]) -> usize {
    size_of::<Changed>() + events.iter().map(Event::bytes).sum::<usize>()
}

fn lock(history: &Mutex<History>) -> MutexGuard<'_, History> {
    // Nothing that is done under the lock can panic halfway.
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(number: Index) -> Vec<Event> {
        vec![Event::Put { key: "k".into(), value: number.to_string() }]
    }

    fn revisions(told: Result<Told, Compacted>) -> (Vec<Index>, Index) {
        let Told { changes, up_to } = told.unwrap();
        (changes.iter().map(|change| change.revision).collect(), up_to)
    }

    #[test]
    fn a_watcher_is_told_everything_once_from_where_it_begins() {
        let (feed, watching) = Feed::new(1 << 20);
        for revision in 1..=9 {
            feed.add(revision, if revision % 3 == 0 { Vec::new() } else { put(revision) });
        }
        assert_eq!(revisions(watching.after(0)), (vec![1, 2, 4, 5, 7, 8], 9));
        assert_eq!(revisions(watching.after(4)), (vec![5, 7, 8], 9));
        assert_eq!(revisions(watching.after(9)), (vec![], 9));
        // It was ahead elsewhere, and waits here.
        assert_eq!(revisions(watching.after(40)), (vec![], 40));
    }

    #[test]
    fn a_long_history_is_told_piece_by_piece_without_gaps_or_doubles() {
        let (feed, watching) = Feed::new(1 << 20);
        (1..=1000).for_each(|revision| feed.add(revision, put(revision)));
        let (mut seen, mut at) = (Vec::new(), 0);
        while at < 1000 {
            let (some, up_to) = revisions(watching.after(at));
            assert!(up_to > at && some.len() <= BATCH);
            seen.extend(some);
            at = up_to;
        }
        assert_eq!(seen, (1..=1000).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_kept_is_said_to_be_gone() {
        let (feed, watching) = Feed::new(10 * bytes(&put(10)));
        (10..=99).for_each(|revision| feed.add(revision, put(revision)));
        assert_eq!(watching.after(50), Err(Compacted { oldest: 90 }));
        assert_eq!(watching.after(88), Err(Compacted { oldest: 90 }));
        assert_eq!(revisions(watching.after(89)), ((90..=99).collect(), 99));
        // Entries that changed nothing move nothing.
        feed.add(200, Vec::new());
        assert_eq!(revisions(watching.after(98)), (vec![99], 200));
        feed.restart(300);
        assert_eq!(watching.after(299), Err(Compacted { oldest: 301 }));
        assert_eq!(revisions(watching.after(300)), (vec![], 300));
    }

    #[tokio::test]
    async fn who_waits_is_woken_and_hears_of_the_end() {
        let (feed, mut watching) = Feed::new(1 << 20);
        let waiting = tokio::spawn({
            let mut watching = watching.clone();
            async move { watching.wait_beyond(0).await }
        });
        feed.add(1, put(1));
        feed.tell();
        assert!(waiting.await.unwrap());
        drop(feed);
        assert!(!watching.wait_beyond(1).await);
    }
}
