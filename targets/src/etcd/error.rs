//! What goes wrong with etcd, and the one function from it to outcomes.

use crate::client::{Completion, Session};
use squall_results::Outcome;
use std::time::Duration;
use thiserror::Error;
use tonic::Status;

/// Why there is no answer. What matters is whether the request can have reached the server.
#[derive(Debug, Error)]
pub enum EtcdError {
    /// No connection could be made: nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    /// No connection was made in time: nothing was sent.
    #[error("no connection within {} ms", .0.as_millis())]
    ConnectTimedOut(Duration),
    /// The connection was lost before the request was handed to it: it was not sent.
    #[error("the connection was closed before the request was sent")]
    ClosedBefore,
    /// There was no answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// A status other than success: from etcd, or from gRPC when the connection broke.
    #[error("{}", told(.0))]
    Status(#[from] Box<Status>),
    /// The answer is none.
    #[error("the answer makes no sense: {0}")]
    Senseless(String),
}

impl From<Status> for EtcdError {
    fn from(status: Status) -> EtcdError {
        Box::new(status).into()
    }
}

impl EtcdError {
    /// Whether etcd says that there is no such lease (any more).
    pub fn is_lease_not_found(&self) -> bool {
        matches!(self, EtcdError::Status(status) if status.message() == LEASE_NOT_FOUND)
    }
}

/// etcd's words where it has some, else gRPC's with what lies below them.
fn told(status: &Status) -> String {
    if is_from_etcd(status) {
        return status.message().to_owned();
    }
    let mut text = format!("{:?}: {}", status.code(), status.message());
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// How far a call had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is no connection yet.
    Connecting,
    /// No request was sent that can change anything.
    Observing,
    /// A request may have been sent that can change something.
    Changing,
}

const LEASE_NOT_FOUND: &str = "etcdserver: requested lease not found";

/// The errors after which a change was certainly not made and never will be, known by their text because some have had
/// several codes. All others leave doubt: time-outs, a stopped server, a leader that changed. So does `mvcc: database space
/// exceeded`: the request that first exceeds the quota is applied *and* answered so.
const NOT_DONE: [&str; 19] = [
    // Refused on arrival, before anything is proposed.
    "etcdserver: no leader",
    "etcdserver: too many requests",
    "etcdserver: request is too large",
    "etcdserver: not capable",
    "etcdserver: rpc not supported for learner",
    "etcdserver: key is not provided",
    "etcdserver: value is provided",
    "etcdserver: lease is provided",
    "etcdserver: too many operations in txn request",
    "etcdserver: duplicate key given in txn request",
    "etcdserver: user name is empty",
    "etcdserver: invalid auth token",
    // The member's own Raft took the proposal not in. One that a leader drops after it was forwarded is never answered.
    "raft proposal dropped",
    // Proposed and committed, but every member refuses to apply it, before it changes anything.
    LEASE_NOT_FOUND,
    "etcdserver: lease already exists",
    "etcdserver: too large lease TTL",
    "etcdserver: key not found",
    "etcdserver: permission denied",
    "etcdserver: revision of auth store is old",
];

/// Whether etcd said this over a connection that works, and not gRPC about one that does not.
fn is_from_etcd(status: &Status) -> bool {
    status.message().starts_with("etcdserver: ") || status.message() == "raft proposal dropped"
}

/// The one place where errors become outcomes: what is true of a call that came so far and then met this.
pub fn complete(result: Result<Outcome, EtcdError>, progress: Progress) -> Completion {
    let error = match result {
        Ok(outcome) => return Completion { outcome, session: Session::Kept },
        Err(error) => error,
    };
    let session = match &error {
        EtcdError::Connect(_) | EtcdError::ConnectTimedOut(_) => Session::Refused,
        EtcdError::Status(status) if is_from_etcd(status) => Session::Kept,
        EtcdError::Status(_) | EtcdError::ClosedBefore | EtcdError::TimedOut(_) | EtcdError::Senseless(_) => {
            Session::Lost
        }
    };
    let certain = match &error {
        EtcdError::Connect(_) | EtcdError::ConnectTimedOut(_) | EtcdError::ClosedBefore => true,
        EtcdError::Status(status) => NOT_DONE.contains(&status.message()),
        EtcdError::TimedOut(_) | EtcdError::Senseless(_) => false,
    };
    // What only observes did nothing, whatever became of its answer.
    let certain = certain || progress != Progress::Changing;
    let why = error.to_string();
    Completion { outcome: if certain { Outcome::Fail(why) } else { Outcome::Unknown(why) }, session }
}

#[cfg(test)]
mod tests;
