//! What can be done on a node, wherever it is: run commands, keep daemons, measure and cut links.
//!
//! A [`Remote`] executes effects that are data ([`CommandLine`], [`DaemonSpec`]) and answers with data. It must not know
//! which database runs there, nor which faults exist.

mod agent;
mod bytes;
mod log;
mod nowhere;

pub(crate) use agent::AgentRemote;
pub(crate) use log::CommandLog;
pub(crate) use nowhere::Nowhere;

use crate::clock::{ClockReading, ClocksSet, Skew};
use crate::disk::{DiskAnswer, DiskAsk};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

pub use nix::sys::signal::Signal;

/// The place where a node's commands run. When it is lost, every call says so at once.
#[async_trait]
pub trait Remote: Send + Sync {
    /// Runs a command to its end. What still runs after `timeout` is killed with all it started in its session, and the
    /// output so far comes back with [`Exit::TimedOut`]. A status other than 0 is not an error here; see
    /// [`Output::expect_success`].
    async fn run(&self, command: &CommandLine, timeout: Duration) -> Result<Output, RemoteError>;

    /// Starts a daemon in a session of its own and returns its process id on the node.
    async fn start(&self, daemon: &DaemonSpec) -> Result<u32, RemoteError>;

    /// Sends a signal to a daemon that was started here. To one that is gone already: nothing happens, no error.
    async fn signal(&self, pid: u32, signal: Signal, scope: Scope) -> Result<(), RemoteError>;

    /// The present state of a daemon that was started here.
    async fn state(&self, pid: u32) -> Result<ProcessState, RemoteError>;

    /// Waits until the daemon is in the `wanted` state and returns that state.
    ///
    /// # Errors
    ///
    /// [`RemoteError::NotReached`] when it is not within `timeout`, and at once when it never can be any more.
    async fn await_state(&self, pid: u32, wanted: Awaited, timeout: Duration) -> Result<ProcessState, RemoteError>;

    /// Sends the datagrams of a probe to the agent at `peer`.
    async fn send_probe(&self, peer: Ipv4Addr, spec: ProbeSpec) -> Result<(), RemoteError>;

    /// What arrived here of `probe`: answers once `expected` datagrams have, else after `timeout`.
    async fn count_probe(&self, probe: u64, expected: u32, timeout: Duration) -> Result<Arrivals, RemoteError>;

    /// How long the datagrams of a probe take to the agent at `peer` and back, each; after `timeout` those that are still on
    /// their way are missing.
    async fn round_trips(
        &self,
        peer: Ipv4Addr,
        spec: ProbeSpec,
        timeout: Duration,
    ) -> Result<Vec<Duration>, RemoteError>;

    /// Sends everything for these peers into the void: each gets a permanent neighbour entry with a link address to
    /// which no switch delivers. All or none.
    async fn block_neighbours(&self, peers: &[Ipv4Addr]) -> Result<(), RemoteError>;

    /// Removes the entries of [`Remote::block_neighbours`]; the true link addresses are learned anew.
    async fn unblock_neighbours(&self, peers: &[Ipv4Addr]) -> Result<(), RemoteError>;

    /// Lets the clocks of all daemons that were started here go wrong so, and of those that are started later from their first
    /// instruction on. The node's own clock is left alone.
    async fn skew_clocks(&self, skew: Skew) -> Result<ClocksSet, RemoteError>;

    /// Makes a daemon that was started here read its clocks.
    async fn read_clocks(&self, pid: u32) -> Result<ClockReading, RemoteError>;

    /// Asks the node's disk; see [`DiskAsk`]. The first request mounts it.
    async fn disk(&self, ask: DiskAsk) -> Result<DiskAnswer, RemoteError>;
}

/// A command to run to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CommandLine {
    /// The program, looked up in `PATH`, and its arguments. No shell is involved.
    pub argv: Vec<String>,
    /// Variables set in addition to those of the node.
    pub env: Vec<(String, String)>,
    /// What the command reads from its standard input.
    #[serde(with = "bytes")]
    pub stdin: Vec<u8>,
}

/// A daemon to start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DaemonSpec {
    /// The program, looked up in `PATH`, and its arguments. No shell is involved.
    pub argv: Vec<String>,
    /// Variables set in addition to those of the node.
    pub env: Vec<(String, String)>,
    /// The folder it starts in.
    pub cwd: PathBuf,
    /// The file its standard output is appended to.
    pub stdout: PathBuf,
    /// The file its standard error is appended to; may be the same.
    pub stderr: PathBuf,
    /// Files that are written before it starts, their folders made where they are missing.
    pub files: Vec<FileSpec>,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileSpec {
    /// Where.
    pub path: PathBuf,
    /// All that shall stand in it.
    #[serde(with = "bytes")]
    pub contents: Vec<u8>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output, up to [`OUTPUT_BYTES_MAX`].
    #[serde(with = "bytes")]
    pub stdout: Vec<u8>,
    /// Its standard error, up to [`OUTPUT_BYTES_MAX`].
    #[serde(with = "bytes")]
    pub stderr: Vec<u8>,
    /// Whether there was more output than is kept.
    pub truncated: bool,
}

/// Datagrams that measure a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// The number that they carry.
    pub probe: u64,
    /// How many there are.
    pub count: u32,
    /// How many bytes each has: 20 at least, 1400 at most.
    pub bytes: u32,
}

/// What arrived of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Arrivals {
    /// How many datagrams, each counted once.
    pub distinct: u32,
    /// How many more came that had arrived already.
    pub copies: u32,
    /// How many came behind one that was sent later.
    pub overtaken: u32,
    /// From the first to the last, in nanoseconds.
    pub span_ns: u64,
}

