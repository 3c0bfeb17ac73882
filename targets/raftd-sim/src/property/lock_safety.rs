//! Lock safety: no two rely on holding a lock at the same instant, each by its own calculation from when it asked.
//!
//! It catches a leader that ends a lease too soon: one that goes by a clock that was set (`expiry-wall-clock`), or that ends by its
//! clock what the log has kept alive (`expire-renewed`).

use crate::holder::Holder;
use crate::time::Micros;

/// Whether at most one of them relies on the lock now.
pub fn one_relies(holders: &[Holder], now_us: Micros) -> Result<(), String> {
    let relying: Vec<(usize, u64)> = (0..).zip(holders).filter_map(|(n, h)| h.relies(now_us).map(|t| (n, t))).collect();
    match relying[..] {
        [] | [_] => Ok(()),
        _ => Err(format!("these rely on the lock, each under its token: {relying:?}")),
    }
}
