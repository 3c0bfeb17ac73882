//! Who takes the one lock of a run, keeps its lease alive, and writes under its token, again and again.
//!
//! It does what a careful holder does: it relies on its lock for the lease's time from when it asked last, less what clocks may
//! differ by, and writes only then; at times it stands still past that, and writes nevertheless.

use crate::member::{Request, Told};
use crate::time::{MS, Micros};
use raftd::machine::{Answer, Change, Command, Fence, LeaseChange, LeaseId, Token};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How long a lease lasts.
const TTL_MS: u64 = 400;
const LOCK: &str = "lock";
/// What is written under the lock.
pub const GUARDED: &str = "guarded";

/// One holder.
#[derive(Debug)]
pub struct Holder {
    number: usize,
    attempt: u64,
    lease: Option<LeaseId>,
    token: Option<Token>,
    /// Until when it may rely on its lease.
    until_us: Micros,
    asked_us: Micros,
    doing: Option<Doing>,
    writes: u64,
    /// The newest token that anybody had been told when this one asked.
    newest_then: Token,
}

/// A holder wrote under a fence, and was told that this took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrote {
    /// Its token.
    pub token: Token,
    /// The newest token that anybody had been told when it asked.
    pub newest_then: Token,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Grant,
    KeepAlive,
    Acquire,
    Write,
    Release,
}

impl Holder {
    /// One that has nothing yet.
    pub fn new(number: usize) -> Holder {
        Holder {
            number,
            attempt: 0,
            lease: None,
            token: None,
            until_us: 0,
            asked_us: 0,
            doing: None,
            writes: 0,
            newest_then: 0,
        }
    }

    /// Whether it relies on holding the lock now, by its own calculation.
    pub fn relies(&self, now_us: Micros) -> Option<Token> {
        self.token.filter(|_| now_us < self.until_us)
    }

    /// What it asks next, under which number. It waits for the answer as long as it likes, and then asks something again.
    /// `newest` is the newest token that anybody was told so far. If it `keeps` its lease, that never comes near its end.
    pub fn wake(&mut self, now_us: Micros, newest: Token, keeps: bool, rng: &mut ChaCha8Rng) -> (u64, Request) {
        let next = match (self.lease, self.token) {
            (None, _) => Doing::Grant,
            (Some(_), _) if keeps && now_us + TTL_MS * MS / 2 > self.until_us => Doing::KeepAlive,
            (Some(_), None) => Doing::Acquire,
            (Some(_), Some(_)) => {
                [Doing::KeepAlive, Doing::KeepAlive, Doing::Write, Doing::Release][rng.random_range(0..4)]
            }
        };
        let (lease, token) = (self.lease.unwrap_or(0), self.token.unwrap_or(0));
        let lock = LOCK.to_owned();
        let change = match next {
            Doing::Grant => Change::Lease(LeaseChange::Grant { ttl_ms: TTL_MS }),
            Doing::KeepAlive => Change::Lease(LeaseChange::KeepAlive { lease }),
            Doing::Acquire => Change::Lease(LeaseChange::Acquire { lock, lease }),
            Doing::Release => Change::Lease(LeaseChange::Release { lock, token }),
            Doing::Write => {
                self.writes += 1;
                let value = format!("{}.{}", self.number, self.writes);
                let write = Change::Write { key: GUARDED.into(), value };
                Change::Fenced { fence: Fence { lock, token }, change: Box::new(write) }
            }
        };
        if next == Doing::Release {
            // From when it asks on it relies on nothing, and it never takes the lock again by this lease: it would be told that it
            // still has it, and the release may yet arrive.
            (self.token, self.lease) = (None, None);
        }
        self.attempt += 1;
        (self.asked_us, self.doing, self.newest_then) = (now_us, Some(next), newest);
        (self.attempt, Request::Change(Command { serial: None, change }))
    }

    /// An answer came. `drift_percent` is by how much a leader's clock may go faster than this one's. Returns what was
    /// written under which token, and the newest one when that was asked.
    pub fn told(&mut self, attempt: u64, told: &Told, drift_percent: u32) -> Option<Wrote> {
        if attempt != self.attempt {
            return None;
        }
        let doing = self.doing.take()?;
        let until_us = self.asked_us + TTL_MS * MS * 100 / (100 + u64::from(drift_percent));
        match (doing, told) {
            (_, Told::Answer(Answer::LeaseGranted { lease, .. })) => {
                (self.lease, self.until_us) = (Some(*lease), until_us)
            }
            (_, Told::Answer(Answer::LeaseKept { .. })) => self.until_us = until_us,
            (_, Told::Answer(Answer::LockAcquired { token })) => self.token = Some(*token),
            (_, Told::Answer(Answer::LeaseGone)) => (self.lease, self.token, self.until_us) = (None, None, 0),
            (Doing::Write, Told::Answer(Answer::FencedOff { .. })) => self.token = None,
            (Doing::Write, Told::Answer(Answer::Written { .. })) => {
                return self.token.map(|token| Wrote { token, newest_then: self.newest_then });
            }
            _ => {}
        }
        None
    }

    /// The token under which it believes to hold the lock, whether it may still rely on it or not.
    pub fn token(&self) -> Option<Token> {
        self.token
    }
}
