//! Linearizability of what the clients were told (Herlihy and Wing, "Linearizability: A Correctness Condition for
//! Concurrent Objects", 1990), judged by squall's own checker.
//!
//! It alone catches what breaks outside of the log: `stale-read`, `read-before-own-term`, `read-unapplied`, `retry-twice`,
//! `deny-in-doubt`, and reads that a new leader grants when `commit-old-term` makes it believe that it knows all that is
//! committed.

use squall_results::checker::linearizable::Linearizable;
use squall_results::model::register::Register;
use squall_results::{Budget, Checker, History, Operation, Validity};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the checker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// There is a legal order.
    Linearizable,
    /// There is none for this key.
    Broken {
        /// The key.
        key: u64,
    },
    /// The search became too large.
    Unknown,
}

/// Judges the operations key by key.
pub fn judge(operations: &[Operation]) -> Judged {
    let mut keys: BTreeMap<u64, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        keys.entry(operation.call.key()).or_default().push(operation);
    }
    let checker = Linearizable::new(Register);
    let mut judged = Judged::Linearizable;
    for (key, operations) in keys {
        match checker.check_key(&operations, &budget()) {
            Validity::Valid => {}
            Validity::Invalid => return Judged::Broken { key },
            Validity::Unknown => judged = Judged::Unknown,
        }
    }
    judged
}

/// The smallest part of a history that no legal order explains, in words.
pub fn explain(operations: &[Operation]) -> String {
    let history = History { operations: operations.to_vec(), ..History::default() };
    let verdict = Linearizable::new(Register).check(&history, &budget());
    match verdict.anomalies.first() {
        Some(anomaly) => anomaly.told.clone(),
        None => verdict.reason,
    }
}

/// Far more than the short histories here need: a verdict that depends on it would not repeat exactly.
fn budget() -> Budget {
    Budget { time: Duration::from_secs(20), ..Budget::default() }
}
