//! Faults as data.

use crate::selector::Selector;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of fault. Each has a module of its own under `family`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// The selected nodes are cut off from the others, in both directions; among themselves they stay connected. Clients
    /// reach every node.
    Partition,
    /// The servers of the selected nodes die by SIGKILL, and are started again.
    Kill,
    /// The servers of the selected nodes are stopped by SIGSTOP, and go on by SIGCONT.
    Pause,
}

impl Family {
    /// All families.
    pub const ALL: [Family; 3] = [Family::Partition, Family::Kill, Family::Pause];

    /// The name on the command line and in histories.
    pub fn name(self) -> &'static str {
        match self {
            Family::Partition => "partition",
            Family::Kill => "kill",
            Family::Pause => "pause",
        }
    }

    /// What it does, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Family::Partition => "cuts the network between the selected nodes and the others; clients reach all",
            Family::Kill => "kills servers with SIGKILL and starts them again",
            Family::Pause => "stops servers with SIGSTOP and lets them go on",
        }
    }

    /// Whether this fault can hit these nodes at all; if not, why.
    pub fn refuses(self, selector: &Selector) -> Option<&'static str> {
        match (self, selector) {
            (Family::Partition, Selector::All) => Some("a partition needs somebody on the other side"),
            _ => None,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(text: &str) -> Result<Family, String> {
        let found = Family::ALL.into_iter().find(|family| family.name() == text);
        found.ok_or_else(|| format!("there is no fault called `{text}`"))
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fault {
    /// What.
    #[serde(rename = "fault")]
    pub family: Family,
    /// To whom.
    #[serde(rename = "select")]
    pub selector: Selector,
}
