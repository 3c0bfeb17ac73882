//! The operations of one key as the search sees them, and the moments at which they begin and have to be done.

use crate::call::{Call, Reply};
use crate::history::Operation;
use crate::model::{Access, Demand, Model};
use crate::outcome::Outcome;

/// One operation that may or must be placed in a legal order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<C = Call, R = Reply> {
    /// Its position among the operations of the key.
    pub position: usize,
    /// From here on it can take effect.
    pub invoked_ns: u64,
    /// Up to here it can take effect.
    pub until_ns: u64,
    /// What was asked.
    pub call: C,
    /// What was answered; `None`: nobody saw an answer.
    pub reply: Option<R>,
    /// Whether it has to take effect; otherwise it may, at any time after its invocation, or never.
    pub must: bool,
}

/// An entry of a model.
pub(super) type EntryOf<M> = Entry<<M as Model>::Call, <M as Model>::Reply>;

/// An operation of a model.
pub(super) type OperationOf<M> = Operation<<M as Model>::Call, <M as Model>::Reply>;

/// The same where it is held, without a copy.
#[derive(Debug)]
pub(super) struct View<'a, C, R> {
    pub invoked_ns: u64,
    pub until_ns: u64,
    pub call: &'a C,
    pub reply: Option<&'a R>,
    pub must: bool,
}

/// A view of an entry of a model.
pub(super) type ViewOf<'a, M> = View<'a, <M as Model>::Call, <M as Model>::Reply>;

impl<C, R> Entry<C, R> {
    /// A view of it.
    pub fn view(&self) -> View<'_, C, R> {
        let Entry { invoked_ns, until_ns, ref call, ref reply, must, .. } = *self;
        View { invoked_ns, until_ns, call, reply: reply.as_ref(), must }
    }
}

/// A view of an operation as an entry, whether it is one or not.
pub(super) fn view<C, R>(operation: &Operation<C, R>) -> View<'_, C, R> {
    View {
        invoked_ns: operation.invoked_ns,
        until_ns: operation.effect_until_ns(),
        call: &operation.call,
        reply: operation.reply(),
        must: operation.outcome.is_ok(),
    }
}

/// Entries by index and by invocation, wherever they are held.
pub(super) trait Held<M: Model> {
    /// How many there are.
    fn count(&self) -> usize;

    /// The one of this index; indices are less than the count.
    fn at(&self, index: usize) -> ViewOf<'_, M>;
}

impl<M: Model> Held<M> for [EntryOf<M>] {
    fn count(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> ViewOf<'_, M> {
        self[index].view()
    }
}

/// Entries that are held as the operations of a key, and their positions among them.
pub(super) struct InPlace<'a, M: Model> {
    pub operations: &'a [&'a OperationOf<M>],
    pub positions: Vec<u32>,
}

impl<M: Model> Held<M> for InPlace<'_, M> {
    fn count(&self) -> usize {
        self.positions.len()
    }

    fn at(&self, index: usize) -> ViewOf<'_, M> {
        view(self.operations[self.positions[index] as usize])
    }
}

/// Whether an operation is an entry. Left out are operations that failed (they never took effect), those without an
/// answer that only observe, and answered ones that demand nothing and change nothing, whose answer stands for any: each
/// is legal everywhere between its invocation and its return and changes no state, so that any legal order stays legal
/// with or without it.
pub(super) fn is_entry<M: Model>(model: &M, operation: &OperationOf<M>) -> bool {
    match operation.outcome {
        Outcome::Ok(_) => !says_nothing(model.access(&operation.call, operation.reply())),
        Outcome::Fail(_) => false,
        Outcome::Unknown(_) => !only_observes(model, &operation.call, None),
    }
}

/// The [entries](is_entry) of `operations`, by invocation.
pub(super) fn entries<M: Model>(model: &M, operations: &[&OperationOf<M>]) -> Vec<EntryOf<M>> {
    let mut entries: Vec<EntryOf<M>> = operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| is_entry(model, operation))
        .map(|(position, operation)| Entry {
            position,
            invoked_ns: operation.invoked_ns,
            until_ns: operation.effect_until_ns(),
            call: operation.call.clone(),
            reply: operation.reply().cloned(),
            must: operation.outcome.is_ok(),
        })
        .collect();
    entries.sort_by_key(|entry| (entry.invoked_ns, entry.position));
    entries
}

/// Whether an operation leaves every state in which it is legal as it was.
pub(super) fn only_observes<M: Model>(model: &M, call: &M::Call, reply: Option<&M::Reply>) -> bool {
    model.only_observes(call) || model.access(call, reply).is_some_and(|access| access.only_observes())
}

/// Whether an access demands nothing and leaves what was there.
pub(super) fn says_nothing(access: Option<Access>) -> bool {
    access == Some(Access { demands: Demand::Anything, sets: None })
}

/// Something happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// When.
    pub at_ns: u64,
    /// What. At one instant invocations come before returns: equal stamps count as concurrent. With the other order a
    /// write of 1 that returned at 5 would have to precede a read of nil that was invoked at 5.
    pub what: What,
    /// To which entry, by index.
    pub entry: usize,
}

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// It may take effect from now on.
    Invoke,
    /// It has to have taken effect by now.
    Return,
}

/// All moments, in order. An entry that need not take effect never returns.
pub(super) fn moments<C, R>(entries: &[Entry<C, R>]) -> Vec<Moment> {
    let invokes = entries.iter().enumerate();
    let invokes = invokes.map(|(index, entry)| Moment { at_ns: entry.invoked_ns, what: What::Invoke, entry: index });
    let returns = entries.iter().enumerate().filter(|(_, entry)| entry.must);
    let returns = returns.map(|(index, entry)| Moment { at_ns: entry.until_ns, what: What::Return, entry: index });
    let mut moments: Vec<Moment> = invokes.chain(returns).collect();
    moments.sort_unstable();
    moments
}
