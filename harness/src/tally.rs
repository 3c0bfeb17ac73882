//! Counts that the live line shows while the run goes on. For people; verdicts and reports read the history.

use squall_results::Outcome;
use std::sync::atomic::{AtomicU64, Ordering};

/// Operations so far, by outcome.
#[derive(Debug, Default)]
pub struct Tally {
    invoked: AtomicU64,
    ok: AtomicU64,
    fail: AtomicU64,
    unknown: AtomicU64,
    last_ok_ns: AtomicU64,
}

/// One reading of a [`Tally`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls made.
    pub invoked: u64,
    /// Calls answered.
    pub ok: u64,
    /// Calls that certainly did not happen.
    pub fail: u64,
    /// Calls that nobody can tell about.
    pub unknown: u64,
    /// When the last call was answered.
    pub last_ok_ns: u64,
}

impl Tally {
    /// A call is made.
    pub fn invoked(&self) {
        self.invoked.fetch_add(1, Ordering::Relaxed);
    }

    /// A call has ended.
    pub fn returned(&self, outcome: &Outcome, at_ns: u64) {
        let counter = match outcome {
            Outcome::Ok(_) => {
                self.last_ok_ns.fetch_max(at_ns, Ordering::Relaxed);
                &self.ok
            }
            Outcome::Fail(_) => &self.fail,
            Outcome::Unknown(_) => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now.
    pub fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            invoked: read(&self.invoked),
            ok: read(&self.ok),
            fail: read(&self.fail),
            unknown: read(&self.unknown),
            last_ok_ns: read(&self.last_ok_ns),
        }
    }
}
