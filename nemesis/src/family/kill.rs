//! Kill: SIGKILL, and a new start.

use super::FaultError;
use squall_targets::Deployment;
use std::time::Duration;

/// How long a server that was started again may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Kills the servers, and waits until they are gone.
pub async fn inject(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let mut evidence = Vec::new();
    for node in nodes {
        let state = deployment.kill(node).await?;
        evidence.push(format!("{node} {state}"));
    }
    Ok(evidence.join(", "))
}

/// Starts the servers again, and waits until each answers.
pub async fn heal(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    for node in nodes {
        deployment.start(node).await?;
    }
    let mut evidence = Vec::new();
    for node in nodes {
        let after = deployment.await_answer(node, ANSWER_TIMEOUT).await?;
        evidence.push(format!("{node} answers after {} ms", after.as_millis()));
    }
    Ok(evidence.join(", "))
}
