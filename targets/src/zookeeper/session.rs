//! One session over one connection. It never opens another: when the connection ends, the session is over for squall, even
//! while the server would still let it go on elsewhere.
//!
//! A task of its own keeps the session alive, also between calls: it sends pings, and gives the connection up when the server
//! is silent for two thirds of the session's time-out. Dropping the session closes it politely, so that a storm does not leave
//! thousands of sessions behind, and waits for nothing.

mod keeper;

use super::code::Code;
use super::jute::{Put, Senseless, Take};
use super::request::{Answer, Request};
use crate::route::Route;
use keeper::{Job, Keeper};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// Why a request has no answer that it was carried out. What matters is whether it can have been.
#[derive(Debug, Error)]
pub enum SessionError {
    /// No connection could be made: nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    /// No session was made in time: nothing was sent.
    #[error("no session in time")]
    ConnectTimedOut,
    /// The server did not make a session, as one without a leader does not: nothing was sent.
    #[error("the server made no session: {0}")]
    NotMade(String),
    /// The client had its session, and there is no other: nothing was sent.
    #[error("the session of this client is over")]
    Over,
    /// The connection ended before the request was sent: it was not sent.
    #[error("the session ended before the request was sent")]
    ClosedBefore,
    /// The connection ended when the request may have arrived.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// No answer came in time.
    #[error("no answer in time")]
    TimedOut,
    /// The answer makes no sense.
    #[error("the answer makes no sense: {0}")]
    Senseless(String),
    /// The server answered by a code.
    #[error("{0}")]
    Code(Code),
}

impl From<Senseless> for SessionError {
    fn from(error: Senseless) -> SessionError {
        SessionError::Senseless(error.to_string())
    }
}

/// An answer, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// To a change: the transaction that carried it out. To a read: the last transaction that the server had applied.
    pub zxid: i64,
    /// The answer.
    pub answer: Answer,
}

/// What a server tells about a node that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchEvent {
    /// 1: made, 2: deleted, 3: changed, 4: its children changed.
    pub kind: i32,
    /// The node.
    pub path: String,
}

/// The name and the key of a session, by which another connection could take it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The number of the session.
    pub id: i64,
    /// Its password.
    pub password: Vec<u8>,
}

/// A session. See the module.
pub struct Session {
    jobs: mpsc::UnboundedSender<Job>,
    events: mpsc::UnboundedReceiver<WatchEvent>,
    credentials: Credentials,
    timeout: Duration,
    lost_at: Arc<OnceLock<std::time::Instant>>,
}

/// The number of the transaction and the code in front of every answer, and what follows them.
type Message = (i64, i32, Vec<u8>);

impl Session {
    /// Opens a session that the servers end when they hear nothing of it for `timeout`; they may choose another time.
    ///
    /// # Errors
    /// All of them say that there is no session.
    pub async fn open(route: impl Into<Route>, timeout: Duration, deadline: Instant) -> Result<Session, SessionError> {
        Session::take_over(route, timeout, deadline, &Credentials { id: 0, password: vec![0; 16] }).await
    }

    /// Opens a connection for a session that exists. For tests: a client never does this.
    ///
    /// # Errors
    /// As for [`Session::open`].
    pub async fn take_over(
        route: impl Into<Route>,
        timeout: Duration,
        deadline: Instant,
        credentials: &Credentials,
    ) -> Result<Session, SessionError> {
        let open = open(route.into(), timeout, credentials);
        timeout_at(deadline, open).await.unwrap_or(Err(SessionError::ConnectTimedOut))
    }

    /// Makes one request and waits for its answer until `deadline`. After any error that is not a [`SessionError::Code`] the
    /// session must be dropped.
    ///
    /// # Errors
    /// When there is no answer, or the answer is a code. The parts of a transaction have codes of their own.
    pub async fn ask(&self, request: &Request, deadline: Instant) -> Result<Answered, SessionError> {
        let (sender, answer) = oneshot::channel();
        let mut body = Vec::new();
        request.put(&mut body);
        let job = Job { number: request.number(), body, answer: sender };
        self.jobs.send(job).map_err(|_| SessionError::ClosedBefore)?;
        let answer = timeout_at(deadline, answer).await.map_err(|_| SessionError::TimedOut)?;
        let broken = |_| SessionError::Broken("its task has ended".into());
        let (zxid, code, body): Message = answer.map_err(broken)??;
        match code {
            0 => Ok(Answered { zxid, answer: request.answer(&body)? }),
            code => Err(SessionError::Code(Code(code))),
        }
    }

