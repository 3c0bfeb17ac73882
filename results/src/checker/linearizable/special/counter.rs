//! Counters whose steps are all equal.
//!
//! Then what a read finds is how many steps came before it: it stands between the `n`th step and the next. So of the
//! `n`th step it is known that it comes
//!
//! - not before a read of less than `n` begins, whichever of them begins last: from then on;
//! - not after a read of `n` or more ends, whichever of them ends first: up to then.
//!
//! Both grow with `n`. Which of the calls is the `n`th step is open. The first is the call that ends first among those that
//! begin in time for it, and so on: if a legal order has another call there and this one later, the two can change
//! places. The other ends later, so its new place is not too late for it, and the later place is in time for it since
//! times only grow. Calls without an answer end last, so they are used only where no other is there. A call that ended
//! before it was its turn, or a step for which there is no call, has no order.
//!
//! With unequal steps it is open which of them a sum is made of, and the search decides.

use super::{Act, NEVER, Ruling};
use crate::model::Deed;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A read, by how many steps come before it.
#[derive(Debug, Clone, Copy)]
struct Read {
    steps: usize,
    entry: usize,
}

/// A legal order, or why there is none; see the [module](self).
pub(super) fn rule(acts: &[Act], initial: i64) -> Ruling {
    decide(acts, initial).unwrap_or_else(|ruling| ruling)
}

fn decide(acts: &[Act], initial: i64) -> Result<Ruling, Ruling> {
    let (mut calls, mut reads) = sorted(acts, initial)?;
    reads.sort_unstable_by_key(|read| (read.steps, acts[read.entry].from_ns, read.entry));
    calls.sort_unstable_by_key(|call| (acts[*call].from_ns, *call));
    let windows = Windows::new(acts, &reads);
    let mut order: Vec<u32> = Vec::with_capacity(acts.len());
    let mut reads = reads.into_iter().peekable();
    let (mut begun, mut calls): (BinaryHeap<Reverse<(u64, usize)>>, _) =
        (BinaryHeap::new(), calls.into_iter().peekable());
    for step in 0.. {
        while let Some(read) = reads.next_if(|read| read.steps < step) {
            order.push(read.entry as u32);
        }
        if step == 0 {
            continue;
        }
        let (from, until) = (windows.from(step), windows.until(step));
        let (from_ns, until_ns) =
            (from.map_or(0, |read| acts[read].from_ns), until.map_or(NEVER, |read| acts[read].until_ns));
        // A read of less began after a read of more had ended.
        if let Some(read) = from.filter(|_| until_ns < from_ns) {
            return Err(Ruling::NoOrder { entry: read, core: None });
        }
        while let Some(call) = calls.next_if(|call| acts[*call].from_ns <= until_ns) {
            begun.push(Reverse((acts[call].until_ns, call)));
        }
        match (begun.pop(), from, until) {
            (Some(Reverse((ended_ns, _))), Some(read), _) if ended_ns < from_ns => {
                return Err(Ruling::NoOrder { entry: read, core: None });
            }
            (Some(Reverse((_, call))), _, None) if !acts[call].must => break,
            (Some(Reverse((_, call))), ..) => order.push(call as u32),
            (None, _, Some(read)) => return Err(Ruling::NoOrder { entry: read, core: None }),
            (None, _, None) => break,
        }
    }
    Ok(Ruling::Order(order))
}

/// The calls that add a step, and the reads. [`Ruling::Open`] if steps differ.
fn sorted(acts: &[Act], initial: i64) -> Result<(Vec<usize>, Vec<Read>), Ruling> {
    let mut by = None;
    let mut calls = Vec::new();
    for (entry, act) in acts.iter().enumerate() {
        match act.deed {
            Deed::Increase(step) if step != 0 && by.is_none_or(|by| by == step) => {
                by = Some(step);
                calls.push(entry);
            }
            Deed::Count(_) => {}
            _ => return Err(Ruling::Open),
        }
    }
    let by = i128::from(by.unwrap_or(1));
    // Numbers that wrap around are left to the search.
    let most = i128::from(initial) + by * calls.len() as i128;
    if i64::try_from(most).is_err() {
        return Err(Ruling::Open);
    }
    let mut reads = Vec::new();
    for (entry, act) in acts.iter().enumerate() {
        let Deed::Count(count) = act.deed else { continue };
        let more = i128::from(count) - i128::from(initial);
        match usize::try_from(more / by) {
            Ok(steps) if more % by == 0 && steps <= calls.len() => reads.push(Read { steps, entry }),
            _ => return Err(Ruling::NoOrder { entry, core: None }),
        }
    }
    Ok((calls, reads))
}

/// When each step can come; `None`: no read limits it.
struct Windows {
    /// For the step after as many steps the read of no more that begins last.
    from: Vec<Option<usize>>,
    /// For each number of steps the read of as many or more that ends first.
    until: Vec<Option<usize>>,
}

impl Windows {
    fn new(acts: &[Act], reads: &[Read]) -> Windows {
        let size = reads.iter().map(|read| read.steps + 1).max().unwrap_or(0);
        let (mut from, mut until) = (vec![None; size], vec![None; size]);
        let later = |one: Option<usize>, other: Option<usize>| {
            one.into_iter().chain(other).max_by_key(|read| acts[*read].from_ns)
        };
        let sooner = |one: Option<usize>, other: Option<usize>| {
            one.into_iter().chain(other).min_by_key(|read| acts[*read].until_ns)
        };
        for read in reads {
            from[read.steps] = later(from[read.steps], Some(read.entry));
            until[read.steps] = sooner(until[read.steps], Some(read.entry));
        }
        for at in 1..size {
            from[at] = later(from[at - 1], from[at]);
        }
        for at in (1..size).rev() {
            until[at - 1] = sooner(until[at - 1], until[at]);
        }
        Windows { from, until }
    }

    /// The read after whose beginning step no. `step`, counted from 1, comes.
    fn from(&self, step: usize) -> Option<usize> {
        self.from.get(step - 1).or(self.from.last()).copied().flatten()
    }

    /// The read before whose end it comes.
    fn until(&self, step: usize) -> Option<usize> {
        self.until.get(step).copied().flatten()
    }
}
