//! Queue: a node is paused until the others have acknowledged newer changes; then requests are sent over connections that were
//! open to it all the time, and it goes on with them before it has heard of anything.
//!
//! A pause alone rarely comes to that: what was asked when it began was asked before anything newer was there, so any answer to it is
//! right; and who asks later does so over a new connection, which the server accepts when it has long read what its peers
//! sent. So clients of the node make no calls, their sessions as they are, until the end comes.

use super::{FaultError, Held, pause};
use crate::clients::{Calls, Clients};
use squall_targets::Deployment;
use std::time::{Duration, Instant};

/// How long calls that are under way may take to end before the node is paused.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// How long requests may take until they have reached the node; those that came first must not have timed out by then.
const ARRIVE_TIMEOUT: Duration = Duration::from_millis(500);

/// How often the calls are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Holds calls to the nodes back, waits until none is under way, and pauses the servers.
pub async fn inject(nodes: &[String], deployment: &Deployment, clients: &dyn Clients) -> Result<String, FaultError> {
    clients.hold_back(nodes);
    let begin = Instant::now();
    loop {
        // Before the first look, too: what is just being made counts a moment later.
        tokio::time::sleep(LOOK_EVERY).await;
        if sum(nodes, clients, |calls| calls.open) == 0 || begin.elapsed() > END_TIMEOUT {
            break;
        }
    }
    let paused = pause::inject(nodes, deployment).await?;
    let open = sum(nodes, clients, |calls| calls.open);
    Ok(format!("{paused} with {}", counted(open, "call under way", "calls under way")))
}

/// Waits for the end; then lets calls be made, and waits until their requests are there.
pub async fn hold(
    nodes: &[String],
    all: &[String],
    deployment: &Deployment,
    clients: &dyn Clients,
    until: impl Future<Output = ()>,
) -> Held {
    let others: Vec<String> = all.iter().filter(|node| !nodes.contains(node)).cloned().collect();
    let acknowledged = || others.iter().map(|node| clients.calls(node).acknowledged).sum::<u64>();
    let before = acknowledged();
    until.await;
    let newer = acknowledged() - before;
    let waiting = match fill(nodes, deployment, clients).await {
        Ok(waiting) => waiting,
        Err(error) => return Held::told(String::new(), Some(error)),
    };
    let requests = counted(waiting, "request", "requests");
    let changes = counted(newer as usize, "change", "changes");
    let told = format!("{requests} waited on open connections; meanwhile the others acknowledged {changes}");
    let in_vain = (newer == 0 || waiting == 0).then(|| FaultError::InVain(told.clone()));
    Held::told(told, in_vain)
}

/// Lets calls be made to servers that stand still, and waits until their requests are in the nodes. Returns how many are.
async fn fill(nodes: &[String], deployment: &Deployment, clients: &dyn Clients) -> Result<usize, FaultError> {
    let wanted = sum(nodes, clients, |calls| calls.held_back);
    clients.let_go(nodes);
    let begin = Instant::now();
    loop {
        let mut unread = 0;
        for node in nodes {
            // Keep-alives of sessions are no requests.
            unread += deployment.unread_requests(node).await?.min(clients.calls(node).open);
        }
        if unread >= wanted || begin.elapsed() > ARRIVE_TIMEOUT {
            return Ok(unread);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Lets the servers go on, and all calls.
pub async fn heal(nodes: &[String], deployment: &Deployment, clients: &dyn Clients) -> Result<String, FaultError> {
    let resumed = pause::heal(nodes, deployment).await;
    clients.let_go(nodes);
    resumed
}

fn sum(nodes: &[String], clients: &dyn Clients, part: impl Fn(Calls) -> usize) -> usize {
    nodes.iter().map(|node| part(clients.calls(node))).sum()
}

/// A number with what it counts.
fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}
