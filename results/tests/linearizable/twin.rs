//! The brute-force twin: linearizability of a register straight from the definition of Herlihy and Wing, 1990, and
//! random tiny histories to compare by. It shares nothing with the checker, the meaning of calls and replies included.

use squall_results::call::{Call, Reply, Value, Version};
use squall_results::{Operation, Outcome};

/// Whether `operations` (all of one key) are linearizable: some of the operations without an answer, and all with one,
/// stand in a total order that is legal and in which no operation comes before one that returned before its invocation.
pub fn is_linearizable(operations: &[Operation]) -> bool {
    is_linearizable_from(operations, None)
}

/// As [`is_linearizable`], for a register that holds `start` before any of the operations.
pub fn is_linearizable_from(operations: &[Operation], start: Option<Value>) -> bool {
    let certain: Vec<&Operation> = operations.iter().filter(|operation| operation.outcome.is_ok()).collect();
    let doubtful: Vec<&Operation> = operations.iter().filter(|operation| operation.outcome.is_unknown()).collect();
    (0..1_u32 << doubtful.len()).any(|subset| {
        let happened = doubtful.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1);
        let mut chosen = certain.clone();
        chosen.extend(happened.map(|(_, operation)| operation));
        has_legal_order(&mut chosen, start)
    })
}

/// As [`is_linearizable`], without trying twice what was done in another order: for many histories, of at most 31
/// operations. That it is right is tested against the definition.
pub fn is_linearizable_quickly(operations: &[Operation]) -> bool {
    let left: Vec<&Operation> = operations.iter().filter(|operation| !operation.outcome.is_fail()).collect();
    let bits = |of: &dyn Fn(&Operation) -> bool| {
        (0..left.len()).filter(|at| of(left[*at])).fold(0_u32, |set, at| set | 1 << at)
    };
    let certain = bits(&|operation| operation.outcome.is_ok());
    let before: Vec<u32> = left.iter().map(|second| bits(&|first| precedes(first, second))).collect();
    let mut seen = std::collections::HashSet::new();
    let mut stack: Vec<(u32, Option<Value>)> = vec![(0, None)];
    while let Some((done, holds)) = stack.pop() {
        if done & certain == certain {
            return true;
        }
        if !seen.insert((done, holds)) {
            continue;
        }
        for (at, operation) in left.iter().enumerate() {
            if done >> at & 1 == 0
                && before[at] & !done == 0
                && let Some(then) = apply(operation, holds)
            {
                stack.push((done | 1 << at, then));
            }
        }
    }
    false
}

/// Tries every order of `left`, one operation after the other.
fn has_legal_order(left: &mut Vec<&Operation>, holds: Option<Value>) -> bool {
    if left.is_empty() {
        return true;
    }
    (0..left.len()).any(|at| {
        let first = left[at];
        if left.iter().any(|other| precedes(other, first)) {
            return false;
        }
        let Some(then) = apply(first, holds) else { return false };
        left.remove(at);
        let found = has_legal_order(left, then);
        left.insert(at, first);
        found
    })
}

/// Whether `one` returned before `other` was invoked.
fn precedes(one: &Operation, other: &Operation) -> bool {
    match (&one.outcome, one.returned_ns) {
        (Outcome::Ok(_), Some(returned_ns)) => returned_ns < other.invoked_ns,
        _ => false,
    }
}

/// What the register holds after an operation; `None`: the answer is wrong.
fn apply(operation: &Operation, holds: Option<Value>) -> Option<Option<Value>> {
    match (&operation.call, &operation.outcome) {
        (Call::Read { .. }, Outcome::Ok(Reply::Read { value, .. })) => (*value == holds).then_some(holds),
        (Call::Read { .. }, Outcome::Unknown(_)) => Some(holds),
        (Call::Write { value, .. }, Outcome::Ok(Reply::Written { .. }) | Outcome::Unknown(_)) => Some(Some(*value)),
        (Call::Cas { expect, value, .. }, Outcome::Ok(Reply::Written { .. })) => {
            (*expect == holds).then_some(Some(*value))
        }
        (Call::Cas { expect, .. }, Outcome::Ok(Reply::NotEqual)) => (*expect != holds).then_some(holds),
        (Call::Cas { expect, value, .. }, Outcome::Unknown(_)) => {
            Some(if *expect == holds { Some(*value) } else { holds })
        }
        _ => None,
    }
}

/// Numbers that look random; the same for the same seed, on every machine (splitmix64, Steele et al., 2014).
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// An operation of a small history; `returned_ns` only matters to answers.
pub fn operation(
    id: u64,
    process: u64,
    call: Call,
    invoked_ns: u64,
    returned_ns: Option<u64>,
    outcome: Outcome,
) -> Operation {
    Operation { id, process, node: "n1".into(), call, due_ns: invoked_ns, invoked_ns, returned_ns, outcome }
}

/// What random histories look like.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The fewest and the most operations.
    pub operations: (u64, u64),
    /// The most processes; at least two work.
    pub processes: u64,
    /// The most values.
    pub values: u64,
    /// How many operations in a hundred get no answer.
    pub crashed_percent: u64,
    /// How many calls in a hundred are compare-and-set.
    pub cas_percent: u64,
    /// Whether each write has a value of its own.
    pub unique: bool,
    /// Whether wrong answers are mixed in; without, the history is linearizable.
    pub wrong: bool,
}

