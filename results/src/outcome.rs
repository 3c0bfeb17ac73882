//! How a call ended, as far as the client can tell.

use crate::call::Reply;
use crate::model::AnyReply;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a call ended. Doubt is a value: what is not certain is `Unknown`, never `Fail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<R = Reply> {
    /// The target carried the call out and answered.
    Ok(R),
    /// The call certainly did not happen and never will; the text says why.
    Fail(String),
    /// The call may have happened, or may yet happen at any later time; the text says why.
    Unknown(String),
}

impl<R> Outcome<R> {
    /// The reply, if the target answered.
    pub fn reply(&self) -> Option<&R> {
        match self {
            Outcome::Ok(reply) => Some(reply),
            Outcome::Fail(_) | Outcome::Unknown(_) => None,
        }
    }

    /// The outcome in squall's own words.
    pub fn recorded(&self) -> Outcome
    where
        R: AnyReply,
    {
        match self {
            Outcome::Ok(reply) => Outcome::Ok(reply.to_reply()),
            Outcome::Fail(why) => Outcome::Fail(why.clone()),
            Outcome::Unknown(why) => Outcome::Unknown(why.clone()),
        }
    }

    /// Whether the target answered.
    pub fn is_ok(&self) -> bool {
        matches!(self, Outcome::Ok(_))
    }

    /// Whether the call certainly did not happen.
    pub fn is_fail(&self) -> bool {
        matches!(self, Outcome::Fail(_))
    }

    /// Whether nobody can tell.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Outcome::Unknown(_))
    }
}

impl<R: fmt::Display> fmt::Display for Outcome<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Ok(reply) => write!(f, "{reply}"),
            Outcome::Fail(why) => write!(f, "failed: {why}"),
            Outcome::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}
