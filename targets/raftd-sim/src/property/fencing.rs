//! Fencing: nothing is written under a token once a newer one is known (Kleppmann, "How to do distributed locking", 2016).
//!
//! Whoever was told a newer token before the write was asked for took the lock after the writer had lost it. It catches
//! `fence-any-token`.

use crate::holder::Wrote;

/// Whether the token of a write that took place was the newest that anybody had when it was asked for.
pub fn fences(wrote: Wrote) -> Result<(), String> {
    let Wrote { token, newest_then } = wrote;
    match token >= newest_then {
        true => Ok(()),
        false => Err(format!("a write under token {token} took place, when another had token {newest_then} already")),
    }
}
