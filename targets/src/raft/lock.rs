//! Locks of raftd: a lock that a lease holds under a token, and lists that are written under a fence.
//!
//! The lease is kept alive over a connection of its own, since the other may be waiting for an answer; neither is ever made
//! again. It lasts its time from the moment at which the leader learnt that it was kept alive, so from that at which the holder asked at
//! the earliest: the holder can calculate until when it may rely on its locks.

use super::end::{End, Fate};
use super::http::{Answer, Connection, HttpError};
use super::reply;
use super::request::{self, Mode, Request};
use crate::client::Session;
use crate::lock::{Locks, Trouble, Written};
use crate::route::Route;
use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use squall_results::call::{Key, Value, Version};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long a lease lasts without being kept alive.
const TTL: Duration = Duration::from_secs(1);

/// One session that takes locks.
pub struct RaftLocks {
    route: Route,
    mode: Mode,
    connection: State,
    /// What holds the locks, or is to.
    lease: Option<Lease>,
}

/// A connection is opened once.
enum State {
    New,
    Open(Connection),
    Over,
}

/// A lease that is kept alive as long as this is there.
struct Lease {
    id: u64,
    until: Arc<Mutex<Instant>>,
    keeper: JoinHandle<()>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

#[derive(Deserialize)]
struct GrantAnswer {
    lease: u64,
}

#[derive(Deserialize)]
struct KeepAnswer {
    kept: bool,
}

#[derive(Deserialize)]
struct LockAnswer {
    token: u64,
}

#[derive(Deserialize)]
struct AcquireAnswer {
    acquired: bool,
    token: Option<u64>,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct ReleaseAnswer {
    released: bool,
}

#[derive(Deserialize)]
struct WriteAnswer {
    version: u64,
}

impl Lease {
    fn begin(route: Route, id: u64, asked: Instant) -> Lease {
        let until = Arc::new(Mutex::new(asked + TTL));
        let keeper = tokio::spawn(keep_alive(route, id, until.clone()));
        Lease { id, until, keeper }
    }

    fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a lease alive, and notes until when it certainly lasts. Ends when the lease has ended, or the connection has.
async fn keep_alive(route: Route, id: u64, until: Arc<Mutex<Instant>>) {
    let note = |at: Instant| *until.lock().unwrap_or_else(PoisonError::into_inner) = at;
    let Ok(mut connection) = Connection::open(route).await else { return };
    let path = format!("/v1/leases/{id}/keep-alive");
    loop {
        tokio::time::sleep(TTL / 3).await;
        let asked = Instant::now();
        let answer = match connection.send(Method::POST, &path, None).await {
            Ok(answer) if answer.status.is_success() => answer,
            // Perhaps the next time.
            Ok(_) => continue,
            Err(_) => return,
        };
        match serde_json::from_slice(&answer.body) {
            Ok(KeepAnswer { kept: true }) => note(asked + TTL),
            Ok(KeepAnswer { kept: false }) => {
                let known = *until.lock().unwrap_or_else(PoisonError::into_inner);
                return note(known.min(Instant::now()));
            }
            Err(_) => return,
        }
    }
}

impl RaftLocks {
    /// Without a connection, which is opened at the first use.
    pub fn new(route: impl Into<Route>, mode: Mode) -> RaftLocks {
        RaftLocks { route: route.into(), mode, connection: State::New, lease: None }
    }

    async fn send(&mut self, request: Request) -> Result<Answer, HttpError> {
        if let State::New = self.connection {
            self.connection = State::Over;
            self.connection = State::Open(Connection::open(self.route).await?);
        }
        let State::Open(connection) = &mut self.connection else { return Err(HttpError::ClosedBefore) };
        let Request { method, path, body } = request;
        connection.send(method, &path, body.map(|body| body.to_string().into_bytes())).await
    }

    /// Asks, and judges the answer as that to any other call. `None`: the lock is not held under the token of the fence.
    async fn ask(&mut self, request: Request) -> Result<Option<Bytes>, Trouble> {
        let end = match self.send(request).await {
            Ok(answer) if answer.status == StatusCode::PRECONDITION_FAILED => return Ok(None),
            Ok(answer) => End::Answer(answer),
            Err(error) => End::Error(error),
        };
        let (fate, session) = end.judge();
        if session != Session::Kept {
            self.connection = State::Over;
        }
        match fate {
            Fate::Done(body) => Ok(Some(body)),
            Fate::NotDone { why, .. } => Err(Trouble { why, may_be_done: false, session }),
            Fate::InDoubt { why, .. } => Err(Trouble { why, may_be_done: true, session }),
        }
    }

