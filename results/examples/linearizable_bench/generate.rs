//! Histories of one register that a simulated server answered, as long and as concurrent as asked for.

use squall_results::call::{Call, Reply, Value};
use squall_results::{Operation, Outcome};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// What a history looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// How many operations are invoked.
    pub operations: usize,
    /// How many clients work at once.
    pub clients: usize,
    /// How many values are written; 0: each write has a value of its own.
    pub values: u64,
    /// How many operations in ten thousand get no answer.
    pub crashed_per_10k: u64,
    /// How many calls in a hundred are compare-and-set; of the others half are reads and half writes.
    pub cas_percent: u64,
    /// Whether one read near the end is given a value that had been overwritten for certain, or never been there.
    pub bad: bool,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Kind {
    /// A kind out of the seven words by which examples take it.
    pub fn of_words(words: &[String]) -> Option<Kind> {
        let [operations, clients, values, crashed_per_10k, cas_percent, bad, seed] = words else { return None };
        Some(Kind {
            operations: operations.parse().ok()?,
            clients: clients.parse().ok()?,
            values: values.parse().ok()?,
            crashed_per_10k: crashed_per_10k.parse().ok()?,
            cas_percent: cas_percent.parse().ok()?,
            bad: bad == "bad",
            seed: seed.parse().ok()?,
        })
    }
}

/// Numbers that look random; the same for the same seed (splitmix64, Steele et al., 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// From 0 to 1, without 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A call lasts a millisecond on average.
    fn duration_ns(&mut self) -> u64 {
        1_000 + (-(1.0 - self.unit()).ln() * 1e6) as u64
    }
}

/// What happens in the simulation; at one instant in the order in which it was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Invoke { client: usize },
    TakeEffect { operation: usize },
    Return { operation: usize },
}

/// A simulated server, its clients, and what they recorded.
struct Simulation {
    kind: Kind,
    random: Random,
    plan: BinaryHeap<Reverse<(u64, usize, Step)>>,
    planned: usize,
    operations: Vec<Operation>,
    clients: Vec<usize>,
    crashes: Vec<bool>,
    replies: Vec<Option<Reply>>,
    holds: Option<Value>,
    next_value: Value,
    process: Vec<u64>,
    /// What each client last saw the register hold.
    seen: Vec<Option<Value>>,
}

/// A history of this kind; invocations and returns have instants of their own.
pub fn history(kind: Kind) -> Vec<Operation> {
    let mut simulation = Simulation {
        kind,
        random: Random(kind.seed),
        plan: BinaryHeap::new(),
        planned: 0,
        operations: Vec::with_capacity(kind.operations),
        clients: Vec::new(),
        crashes: Vec::new(),
        replies: Vec::new(),
        holds: None,
        next_value: 0,
        process: (0..kind.clients as u64).collect(),
        seen: vec![None; kind.clients],
    };
    simulation.run();
    let mut operations = simulation.operations;
    if kind.bad {
        spoil(&mut operations, &kind);
    }
    operations
}

impl Simulation {
    fn plan(&mut self, at_ns: u64, step: Step) {
        self.planned += 1;
        self.plan.push(Reverse((at_ns, self.planned, step)));
    }

    fn run(&mut self) {
        for client in 0..self.kind.clients {
            let at_ns = self.random.below(100_000);
            self.plan(at_ns, Step::Invoke { client });
        }
        let mut last_ns = 0;
        while let Some(Reverse((at_ns, _, step))) = self.plan.pop() {
            last_ns = at_ns.max(last_ns + 1);
            match step {
                Step::Invoke { client } if self.operations.len() < self.kind.operations => {
                    self.invoke(client, at_ns, last_ns);
                }
                Step::Invoke { .. } => {}
                Step::TakeEffect { operation } => self.take_effect(operation),
                Step::Return { operation } => self.ret(operation, at_ns, last_ns),
            }
        }
    }

    fn invoke(&mut self, client: usize, at_ns: u64, invoked_ns: u64) {
        let call = self.call(client);
        let id = self.operations.len();
        let crashes = self.random.below(10_000) < self.kind.crashed_per_10k;
        let lasts_ns = self.random.duration_ns();
        let effect_ns = at_ns + (self.random.unit() * lasts_ns as f64) as u64;
        let (outcome, returned_ns) = (Outcome::Unknown(String::new()), None);
        let (process, node) = (self.process[client], String::new());
        self.operations.push(Operation {
            id: id as u64,
            process,
            node,
            call,
            due_ns: invoked_ns,
            invoked_ns,
            returned_ns,
            outcome,
        });
        self.clients.push(client);
        self.crashes.push(crashes);
        self.replies.push(None);
        // Of the calls that get no answer a half take effect as usual, a tenth late, the others never.
        let fate = if crashes { self.random.below(10) } else { 0 };
        match fate {
            0..5 => self.plan(effect_ns, Step::TakeEffect { operation: id }),
            5 => {
                let late_ns = 20 * self.random.duration_ns();
                self.plan(effect_ns + late_ns, Step::TakeEffect { operation: id });
            }
            _ => {}
        }
        let waits_ns = if crashes { lasts_ns + 5_000_000 } else { lasts_ns };
        self.plan(at_ns + waits_ns, Step::Return { operation: id });
    }

