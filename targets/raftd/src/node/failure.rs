//! Why a request got no answer, and what that says about its effect.

use crate::core::{self, Fate};
use std::fmt;

/// A request that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Whether it may have an effect nevertheless. `NotDone` is a promise.
    pub fate: Fate,
    /// Why.
    pub cause: Cause,
}

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Too many requests wait.
    QueueFull,
    /// The server stops.
    Stopping,
    /// The core gave it up.
    Core(core::Reason),
}

impl Failure {
    /// The request was never taken, because too many wait.
    pub const QUEUE_FULL: Failure = Failure { fate: Fate::NotDone, cause: Cause::QueueFull };
    /// The request was never taken, because the server stops.
    pub const NOT_TAKEN: Failure = Failure { fate: Fate::NotDone, cause: Cause::Stopping };
    /// The server stopped while the request was in flight.
    pub const CUT_OFF: Failure = Failure { fate: Fate::Unknown, cause: Cause::Stopping };
    /// No answer came in time, and nobody withdrew the request.
    pub const TIMED_OUT: Failure = Failure { fate: Fate::Unknown, cause: Cause::Core(core::Reason::TimedOut) };

    /// The same failure for a request that has no effects to be in doubt about.
    pub fn of_read(self) -> Failure {
        Failure { fate: Fate::NotDone, ..self }
    }
}

impl From<core::Failed> for Failure {
    fn from(failed: core::Failed) -> Failure {
        Failure { fate: failed.fate, cause: Cause::Core(failed.reason) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::QueueFull => {
                write!(f, "too many requests wait, or too many bytes of them; ask again later, or less at a time")
            }
            Cause::Stopping => write!(f, "the server is stopping; ask another member"),
            Cause::Core(reason) => write!(f, "{reason}"),
        }
    }
}
