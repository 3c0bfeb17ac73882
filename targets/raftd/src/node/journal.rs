//! The disk, on a thread of its own, with group commit: whatever was asked while one sync was under way shares the next.

use crate::core::Persist;
use crate::storage::{Disk, Record, StorageError, Wal};
use crate::types::Snapshot;
use std::io;
use std::sync::mpsc as sync;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A group ends when its commands have this many bytes.
const GROUP_BYTES: usize = 1 << 20;

/// Writes to a log in the background.
///
/// The queue is not bounded here: the core bounds what can be in it, by its limits on uncommitted entries and, for a
/// follower, on messages in flight. To block would be wrong: a leader with a slow disk must go on sending heartbeats.
#[derive(Debug)]
pub struct Journal {
    queue: Option<sync::Sender<Job>>,
    outcomes: mpsc::UnboundedReceiver<Result<Durable, StorageError>>,
    thread: Option<JoinHandle<()>>,
}

/// Something to write.
#[derive(Debug)]
enum Job {
    Persist(Persist),
    Snapshot(Snapshot),
}

/// What the disk has done.
#[derive(Debug)]
pub(super) enum Durable {
    /// All requests up to this number, the last of them in this time.
    UpTo(u64, Duration),
    /// A snapshot that was taken here, in this time.
    Snapshot(Snapshot, Duration),
}

impl Journal {
    /// Starts the thread.
    pub fn start<D: Disk<File: Send> + Send>(wal: Wal<D>) -> io::Result<Journal> {
        let (queue, jobs) = sync::channel();
        let (report, outcomes) = mpsc::unbounded_channel();
        let thread = thread::Builder::new().name("journal".into()).spawn(move || write_all(wal, &jobs, &report))?;
        Ok(Journal { queue: Some(queue), outcomes, thread: Some(thread) })
    }

    /// Asks for a write. If the thread has ended, [`Journal::outcome`] tells why.
    pub(super) fn submit(&self, persist: Persist) {
        self.queue(Job::Persist(persist));
    }

    /// Asks for a snapshot that was taken here to be written, after all that was asked for before.
    pub(super) fn submit_snapshot(&self, snapshot: Snapshot) {
        self.queue(Job::Snapshot(snapshot));
    }

    fn queue(&self, job: Job) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(job);
        }
    }

    /// Waits for the next outcome: something is durable, or the disk has failed for good.
    pub(super) async fn outcome(&mut self) -> Result<Durable, StorageError> {
        self.outcomes.recv().await.unwrap_or(Err(StorageError::Stopped))
    }
}

impl Drop for Journal {
    /// Lets the thread finish what it was asked, so that the log is closed when this returns. A member that panics does
    /// not wait: a disk that hangs would keep a broken server alive.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take().filter(|_| !thread::panicking()) {
            let _ = thread.join();
        }
    }
}

fn write_all<D: Disk>(
    mut wal: Wal<D>,
    jobs: &sync::Receiver<Job>,
    report: &mpsc::UnboundedSender<Result<Durable, StorageError>>,
) {
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
        let begun = Instant::now();
        let outcome = match job {
            Job::Snapshot(snapshot) => {
                wal.save_snapshot(&snapshot).map(|()| Durable::Snapshot(snapshot, begun.elapsed()))
            }
            Job::Persist(first) => {
                let group;
                (group, next) = collect(first, jobs);
                let last = group.last().map_or(0, |persist| persist.sequence);
                let records: Vec<Record> = group.into_iter().map(record).collect();
                wal.save(&records).map(|()| Durable::UpTo(last, begun.elapsed()))
            }
        };
        let failed = outcome.is_err();
        if report.send(outcome).is_err() || failed {
            return;
        }
    }
}

/// The requests that wait and can share a sync, and what waits behind them.
fn collect(first: Persist, jobs: &sync::Receiver<Job>) -> (Vec<Persist>, Option<Job>) {
    let mut bytes = size(&first);
    let mut group = vec![first];
    while bytes < GROUP_BYTES {
        match jobs.try_recv() {
            Ok(Job::Persist(persist)) => {
                bytes += size(&persist);
                group.push(persist);
            }
            Ok(snapshot @ Job::Snapshot(_)) => return (group, Some(snapshot)),
            Err(_) => break,
        }
    }
    (group, None)
}

fn record(persist: Persist) -> Record {
    let Persist { hard_state, snapshot, entries, .. } = persist;
    Record { hard_state, snapshot, entries }
}

fn size(persist: &Persist) -> usize {
    persist.entries.iter().map(|entry| entry.payload.command_bytes()).sum()
}
