//! A database under test, and the list of them.

use crate::client::{Client, Reads};
use crate::cluster::Node;
use crate::lock::Locks;
use crate::members::Members;
use crate::remote::DaemonSpec;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use squall_results::{CallKind, Promise};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// What a target may be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TargetOptions {
    /// The executable that runs the project's own servers: squall itself.
    pub own_program: PathBuf,
    /// How long one call may take.
    pub call_timeout: Duration,
    /// A planted bug, by name; only the project's own server has any.
    pub bug: Option<String>,
    /// A seed for the server's own randomness, where it takes one.
    pub seed: u64,
    /// A name for this cluster, different from that of any other.
    pub cluster_name: String,
    /// The name of the [`ReadMode`] of its clients.
    pub read: String,
    /// Whether a client repeats a change whose answer it did not get, in the same session and under the same number, until
    /// three times [`call_timeout`](Self::call_timeout) are over.
    pub retry: bool,
    /// The program or folder to use in place of the one that is installed.
    pub bin: Option<PathBuf>,
    /// Whether its servers run on other machines, where their programs are looked for then.
    pub elsewhere: bool,
    /// Whether its members are to be changed, where servers must be told so when they start.
    pub changes_members: bool,
    /// The value of each [`Setting`].
    pub settings: BTreeMap<String, u64>,
}

impl TargetOptions {
    /// The value of a setting that the target has.
    ///
    /// # Panics
    /// If the target has no such setting.
    pub fn setting(&self, name: &str) -> u64 {
        *self.settings.get(name).unwrap_or_else(|| panic!("the plan spells out the setting {name}"))
    }
}

/// A way in which a target's clients can read, and what the target promises then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMode {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What the target promises to clients that read so.
    pub promise: Promise,
    /// A stronger promise that it does not give, at which a run is judged too, for people to know.
    pub beside: Option<Promise>,
}

/// A number that a target's server can be told; its name ends in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name on the command line: `heartbeat_ms`.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The vendor's value.
    pub default: u64,
    /// The value of the profile `fast`, for short storms.
    pub fast: u64,
    /// The least and the greatest value that make sense.
    pub range: (u64, u64),
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The name of the node that leads, in this node's opinion.
    pub leader: Option<String>,
    /// The term (epoch, view) of that opinion.
    pub term: u64,
}

/// A database under test: how its server is started, how it is asked, what it promises. All effects are data.
#[async_trait]
pub trait Target: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// The server of `node` in a cluster of `nodes`.
    fn daemon(&self, node: &Node, nodes: &[Node]) -> DaemonSpec;

    /// The folder where the server of `node` keeps all that must survive its end.
    fn data(&self, node: &Node) -> PathBuf {
        node.dir.join("data")
    }

    /// The files below [`data`](Self::data) into which the server writes first what it promises to keep, as a pattern: `*` stands
    /// for letters of a name, `**` for any folders.
    fn journal(&self) -> &'static str {
        "**"
    }

    /// As patterns, all files below it that change before the server promises anything to anybody, a vote included.
    fn promises(&self) -> Vec<&'static str> {
        vec![self.journal()]
    }

    /// A new client for `node` that reads as it is told.
    fn client(&self, node: &Node, reads: Reads) -> Box<dyn Client>;

    /// A new session with `node` for locks and the lists that they guard; `None`: the target has no locks.
    fn locks(&self, _node: &Node, _reads: Reads) -> Option<Box<dyn Locks>> {
        None
    }

    /// How its members are changed while it serves; `None`: not by squall, as [`TargetInfo::least_members`] says.
    fn members(&self) -> Option<&dyn Members> {
        None
    }

    /// Asks `node` who leads.
    ///
    /// # Errors
    /// Why the node gave no answer, for people.
    async fn status(&self, node: &Node, nodes: &[Node]) -> Result<Status, String>;

    /// The version of the server that answers on `node`.
    ///
    /// # Errors
    /// Why it is not known, for people.
    async fn version(&self, node: &Node) -> Result<String, String>;
}

/// A planted bug that a target offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BugInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// The promise that it breaks.
    pub breaks: &'static str,
    /// The real mistake that it mirrors, with a link, and the passage of the literature that warns of it.
    pub mirrors: String,
    /// The faults under which it shows.
    pub shows_under: &'static str,
    /// Why clients do not come to see it; none if they do.
    pub unseen: Option<&'static str>,
    /// How to see it.
    pub storm: Storm,
}

/// Whether a storm shows a planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storm {
    /// One with these flags of `squall test` does, sooner or later.
    Shows(&'static [&'static str]),
    /// None of today's does, and why.
    Hidden(&'static str),
}

/// One row of the list of targets.
pub struct TargetInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The ways to read, the default first, and the strongest among them.
    pub reads: &'static [ReadMode],
    /// Whether its clients can make calls of this kind.
    pub supports: fn(CallKind) -> bool,
    /// The numbers that its server can be told.
    pub settings: &'static [Setting],
    /// How long its servers may take with these settings to serve again as long as a majority of them is left alone, in
    /// milliseconds: what its documentation says that a failure is noticed in, and several elections.
    pub failover_ms: fn(&BTreeMap<String, u64>) -> u64,
    /// Whether its clients can repeat a change whose answer they did not get, so that it is done once.
    pub retries: bool,
    /// The fewest members that squall leaves when it changes them while it serves, see [`Target::members`]; or else why it cannot
    /// change them, for people.
    pub least_members: Result<usize, &'static str>,
    /// What a path in place of the installed server must lead to; `None`: there is no such choice.
    pub bin: Option<&'static str>,
    /// Where the server is, for people: the one at the path that was chosen, or else the one that is installed.
    pub find_server: fn(Option<&Path>) -> Result<String, TargetError>,
    /// The planted bugs that it offers.
    pub bugs: fn() -> Vec<BugInfo>,
    /// Makes it.
    pub make: fn(TargetOptions) -> Result<Box<dyn Target>, TargetError>,
}

impl TargetInfo {
    /// The way to read with this name.
    pub fn read(&self, name: &str) -> Option<&'static ReadMode> {
        self.reads.iter().find(|mode| mode.name == name)
    }
}

/// Why a target cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// No such planted bug.
    #[error("{target} has no planted bug called `{bug}`; `squall list` names them")]
    UnknownBug {
        /// The target.
        target: &'static str,
        /// What was asked for.
        bug: String,
    },
    /// The server is not installed, or not where it was said to be.
    #[error("{target} needs {program}, which is not there; {remedy}")]
    MissingProgram {
        /// The target.
        target: &'static str,
        /// What is missing.
        program: String,
        /// What to do: the Debian package, or `--bin`.
        remedy: String,
    },
}

/// All targets.
pub const ALL: &[&TargetInfo] = &[&crate::raft::RAFT, &crate::etcd::ETCD, &crate::zookeeper::ZOOKEEPER];

/// The target with this name.
pub fn find(name: &str) -> Option<&'static TargetInfo> {
    ALL.iter().copied().find(|target| target.name == name)
}
