//! The clock that leases are measured by.

use crate::types::Bug;
use nix::time::{ClockId, clock_gettime};

/// What the clock shows, in microseconds. It counts from the start of the machine: nobody can set it, and it goes on while
/// the process is stopped or the machine sleeps.
pub(super) fn now_us(bug: Option<Bug>) -> u64 {
    let clock = match bug {
        Some(Bug::LeaseWallClock) => ClockId::CLOCK_REALTIME,
        _ => ClockId::CLOCK_BOOTTIME,
    };
    let now = clock_gettime(clock).expect("every Linux has these clocks");
    let parts = (u64::try_from(now.tv_sec()), u64::try_from(now.tv_nsec()));
    parts.0.unwrap_or(0) * 1_000_000 + parts.1.unwrap_or(0) / 1000
}
