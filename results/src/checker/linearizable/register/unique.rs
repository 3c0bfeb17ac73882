//! Registers to which every value is written at most once: decided by zones, in the time of sorting.
//!
//! Gibbons and Korach, "Testing shared memories", 1997, theorem 4.2 and section 4.2, extended by swaps and by operations
//! that never returned. Each value has one writer, a write or a swap, so every read knows its source.
//!
//! 1. *What has to take effect.* The writer of a value that an answered operation found took effect, even if it never
//!    returned; and if it is a swap then the writer of the value that it found did, and so on. Any other operation
//!    without a return is left out: found only by others that are left out, it can go from a legal order together with
//!    them, and what reads still find is as before.
//! 2. *Chains.* In a legal order a value that was swapped comes just before the one it was swapped for: between the two
//!    nothing is written. So all values that lead from a write (or from nothing) by swaps, with their reads, stand
//!    together: a *cluster*. Two swaps from one value contradict each other, and so do swaps in a circle. Inside a
//!    cluster the order is given; it is possible just if no operation returned before one was invoked that has to come
//!    before it.
//! 3. *Zones.* Let `f` be the first return of a cluster, and `g` its last invocation. If `f < g` the value of the
//!    cluster is there all the time from `f` to `g` (it is there at some moment up to `f`, at some moment from `g` on, and
//!    a cluster is never interrupted): a *forward* zone. Two forward zones must not overlap. If `g < f` all can happen at
//!    any one moment from `g` to `f`, a *backward* zone; some such moment must lie outside all forward zones, which are
//!    disjoint, so the zone must not lie inside a single one.
//!
//! That this suffices is shown by the order that [`Zones::changes`] gives, and that order is verified by replay.
//! Comparisons that were false are looked at only then: they only ever forbid orders, so what is illegal without them is
//! illegal with them; if this order has no place for one of them, another might, and the question stays open.

mod cluster;

use super::ops::{Kind, NEVER, Op, Ops, START_VALUE, ValueId};
use super::order::{Placed, with_observers};
use cluster::Cluster;

/// No operation, no value.
const NONE: u32 = u32::MAX;

/// What the zones tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// An order of all changes that leaves a place for every read.
    Order(Vec<Placed>),
    /// There is none, not even of what returned up to `shown`. Perhaps less would contradict itself already.
    NoOrder { shown: u32 },
}

/// What is known of each value.
#[derive(Debug, Clone, Copy)]
struct Known {
    writer: u32,
    /// The value that it was swapped for.
    next: u32,
    /// Since when it is certain that the value was there: the return of an operation that needs it; [`NEVER`]: it is
    /// not known that it ever was.
    certain: u32,
    /// Of its reads: the first return, the last invocation, and the return of the one invoked last.
    first_return: u32,
    last_invocation: u32,
    last_returned: u32,
}

/// Looks for a legal order of `ops`, comparisons left aside; `None` if some value is written twice.
pub(super) fn judge(ops: &Ops) -> Option<Told> {
    let (zones, clusters) = examine(ops)?;
    Some(match zones.shown {
        NONE => Told::Order(zones.changes(&clusters)),
        shown => Told::NoOrder { shown },
    })
}

fn examine(ops: &Ops) -> Option<(Zones<'_>, Vec<Cluster>)> {
    let mut zones = Zones { ops, known: known(ops)?, shown: NONE };
    zones.find_what_is_certain();
    zones.link_swaps();
    // Missing writers or two swaps from one value leave no chains to follow.
    let mut clusters = if zones.shown == NONE { zones.clusters() } else { Vec::new() };
    if zones.shown == NONE {
        zones.place(&mut clusters);
    }
    Some((zones, clusters))
}

