//! Judges while the run goes on, so that a violation is told when it happens and not when the storm is over.
//!
//! A thread of its own takes every event that was recorded and asks the checkers that decide the verdict. What they say
//! here is only told: the verdict comes from the history on disk, by the same checkers, when the run is over. An open call
//! counts as one of unknown outcome, so that what is wrong now stays wrong whatever comes.

mod watch;

use crate::narrate::{Narrator, RED, RESET};
use crate::stop::{Reason, Stopper};
use squall_results::{Checker, Event};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use watch::{Wrong, watches};

/// What the live judge needs.
pub struct Options {
    /// The checkers that decide the verdict.
    pub checkers: Vec<Box<dyn Checker>>,
    /// Whether the first violation ends the run.
    pub fail_fast: bool,
    /// Tells a person.
    pub narrator: Arc<Narrator>,
    /// Asks the run to stop.
    pub stopper: Stopper,
}

/// A thread that judges. It ends when nobody can hand in events any more.
pub struct LiveJudge {
    thread: JoinHandle<()>,
}

/// Starts to judge what is handed in.
///
/// # Errors
/// When the system gives no thread.
pub fn start(options: Options) -> std::io::Result<(Sender<Event>, LiveJudge)> {
    let (sender, events) = mpsc::channel();
    let thread = thread::Builder::new().name("live judge".into()).spawn(move || judge(&events, options))?;
    Ok((sender, LiveJudge { thread }))
}

impl LiveJudge {
    /// Waits for what is left to be judged; all senders must be gone.
    pub fn finish(self) {
        // Should it have panicked, the run is as good as before, and the checkers speak at its end.
        let _ = self.thread.join();
    }
}

fn judge(events: &Receiver<Event>, options: Options) {
    let Options { checkers, fail_fast, narrator, stopper } = options;
    let mut watches = watches(&checkers);
    let mut batch = Vec::new();
    while let Ok(first) = events.recv() {
        batch.push(first);
        batch.extend(events.try_iter());
        watches.iter_mut().for_each(|watch| watch.take(&batch));
        batch.clear();
        let Some(Wrong { at_ns, told }) = watches.iter_mut().find_map(|watch| watch.wrong()) else { continue };
        narrator.say_at(at_ns, &format!("{RED}violation{RESET}: {told}"));
        if fail_fast {
            stopper.stop(Reason::Violation(told));
        }
        // One is enough: the rest is told at the end.
        break;
    }
    // Whoever records must not fill the memory.
    events.iter().for_each(drop);
}
