//! The families of faults: how each is injected, shown to be in force, healed, and shown to be gone.

mod kill;
mod partition;
mod pause;

use crate::fault::Family;
use squall_targets::Deployment;
use squall_targets::deployment::DeployError;
use squall_targets::remote::{ProcessState, RemoteError};
use thiserror::Error;

/// A fault that could not be injected or healed, or not be shown to be.
#[derive(Debug, Error)]
pub enum FaultError {
    /// The servers or nodes could not do it.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The network could not do it.
    #[error(transparent)]
    Cluster(#[from] squall_targets::cluster::ClusterError),
    /// It was done, but it does not show.
    #[error("{0}")]
    NotShown(String),
}

impl FaultError {
    /// Whether squall itself failed. A server that ended by itself, or that does not come back, is the target's affair; all
    /// else says nothing about the target.
    pub fn is_ours(&self) -> bool {
        match self {
            FaultError::Deploy(DeployError::Ended { .. } | DeployError::NotServing { .. }) => false,
            FaultError::Deploy(DeployError::Remote(RemoteError::NotReached { state, .. })) => {
                !matches!(state, ProcessState::Gone { .. })
            }
            FaultError::Deploy(_) | FaultError::Cluster(_) | FaultError::NotShown(_) => true,
        }
    }
}

/// Does `work` for every node, also after it failed for one; the answer holds what shows it, or the first error. What
/// heals must not leave the other nodes behind.
async fn every<'a, W>(nodes: &'a [String], mut work: impl FnMut(&'a str) -> W) -> Result<Vec<String>, FaultError>
where
    W: Future<Output = Result<String, FaultError>>,
{
    let (mut evidence, mut failed) = (Vec::new(), None);
    for node in nodes {
        match work(node).await {
            Ok(shown) => evidence.push(shown),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(evidence), Err)
}

/// What a fault with these nodes does, for people.
pub fn tell(family: Family, nodes: &[String], all: &[String]) -> String {
    match family {
        Family::Partition => partition::tell(nodes, all),
        Family::Kill => format!("kill {}", nodes.join(", ")),
        Family::Pause => format!("pause {}", nodes.join(", ")),
    }
}

/// Injects a fault and waits until it shows; the answer is what shows it.
pub async fn inject(family: Family, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    match family {
        Family::Partition => partition::inject(nodes, deployment).await,
        Family::Kill => kill::inject(nodes, deployment).await,
        Family::Pause => pause::inject(nodes, deployment).await,
    }
}

/// Heals a fault and waits until it is gone; the answer is what shows it.
pub async fn heal(family: Family, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    match family {
        Family::Partition => partition::heal(nodes, deployment).await,
        Family::Kill => kill::heal(nodes, deployment).await,
        Family::Pause => pause::heal(nodes, deployment).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_targets::remote::{Awaited, Exit};

    #[tokio::test]
    async fn the_other_nodes_get_their_turn_when_one_fails() {
        let nodes = ["n1", "n2", "n3"].map(String::from);
        let mut seen = Vec::new();
        let healed = every(&nodes, |node| {
            seen.push(node.to_owned());
            let failed = node == "n1";
            async move { if failed { Err(FaultError::NotShown("n1 hangs".into())) } else { Ok(node.into()) } }
        });
        assert_eq!(healed.await.unwrap_err().to_string(), "n1 hangs");
        assert_eq!(seen, nodes);
    }

    #[test]
    fn a_server_that_ends_by_itself_is_no_failure_of_squall() {
        let not_reached = |state| {
            let (node, pid, wanted) = ("n1".into(), 7, Awaited::Stopped);
            FaultError::Deploy(RemoteError::NotReached { node, pid, wanted, state }.into())
        };
        assert!(!not_reached(ProcessState::Gone { exit: Exit::Code(1) }).is_ours());
        assert!(not_reached(ProcessState::Running).is_ours());
        let lost = RemoteError::Lost { node: "n1".into(), reason: "killed".into() };
        assert!(FaultError::Deploy(lost.into()).is_ours());
        assert!(FaultError::NotShown("5 of 10 probes still arrive".into()).is_ours());
    }
}
