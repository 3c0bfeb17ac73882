//! A bar for who waits: how far reading is, then that judging goes on. Only on a terminal, and only after a moment.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Nobody wants to see a bar that is gone at once.
const SHOW_AFTER: Duration = Duration::from_millis(700);
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Draws until it is dropped.
pub(super) struct Progress {
    judging: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows how many of `bytes` are `read`; how many there are may be unknown.
    pub(super) fn start(bytes: Option<u64>, read: Arc<AtomicU64>) -> Progress {
        let (judging, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let thread = std::io::stderr().is_terminal().then(|| {
            let (judging, over) = (judging.clone(), over.clone());
            thread::spawn(move || draw(bytes, &read, &judging, &over))
        });
        Progress { judging, over, thread }
    }

    /// Everything is read.
    pub(super) fn judging(&self) {
        self.judging.store(true, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A bar that could not be drawn is no reason to fail.
            let _ = thread.join();
        }
    }
}

fn draw(bytes: Option<u64>, read: &AtomicU64, judging: &AtomicBool, over: &AtomicBool) {
    let begun = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    while !over.load(Ordering::Relaxed) {
        thread::park_timeout(DRAW_EVERY);
        if begun.elapsed() < SHOW_AFTER {
            continue;
        }
        let bar =
            bar.get_or_insert_with(|| ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr_with_hz(10)));
        let template = match (judging.load(Ordering::Relaxed), bytes) {
            (true, _) => "{spinner} judging  {elapsed}",
            (false, Some(_)) => "{spinner} reading  {bar:32} {bytes} of {total_bytes}, {eta} to go",
            (false, None) => "{spinner} reading  {bytes}",
        };
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(read.load(Ordering::Relaxed));
        bar.tick();
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}
