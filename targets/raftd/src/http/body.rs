//! What clients send.

use super::error::ApiError;
use crate::cli::check_member;
use crate::machine::{Change, Condition, Fence, LeaseChange, Operation, Serial, Transaction};
use crate::node::Freshness;
use crate::types::{MemberChange, NodeId};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;

/// The largest body of a request, in bytes, unless the server is told otherwise.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The longest key or name of a set, in bytes.
pub(super) const KEY_BYTES_MAX: usize = 4096;

/// The body of a PUT of a key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Write {
    pub value: String,
    #[serde(default)]
    pub fence: Option<Fence>,
    #[serde(default)]
    pub session: Option<u64>,
    #[serde(default)]
    pub sequence: Option<u64>,
}

/// The body of a compare-and-set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareAndSet {
    /// Must be said, even if it is null: to forget it must not mean "absent".
    #[serde(deserialize_with = "Option::deserialize")]
    pub expect: Option<String>,
    pub value: String,
    #[serde(default)]
    pub fence: Option<Fence>,
    #[serde(default)]
    pub session: Option<u64>,
    #[serde(default)]
    pub sequence: Option<u64>,
}

/// The body of an addition to a set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    pub element: String,
    #[serde(default)]
    pub fence: Option<Fence>,
    #[serde(default)]
    pub session: Option<u64>,
    #[serde(default)]
    pub sequence: Option<u64>,
}

/// The body of a request for a lease.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    pub ttl_ms: u64,
}

/// The body of a request for a lock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acquire {
    pub lease: u64,
}

/// The body of what gives a lock back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    pub token: u64,
}

/// How long a lease may last: at the least several ticks, and not so long that a mistake stays for ever.
const TTL_MS: RangeInclusive<u64> = 100..=86_400_000;

impl Grant {
    pub(super) fn change(&self) -> Result<Change, ApiError> {
        match TTL_MS.contains(&self.ttl_ms) {
            true => Ok(Change::Lease(LeaseChange::Grant { ttl_ms: self.ttl_ms })),
            false => Err(ApiError::bad_request(format!(
                "a lease of {} ms; it lasts {} ms at least and {} ms at most",
                self.ttl_ms,
                TTL_MS.start(),
                TTL_MS.end()
            ))),
        }
    }
}

/// A change under a fence, if there is one.
pub(super) fn fenced(fence: Option<Fence>, change: Change) -> Result<Change, ApiError> {
    let Some(fence) = fence else { return Ok(change) };
    check_key(&fence.lock)?;
    Ok(Change::Fenced { fence, change: Box::new(change) })
}

/// The body of a request to hand over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transfer {
    pub to: u64,
}

/// The body of a request for a new member.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddMember {
    pub id: NodeId,
    pub address: String,
}

impl AddMember {
    pub(super) fn change(self) -> Result<MemberChange, ApiError> {
        check_member(self.id, &self.address).map_err(ApiError::bad_request)?;
        Ok(MemberChange::Add { id: self.id, address: self.address })
    }
}

/// The body of a transaction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transact {
    #[serde(default)]
    pub conditions: Vec<Condition>,
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub fence: Option<Fence>,
    #[serde(default)]
    pub session: Option<u64>,
    #[serde(default)]
    pub sequence: Option<u64>,
}

/// The two halves of a serial number, both or none.
pub(super) fn serial(session: Option<u64>, sequence: Option<u64>) -> Result<Option<Serial>, ApiError> {
    match (session, sequence) {
        (None, None) => Ok(None),
        (Some(session), Some(sequence)) => Ok(Some(Serial { session, sequence })),
        _ => Err(ApiError::bad_request("`session` and `sequence` go together: send both or none")),
    }
}

impl Transact {
    pub(super) fn transaction(self) -> Result<Transaction, ApiError> {
        let transaction = Transaction { conditions: self.conditions, operations: self.operations };
        transaction.keys().try_for_each(check_key)?;
        Ok(transaction)
    }
}

fn check_key(key: &str) -> Result<(), ApiError> {
    match key.len() {
        0 => Err(ApiError::bad_request("a key must not be empty")),
        1..=KEY_BYTES_MAX => Ok(()),
        bytes => Err(ApiError::bad_request(format!("a key of {bytes} bytes is longer than {KEY_BYTES_MAX}"))),
    }
}

/// The key or name in a path.
pub(super) struct Key(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Key, ApiError> {
        let Path(key) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection: PathRejection| ApiError::bad_request(rejection.body_text()))?;
        check_key(&key)?;
        Ok(Key(key))
    }
}

/// As of when a question is answered: `?local=true`, `?lease=true`, or nothing.
pub(super) struct As(pub Freshness);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    local: bool,
    #[serde(default)]
    lease: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for As {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<As, ApiError> {
        let Query(Asked { local, lease }) = Query::<Asked>::from_request_parts(parts, state)
            .await
            .map_err(|rejection: QueryRejection| ApiError::bad_request(rejection.body_text()))?;
        match (local, lease) {
            (false, false) => Ok(As(Freshness::Now)),
            (false, true) => Ok(As(Freshness::Leased)),
            (true, false) => Ok(As(Freshness::Local)),
            (true, true) => Err(ApiError::bad_request("a read is `local` or by `lease`; leave one of them out")),
        }
    }
}

/// A body in JSON, whatever the content type says.
pub(super) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| {
            match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => ApiError::not_tried(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body is too large; send less at a time, or start the server with a larger --max-body-bytes",
                ),
                status => ApiError::not_tried(status, rejection.body_text()),
            }
        })?;
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Body).map_err(|error| ApiError::bad_request(format!("the body is not what is expected: {error}")))
    }
}
