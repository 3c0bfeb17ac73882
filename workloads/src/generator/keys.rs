//! Independent keys: groups of workers, each on a key of its own, and keys that retire.

use super::{Context, Generator, Happened, Next, earlier};
use squall_results::call::Key;
use std::sync::Arc;

/// When a key has been used enough. The cost of an honest verdict grows with the operations on a key, and steeply with
/// those of unknown outcome, which stay possible to the end of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLimits {
    /// The most calls on one key, those left out that certainly did not happen.
    pub calls: usize,
    /// The most calls with an unknown outcome that may have changed the key.
    pub crashed: usize,
}

impl Default for KeyLimits {
    fn default() -> KeyLimits {
        KeyLimits { calls: 200, crashed: 4 }
    }
}

/// Makes the generator of one key.
pub type MakeKey = Arc<dyn Fn(Key) -> Box<dyn Generator> + Send + Sync>;

/// Groups of workers, each on a key of its own. A group moves to the next unused key when its key has retired (by
/// [`KeyLimits`], or because the key's generator ended) and all calls on it have returned. Never ends by itself.
#[derive(Clone)]
pub struct Keys {
    group_size: usize,
    limits: KeyLimits,
    make: MakeKey,
    groups: Vec<Group>,
    unused: Key,
    turn: usize,
}

#[derive(Clone)]
struct Group {
    generator: Box<dyn Generator>,
    used: bool,
    calls: usize,
    crashed: usize,
    open: usize,
    ended: bool,
}

impl Keys {
    /// `workers` workers in groups of `group_size` (the last group gets the remainder as well), keys counted from 0.
    ///
    /// # Panics
    /// If `group_size` is 0 or greater than `workers`.
    pub fn new(workers: usize, group_size: usize, limits: KeyLimits, make: MakeKey) -> Keys {
        assert!((1..=workers).contains(&group_size), "groups of {group_size} out of {workers} workers");
        let mut keys = Keys { group_size, limits, make, groups: Vec::new(), unused: 0, turn: 0 };
        keys.groups = (0..workers / group_size).map(|_| keys.fresh()).collect();
        keys
    }

    fn fresh(&mut self) -> Group {
        let key = self.unused;
        self.unused += 1;
        Group { generator: (self.make)(key), used: false, calls: 0, crashed: 0, open: 0, ended: false }
    }

    fn group_of(&self, worker: usize) -> usize {
        (worker / self.group_size).min(self.groups.len() - 1)
    }

    fn workers_of(&self, group: usize) -> (usize, usize) {
        let from = group * self.group_size;
        (from, if group + 1 == self.groups.len() { usize::MAX } else { from + self.group_size })
    }

    fn next_in(&mut self, position: usize, context: &Context) -> Next {
        let (from, until) = self.workers_of(position);
        let context = context.only(from, until);
        let limits = self.limits;
        loop {
            let group = &mut self.groups[position];
            group.ended |= group.calls >= limits.calls || group.crashed >= limits.crashed;
            let next = if group.ended { Next::Done } else { group.generator.next(&context) };
            match next {
                Next::Done if group.open > 0 => {
                    group.ended = true;
                    return Next::Wait(None);
                }
                Next::Done if !group.used => return Next::Done,
                Next::Done => self.groups[position] = self.fresh(),
                next => return next,
            }
        }
    }
}

impl Generator for Keys {
    fn next(&mut self, context: &Context) -> Next {
        let mut wait = None;
        let mut done = 0;
        self.turn = (self.turn + 1) % self.groups.len();
        for step in 0..self.groups.len() {
            match self.next_in((self.turn + step) % self.groups.len(), context) {
                Next::Invoke(invocation) => return Next::Invoke(invocation),
                Next::Wait(until) => wait = earlier(wait, until),
                Next::Done => done += 1,
            }
        }
        // A key whose generator never calls anything would be followed by others like it for ever.
        if done == self.groups.len() { Next::Done } else { Next::Wait(wait) }
    }

    fn update(&mut self, happened: &Happened) {
        let position = self.group_of(happened.worker());
        let group = &mut self.groups[position];
        match happened {
            Happened::Invoked { .. } => {
                group.used = true;
                group.calls += 1;
                group.open += 1;
            }
            Happened::Returned { call, outcome, .. } => {
                group.open -= 1;
                group.calls -= usize::from(outcome.is_fail());
                group.crashed += usize::from(outcome.is_unknown() && !call.kind().only_observes());
            }
        }
        group.generator.update(happened);
    }
}
