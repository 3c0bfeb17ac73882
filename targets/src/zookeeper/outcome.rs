//! The one function from a client's errors to outcomes.

use super::code::Meaning;
use super::session::SessionError;
use crate::client::{Completion, Session};
use squall_results::Outcome;

/// Why a call ended without a reply.
#[derive(Debug)]
pub enum Stop {
    /// What a request observed forbids to go on. Nothing was changed.
    Mismatch(String),
    /// A request that cannot change anything that calls observe: a read, the making of a parent.
    Harmless(SessionError),
    /// A request that makes the change.
    Change(SessionError),
}

impl Stop {
    /// How the call ends.
    pub fn complete(self) -> Completion {
        let (error, changes) = match self {
            Stop::Mismatch(why) => return Completion { outcome: Outcome::Fail(why), session: Session::Kept },
            Stop::Harmless(error) => (error, false),
            Stop::Change(error) => (error, true),
        };
        let why = error.to_string();
        let doubt = |why| if changes { Outcome::Unknown(why) } else { Outcome::Fail(why) };
        let (outcome, session) = match error {
            SessionError::Connect(_) | SessionError::ConnectTimedOut | SessionError::NotMade(_) => {
                (Outcome::Fail(why), Session::Refused)
            }
            SessionError::Over | SessionError::ClosedBefore => (Outcome::Fail(why), Session::Lost),
            SessionError::Broken(_) | SessionError::TimedOut | SessionError::Senseless(_) => {
                (doubt(why), Session::Lost)
            }
            SessionError::Code(code) => match code.meaning() {
                Meaning::Refused => (Outcome::Fail(why), Session::Kept),
                Meaning::RefusedForGood => (Outcome::Fail(why), Session::Lost),
                Meaning::Doubt => (doubt(why), Session::Lost),
            },
        };
        Completion { outcome, session }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zookeeper::code::Code;
    use std::io::ErrorKind;

    /// Ends with the first words of outcome and session, of a change and of a harmless request.
    #[track_caller]
    fn check(error: impl Fn() -> SessionError, change: &str, harmless: &str) {
        for (stop, expected) in [(Stop::Change(error()), change), (Stop::Harmless(error()), harmless)] {
            let shown = format!("{stop:?}");
            let completion = stop.complete();
            let outcome = match &completion.outcome {
                Outcome::Ok(_) => "ok",
                Outcome::Fail(_) => "fail",
                Outcome::Unknown(_) => "unknown",
            };
            let session = format!("{:?}", completion.session).to_lowercase();
            assert_eq!(format!("{outcome} {session}"), expected, "{shown}: {completion:?}");
        }
    }

    #[test]
    fn without_a_session_nothing_was_done() {
        check(|| SessionError::Connect(ErrorKind::ConnectionRefused.into()), "fail refused", "fail refused");
        check(|| SessionError::Connect(ErrorKind::HostUnreachable.into()), "fail refused", "fail refused");
        check(|| SessionError::ConnectTimedOut, "fail refused", "fail refused");
        check(|| SessionError::NotMade("no leader".into()), "fail refused", "fail refused");
        check(|| SessionError::Over, "fail lost", "fail lost");
        check(|| SessionError::ClosedBefore, "fail lost", "fail lost");
    }

    #[test]
    fn a_broken_exchange_is_doubt_for_what_can_change_something() {
        check(|| SessionError::Broken("reset".into()), "unknown lost", "fail lost");
        check(|| SessionError::TimedOut, "unknown lost", "fail lost");
        check(|| SessionError::Senseless("cut short".into()), "unknown lost", "fail lost");
    }

    #[test]
    fn a_mismatch_is_a_failure_that_keeps_the_session() {
        let completion = Stop::Mismatch("it holds 4".into()).complete();
        assert_eq!(completion, Completion { outcome: Outcome::Fail("it holds 4".into()), session: Session::Kept });
    }

    #[test]
    fn every_code_has_its_outcome() {
        const DOUBT: &[i32] = &[-1, -2, -3, -4, -5, -7, -12, -100, -112, -113, -118, -122];
        const REFUSED: &[i32] =
            &[-6, -8, -13, -14, -101, -102, -103, -108, -110, -111, -114, -119, -120, -121, -123, -125, -127];
        const REFUSED_FOR_GOOD: &[i32] = &[-115, -124];
        for number in DOUBT {
            check(|| SessionError::Code(Code(*number)), "unknown lost", "fail lost");
        }
        for number in REFUSED {
            check(|| SessionError::Code(Code(*number)), "fail kept", "fail kept");
        }
        for number in REFUSED_FOR_GOOD {
            check(|| SessionError::Code(Code(*number)), "fail lost", "fail lost");
        }
        // Codes that no version known here sends.
        for number in [-9, -128, 1, i32::MAX, i32::MIN] {
            check(|| SessionError::Code(Code(number)), "unknown lost", "fail lost");
        }
        let mut told: Vec<i32> = [DOUBT, REFUSED, REFUSED_FOR_GOOD].concat();
        let mut known: Vec<i32> = Code::ALL.iter().map(|(number, _, _)| *number).collect();
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(told, known, "this table names every code once");
    }
}
