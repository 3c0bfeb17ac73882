//! Registers, sets and banks in memory, with versions; and what goes wrong with them when it is asked for.

use squall_results::call::{Key, Value, Version};
use squall_results::model::{Bank, Model};
use squall_results::{Call, Reply};
use std::collections::BTreeMap;

/// Every so many answers of a kind are wrong.
const WRONG_EVERY: u64 = 10;

/// What the server holds.
#[derive(Default)]
pub struct Store {
    bug: String,
    order: u64,
    answers: u64,
    /// Of each register what it held, the oldest first.
    registers: BTreeMap<Key, Vec<(Value, Version)>>,
    sets: BTreeMap<Key, Vec<Value>>,
    /// Of each bank what it holds, and what it held before.
    banks: BTreeMap<Key, (Vec<i64>, Vec<i64>)>,
}

impl Store {
    pub fn new(bug: &str) -> Store {
        Store { bug: bug.into(), ..Store::default() }
    }

    /// Whether this answer shall be wrong in this way.
    fn is_wrong(&mut self, bug: &str) -> bool {
        self.answers += 1;
        self.bug == bug && self.answers.is_multiple_of(WRONG_EVERY)
    }

    pub fn answer(&mut self, call: &Call) -> Reply {
        let key = call.key();
        match call {
            Call::Read { .. } => {
                let goes_back = self.is_wrong("go-back");
                let held = self.registers.entry(key).or_default();
                let newest = held.len().saturating_sub(usize::from(goes_back));
                match newest.checked_sub(1).map(|place| held[place]) {
                    Some((value, version)) => Reply::Read { value: Some(value), version: Some(version) },
                    None => Reply::Read { value: None, version: Some(Version { order: 0, edits: None }) },
                }
            }
            Call::Write { value, .. } => self.write(key, *value),
            Call::Cas { expect, value, .. } => {
                let held = self.registers.get(&key).and_then(|held| held.last()).map(|(held, _)| *held);
                if held == *expect { self.write(key, *value) } else { Reply::NotEqual }
            }
            Call::Add { element, .. } | Call::AddToList { element, .. } => {
                if !self.is_wrong("lose-add") {
                    self.sets.entry(key).or_default().push(*element);
                }
                Reply::Added { version: None }
            }
            Call::Elements { .. } | Call::List { .. } => {
                Reply::Elements { elements: self.sets.entry(key).or_default().clone(), version: None }
            }
            call => self.bank(key, call),
        }
    }

    fn write(&mut self, key: Key, value: Value) -> Reply {
        self.order += 1;
        let held = self.registers.entry(key).or_default();
        let version = Version { order: self.order, edits: Some(held.len() as u64 + 1) };
        held.push((value, version));
        Reply::Written { version: Some(version) }
    }

    /// The first answer that the model of a bank allows.
    fn bank(&mut self, key: Key, call: &Call) -> Reply {
        let torn = self.is_wrong("tear");
        let (now, before) = self.banks.entry(key).or_default();
        let balances = (0..).zip(now.iter().copied()).collect();
        let replies =
            [Reply::Opened, Reply::NotEqual, Reply::Transferred, Reply::TooLittle, Reply::Accounts { balances }];
        let legal = replies.into_iter().find_map(|reply| Some((Bank.step(now, call, Some(&reply)).ok()?, reply)));
        let (after, mut reply) = legal.expect("a bank has an answer to everything");
        match &mut reply {
            Reply::Accounts { balances } if torn => {
                let first_half = balances.iter_mut().zip(before.iter()).take(now.len() / 2);
                first_half.for_each(|((_, held), before)| *held = *before);
            }
            Reply::Transferred => *before = std::mem::replace(now, after),
            _ => *now = after,
        }
        reply
    }
}
