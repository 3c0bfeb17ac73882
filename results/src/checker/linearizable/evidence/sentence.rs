//! Operations and instants as people tell them.

use crate::call::{Call, Reply, Shown};
use crate::history::Operation;
use crate::outcome::Outcome;

/// Instants in seconds, with milliseconds, or with as many digits more as it takes to tell the given ones apart.
pub(super) struct Instants {
    digits: usize,
}

impl Instants {
    /// Instants that are told together.
    pub fn new(instants_ns: impl IntoIterator<Item = u64>) -> Instants {
        let mut all: Vec<u64> = instants_ns.into_iter().filter(|at_ns| *at_ns != u64::MAX).collect();
        all.sort_unstable();
        all.dedup();
        let told_apart = |digits: &usize| {
            let shown = |at_ns: u64| round(at_ns, *digits);
            all.windows(2).all(|pair| shown(pair[0]) != shown(pair[1]))
        };
        Instants { digits: [3, 6].into_iter().find(told_apart).unwrap_or(9) }
    }

    /// The instants of operations.
    pub fn of<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Instants {
        Instants::new(operations.into_iter().flat_map(Instants::ends))
    }

    /// When an operation began, and when it returned.
    pub fn ends(operation: &Operation) -> [u64; 2] {
        [operation.invoked_ns, operation.returned_ns.unwrap_or(operation.invoked_ns)]
    }

    /// One instant, without the unit.
    pub fn show(&self, at_ns: u64) -> String {
        let unit = 10_u64.pow(9 - self.digits as u32);
        let parts = round(at_ns, self.digits);
        let whole = 1_000_000_000 / unit;
        format!("{}.{:0digits$}", parts / whole, parts % whole, digits = self.digits)
    }

    /// When an operation was under way: `12.200 to 12.214 s`.
    pub fn span(&self, operation: &Operation) -> String {
        match (&operation.outcome, operation.returned_ns) {
            (Outcome::Ok(_) | Outcome::Fail(_), Some(returned_ns)) => {
                format!("{} to {} s", self.show(operation.invoked_ns), self.show(returned_ns))
            }
            _ => format!("from {} s on", self.show(operation.invoked_ns)),
        }
    }

    /// What an operation did, and when: `process 4 read 3 on n1 (12.200 to 12.214 s)`.
    pub fn tell(&self, operation: &Operation) -> String {
        format!("{} ({})", deed(operation), self.span(operation))
    }
}

/// In parts of a second, so that the order of instants is kept (cut off, not rounded).
fn round(at_ns: u64, digits: usize) -> u64 {
    at_ns / 10_u64.pow(9 - digits as u32)
}

/// What an operation did: `process 4 read 3 on n1`.
fn deed(operation: &Operation) -> String {
    let Operation { process, node, call, outcome, .. } = operation;
    let did = match (call, outcome) {
        (Call::Read { .. }, Outcome::Ok(Reply::Read { value, .. })) => format!("read {}", Shown(*value)),
        (Call::Write { value, .. }, Outcome::Ok(Reply::Written { .. })) => format!("wrote {value}"),
        (Call::Cas { expect, value, .. }, Outcome::Ok(Reply::Written { .. })) => {
            format!("swapped {} for {value}", Shown(*expect))
        }
        (Call::Cas { expect, .. }, Outcome::Ok(Reply::NotEqual)) => format!("found no {} to swap", Shown(*expect)),
        (call, Outcome::Ok(reply)) => format!("called {call} and got {reply}"),
        (call, Outcome::Fail(_) | Outcome::Unknown(_)) => format!("called {call}"),
    };
    let end = match outcome {
        Outcome::Ok(_) => "",
        Outcome::Fail(_) => ", which failed",
        Outcome::Unknown(_) => " and got no answer",
    };
    format!("process {process} {did} on {node}{end}")
}
