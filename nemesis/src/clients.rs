//! The port to the processes of clients: what a fault can do to them.
//!
//! Implemented by whoever runs the clients. This module must not know what they do, or how they are started.

use async_trait::async_trait;
use squall_targets::client_process::ClientProcessError;

/// The clients of a run that are operating-system processes of their own. They come and go with their sessions.
#[async_trait]
pub trait Clients: Send + Sync {
    /// The processes that live, by their number in the history.
    fn living(&self) -> Vec<u64>;

    /// The next process that takes a lock, as soon as it does.
    async fn next_holder(&self) -> u64;

    /// Stops a process with SIGSTOP, and waits until each of its threads stands still. Returns what shows it.
    ///
    /// # Errors
    /// When it is no more, or does not stop.
    async fn pause(&self, process: u64) -> Result<String, ClientProcessError>;

    /// Lets a process go on with SIGCONT, and waits until it does. Returns what shows it.
    ///
    /// # Errors
    /// When it does not.
    async fn resume(&self, process: u64) -> Result<String, ClientProcessError>;
}

/// For runs whose clients are no processes of their own: there is nobody to hit.
pub struct NoClients;

#[async_trait]
impl Clients for NoClients {
    fn living(&self) -> Vec<u64> {
        Vec::new()
    }

    async fn next_holder(&self) -> u64 {
        std::future::pending().await
    }

    async fn pause(&self, process: u64) -> Result<String, ClientProcessError> {
        Err(ClientProcessError::Gone { process })
    }

    async fn resume(&self, process: u64) -> Result<String, ClientProcessError> {
        Err(ClientProcessError::Gone { process })
    }
}
