//! The search over all orders, for histories without versions: bounded, by values alone.
//!
//! A state is how far each process has come, and what the registers hold. What observes is taken as soon as it is legal:
//! it changes nothing, so an order that takes it later remains legal when it is taken now. Only writes are tried in every
//! order, and no state twice.

use crate::call::{Call, Key, Value};
use crate::checker::Budget;
use crate::checker::patience::Patience;
use crate::history::Operation;
use crate::model::{Model, Register};
use rustc_hash::{FxHashMap, FxHashSet};

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    next: Vec<u32>,
    holds: Vec<Option<Value>>,
}

/// What a search found.
pub(super) enum Found<'a> {
    /// A legal order.
    Order,
    /// That there is none. In an order that went as far as any, each of these operations would have had to come next.
    NoOrder { stuck: Vec<&'a Operation> },
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// Whether the operations of all processes have a legal order.
pub(super) fn search<'a>(processes: &[Vec<&'a Operation>], budget: &Budget, patience: &Patience) -> Found<'a> {
    let mut keys: FxHashMap<Key, usize> = FxHashMap::default();
    for operation in processes.iter().flatten() {
        let unused = keys.len();
        keys.entry(operation.call.key()).or_insert(unused);
    }
    let mut first = State { next: vec![0; processes.len()], holds: vec![None; keys.len()] };
    observe(&mut first, processes, &keys);
    let mut farthest = first.clone();
    let state_bytes = 64 + 4 * processes.len() + 16 * keys.len();
    let (mut left, mut seen) = (vec![first], FxHashSet::default());
    while let Some(state) = left.pop() {
        if is_done(&state, processes) {
            return Found::Order;
        }
        if let Some(why) = patience.ended() {
            return Found::Nothing(why);
        }
        if (seen.len() + left.len()).saturating_mul(2 * state_bytes) > budget.memory_bytes {
            return Found::Nothing("the memory was used up");
        }
        let steps = |state: &State| state.next.iter().map(|next| u64::from(*next)).sum::<u64>();
        if steps(&state) > steps(&farthest) {
            farthest = state.clone();
        }
        for process in 0..processes.len() {
            let Some(mut after) = step(&state, process, processes, &keys) else { continue };
            observe(&mut after, processes, &keys);
            if seen.insert(after.clone()) {
                left.push(after);
            }
        }
    }
    let stuck = processes.iter().zip(&farthest.next).filter_map(|(operations, next)| operations.get(*next as usize));
    Found::NoOrder { stuck: stuck.copied().filter(|operation| operation.outcome.is_ok()).collect() }
}

/// Whether everything that was answered has been taken; what crashed may be left out.
fn is_done(state: &State, processes: &[Vec<&Operation>]) -> bool {
    let rest = processes.iter().zip(&state.next).flat_map(|(operations, next)| &operations[*next as usize..]);
    rest.into_iter().all(|operation| operation.outcome.is_unknown())
}

/// The state after the next operation of a process, if that is legal now.
fn step(state: &State, process: usize, processes: &[Vec<&Operation>], keys: &FxHashMap<Key, usize>) -> Option<State> {
    let operation = processes[process].get(state.next[process] as usize)?;
    let key = keys[&operation.call.key()];
    let held = Register.step(&state.holds[key], &operation.call, operation.reply()).ok()?;
    let mut after = state.clone();
    after.next[process] += 1;
    after.holds[key] = held;
    Some(after)
}

/// Takes whatever is legal and changes nothing.
fn observe(state: &mut State, processes: &[Vec<&Operation>], keys: &FxHashMap<Key, usize>) {
    for (process, operations) in processes.iter().enumerate() {
        while let Some(operation) = operations.get(state.next[process] as usize)
            && !matches!(operation.call, Call::Write { .. })
            && operation.outcome.is_ok()
        {
            let held = state.holds[keys[&operation.call.key()]];
            match Register.step(&held, &operation.call, operation.reply()) {
                Ok(after) if after == held => state.next[process] += 1,
                _ => break,
            }
        }
    }
}
