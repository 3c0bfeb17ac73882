//! A replay of an order piece by piece, by the model alone: whoever found the order need not be believed, and what was
//! replayed can be forgotten.

use crate::checker::linearizable::entry::EntryOf;
use crate::model::Model;
use rustc_hash::FxHashMap;

/// A legal order so far, straight from the definition.
pub(super) struct Replay<'a, M: Model> {
    model: &'a M,
    state: M::State,
    latest_invocation: u64,
    /// What was invoked and is not placed.
    waiting: FxHashMap<u32, EntryOf<M>>,
    is_broken: bool,
}

impl<'a, M: Model> Replay<'a, M> {
    /// The empty order.
    pub fn new(model: &'a M) -> Replay<'a, M> {
        Replay { model, state: model.init(), latest_invocation: 0, waiting: FxHashMap::default(), is_broken: false }
    }

    /// An entry is there to be placed.
    pub fn invoke(&mut self, index: u32, entry: EntryOf<M>) {
        self.waiting.insert(index, entry);
    }

    /// Places entries. Each may stand only once, and must not have returned before one was invoked that stands before it.
    pub fn place(&mut self, order: &[u32]) {
        for index in order {
            let Some(entry) = self.waiting.remove(index) else {
                self.is_broken = true;
                return;
            };
            self.latest_invocation = self.latest_invocation.max(entry.invoked_ns);
            self.is_broken |= entry.must && entry.until_ns < self.latest_invocation;
            match self.model.step(&self.state, &entry.call, entry.reply.as_ref()) {
                Ok(next) => self.state = next,
                Err(_) => self.is_broken = true,
            }
        }
    }

    /// Whether it is a legal order of all that has to take effect.
    pub fn is_whole(&self) -> bool {
        !self.is_broken && !self.waiting.values().any(|entry| entry.must)
    }

    /// Roughly how many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        self.waiting.capacity() * (size_of::<EntryOf<M>>() + 8)
    }
}
