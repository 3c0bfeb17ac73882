//! The port to the clients: what a fault can do to their calls, and to their processes where they have some.
//!
//! Implemented by whoever runs the clients. This module must not know what they do, or how they are started.

use async_trait::async_trait;
use squall_targets::client_process::ClientProcessError;

/// The calls of all clients to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// How many are under way.
    pub open: usize,
    /// How many clients wait to make one, in a session that is open already.
    pub held_back: usize,
    /// How many changes the node has acknowledged since the run began.
    pub acknowledged: u64,
    /// How many calls of any kind it has answered with success.
    pub answered: u64,
}

/// The clients of a run. Those that are operating-system processes of their own come and go with their sessions.
#[async_trait]
pub trait Clients: Send + Sync {
    /// Lets no further call be made to these nodes; sessions and what is under way stay as they are.
    fn hold_back(&self, nodes: &[String]);

    /// Lets calls be made to these nodes again.
    fn let_go(&self, nodes: &[String]);

    /// The calls to a node.
    fn calls(&self, node: &str) -> Calls;

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

/// For faults without clients: there is nobody to hit.
pub struct NoClients;

#[async_trait]
impl Clients for NoClients {
    fn hold_back(&self, _nodes: &[String]) {}

    fn let_go(&self, _nodes: &[String]) {}

    fn calls(&self, _node: &str) -> Calls {
        Calls::default()
    }

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
