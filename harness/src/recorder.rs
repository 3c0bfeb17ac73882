//! Writes the history while the run goes on.
//!
//! Events are handed to a thread that formats them and passes them to the kernel within [`FLUSH_EVERY`]; from then on they
//! survive the death of squall. Whoever is about to send a request records the invocation first: then no prefix of the
//! file holds an observation without its cause.

use crate::live::Listener;
use crate::stop::{Reason, Stopper};
use squall_results::Event;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use thiserror::Error;

/// How often recorded events are handed to the kernel.
pub const FLUSH_EVERY: Duration = Duration::from_millis(5);

/// The history cannot be written. What was written before stays readable.
#[derive(Debug, Clone, Error)]
#[error("cannot write the history {path}: {reason}; free some space or choose another folder with --store")]
pub struct RecordError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub reason: String,
}

/// Where events are handed in. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    events: mpsc::Sender<Event>,
}

impl Recorder {
    /// Records an event.
    pub fn record(&self, event: Event) {
        // The receiver is gone only after writing failed, and then the run was asked to stop.
        let _ = self.events.send(event);
    }
}

/// The thread that writes.
pub struct Recording {
    thread: JoinHandle<io::Result<()>>,
    closing: Arc<AtomicBool>,
    path: PathBuf,
}

/// Starts to record into a new file at `path`. When it cannot be written, the run is asked to stop. Whoever `listens` gets
/// every event once it is written, as long as it keeps up.
///
/// # Errors
/// When the file cannot be created.
pub fn start(path: &Path, stopper: Stopper, listens: Option<Listener>) -> Result<(Recorder, Recording), RecordError> {
    let wrap = |error: io::Error| RecordError { path: path.into(), reason: error.to_string() };
    let file = File::create_new(path).map_err(wrap)?;
    let (sender, receiver) = mpsc::channel();
    let closing = Arc::new(AtomicBool::new(false));
    let thread_closing = closing.clone();
    let thread = thread::Builder::new().name("recorder".into()).spawn(move || {
        let fail = |error: &io::Error| stopper.stop(Reason::Failure(format!("cannot write the history: {error}")));
        write_all(&receiver, file, &thread_closing, listens).inspect_err(fail)
    });
    let thread = thread.map_err(wrap)?;
    Ok((Recorder { events: sender }, Recording { thread, closing, path: path.into() }))
}

fn write_all(
    events: &mpsc::Receiver<Event>,
    file: File,
    closing: &AtomicBool,
    mut listens: Option<Listener>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, file);
    loop {
        // Read before the queue is emptied: what was recorded before closing is then written.
        let last = closing.load(Ordering::Acquire);
        while let Ok(event) = events.try_recv() {
            serde_json::to_writer(&mut out, &event)?;
            out.write_all(b"\n")?;
            // Nobody may be listening any more; the record goes on.
            if listens.as_ref().is_some_and(|listens| !listens.hand(event)) {
                listens = None;
            }
        }
        out.flush()?;
        if last {
            return Ok(());
        }
        thread::park_timeout(FLUSH_EVERY);
    }
}

impl Recording {
    /// Writes what was recorded so far and closes the file.
    ///
    /// # Errors
    /// When something could not be written, now or before.
    pub fn finish(self) -> Result<(), RecordError> {
        self.closing.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let result = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the recorder panicked")));
        result.map_err(|error| RecordError { path: self.path, reason: error.to_string() })
    }
}
