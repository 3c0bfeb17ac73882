//! The smallest set of operations that is still a violation, for any model.
//!
//! A history with fewer operations can be invalid merely because the cause of what somebody saw was taken away: without
//! the write of 3 every read of 3 looks wrong. So a set `K` of operations, together with what the object may have held
//! before them, is a proof only if **every legal order of the whole history gives a legal order of `K` from one of these
//! starts**; then `K` without a legal order shows that the whole has none. Each step from a set to a smaller one keeps
//! that, for every history and not only for the one at hand, so steps can follow each other:
//!
//! 1. *The future goes.* Take a legal order up to the last of the operations that returned by the time `t` at which the
//!    contradiction returned. Each operation in it stands before one that returned by `t`, so was invoked by `t`. What
//!    was invoked later goes, and what returned later need not have taken effect yet.
//! 2. *The past becomes states.* Let nothing that was answered be open at `q`. In every legal order all that returned by
//!    `q` stands before all that was invoked after it, and has led to one of the states that the search found at `q`.
//!    Calls without an answer from before `q` stay: they may take effect at any later time, and which of them did so
//!    before is not remembered, which only allows more orders.
//! 3. *What only observes goes.* It leaves every state as it was, so a legal order stays legal without it.
//! 4. *What cannot matter to the others goes*, shown by simulation ([`Shrinking::cannot_matter`]): run the others with
//!    and without it side by side, in every order, from every start; if whatever is legal with it is legal without it,
//!    any legal order stays legal when it is taken out. That is asked of the model's own steps over all pairs of states
//!    that can be reached. It forgets when operations took place, so it says "cannot" less often than it might; never
//!    too often.
//!
//! Whether what is left still has no legal order is decided by the search, each time. Registers, whose accesses tell
//! more, are shrunk in [`witness`](super::witness).

use crate::checker::linearizable::entry::{Entry, EntryOf, only_observes};
use crate::checker::linearizable::meter::{Allowance, Meter};
use crate::checker::linearizable::reductions::Reductions;
use crate::checker::linearizable::search::{Ended, Search};
use crate::checker::linearizable::table::{ClassId, StateId, Table};
use crate::model::Model;
use rustc_hash::FxHashSet;

/// From where on a set of operations is looked at.
#[derive(Debug, Clone)]
pub(super) struct Beginning<S> {
    /// Everything up to here is in the states; `None`: the history begins.
    pub after_ns: Option<u64>,
    /// What the object may hold then.
    pub states: Vec<S>,
}

/// A small set of operations without a legal order.
pub(super) struct Small<M: Model> {
    pub beginning: Beginning<M::State>,
    /// The operations, as entries that were cut off at the contradiction; by invocation.
    pub entries: Vec<EntryOf<M>>,
    /// Whether each single one was shown to be needed.
    pub smallest: bool,
}

impl<M: Model> Small<M> {
    /// How much a person has to look at.
    fn size(&self) -> usize {
        let states = if self.beginning.after_ns.is_some() { self.beginning.states.len() } else { 0 };
        self.entries.len() + states
    }
}

/// A set from the beginning of the history is preferred up to this size: nothing needs to be believed for it.
const READABLE: usize = 8;

/// The smallest set that is found from one of the `beginnings`, of which the first is preferred. `None` if the budget
/// does not suffice to show a contradiction from any of them.
pub(super) fn shrink<M: Model>(
    model: &M,
    entries: &[EntryOf<M>],
    failed: usize,
    beginnings: Vec<Beginning<M::State>>,
    allowance: &Allowance,
) -> Option<Small<M>> {
    let mut best: Option<Small<M>> = None;
    for beginning in beginnings {
        let shrinking = Shrinking::new(model, entries, failed, beginning, allowance);
        let Some(small) = shrinking.run() else { continue };
        let is_readable = small.beginning.after_ns.is_none() && small.size() <= READABLE;
        if best.as_ref().is_none_or(|best| small.size() < best.size()) {
            best = Some(small);
        }
        if is_readable {
            break;
        }
    }
    best
}

/// Whether the bare search, without any reduction, finds that `entries` have no legal order from any of `states`.
pub(super) fn has_no_order<M: Model>(
    model: &M,
    states: &[M::State],
    entries: &[EntryOf<M>],
    allowance: &Allowance,
) -> bool {
    let mut meter = Meter::new(allowance, STEPS_TO_VERIFY);
    let ended = Search::from_states(model, states, entries, Reductions::NONE).run(&mut meter);
    matches!(ended, Ok(Ended::NoOrder { .. }))
}

/// How many configurations the bare search may expand.
const STEPS_TO_VERIFY: u64 = 500_000;

/// How many configurations each trial may expand.
const STEPS_PER_TRIAL: u64 = 50_000;

/// The most trials from one beginning.
const TRIALS: usize = 600;

/// The most steps of the model in one simulation, and in all of one beginning.
const STEPS_OF_SIMULATION: usize = 20_000;
const STEPS_OF_SIMULATIONS: usize = 2_000_000;

/// Takes operations away from one beginning.
struct Shrinking<'a, M: Model> {
    model: &'a M,
    table: Table<'a, M>,
    /// What is there after the future and the past went.
    entries: Vec<EntryOf<M>>,
    classes: Vec<ClassId>,
    beginning: Beginning<M::State>,
    starts: Vec<StateId>,
    /// The place of the contradiction among the entries.
    failed: usize,
    allowance: &'a Allowance<'a>,
    trials: usize,
    simulated: usize,
    /// Whether the budget left a trial without an answer.
    cut_short: bool,
}

