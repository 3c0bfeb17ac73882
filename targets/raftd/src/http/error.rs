//! Errors as clients see them.

use crate::core::{Fate, Reason};
use crate::machine::{Held, LEASES_MAX, LOCKS_MAX, Refusal};
use crate::node::{Cause, Failure};
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Whether the request may have had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DoneWord {
    /// It had none and never will.
    No,
    /// It may have had one, or may yet.
    Unknown,
}

/// An error with the status that it is sent with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiError {
    #[serde(skip)]
    status: StatusCode,
    error: String,
    done: DoneWord,
}

impl ApiError {
    /// The request cannot be understood, so it was not even tried.
    pub fn not_tried(status: StatusCode, error: impl Into<String>) -> ApiError {
        ApiError { status, error: error.into(), done: DoneWord::No }
    }

    /// The lock is not held under the token of the request's fence, so nothing was done.
    pub fn fenced(held: Option<Held>) -> ApiError {
        let now = match held {
            Some(Held { lease, token }) => format!("lease {lease} holds it, under token {token}"),
            None => "nobody holds it".into(),
        };
        ApiError::not_tried(StatusCode::PRECONDITION_FAILED, format!("the lock is not held under this token: {now}"))
    }

    /// There are as many of the kind as there may be.
    pub fn too_many() -> ApiError {
        let error = format!(
            "there are {LEASES_MAX} leases, or {LOCKS_MAX} locks of this one, and no room for more; end or release some"
        );
        ApiError::not_tried(StatusCode::TOO_MANY_REQUESTS, error)
    }

    /// The request is malformed.
    pub fn bad_request(error: impl Into<String>) -> ApiError {
        ApiError::not_tried(StatusCode::BAD_REQUEST, error)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> ApiError {
        let (status, done) = match (failure.fate, failure.cause) {
            (Fate::Unknown, _) => (StatusCode::GATEWAY_TIMEOUT, DoneWord::Unknown),
            (Fate::NotDone, Cause::QueueFull | Cause::Core(Reason::Busy | Reason::HandingOver)) => {
                (StatusCode::TOO_MANY_REQUESTS, DoneWord::No)
            }
            (Fate::NotDone, Cause::Core(Reason::UnknownMember)) => (StatusCode::NOT_FOUND, DoneWord::No),
            (
                Fate::NotDone,
                Cause::Core(Reason::ChangeUnderWay | Reason::AlreadyMember | Reason::NumberUsed | Reason::LastVoter),
            ) => (StatusCode::CONFLICT, DoneWord::No),
            (Fate::NotDone, Cause::Stopping | Cause::Core(Reason::NoLeader | Reason::NotSettled)) => {
                (StatusCode::SERVICE_UNAVAILABLE, DoneWord::No)
            }
            (Fate::NotDone, Cause::Core(Reason::LeaderChanged | Reason::Overtaken | Reason::TimedOut)) => {
                (StatusCode::GATEWAY_TIMEOUT, DoneWord::No)
            }
        };
        ApiError { status, error: failure.to_string(), done }
    }
}

impl From<Refusal> for ApiError {
    /// The try that is answered here did nothing. Where an earlier try of the same request may have been applied, the
    /// answer must not claim that it was not.
    fn from(refusal: Refusal) -> ApiError {
        let (status, done) = match refusal {
            Refusal::UnknownSession { .. } => (StatusCode::GONE, DoneWord::Unknown),
            Refusal::Stale { .. } => (StatusCode::CONFLICT, DoneWord::Unknown),
            Refusal::Reused { .. } => (StatusCode::CONFLICT, DoneWord::No),
        };
        ApiError { status, error: refusal.to_string(), done }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let asks_again = matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let after = asks_again.then_some([(header::RETRY_AFTER, "1")]);
        (self.status, after, Json(self)).into_response()
    }
}
