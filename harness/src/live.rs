//! Judges while the run goes on, so that a violation is told when it happens and not when the storm is over.
//!
//! A thread of its own takes every event that was recorded and asks the checkers that decide the verdict. What they say
//! here is only told: the verdict comes from the history on disk, by the same checkers, when the run is over. An open call
//! counts as one of unknown outcome, so that what is wrong now stays wrong whatever comes.

mod watch;

use crate::narrate::{Narrator, RED, RESET, YELLOW};
use crate::stop::{Reason, Stopper};
use squall_nemesis::Family;
use squall_results::event::{FaultChange, FaultEvent};
use squall_results::{Checker, Event};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
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

/// How long judging may take in all while events come.
pub const TIME_IN_ALL: Duration = Duration::from_secs(300);

/// How many events may wait to be judged. With more the judge is left behind: the run goes on as it is, and its memory
/// does not grow.
const EVENTS_WAITING_MAX: usize = 1 << 17;

/// A thread that judges. It ends when nobody can hand in events any more.
pub struct LiveJudge {
    thread: JoinHandle<()>,
    cancelled: Arc<AtomicBool>,
}

/// Where events are handed in.
pub struct Listener {
    events: SyncSender<Event>,
    is_left_behind: Arc<AtomicBool>,
}

/// Starts to judge what is handed in.
///
/// # Errors
/// When the system gives no thread.
pub fn start(options: Options) -> std::io::Result<(Listener, LiveJudge)> {
    with_room(EVENTS_WAITING_MAX, options)
}

fn with_room(room: usize, options: Options) -> std::io::Result<(Listener, LiveJudge)> {
    let (sender, events) = mpsc::sync_channel(room);
    let is_left_behind = Arc::new(AtomicBool::new(false));
    let cancelled = Arc::new(AtomicBool::new(false));
    let listener = Listener { events: sender, is_left_behind: is_left_behind.clone() };
    let thread_cancelled = cancelled.clone();
    let thread = thread::Builder::new().name("live judge".into()).spawn(move || {
        let narrator = options.narrator.clone();
        // What the checkers cannot do now they may not be able to do later either, but then it is told in the verdict.
        let judging = catch_unwind(AssertUnwindSafe(|| judge(&events, options, &thread_cancelled)));
        let why = match judging {
            Err(_) => "judging along failed; please report this with the history",
            Ok(Some(Wrong { .. })) => return,
            Ok(None) if is_left_behind.load(Ordering::Acquire) => "judging along could not keep up",
            Ok(None) => return,
        };
        narrator.say(&format!("{YELLOW}{why}{RESET}: what is wrong is told when the run is over"));
    })?;
    Ok((listener, LiveJudge { thread, cancelled }))
}

impl Listener {
    /// Hands in an event. `false`: nobody listens any more.
    pub fn hand(&self, event: Event) -> bool {
        match self.events.try_send(event) {
            Ok(()) => true,
            Err(mpsc::TrySendError::Full(_)) => {
                self.is_left_behind.store(true, Ordering::Release);
                false
            }
            Err(mpsc::TrySendError::Disconnected(_)) => false,
        }
    }
}

impl LiveJudge {
    /// Whoever waits for the verdict need not wait for this judge: the same checkers speak next.
    pub fn call_off(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Waits until it has ended; all listeners must be gone.
    pub fn finish(self) {
        // It catches what panics in it, and its end changes nothing.
        let _ = self.thread.join();
    }
}

/// Judges what comes until something is wrong, which is told, or nobody waits any more.
fn judge(events: &Receiver<Event>, options: Options, cancelled: &Arc<AtomicBool>) -> Option<Wrong> {
    let Options { checkers, fail_fast, narrator, stopper } = options;
    let mut watches = watches(&checkers, cancelled);
    let (mut batch, mut has_rotten) = (Vec::new(), false);
    while let Ok(first) = events.recv() {
        if cancelled.load(Ordering::Relaxed) {
            return None;
        }
        batch.push(first);
        batch.extend(events.try_iter().take(EVENTS_A_BATCH));
        watches.iter_mut().for_each(|watch| watch.take(&batch));
        has_rotten |= batch.iter().any(is_rot);
        batch.clear();
        // One is enough: the rest is told at the end.
        let wrong = watches.iter_mut().find_map(|watch| watch.wrong());
        // Meanwhile it may have been called off: then the run has ended for another reason.
        if let Some(wrong) = wrong.filter(|_| !cancelled.load(Ordering::Relaxed)) {
            let Wrong { at_ns, told } = &wrong;
            // Whether rotten files excuse it is only known at the end.
            let what = if has_rotten { "violation, after files have rotted" } else { "violation" };
            narrator.say_at(*at_ns, &format!("{RED}{what}{RESET}: {told}"));
            if fail_fast && !has_rotten {
                stopper.stop(Reason::Violation(told.clone()));
            }
            return Some(wrong);
        }
    }
    None
}

fn is_rot(event: &Event) -> bool {
    let Event::Fault(FaultEvent { change: FaultChange::Inject { family, .. }, .. }) = event else { return false };
    family == Family::Rot.name()
}

/// So that it is seen soon when nobody waits any more.
const EVENTS_A_BATCH: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::{self, Stop};
    use squall_results::checker::linearizable::Linearizable;
    use squall_results::event::{Invoke, Return};
    use squall_results::model::Register;
    use squall_results::{Budget, Call, History, Outcome, Reply, Verdict};
    use std::sync::Mutex;