impl<'a, M: Model> Shrinking<'a, M> {
    fn new(
        model: &'a M,
        all: &[EntryOf<M>],
        failed: usize,
        beginning: Beginning<M::State>,
        allowance: &'a Allowance<'a>,
    ) -> Shrinking<'a, M> {
        let end_ns = all[failed].until_ns;
        let is_later = |entry: &EntryOf<M>| beginning.after_ns.is_none_or(|after_ns| entry.invoked_ns > after_ns);
        let stays = |entry: &&EntryOf<M>| entry.invoked_ns <= end_ns && (!entry.must || is_later(entry));
        let cut_off = |entry: &EntryOf<M>| {
            let must = entry.must && entry.until_ns <= end_ns;
            Entry { must, until_ns: if must { entry.until_ns } else { u64::MAX }, ..entry.clone() }
        };
        let entries: Vec<EntryOf<M>> = all.iter().filter(stays).map(cut_off).collect();
        let mut table = Table::new(model);
        let classes = entries.iter().map(|entry| table.class(entry)).collect();
        let starts = beginning.states.iter().map(|state| table.intern(state.clone())).collect();
        let failed = entries.iter().position(|entry| entry.position == all[failed].position).unwrap_or(0);
        Shrinking {
            model,
            table,
            entries,
            classes,
            beginning,
            starts,
            failed,
            allowance,
            trials: 0,
            simulated: 0,
            cut_short: false,
        }
    }

    fn run(mut self) -> Option<Small<M>> {
        let mut kept: Vec<usize> = (0..self.entries.len()).collect();
        if !self.contradicts(&kept) {
            return None;
        }
        loop {
            let before = kept.len();
            // What only observes goes first: then fewer operations matter to the others.
            self.take_away(&mut kept, true);
            self.take_away(&mut kept, false);
            if kept.len() == before {
                break;
            }
        }
        let entries = kept.iter().map(|at| self.entries[*at].clone()).collect();
        Some(Small { beginning: self.beginning, entries, smallest: !self.cut_short })
    }

    /// Takes away as many as can be: all at once, halves, quarters, ... one.
    fn take_away(&mut self, kept: &mut Vec<usize>, observers: bool) {
        let mut chunk = kept.len().max(1);
        loop {
            let of_kind = |at: &usize| *at != self.failed && self.only_observes(*at) == observers;
            let candidates: Vec<usize> = kept.iter().copied().filter(of_kind).collect();
            for gone in candidates.chunks(chunk) {
                let rest: Vec<usize> = kept.iter().copied().filter(|at| !gone.contains(at)).collect();
                if (observers || self.cannot_matter(gone, &rest)) && self.contradicts(&rest) {
                    *kept = rest;
                }
            }
            if chunk == 1 {
                return;
            }
            chunk = chunk.div_ceil(2);
        }
    }

    fn only_observes(&self, at: usize) -> bool {
        let entry = &self.entries[at];
        only_observes(self.model, &entry.call, entry.reply.as_ref())
    }

    /// Whether every legal order stays legal when `gone` is taken out and `rest` stays.
    ///
    /// Pairs of states, with and without `gone`, from every start through every operation any number of times. One of
    /// `rest` that has to take effect and is legal only with `gone` decides: `gone` may be what it rests on. One that
    /// need not take effect is then left out.
    fn cannot_matter(&mut self, gone: &[usize], rest: &[usize]) -> bool {
        let gone: FxHashSet<ClassId> = gone.iter().map(|at| self.classes[*at]).collect();
        let rest: FxHashSet<(ClassId, bool)> =
            rest.iter().map(|at| (self.classes[*at], self.entries[*at].must)).collect();
        let mut seen: FxHashSet<(StateId, StateId)> = self.starts.iter().map(|start| (*start, *start)).collect();
        let mut stack: Vec<(StateId, StateId)> = seen.iter().copied().collect();
        let mut steps = 0;
        let in_time = Meter::new(self.allowance, u64::MAX).step(|| self.table.held_bytes()).is_ok();
        if !in_time || self.simulated > STEPS_OF_SIMULATIONS {
            self.cut_short = true;
            return false;
        }
        while let Some((with, without)) = stack.pop() {
            steps += gone.len() + rest.len();
            self.simulated += gone.len() + rest.len();
            if steps > STEPS_OF_SIMULATION {
                return false;
            }
            let mut reached: Vec<(StateId, StateId)> = Vec::new();
            for class in &gone {
                reached.extend(self.table.step(with, *class).map(|then| (then, without)));
            }
            for (class, must) in &rest {
                let Some(then) = self.table.step(with, *class) else { continue };
                match self.table.step(without, *class) {
                    Some(then_without) => reached.push((then, then_without)),
                    None if *must => return false,
                    None => reached.push((then, without)),
                }
            }
            stack.extend(reached.into_iter().filter(|pair| seen.insert(*pair)));
        }
        true
    }

    /// Whether the search proves that `kept` have no legal order.
    fn contradicts(&mut self, kept: &[usize]) -> bool {
        self.trials += 1;
        if self.trials > TRIALS {
            self.cut_short = true;
            return false;
        }
        let entries: Vec<EntryOf<M>> = kept.iter().map(|at| self.entries[*at].clone()).collect();
        let mut meter = Meter::new(self.allowance, STEPS_PER_TRIAL);
        let ended = Search::from_states(self.model, &self.beginning.states, &entries, Reductions::ALL).run(&mut meter);
        self.cut_short |= ended.is_err();
        matches!(ended, Ok(Ended::NoOrder { .. }))
    }
}

#[cfg(test)]
mod tests;
