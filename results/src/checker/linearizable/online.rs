//! Linearizability judged while events come: during a run, or from a file that is too large to be held.
//!
//! ```
//! use squall_results::call::{Call, Reply};
//! use squall_results::checker::linearizable::Linearizable;
//! use squall_results::checker::online::State;
//! use squall_results::model::Register;
//! use squall_results::{Budget, Outcome, Validity};
//!
//! let checker = Linearizable::new(Register);
//! let mut online = checker.online(Budget::default());
//! online.invoke(0, 10, Call::Write { key: 0, value: 1 })?;
//! online.end(0, 20, Outcome::Ok(Reply::Written { version: None }))?;
//! online.invoke(1, 30, Call::Read { key: 0 })?;
//! online.end(1, 40, Outcome::Ok(Reply::Read { value: None, version: None }))?;
//! online.invoke(2, 50, Call::Read { key: 0 })?;
//! assert_eq!(online.state(), State::NoOrder { key: 0, op: 1, at_ns: 40 });
//! let verdict = online.finish(|_broken| Vec::new());
//! assert_eq!(verdict.validity, Validity::Invalid);
//! # Ok::<(), squall_results::checker::online::OnlineError>(())
//! ```
//!
//! *When.* An operation is judged when the outcome of every operation of its key is known that was invoked by the time it
//! returned, and time has gone on; so a violation is found as soon as it is complete, unless an operation of the same key
//! is still open, then when that one ends. A call that never ends holds its key up until [`retire`](Online::retire) or
//! [`finish`](Online::finish).
//!
//! *What is held.* What is behind the open operations is replayed and forgotten, as far as all configurations share it. So
//! memory follows the concurrency of a history and not its length, with two exceptions: from the first operation of a key
//! on whose outcome stays unknown its operations are kept (in 28 bytes each, for a register), as another pass may have to
//! begin there; and models other than registers keep what the model's states hold. Of a key that is broken, undecided or
//! over only the verdict is kept. The evidence for broken keys needs their operations, which the caller gives in the end
//! ([`finish`](Online::finish)), from a file, say.
//!
//! The verdicts are those of [`Linearizable::check`](crate::Checker::check), as long as the budget suffices: its time
//! counts only while something is judged here.

mod foresight;
mod intake;
mod key;
mod replay;

use super::keys::{Answer, Judged, gather_broken};
use super::meter::{Allowance, Stop};
use super::search::Stopped;
use super::{Counted, Linearizable, NAME, OperationOf, verdict};
use crate::call::Key;
use crate::checker::Budget;
use crate::model::Model;
use crate::outcome::Outcome;
use crate::verdict::Verdict;
use key::{Known, LiveKey};
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use thiserror::Error;

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// All that was judged has a legal order.
    Legal,
    /// A key has no legal order since the return of this operation; of several broken keys the one that broke first.
    NoOrder {
        /// The key.
        key: Key,
        /// The operation.
        op: u64,
        /// When it returned.
        at_ns: u64,
    },
    /// No key is known to be broken, but this one is not known to be right.
    Unknown {
        /// The key.
        key: Key,
        /// Why it is not known.
        why: String,
    },
}

/// Events that do not make a history.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OnlineError {
    /// Events came out of order.
    #[error("an event at {at_ns} ns comes after one at {last_ns} ns; events must come in the order of time")]
    OutOfOrder {
        /// The event.
        at_ns: u64,
        /// The one before it.
        last_ns: u64,
    },
    /// Two open operations have the same number.
    #[error("operation {0} is invoked while it is open; operations must have numbers of their own")]
    InvokedTwice(u64),
    /// A return without an invocation.
    #[error("operation {0} returns, but is not open")]
    NotOpen(u64),
}

/// How many events may wait before they are judged without being asked for.
const EVENTS_WAITING: usize = 1 << 13;

/// How much of each kind may pile up in a key before something is settled or forgotten.
const SPARE: usize = 1 << 11;

/// Judges events as they come; see the [module](self).
pub struct Online<'a, M: Model> {
    checker: &'a Linearizable<M>,
    budget: Budget,
    spare: usize,
    used: Duration,
    now_ns: u64,
    keys: FxHashMap<Key, Box<LiveKey<'a, M>>>,
    /// The keys with events that wait.
    stirred: BTreeSet<Key>,
    /// How many events came since the last time that all were judged.
    waiting: usize,
    /// The key and the index there of each open operation.
    open: FxHashMap<u64, (Key, u32)>,
    counted: Counted,
    held_bytes: usize,
    /// What is known of keys for good.
    over: BTreeMap<Key, Over>,
    /// The broken key that broke first, and the first undecided one.
    broken: Option<(u64, Key, u64)>,
    undecided: Option<(Key, Stop)>,
    /// The keys in which a contradiction may still be found, but no order any more.
    doubtful: BTreeMap<Key, Stop>,
    /// The keys of returns at the last instant.
    last: Vec<Key>,
}

