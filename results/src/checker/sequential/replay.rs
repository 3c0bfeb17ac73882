//! The order that was found, played again on plain registers.

use super::AllWrites;
use super::floors::PlacedRead;
use crate::call::{Key, Reply};
use crate::history::Operation;
use crate::model::{Model, Register};
use rustc_hash::FxHashMap;

/// Plays all writes by their versions and all reads at their places. Returns how many operations that are.
pub(super) fn replay(all: &AllWrites, mut reads: Vec<PlacedRead>) -> Result<usize, String> {
    let writes = all.values().flat_map(|writes| &writes.placed);
    let mut order: Vec<(u64, Option<usize>, &Operation)> =
        writes.filter_map(|placed| Some((placed.order, None, placed.write?))).collect();
    // Within one process the reads come in its own order, and a stable sort keeps it.
    reads.sort_by_key(|read| (read.place, read.process));
    order.extend(reads.iter().map(|read| (read.place, Some(read.process), read.operation)));
    order.sort_by_key(|(place, process, _)| (*place, *process));
    let mut registers: FxHashMap<Key, Option<i64>> = FxHashMap::default();
    let mut last: FxHashMap<u64, (u64, u64)> = FxHashMap::default();
    for (_, _, operation) in &order {
        let state = registers.entry(operation.call.key()).or_default();
        // What a crashed write found nobody saw; that it took effect is known.
        let done = Reply::Written { version: None };
        let reply = operation.reply().unwrap_or(&done);
        *state = Register.step(state, &operation.call, Some(reply))?;
        let now = (operation.invoked_ns, operation.id);
        if last.insert(operation.process, now).is_some_and(|before| before > now) {
            return Err(format!("process {} is out of its own order", operation.process));
        }
    }
    Ok(order.len())
}