/// How much of each of a command's output streams is kept, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 8 << 20;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// A signal of this number ended it.
    Signal(i32),
    /// It was still running at the end of its time and was killed.
    TimedOut,
}

/// The state of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProcessState {
    /// It runs, or could.
    Running,
    /// All of its threads are stopped (state T).
    Stopped,
    /// It is no more.
    Gone {
        /// How it ended.
        exit: Exit,
    },
}

/// The state that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Awaited {
    /// [`ProcessState::Running`].
    Running,
    /// [`ProcessState::Stopped`].
    Stopped,
    /// [`ProcessState::Gone`], however it ended.
    Gone,
}

/// To whom a signal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// The process that was started, alone.
    Process,
    /// Every process of its session: also a server below the script that was started.
    Session,
}

/// What can go wrong on a node. Every message names the node.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The node's agent is no more, so nothing can be done there.
    #[error("{node}: its agent is gone ({reason}); the node must be brought up anew")]
    Lost {
        /// The node.
        node: String,
        /// What is known about the end.
        reason: String,
    },
    /// The node could not do it.
    #[error("{node}: {what}: {reason}")]
    Refused {
        /// The node.
        node: String,
        /// What was to be done: the command, file or call at fault.
        what: String,
        /// Why it was not.
        reason: String,
    },
    /// A command ended badly; only from [`Output::expect_success`].
    #[error("{node}: `{command}` ended with {exit}: {stderr}")]
    Failed {
        /// The node.
        node: String,
        /// The command.
        command: String,
        /// How it ended.
        exit: Exit,
        /// The end of what it complained about.
        stderr: String,
    },
    /// The process id is none of a daemon that was started here.
    #[error("{node}: process {pid} was not started here")]
    NotStarted {
        /// The node.
        node: String,
        /// The process id.
        pid: u32,
    },
    /// A daemon did not come into the state that was waited for.
    #[error("{node}: process {pid} is {state}, not {wanted} as awaited")]
    NotReached {
        /// The node.
        node: String,
        /// The process id.
        pid: u32,
        /// The state waited for.
        wanted: Awaited,
        /// Its state when the waiting ended.
        state: ProcessState,
    },
    /// The agent lives but does not answer in time.
    #[error("{node}: its agent has not answered `{what}` for {after_ms} ms; the machine may be overloaded")]
    NoAnswer {
        /// The node.
        node: String,
        /// What was asked.
        what: String,
        /// How long it was waited for.
        after_ms: u64,
    },
}

impl CommandLine {
    /// A command without further variables and with an empty input.
    pub fn new<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> CommandLine {
        CommandLine { argv: argv.into_iter().map(Into::into).collect(), ..CommandLine::default() }
    }

    /// The same command, reading `stdin`.
    #[must_use]
    pub fn reading(mut self, stdin: impl Into<Vec<u8>>) -> CommandLine {
        self.stdin = stdin.into();
        self
    }
}

impl Output {
    /// Itself if the command ended with status 0, else an error that shows the end of its complaint.
    pub fn expect_success(self, node: &str, command: &CommandLine) -> Result<Output, RemoteError> {
        if self.exit == Exit::Code(0) {
            return Ok(self);
        }
        let complaint = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<&str> = complaint.trim().lines().collect();
        Err(RemoteError::Failed {
            node: node.into(),
            command: command.to_string(),
            exit: self.exit,
            stderr: lines[lines.len().saturating_sub(5)..].join("; "),
        })
    }
}

impl Awaited {
    /// Whether `state` is what is waited for.
    pub fn is_met_by(self, state: ProcessState) -> bool {
        match self {
            Awaited::Running => state == ProcessState::Running,
            Awaited::Stopped => state == ProcessState::Stopped,
            Awaited::Gone => matches!(state, ProcessState::Gone { .. }),
        }
    }
}

impl fmt::Display for CommandLine {
    /// As one would type it in a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        write_argv(f, &self.argv)
    }
}

impl fmt::Display for DaemonSpec {
    /// As one would type it in a shell, without the redirections.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        write_argv(f, &self.argv)
    }
}

fn write_argv(f: &mut fmt::Formatter<'_>, argv: &[String]) -> fmt::Result {
    for (i, argument) in argv.iter().enumerate() {
        write!(f, "{}{}", if i == 0 { "" } else { " " }, quoted(argument))?;
    }
    Ok(())
}

/// The word, in single quotes where a shell would not read it as it stands.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "status {code}"),
            Exit::Signal(number) => match Signal::try_from(*number) {
                Ok(signal) => f.pad(signal.as_str()),
                Err(_) => write!(f, "signal {number}"),
            },
            Exit::TimedOut => f.pad("time-out"),
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessState::Running => f.pad("running"),
            ProcessState::Stopped => f.pad("stopped"),
            ProcessState::Gone { exit } => write!(f, "gone with {exit}"),
        }
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Awaited::Running => "running",
            Awaited::Stopped => "stopped",
            Awaited::Gone => "gone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_one_would_type_it() {
        let mut command = CommandLine::new(["sh", "-c", "echo 'a b'", ""]);
        command.env.push(("HOME".into(), "/a folder".into()));
        assert_eq!(command.to_string(), r"HOME='/a folder' sh -c 'echo '\''a b'\''' ''");
    }

    #[test]
    fn a_bad_status_is_an_error_only_where_success_is_expected() {
        let output = Output { exit: Exit::Code(3), stdout: vec![], stderr: b"x\ny\n".to_vec(), truncated: false };
        let error = output.expect_success("n1", &CommandLine::new(["false"])).unwrap_err();
        assert_eq!(error.to_string(), "n1: `false` ended with status 3: x; y");
    }
}
