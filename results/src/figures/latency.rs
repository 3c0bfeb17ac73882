//! How long successful operations took, under faults and outside them.

use super::Span;
use crate::history::{History, Operation};
use serde::{Deserialize, Serialize};

/// Latency of a set of successful operations, measured in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// From when the schedule wanted the call to start to its return: what a user who arrives on time waits, without
    /// coordinated omission (a client that is stuck does not hide the calls it should have made meanwhile).
    pub response: Percentiles,
    /// From the invocation to the return: what the target alone took.
    pub service: Percentiles,
}

/// Percentiles by the nearest-rank rule: the smallest value that at least that share of all values does not exceed.
/// Every figure is a value that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many values there were.
    pub count: usize,
    /// The median.
    pub p50_ns: u64,
    /// 95 of 100 are not above it.
    pub p95_ns: u64,
    /// 99 of 100 are not above it.
    pub p99_ns: u64,
    /// The greatest.
    pub max_ns: u64,
}

impl Percentiles {
    /// The percentiles of `values`, in any order; `None` without any.
    pub fn of(mut values: Vec<u64>) -> Option<Percentiles> {
        values.sort_unstable();
        let max_ns = *values.last()?;
        let rank = |percent: usize| values[(values.len() * percent).div_ceil(100).max(1) - 1];
        Some(Percentiles { count: values.len(), p50_ns: rank(50), p95_ns: rank(95), p99_ns: rank(99), max_ns })
    }
}

/// From the due start to the return; `None`: it did not return.
pub(crate) fn response_ns(operation: &Operation) -> Option<u64> {
    let start_ns = operation.due_ns.min(operation.invoked_ns);
    operation.returned_ns.map(|returned_ns| returned_ns.saturating_sub(start_ns))
}

/// The latency under faults, and outside them.
pub(super) fn split(history: &History, in_force: &[Span]) -> (Option<Latency>, Option<Latency>) {
    let mut under = (Vec::new(), Vec::new());
    let mut outside = (Vec::new(), Vec::new());
    for operation in history.operations.iter().filter(|operation| operation.outcome.is_ok()) {
        let (Some(returned_ns), Some(response_ns)) = (operation.returned_ns, response_ns(operation)) else { continue };
        let start_ns = operation.due_ns.min(operation.invoked_ns);
        let struck = in_force.iter().any(|span| span.touches(start_ns, returned_ns));
        let (responses, services) = if struck { &mut under } else { &mut outside };
        responses.push(response_ns);
        services.push(returned_ns.saturating_sub(operation.invoked_ns));
    }
    let sum_up = |(responses, services)| {
        Some(Latency { response: Percentiles::of(responses)?, service: Percentiles::of(services)? })
    };
    (sum_up(under), sum_up(outside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let check = |values: Vec<u64>, expected: Option<(u64, u64, u64, u64)>| {
            let found = Percentiles::of(values).map(|all| (all.p50_ns, all.p95_ns, all.p99_ns, all.max_ns));
            assert_eq!(found, expected);
        };
        check(vec![], None);
        check(vec![7], Some((7, 7, 7, 7)));
        check(vec![4, 1, 3, 2], Some((2, 4, 4, 4)));
        check((1..=100).rev().collect(), Some((50, 95, 99, 100)));
        check((1..=1000).collect(), Some((500, 950, 990, 1000)));
        check((1..=101).collect(), Some((51, 96, 100, 101)));
    }
}
