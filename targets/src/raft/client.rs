//! The client of `raft`, and the one function from its errors to outcomes.

use super::http::{Answer, Connection, HttpError};
use crate::client::{Client, Completion, Session};
use async_trait::async_trait;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use squall_results::call::{Key, Value, Version};
use squall_results::{Call, Outcome, Reply};
use std::net::SocketAddr;
use std::time::Duration;

/// A client of one raftd.
pub struct RaftClient {
    address: SocketAddr,
    timeout: Duration,
    connection: Option<Connection>,
}

impl RaftClient {
    /// A client of the raftd at `address` whose calls take `timeout` at most.
    pub fn new(address: SocketAddr, timeout: Duration) -> RaftClient {
        RaftClient { address, timeout, connection: None }
    }

    async fn exchange(&mut self, call: &Call, connected: &mut bool) -> Result<Answer, HttpError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.address).await?),
        };
        *connected = true;
        let (method, path, body) = request(call);
        connection.send(method, &path, body.map(|body| body.to_string().into_bytes())).await
    }
}

#[async_trait]
impl Client for RaftClient {
    async fn call(&mut self, call: &Call) -> Completion {
        let mut connected = self.connection.is_some();
        let exchange = tokio::time::timeout(self.timeout, self.exchange(call, &mut connected)).await;
        let end = match exchange {
            Ok(Ok(answer)) => End::Answer(answer.status, &answer.body).complete(call),
            Ok(Err(error)) => End::Error(error).complete(call),
            Err(_) if connected => End::TimedOut(self.timeout).complete(call),
            Err(_) => End::ConnectTimedOut(self.timeout).complete(call),
        };
        if end.session != Session::Kept {
            self.connection = None;
        }
        end
    }
}

fn register(key: Key) -> String {
    format!("/v1/kv/r{key}")
}

fn request(call: &Call) -> (Method, String, Option<Json>) {
    match call {
        Call::Read { key } => (Method::GET, register(*key), None),
        Call::Write { key, value } => (Method::PUT, register(*key), Some(json!({ "value": value.to_string() }))),
        Call::Cas { key, expect, value } => {
            let expect = expect.map(|expect| expect.to_string());
            let body = json!({ "expect": expect, "value": value.to_string() });
            (Method::POST, format!("{}/cas", register(*key)), Some(body))
        }
        call => unreachable!("raft does not support {call}, and the plan was checked"),
    }
}

/// How an exchange ended.
#[derive(Debug)]
enum End<'a> {
    Answer(StatusCode, &'a [u8]),
    Error(HttpError),
    TimedOut(Duration),
    ConnectTimedOut(Duration),
}

#[derive(Deserialize)]
struct ReadAnswer {
    value: Option<String>,
    version: u64,
}

#[derive(Deserialize)]
struct WriteAnswer {
    version: u64,
}

#[derive(Deserialize)]
struct CasAnswer {
    swapped: bool,
    version: u64,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
    done: String,
}

impl End<'_> {
    /// The one place where raftd's answers and errors become outcomes.
    fn complete(self, call: &Call) -> Completion {
        let (outcome, session) = match self {
            End::Answer(status, body) if status.is_success() => match reply(call, body) {
                Ok(reply) => (Outcome::Ok(reply), Session::Kept),
                Err(why) => (doubt(call, format!("the answer makes no sense: {why}")), Session::Lost),
            },
            End::Answer(status, body) => refusal(call, status, body),
            End::Error(error @ HttpError::Connect(_)) => (Outcome::Fail(error.to_string()), Session::Refused),
            End::Error(error @ HttpError::ClosedBefore) => (Outcome::Fail(error.to_string()), Session::Lost),
            End::Error(error @ HttpError::Broken(_)) => (doubt(call, error.to_string()), Session::Lost),
            End::TimedOut(after) => (doubt(call, format!("no answer within {} ms", after.as_millis())), Session::Lost),
            End::ConnectTimedOut(after) => {
                (Outcome::Fail(format!("no connection within {} ms", after.as_millis())), Session::Refused)
            }
        };
        Completion { outcome, session }
    }
}

/// What is true of a call that may have been carried out: a read that nobody saw the answer of did nothing.
fn doubt(call: &Call, why: String) -> Outcome {
    if call.kind().only_observes() { Outcome::Fail(why) } else { Outcome::Unknown(why) }
}

/// An answer other than success. raftd says in its body whether the call was certainly not done; without that word
/// nobody knows.
fn refusal(call: &Call, status: StatusCode, body: &[u8]) -> (Outcome, Session) {
    match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(ErrorAnswer { error, done }) if done == "no" => (Outcome::Fail(error), Session::Kept),
        Ok(ErrorAnswer { error, .. }) => (doubt(call, error), Session::Lost),
        Err(_) => (doubt(call, format!("status {status} without a word on what was done")), Session::Lost),
    }
}

