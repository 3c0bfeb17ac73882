//! Clocks: jumps, strobes and drifts of the servers' clocks. That they are wrong is read through the servers themselves.

use super::{FaultError, every};
use crate::skew::Skew;
use squall_targets::Deployment;
use squall_targets::clock::{ClockReading, ClocksSet, Interval};
use squall_targets::deployment::DeployError;
use std::time::{Duration, Instant};

/// How long a skew may take to show. It takes milliseconds; but what does not show ends the run, and an overloaded machine is no
/// reason for that.
const SHOW_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait between two readings.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How much longer than it must a way back may take until it can be read as over.
const AFTER: Duration = Duration::from_millis(30);

/// Skews the clocks, and reads them until it shows.
pub async fn inject(skew: Skew, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let mut sets = Vec::new();
    for node in nodes {
        sets.push(deployment.skew_clocks(node, skew.of_clocks()).await?);
    }
    let mut evidence = Vec::new();
    for (node, set) in nodes.iter().zip(sets) {
        evidence.push(show(skew, node, deployment).await? + &stood_still(&set));
    }
    Ok(evidence.join(", "))
}

/// Reads the clocks of the servers that live, and says which of them are not as wrong as they are to be.
pub async fn look(nodes: &[String], deployment: &Deployment) -> Result<(), FaultError> {
    for node in nodes {
        match deployment.read_clocks(node).await {
            Ok(reading) => as_wanted(node, &reading)?,
            Err(DeployError::Ended { .. }) => {} // another fault's affair; the next one starts with a wrong clock
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Sets the clocks right, waits where a monotonic clock must make its way back, and reads that they are.
pub async fn heal(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let healed = every(nodes, |node| async move {
        let set = deployment.skew_clocks(node, squall_targets::clock::Skew::None).await?;
        if set.settles_after_ns > 0 {
            tokio::time::sleep(Duration::from_nanos(set.settles_after_ns) + AFTER).await;
        }
        let reading = match deployment.read_clocks(node).await {
            Ok(reading) => reading,
            Err(DeployError::Ended { .. }) => return Ok(format!("{node} is gone, and its next server starts right")),
            Err(error) => return Err(error.into()),
        };
        as_wanted(node, &reading)?;
        let nothing = Interval::between(0, 0);
        if (reading.wall.wanted_ns, reading.monotonic.wanted_ns) != (nothing, nothing) {
            return Err(FaultError::NotShown(format!("{node} still has {reading}")));
        }
        let doubt_ns = |interval: Interval| interval.least.unsigned_abs().max(interval.most.unsigned_abs());
        let doubt_ns = doubt_ns(reading.wall.ahead_ns).max(doubt_ns(reading.monotonic.ahead_ns));
        Ok(format!("{node} is right to {:.2} ms", doubt_ns as f64 / 1e6))
    });
    Ok(healed.await?.join(", "))
}

/// Reads the clocks of a server until they are certainly wrong, in the way they are to be.
async fn show(skew: Skew, node: &str, deployment: &Deployment) -> Result<String, FaultError> {
    let begin = Instant::now();
    let (mut seen_there, mut seen_here) = (false, false);
    loop {
        let reading = deployment.read_clocks(node).await?;
        as_wanted(node, &reading)?;
        let (wall, monotonic) = (reading.wall.ahead_ns, reading.monotonic.ahead_ns);
        match skew {
            Skew::Jump(_) if wall.excludes_zero() => {
                return Ok(format!("{node} is {} {}", length(wall), if wall.least > 0 { "ahead" } else { "behind" }));
            }
            Skew::Strobe { by, .. } => {
                seen_there |= wall.excludes_zero();
                // A reading that took too long has both sides in it.
                seen_here |= !wall.meets(Interval::between(by.ns(), by.ns()));
                if seen_there && seen_here {
                    let within_ms = begin.elapsed().as_millis();
                    return Ok(format!("{node} was seen off and right within {within_ms} ms"));
                }
            }
            Skew::Drift(_) if wall.excludes_zero() && monotonic.excludes_zero() => {
                return Ok(format!(
                    "{node} has {} {}",
                    if monotonic.least > 0 { "gained" } else { "lost" },
                    length(monotonic)
                ));
            }
            Skew::Jump(_) | Skew::Drift(_) => {}
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            return Err(FaultError::NotShown(format!("{node} has {reading}, which is no proof of {skew}")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn as_wanted(node: &str, reading: &ClockReading) -> Result<(), FaultError> {
    if reading.wall.is_as_wanted() && reading.monotonic.is_as_wanted() {
        return Ok(());
    }
    let wanted = |interval: Interval| interval.middle();
    let (wall, monotonic) = (wanted(reading.wall.wanted_ns), wanted(reading.monotonic.wanted_ns));
    Err(FaultError::NotShown(format!("{node} has {reading}, and was to have {wall} ns and {monotonic} ns")))
}

/// How far off, in words, without its direction.
fn length(ahead_ns: Interval) -> String {
    let ms = ahead_ns.middle().unsigned_abs() as f64 / 1e6;
    if ms < 1_000.0 { format!("{ms:.2} ms") } else { format!("{:.3} s", ms / 1e3) }
}

/// What a patch has cost, where there was one.
fn stood_still(set: &ClocksSet) -> String {
    let stopped_ns = set.patched.iter().map(|patched| patched.stopped_ns).max();
    stopped_ns.map(|ns| format!(" (it stood still for {:.1} ms)", ns as f64 / 1e6)).unwrap_or_default()
}
