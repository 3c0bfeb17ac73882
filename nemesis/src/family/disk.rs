//! Disks in trouble: calls to them fail or take long. That they do, and do not any more, is seen by a probe on the same disk.

use super::FaultError;
use crate::trouble::Trouble;
use futures_util::future::{join_all, try_join_all};
use squall_targets::Deployment;
use squall_targets::deployment::DeployError;
use squall_targets::disk::{Counters, Switches, Touched};
use squall_targets::remote::{ProcessState, RemoteError};
use std::time::{Duration, Instant};

/// How long a trouble, or its end, may take to show. It takes milliseconds; but what does not show ends the run, and an
/// overloaded machine is no reason for that.
const SHOW_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may take to stop itself after a call of its failed.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a server that goes on or was started again may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// How long to wait between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Brings the disks into trouble, and probes them until it shows.
pub async fn inject(trouble: Trouble, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    for node in nodes {
        deployment.switch_disk(node, trouble.switches()).await?;
    }
    let probes = nodes.iter().map(async |node| {
        let met = probe(node, deployment, |met| trouble.shows_in(met)).await?;
        Ok::<String, FaultError>(format!("a probe on {node} met {met}"))
    });
    Ok(try_join_all(probes).await?.join("; "))
}

/// Sets the disks right, probes that they are, and starts the servers again that have stopped themselves.
pub async fn heal(trouble: Option<Trouble>, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let only_waits = trouble.is_none_or(|trouble| trouble.is_slowness());
    let healed = nodes.iter().map(async |node| {
        let met = deployment.switch_disk(node, Switches::default()).await?;
        let well = probe(node, deployment, Touched::is_well).await?;
        let counted = met.to_string();
        let counted = if counted.is_empty() { String::new() } else { format!("; meanwhile {counted}") };
        // Where the server only had to wait, another fault may have to do with it.
        let server = if only_waits { String::new() } else { bring_back(node, met, deployment).await? };
        Ok::<String, FaultError>(format!("a probe on {node} met {well}{counted}{server}"))
    });
    // Each gets its turn, also after another failed.
    Ok(join_all(healed).await.into_iter().collect::<Result<Vec<_>, _>>()?.join("; "))
}

/// Probes the disk until what the probe meets is as it shall be. A disk that is just losing its power answers no probe.
async fn probe(node: &str, deployment: &Deployment, is_met: impl Fn(&Touched) -> bool) -> Result<Touched, FaultError> {
    let begin = Instant::now();
    loop {
        let seen = match deployment.touch_disk(node).await {
            Ok(met) if is_met(&met) => return Ok(met),
            Ok(met) => met.to_string(),
            Err(DeployError::Remote(error @ RemoteError::Failed { .. })) => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        if begin.elapsed() > SHOW_TIMEOUT {
            return Err(FaultError::NotShown(format!("a probe on {node} still met {seen}")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Starts a server again that has stopped itself, or is about to, and waits until it answers. Returns what became of it.
async fn bring_back(node: &str, met: Counters, deployment: &Deployment) -> Result<String, FaultError> {
    let Counters { failed_reads, failed_writes, failed_syncs, without_space, .. } = met;
    let patience =
        if failed_reads + failed_writes + failed_syncs + without_space > 0 { STOP_TIMEOUT } else { Duration::ZERO };
    let begin = Instant::now();
    loop {
        if let state @ ProcessState::Gone { .. } = deployment.state(node).await? {
            deployment.start(node).await?;
            let after = deployment.await_answer(node, ANSWER_TIMEOUT).await?;
            return Ok(format!(
                "; it had stopped itself ({state}), and answers {} ms after a new start",
                after.as_millis()
            ));
        }
        if begin.elapsed() >= patience {
            match deployment.await_answer(node, ANSWER_TIMEOUT).await {
                Ok(_) => return Ok("; it goes on".into()),
                Err(DeployError::Ended { .. }) => continue, // it has stopped itself after all
                Err(error) => return Err(error.into()),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
