//! What the search of one key uses up, and when it has to stop.

use crate::checker::Budget;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Why a search stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The time was used up.
    Time,
    /// The memory was used up.
    Memory,
    /// Somebody no longer waits.
    Cancelled,
    /// The steps allowed for this round were used up; a later round may go on.
    Steps,
    /// More was open at once than a register can be judged with while it goes on.
    Width,
    /// The order that was found could not be replayed.
    Replay,
    /// Operations came on a key of which there were to be no more.
    Retired,
    /// There were more operations than can be numbered.
    Many,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stop::Time => "the time was used up",
            Stop::Memory => "the memory was used up",
            Stop::Cancelled => "it was cancelled",
            Stop::Steps => "its steps were used up",
            Stop::Width => "too many operations were open at once",
            Stop::Retired => "operations came on it after it was said to be over",
            Stop::Many => "it has more operations than can be judged",
            Stop::Replay => "the order that was found is none, which is a defect of the checker",
        })
    }
}

/// The budget of one check, shared by the searches of all its keys.
pub(super) struct Allowance<'a> {
    budget: &'a Budget,
    deadline: Option<Instant>,
    held_bytes: AtomicUsize,
}

impl<'a> Allowance<'a> {
    /// The whole budget; the time runs from `begun`.
    pub fn whole(budget: &'a Budget, begun: Instant) -> Allowance<'a> {
        Allowance { budget, deadline: begun.checked_add(budget.time), held_bytes: AtomicUsize::new(0) }
    }

    /// The budget without the tenth of the time that is kept for telling what was found.
    pub fn for_search(budget: &'a Budget, begun: Instant) -> Allowance<'a> {
        let deadline = begun.checked_add(budget.time - budget.time / 10);
        Allowance { deadline, ..Allowance::whole(budget, begun) }
    }

    /// What is left of the budget, but no more than a sixth of the time or some seconds: who waits for a verdict should not
    /// wait for its best explanation.
    pub fn for_telling(budget: &'a Budget, begun: Instant) -> Allowance<'a> {
        let enough = Instant::now().checked_add((budget.time / 6).max(TIME_TO_TELL));
        let whole = Allowance::whole(budget, begun);
        let deadline = match (whole.deadline, enough) {
            (Some(end), Some(enough)) => Some(end.min(enough)),
            (end, enough) => end.or(enough),
        };
        Allowance { deadline, ..whole }
    }

    /// The budget where `used` of the time is gone and `held_bytes` are held already; the time runs from `begun`.
    pub fn rest(budget: &'a Budget, begun: Instant, used: Duration, held_bytes: usize) -> Allowance<'a> {
        let deadline = begun.checked_add(budget.time.saturating_sub(used));
        Allowance { deadline, held_bytes: AtomicUsize::new(held_bytes), ..Allowance::whole(budget, begun) }
    }

    /// How many bytes are held.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }
}

/// How long evidence may be looked for in any case, as far as there is time.
const TIME_TO_TELL: Duration = Duration::from_secs(2);

/// Counts one search. What it holds is given back when it is dropped.
pub(super) struct Meter<'a> {
    allowance: &'a Allowance<'a>,
    held_bytes: usize,
    steps: u64,
    step_limit: u64,
    ticks: u64,
    /// Until when what goes on now may take.
    deadline: Option<Instant>,
}

/// How many steps pass between two looks at the clock: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: u64 = 64;

impl<'a> Meter<'a> {
    /// A meter that stops after `step_limit` steps, or with the allowance.
    pub fn new(allowance: &'a Allowance<'a>, step_limit: u64) -> Meter<'a> {
        Meter { allowance, held_bytes: 0, steps: 0, step_limit, ticks: 0, deadline: allowance.deadline }
    }

    /// A meter for work that goes on, and of which `held_bytes` are counted already.
    pub fn resumed(allowance: &'a Allowance<'a>, held_bytes: usize, step_limit: u64) -> Meter<'a> {
        Meter { held_bytes, ..Meter::new(allowance, step_limit) }
    }

    /// The work rests, and goes on holding so much.
    pub fn rest(mut self, held_bytes: usize) {
        self.allowance.held_bytes.fetch_add(held_bytes, Ordering::Relaxed);
        self.allowance.held_bytes.fetch_sub(std::mem::take(&mut self.held_bytes), Ordering::Relaxed);
    }

    /// A meter for a part of the work, which stops after `step_limit` steps of its own, or when this one does.
    pub fn fork(&self, step_limit: u64) -> Meter<'a> {
        Meter { deadline: self.deadline, ..Meter::new(self.allowance, step_limit) }
    }

    /// From now on it stops when `percent` of the time that is left are used up.
    pub fn share(&mut self, percent: u32) {
        let now = Instant::now();
        self.deadline = self.allowance.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            if percent < 100 { now + left * percent / 100 } else { deadline }
        });
    }

    /// Counts one expanded configuration. `held_bytes` tells how much the search holds now; it is asked rarely.
    pub fn step(&mut self, held_bytes: impl FnOnce() -> usize) -> Result<(), Stop> {
        let look = self.steps.is_multiple_of(STEPS_BETWEEN_LOOKS);
        self.steps += 1;
        if self.steps > self.step_limit {
            return Err(Stop::Steps);
        }
        if look { self.look(held_bytes()) } else { Ok(()) }
    }

    /// Looks at the clock now and then, in work that its steps do not count.
    pub fn tick(&mut self, held_bytes: impl FnOnce() -> usize) -> Result<(), Stop> {
        self.ticks += 1;
        if self.ticks.is_multiple_of(STEPS_BETWEEN_LOOKS) { self.look(held_bytes()) } else { Ok(()) }
    }

    /// How many configurations were expanded.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many more it allows.
    pub fn steps_left(&self) -> u64 {
        self.step_limit.saturating_sub(self.steps)
    }

    fn look(&mut self, held_bytes: usize) -> Result<(), Stop> {
        let shared = &self.allowance.held_bytes;
        let before = shared.fetch_add(held_bytes, Ordering::Relaxed);
        shared.fetch_sub(self.held_bytes, Ordering::Relaxed);
        let all = before.saturating_add(held_bytes).saturating_sub(self.held_bytes);
        self.held_bytes = held_bytes;
        if self.allowance.budget.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        if all > self.allowance.budget.memory_bytes {
            return Err(Stop::Memory);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Stop::Time);
        }
        Ok(())
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        self.allowance.held_bytes.fetch_sub(self.held_bytes, Ordering::Relaxed);
    }
}
