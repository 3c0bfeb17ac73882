//! How servers are made to end and start again, over and over, as people write it in plans: `crash_loop`, `{crash_after: 30ms}`,
//! `rolling`.

use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Ends and new starts for as long as the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Each server is killed and started again and again: every time at a moment that is drawn anew, about as often before it
    /// answers as afterwards.
    CrashLoop,
    /// As [`Restart::CrashLoop`], every time so long after its start, whether it answers or not.
    CrashAfter(Span),
    /// One server after the other is told to end by SIGTERM and started again, the next when this one knows a leader again.
    Rolling,
    /// As [`Restart::Rolling`], by SIGKILL.
    RollingKill,
}

/// How long after its start a server can be killed; later it has long been up, and a fault of the family `kill` does the same.
const CRASH_AFTER_MAX: Span = Span::from_ms(60_000);

impl Restart {
    /// All kinds, as one would write them, and what they do.
    pub const ALL: [(&str, &str); 4] = [
        ("crash_loop", "each server is killed and started again and again, at drawn moments, often before it answers"),
        ("{crash_after: 30ms}", "likewise, every time so long after its start"),
        ("rolling", "one server after the other ends by SIGTERM and is started again, the next when it knows a leader"),
        ("rolling_kill", "likewise, by SIGKILL"),
    ];

    /// Why this makes no sense; none if it does.
    pub fn refuses(&self) -> Option<String> {
        match self {
            Restart::CrashAfter(after) if *after > CRASH_AFTER_MAX => {
                Some(format!("a server that is up for {after} has no crash loop; give it {CRASH_AFTER_MAX} at most"))
            }
            _ => None,
        }
    }

    /// Whether servers take turns.
    pub fn is_rolling(&self) -> bool {
        matches!(self, Restart::Rolling | Restart::RollingKill)
    }

    /// What it does to the servers of these nodes, for people.
    pub fn told(&self, nodes: &[String]) -> String {
        let nodes = nodes.join(", ");
        match self {
            Restart::CrashLoop => format!("kill {nodes} over and over"),
            Restart::CrashAfter(after) => format!("kill {nodes} over and over, {after} after each start"),
            Restart::Rolling => format!("restart {nodes} one after the other"),
            Restart::RollingKill => format!("kill and start {nodes} one after the other"),
        }
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Restart::CrashLoop => f.pad("crash loop"),
            Restart::CrashAfter(after) => write!(f, "crash after {after}"),
            Restart::Rolling => f.pad("rolling"),
            Restart::RollingKill => f.pad("rolling kill"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_what_is_done() {
        let nodes = ["n1", "n2"].map(String::from);
        for (restart, told) in [
            (Restart::CrashLoop, "kill n1, n2 over and over"),
            (Restart::CrashAfter(Span::from_ms(30)), "kill n1, n2 over and over, 30ms after each start"),
            (Restart::Rolling, "restart n1, n2 one after the other"),
            (Restart::RollingKill, "kill and start n1, n2 one after the other"),
        ] {
            assert_eq!(restart.told(&nodes), told);
        }
    }

    #[test]
    fn only_what_is_a_loop_makes_sense() {
        for (ms, is_good) in [(0, true), (60_000, true), (60_001, false)] {
            assert_eq!(Restart::CrashAfter(Span::from_ms(ms)).refuses().is_none(), is_good, "{ms}");
        }
        assert_eq!(Restart::Rolling.refuses(), None);
    }
}