impl Shape {
    /// Two to four processes, three to seven operations, one to three values.
    pub const TINY: Shape = Shape {
        operations: (3, 7),
        processes: 4,
        values: 3,
        crashed_percent: 15,
        cas_percent: 30,
        unique: false,
        wrong: true,
    };

    /// Shapes by turns: few and many processes, values, crashed operations and swaps.
    pub fn by_turns(number: u64, most: u64) -> Shape {
        Shape {
            operations: (3, most),
            processes: [4, 6, 9][(number % 3) as usize],
            values: 2 + number / 3 % 4,
            // Crashed operations are where the reductions are subtle.
            crashed_percent: [15, 25][(number / 12 % 2) as usize],
            cas_percent: [20, 40, 60][(number / 24 % 3) as usize],
            unique: number % 8 == 7,
            wrong: true,
        }
    }
}

/// A random history of one key: a register answers each call at a moment of its own between invocation and return (later
/// for a call that crashed), and then most histories get wrong answers here and there.
pub fn random_history(random: &mut Random, shape: Shape) -> Vec<Operation> {
    let count = shape.operations.0 + random.below(shape.operations.1 - shape.operations.0 + 1);
    let mut free_at: Vec<(u64, u64)> = (0..2 + random.below(shape.processes - 1)).map(|process| (process, 0)).collect();
    let values = 1 + random.below(shape.values);
    let crashed_percent = if random.chance(30) { 0 } else { shape.crashed_percent * 2 };
    let mut planned = Vec::new();
    for id in 0..count {
        let at = random.below(free_at.len() as u64) as usize;
        let (process, free_ns) = free_at[at];
        let invoked_ns = free_ns + random.below(4);
        let returned_ns = invoked_ns + random.below(6);
        let crashes = random.chance(crashed_percent);
        let effect_ns =
            invoked_ns + if crashes { random.below(20) } else { random.below(returned_ns - invoked_ns + 1) };
        free_at[at] = if crashes { (process + 10, returned_ns) } else { (process, returned_ns) };
        let call = random_call(random, values, shape.cas_percent, shape.unique.then_some(id as Value + 1));
        planned.push((
            effect_ns,
            crashes,
            operation(id, process, call, invoked_ns, Some(returned_ns), Outcome::Fail("planned".into())),
        ));
    }
    planned.sort_by_key(|(effect_ns, ..)| *effect_ns);
    let wrong_percent = if !shape.wrong || random.chance(20) { 0 } else { 20 + random.below(60) };
    let mut holds = None;
    let mut history = Vec::new();
    for (_, crashes, mut planned) in planned {
        let values = if shape.unique { count } else { values };
        planned.outcome = answer(random, &planned.call, &mut holds, crashes, wrong_percent, values);
        if planned.outcome.is_unknown() && random.chance(50) {
            planned.returned_ns = None;
        }
        history.push(planned);
    }
    history.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    history
}

/// A call; if it writes then `own`, or else any value.
fn random_call(random: &mut Random, values: u64, cas_percent: u64, own: Option<Value>) -> Call {
    let value = |random: &mut Random| 1 + random.below(values) as Value;
    if random.chance(cas_percent) {
        // Of values of their own only the last few are worth asking for.
        let expect = random.chance(85).then(|| match (own, value(random)) {
            (Some(own), back) => (own - back).max(1),
            (None, expect) => expect,
        });
        let expect = expect.filter(|expect| Some(*expect) != own);
        return Call::Cas { key: 0, expect, value: own.unwrap_or_else(|| value(random)) };
    }
    match random.below(7) {
        0..4 => Call::Read { key: 0 },
        _ => Call::Write { key: 0, value: own.unwrap_or_else(|| value(random)) },
    }
}

fn answer(
    random: &mut Random,
    call: &Call,
    holds: &mut Option<Value>,
    crashes: bool,
    wrong_percent: u64,
    values: u64,
) -> Outcome {
    if random.chance(7) {
        return Outcome::Fail("refused".into());
    }
    if crashes && random.chance(30) {
        return Outcome::Unknown("never happened".into());
    }
    let mut reply = match call {
        Call::Read { .. } => Reply::Read { value: *holds, version: None },
        Call::Cas { expect, .. } if expect != holds => Reply::NotEqual,
        Call::Write { value, .. } | Call::Cas { value, .. } => {
            *holds = Some(*value);
            Reply::Written { version: Some(Version::at(random.below(3))) }
        }
        call => unreachable!("no register is asked to {call}"),
    };
    if random.chance(wrong_percent) {
        reply = match (call, reply) {
            (Call::Read { .. }, _) => {
                let value = random.chance(85).then(|| 1 + random.below(values) as Value);
                Reply::Read { value, version: None }
            }
            (Call::Cas { .. }, Reply::NotEqual) => Reply::Written { version: None },
            (Call::Cas { .. }, _) => Reply::NotEqual,
            (_, reply) => reply,
        };
    }
    if crashes { Outcome::Unknown("no answer".into()) } else { Outcome::Ok(reply) }
}
