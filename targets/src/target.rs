//! A database under test, and the list of them.

use crate::client::Client;
use crate::cluster::Node;
use crate::remote::DaemonSpec;
use async_trait::async_trait;
use squall_results::{CallKind, Promise};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// What a target may be told.
#[derive(Debug, Clone)]
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

    /// A new client for `node`.
    fn client(&self, node: &Node) -> Box<dyn Client>;

    /// Asks `node` who leads.
    ///
    /// # Errors
    /// Why the node gave no answer, for people.
    async fn status(&self, node: &Node, nodes: &[Node]) -> Result<Status, String>;
}

/// A planted bug that a target offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BugInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

/// One row of the list of targets.
pub struct TargetInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// What it promises to its clients.
    pub promise: fn() -> Promise,
    /// Whether its clients can make calls of this kind.
    pub supports: fn(CallKind) -> bool,
    /// The planted bugs that it offers.
    pub bugs: fn() -> Vec<BugInfo>,
    /// Makes it.
    pub make: fn(TargetOptions) -> Result<Box<dyn Target>, TargetError>,
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
}

/// All targets.
pub const ALL: &[&TargetInfo] = &[&crate::raft::RAFT];

/// The target with this name.
pub fn find(name: &str) -> Option<&'static TargetInfo> {
    ALL.iter().copied().find(|target| target.name == name)
}
