//! The client of `raft`.

use super::end::{End, Fate, not_seen};
use super::http::{Answer, Connection, HttpError};
use super::reply::{Changed, Seen, changed, seen};
use super::request::{First, Mode, Request, first};
use crate::client::{Client, Completion, Session};
use crate::route::Route;
use async_trait::async_trait;
use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use squall_results::{Call, Outcome};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How many further times a client that may repeat waits as long as it waits for a first answer.
const REPEATS: u32 = 2;

/// How long it rests before it asks again.
const REST: Duration = Duration::from_millis(50);

/// A client of one raftd.
pub struct RaftClient {
    route: Route,
    timeout: Duration,
    mode: Mode,
    connection: Option<Connection>,
    /// Whether it repeats changes whose answer it did not get.
    retry: bool,
    /// The raftd session in which it does so, opened before the first change.
    session: Option<Serial>,
}

/// The last number used in a session of raftd's; see "Sessions" in API.md.
#[derive(Debug, Clone, Copy)]
struct Serial {
    session: u64,
    sequence: u64,
}

#[derive(Deserialize)]
struct SessionAnswer {
    session: u64,
}

impl RaftClient {
    /// A client of the raftd at the end of `route` which waits `timeout` for an answer.
    pub fn new(route: impl Into<Route>, timeout: Duration, mode: Mode) -> RaftClient {
        RaftClient { route: route.into(), timeout, mode, connection: None, retry: false, session: None }
    }

    /// A change without an answer is repeated on a new connection to the same member, in the same session under the same
    /// number, until it is answered or three times the time-out is over. One call remains one operation.
    #[must_use]
    pub fn repeating(self, retry: bool) -> RaftClient {
        RaftClient { retry, ..self }
    }

    /// One try: what is known then, and what became of the connection.
    async fn attempt(&mut self, request: &Request, deadline: Instant) -> (Fate, Session) {
        let mut connected = self.connection.is_some();
        let end = match timeout_at(deadline, self.exchange(request, &mut connected)).await {
            Ok(Ok(answer)) => End::Answer(answer),
            Ok(Err(error)) => End::Error(error),
            Err(_) if connected => End::TimedOut(self.timeout),
            Err(_) => End::ConnectTimedOut(self.timeout),
        };
        let (fate, session) = end.judge();
        if session != Session::Kept {
            // A late answer must not be taken for that of another request.
            self.connection = None;
        }
        (fate, session)
    }

    async fn exchange(&mut self, request: &Request, connected: &mut bool) -> Result<Answer, HttpError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.route).await?),
        };
        *connected = true;
        let Request { method, path, body } = request;
        connection.send(method.clone(), path, body.as_ref().map(|body| body.to_string().into_bytes())).await
    }

    /// Looks until the call is answered or a change is to be made.
    async fn look(&mut self, call: &Call, mut request: Request, deadline: Instant) -> Result<Request, Completion> {
        loop {
            let (fate, session) = self.attempt(&request, deadline).await;
            let body = not_seen(fate).map_err(|outcome| Completion { outcome, session })?;
            request = match seen(call, self.mode, &body) {
                Ok(Seen::Look(request)) => request,
                Ok(Seen::Change(request)) => return Ok(request),
                Ok(Seen::Reply(reply)) => return Err(Completion { outcome: Outcome::Ok(reply), session }),
                Ok(Seen::Nothing(why)) => return Err(Completion { outcome: Outcome::Fail(why), session }),
                Err(why) => {
                    self.connection = None;
                    return Err(Completion { outcome: Outcome::Fail(senseless(&why)), session: Session::Lost });
                }
            };
        }
    }

    /// Gives a change its number in the session, which is opened if need be.
    async fn number(&mut self, request: &mut Request, deadline: Instant) -> Result<(), Completion> {
        if self.session.is_none() {
            let open = Request { method: Method::POST, path: "/v1/sessions".into(), body: None };
            let (fate, session) = self.attempt(&open, deadline).await;
            // A session that nobody knows of does no harm.
            let fail = |why| Completion { outcome: Outcome::Fail(format!("no session was opened: {why}")), session };
            let opened = match fate {
                Fate::Done(body) => serde_json::from_slice(&body).map_err(|error| fail(error.to_string()))?,
                Fate::NotDone { why, .. } | Fate::InDoubt { why, .. } => return Err(fail(why)),
            };
            let SessionAnswer { session } = opened;
            self.session = Some(Serial { session, sequence: 0 });
        }
        if let (Some(serial), Some(body)) = (&mut self.session, &mut request.body) {
            serial.sequence += 1;
            body["session"] = serial.session.into();
            body["sequence"] = serial.sequence.into();
        }
        Ok(())
    }

    /// Makes a change, in as many tries as are allowed.
    async fn change(&mut self, mut request: Request, begun: Instant) -> Result<(Bytes, Session), Completion> {
        let deadline = begun + self.timeout;
        if self.retry {
            self.number(&mut request, deadline).await?;
        }
        let (mut fate, mut session) = self.attempt(&request, deadline).await;
        let last = begun + self.timeout * (1 + REPEATS);
        while self.retry && matches!(fate, Fate::InDoubt { may_repeat: true, .. }) && Instant::now() + REST < last {
            tokio::time::sleep(REST).await;
            let (again, found) = self.attempt(&request, last.min(Instant::now() + self.timeout)).await;
            // The process does not outlive the connection on which it began the call.
            session = if found == Session::Kept { Session::Lost } else { found };
            fate = again.after_doubt();
        }
        let outcome = match fate {
            Fate::Done(body) => return Ok((body, session)),
            Fate::NotDone { why, .. } => Outcome::Fail(why),
            Fate::InDoubt { why, .. } => Outcome::Unknown(why),
        };
        Err(Completion { outcome, session })
    }

    async fn carry_out(&mut self, call: &Call) -> Result<Completion, Completion> {
        let begun = Instant::now();
        let request = match first(call, self.mode) {
            First::Look(request) => self.look(call, request, begun + self.timeout).await?,
            First::Change(request) => request,
        };
        let (body, session) = self.change(request, begun).await?;
        let (outcome, session) = match changed(call, &body) {
            Ok(Changed::Reply(reply)) => (Outcome::Ok(reply), session),
            Ok(Changed::Nothing(why)) => (Outcome::Fail(why), session),
            Err(why) => (Outcome::Unknown(senseless(&why)), Session::Lost),
        };
        Ok(Completion { outcome, session })
    }
}

fn senseless(why: &str) -> String {
    format!("the answer makes no sense: {why}")
}

#[async_trait]
impl Client for RaftClient {
    async fn call(&mut self, call: &Call) -> Completion {
        self.carry_out(call).await.unwrap_or_else(|completion| completion)
    }
}

#[cfg(test)]
mod tests;
