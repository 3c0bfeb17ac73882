//! Queues: `fifo-queue`, and without an order `unordered-queue`.

use crate::call::{Call, Key, Reply, Value};
use crate::model::{Deed, Model, Object};
use std::collections::{BTreeMap, VecDeque};

/// A queue whose elements are taken out in the order in which they were put in.
#[derive(Debug, Clone, Copy, Default)]
pub struct FifoQueue;

/// A queue whose elements are taken out in any order.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnorderedQueue;

impl Model for FifoQueue {
    type Call = Call;
    type Reply = Reply;
    /// The elements, the next first.
    type State = VecDeque<Value>;

    fn name(&self) -> &'static str {
        "fifo-queue"
    }

    fn init(&self) -> Self::State {
        VecDeque::new()
    }

    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String> {
        let mut after = state.clone();
        self.step_in_place(&mut after, call, reply)?;
        Ok(after)
    }

    fn step_in_place(&self, state: &mut Self::State, call: &Call, reply: Option<&Reply>) -> Result<(), String> {
        match (call, reply) {
            (Call::Enqueue { element, .. }, None | Some(Reply::Added { .. })) => state.push_back(*element),
            (Call::Dequeue { .. }, None) => {
                state.pop_front();
            }
            (Call::Dequeue { .. }, Some(Reply::Dequeued { element })) => match (element, state.front()) {
                (Some(element), Some(front)) if element == front => {
                    state.pop_front();
                }
                (None, None) => {}
                (Some(element), Some(front)) => return Err(format!("it took out {element}, but {front} is next")),
                (Some(element), None) => return Err(format!("it took out {element}, but the queue is empty")),
                (None, Some(_)) => return Err(format!("it found the queue empty, but it holds {}", show(&*state))),
            },
            (call, Some(reply)) => return Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no queue knows changes none.
            (_, None) => {}
        }
        Ok(())
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn object(&self) -> Option<Object> {
        Some(Object::FifoQueue)
    }

    fn deed<'a>(&self, call: &'a Call, reply: Option<&'a Reply>) -> Option<Deed<'a>> {
        deed(call, reply)
    }

    fn show(&self, state: &Self::State) -> String {
        show(state)
    }
}

/// What an operation does to a queue of either kind.
fn deed<'a>(call: &Call, reply: Option<&Reply>) -> Option<Deed<'a>> {
    match (call, reply) {
        (Call::Enqueue { element, .. }, None | Some(Reply::Added { .. })) => Some(Deed::Enqueue(*element)),
        (Call::Dequeue { .. }, Some(Reply::Dequeued { element: Some(element) })) => Some(Deed::Dequeue(*element)),
        (Call::Dequeue { .. }, Some(Reply::Dequeued { element: None })) => Some(Deed::FindEmpty),
        (Call::Dequeue { .. }, None) => Some(Deed::DequeueUnseen),
        _ => None,
    }
}

