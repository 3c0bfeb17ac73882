//! Counts that the live line shows while the run goes on, and that faults may wait for. Verdicts and reports read the history.

use squall_results::{Outcome, Reply};
use std::sync::atomic::{AtomicU64, Ordering};

/// Operations so far, by outcome.
#[derive(Debug, Default)]
pub struct Tally {
    invoked: AtomicU64,
    ok: AtomicU64,
    fail: AtomicU64,
    unknown: AtomicU64,
    writes: AtomicU64,
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
            Outcome::Ok(reply) => {
                self.writes.fetch_add(u64::from(is_change(reply)), Ordering::Relaxed);
                self.last_ok_ns.fetch_max(at_ns, Ordering::Relaxed);
                &self.ok
            }
            Outcome::Fail(_) => &self.fail,
            Outcome::Unknown(_) => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How many changes were acknowledged.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
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

/// Whether this acknowledges that something was changed. A comparison that was false has changed nothing.
fn is_change(reply: &Reply) -> bool {
    use Reply::{Acquired, Added, Opened, Released, Transferred, Written};
    matches!(reply, Written { .. } | Added { .. } | Opened | Transferred | Acquired { .. } | Released { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_acknowledged_changes_are_writes() {
        let tally = Tally::default();
        let check = |outcome: Outcome, writes: u64| {
            tally.returned(&outcome, 1);
            assert_eq!(tally.writes(), writes, "{outcome}");
        };
        check(Outcome::Ok(Reply::Written { version: None }), 1);
        check(Outcome::Ok(Reply::NotEqual), 1);
        check(Outcome::Ok(Reply::Read { value: Some(3), version: None }), 1);
        check(Outcome::Unknown("no answer".into()), 1);
        check(Outcome::Fail("refused".into()), 1);
        check(Outcome::Ok(Reply::Added { version: None }), 2);
        check(Outcome::Ok(Reply::Transferred), 3);
        let Counts { ok, fail, unknown, .. } = tally.read();
        assert_eq!((ok, fail, unknown), (5, 1, 1));
    }
}
