//! Random histories of queues, counters, texts and locks: an object answers each call at a moment of its own between
//! invocation and return, later for a call that crashed, and then most histories get wrong answers here and there.

use crate::courses::{Planned, Random, by_invocation, plan};
use crate::history::{added, written};
use squall_results::call::{Call, Reply, Value};
use squall_results::{Operation, Outcome};

/// An object that is asked in a random history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A queue with an order.
    Fifo,
    /// A queue without one.
    Unordered,
    /// A counter of equal steps.
    Counter,
    /// A text that grows.
    Text,
    /// A lock that anybody may give back.
    Mutex,
}

/// What random histories look like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub object: Asked,
    /// The most operations.
    pub operations: u64,
    /// How many calls in a hundred get no answer.
    pub crashed_percent: u64,
    /// How many in a hundred change the object; the others ask.
    pub changes_percent: u64,
}

impl Shape {
    /// Shapes by turns: few and many crashed operations, many and few changes.
    pub fn by_turns(object: Asked, number: u64, operations: u64) -> Shape {
        let crashed_percent = [0, 10, 30, 60][(number % 4) as usize];
        Shape { object, operations, crashed_percent, changes_percent: [50, 35, 65][(number / 4 % 3) as usize] }
    }
}

/// The step of all counters.
pub const STEP: i64 = 3;

/// What was done to the object so far.
#[derive(Default)]
pub struct Object {
    elements: Vec<Value>,
    count: i64,
    text: String,
    held: bool,
}

/// A random history of one key.
pub fn random_history(random: &mut Random, shape: Shape) -> Vec<Operation> {
    let count = 3 + random.below(shape.operations - 2);
    let processes = 2 + random.below(3);
    let planned = plan(random, count, processes, shape.crashed_percent, |random, id| call(random, shape, id));
    let wrong_percent = if random.chance(35) { 0 } else { random.below(40) };
    let mut object = Object::default();
    let answered = planned.into_iter().map(|Planned { mut operation, crashes, .. }| {
        let happens = !crashes || random.chance(70);
        let reply = happens.then(|| answer(random, shape.object, &operation.call, &mut object));
        operation.outcome = match (reply, crashes) {
            (Some(None), _) if !random.chance(wrong_percent) => Outcome::Fail("refused".into()),
            (Some(None), _) => Outcome::Ok(refused(&operation.call)),
            (Some(Some(reply)), false) if random.chance(wrong_percent) => Outcome::Ok(wrong(random, reply, count)),
            (Some(Some(reply)), false) => Outcome::Ok(reply),
            _ => Outcome::Unknown("no answer".into()),
        };
        if operation.outcome.is_unknown() && random.chance(50) {
            operation.returned_ns = None;
        }
        operation
    });
    by_invocation(answered.collect())
}

/// A call that a history of this shape may have; `id` is its number.
pub fn call(random: &mut Random, shape: Shape, id: u64) -> Call {
    let (key, changes) = (0, random.chance(shape.changes_percent));
    match (shape.object, changes) {
        (Asked::Fifo | Asked::Unordered, true) => Call::Enqueue { key, element: id as Value },
        (Asked::Fifo | Asked::Unordered, false) => Call::Dequeue { key },
        (Asked::Counter, true) => Call::Increase { key, by: STEP },
        (Asked::Counter, false) => Call::Count { key },
        (Asked::Text, true) => Call::Append { key, text: format!("{id};") },
        (Asked::Text, false) => Call::Get { key },
        (Asked::Mutex, true) => Call::Acquire { key },
        (Asked::Mutex, false) => Call::Release { key },
    }
}

/// What the object answers; `None`: a lock that is taken is not taken again, nor a free one given back.
pub fn answer(random: &mut Random, asked: Asked, call: &Call, object: &mut Object) -> Option<Reply> {
    Some(match call {
        Call::Enqueue { element, .. } => {
            object.elements.push(*element);
            added()
        }
        Call::Dequeue { .. } if object.elements.is_empty() => Reply::Dequeued { element: None },
        Call::Dequeue { .. } => {
            let at = if asked == Asked::Fifo { 0 } else { random.below(object.elements.len() as u64) as usize };
            Reply::Dequeued { element: Some(object.elements.remove(at)) }
        }
        Call::Increase { by, .. } => {
            object.count += by;
            added()
        }
        Call::Count { .. } => Reply::Count { count: object.count },
        Call::Append { text, .. } => {
            object.text.push_str(text);
            written()
        }
        Call::Get { .. } => Reply::Text { text: object.text.clone() },
        Call::Acquire { .. } if object.held => return None,
        Call::Release { .. } if !object.held => return None,
        Call::Acquire { .. } => {
            object.held = true;
            Reply::Acquired { token: 0, until_ns: None }
        }
        Call::Release { .. } => {
            object.held = false;
            Reply::Released { until_ns: None }
        }
        call => unreachable!("nobody asks to {call}"),
    })
}

/// What a lock must not answer.
fn refused(call: &Call) -> Reply {
    match call {
        Call::Acquire { .. } => Reply::Acquired { token: 0, until_ns: None },
        _ => Reply::Released { until_ns: None },
    }
}

/// Another answer than the right one.
fn wrong(random: &mut Random, reply: Reply, count: u64) -> Reply {
    match reply {
        Reply::Dequeued { .. } => Reply::Dequeued { element: random.chance(75).then(|| random.below(count) as Value) },
        Reply::Count { count } => Reply::Count { count: count + [-STEP, STEP, 2 * STEP, 1][random.below(4) as usize] },
        Reply::Text { text } => {
            let mut pieces: Vec<&str> = text.split_inclusive(';').collect();
            match random.below(3) {
                0 => pieces.reverse(),
                1 => {
                    pieces.pop();
                }
                _ => pieces.push("0;"),
            }
            Reply::Text { text: pieces.concat() }
        }
        reply => reply,
    }
}
