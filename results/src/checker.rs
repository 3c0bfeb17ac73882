//! Checkers: pure functions from a history to a verdict.

pub mod activity;
pub mod bank;
pub mod linearizable;
pub mod live;
pub mod liveness;
pub mod mutex;
pub mod sequential;
pub mod set;
pub mod transactions;
pub mod versions;

pub use linearizable::online;
pub use live::Live;

mod accusation;
mod patience;

use crate::history::History;
use crate::verdict::Verdict;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Judges a history at one promise.
pub trait Checker: Send + Sync {
    /// The checker's name.
    fn name(&self) -> &'static str;

    /// Judges `history` within `budget`. It always answers: what does not fit into the budget is
    /// [`Validity::Unknown`](crate::Validity::Unknown) with what was established.
    fn check(&self, history: &History, budget: &Budget) -> Verdict;

    /// A judge that takes events as they come and says the same in the end, where there is one.
    fn live<'a>(&'a self, _budget: &Budget) -> Option<Box<dyn Live + 'a>> {
        None
    }
}

/// What a checker may use up before it says that it does not know.
#[derive(Debug, Clone)]
pub struct Budget {
    /// How long it may take.
    pub time: Duration,
    /// How many bytes its search may hold, in all threads together; an estimate by the checker.
    pub memory_bytes: usize,
    /// Set by somebody who no longer waits for the answer.
    pub cancelled: Arc<AtomicBool>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { time: Duration::from_secs(60), memory_bytes: 1 << 30, cancelled: Arc::new(AtomicBool::new(false)) }
    }
}

impl Budget {
    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
