//! Which request means what.

use super::body::{
    self, Acquire, Add, AddMember, As, Body, CompareAndSet, Grant, Key, Release, Transact, Transfer, Write,
};
use super::error::ApiError;
use super::metrics::{self, Answered};
use super::watch::{self, Watchers};
use crate::machine::{
    Answer, Change, Command, Done, Held, Lease, LeaseChange, Query, Serial, SetView, Transaction, Versioned, View,
};
use crate::node::{Freshness, Handle, Status, Watching};
use crate::types::{MemberChange, NodeId, Standing};
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

type Reply = Result<Json<Value>, ApiError>;

/// The API, in front of a member, for bodies of so many bytes at most.
pub fn router(member: Handle, watching: Watching, body_bytes_max: usize) -> Router {
    let answered = Answered::default();
    let figures = Router::new().route("/metrics", get(metrics::metrics)).with_state((member.clone(), answered.clone()));
    let watch = Router::new().route("/v1/watch", get(watch::watch)).with_state(Watchers::new(watching));
    Router::new()
        .merge(watch)
        .merge(figures)
        .route("/v1/kv/{key}", get(read).put(write))
        .route("/v1/kv/{key}/cas", post(compare_and_set))
        .route("/v1/sets/{name}", get(read_set))
        .route("/v1/sets/{name}/add", post(add))
        .route("/v1/txn", post(transact))
        .route("/v1/sessions", post(open_session))
        .route("/v1/leases", post(grant))
        .route("/v1/leases/{lease}", get(read_lease).delete(revoke))
        .route("/v1/leases/{lease}/keep-alive", post(keep_alive))
        .route("/v1/locks/{name}", get(read_lock))
        .route("/v1/locks/{name}/acquire", post(acquire))
        .route("/v1/locks/{name}/release", post(release))
        .route("/v1/transfer", post(transfer))
        .route("/v1/members", get(members).post(add_member))
        .route("/v1/members/{id}", delete(remove_member))
        .route("/v1/status", get(status))
        .fallback(async || ApiError::not_tried(StatusCode::NOT_FOUND, "no such path; see API.md"))
        .method_not_allowed_fallback(async || {
            ApiError::not_tried(StatusCode::METHOD_NOT_ALLOWED, "the path does not take this method; see API.md")
        })
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(middleware::from_fn_with_state(answered, metrics::count))
        .with_state(member)
}

async fn status(State(member): State<Handle>) -> Json<Status> {
    Json(member.status())
}

async fn read(State(member): State<Handle>, Key(key): Key, As(freshness): As) -> Reply {
    ask(&member, Query::Value(key), freshness).await
}

async fn read_set(State(member): State<Handle>, Key(name): Key, As(freshness): As) -> Reply {
    ask(&member, Query::Set(name), freshness).await
}

async fn write(State(member): State<Handle>, Key(key): Key, Body(body): Body<Write>) -> Reply {
    let serial = body::serial(body.session, body.sequence)?;
    change(&member, serial, body::fenced(body.fence, Change::Write { key, value: body.value })?).await
}

async fn compare_and_set(State(member): State<Handle>, Key(key): Key, Body(body): Body<CompareAndSet>) -> Reply {
    let serial = body::serial(body.session, body.sequence)?;
    let swap = Change::CompareAndSet { key, expect: body.expect, value: body.value };
    change(&member, serial, body::fenced(body.fence, swap)?).await
}

async fn add(State(member): State<Handle>, Key(set): Key, Body(body): Body<Add>) -> Reply {
    let serial = body::serial(body.session, body.sequence)?;
    change(&member, serial, body::fenced(body.fence, Change::Add { set, element: body.element })?).await
}

async fn transact(State(member): State<Handle>, As(freshness): As, Body(body): Body<Transact>) -> Reply {
    let serial = body::serial(body.session, body.sequence)?;
    let fence = body.fence.clone();
    let transaction: Transaction = body.transaction()?;
    if transaction.only_reads() && fence.is_none() {
        return ask(&member, Query::Snapshot(transaction), freshness).await;
    }
    if freshness != Freshness::Now {
        return Err(ApiError::bad_request("only what changes nothing can be local or by lease; leave that out"));
    }
    change(&member, serial, body::fenced(fence, Change::Transact(transaction))?).await
}

async fn open_session(State(member): State<Handle>) -> Reply {
    change(&member, None, Change::OpenSession).await
}

type LeasePath = Result<Path<u64>, PathRejection>;

/// The number of a lease in a path.
fn lease(path: LeasePath) -> Result<u64, ApiError> {
    path.map(|Path(lease)| lease).map_err(|rejection| ApiError::bad_request(rejection.body_text()))
}

async fn grant(State(member): State<Handle>, Body(body): Body<Grant>) -> Reply {
    change(&member, None, body.change()?).await
}

async fn keep_alive(State(member): State<Handle>, path: LeasePath) -> Reply {
    change(&member, None, Change::Lease(LeaseChange::KeepAlive { lease: lease(path)? })).await
}

