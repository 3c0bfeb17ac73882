//! Membership: members are removed, or die for good, and empty ones join in their places; or spares join beside them. What shows it is
//! what the servers themselves list.

use super::{FaultError, every, stop};
use crate::change::Change;
use squall_targets::Deployment;
use squall_targets::deployment::{Changed, DeployError, Joined};
use squall_targets::remote::ProcessState;
use std::time::Duration;

/// How long the cluster may refuse to remove members or to take spares in, for instance since it was not healthy for long enough.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(12);

/// How long it may take until a node is a member again, or a spare none. Other faults may take the majority away that must agree to it.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes the change, and returns the members before and after it.
pub async fn inject(change: Change, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let told = |changed: &Changed| {
        format!("listed {}; before {}", deployment.told(&changed.after), deployment.told(&changed.before))
    };
    match change {
        Change::Remove => {
            let changed = deployment.remove_members(nodes, CHANGE_TIMEOUT).await?;
            Ok(format!("{}; {}", told(&changed), states(nodes, deployment).await?))
        }
        Change::Shrink => {
            let changed = deployment.remove_members(nodes, CHANGE_TIMEOUT).await?;
            for node in nodes {
                end(node, deployment).await?;
            }
            Ok(format!("{}; {}", told(&changed), states(nodes, deployment).await?))
        }
        Change::Replace => {
            let members = deployment.give_up(nodes).await?;
            for node in nodes {
                deployment.kill(node).await?;
            }
            Ok(format!("{}; listed {}", states(nodes, deployment).await?, deployment.told(&members)))
        }
        Change::Grow => {
            let before = deployment.members().await?;
            let joined = bring_in(nodes, CHANGE_TIMEOUT, deployment).await?;
            let after = deployment.members().await?;
            Ok(format!("{joined}; {}", told(&Changed { before, after })))
        }
    }
}

/// Brings every node in again, one after the other, or takes spares out that have joined, and returns what the members list then.
pub async fn heal(change: Option<Change>, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let healed = match change {
        Some(Change::Grow) => take_out(nodes, deployment).await?,
        _ => bring_in(nodes, JOIN_TIMEOUT, deployment).await?,
    };
    Ok(format!("{healed}; listed {}", deployment.told(&deployment.members().await?)))
}

async fn bring_in(nodes: &[String], timeout: Duration, deployment: &Deployment) -> Result<String, FaultError> {
    let joined = every(nodes, |node| async move {
        Ok(match deployment.bring_in(node, timeout).await? {
            Joined::Stayed => format!("{node} is still a member"),
            Joined::Anew { goal, applied, after, .. } => {
                format!("{node} joined empty and has applied {applied} of {goal} after {} ms", after.as_millis())
            }
        })
    });
    Ok(joined.await?.join(", "))
}

async fn take_out(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let left = every(nodes, |node| async move {
        let was_member = deployment.take_out(node, JOIN_TIMEOUT).await?;
        Ok(if was_member { format!("{node} left and its server was ended") } else { format!("{node} had not joined") })
    });
    Ok(left.await?.join(", "))
}

/// Ends a server in order, or by force where it does not end, if it has not learned that it was removed and ended by itself.
async fn end(node: &str, deployment: &Deployment) -> Result<(), FaultError> {
    if matches!(deployment.state(node).await?, ProcessState::Gone { .. }) {
        return Ok(());
    }
    match stop::end(node, deployment).await {
        Ok(_) | Err(FaultError::Deploy(DeployError::Ended { .. })) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the servers of those that left do.
async fn states(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let mut told = Vec::new();
    for node in nodes {
        told.push(format!("{node} {}", deployment.state(node).await?));
    }
    Ok(told.join(", "))
}
