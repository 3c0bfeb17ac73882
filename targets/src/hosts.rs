//! Nodes that are machines of their own, reached by ssh.
//!
//! squall copies itself there once and starts itself as a keeper, which holds an agent in a pid namespace of its own; the
//! agent is the one of local nodes, and so is what is said to it. Each node has two connections: one carries the conversation
//! with the agent, the other brings the logs of its servers as they grow. Connections are blocking and have threads of their own.
//!
//! When the controller vanishes, the agent hears no more of it and ends; the kernel ends its servers, and the keeper takes away
//! what was changed of the machine's packet filter and queues. The machine's clock is never touched.
//!
//! This module must not know databases nor faults.

pub mod check;
mod connection;
pub(crate) mod follow;
mod host;
pub(crate) mod keeper;
mod known;
mod login;
mod program;
mod pump;
mod settings;
mod spec;
pub mod vagrant;

pub(crate) use host::{Arrival, Host, HostPlan};
pub(crate) use program::Program;
pub use spec::HostSpec;

/// A machine that cannot be a node, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{node} ({host}): {reason}")]
pub struct HostError {
    /// The name of the node.
    pub node: String,
    /// The machine, as it was written.
    pub host: String,
    /// What is wrong, with a remedy.
    pub reason: String,
}

/// Where runs keep their files on a machine, below a folder for each.
pub(crate) const FOLDER: &str = "/var/lib/squall";

/// The word as a shell reads it back.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