    fn call(&mut self, client: usize) -> Call {
        let roll = self.random.below(200);
        let (unique, cas) = (self.kind.values == 0, roll < 2 * self.kind.cas_percent);
        let any = |random: &mut Random, values| random.below(values) as Value;
        if !cas && (roll - 2 * self.kind.cas_percent) * 2 < 200 - 2 * self.kind.cas_percent {
            return Call::Read { key: 0 };
        }
        let value = if unique { self.next_value } else { any(&mut self.random, self.kind.values) };
        self.next_value += 1;
        match (cas, unique, self.seen[client]) {
            (false, ..) | (true, true, None) => Call::Write { key: 0, value },
            (true, true, expect) => Call::Cas { key: 0, expect, value },
            (true, false, _) => Call::Cas { key: 0, expect: Some(any(&mut self.random, self.kind.values)), value },
        }
    }

    fn take_effect(&mut self, operation: usize) {
        let reply = match self.operations[operation].call {
            Call::Cas { expect, .. } if expect != self.holds => Reply::NotEqual,
            Call::Cas { value, .. } | Call::Write { value, .. } => {
                self.holds = Some(value);
                Reply::Written { version: None }
            }
            _ => Reply::Read { value: self.holds, version: None },
        };
        if reply != Reply::NotEqual {
            self.seen[self.clients[operation]] = self.holds;
        }
        self.replies[operation] = Some(reply);
    }

    fn ret(&mut self, operation: usize, at_ns: u64, returned_ns: u64) {
        let client = self.clients[operation];
        let of = &mut self.operations[operation];
        of.returned_ns = Some(returned_ns);
        match self.replies[operation].take() {
            _ if self.crashes[operation] => self.process[client] += self.kind.clients as u64,
            // Says nothing, as if the comparison had not been made in one step.
            Some(Reply::NotEqual) => of.outcome = Outcome::Fail(String::new()),
            Some(reply) => of.outcome = Outcome::Ok(reply),
            None => {}
        }
        let pause_ns = self.random.below(200_000);
        self.plan(at_ns + pause_ns, Step::Invoke { client });
    }
}

/// What an operation that took effect left.
fn left(operation: &Operation) -> Option<Value> {
    match operation.call {
        Call::Write { value, .. } | Call::Cas { value, .. } if !operation.outcome.is_fail() => Some(value),
        _ => None,
    }
}

/// Gives a read near the end a value that was overwritten before it began, and that nobody can have written since; if
/// there is none, one that nobody ever wrote.
fn spoil(operations: &mut [Operation], kind: &Kind) {
    // Of each value the invocations of its writers, and until when one of those so far may have left it; by invocation.
    let mut writers: HashMap<Value, Vec<(u64, u64)>> = HashMap::new();
    for operation in operations.iter() {
        if let Some(value) = left(operation) {
            let of_value = writers.entry(value).or_default();
            let before_ns = of_value.last().map_or(0, |(_, until_ns)| *until_ns);
            of_value.push((operation.invoked_ns, operation.effect_until_ns().max(before_ns)));
        }
    }
    let from = operations.len() * 98 / 100;
    for at in (from.saturating_sub(3_000)..from).rev() {
        let read = &operations[at];
        if !matches!(read.outcome, Outcome::Ok(Reply::Read { .. })) {
            continue;
        }
        let near = &operations[at.saturating_sub(20 * kind.clients)..at];
        let over = |write: &&Operation| {
            write.outcome.is_ok() && left(write).is_some() && write.effect_until_ns() < read.invoked_ns
        };
        let Some(overwriter) = near.iter().filter(over).max_by_key(|write| write.invoked_ns) else { continue };
        let is_stale = |value: Value| {
            let of_value = &writers[&value];
            let invoked = of_value.partition_point(|(invoked_ns, _)| *invoked_ns <= read.effect_until_ns());
            let is_over = invoked == 0 || of_value[invoked - 1].1 < overwriter.invoked_ns;
            Some(value) != left(overwriter) && is_over
        };
        let near = &operations[at.saturating_sub(40 * kind.clients)..at];
        if let Some(value) = near.iter().rev().filter_map(left).find(|value| is_stale(*value)) {
            operations[at].outcome = Outcome::Ok(Reply::Read { value: Some(value), version: None });
            return;
        }
    }
    let is_read = |operation: &&mut Operation| matches!(operation.outcome, Outcome::Ok(Reply::Read { .. }));
    if let Some(read) = operations[..from].iter_mut().rev().find(is_read) {
        read.outcome = Outcome::Ok(Reply::Read { value: Some(Value::MAX), version: None });
    }
}
