//! The disk, on threads of its own. One writes the log, with group commit: whatever was asked while one sync was under way
//! shares the next. The other one writes snapshots, however large, and entries need not wait for them.

use crate::core::Persist;
use crate::storage::{Disk, Record, SnapshotDesk, StorageError, Wal};
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
    snapshots: Option<sync::Sender<Snapshot>>,
    outcomes: mpsc::UnboundedReceiver<Result<Durable, StorageError>>,
    threads: Vec<JoinHandle<()>>,
}

/// Something to write.
#[derive(Debug)]
enum Job {
    Persist(Persist),
    /// A snapshot that was prepared, since then.
    Adopt(Snapshot, Instant),
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
    /// Starts the threads.
    pub fn start<D: Disk<File: Send> + Send>(wal: Wal<D>) -> io::Result<Journal> {
        let (queue, jobs) = sync::channel();
        let (snapshots, taken) = sync::channel();
        let (report, outcomes) = mpsc::unbounded_channel();
        let (desk, prepared, failed) = (wal.snapshot_desk(), queue.clone(), report.clone());
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| thread::Builder::new().name(name.into()).spawn(work);
        let threads = vec![
            spawn("snapshots", Box::new(move || prepare_all(&desk, &taken, &prepared, &failed)))?,
            spawn("journal", Box::new(move || write_all(wal, &jobs, &report)))?,
        ];
        Ok(Journal { queue: Some(queue), snapshots: Some(snapshots), outcomes, threads })
    }

    /// Asks for a write. If a thread has ended, [`Journal::outcome`] tells why.
    pub(super) fn submit(&self, persist: Persist) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(Job::Persist(persist));
        }
    }

    /// Asks for a snapshot that was taken here to be written. It counts after all that was asked for before.
    pub(super) fn submit_snapshot(&self, snapshot: Snapshot) {
        if let Some(snapshots) = &self.snapshots {
            let _ = snapshots.send(snapshot);
        }
    }

    /// Waits for the next outcome: something is durable, or the disk has failed for good.
    pub(super) async fn outcome(&mut self) -> Result<Durable, StorageError> {
        self.outcomes.recv().await.unwrap_or(Err(StorageError::Stopped))
    }
}

impl Drop for Journal {
    /// Lets the threads finish what they were asked, so that the log is closed when this returns. A member that panics does
    /// not wait: a disk that hangs would keep a broken server alive.
    fn drop(&mut self) {
        (self.queue, self.snapshots) = (None, None);
        for thread in self.threads.drain(..).filter(|_| !thread::panicking()) {
            let _ = thread.join();
        }
    }
}

/// Prepares snapshots, and leaves the rest to the thread that writes the log.
fn prepare_all<D: Disk>(
    desk: &SnapshotDesk<D>,
    taken: &sync::Receiver<Snapshot>,
    prepared: &sync::Sender<Job>,
    report: &mpsc::UnboundedSender<Result<Durable, StorageError>>,
) {
    while let Ok(snapshot) = taken.recv() {
        let begun = Instant::now();
        if let Err(failed) = desk.prepare(&snapshot) {
            let _ = report.send(Err(failed));
            return;
        }
        if prepared.send(Job::Adopt(snapshot, begun)).is_err() {
            return;
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
            Job::Adopt(snapshot, begun) => {
                wal.adopt_snapshot(snapshot.last_index).map(|()| Durable::Snapshot(snapshot, begun.elapsed()))
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
            Ok(snapshot @ Job::Adopt(..)) => return (group, Some(snapshot)),
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
