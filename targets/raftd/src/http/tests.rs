//! The table of errors, and what is a bad request; against members that are played by the test.

use super::*;
use crate::core::{Fate, Reason};
use crate::machine::{Answer, Refusal};
use crate::node::{Cause, Failure, Feed, Freshness, Handle, Request, Status};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The API in front of a member that answers as `play` does, until it is dropped.
struct Served {
    address: std::net::SocketAddr,
    _tasks: JoinSet<()>,
}

async fn serve(requests_max: usize, play: impl FnMut(Request) + Send + 'static) -> Served {
    let (sender, mut requests) = mpsc::channel(requests_max);
    let (_, status) = watch::channel(Status { cluster: "played".into(), ..Status::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Handle::new(sender, status, Duration::from_millis(100));
    let (_, watching) = Feed::new(1 << 20);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router(handle, watching, BODY_BYTES_MAX)).await.unwrap() });
    let mut play = play;
    tasks.spawn(async move {
        while let Some(request) = requests.recv().await {
            play(request);
        }
    });
    Served { address, _tasks: tasks }
}

impl Served {
    async fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body:?}")))
    }

    /// Asks, and compares status and promise of the error.
    async fn check(&self, (method, path, body): (&str, &str, &str), status: u16, done: &str) {
        let (found, answer) = self.ask(method, path, body.as_bytes()).await;
        let promise = answer["done"].as_str();
        assert_eq!((found, promise), (status, Some(done)), "{method} {path} {body}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{answer}");
    }
}

