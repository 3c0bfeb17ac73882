//! What a process does that judges one history for a measurement.

use crate::cell::Answer;
use crate::generate::{Kind, history};
use crate::limits::Limits;
use crate::usage::{peak_mb, used_s};
use crate::variant::Variant;
use squall_results::{Budget, Operation, Validity};
use std::time::Duration;

/// Makes the history, judges it, and prints what was measured, as peers do.
pub fn judge(variant: Variant, kind: Kind, limits: Limits) {
    let operations = history(kind);
    let of_key: Vec<&Operation> = operations.iter().collect();
    forget_peak();
    let time = Duration::from_secs(limits.seconds);
    let memory_bytes = (limits.memory_mb as usize) << 20;
    let budget = Budget { time, memory_bytes, ..Budget::default() };
    let begun_s = used_s();
    let validity = variant.checker().check_key(&of_key, &budget);
    let seconds = used_s() - begun_s;
    let answer = match validity {
        Validity::Valid => Answer::Valid,
        Validity::Invalid => Answer::Invalid,
        Validity::Unknown => Answer::Unknown,
    };
    println!("{}", crate::cell::Measured { answer, seconds, peak_mb: peak_mb() });
}

/// From now on the peak of memory is what is held now: what it took to make the history does not count. Where the kernel
/// refuses, it counts.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