    /// A checker that says when it is asked, waits until it is let go on, and then panics.
    #[derive(Clone, Default)]
    struct Panics {
        asked: Arc<AtomicBool>,
        held: Arc<Mutex<()>>,
    }

    impl Checker for Panics {
        fn name(&self) -> &'static str {
            "panics"
        }

        fn check(&self, _: &History, _: &Budget) -> Verdict {
            self.asked.store(true, Ordering::Release);
            drop(self.held.lock());
            panic!("this checker always does")
        }
    }

    impl Panics {
        fn options(&self) -> (Options, Stop) {
            let (stopper, stop) = stop::channel();
            let checkers: Vec<Box<dyn Checker>> = vec![Box::new(self.clone())];
            (Options { checkers, fail_fast: true, narrator: Narrator::new(), stopper }, stop)
        }
    }

    /// So many answered calls.
    fn calls(count: u64) -> impl Iterator<Item = Event> {
        (0..count).flat_map(|op| {
            let (at_ns, node, call) = (10 * op, "n1".to_owned(), Call::Read { key: 0 });
            let invoke = Invoke { at_ns, due_ns: at_ns, op, process: op, node, call };
            let ret = Return { at_ns: at_ns + 5, op, outcome: Outcome::Unknown("lost".into()) };
            [Event::Invoke(invoke), Event::Return(ret)]
        })
    }

    #[test]
    fn a_judge_that_is_left_behind_or_panics_does_not_hold_the_run_up() {
        let panics = Panics::default();
        let waits = panics.held.lock();
        let (options, stop) = panics.options();
        let (listener, judge) = with_room(1_000, options).unwrap();
        // The first time that the checker is asked it waits, and then the room fills.
        let taken = calls(10_000).take_while(|event| listener.hand(event.clone())).count();
        assert!((400..19_000).contains(&taken), "{taken}");
        drop((listener, waits));
        judge.finish();
        assert!(panics.asked.load(Ordering::Acquire));
        assert_eq!(stop.reason(), None, "nobody was accused");
    }

    #[test]
    fn what_comes_behind_rotten_files_ends_no_run() {
        let inject = FaultChange::Inject {
            family: Family::Rot.to_string(),
            what: "flip a bit".into(),
            selector: "one".into(),
            nodes: vec!["n1".into()],
            links: Vec::new(),
        };
        let rot = Event::Fault(FaultEvent { at_ns: 1, fault: 0, change: inject });
        // A write, a read behind it that does not see it, and so many that do that the checker is asked at once.
        let written = (Call::Write { key: 0, value: 1 }, Reply::Written { version: None });
        let unseen = (Call::Read { key: 0 }, Reply::Read { value: None, version: None });
        let seen = (Call::Read { key: 0 }, Reply::Read { value: Some(1), version: None });
        let all = [written, unseen].into_iter().chain(std::iter::repeat_n(seen, 1_000));
        let stale = (0..).zip(all).flat_map(|(op, (call, reply))| {
            let (at_ns, node) = (10_000_000 * op + 5, "n1".to_owned());
            let invoke = Invoke { at_ns, due_ns: at_ns, op, process: op, node, call };
            [Event::Invoke(invoke), Event::Return(Return { at_ns: at_ns + 5, op, outcome: Outcome::Ok(reply) })]
        });
        let stale: Vec<Event> = stale.collect();
        for (rotten, is_over) in [(None, true), (Some(rot), false)] {
            let (stopper, stop) = stop::channel();
            let checkers: Vec<Box<dyn Checker>> = vec![Box::new(Linearizable::new(Register))];
            let (listener, judge) =
                start(Options { checkers, fail_fast: true, narrator: Narrator::new(), stopper }).unwrap();
            rotten.into_iter().chain(stale.clone()).for_each(|event| {
                listener.hand(event);
            });
            drop(listener);
            judge.finish();
            assert_eq!(matches!(stop.reason(), Some(Reason::Violation(_))), is_over);
        }
    }

    /// So many calls that the checker would be asked at once.
    #[test]
    fn a_judge_that_is_called_off_asks_no_more() {
        for called_off in [false, true] {
            let panics = Panics::default();
            let (options, stop) = panics.options();
            let (listener, judge) = start(options).unwrap();
            if called_off {
                judge.call_off();
            }
            calls(1_000).for_each(|event| {
                listener.hand(event);
            });
            drop(listener);
            judge.finish();
            assert_eq!(panics.asked.load(Ordering::Acquire), !called_off);
            assert_eq!(stop.reason(), None);
        }
    }
}
