//! The client of locks and guarded lists, over any [`Locks`].

use super::running_time::RunningTime;
use super::{Locks, Trouble, Written};
use crate::client::{Client, Completion, Session};
use async_trait::async_trait;
use squall_results::call::{Guard, Key, Value, Version};
use squall_results::{Call, Outcome, Reply};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How often a lock that another holds is tried for.
const TRY_EVERY: Duration = Duration::from_millis(25);

/// How long the end of a session in doubt may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The shortest and the longest time, in ms, that lies between the holder's last look at its lock and its write.
const HOLD_MS: (u64, u64) = (30, 120);

/// A session that takes locks and adds to the lists that they guard.
pub struct LockClient {
    locks: Box<dyn Locks>,
    timeout: Duration,
    /// The instant 0 of the history.
    origin: Instant,
    /// Learns whether a lock is held.
    tell: mpsc::UnboundedSender<bool>,
    /// What it was told last.
    told: bool,
    /// The tokens of the locks that are held by [`Call::Acquire`].
    held: BTreeMap<Key, u64>,
}

/// How an addition ended before its lock is given back.
type Added = Result<Option<Version>, Completion>;

impl LockClient {
    /// A client whose calls take `timeout` at most, the time not counted in which its process is stopped. `origin` is the
    /// instant 0 of the history's clock. `tell` learns when it begins to hold a lock, or to rely on it for a write, and when
    /// that ends.
    pub fn new(
        locks: Box<dyn Locks>,
        timeout: Duration,
        origin: Instant,
        tell: mpsc::UnboundedSender<bool>,
    ) -> LockClient {
        LockClient { locks, timeout, origin, tell, told: false, held: BTreeMap::new() }
    }

    /// Tries until the lock is taken. A session that may hold it without knowing is ended: nobody else must wait for it.
    async fn take(&mut self, key: Key, time: &mut RunningTime) -> Result<u64, Trouble> {
        let trouble = loop {
            match time.spend(self.locks.try_acquire(key)).await {
                Some(Ok(Some(token))) => return Ok(token),
                Some(Ok(None)) => {}
                Some(Err(trouble)) => break trouble,
                None => break self.timed_out(),
            }
            if time.spend(tokio::time::sleep(TRY_EVERY)).await.is_none() {
                let why = format!("another holds the lock, for {} ms now", self.timeout.as_millis());
                return Err(Trouble { why, may_be_done: false, session: Session::Kept });
            }
        };
        if trouble.may_be_done {
            self.close().await;
        }
        Err(trouble)
    }

    async fn acquire(&mut self, key: Key, time: &mut RunningTime) -> Completion {
        match self.take(key, time).await {
            Ok(token) => {
                self.held.insert(key, token);
                self.tell(true);
                kept(Reply::Acquired { token, until_ns: self.until_ns() })
            }
            Err(trouble) => trouble.complete(),
        }
    }

    async fn release(&mut self, key: Key, time: &mut RunningTime) -> Completion {
        let Some(token) = self.held.remove(&key) else {
            return fail("this session does not hold the lock", Session::Kept);
        };
        let released = time.spend(self.locks.release(key, token)).await;
        self.tell(false);
        let until_ns = self.until_ns();
        match released {
            Some(Ok(true)) => kept(Reply::Released { until_ns }),
            Some(Ok(false)) => kept(Reply::NotHeld { until_ns }),
            // The session was lost before it could ask, and knows since when.
            Some(Err(Trouble { may_be_done: false, .. })) if self.is_lost() => {
                Completion { outcome: Outcome::Ok(Reply::NotHeld { until_ns }), session: Session::Lost }
            }
            // It may still be held: then it goes with the session, which must not be kept alive for nothing.
            Some(Err(trouble)) => Completion { session: Session::Lost, ..trouble.complete() },
            None => self.timed_out().complete(),
        }
    }

    /// Takes the lock, adds, and gives the lock back.
    async fn add(&mut self, key: Key, element: Value, guard: Guard, time: &mut RunningTime) -> Completion {
        let token = match self.take(key, time).await {
            Ok(token) => token,
            // Whatever became of the lock, nothing was written, and this session never will.
            Err(Trouble { why, session, .. }) => return fail(&why, session),
        };
        let added = self.add_as_holder(key, element, guard, token, time).await;
        self.tell(false);
        let mut completion = added.map_or_else(|completion| completion, |version| kept(Reply::Added { version }));
        // While it is open whether the write took place it may yet do so: then the lock goes with the session, when its time
        // is up, and not before.
        if completion.outcome.is_unknown() {
            completion.session = Session::Lost;
        }
        if completion.session == Session::Kept {
            let released = time.spend(self.locks.release(key, token)).await;
            completion.session = match released {
                Some(Ok(_)) => Session::Kept,
                Some(Err(_)) | None => Session::Lost,
            };
        }
        completion
    }