async fn revoke(State(member): State<Handle>, path: LeasePath) -> Reply {
    let lease = lease(path)?;
    let ended = member.change(Command { serial: None, change: Change::Lease(LeaseChange::Revoke { lease }) }).await?;
    Ok(Json(json!({ "revoked": matches!(ended, Answer::LeaseEnded { .. }) })))
}

async fn read_lease(State(member): State<Handle>, path: LeasePath, As(freshness): As) -> Reply {
    ask(&member, Query::Lease(lease(path)?), freshness).await
}

async fn read_lock(State(member): State<Handle>, Key(lock): Key, As(freshness): As) -> Reply {
    ask(&member, Query::Lock(lock), freshness).await
}

async fn acquire(State(member): State<Handle>, Key(lock): Key, Body(body): Body<Acquire>) -> Reply {
    let acquire = LeaseChange::Acquire { lock, lease: body.lease };
    match member.change(Command { serial: None, change: Change::Lease(acquire) }).await? {
        Answer::LeaseGone => Ok(Json(json!({ "acquired": false, "reason": "no such lease" }))),
        answer => told(answer),
    }
}

async fn release(State(member): State<Handle>, Key(lock): Key, Body(body): Body<Release>) -> Reply {
    change(&member, None, Change::Lease(LeaseChange::Release { lock, token: body.token })).await
}

async fn transfer(State(member): State<Handle>, Body(body): Body<Transfer>) -> Reply {
    match member.transfer(body.to).await? {
        true => Ok(Json(json!({ "to": body.to }))),
        false => Err(ApiError::not_tried(
            StatusCode::CONFLICT,
            "only the leader hands over, and only to another voter; `/v1/status` says who leads",
        )),
    }
}

async fn members(State(member): State<Handle>) -> Json<Value> {
    let Status { members, members_since, commit, .. } = member.status();
    Json(json!({ "members": members, "since": members_since, "committed": members_since <= commit }))
}

async fn add_member(State(member): State<Handle>, Body(body): Body<AddMember>) -> Reply {
    let id = body.id;
    let index = member.change_members(body.change()?).await?;
    Ok(Json(json!({ "added": id, "role": Standing::Learner, "index": index })))
}

async fn remove_member(State(member): State<Handle>, path: Result<Path<NodeId>, PathRejection>) -> Reply {
    let Path(id) = path.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
    let index = member.change_members(MemberChange::Remove { id }).await?;
    Ok(Json(json!({ "removed": id, "index": index })))
}

async fn change(member: &Handle, serial: Option<Serial>, change: Change) -> Reply {
    told(member.change(Command { serial, change }).await?)
}

fn told(answer: Answer) -> Reply {
    let answer = match answer {
        Answer::Written { version } => json!({ "version": version }),
        Answer::Swapped { version } => json!({ "swapped": true, "version": version }),
        Answer::NotEqual(Versioned { value, version }) => {
            json!({ "swapped": false, "value": value, "version": version })
        }
        Answer::Added { added, version } => json!({ "added": added, "version": version }),
        Answer::Committed(results) => transacted(Some(results)),
        Answer::Aborted => transacted(None),
        Answer::Opened { session } => json!({ "session": session }),
        Answer::LeaseGranted { lease, ttl_ms } => json!({ "lease": lease, "ttl_ms": ttl_ms }),
        Answer::LeaseKept { ttl_ms } => json!({ "kept": true, "ttl_ms": ttl_ms }),
        Answer::LeaseGone => json!({ "kept": false }),
        Answer::LeaseEnded { leases } => json!({ "ended": leases }),
        Answer::LockAcquired { token } => json!({ "acquired": true, "token": token }),
        Answer::LockHeld(Held { lease, token }) => {
            json!({ "acquired": false, "reason": "held", "lease": lease, "token": token })
        }
        Answer::LockReleased { released } => json!({ "released": released }),
        Answer::FencedOff { held } => return Err(ApiError::fenced(held)),
        Answer::TooMany => return Err(ApiError::too_many()),
        Answer::Refused(refusal) => return Err(refusal.into()),
    };
    Ok(Json(answer))
}

async fn ask(member: &Handle, query: Query, freshness: Freshness) -> Reply {
    if freshness == Freshness::Leased && !member.uses_leases() {
        return Err(ApiError::bad_request("this cluster uses no leases; start all members with --lease-drift-percent"));
    }
    Ok(seen(member.ask(query, freshness).await?))
}

fn seen(view: View) -> Json<Value> {
    Json(match view {
        View::Value(Versioned { value, version }) => json!({ "value": value, "version": version }),
        View::Set(SetView { elements, version }) => json!({ "elements": elements, "version": version }),
        View::Snapshot(results) => transacted(results),
        View::Lease(Some(Lease { ttl_ms, locks, .. })) => json!({ "ttl_ms": ttl_ms, "locks": locks }),
        View::Lease(None) => json!({ "ttl_ms": null, "locks": [] }),
        View::Lock(Some(Held { lease, token })) => json!({ "lease": lease, "token": token }),
        View::Lock(None) => json!({ "lease": null, "token": 0 }),
    })
}

fn transacted(results: Option<Vec<Done>>) -> Value {
    json!({ "committed": results.is_some(), "results": results.unwrap_or_default() })
}
