//! What a fault waits for where a time will not do: a change of leader, acknowledged writes, a line of a log.
//!
//! As people write it in plans: `after: {writes: 500}`, `after: {leader_change: 1, wait: 200ms}`, `after: {log: "became leader",
//! node: n1, within: 10s}`, `after: {log_regex: "became leader at term [0-9]+"}`. Who watches for it is [`crate::conduct`]; this module must not know how.

use crate::span::Span;
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a fault waits for, from the time on at which it is armed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Trigger {
    /// What must happen.
    pub awaited: Awaited,
    /// How long after it the fault is injected.
    pub wait: Span,
    /// How long it is waited for. None: to the end of the run; a resolved plan always says it.
    pub within: Option<Span>,
}

/// What must happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Awaited {
    /// So many times a node comes to lead in a new term.
    LeaderChange(u64),
    /// So many changes are acknowledged to clients.
    Writes(u64),
    /// A server writes a line with this text into its log.
    Log {
        /// The text, as it stands.
        text: String,
        /// On which node; none for any.
        node: Option<String>,
    },
    /// A server writes a line into its log that this regular expression matches somewhere.
    Matches {
        /// The expression, of the crate `regex-lite`.
        pattern: String,
        /// On which node; none for any.
        node: Option<String>,
    },
}

/// A trigger as a plan has it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leader_change: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    writes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_regex: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<Span>,
}

/// The word for a log of whichever node.
const ANY: &str = "any";

impl TryFrom<Written> for Trigger {
    type Error = String;

    fn try_from(written: Written) -> Result<Trigger, String> {
        let Written { leader_change, writes, log, log_regex, node, wait, within } = written;
        if node.is_some() && log.is_none() && log_regex.is_none() {
            return Err("node belongs to log: which node's log is it?".into());
        }
        let node = node.filter(|node| node != ANY);
        let awaited = match (leader_change, writes, log, log_regex) {
            (Some(times), None, None, None) => Awaited::LeaderChange(times),
            (None, Some(writes), None, None) => Awaited::Writes(writes),
            (None, None, Some(text), None) => Awaited::Log { text, node },
            (None, None, None, Some(pattern)) => {
                expression(&pattern)?;
                Awaited::Matches { pattern, node }
            }
            (None, None, None, None) => {
                return Err("after what? say leader_change: 1, writes: 500, or log: \"some text\"".into());
            }
            _ => {
                let why = "a fault waits for one thing: leader_change, writes, log or log_regex; leave the others out";
                return Err(why.into());
            }
        };
        Ok(Trigger { awaited, wait: wait.unwrap_or_default(), within })
    }
}

/// A regular expression that lines of logs are to match.
pub(crate) fn expression(pattern: &str) -> Result<Regex, String> {
    let regex = Regex::new(pattern)
        .map_err(|error| format!("log_regex: `{pattern}` is no regular expression: {error}; a backslash takes a character as it stands, log: does so with all"))?;
    match regex.is_match("") {
        true => Err(format!("log_regex: `{pattern}` matches every line, or an empty one; write what must stand in it")),
        false => Ok(regex),
    }
}

impl From<Trigger> for Written {
    fn from(trigger: Trigger) -> Written {
        let Trigger { awaited, wait, within } = trigger;
        let wait = (wait.ms() > 0).then_some(wait);
        let plain = Written { wait, within, ..Written::default() };
        match awaited {
            Awaited::LeaderChange(times) => Written { leader_change: Some(times), ..plain },
            Awaited::Writes(writes) => Written { writes: Some(writes), ..plain },
            Awaited::Log { text, node } => Written { log: Some(text), node, ..plain },
            Awaited::Matches { pattern, node } => Written { log_regex: Some(pattern), node, ..plain },
        }
    }
}

impl Trigger {
    /// All kinds, as one would write them, and what they wait for.
    pub const ALL: [(&str, &str); 4] = [
        ("{leader_change: 1}", "a node leads in a new term, for the N-th time since the fault was armed"),
        ("{writes: 500}", "so many changes were acknowledged to clients since then"),
        ("{log: \"some text\", node: n1}", "a server logs a line with this text; of any node without a node"),
        (
            "{log_regex: 'elected .* term [0-9]+', node: n1}",
            "likewise a line that this regular expression matches somewhere",
        ),
    ];

    /// Why this makes no sense among these nodes; none if it does.
    pub fn refuses(&self, nodes: &[String]) -> Option<String> {
        match &self.awaited {
            Awaited::LeaderChange(0) => Some("after leader_change: 0 is at once; write 1 or more".into()),
            Awaited::Writes(0) => Some("after writes: 0 is at once; write 1 or more".into()),
            Awaited::Log { text, .. } if text.trim().is_empty() => {
                Some("after log: every line has an empty text; write what must stand in it".into())
            }
            Awaited::Log { text, .. } if text.contains('\n') => {
                Some("after log: a text of several lines stands in no line; write one".into())
            }
            Awaited::Log { node: Some(node), .. } | Awaited::Matches { node: Some(node), .. }
                if !nodes.contains(node) =>
            {
                Some(format!("after log: there is no node called `{node}`; there are: {}, any", nodes.join(", ")))
            }
            _ if self.within.is_some_and(|within| within.ms() == 0) => {
                Some("after: within leaves no time for it to happen; give it more, or the storm".into())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Awaited::LeaderChange(times) => write!(f, "{times} changes of leader"),
            Awaited::Writes(writes) => write!(f, "{writes} acknowledged writes"),
            Awaited::Log { text, node } => {
                write!(f, "line with `{text}` in the log of {}", node.as_deref().unwrap_or("any node"))
            }
            Awaited::Matches { pattern, node } => {
                write!(f, "line that `{pattern}` matches in the log of {}", node.as_deref().unwrap_or("any node"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
