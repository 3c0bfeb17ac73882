//! Kill: SIGKILL, and a new start.

use super::{FaultError, every};
use squall_targets::Deployment;
use squall_targets::remote::ProcessState;
use std::time::Duration;

/// How long a server that was started again may take to answer.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Kills the servers, and waits until they are gone.
pub async fn inject(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let mut evidence = Vec::new();
    for node in nodes {
        let state = deployment.kill(node).await?;
        evidence.push(format!("{node} {state}"));
    }
    Ok(evidence.join(", "))
}

/// Starts the servers again that are gone, and waits until each answers.
pub async fn heal(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let started = every(nodes, |node| async move {
        // A server that could not be killed still has its data: a second one beside it would end at once.
        if matches!(deployment.state(node).await?, ProcessState::Gone { .. }) {
            deployment.start(node).await?;
        }
        Ok(String::new())
    });
    started.await?;
    let answers = every(nodes, |node| async move {
        let after = deployment.await_answer(node, ANSWER_TIMEOUT).await?;
        Ok(format!("{node} answers after {} ms", after.as_millis()))
    });
    Ok(answers.await?.join(", "))
}
