//! A replay of an order piece by piece, straight from the definition: whoever found the order need not be believed, and
//! what was replayed can be forgotten.

use super::ops::{Kind, NEVER, Op, START_VALUE, ValueId};
use super::settle::Settled;
use super::trail::{Likeness, Which, likeness};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// A legal order so far.
///
/// Changes are placed in their order, each with its moment. A value stands from the moment of its change to that of the
/// next; an observer is placed in the first of these spans in which it fits, when the span is closed, as
/// [`with_observers`](super::order::with_observers) does. Believed are neither changes nor moments: each placed operation
/// has to find what it demands, to be placed once, and not to have returned before one was invoked that is placed already.
#[derive(Clone)]
pub(super) struct Proof {
    value: ValueId,
    /// Since when the value stands.
    since: u32,
    latest_invocation: u32,
    /// Invoked changes that are not placed.
    changes: FxHashMap<u32, Op>,
    /// Those of them that never return, by what they do, in the order of invocation.
    doubtful: FxHashMap<Likeness, VecDeque<u32>>,
    /// Observers that are not placed, in the order of invocation: those that were invoked by the last closed span, others.
    open: Vec<Op>,
    coming: VecDeque<Op>,
    /// How many observers were left when places were last looked for.
    left: usize,
    is_broken: bool,
}

impl Proof {
    /// The empty order.
    pub fn new() -> Proof {
        Proof {
            value: START_VALUE,
            since: 0,
            latest_invocation: 0,
            changes: FxHashMap::default(),
            doubtful: FxHashMap::default(),
            open: Vec::new(),
            coming: VecDeque::new(),
            left: 0,
            is_broken: false,
        }
    }

    /// An operation is there to be placed.
    pub fn invoke(&mut self, op: Op, index: u32) {
        if op.observes() {
            self.coming.extend(op.must().then_some(op));
            return;
        }
        self.changes.insert(index, op);
        if !op.must() {
            self.doubtful.entry(likeness(&op)).or_default().push_back(index);
        }
    }

    /// Places changes. `does` says what the operations of a class do.
    pub fn place(&mut self, settled: &Settled, does: &[Likeness]) {
        for (which, moment) in &settled.changes {
            self.close_span(*moment);
            let index = match which {
                Which::This(index) => Some(*index),
                Which::Some(class) => self.first_of(&does[*class as usize], &settled.taken),
            };
            match index.and_then(|index| self.changes.remove(&index)) {
                Some(op) => {
                    self.append(&op);
                    (self.value, self.since) = (op.to, *moment);
                }
                None => self.is_broken = true,
            }
        }
        self.stand(settled.until);
        self.left = self.open.len() + self.coming.len();
    }

    /// Whether it is a legal order of all that has to take effect.
    pub fn finish(mut self) -> bool {
        self.close_span(NEVER);
        let all_placed = self.coming.is_empty() && self.open.is_empty() && !self.changes.values().any(Op::must);
        all_placed && !self.is_broken
    }

    /// Of the operations that never returned and do this the first that is not placed nor held by what is not settled.
    ///
    /// There is always one that was invoked in time. When a node was made for a class, more of that class were old than
    /// nodes and old operations held; and what is old was invoked before what is not, so nodes get old operations of that
    /// time as long as each gets the first that is left. Of two moments the earlier one comes first, and what was invoked
    /// in time for it was so for the later one.
    fn first_of(&mut self, does: &Likeness, taken: &FxHashSet<u32>) -> Option<u32> {
        let of_class = self.doubtful.get_mut(does)?;
        while of_class.front().is_some_and(|index| !self.changes.contains_key(index)) {
            of_class.pop_front();
        }
        of_class.iter().copied().find(|index| self.changes.contains_key(index) && !taken.contains(index))
    }

    /// The value stands up to `moment`, and no longer.
    fn close_span(&mut self, moment: u32) {
        self.is_broken |= moment < self.since;
        self.stand(moment);
        let is_late = |op: &Op| op.ret < moment;
        self.is_broken |= moment != NEVER && self.open.iter().any(is_late);
    }

    /// The value stands up to `moment` at least: places the observers that fit.
    fn stand(&mut self, moment: u32) {
        while let Some(op) = self.coming.pop_front_if(|op| op.inv <= moment) {
            self.open.push(op);
        }
        let (value, mut latest, mut is_broken) = (self.value, self.latest_invocation, self.is_broken);
        self.open.retain(|op| {
            let accepts = (op.from == value) == (op.kind == Kind::Read);
            if accepts {
                latest = latest.max(op.inv);
                is_broken |= op.ret < latest;
            }
            !accepts
        });
        (self.latest_invocation, self.is_broken) = (latest, is_broken);
    }

    fn append(&mut self, op: &Op) {
        self.latest_invocation = self.latest_invocation.max(op.inv);
        let finds = op.kind == Kind::Write || op.from == self.value;
        self.is_broken |= !finds || op.ret < self.latest_invocation;
    }

    /// Renumbers every value that may be asked about.
    pub fn renumber(&mut self, to: &mut impl FnMut(ValueId) -> ValueId) {
        self.value = to(self.value);
        let left = self.changes.values_mut().chain(&mut self.open).chain(&mut self.coming);
        left.for_each(|op| (op.from, op.to) = (to(op.from), to(op.to)));
    }

    /// Whether it is worth the while to look for places: more than `spare` observers piled up.
    pub fn is_full(&self, spare: usize) -> bool {
        self.open.len() + self.coming.len() > 2 * self.left + spare
    }

    /// Roughly how many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        self.changes.capacity() * 28 + (self.coming.capacity() + self.open.capacity()) * size_of::<Op>()
    }
}