    /// What a careful holder does: reads, sees whether the lock is still its own as far as it knows, and writes. What lies
    /// between the look and the write is short or long, as the world wants it (Kleppmann, "How to do distributed locking",
    /// 2016): here some tens of milliseconds, so that a pause has something to hit.
    async fn add_as_holder(
        &mut self,
        key: Key,
        element: Value,
        guard: Guard,
        token: u64,
        time: &mut RunningTime,
    ) -> Added {
        let read = time.spend(self.locks.list(key, true)).await.unwrap_or_else(|| Err(self.timed_out()));
        let (mut list, _) = read.map_err(|Trouble { why, session, .. }| fail(&why, session))?;
        list.push(element);
        if self.is_lost() {
            return Err(fail("the lock was lost before the write", Session::Lost));
        }
        self.tell(true);
        let hold = Duration::from_millis(HOLD_MS.0 + element.unsigned_abs() * 37 % (HOLD_MS.1 - HOLD_MS.0));
        if time.spend(tokio::time::sleep(hold)).await.is_none() {
            return Err(fail("there was no time left for the write", Session::Kept));
        }
        let fence = (guard == Guard::Token).then_some(token);
        match time.spend(self.locks.write(key, &list, fence)).await {
            Some(Ok(Written::Done(version))) => Ok(version),
            Some(Ok(Written::Fenced)) => Err(fail("refused: another has taken the lock since", Session::Kept)),
            Some(Err(trouble)) => Err(trouble.complete()),
            None => Err(self.timed_out().complete()),
        }
    }

    async fn list(&mut self, key: Key, time: &mut RunningTime) -> Completion {
        match time.spend(self.locks.list(key, false)).await {
            Some(Ok((elements, version))) => kept(Reply::Elements { elements, version }),
            // A read that nobody saw the answer of did nothing.
            Some(Err(Trouble { why, session, .. })) => fail(&why, session),
            None => fail(&self.timed_out().why, Session::Lost),
        }
    }

    async fn close(&mut self) {
        let _ = RunningTime::of(CLOSE_TIMEOUT).spend(self.locks.close()).await; // in time, or its locks end with its lease
    }

    fn is_lost(&self) -> bool {
        self.locks.until().is_some_and(|until| until <= Instant::now())
    }

    fn until_ns(&self) -> Option<u64> {
        let until = self.locks.until()?.saturating_duration_since(self.origin);
        Some(u64::try_from(until.as_nanos()).unwrap_or(u64::MAX))
    }

    fn tell(&mut self, holds: bool) {
        if std::mem::replace(&mut self.told, holds) != holds {
            let _ = self.tell.send(holds); // nobody need listen
        }
    }

    fn timed_out(&self) -> Trouble {
        let why = format!("no answer within {} ms", self.timeout.as_millis());
        Trouble { why, may_be_done: true, session: Session::Lost }
    }
}

#[async_trait]
impl Client for LockClient {
    async fn call(&mut self, call: &Call) -> Completion {
        let mut time = RunningTime::of(self.timeout);
        match *call {
            Call::Acquire { key } => self.acquire(key, &mut time).await,
            Call::Release { key } => self.release(key, &mut time).await,
            Call::AddGuarded { key, element, guard } => self.add(key, element, guard, &mut time).await,
            Call::List { key } => self.list(key, &mut time).await,
            ref call => unreachable!("no lock is asked to {call}, and the plan was checked"),
        }
    }
}

impl Trouble {
    /// What it means for a call that consists of this request.
    fn complete(self) -> Completion {
        let Trouble { why, may_be_done, session } = self;
        let outcome = if may_be_done { Outcome::Unknown(why) } else { Outcome::Fail(why) };
        Completion { outcome, session }
    }
}

fn kept(reply: Reply) -> Completion {
    Completion { outcome: Outcome::Ok(reply), session: Session::Kept }
}

fn fail(why: &str, session: Session) -> Completion {
    Completion { outcome: Outcome::Fail(why.into()), session }
}