fn reply(call: &Call, body: &[u8]) -> Result<Reply, String> {
    let wrong = |error: serde_json::Error| error.to_string();
    match call {
        Call::Read { .. } => {
            let answer: ReadAnswer = serde_json::from_slice(body).map_err(wrong)?;
            let value = answer.value.map(|text| text.parse::<Value>().map_err(|_| format!("`{text}` is no number")));
            Ok(Reply::Read { value: value.transpose()?, version: Some(Version::at(answer.version)) })
        }
        Call::Write { .. } => {
            let answer: WriteAnswer = serde_json::from_slice(body).map_err(wrong)?;
            Ok(Reply::Written { version: Some(Version::at(answer.version)) })
        }
        Call::Cas { .. } => {
            let answer: CasAnswer = serde_json::from_slice(body).map_err(wrong)?;
            let version = Some(Version::at(answer.version));
            Ok(if answer.swapped { Reply::Written { version } } else { Reply::NotEqual })
        }
        call => Err(format!("raft does not support {call}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    const READ: Call = Call::Read { key: 1 };
    const WRITE: Call = Call::Write { key: 1, value: 5 };
    const CAS: Call = Call::Cas { key: 1, expect: Some(4), value: 5 };

    /// Ends with the first letters of outcome and session: `ok kept`, `fail lost`, ...
    fn check(end: End, call: &Call, expected: &str) {
        let shown = format!("{end:?} on {call}");
        let completion = end.complete(call);
        let outcome = match &completion.outcome {
            Outcome::Ok(_) => "ok",
            Outcome::Fail(_) => "fail",
            Outcome::Unknown(_) => "unknown",
        };
        let session = format!("{:?}", completion.session).to_lowercase();
        assert_eq!(format!("{outcome} {session}"), expected, "{shown}: {completion:?}");
    }

    fn connect(kind: ErrorKind) -> End<'static> {
        End::Error(HttpError::Connect(kind.into()))
    }

    #[test]
    fn without_a_connection_nothing_was_done() {
        for call in [READ, WRITE, CAS] {
            check(connect(ErrorKind::ConnectionRefused), &call, "fail refused");
            check(connect(ErrorKind::HostUnreachable), &call, "fail refused");
            check(End::ConnectTimedOut(Duration::from_secs(1)), &call, "fail refused");
            check(End::Error(HttpError::ClosedBefore), &call, "fail lost");
        }
    }

    #[test]
    fn a_broken_exchange_is_doubt_for_all_that_can_change_something() {
        for (call, expected) in [(READ, "fail lost"), (WRITE, "unknown lost"), (CAS, "unknown lost")] {
            check(End::Error(HttpError::Broken("reset".into())), &call, expected);
            check(End::TimedOut(Duration::from_secs(1)), &call, expected);
        }
    }

    #[test]
    fn a_refusal_is_what_its_body_says() {
        let no = br#"{"error":"no leader","done":"no"}"#;
        let unknown = br#"{"error":"leadership lost","done":"unknown"}"#;
        for status in [400, 404, 413, 429, 503, 504, 500] {
            let status = StatusCode::from_u16(status).unwrap();
            for (call, doubt) in [(READ, "fail lost"), (WRITE, "unknown lost"), (CAS, "unknown lost")] {
                check(End::Answer(status, no), &call, "fail kept");
                check(End::Answer(status, unknown), &call, doubt);
                check(End::Answer(status, b"<html>"), &call, doubt);
                check(End::Answer(status, br#"{"error":"x","done":"maybe"}"#), &call, doubt);
            }
        }
    }

    #[test]
    fn an_answer_becomes_a_reply() {
        let cases: [(&Call, &[u8], Result<Reply, ()>); 8] = [
            (&READ, br#"{"value":"7","version":3}"#, Ok(Reply::Read { value: Some(7), version: Some(Version::at(3)) })),
            (&READ, br#"{"value":null,"version":0}"#, Ok(Reply::Read { value: None, version: Some(Version::at(0)) })),
            (&READ, br#"{"value":"seven","version":3}"#, Err(())),
            (&WRITE, br#"{"version":4}"#, Ok(Reply::Written { version: Some(Version::at(4)) })),
            (&WRITE, br#"{}"#, Err(())),
            (&CAS, br#"{"swapped":true,"version":5}"#, Ok(Reply::Written { version: Some(Version::at(5)) })),
            (&CAS, br#"{"swapped":false,"value":"9","version":5}"#, Ok(Reply::NotEqual)),
            (&CAS, b"", Err(())),
        ];
        for (call, body, expected) in cases {
            assert_eq!(reply(call, body).map_err(|_| ()), expected, "{call}: {}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_senseless_success_is_doubt() {
        check(End::Answer(StatusCode::OK, b"{}"), &WRITE, "unknown lost");
        check(End::Answer(StatusCode::OK, b"{}"), &READ, "fail lost");
    }
}