/// What is known of a key for good.
struct Over {
    judged: Judged,
    /// The operation that broke it.
    broken_by: Option<u64>,
    /// Up to here there is a legal order.
    established_ns: Option<u64>,
}

impl<'a, M: Model> Online<'a, M> {
    /// Before any event.
    pub fn new(checker: &'a Linearizable<M>, budget: Budget) -> Online<'a, M> {
        Online {
            checker,
            budget,
            spare: SPARE,
            used: Duration::ZERO,
            now_ns: 0,
            keys: FxHashMap::default(),
            stirred: BTreeSet::new(),
            waiting: 0,
            open: FxHashMap::default(),
            counted: Counted::default(),
            held_bytes: 0,
            over: BTreeMap::new(),
            broken: None,
            undecided: None,
            doubtful: BTreeMap::new(),
            last: Vec::new(),
        }
    }

    /// As [`new`](Online::new), but what can be forgotten is forgotten as soon as more than `spare` of a kind piled up:
    /// the same answers, slower. For tests.
    pub fn with_spare(checker: &'a Linearizable<M>, budget: Budget, spare: usize) -> Online<'a, M> {
        Online { spare, ..Online::new(checker, budget) }
    }

    /// Operation `op` is invoked. Events come in the order of time; at one instant in any order.
    pub fn invoke(&mut self, op: u64, at_ns: u64, call: M::Call) -> Result<(), OnlineError> {
        self.pass_to(at_ns)?;
        if self.open.contains_key(&op) {
            return Err(OnlineError::InvokedTwice(op));
        }
        self.counted.operations += 1;
        let key = self.checker.model.partition(&call);
        if let Some(over) = self.over.get_mut(&key) {
            over.judged.operations += 1;
            if matches!(over.judged.answer, Answer::Valid) {
                let (why, established_ns) = (Stop::Retired, over.established_ns);
                over.judged.answer = Answer::Unknown(Stopped { why, established_ns });
                self.undecided.get_or_insert((key, why));
            }
            self.open.insert(op, (key, u32::MAX));
            return Ok(());
        }
        let live = self.keys.entry(key).or_insert_with(|| Box::new(LiveKey::new(self.checker, self.spare)));
        self.open.insert(op, (key, live.invoke(op, call)));
        self.stir(key);
        Ok(())
    }

    /// Operation `op` ends. If its outcome is unknown it may take effect at any later time.
    pub fn end(&mut self, op: u64, at_ns: u64, outcome: Outcome<M::Reply>) -> Result<(), OnlineError> {
        self.pass_to(at_ns)?;
        let (key, index) = self.open.remove(&op).ok_or(OnlineError::NotOpen(op))?;
        self.counted.crashed += usize::from(outcome.is_unknown());
        if let Some(live) = self.keys.get_mut(&key) {
            live.end(index, at_ns, outcome);
            self.last.push(key);
            self.stir(key);
        }
        Ok(())
    }

    /// What is known so far. Judges what can be judged by now, each key up to some number of steps, so that it does not
    /// take long; what is left then goes on the next time.
    pub fn state(&mut self) -> State {
        self.judge(false);
        let doubtful = || self.doubtful.first_key_value().map(|(key, why)| (*key, *why));
        match (self.broken, self.undecided.or_else(doubtful)) {
            (Some((at_ns, key, op)), _) => State::NoOrder { key, op, at_ns },
            (None, Some((key, why))) => State::Unknown { key, why: why.to_string() },
            (None, None) => State::Legal,
        }
    }

    /// No more operations will be invoked on `key`: it is judged to its end, and then all but the verdict is forgotten.
    /// What is still open on it counts as unknown. Operations on it that come all the same are not judged: if nothing was
    /// wrong with the key, it is unknown then.
    pub fn retire(&mut self, key: Key) {
        if self.keys.contains_key(&key) {
            self.finish_keys([key].into());
        }
    }

    /// Nothing more will come. `operations_of` is asked for the operations of the broken keys, if there are any, by
    /// invocation, at least up to the return that broke each: the evidence is gathered from them. A key of which it gives
    /// none is told without evidence.
    pub fn finish(mut self, operations_of: impl FnOnce(&BTreeSet<Key>) -> Vec<OperationOf<M>>) -> Verdict {
        self.finish_keys(self.keys.keys().copied().collect());
        self.counted.crashed += self.open.len();
        let broken = self.over.iter().filter(|(_, over)| matches!(over.judged.answer, Answer::Invalid { .. }));
        let broken: BTreeSet<Key> = broken.map(|(key, _)| *key).collect();
        let operations = if broken.is_empty() { Vec::new() } else { operations_of(&broken) };
        let allowance = Allowance::rest(&self.budget, Instant::now(), self.used, 0);
        let mut judged: Vec<(Judged, Option<u64>)> =
            self.over.into_values().map(|over| (over.judged, over.broken_by)).collect();
        let anomalies = gather_broken(self.checker, &mut judged, &operations, &allowance);
        let judged: Vec<Judged> = judged.into_iter().map(|(judged, _)| judged).collect();
        verdict(NAME, self.counted, &judged, anomalies)
    }

    /// Roughly how many bytes are held.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    fn pass_to(&mut self, at_ns: u64) -> Result<(), OnlineError> {
        if at_ns < self.now_ns {
            return Err(OnlineError::OutOfOrder { at_ns, last_ns: self.now_ns });
        }
        if at_ns > self.now_ns {
            // Returns at the last instant are complete now.
            for key in std::mem::take(&mut self.last) {
                if let Some(live) = self.keys.get_mut(&key) {
                    live.release();
                    self.stirred.insert(key);
                }
            }
            self.now_ns = at_ns;
        }
        Ok(())
    }

    fn stir(&mut self, key: Key) {
        self.stirred.insert(key);
        self.waiting += 1;
        if self.waiting >= EVENTS_WAITING {
            self.judge(false);
        }
    }

    /// Judges all keys with events that wait.
    fn judge(&mut self, to_the_end: bool) {
        self.waiting = 0;
        let keys = std::mem::take(&mut self.stirred);
        let mut live: Vec<(Key, Box<LiveKey<M>>, bool)> = Vec::with_capacity(keys.len());
        live.extend(keys.into_iter().filter_map(|key| Some((key, self.keys.remove(&key)?, false))));
        let begun = Instant::now();
        let allowance = Allowance::rest(&self.budget, begun, self.used, self.held_bytes);
        let go_on = |(_, live, left): &mut (Key, Box<LiveKey<M>>, bool)| *left = live.go_on(&allowance, to_the_end);
        if live.len() > 1 {
            live.par_iter_mut().for_each(go_on)
        } else {
            live.iter_mut().for_each(go_on)
        }
        self.held_bytes = allowance.held_bytes();
        self.used += begun.elapsed();
        for (key, live, left) in live {
            if live.known != Known::Legal {
                self.note(key, &live);
                continue;
            }
            self.stirred.extend(left.then_some(key));
            self.doubtful.extend(live.doubt().map(|why| (key, why)));
            self.keys.insert(key, live);
        }
    }

    fn finish_keys(&mut self, keys: BTreeSet<Key>) {
        let others = std::mem::replace(&mut self.stirred, keys.clone());
        for key in &keys {
            self.keys.get_mut(key).into_iter().for_each(|live| live.no_more());
        }
        self.judge(false);
        self.judge(true);
        for key in keys {
            if let Some(mut live) = self.keys.remove(&key) {
                self.held_bytes = self.held_bytes.saturating_sub(live.held_bytes);
                live.finish();
                self.note(key, &live);
            }
        }
        self.stirred = others;
    }

    /// What is known of a key is known for good.
    fn note(&mut self, key: Key, live: &LiveKey<M>) {
        let over = over(key, live);
        self.doubtful.remove(&key);
        match (live.known, over.broken_by) {
            (Known::NoOrder(ends), Some(op)) if self.broken.is_none_or(|first| (ends.at_ns, key, op) < first) => {
                self.broken = Some((ends.at_ns, key, op));
            }
            (Known::Unknown(why), _) if self.undecided.is_none() => self.undecided = Some((key, why)),
            _ => {}
        }
        self.over.insert(key, over);
    }
}

fn over<M: Model>(key: Key, live: &LiveKey<M>) -> Over {
    let (answer, broken_by) = match live.known {
        Known::Legal => (Answer::Valid, None),
        Known::NoOrder(ends) => (Answer::Invalid { at_ns: ends.at_ns, position: 0, rechecked: false }, Some(ends.id)),
        Known::Unknown(why) => (Answer::Unknown(Stopped { why, established_ns: live.established_ns }), None),
    };
    let LiveKey { by, operations, peak, steps, established_ns, .. } = *live;
    Over { judged: Judged { key, answer, by, operations, peak, steps, core: None }, broken_by, established_ns }
}
