//! What a process does that judges one history for a measurement.

use crate::cell::Measured;
use crate::generate::{Kind, history};
use crate::limits::Limits;
use crate::usage::{peak_mb, used_s};
use crate::variant::Variant;
use squall_results::Operation;

/// Makes the history, judges it, and prints what was measured, as peers do.
pub fn judge(variant: Variant, kind: Kind, limits: Limits) {
    let operations = history(kind);
    let of_key: Vec<&Operation> = operations.iter().collect();
    forget_peak();
    let begun_s = used_s();
    let validity = variant.checker().check_key(&of_key, &limits.budget());
    let seconds = used_s() - begun_s;
    println!("{}", Measured { answer: validity.into(), seconds, peak_mb: peak_mb() });
}

/// From now on the peak of memory is what is held now: what it took to make the history does not count. Where the kernel
/// refuses, it counts.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
