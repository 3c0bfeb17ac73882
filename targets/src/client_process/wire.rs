//! What squall and a client's process say to each other: one JSON value a line.
//!
//! Both ends are the same executable, so the lines need no version.

use crate::client::{Completion, Reads};
use crate::target::TargetOptions;
use serde::{Deserialize, Serialize};
use squall_results::Call;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// All that a client's process has to know; its first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Birth {
    /// The name of the target.
    pub target: String,
    /// What the target is told.
    pub options: TargetOptions,
    /// The name of the node that the client is connected to.
    pub node: String,
    /// The address of that node.
    pub address: Ipv4Addr,
    /// The address that it comes from itself.
    pub clients: Option<Ipv4Addr>,
    /// The folder of that node.
    pub dir: PathBuf,
    /// How the client reads.
    pub reads: Reads,
    /// What CLOCK_MONOTONIC read, in nanoseconds, when the clock of the history read 0.
    pub origin_ns: u64,
}

/// What squall wants of a client's process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// Whether it is there. One that is paused answers when it goes on.
    Ready,
    /// A call.
    Call(Call),
}

/// What a client's process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tell {
    /// It is there.
    Ready,
    /// Whether it holds a lock from now on.
    Holds(bool),
    /// The call has ended.
    Ended(Completion),
}

/// A value as a line.
pub(super) fn line<T: Serialize>(value: &T) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}
