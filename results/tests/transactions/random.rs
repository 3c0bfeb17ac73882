//! Small random histories of transactions with all kinds of anomalies, made by an interpreter that isolates nothing.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Call, ListStep, Reply, Step};
use squall_results::{Operation, Outcome};
use std::fmt;

/// A step of a transaction: what a read found, or the element that is appended.
#[derive(Debug, Clone)]
pub enum Did {
    Read(usize, Vec<i64>),
    Append(usize, i64),
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Ok,
    Unknown,
    Failed,
}

#[derive(Debug, Clone)]
pub struct Txn {
    pub process: u64,
    pub invoked: u64,
    pub returned: u64,
    pub end: End,
    pub steps: Vec<Did>,
}

#[derive(Debug, Clone)]
pub struct History {
    pub keys: usize,
    pub txns: Vec<Txn>,
}

impl History {
    /// What committed transactions read.
    pub fn reads(&self) -> impl Iterator<Item = (usize, &Vec<i64>)> {
        let committed = self.txns.iter().filter(|txn| txn.end == End::Ok);
        committed.flat_map(|txn| &txn.steps).filter_map(|step| match step {
            Did::Read(key, found) => Some((*key, found)),
            Did::Append(..) => None,
        })
    }

    /// What may have been appended.
    pub fn appends(&self) -> impl Iterator<Item = (usize, i64)> {
        self.txns.iter().filter(|txn| txn.end != End::Failed).flat_map(|txn| &txn.steps).filter_map(|step| match step {
            Did::Append(key, element) => Some((*key, *element)),
            Did::Read(..) => None,
        })
    }

    pub fn as_lists(&self) -> squall_results::History {
        self.with(|steps| {
            let call = steps.iter().map(|step| match step {
                Did::Read(key, _) => ListStep::Read { key: *key as u64 },
                Did::Append(key, element) => ListStep::Append { key: *key as u64, element: *element },
            });
            let found = steps.iter().filter_map(|step| match step {
                Did::Read(_, found) => Some(found.clone()),
                Did::Append(..) => None,
            });
            (Call::ListTransaction { steps: call.collect() }, Reply::CommittedLists { found: found.collect() })
        })
    }

    /// With registers that hold the last element.
    pub fn as_registers(&self) -> squall_results::History {
        self.with(|steps| {
            let call = steps.iter().map(|step| match step {
                Did::Read(key, _) => Step::Read { key: *key as u64 },
                Did::Append(key, element) => Step::Write { key: *key as u64, value: *element },
            });
            let found = steps.iter().filter_map(|step| match step {
                Did::Read(_, found) => Some(found.last().copied()),
                Did::Append(..) => None,
            });
            (Call::Transaction { steps: call.collect() }, Reply::Committed { found: found.collect() })
        })
    }

    fn with(&self, said: impl Fn(&[Did]) -> (Call, Reply)) -> squall_results::History {
        let operation = |(id, txn): (u64, &Txn)| {
            let (call, reply) = said(&txn.steps);
            let outcome = match txn.end {
                End::Ok => Outcome::Ok(reply),
                End::Unknown => Outcome::Unknown("no answer".into()),
                End::Failed => Outcome::Fail("aborted".into()),
            };
            let (node, process) = (String::new(), txn.process);
            let (due_ns, invoked_ns, returned_ns) = (txn.invoked, txn.invoked, Some(txn.returned));
            Operation { id, process, node, call, due_ns, invoked_ns, returned_ns, outcome }
        };
        let operations = (0..).zip(&self.txns).map(operation).collect();
        squall_results::History { operations, ..Default::default() }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, txn) in self.txns.iter().enumerate() {
            writeln!(
                f,
                "{at}: process {} {}..{} {:?} {:?}",
                txn.process, txn.invoked, txn.returned, txn.end, txn.steps
            )?;
        }
        Ok(())
    }
}

/// Two to five transactions of up to three steps, on up to three lists. Steps take effect one by one at random instants.
pub fn make(seed: u64) -> History {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let keys = random.random_range(1..=3);
    let count = random.random_range(2..=5);
    // How careless the interpreter is: how often reads are stale, how often aborted appends can be seen.
    let (stale, dirty, swapped) = [(0.0, 0.0, 0.0), (0.3, 0.0, 0.0), (0.1, 0.5, 0.05)][random.random_range(0..3)];
    let serial = random.random_bool(0.3);
    let mut next = 0;
    let mut txns: Vec<Txn> = Vec::new();
    let mut processes: Vec<(u64, u64)> = (0..3).map(|process| (process, 0)).collect();
    for _ in 0..count {
        let at = random.random_range(0..processes.len());
        let (process, free) = processes[at];
        let invoked = free + random.random_range(1..6);
        let returned = invoked + random.random_range(1..if serial { 2 } else { 12 });
        let end = [End::Ok, End::Ok, End::Ok, End::Ok, End::Unknown, End::Failed][random.random_range(0..6)];
        // Whose call is in doubt goes on under another number.
        processes[at] = if end == End::Unknown { (process + 10, returned) } else { (process, returned) };
        let steps = (0..random.random_range(1..=3)).map(|_| {
            let key = random.random_range(0..keys);
            next += 1;
            if random.random_bool(0.5) { Did::Append(key, next) } else { Did::Read(key, Vec::new()) }
        });
        let steps = steps.collect();
        txns.push(Txn { process, invoked, returned, end, steps });
    }
    txns.sort_by_key(|txn| (txn.invoked, txn.process));
    run(&mut txns, keys, (stale, dirty, swapped), serial, &mut random);
    History { keys, txns }
}

fn run(txns: &mut [Txn], keys: usize, (stale, dirty, swapped): (f64, f64, f64), serial: bool, random: &mut ChaCha8Rng) {
    let mut instants: Vec<(u64, usize, usize)> = Vec::new();
    for (at, txn) in txns.iter().enumerate() {
        let mut times: Vec<u64> =
            txn.steps.iter().map(|_| random.random_range(1000 * txn.invoked..1000 * txn.returned)).collect();
        times.sort_unstable();
        let together = random.random_bool(0.5) || serial;
        instants
            .extend(times.iter().enumerate().map(|(step, time)| (if together { times[0] } else { *time }, at, step)));
    }
    instants.sort_unstable();
    let mut lists = vec![Vec::new(); keys];
    let happens: Vec<bool> = txns
        .iter()
        .map(|txn| match txn.end {
            End::Ok => true,
            End::Unknown => random.random_bool(0.7),
            End::Failed => random.random_bool(dirty),
        })
        .collect();
    for (_, at, step) in instants {
        match &mut txns[at].steps[step] {
            Did::Append(key, element) if happens[at] => lists[*key].push(*element),
            Did::Append(..) => {}
            Did::Read(key, found) => {
                *found = lists[*key].clone();
                if random.random_bool(stale) {
                    found.truncate(random.random_range(0..=found.len()));
                }
                if random.random_bool(swapped) {
                    found.shuffle(random);
                }
            }
        }
    }
}