/// The values with their writers and reads; `None` if there are two writers of one.
fn known(ops: &Ops) -> Option<Vec<Known>> {
    let nothing =
        Known { writer: NONE, next: NONE, certain: NEVER, first_return: NEVER, last_invocation: 0, last_returned: 0 };
    let mut known = vec![nothing; ops.values];
    for (index, op) in ops.all.iter().enumerate() {
        match op.kind {
            Kind::Write | Kind::Swap => {
                let writer = &mut known[op.to as usize].writer;
                (*writer == NONE && op.to != START_VALUE).then_some(())?;
                *writer = index as u32;
            }
            Kind::Read if op.must() => {
                let of = &mut known[op.from as usize];
                of.first_return = of.first_return.min(op.ret);
                // By invocation, so the last one counts.
                (of.last_invocation, of.last_returned) = (op.inv, op.ret);
            }
            Kind::Read | Kind::Differs => {}
        }
    }
    Some(known)
}

/// The clusters of one key, and the contradictions that were found.
struct Zones<'a> {
    ops: &'a Ops,
    known: Vec<Known>,
    /// The first moment by which some contradiction was complete.
    shown: u32,
}

impl Zones<'_> {
    fn contradiction(&mut self, shown: u32) {
        self.shown = self.shown.min(shown);
    }

    fn op(&self, index: u32) -> &Op {
        &self.ops.all[index as usize]
    }

    /// Whether the operation takes effect, and since when that is certain.
    fn certain(&self, op: &Op) -> u32 {
        if op.must() { op.ret } else { self.known[op.to as usize].certain }
    }

    /// Finds the values that were certainly there. What returned first comes first, so that nothing is found twice.
    fn find_what_is_certain(&mut self) {
        for moment in 1..=self.ops.events.len() as u32 {
            let Some(index) = self.ops.returning_at(moment) else { continue };
            let op = *self.op(index);
            if op.kind != Kind::Write && op.kind != Kind::Differs {
                self.is_certain(op.from, moment);
            }
            if !op.observes() {
                self.is_certain(op.to, moment);
            }
        }
    }

    /// `value` was there, certainly since something that needs it returned at `since`; so was what led to it.
    fn is_certain(&mut self, mut value: ValueId, since: u32) {
        while self.known[value as usize].certain == NEVER {
            self.known[value as usize].certain = since;
            if value == START_VALUE {
                return;
            }
            let writer = self.known[value as usize].writer;
            if writer == NONE {
                return self.contradiction(since);
            }
            match *self.op(writer) {
                Op { kind: Kind::Swap, from, .. } => value = from,
                _ => return,
            }
        }
    }

    /// Links each value to the one it was swapped for.
    fn link_swaps(&mut self) {
        for index in 0..self.ops.all.len() {
            let op = self.ops.all[index];
            let certain = self.certain(&op);
            if op.kind != Kind::Swap || certain == NEVER {
                continue;
            }
            match self.known[op.from as usize].next {
                NONE => self.known[op.from as usize].next = op.to,
                other => {
                    let other = self.op(self.known[other as usize].writer);
                    self.contradiction(certain.max(self.certain(other)));
                }
            }
        }
    }
}

/// The first return from which on there is no order, comparisons left aside, if what returned up to `shown` has none.
/// `None` if comparisons might forbid orders before.
pub(super) fn first_return_without_order(ops: &Ops, shown: u32) -> Option<u32> {
    // Every contradiction names a return that completes it, mostly the first such: try the one just before.
    let (mut legal, mut illegal) = (0, shown);
    let mut tries = 0;
    while illegal - legal > 1 {
        let end = if tries < TRIES_FROM_THE_END { illegal - 1 } else { legal + (illegal - legal) / 2 };
        tries += 1;
        match examine(&ops.up_to(end))?.0.shown {
            NONE => legal = end,
            shown => illegal = shown,
        }
    }
    let compares = ops.all.iter().any(|op| op.kind == Kind::Differs && op.inv < illegal);
    if compares {
        let before = ops.up_to(illegal - 1);
        let Told::Order(changes) = judge(&before)? else { return None };
        with_observers(&before, &changes)?;
    }
    Some(illegal)
}

/// How often the return just before is tried, before the search halves what is left.
const TRIES_FROM_THE_END: u32 = 4;
