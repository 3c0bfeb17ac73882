//! Clients that are operating-system processes of their own, so that a fault can pause one whole: its keep-alive too.
//!
//! squall starts itself again under [`ARGUMENT`] and speaks with the process over a socket, call by call. To the workers
//! the process is a [`Client`](crate::client::Client) like any other. [`ClientProcesses`] knows all that live, and which of
//! them hold a lock.
//!
//! - The process dies with squall, kill -9 included: it is started by a thread that lives as long as squall's clients do,
//!   and the kernel kills it with that thread (PR_SET_PDEATHSIG); it also ends at the end of its input.
//! - A session that is over is killed. SIGKILL reaches a stopped process too, so nothing of it can act later.
//! - The call's time-out is the process's own affair and counts the time in which the process runs. squall waits much longer,
//!   and does not count the time in which a fault pauses the process: a holder that was paused has to go on and do what it
//!   was about to do.
//!
//! This module must not know why a process is paused.

mod child;
mod registry;
mod session;
mod wire;

pub use child::run;
pub use registry::{ClientProcessError, ClientProcesses};
pub use session::ProcessClient;
pub use wire::Birth;

/// The first argument that makes the executable a client's process: its `main` then calls [`run`].
pub const ARGUMENT: &str = "client";
