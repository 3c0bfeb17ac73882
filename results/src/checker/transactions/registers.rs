//! What transactions on registers say of their order. A read tells only one version, so little is known of the order of
//! writes: what a transaction writes after it read comes right after what it read (*writes follow reads*), and nothing comes
//! before the register was written at all.

use super::graph::{Edge, Mask, RW, WR, WW};
use super::kind::Kind;
use super::lists::Ambiguous;
use super::record::{Fate, Finding, Findings, Inference, Reason, Record};
use crate::call::{Call, Key, Reply, Shown, Step, Value};
use rustc_hash::FxHashMap;

/// A version of a register: the register, and what it holds; nothing at first.
type VersionOf = (Key, Option<Value>);

/// A write.
#[derive(Clone, Copy)]
struct Write {
    transaction: u32,
    /// Its transaction writes the same register again.
    intermediate: bool,
}

/// All that is known of registers and of the transactions on them.
pub(super) struct Registers<'a> {
    record: &'a Record<'a>,
    writes: FxHashMap<VersionOf, Write>,
    /// Who read a version and wrote the next.
    successors: FxHashMap<VersionOf, Vec<u32>>,
    /// Who may have written to a register.
    writers: FxHashMap<Key, Vec<u32>>,
}

/// Everything that `record` says: dependencies, and what is wrong with single transactions.
pub(super) fn infer<'a>(record: &'a Record<'a>) -> Result<(Registers<'a>, Vec<Edge>, Findings), Ambiguous> {
    let (writes, successors, writers) = Default::default();
    let mut registers = Registers { record, writes, successors, writers };
    let (mut findings, mut edges) = (Findings::default(), Vec::new());
    registers.take_writes()?;
    let transactions = 0..record.operations.len() as u32;
    for transaction in transactions.clone() {
        registers.take_successors(transaction, &mut findings);
    }
    for transaction in transactions {
        registers.depend(transaction, &mut edges, &mut findings);
    }
    Ok((registers, edges, findings))
}

impl<'a> Registers<'a> {
    /// The steps of a transaction, each with what it found, if it is a read and that is known.
    fn steps(&self, transaction: u32) -> impl Iterator<Item = (&'a Step, Option<Option<Value>>)> + use<'a> {
        let operation = self.record.operations[transaction as usize];
        let steps: &[Step] = match &operation.call {
            Call::Transaction { steps } => steps,
            _ => &[],
        };
        let mut found = match operation.reply() {
            Some(Reply::Committed { found }) => found.iter(),
            _ => [].iter(),
        };
        steps.iter().map(move |step| match step {
            Step::Read { .. } => (step, found.next().copied()),
            Step::Write { .. } => (step, None),
        })
    }

    fn take_writes(&mut self) -> Result<(), Ambiguous> {
        for transaction in 0..self.record.operations.len() as u32 {
            let fate = self.record.fate(transaction);
            let writes = self.steps(transaction).filter_map(|(step, _)| match step {
                Step::Write { key, value } => Some((*key, *value)),
                Step::Read { .. } => None,
            });
            let writes: Vec<(Key, Value)> = writes.collect();
            for (at, (key, value)) in writes.iter().enumerate() {
                let intermediate = writes[at + 1..].iter().any(|(other, _)| other == key);
                let write = Write { transaction, intermediate };
                if fate != Fate::Failed && !intermediate {
                    self.writers.entry(*key).or_default().push(transaction);
                }
                let version = (*key, Some(*value));
                if let Some(other) = self.writes.insert(version, write) {
                    match (self.record.fate(other.transaction), fate) {
                        (Fate::Failed, _) => {}
                        (_, Fate::Failed) => {
                            self.writes.insert(version, other);
                        }
                        _ => return Err(Ambiguous { key: *key, value: *value }),
                    }
                }
            }
        }
        Ok(())
    }

    /// What a transaction read before it wrote the same register, or without writing it: its register, and what it found.
    fn reads(&self, transaction: u32) -> Vec<VersionOf> {
        let (mut reads, mut own): (Vec<VersionOf>, Vec<Key>) = (Vec::new(), Vec::new());
        for (step, found) in self.steps(transaction) {
            match (step, found) {
                (Step::Write { key, .. }, _) => own.push(*key),
                (Step::Read { key }, Some(found)) if !own.contains(key) && !reads.contains(&(*key, found)) => {
                    reads.push((*key, found));
                }
                (Step::Read { .. }, _) => {}
            }
        }
        reads
    }

    fn take_successors(&mut self, transaction: u32, findings: &mut Findings) {
        let mut looked: Vec<Key> = Vec::new();
        for version in self.reads(transaction) {
            if looked.contains(&version.0) {
                continue;
            }
            looked.push(version.0);
            let is_write = |step: &Step| matches!(step, Step::Write { key, .. } if *key == version.0);
            if !self.steps(transaction).any(|(step, _)| is_write(step)) {
                continue;
            }
            let successors = self.successors.entry(version).or_default();
            if let Some(other) = successors.first().copied() {
                findings.add(Kind::LostUpdate, || Finding {
                    key: version.0,
                    transactions: vec![transaction, other],
                    told: format!(
                        "{{T1}} and {{T2}} both read {} in {} and both wrote to it",
                        Shown(version.1),
                        version.0
                    ),
                });
            }
            successors.push(transaction);
        }
    }

    fn depend(&self, transaction: u32, edges: &mut Vec<Edge>, findings: &mut Findings) {
        for version in self.reads(transaction) {
            if let Some(value) = version.1 {
                match self.writes.get(&version) {
                    None => findings.add(Kind::Phantom, || Finding {
                        key: version.0,
                        transactions: vec![transaction],
                        told: format!("{{T1}} read {value} in {}, which nobody wrote", version.0),
                    }),
                    Some(write) => self.depend_on(transaction, version, *write, edges, findings),
                }
            }
            edges.extend(self.next(version).filter(|next| *next != transaction).map(|next| (transaction, next, RW)));
        }
        self.contradictions(transaction, findings);
    }

    fn depend_on(
        &self,
        transaction: u32,
        version: VersionOf,
        write: Write,
        edges: &mut Vec<Edge>,
        findings: &mut Findings,
    ) {
        let Write { transaction: writer, intermediate } = write;
        let tell = |what: &str| Finding {
            key: version.0,
            transactions: vec![transaction, writer],
            told: format!("{{T1}} read {} in {}, {what}", Shown(version.1), version.0),
        };
        if self.record.fate(writer) == Fate::Failed {
            findings.add(Kind::AbortedRead, || tell("which {T2} had written that failed"));
            return;
        }
        if writer == transaction {
            return;
        }
        if intermediate {
            findings.add(Kind::IntermediateRead, || tell("which {T2} wrote over in the same transaction"));
        }
        edges.push((writer, transaction, WR));
        if self.successors.get(&version).is_some_and(|next| next.contains(&transaction)) {
            edges.push((writer, transaction, WW));
        }
    }

    /// Who wrote after a version: the next one, or, of a register that was never written, everybody.
    fn next(&self, version: VersionOf) -> impl Iterator<Item = u32> + '_ {
        let next = match version.1 {
            Some(_) => self.successors.get(&version),
            None => self.writers.get(&version.0),
        };
        next.into_iter().flatten().copied()
    }

