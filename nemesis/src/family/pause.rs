//! Pause: SIGSTOP, then SIGCONT.

use super::{FaultError, every};
use squall_targets::Deployment;

/// Stops the servers, and waits until every thread of theirs stands still.
pub async fn inject(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let mut evidence = Vec::new();
    for node in nodes {
        evidence.push(format!("{node} {}", deployment.pause(node).await?));
    }
    Ok(evidence.join(", "))
}

/// Lets the servers go on, and waits until they run.
pub async fn heal(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let resume = |node| async move { Ok(format!("{node} {}", deployment.resume(node).await?)) };
    Ok(every(nodes, resume).await?.join(", "))
}
