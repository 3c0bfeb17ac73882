//! The one function from how a try ended to what is known of its request.

use super::http::{Answer, HttpError};
use crate::client::Session;
use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;
use squall_results::Outcome;
use std::time::Duration;

/// How a try ended.
#[derive(Debug)]
pub enum End {
    /// With an answer.
    Answer(Answer),
    /// Without one.
    Error(HttpError),
    /// There was a connection, and no answer within this time.
    TimedOut(Duration),
    /// There was not even a connection within this time.
    ConnectTimedOut(Duration),
}

/// What is known of a request after a try.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It was carried out; this is the answer.
    Done(Bytes),
    /// This try did nothing and never will.
    NotDone {
        /// Why.
        why: String,
        /// Whether it is true of every earlier try with the same number in the same session, too.
        of_all_tries: bool,
    },
    /// It may have been carried out, or may yet.
    InDoubt {
        /// Why.
        why: String,
        /// Whether another try can tell.
        may_repeat: bool,
    },
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
    done: String,
}

impl End {
    /// The one place where raftd's answers and errors are judged: what is known of the request, and whether the
    /// connection is still good.
    pub fn judge(self) -> (Fate, Session) {
        let not_done = |why| Fate::NotDone { why, of_all_tries: false };
        let in_doubt = |why| Fate::InDoubt { why, may_repeat: true };
        match self {
            End::Answer(Answer { status, body }) if status.is_success() => (Fate::Done(body), Session::Kept),
            End::Answer(Answer { status, body }) => refusal(status, &body),
            End::Error(error @ HttpError::Connect(_)) => (not_done(error.to_string()), Session::Refused),
            End::Error(error @ HttpError::ClosedBefore) => (not_done(error.to_string()), Session::Lost),
            End::Error(error @ HttpError::Broken(_)) => (in_doubt(error.to_string()), Session::Lost),
            End::TimedOut(after) => (in_doubt(format!("no answer within {} ms", after.as_millis())), Session::Lost),
            End::ConnectTimedOut(after) => {
                (not_done(format!("no connection within {} ms", after.as_millis())), Session::Refused)
            }
        }
    }
}

/// An answer other than success. raftd says in its body whether the try was certainly not done; without that word nobody
/// knows. What a session says (409, 410) it says of all tries, and will say again.
fn refusal(status: StatusCode, body: &[u8]) -> (Fate, Session) {
    let from_session = matches!(status, StatusCode::CONFLICT | StatusCode::GONE);
    match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(ErrorAnswer { error, done }) if done == "no" => {
            (Fate::NotDone { why: error, of_all_tries: from_session }, Session::Kept)
        }
        Ok(ErrorAnswer { error, .. }) => (Fate::InDoubt { why: error, may_repeat: !from_session }, Session::Lost),
        Err(_) => {
            let why = format!("status {status} without a word on what was done");
            (Fate::InDoubt { why, may_repeat: true }, Session::Lost)
        }
    }
}

impl Fate {
    /// What is known after this try of a request whose earlier tries are in doubt: that it did nothing itself says
    /// nothing about them.
    pub fn after_doubt(self) -> Fate {
        match self {
            Fate::NotDone { why, of_all_tries: false } => Fate::InDoubt { why, may_repeat: true },
            fate => fate,
        }
    }
}

/// What is true of a question that nobody saw the answer of: it did nothing.
pub fn not_seen(fate: Fate) -> Result<Bytes, Outcome> {
    match fate {
        Fate::Done(body) => Ok(body),
        Fate::NotDone { why, .. } | Fate::InDoubt { why, .. } => Err(Outcome::Fail(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    /// Compares the fate, in a word or two, and the session.
    fn check(end: End, expected: &str) {
        let shown = format!("{end:?}");
        let (fate, session) = end.judge();
        let word = match &fate {
            Fate::Done(_) => "done",
            Fate::NotDone { of_all_tries: false, .. } => "not done",
            Fate::NotDone { of_all_tries: true, .. } => "never done",
            Fate::InDoubt { may_repeat: true, .. } => "in doubt",
            Fate::InDoubt { may_repeat: false, .. } => "in doubt for good",
        };
        assert_eq!(format!("{word}, {}", format!("{session:?}").to_lowercase()), expected, "{shown}: {fate:?}");
    }

    fn answer(status: u16, body: &'static str) -> End {
        End::Answer(Answer { status: StatusCode::from_u16(status).unwrap(), body: Bytes::from_static(body.as_bytes()) })
    }

    #[test]
    fn without_a_connection_nothing_was_done() {
        for kind in [ErrorKind::ConnectionRefused, ErrorKind::HostUnreachable] {
            check(End::Error(HttpError::Connect(kind.into())), "not done, refused");
        }
        check(End::ConnectTimedOut(Duration::from_secs(1)), "not done, refused");
        check(End::Error(HttpError::ClosedBefore), "not done, lost");
    }

    #[test]
    fn a_broken_exchange_is_doubt() {
        check(End::Error(HttpError::Broken("reset".into())), "in doubt, lost");
        check(End::TimedOut(Duration::from_secs(1)), "in doubt, lost");
    }

    #[test]
    fn a_refusal_is_what_its_body_says() {
        for status in [400, 404, 413, 429, 503, 504, 500] {
            check(answer(status, r#"{"error":"no leader","done":"no"}"#), "not done, kept");
            check(answer(status, r#"{"error":"leadership lost","done":"unknown"}"#), "in doubt, lost");
            check(answer(status, r#"{"error":"x","done":"maybe"}"#), "in doubt, lost");
            check(answer(status, "<html>"), "in doubt, lost");
        }
    }

    #[test]
    fn what_a_session_says_holds_for_all_tries() {
        check(answer(409, r#"{"error":"reused","done":"no"}"#), "never done, kept");
        check(answer(409, r#"{"error":"stale","done":"unknown"}"#), "in doubt for good, lost");
        check(answer(410, r#"{"error":"expired","done":"unknown"}"#), "in doubt for good, lost");
    }

    #[test]
    fn a_later_try_that_did_nothing_leaves_the_earlier_one_in_doubt() {
        let no = |of_all_tries| Fate::NotDone { why: "no leader".into(), of_all_tries };
        assert_eq!(no(false).after_doubt(), Fate::InDoubt { why: "no leader".into(), may_repeat: true });
        assert_eq!(no(true).after_doubt(), no(true));
        assert_eq!(Fate::Done(Bytes::new()).after_doubt(), Fate::Done(Bytes::new()));
    }

    #[test]
    fn a_question_without_an_answer_did_nothing() {
        assert!(not_seen(Fate::InDoubt { why: "reset".into(), may_repeat: true }).unwrap_err().is_fail());
        assert!(not_seen(Fate::NotDone { why: "busy".into(), of_all_tries: false }).unwrap_err().is_fail());
    }
}
