//! States and operations by number, and the model's answers remembered: the search compares and copies numbers alone.

use super::entry::{EntryOf, only_observes};
use crate::model::{Access, Model};
use rustc_hash::FxHashMap;

/// The number of a state.
pub(super) type StateId = u32;

/// The number of a class: entries that no state can tell apart.
pub(super) type ClassId = u32;

/// What makes entries one class: equal accesses (by their law the model cannot tell them apart, whatever version the
/// reply carries), else equal calls and replies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Likeness<C, R> {
    Access { access: Access, replied: bool },
    Exact { call: C, reply: Option<R> },
}

struct Class<C, R> {
    call: C,
    reply: Option<R>,
    only_observes: bool,
}

/// The model of one key, by numbers.
pub(super) struct Table<'a, M: Model> {
    model: &'a M,
    states: Vec<M::State>,
    state_ids: FxHashMap<M::State, StateId>,
    classes: Vec<Class<M::Call, M::Reply>>,
    class_ids: FxHashMap<Likeness<M::Call, M::Reply>, ClassId>,
    steps: FxHashMap<(StateId, ClassId), Option<StateId>>,
}

impl<'a, M: Model> Table<'a, M> {
    /// Knows the state before any operation, as number 0.
    pub fn new(model: &'a M) -> Table<'a, M> {
        let mut table = Table {
            model,
            states: Vec::new(),
            state_ids: FxHashMap::default(),
            classes: Vec::new(),
            class_ids: FxHashMap::default(),
            steps: FxHashMap::default(),
        };
        table.intern(model.init());
        table
    }

    /// The class of an entry.
    pub fn class(&mut self, entry: &EntryOf<M>) -> ClassId {
        self.class_of(&entry.call, entry.reply.as_ref())
    }

    fn class_of(&mut self, call: &M::Call, reply: Option<&M::Reply>) -> ClassId {
        let likeness = match self.model.access(call, reply) {
            Some(access) => Likeness::Access { access, replied: reply.is_some() },
            None => Likeness::Exact { call: call.clone(), reply: reply.cloned() },
        };
        let next = self.classes.len() as ClassId;
        let id = *self.class_ids.entry(likeness).or_insert(next);
        if id == next {
            let only_observes = only_observes(self.model, call, reply);
            self.classes.push(Class { call: call.clone(), reply: reply.cloned(), only_observes });
        }
        id
    }

    /// Whether the operations of a class leave every state in which they are legal as it was.
    pub fn only_observes(&self, class: ClassId) -> bool {
        self.classes[class as usize].only_observes
    }

    /// Whether operations of the classes can change places anywhere.
    pub fn commute(&self, one: ClassId, other: ClassId) -> bool {
        let [one, other] = [one, other].map(|class| &self.classes[class as usize]);
        self.model.commute((&one.call, one.reply.as_ref()), (&other.call, other.reply.as_ref()))
    }

    /// The state after an operation of `class` in `state`; `None`: it is not legal there.
    pub fn step(&mut self, state: StateId, class: ClassId) -> Option<StateId> {
        if let Some(next) = self.steps.get(&(state, class)) {
            return *next;
        }
        let Class { call, reply, .. } = &self.classes[class as usize];
        let next = self.model.step(&self.states[state as usize], call, reply.as_ref()).ok();
        let next = next.map(|next| self.intern(next));
        self.steps.insert((state, class), next);
        next
    }

    /// The state of a number.
    pub fn state(&self, id: StateId) -> &M::State {
        &self.states[id as usize]
    }

    /// Roughly how many bytes the table holds.
    pub fn held_bytes(&self) -> usize {
        self.states.len() * 2 * (size_of::<M::State>() + 8) + self.classes.len() * 160 + self.steps.len() * 24
    }

    /// A table that knows nothing but the state before any operation.
    pub fn renewed(&self) -> Table<'a, M> {
        Table::new(self.model)
    }

    /// The class here of a class there.
    pub fn adopt(&mut self, other: &Table<'a, M>, class: ClassId) -> ClassId {
        let Class { call, reply, .. } = &other.classes[class as usize];
        self.class_of(call, reply.as_ref())
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// How much it knows.
    pub fn len(&self) -> usize {
        self.states.len() + self.classes.len() + self.steps.len()
    }

    /// The number of a state.
    pub fn intern(&mut self, state: M::State) -> StateId {
        let next = self.states.len() as StateId;
        let id = *self.state_ids.entry(state.clone()).or_insert(next);
        if id == next {
            self.states.push(state);
        }
        id
    }
}