/// The elements as people write them; of many the next ones.
fn show<'a>(elements: impl IntoIterator<Item = &'a Value>) -> String {
    const SHOWN: usize = 8;
    let mut elements = elements.into_iter();
    let shown: Vec<String> = elements.by_ref().take(SHOWN).map(Value::to_string).collect();
    match (shown.is_empty(), elements.count()) {
        (true, _) => "empty".into(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

impl Model for UnorderedQueue {
    type Call = Call;
    type Reply = Reply;
    type State = Bag;

    fn name(&self) -> &'static str {
        "unordered-queue"
    }

    fn init(&self) -> Bag {
        Bag::default()
    }

    fn step(&self, state: &Bag, call: &Call, reply: Option<&Reply>) -> Result<Bag, String> {
        let mut after = state.clone();
        self.step_in_place(&mut after, call, reply)?;
        Ok(after)
    }

    fn step_in_place(&self, state: &mut Bag, call: &Call, reply: Option<&Reply>) -> Result<(), String> {
        match (call, reply) {
            (Call::Enqueue { element, .. }, None | Some(Reply::Added { .. })) => state.put(*element),
            (Call::Dequeue { .. }, None) => state.take_unseen(),
            (Call::Dequeue { .. }, Some(Reply::Dequeued { element: Some(element) })) => {
                if !state.take(*element) {
                    return Err(format!("it took out {element}, which the queue does not hold"));
                }
            }
            (Call::Dequeue { .. }, Some(Reply::Dequeued { element: None })) => {
                if !state.may_be_empty() {
                    return Err(format!("it found the queue empty, but it holds {}", self.show(state)));
                }
                *state = Bag::default();
            }
            (call, Some(reply)) => return Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no queue knows changes none.
            (_, None) => {}
        }
        Ok(())
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn object(&self) -> Option<Object> {
        Some(Object::UnorderedQueue)
    }

    fn deed<'a>(&self, call: &'a Call, reply: Option<&'a Reply>) -> Option<Deed<'a>> {
        deed(call, reply)
    }

    fn show(&self, state: &Bag) -> String {
        let elements = show(state.elements());
        match state.since.len() {
            0 => elements,
            gone => format!("{elements}, without {gone} of them"),
        }
    }
}

/// What an unordered queue holds. Nobody knows what a dequeue without an answer took out, so that the state keeps what it
/// may have been: one of the elements that were there then.
///
/// Which of them it was need not be decided. Each such dequeue took one of a set of elements that grows from one to the
/// next, so there is a choice for all of them exactly if, up to each, there are as many elements as dequeues (Hall, "On
/// representatives of subsets", 1935).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Bag {
    /// For each dequeue without an answer what was put in since the one before.
    since: Vec<Part>,
    /// What was put in since the last of them.
    last: Part,
}

/// Elements, each as often as it is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Part {
    times: BTreeMap<Value, usize>,
    size: usize,
}

impl Part {
    fn remove(&mut self, element: Value) -> bool {
        let Some(times) = self.times.get_mut(&element) else { return false };
        *times -= 1;
        if *times == 0 {
            self.times.remove(&element);
        }
        self.size -= 1;
        true
    }
}

impl Bag {
    fn elements(&self) -> impl Iterator<Item = &Value> {
        let parts = self.since.iter().chain([&self.last]);
        parts.flat_map(|part| part.times.iter()).flat_map(|(element, times)| std::iter::repeat_n(element, *times))
    }

    fn may_be_empty(&self) -> bool {
        self.since.iter().map(|part| part.size).sum::<usize>() + self.last.size == self.since.len()
    }

    fn put(&mut self, element: Value) {
        *self.last.times.entry(element).or_default() += 1;
        self.last.size += 1;
    }

    /// Takes one element, whichever; an empty queue stays as it is.
    fn take_unseen(&mut self) {
        if !self.may_be_empty() {
            self.since.push(std::mem::take(&mut self.last));
            self.tidy();
        }
    }

    /// Takes this element; whether it can have been there.
    ///
    /// Where it is there several times, the latest is taken: what is left then lies before more of the dequeues.
    fn take(&mut self, element: Value) -> bool {
        let taken = self.last.remove(element) || self.since.iter_mut().rev().any(|part| part.remove(element));
        if !taken || !self.is_possible() {
            return false;
        }
        self.tidy();
        true
    }

    fn is_possible(&self) -> bool {
        let mut elements = 0;
        self.since.iter().enumerate().all(|(before, part)| {
            elements += part.size;
            elements > before
        })
    }

    /// Forgets what is certainly gone: where there are as many elements as dequeues up to one of them.
    fn tidy(&mut self) {
        let (mut elements, mut gone) = (0, 0);
        for (before, part) in self.since.iter().enumerate() {
            elements += part.size;
            if elements == before + 1 {
                gone = before + 1;
            }
        }
        self.since.drain(..gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEQUEUE: Call = Call::Dequeue { key: 0 };

    /// Runs calls with their replies from the empty queue: how many of them are legal until the first that is not.
    fn legal<M: Model<Call = Call, Reply = Reply>>(model: &M, course: &[(Call, Option<Reply>)]) -> usize {
        let mut state = model.init();
        for (at, (call, reply)) in course.iter().enumerate() {
            match model.step(&state, call, reply.as_ref()) {
                Ok(next) => state = next,
                Err(_) => return at,
            }
        }
        course.len()
    }

    fn put(element: Value) -> (Call, Option<Reply>) {
        (Call::Enqueue { key: 0, element }, Some(Reply::Added { version: None }))
    }

    fn took(element: impl Into<Option<Value>>) -> (Call, Option<Reply>) {
        (DEQUEUE, Some(Reply::Dequeued { element: element.into() }))
    }

    const LOST: (Call, Option<Reply>) = (DEQUEUE, None);

    #[test]
    fn elements_come_out_in_the_order_in_which_they_went_in_or_in_any() {
        let check = |course: &[(Call, Option<Reply>)], fifo, unordered| {
            assert_eq!((legal(&FifoQueue, course), legal(&UnorderedQueue, course)), (fifo, unordered), "{course:?}");
        };
        check(&[put(1), put(2), took(1), took(2), took(None)], 5, 5);
        check(&[put(1), put(2), took(2), took(1)], 2, 4);
        check(&[put(1), took(2)], 1, 1);
        check(&[put(1), took(None)], 1, 1);
        check(&[put(1), took(1), took(1)], 2, 2);
        check(&[put(1), put(1), took(1), took(1)], 4, 4);
        check(&[put(1), put(2), LOST, took(2), took(None)], 5, 5);
        check(&[LOST, put(1), took(1)], 3, 3);
    }

    #[test]
    fn a_dequeue_without_an_answer_took_one_of_what_was_there() {
        let check = |course: &[(Call, Option<Reply>)], expected| {
            assert_eq!(legal(&UnorderedQueue, course), expected, "{course:?}");
        };
        check(&[put(1), put(2), LOST, took(1), took(None)], 5);
        check(&[put(1), put(2), LOST, took(2), took(1)], 4);
        check(&[put(1), LOST, put(2), took(1)], 3);
        check(&[put(1), put(2), LOST, put(3), took(1), took(2)], 5);
        check(&[put(1), LOST, put(1), took(1), took(None)], 5);
        check(&[put(1), put(2), LOST, put(3), LOST, took(3), took(None)], 7);
        check(&[put(1), put(2), LOST, put(1), took(1), took(1)], 6);
    }
}
