//! The clocks that leases are measured by: the leader's own, and those of clients.

use crate::types::Bug;
use nix::time::{ClockId, clock_gettime};

/// What the clock shows, in microseconds. It counts from the start of the machine: nobody can set it, and it goes on while
/// the process is stopped or the machine sleeps.
pub(super) fn now_us(bug: Option<Bug>) -> u64 {
    let clock = match bug {
        Some(Bug::LeaseWallClock) => ClockId::CLOCK_REALTIME,
        _ => ClockId::CLOCK_BOOTTIME,
    };
    shows_us(clock)
}

/// The time by which leases of clients end, in milliseconds: that which the member has counted.
pub(super) fn expiry_ms(counted_ms: u64, bug: Option<Bug>) -> u64 {
    match bug {
        Some(Bug::ExpiryWallClock) => shows_us(ClockId::CLOCK_REALTIME) / 1000,
        _ => counted_ms,
    }
}

fn shows_us(clock: ClockId) -> u64 {
    let now = clock_gettime(clock).expect("every Linux has these clocks");
    let parts = (u64::try_from(now.tv_sec()), u64::try_from(now.tv_nsec()));
    parts.0.unwrap_or(0) * 1_000_000 + parts.1.unwrap_or(0) / 1000
}
