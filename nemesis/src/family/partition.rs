//! Partitions: links between nodes that carry nothing. Client links are never cut here.
//!
//! Knows links only; which ones a shape cuts is [`crate::shape`]'s affair.

use super::FaultError;
use crate::span::Span;
use squall_targets::Deployment;
use squall_targets::cluster::Link;
use std::time::{Duration, Instant};

/// How long a cut or a healed link may take to show. It takes milliseconds; but what does not show ends the run, and an
/// overloaded machine is no reason for that.
const SHOW_TIMEOUT: Duration = Duration::from_secs(10);

/// What became of the links of a partition while it was in force.
#[derive(Debug)]
pub struct Flaps {
    /// How often they were cut, the injection counted.
    cuts: u32,
    /// Whether they are cut at the end.
    is_cut: bool,
    /// How many packets were dropped in the cuts that are over; none where that is not counted.
    dropped: Option<u64>,
    /// Why the coming and going ended before its time.
    pub failed: Option<FaultError>,
}

impl Flaps {
    /// Those of links that stay cut from injection to healing.
    pub fn none() -> Flaps {
        Flaps { cuts: 1, is_cut: true, dropped: None, failed: None }
    }
}

/// Cuts the links, and probes them until nothing arrives.
pub async fn inject(links: &[Link], deployment: &Deployment) -> Result<String, FaultError> {
    deployment.cut(links).await?;
    let begin = Instant::now();
    loop {
        let count = deployment.cluster().probe(links).await?;
        if count.arrived == 0 {
            return Ok(format!("none of {} probes arrived", count.sent));
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            return Err(FaultError::NotShown(format!("{} of {} probes still arrive", count.arrived, count.sent)));
        }
    }
}

/// Heals and cuts the links that were just cut, by turns, each for `every`, until `end` comes.
pub async fn flap(links: &[Link], every: Span, deployment: &Deployment, end: impl Future<Output = ()>) -> Flaps {
    let mut flaps = Flaps::none();
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = tokio::time::sleep(every.duration()) => {}
            () = &mut end => return flaps,
        }
        // Never given up halfway: only the waiting is.
        let turned = if flaps.is_cut {
            deployment.heal(links).await.map(|dropped| {
                flaps.is_cut = false;
                flaps.dropped = sum(flaps.dropped, dropped);
            })
        } else {
            deployment.cut(links).await.map(|()| {
                flaps.is_cut = true;
                flaps.cuts += 1;
            })
        };
        if let Err(error) = turned {
            flaps.failed = Some(error.into());
            end.await;
            return flaps;
        }
    }
}

/// Mends the links, and probes those that no other partition holds until everything arrives.
pub async fn heal(links: &[Link], flaps: &Flaps, deployment: &Deployment) -> Result<String, FaultError> {
    let last = if flaps.is_cut { deployment.heal(links).await? } else { None };
    let dropped = sum(flaps.dropped, last);
    let begin = Instant::now();
    loop {
        // Another partition may have some of these links, and take or give back some at any moment.
        let count = deployment.cluster().probe(&deployment.uncut(links)).await?;
        if count.arrived == count.sent {
            let dropped = dropped.map(|packets| format!("; {packets} packets were dropped")).unwrap_or_default();
            let cuts = if flaps.cuts > 1 { format!("; cut {} times", flaps.cuts) } else { String::new() };
            return Ok(format!("all of {} probes arrived{cuts}{dropped}", count.sent));
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            return Err(FaultError::NotShown(format!("only {} of {} probes arrive", count.arrived, count.sent)));
        }
    }
}

/// The sum of what was counted.
fn sum(some: Option<u64>, more: Option<u64>) -> Option<u64> {
    some.into_iter().chain(more).reduce(|some, more| some + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_not_told_as_zero() {
        assert_eq!(sum(None, None), None);
        assert_eq!([sum(Some(2), None), sum(None, Some(2)), sum(Some(1), Some(1))], [Some(2); 3]);
    }
}