    /// Whether a transaction does not see what it wrote, or sees something change.
    fn contradictions(&self, transaction: u32, findings: &mut Findings) {
        let mut holds: Vec<VersionOf> = Vec::new();
        for (step, found) in self.steps(transaction) {
            let (key, now) = match (step, found) {
                (Step::Write { key, value }, _) => (*key, Some(*value)),
                (Step::Read { key }, Some(found)) => (*key, found),
                (Step::Read { .. }, None) => continue,
            };
            match holds.iter_mut().find(|(other, _)| *other == key) {
                None => holds.push((key, now)),
                Some((_, before)) => {
                    if matches!(step, Step::Read { .. }) && *before != now {
                        let told = format!(
                            "{{T1}} read {} in {key}, which held {} for it just before",
                            Shown(now),
                            Shown(*before)
                        );
                        let transactions = vec![transaction];
                        findings.add(Kind::Internal, || Finding { key, transactions, told });
                    }
                    *before = now;
                }
            }
        }
    }

    fn read_from(&self, from: u32, to: u32, how: Mask) -> Option<Reason> {
        self.reads(to).into_iter().find_map(|version| {
            let is_from = self.writes.get(&version)?.transaction == from;
            let writes_next = self.successors.get(&version).is_some_and(|next| next.contains(&to));
            let (key, value) = (version.0, version.1?);
            (is_from && (how == WR || writes_next)).then(|| match how {
                WR => Reason {
                    key,
                    told: format!("{{to}} saw {{from}}'s {value} in {key}"),
                    label: format!("wr {key}: {value}"),
                },
                _ => Reason {
                    key,
                    told: format!("{{to}} wrote to {key} what follows {{from}}'s {value}"),
                    label: format!("ww {key}: {value}"),
                },
            })
        })
    }

    fn did_not_see(&self, from: u32, to: u32) -> Option<Reason> {
        self.reads(from).into_iter().find_map(|version| {
            self.next(version).any(|next| next == to).then(|| Reason {
                key: version.0,
                told: format!(
                    "{{from}} did not see what {{to}} wrote to {}, which it read as {}",
                    version.0,
                    Shown(version.1)
                ),
                label: format!("rw {}: {}", version.0, Shown(version.1)),
            })
        })
    }
}

impl Inference for Registers<'_> {
    fn why(&self, from: u32, to: u32, how: Mask) -> Option<Reason> {
        match how {
            WW | WR => self.read_from(from, to, how),
            RW => self.did_not_see(from, to),
            _ => None,
        }
    }
}
