//! The families of faults: how each is injected, shown to be in force, healed, and shown to be gone.

mod kill;
mod partition;
mod pause;

use crate::fault::Family;
use squall_targets::Deployment;
use thiserror::Error;

/// A fault that could not be injected or healed, or not be shown to be.
#[derive(Debug, Error)]
pub enum FaultError {
    /// The servers or nodes could not do it.
    #[error(transparent)]
    Deploy(#[from] squall_targets::deployment::DeployError),
    /// The network could not do it.
    #[error(transparent)]
    Cluster(#[from] squall_targets::cluster::ClusterError),
    /// It was done, but it does not show.
    #[error("{0}")]
    NotShown(String),
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
