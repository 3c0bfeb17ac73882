//! A contradiction once more, by the bare search without any reduction, in a short window before it.

use super::ops::{Kind, Op, Ops, START_VALUE, ValueId};
use crate::call::{Call, Reply, Value};
use crate::checker::linearizable::depth_first::{DepthFirst, Found};
use crate::checker::linearizable::entry::Entry;
use crate::checker::linearizable::meter::{Meter, Stop};
use crate::checker::linearizable::reductions::Reductions;
use crate::checker::linearizable::search::{Ended, Search};
use crate::model::Register;

/// What the bare search says of a contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recheck {
    /// There is one.
    Confirmed,
    /// It would take too long to tell.
    TooHard,
    /// There is none.
    Refuted,
}

/// How many configurations the bare search may expand in one window, times how many operations and states there are: each
/// configuration tries each operation, so this is some tenths of a second.
const STEPS: u64 = 1_000_000;

/// The most states and operations of a window, those that never returned included.
const SIZE_MAX: usize = 2_000;

/// How many operations are invoked in the first window. Each further one has twice as many.
const FIRST_WINDOW: u32 = 4;

/// Looks at longer and longer windows that end with the return of `failed`, until one has no legal order.
///
/// A window from the moment `s` leaves no order possible that the whole has, so that none in a window is none in the whole.
/// Let a legal order be given, with a moment for each operation, and cut it at `s`:
///
/// - What returned before `s` is over, and what was invoked before and returned later, or never, may have taken effect
///   on either side; in the window it may, but need not.
/// - Before `s` the last change was some operation `w`. Of those that were certainly over, let `last` be the one invoked
///   last. So `w` did not return before `last` was invoked: the window begins with what any such operation leaves, or
///   with nothing, if no change was certainly over.
/// - What returns after `failed` need not have taken effect by then.
pub(super) fn recheck(ops: &Ops, failed: u32, meter: &mut Meter) -> Recheck {
    let end = ops.all[failed as usize].ret;
    let mut length = FIRST_WINDOW;
    loop {
        let first = failed.saturating_sub(length);
        let begin = if first == 0 { 0 } else { ops.all[first as usize].inv };
        let (states, entries) = (states(ops, begin), entries(ops, begin, end));
        if states.len() + entries.len() > SIZE_MAX {
            return Recheck::TooHard;
        }
        let steps = STEPS / (states.len() + entries.len()).max(1) as u64;
        match has_order(&states, &entries, &mut meter.fork(steps)) {
            Ok(false) => return Recheck::Confirmed,
            Ok(true) if begin == 0 => return Recheck::Refuted,
            Ok(true) => length = length.saturating_mul(2),
            Err(_) => return Recheck::TooHard,
        }
    }
}

/// Whether there is a legal order from one of `states`. That there is one mostly shows in a few steps, that there is none is
/// for the bare search to say.
fn has_order(states: &[Option<Value>], entries: &[Entry], meter: &mut Meter) -> Result<bool, Stop> {
    let first = DepthFirst::from_states(&Register, states, entries, Reductions::NONE);
    let steps = STEPS_PER_ENTRY * entries.len() as u64;
    if let Ok(Found::Order(_)) = first.run(&mut meter.fork(steps)) {
        return Ok(true);
    }
    match Search::from_states(&Register, states, entries, Reductions::NONE).run(meter) {
        Ok(ended) => Ok(ended == Ended::Legal),
        Err(stopped) => Err(stopped.why),
    }
}

/// How many configurations may be looked at for each entry before the bare search is asked.
const STEPS_PER_ENTRY: u64 = 8;

/// What may or must take effect from `begin` to `end`.
fn entries(ops: &Ops, begin: u32, end: u32) -> Vec<Entry> {
    let invoked = ops.all.partition_point(|op| op.inv <= end);
    let in_window = ops.all[..invoked].iter().enumerate().filter_map(|(index, op)| {
        let must = op.inv >= begin && op.ret <= end;
        let may = !op.observes() && op.ret >= begin;
        (must || may).then(|| entry(index, op, must))
    });
    in_window.collect()
}

/// What may be there at `begin`.
fn states(ops: &Ops, begin: u32) -> Vec<Option<Value>> {
    let invoked = &ops.all[..ops.all.partition_point(|op| op.inv < begin)];
    let changes = || invoked.iter().filter(|op| !op.observes());
    let last = changes().filter(|op| op.ret < begin).map(|op| op.inv).max();
    let mut values: Vec<ValueId> =
        changes().filter(|op| last.is_none_or(|last| op.ret >= last)).map(|op| op.to).collect();
    values.extend(last.is_none().then_some(START_VALUE));
    values.sort_unstable();
    values.dedup();
    values.into_iter().map(name).collect()
}

/// What stands for a value. A register only tells values apart, so their numbers do as well as they; the value before the
/// first write has a number too, as it may be written.
fn name(value: ValueId) -> Option<Value> {
    Some(value.into())
}

/// An operation as the model [`Register`] knows it, at its moments.
fn entry(position: usize, op: &Op, must: bool) -> Entry {
    let (from, value) = (name(op.from), op.to.into());
    let written = must.then_some(Reply::Written { version: None });
    let (call, reply) = match op.kind {
        Kind::Read => (Call::Read { key: 0 }, Some(Reply::Read { value: from, version: None })),
        Kind::Differs => (Call::Cas { key: 0, expect: from, value }, Some(Reply::NotEqual)),
        Kind::Write => (Call::Write { key: 0, value }, written),
        Kind::Swap => (Call::Cas { key: 0, expect: from, value }, written),
    };
    let until_ns = if must { op.ret.into() } else { u64::MAX };
    Entry { position, invoked_ns: op.inv.into(), until_ns, call, reply, must }
}
