//! The events of one key in the order in which they can be judged: an invocation once the end of its operation is known,
//! and with it everything after.

use super::foresight::{Foreseen, Foresight};
use crate::checker::linearizable::entry::{only_observes, says_nothing};
use crate::model::Model;
use crate::outcome::Outcome;
use std::collections::VecDeque;

/// The moment of a return that never comes.
pub(super) const NEVER: u32 = u32::MAX;

/// How many operations a key may have: each has two moments, and those have numbers below [`NEVER`].
pub(super) const OPERATIONS_MAX: usize = (NEVER / 2 - 1) as usize;

/// What is known of the end of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nothing yet.
    Open,
    /// It was answered at an instant up to which there may be other invocations.
    Held,
    /// It was answered.
    Answered,
    /// It may take effect at any later time, or never.
    Doubtful,
    /// It cannot matter.
    Gone,
}

/// An operation that was not yet handed on.
struct Waiting<C, R> {
    id: u64,
    call: C,
    reply: Option<R>,
    end: End,
    inv: u32,
    ret: u32,
    until_ns: u64,
    foreseen: Foreseen,
}

/// An invocation or a return, in the order of time.
#[derive(Debug, Clone, Copy)]
struct Queued {
    index: u32,
    moment: u32,
    /// Of a return, which operation it ends and when.
    ends: Option<Ends>,
}

/// Which operation a return ends, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub id: u64,
    pub at_ns: u64,
}

/// What is handed on.
pub(super) enum Handed<C, R> {
    /// An operation is invoked that may or has to take effect.
    Invoke { index: u32, call: C, reply: Option<R>, inv: u32, ret: u32, foreseen: Foreseen },
    /// An operation returns.
    Return { index: u32, moment: u32, ends: Ends },
}

/// The events of one key that were not yet judged.
pub(super) struct Intake<C, R> {
    waiting: VecDeque<Waiting<C, R>>,
    /// The index of the first that waits.
    first: u32,
    queue: VecDeque<Queued>,
    /// Returns at the last instant: at one instant invocations come first.
    held: Vec<u32>,
    moments: u32,
    foresight: Foresight,
}

impl<C, R> Intake<C, R> {
    /// Nothing has happened.
    pub fn new(spare: usize) -> Intake<C, R> {
        let (waiting, queue) = (VecDeque::new(), VecDeque::new());
        Intake { waiting, first: 0, queue, held: Vec::new(), moments: 0, foresight: Foresight::new(spare) }
    }

    /// Roughly how many bytes it holds.
    pub fn held_bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting<C, R>>() + self.queue.capacity() * size_of::<Queued>()
    }

    /// An operation is invoked; its index.
    pub fn invoke(&mut self, id: u64, call: C) -> u32 {
        let index = self.first + self.waiting.len() as u32;
        let inv = self.next_moment();
        let foreseen = Foreseen::default();
        self.waiting.push_back(Waiting {
            id,
            call,
            reply: None,
            end: End::Open,
            inv,
            ret: NEVER,
            until_ns: 0,
            foreseen,
        });
        self.queue.push_back(Queued { index, moment: inv, ends: None });
        index
    }

    /// An operation ends at an instant. Returns at an earlier one must have been [released](Intake::release).
    pub fn end<M: Model<Call = C, Reply = R>>(&mut self, model: &M, index: u32, at_ns: u64, outcome: Outcome<R>) {
        let Some(waiting) = index.checked_sub(self.first).and_then(|at| self.waiting.get_mut(at as usize)) else {
            return;
        };
        waiting.until_ns = at_ns;
        waiting.end = match outcome {
            Outcome::Ok(reply) if says_nothing(model.access(&waiting.call, Some(&reply))) => End::Gone,
            Outcome::Ok(reply) => {
                waiting.reply = Some(reply);
                self.held.push(index);
                End::Held
            }
            Outcome::Unknown(_) if !only_observes(model, &waiting.call, None) => End::Doubtful,
            Outcome::Unknown(_) | Outcome::Fail(_) => End::Gone,
        };
    }

    /// Time goes on: no more will be invoked at the instant of the returns that are held.
    pub fn release<M: Model<Call = C, Reply = R>>(&mut self, model: &M) {
        let mut held = std::mem::take(&mut self.held);
        held.sort_unstable();
        for index in held {
            let (moment, oldest_open) = (self.next_moment(), self.waiting.front().map_or(NEVER, |first| first.inv));
            let waiting = &mut self.waiting[(index - self.first) as usize];
            if let Some(access) = model.access(&waiting.call, waiting.reply.as_ref()) {
                waiting.foreseen = self.foresight.ret(access, waiting.inv, oldest_open);
            }
            (waiting.end, waiting.ret) = (End::Answered, moment);
            let ends = Some(Ends { id: waiting.id, at_ns: waiting.until_ns });
            self.queue.push_back(Queued { index, moment, ends });
        }
    }

    /// Nothing more will come: what is open never returns.
    pub fn close<M: Model<Call = C, Reply = R>>(&mut self, model: &M) {
        self.release(model);
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.end == End::Open) {
            waiting.end = if only_observes(model, &waiting.call, None) { End::Gone } else { End::Doubtful };
        }
    }

    /// The next event, if it can be judged.
    pub fn next(&mut self) -> Option<Handed<C, R>> {
        loop {
            let Queued { index, moment, ends } = *self.queue.front()?;
            if let Some(ends) = ends {
                self.queue.pop_front();
                return Some(Handed::Return { index, moment, ends });
            }
            if matches!(self.waiting.front()?.end, End::Open | End::Held) {
                return None;
            }
            self.queue.pop_front();
            self.first += 1;
            let Waiting { call, reply, end, inv, ret, foreseen, .. } = self.waiting.pop_front()?;
            if end != End::Gone {
                return Some(Handed::Invoke { index, call, reply, inv, ret, foreseen });
            }
        }
    }

    /// A return that could not be judged to its end is judged again next.
    pub fn put_back(&mut self, index: u32, moment: u32, ends: Ends) {
        self.queue.push_front(Queued { index, moment, ends: Some(ends) });
    }

    fn next_moment(&mut self) -> u32 {
        self.moments += 1;
        self.moments
    }
}
