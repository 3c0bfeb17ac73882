//! Stop: SIGTERM, upon which a server ends by itself, and a new start.

use super::FaultError;
use futures_util::future::try_join_all;
use squall_targets::Deployment;
use squall_targets::deployment::DeployError;
use squall_targets::remote::{ProcessState, RemoteError};
use std::time::{Duration, Instant};

/// How long a server may take to end in order.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the servers to end, all at once, and waits until they are gone.
pub async fn inject(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    Ok(try_join_all(nodes.iter().map(|node| end(node, deployment))).await?.join(", "))
}

/// Tells a server to end, and waits until it is gone; one that goes on all the same is killed, and that is told. Returns what
/// shows its end.
pub async fn end(node: &str, deployment: &Deployment) -> Result<String, FaultError> {
    let begin = Instant::now();
    match deployment.stop_within(node, PATIENCE).await {
        Ok(state) => Ok(format!("{node} {state}, {} ms after SIGTERM", begin.elapsed().as_millis())),
        Err(DeployError::Remote(RemoteError::NotReached {
            state: state @ (ProcessState::Running | ProcessState::Stopped),
            ..
        })) => {
            let killed = deployment.kill(node).await?;
            Ok(format!("{node} was still {state} {} s after SIGTERM, {killed}", PATIENCE.as_secs()))
        }
        Err(error) => Err(error.into()),
    }
}
