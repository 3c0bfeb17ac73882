//! The disk, on a thread of its own, with group commit: whatever was asked while one sync was under way shares the next.

use crate::core::Persist;
use crate::storage::{Disk, Record, StorageError, Wal};
use crate::types::Payload;
use std::io;
use std::sync::mpsc as sync;
use std::thread::{self, JoinHandle};
use tokio::sync::mpsc;

/// A group ends when its commands have this many bytes.
const GROUP_BYTES: usize = 1 << 20;

/// Writes to a log in the background.
///
/// The queue is not bounded here: the core bounds what can be in it, by its limits on uncommitted entries and, for a
/// follower, on messages in flight. To block would be wrong: a leader with a slow disk must go on sending heartbeats.
#[derive(Debug)]
pub struct Journal {
    queue: Option<sync::Sender<Persist>>,
    outcomes: mpsc::UnboundedReceiver<Result<u64, StorageError>>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Starts the thread.
    pub fn start<D: Disk<File: Send> + Send>(wal: Wal<D>) -> io::Result<Journal> {
        let (queue, requests) = sync::channel();
        let (report, outcomes) = mpsc::unbounded_channel();
        let thread = thread::Builder::new().name("journal".into()).spawn(move || write_all(wal, &requests, &report))?;
        Ok(Journal { queue: Some(queue), outcomes, thread: Some(thread) })
    }

    /// Asks for a write. If the thread has ended, [`Journal::outcome`] tells why.
    pub(super) fn submit(&self, persist: Persist) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(persist);
        }
    }

    /// Waits for the next outcome: all requests up to this number are durable, or the disk has failed for good.
    pub(super) async fn outcome(&mut self) -> Result<u64, StorageError> {
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
    requests: &sync::Receiver<Persist>,
    report: &mpsc::UnboundedSender<Result<u64, StorageError>>,
) {
    while let Ok(first) = requests.recv() {
        let mut group = vec![first];
        let mut bytes = group.iter().map(size).sum::<usize>();
        while bytes < GROUP_BYTES
            && let Ok(next) = requests.try_recv()
        {
            bytes += size(&next);
            group.push(next);
        }
        let last = group.last().map_or(0, |persist| persist.sequence);
        let records = group.into_iter().map(|Persist { hard_state, entries, .. }| Record { hard_state, entries });
        let outcome = wal.save(&records.collect::<Vec<_>>()).map(|()| last);
        let failed = outcome.is_err();
        if report.send(outcome).is_err() || failed {
            return;
        }
    }
}

fn size(persist: &Persist) -> usize {
    let command = |payload: &Payload| match payload {
        Payload::Noop => 0,
        Payload::Command { bytes, .. } => bytes.len(),
    };
    persist.entries.iter().map(|entry| command(&entry.payload)).sum()
}
