//! Random histories of queues, counters, texts, locks and registers: an object answers each call at a moment of its own between
//! invocation and return, later for a call that crashed, and then most histories get wrong answers here and there.

use crate::courses::{Planned, Random, by_invocation, plan};
use crate::history::{added, written};
use squall_results::call::{Call, Reply, Step, Value, Version};
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
    /// A text that is put and appended to, by pieces of which no two are equal.
    Text,
    /// The same by few different pieces.
    Repeated,
    /// Three such texts, as one object.
    Store,
    /// Three registers that transactions read and write together.
    Registers,
    /// A lock that anybody may give back.
    Mutex,
    /// A lock that only who took it gives back.
    Owner,
    /// The same, with tokens that grow.
    Fenced,
    /// A register with versions.
    Versioned,
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
#[derive(Debug)]
pub struct Object {
    elements: Vec<Value>,
    count: i64,
    text: String,
    texts: [String; 3],
    registers: [Option<Value>; 3],
    held_by: Option<u64>,
    token: u64,
    value: Option<Value>,
    version: Version,
}

impl Default for Object {
    fn default() -> Object {
        let version = Version { order: 0, edits: Some(0) };
        let (elements, text, texts, registers) = (Vec::new(), String::new(), Default::default(), [None; 3]);
        Object { elements, count: 0, text, texts, registers, held_by: None, token: 0, value: None, version }
    }
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
        let reply = happens.then(|| answer(random, shape.object, &operation, &mut object));
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
        (Asked::Text, true) if random.chance(20) => Call::Put { key, text: format!("{id}:") },
        (Asked::Text, true) => Call::Append { key, text: format!("{id};") },
        (Asked::Text, false) => Call::Get { key },
        (Asked::Repeated, true) if random.chance(25) => Call::Put { key, text: format!("{};", id % 3) },
        (Asked::Repeated, true) => Call::Append { key, text: format!("{};", random.below(3)) },
        (Asked::Repeated, false) => Call::Get { key },
        (Asked::Store, true) if random.chance(20) => Call::Put { key: random.below(3), text: format!("{id};") },
        (Asked::Store, true) => Call::Append { key: random.below(3), text: format!("{id};") },
        (Asked::Store, false) => Call::Get { key: random.below(3) },
        (Asked::Registers, changes) => {
            let (steps, most) = (1 + random.below(2), if changes { 2 } else { 1 });
            let step = |_| match (random.below(3), random.below(most)) {
                (key, 0) => Step::Read { key },
                (key, _) => Step::Write { key, value: random.below(3) as Value },
            };
            Call::Transaction { steps: (0..steps).map(step).collect() }
        }
        (Asked::Mutex | Asked::Owner | Asked::Fenced, true) => Call::Acquire { key },
        (Asked::Mutex | Asked::Owner | Asked::Fenced, false) => Call::Release { key },
        (Asked::Versioned, false) => Call::Read { key },
        (Asked::Versioned, true) if random.chance(60) => Call::Write { key, value: random.below(3) as Value },
        (Asked::Versioned, true) => {
            let expect = random.chance(80).then(|| random.below(3) as Value);
            Call::Cas { key, expect, value: random.below(3) as Value }
        }
    }
}

/// What the object answers; `None`: a lock that is taken is not taken again, nor a free one given back.
pub fn answer(random: &mut Random, asked: Asked, operation: &Operation, object: &mut Object) -> Option<Reply> {
    let (call, process) = (&operation.call, operation.process);
    let is_own = asked == Asked::Mutex || object.held_by == Some(process);
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
        Call::Append { key, text } => {
            text_of(asked, *key, object).push_str(text);
            written()
        }
        Call::Put { key, text } => {
            text_of(asked, *key, object).clone_from(text);
            written()
        }
        Call::Get { key } => Reply::Text { text: text_of(asked, *key, object).clone() },
        Call::Transaction { steps } => Reply::Committed { found: found(steps, &mut object.registers) },
        Call::Acquire { .. } if object.held_by.is_some() => return None,
        Call::Acquire { .. } => {
            object.held_by = Some(process);
            object.token += 1 + random.below(2);
            Reply::Acquired { token: object.token, until_ns: None }
        }
        Call::Release { .. } if object.held_by.is_none() || !is_own => {
            return random.chance(50).then_some(Reply::NotHeld { until_ns: None }).filter(|_| asked != Asked::Mutex);
        }
        Call::Release { .. } => {
            object.held_by = None;
            Reply::Released { until_ns: None }
        }
        Call::Read { .. } => {
            let version = random.chance(90).then_some(object.version);
            Reply::Read { value: object.value, version }
        }
        Call::Cas { expect, .. } if *expect != object.value => Reply::NotEqual,
        Call::Write { value, .. } | Call::Cas { value, .. } => {
            object.value = Some(*value);
            object.version.order += 1 + random.below(2);
            object.version.edits = object.version.edits.map(|edits| edits + 1);
            Reply::Written { version: random.chance(90).then_some(object.version) }
        }
        call => unreachable!("nobody asks to {call}"),
    })
}

fn text_of(asked: Asked, key: u64, object: &mut Object) -> &mut String {
    if asked == Asked::Store { &mut object.texts[key as usize] } else { &mut object.text }
}

/// What a transaction finds, after which the registers hold what it wrote.
pub fn found(steps: &[Step], registers: &mut [Option<Value>; 3]) -> Vec<Option<Value>> {
    let mut found = Vec::new();
    for step in steps {
        match step {
            Step::Read { key } => found.push(registers[*key as usize]),
            Step::Write { key, value } => registers[*key as usize] = Some(*value),
        }
    }
    found
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
        Reply::Committed { mut found } => {
            if let Some(one) = found.last_mut() {
                *one = random.chance(80).then(|| random.below(3) as Value);
            }
            Reply::Committed { found }
        }
        Reply::Acquired { token, .. } => {
            Reply::Acquired { token: (token + random.below(3)).saturating_sub(1), until_ns: None }
        }
        Reply::Released { .. } => Reply::NotHeld { until_ns: None },
        Reply::NotHeld { .. } => Reply::Released { until_ns: None },
        Reply::Read { value, version } if random.chance(50) => Reply::Read { value, version: another(random, version) },
        Reply::Read { version, .. } => Reply::Read { value: Some(random.below(3) as Value), version },
        Reply::Written { version } if random.chance(70) => Reply::Written { version: another(random, version) },
        Reply::Written { version: Some(_) } => Reply::NotEqual,
        reply => reply,
    }
}

/// Another version.
fn another(random: &mut Random, version: Option<Version>) -> Option<Version> {
    let Version { order, edits } = version?;
    Some(match random.below(4) {
        0 => Version { order: order + 1, edits },
        1 => Version { order: order.saturating_sub(1), edits },
        2 => Version { order, edits: edits.map(|edits| edits + 1) },
        _ => Version { order, edits: None },
    })
}
