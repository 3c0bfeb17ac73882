//! Locks: a key each that is bound to a lease of its holder.
//!
//! A holder makes the key `k7` if it does not exist, bound to a lease that it keeps alive; etcd deletes the key with the
//! lease. The fencing token is the revision at which the key was made, which only grows. A write that is fenced compares it
//! in its transaction. To give the lock back is to end the lease. Every hold has a lease of its own.
//!
//! The lease lasts its time from the moment at which the leader heard of it last, so from that at which the holder asked at
//! the earliest: the holder can calculate until when it may rely on the lock.

use super::calls::{parse_list, version_of_first};
use super::connection::Connection;
use super::error::{EtcdError, Progress, complete};
use super::exchange::{Exchange, is_absent, is_made_at, put, version_read};
use super::key;
use super::rpc::PutRequest;
use crate::lock::{Locks, Trouble, Written};
use crate::route::Route;
use async_trait::async_trait;
use squall_results::call::{Key, Value, Version};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long a lease shall last without being kept alive, in seconds. etcd gives more: one and a half election time-outs, in
/// whole seconds (2 s by default).
const TTL_S: i64 = 1;

/// One session that takes locks, one at a time.
pub struct EtcdLocks {
    route: Route,
    /// Whether the workload's reads may be answered by the member alone.
    serializable: bool,
    session: State,
    /// The lease of the lock that is held, or of the one that is tried for.
    lease: Option<Lease>,
}

/// A session is opened once.
enum State {
    New,
    Open(Connection),
    Over,
}