    /// Asks for what has no fence.
    async fn told<T: DeserializeOwned>(&mut self, request: Request) -> Result<T, Trouble> {
        let body = self.ask(request).await?.unwrap_or_default();
        serde_json::from_slice(&body).map_err(|error| {
            self.connection = State::Over;
            let why = format!("the answer makes no sense: {error}");
            Trouble { why, may_be_done: true, session: Session::Lost }
        })
    }

    async fn end_lease(&mut self) {
        if let Some(lease) = self.lease.take() {
            let path = format!("/v1/leases/{}", lease.id);
            let _ = self.ask(Request { method: Method::DELETE, path, body: None }).await; // else it ends by itself
        }
    }
}

fn get(path: String) -> Request {
    Request { method: Method::GET, path, body: None }
}

fn post(path: String, body: serde_json::Value) -> Request {
    Request { method: Method::POST, path, body: Some(body) }
}

/// What asks for something that is of no consequence by itself.
fn harmless(trouble: Trouble) -> Trouble {
    Trouble { may_be_done: false, ..trouble }
}

#[async_trait]
impl Locks for RaftLocks {
    async fn try_acquire(&mut self, key: Key) -> Result<Option<u64>, Trouble> {
        // Only a hint, so the member's own opinion is enough; the log decides.
        let seen: LockAnswer = self.told(get(format!("/v1/locks/k{key}?local=true"))).await.map_err(harmless)?;
        if seen.token != 0 {
            return Ok(None);
        }
        let lease = match &self.lease {
            Some(lease) => lease.id,
            None => {
                let asked = Instant::now();
                let grant = post("/v1/leases".into(), json!({ "ttl_ms": TTL.as_millis() as u64 }));
                // A lease that nobody knows of holds nothing, and ends.
                let GrantAnswer { lease } = self.told(grant).await.map_err(harmless)?;
                self.lease = Some(Lease::begin(self.route, lease, asked));
                lease
            }
        };
        let acquire = post(format!("/v1/locks/k{key}/acquire"), json!({ "lease": lease }));
        match self.told(acquire).await? {
            AcquireAnswer { acquired: true, token: Some(token), .. } => Ok(Some(token)),
            AcquireAnswer { reason, .. } => {
                if reason != "held" {
                    // It ended while this waited; the next try has another.
                    self.lease = None;
                }
                Ok(None)
            }
        }
    }

    fn until(&self) -> Option<Instant> {
        self.lease.as_ref().map(Lease::until)
    }

    async fn release(&mut self, key: Key, token: u64) -> Result<bool, Trouble> {
        let release = post(format!("/v1/locks/k{key}/release"), json!({ "token": token }));
        self.told(release).await.map(|ReleaseAnswer { released }| released)
    }

    async fn list(&mut self, key: Key, strongest: bool) -> Result<(Vec<Value>, Option<Version>), Trouble> {
        let mode = if strongest { Mode::ReadIndex } else { self.mode };
        let body = self.ask(request::get(request::list(key), mode)).await.map_err(harmless)?.unwrap_or_default();
        reply::list_read(&body).map_err(|why| {
            self.connection = State::Over;
            Trouble { why, may_be_done: false, session: Session::Lost }
        })
    }

    async fn write(&mut self, key: Key, list: &[Value], fence: Option<u64>) -> Result<Written, Trouble> {
        let list_json = json!(list).to_string();
        let mut body = json!({ "value": list_json });
        if let Some(token) = fence {
            body["fence"] = json!({ "lock": format!("k{key}"), "token": token });
        }
        let path = format!("/v1/kv/{}", request::list(key));
        let Some(body) = self.ask(Request { method: Method::PUT, path, body: Some(body) }).await? else {
            return Ok(Written::Fenced);
        };
        match serde_json::from_slice(&body) {
            Ok(WriteAnswer { version }) => Ok(Written::Done(Some(Version::at(version)))),
            Err(error) => {
                self.connection = State::Over;
                let why = format!("the answer makes no sense: {error}");
                Err(Trouble { why, may_be_done: true, session: Session::Lost })
            }
        }
    }

    async fn close(&mut self) {
        self.end_lease().await;
        self.connection = State::Over;
    }
}