    /// The next event of a node that is watched; `None` when the session is over.
    pub async fn event(&mut self) -> Option<WatchEvent> {
        self.events.recv().await
    }

    /// The name and the key of this session.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// When this client learnt that the session is over for it; `None`: it did not, whatever the servers think.
    pub fn lost_at(&self) -> Option<std::time::Instant> {
        self.lost_at.get().copied()
    }

    /// How long the servers keep the session when they hear nothing of it.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

async fn open(route: Route, timeout: Duration, old: &Credentials) -> Result<Session, SessionError> {
    let mut stream = route.connect().await.map_err(SessionError::Connect)?;
    let mut request = Vec::new();
    request.put_int(0);
    request.put_long(0);
    request.put_int(i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX));
    request.put_long(old.id);
    request.put_bytes(&old.password);
    request.put_bool(false);
    let not_made = |error: std::io::Error| SessionError::NotMade(error.to_string());
    stream.write_all(&keeper::frame(&request)).await.map_err(not_made)?;
    let mut frames = keeper::Frames::default();
    let answer = frames.next(&mut stream).await.map_err(not_made)?;
    let (credentials, timeout) = made(&answer)?;
    let (jobs, queue) = mpsc::unbounded_channel();
    let (events, watched) = mpsc::unbounded_channel();
    let lost_at = Arc::new(OnceLock::new());
    tokio::spawn(Keeper::new(stream, frames, timeout, events, lost_at.clone()).keep(queue));
    Ok(Session { jobs, events: watched, credentials, timeout, lost_at })
}

/// Reads the server's word that it made a session.
fn made(answer: &[u8]) -> Result<(Credentials, Duration), SessionError> {
    let mut take = Take(answer);
    let mut read = || Ok::<_, Senseless>((take.int()?, take.int()?, take.long()?, take.bytes()?.to_vec()));
    let (_protocol, timeout_ms, id, password) = read().map_err(|error| SessionError::NotMade(error.to_string()))?;
    match u64::try_from(timeout_ms) {
        Ok(timeout_ms) if timeout_ms > 0 => Ok((Credentials { id, password }, Duration::from_millis(timeout_ms))),
        _ => Err(SessionError::NotMade("it has expired".into())),
    }
}

/// The part of a refused transaction that is at fault, with its code. Those before it have the code of success, those after it
/// say that another one is at fault.
pub fn first_refusal(parts: &[Result<Answer, Code>]) -> Option<(usize, Code)> {
    let refused = |part: &Result<Answer, Code>| part.as_ref().err().copied();
    let mut refusals = parts.iter().enumerate().filter_map(|(place, part)| Some((place, refused(part)?)));
    let mut own = refusals.clone().filter(|(_, code)| code.0 != 0 && *code != Code::RUNTIME_INCONSISTENCY);
    own.next().or_else(|| refusals.next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_at_fault_is_found() {
        let code = |number| Err(Code(number));
        assert_eq!(first_refusal(&[code(0), code(-103), code(-2)]), Some((1, Code(-103))));
        assert_eq!(first_refusal(&[code(-110), code(-2)]), Some((0, Code(-110))));
        assert_eq!(first_refusal(&[Ok(Answer::Done), Ok(Answer::Done)]), None);
        assert_eq!(first_refusal(&[code(-2), code(-2)]), Some((1, Code(-2))));
    }

    #[test]
    fn a_session_that_has_expired_is_none() {
        let mut answer = Vec::new();
        answer.put_int(0);
        answer.put_int(0);
        answer.put_long(0);
        answer.put_bytes(&[0; 16]);
        assert!(matches!(made(&answer), Err(SessionError::NotMade(why)) if why.contains("expired")));
        assert!(matches!(made(&answer[..9]), Err(SessionError::NotMade(_))));
    }
}