/// A lease that is kept alive as long as this is there.
struct Lease {
    id: i64,
    until: Arc<Mutex<Instant>>,
    /// Whether it was ended. Until when it could be relied on may still be asked.
    is_over: bool,
    keeper: JoinHandle<()>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Lease {
    async fn grant(connection: &mut Connection) -> Result<Lease, EtcdError> {
        let asked = Instant::now();
        let granted = connection.lease_grant(TTL_S).await?;
        let ttl = u64::try_from(granted.ttl).ok().filter(|ttl_s| *ttl_s > 0).map(Duration::from_secs);
        let ttl = ttl.ok_or_else(|| EtcdError::Senseless(format!("a lease of {} s", granted.ttl)))?;
        let until = Arc::new(Mutex::new(asked + ttl));
        let keeper = tokio::spawn(keep_alive(connection.clone(), granted.id, ttl, until.clone()));
        Ok(Lease { id: granted.id, until, is_over: false, keeper })
    }

    fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a lease alive, and notes until when it certainly lasts. Ends when the lease has ended, or the connection has.
async fn keep_alive(mut connection: Connection, id: i64, ttl: Duration, until: Arc<Mutex<Instant>>) {
    let note = |at: Instant| *until.lock().unwrap_or_else(PoisonError::into_inner) = at;
    loop {
        tokio::time::sleep(ttl / 3).await;
        let asked = Instant::now();
        // What is not answered in time may be answered the next time.
        match tokio::time::timeout(ttl / 3, connection.lease_keep_alive(id)).await {
            Ok(Ok(Some(ttl_s))) => note(asked + Duration::from_secs(ttl_s)),
            Ok(Ok(None)) => {
                let known = *until.lock().unwrap_or_else(PoisonError::into_inner);
                return note(known.min(Instant::now()));
            }
            Ok(Err(EtcdError::ClosedBefore)) => return,
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

impl EtcdLocks {
    /// Without a session, which is opened at the first use.
    pub fn new(route: impl Into<Route>, serializable: bool) -> EtcdLocks {
        EtcdLocks { route: route.into(), serializable, session: State::New, lease: None }
    }

    async fn connection(&mut self) -> Result<Connection, EtcdError> {
        if let State::New = self.session {
            self.session = State::Over;
            self.session = State::Open(Connection::open(self.route).await?);
        }
        match &self.session {
            State::Open(connection) => Ok(connection.clone()),
            State::New | State::Over => Err(EtcdError::ClosedBefore),
        }
    }

    async fn take(&mut self, key: Key, progress: &mut Progress) -> Result<Option<u64>, EtcdError> {
        let mut connection = self.connection().await?;
        *progress = Progress::Observing;
        // Only a hint, so the member's own opinion is enough; the transaction decides.
        let mut exchange = Exchange { connection: &mut connection, progress, serializable: true };
        if exchange.get(key::lock(key)).await?.is_some() {
            return Ok(None);
        }
        let lease = match &self.lease {
            Some(lease) if !lease.is_over => lease.id,
            _ => self.lease.insert(Lease::grant(exchange.connection).await?).id,
        };
        let make = PutRequest { lease, ..put(key::lock(key), "") };
        match exchange.put_if(vec![is_absent(key::lock(key))], vec![make]).await {
            Ok(done) => Ok(done.map(|done| done.revision)),
            // It ended while this waited; the next try has another.
            Err(error) if error.is_lease_not_found() => {
                self.lease = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn end_lease(&mut self, progress: &mut Progress) -> Result<bool, EtcdError> {
        let mut connection = self.connection().await?;
        *progress = Progress::Changing;
        let Some(lease) = self.lease.as_mut().filter(|lease| !lease.is_over) else { return Ok(false) };
        let was_there = match connection.lease_revoke(lease.id).await {
            Err(error) if error.is_lease_not_found() => false,
            ended => ended.map(|()| true)?,
        };
        lease.is_over = true;
        lease.keeper.abort();
        Ok(was_there)
    }

    async fn read(&mut self, key: Key, strongest: bool) -> Result<(Vec<Value>, Option<Version>), EtcdError> {
        let mut connection = self.connection().await?;
        let serializable = self.serializable && !strongest;
        let mut progress = Progress::Observing;
        let mut exchange = Exchange { connection: &mut connection, progress: &mut progress, serializable };
        let read = exchange.get(key::list(key)).await?;
        Ok((read.as_ref().map_or(Ok(vec![]), parse_list)?, Some(version_read(read.as_ref()))))
    }

    async fn set(
        &mut self,
        key: Key,
        list: &[Value],
        fence: Option<u64>,
        progress: &mut Progress,
    ) -> Result<Written, EtcdError> {
        let mut connection = self.connection().await?;
        let list: Vec<String> = list.iter().map(Value::to_string).collect();
        let put = put(key::list(key), &list.join(","));
        let mut exchange = Exchange { connection: &mut connection, progress, serializable: false };
        let done = match fence {
            Some(token) => exchange.put_if(vec![is_made_at(key::lock(key), token)], vec![put]).await?,
            None => Some(exchange.put(put).await?),
        };
        Ok(done.map_or(Written::Fenced, |done| Written::Done(Some(version_of_first(&done)))))
    }
}

/// Makes of an error what is true of a request that came so far.
fn told<T>(result: Result<T, EtcdError>, progress: Progress) -> Result<T, Trouble> {
    result.map_err(|error| Trouble::of(complete(Err(error), progress)))
}

#[async_trait]
impl Locks for EtcdLocks {
    async fn try_acquire(&mut self, key: Key) -> Result<Option<u64>, Trouble> {
        let mut progress = Progress::Connecting;
        let taken = self.take(key, &mut progress).await;
        told(taken, progress)
    }

    fn until(&self) -> Option<Instant> {
        self.lease.as_ref().map(Lease::until)
    }

    async fn release(&mut self, _key: Key, _token: u64) -> Result<bool, Trouble> {
        let mut progress = Progress::Connecting;
        let ended = self.end_lease(&mut progress).await;
        told(ended, progress)
    }

    async fn list(&mut self, key: Key, strongest: bool) -> Result<(Vec<Value>, Option<Version>), Trouble> {
        told(self.read(key, strongest).await, Progress::Observing)
    }

    async fn write(&mut self, key: Key, list: &[Value], fence: Option<u64>) -> Result<Written, Trouble> {
        let mut progress = Progress::Connecting;
        let written = self.set(key, list, fence, &mut progress).await;
        told(written, progress)
    }

    async fn close(&mut self) {
        let _ = self.end_lease(&mut Progress::Connecting).await; // else it ends by itself
        self.session = State::Over;
    }
}