const WRITE: (&str, &str, &str) = ("PUT", "/v1/kv/x", r#"{"value":"1"}"#);
const READ: (&str, &str, &str) = ("GET", "/v1/kv/x", "");

#[tokio::test]
async fn every_failure_has_its_status_and_its_promise() {
    let core = |fate, reason| Failure { fate, cause: Cause::Core(reason) };
    for (failure, status, done, read_status) in [
        (core(Fate::NotDone, Reason::NoLeader), 503, "no", 503),
        (core(Fate::NotDone, Reason::Busy), 429, "no", 429),
        (core(Fate::NotDone, Reason::LeaderChanged), 504, "no", 504),
        (core(Fate::NotDone, Reason::ChangeUnderWay), 409, "no", 409),
        (core(Fate::NotDone, Reason::NotSettled), 503, "no", 503),
        (core(Fate::NotDone, Reason::UnknownMember), 404, "no", 404),
        (core(Fate::NotDone, Reason::AlreadyMember), 409, "no", 409),
        (core(Fate::NotDone, Reason::NumberUsed), 409, "no", 409),
        (core(Fate::NotDone, Reason::LastVoter), 409, "no", 409),
        (core(Fate::NotDone, Reason::TimedOut), 504, "no", 504),
        (core(Fate::Unknown, Reason::LeaderChanged), 504, "unknown", 504),
        (core(Fate::Unknown, Reason::TimedOut), 504, "unknown", 504),
        (core(Fate::Unknown, Reason::Busy), 504, "unknown", 429),
        (Failure::QUEUE_FULL, 429, "no", 429),
        (Failure::NOT_TAKEN, 503, "no", 503),
        (Failure::CUT_OFF, 504, "unknown", 503),
    ] {
        let served = serve(1, move |request| request.fail(failure)).await;
        served.check(WRITE, status, done).await;
        // A read has no effect that anybody could be in doubt about.
        served.check(READ, read_status, "no").await;
    }
}

#[tokio::test]
async fn a_session_that_refuses_says_what_is_known_of_earlier_tries() {
    for (refusal, status, done) in [
        (Refusal::UnknownSession { session: 1 }, 410, "unknown"),
        (Refusal::Stale { session: 1, sequence: 2, last: 3 }, 409, "unknown"),
        (Refusal::Reused { session: 1, sequence: 2 }, 409, "no"),
    ] {
        let served = serve(1, move |request| match request {
            Request::Change { reply, .. } => reply.send(Ok(Answer::Refused(refusal))).unwrap(),
            Request::Ask { .. } | Request::Transfer { .. } | Request::Members { .. } => panic!("nobody asks"),
        });
        served.await.check(WRITE, status, done).await;
    }
}

#[tokio::test]
async fn a_member_that_does_not_answer_is_not_waited_for() {
    let mut held = Vec::new();
    let served = serve(8, move |request| held.push(request)).await;
    served.check(WRITE, 504, "unknown").await;
    served.check(READ, 504, "no").await;
}

#[tokio::test]
async fn a_request_that_is_dropped_was_perhaps_done_unless_it_reads() {
    let served = serve(8, drop).await;
    served.check(WRITE, 504, "unknown").await;
    served.check(READ, 503, "no").await;
}

#[tokio::test]
async fn a_full_queue_and_a_stopped_member_take_nothing() {
    let (_, status) = watch::channel(Status::default());
    let (sender, requests) = mpsc::channel(1);
    let handle = Handle::new(sender, status, Duration::from_millis(20));
    let query = || crate::machine::Query::Value("x".into());
    // Nobody takes the first one, so there is no room for the second.
    assert_eq!(handle.ask(query(), Freshness::Now).await, Err(Failure::TIMED_OUT.of_read()));
    assert_eq!(handle.ask(query(), Freshness::Now).await, Err(Failure::QUEUE_FULL));
    drop(requests);
    assert_eq!(handle.ask(query(), Freshness::Now).await, Err(Failure::NOT_TAKEN));
}

#[tokio::test]
async fn what_is_malformed_never_reaches_the_member() {
    let served = serve(1, |request| panic!("{request:?} should have been refused")).await;
    let long_key = format!("/v1/kv/{}", "k".repeat(body::KEY_BYTES_MAX + 1));
    for request in [
        ("PUT", "/v1/kv/x", ""),
        ("PUT", "/v1/kv/x", r#"{"value":1}"#),
        ("PUT", "/v1/kv/x", r#"{"value":"1","extra":1}"#),
        ("PUT", "/v1/kv/x", r#"{"value":"1","session":1}"#),
        ("PUT", "/v1/kv/x", r#"{"value":"1","sequence":1}"#),
        ("PUT", "/v1/kv/%ff", r#"{"value":"1"}"#),
        ("PUT", &long_key, r#"{"value":"1"}"#),
        ("POST", "/v1/kv/x/cas", r#"{"value":"1"}"#),
        ("POST", "/v1/sets/s/add", r#"{"element":null}"#),
        ("POST", "/v1/txn", r#"{"conditions":[]}"#),
        ("POST", "/v1/txn", r#"{"operations":[{"write":{"key":"x"}}]}"#),
        ("POST", "/v1/txn", r#"{"operations":[{"read":{"key":""}}]}"#),
        ("POST", "/v1/txn", r#"{"operations":[{"increment":{"key":"x"}}]}"#),
        ("POST", "/v1/txn?local=true", r#"{"operations":[{"write":{"key":"x","value":"1"}}]}"#),
        ("GET", "/v1/kv/x?local=perhaps", ""),
        ("GET", "/v1/kv/x?locally=true", ""),
        ("GET", "/v1/kv/x?lease=true", ""),
        ("GET", "/v1/watch?from=0", ""),
        ("GET", "/v1/watch?from=x", ""),
        ("GET", "/v1/watch?key=x", ""),
        ("GET", "/v1/sets/x?lease=true&local=true", ""),
        ("POST", "/v1/txn?lease=true", r#"{"operations":[{"write":{"key":"x","value":"1"}}]}"#),
    ] {
        served.check(request, 400, "no").await;
    }
    served.check(("GET", "/v2/kv/x", ""), 404, "no").await;
    served.check(("GET", "/v1/kv/", ""), 404, "no").await;
    served.check(("DELETE", "/v1/kv/x", ""), 405, "no").await;
    let large = format!(r#"{{"value":"{}"}}"#, "v".repeat(BODY_BYTES_MAX));
    served.check(("PUT", "/v1/kv/x", &large), 413, "no").await;
}

#[tokio::test]
async fn the_status_does_not_bother_the_member() {
    let served = serve(1, |request| panic!("{request:?} came from a question about the status")).await;
    let (status, answer) = served.ask("GET", "/v1/status", b"").await;
    assert_eq!((status, &answer["cluster"], &answer["leader"]), (200, &json!("played"), &Value::Null));
}
