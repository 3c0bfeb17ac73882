//! Queues: `fifo-queue`, and without an order `unordered-queue`.

use crate::call::{Call, Key, Reply, Value};
use crate::model::Model;
use std::collections::VecDeque;

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
        match (call, reply) {
            (Call::Enqueue { element, .. }, None | Some(Reply::Added { .. })) => after.push_back(*element),
            (Call::Dequeue { .. }, None) => {
                after.pop_front();
            }
            (Call::Dequeue { .. }, Some(Reply::Dequeued { element })) => match (element, after.pop_front()) {
                (element, front) if *element == front => {}
                (Some(element), Some(front)) => return Err(format!("it took out {element}, but {front} is next")),
                (Some(element), None) => return Err(format!("it took out {element}, but the queue is empty")),
                (None, _) => return Err(format!("it found the queue empty, but it holds {}", show(state))),
            },
            (call, Some(reply)) => return Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no queue knows changes none.
            (_, None) => {}
        }
        Ok(after)
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn show(&self, state: &Self::State) -> String {
        match state.is_empty() {
            true => "empty".into(),
            false => show(state),
        }
    }
}

fn show<'a>(elements: impl IntoIterator<Item = &'a Value>) -> String {
    elements.into_iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
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
        match (call, reply) {
            (Call::Enqueue { element, .. }, None | Some(Reply::Added { .. })) => Ok(state.with(*element)),
            (Call::Dequeue { .. }, None) => Ok(state.without_one()),
            (Call::Dequeue { .. }, Some(Reply::Dequeued { element: Some(element) })) => state
                .without(*element)
                .ok_or_else(|| format!("it took out {element}, but the queue is {}", UnorderedQueue.show(state))),
            (Call::Dequeue { .. }, Some(Reply::Dequeued { element: None })) if state.may_be_empty() => {
                Ok(Bag::default())
            }
            (Call::Dequeue { .. }, Some(Reply::Dequeued { element: None })) => {
                Err(format!("it found the queue empty, but it is {}", UnorderedQueue.show(state)))
            }
            (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no queue knows changes none.
            (_, None) => Ok(state.clone()),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn show(&self, state: &Bag) -> String {
        let gone = state.since.len();
        match (state.since.is_empty() && state.last.is_empty(), gone) {
            (true, _) => "empty".into(),
            (false, 0) => show(&state.last),
            (false, gone) => format!("{} without {gone} of them", show(state.elements())),
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
    /// For each dequeue without an answer what was put in since the one before; sorted.
    since: Vec<Vec<Value>>,
    /// What was put in since the last of them; sorted.
    last: Vec<Value>,
}

impl Bag {
    fn elements(&self) -> impl Iterator<Item = &Value> {
        self.since.iter().flatten().chain(&self.last)
    }

    fn may_be_empty(&self) -> bool {
        self.elements().count() == self.since.len()
    }

    fn with(&self, element: Value) -> Bag {
        let mut after = self.clone();
        let at = after.last.partition_point(|other| *other < element);
        after.last.insert(at, element);
        after
    }

    /// One element less, whichever; an empty queue stays as it is.
    fn without_one(&self) -> Bag {
        if self.may_be_empty() {
            return self.clone();
        }
        let mut after = self.clone();
        after.since.push(std::mem::take(&mut after.last));
        after.tidied()
    }

    /// One `element` less; `None` if it cannot be there.
    ///
    /// Where it is there several times, the latest is taken: what is left then lies before more of the dequeues.
    fn without(&self, element: Value) -> Option<Bag> {
        let mut after = self.clone();
        let of = std::iter::once(&mut after.last).chain(after.since.iter_mut().rev());
        let removed = of.into_iter().find_map(|part| Some(part.remove(part.binary_search(&element).ok()?)));
        removed.filter(|_| after.is_possible()).map(|_| after.tidied())
    }

    fn is_possible(&self) -> bool {
        let mut elements = 0;
        self.since.iter().enumerate().all(|(before, part)| {
            elements += part.len();
            elements > before
        })
    }

    /// Without what is certainly gone: where there are as many elements as dequeues up to one of them.
    fn tidied(mut self) -> Bag {
        let (mut elements, mut gone) = (0, 0);
        for (before, part) in self.since.iter().enumerate() {
            elements += part.len();
            if elements == before + 1 {
                gone = before + 1;
            }
        }
        self.since.drain(..gone);
        self
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
