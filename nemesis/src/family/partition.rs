//! Partitions: links between nodes, or from nodes to the clients, that carry nothing.
//!
//! Knows links only; which ones a shape cuts is [`crate::shape`]'s affair.

use super::FaultError;
use crate::span::Span;
use squall_targets::Deployment;
use squall_targets::cluster::{ClusterError, Link, PROBES_PER_LINK};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a cut or a healed link may take to show. It takes milliseconds; but what does not show ends the run, and an
/// overloaded machine is no reason for that.
const SHOW_TIMEOUT: Duration = Duration::from_secs(10);

/// The size of a probe, where it does not matter.
const PROBE_BYTES: u32 = 20;

/// What became of the links of a partition while it was in force.
#[derive(Debug)]
pub struct Flaps {
    /// The times that they were cut, the injection counted, which has been shown.
    cut: Turns,
    /// The times that they were open in between.
    open: Turns,
    /// Whether they are cut at the end.
    is_cut: bool,
    /// How many packets were dropped in the cuts that are over; none where that is not counted.
    dropped: Option<u64>,
    /// Why the coming and going ended before its time.
    pub failed: Option<FaultError>,
}

/// How often something came about, and how often probes showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turns {
    count: u32,
    shown: u32,
}

impl Flaps {
    /// Those of links that stay cut from injection to healing.
    pub fn none() -> Flaps {
        let (cut, open) = (Turns { count: 1, shown: 1 }, Turns { count: 0, shown: 0 });
        Flaps { cut, open, is_cut: true, dropped: None, failed: None }
    }

    /// The coming and going, for people; nothing where there was none.
    fn told(&self) -> String {
        let Flaps { cut, open, .. } = self;
        match open.count {
            0 => String::new(),
            _ => format!(
                "; cut {} times and open {} times, of which probes showed {} and {}",
                cut.count, open.count, cut.shown, open.shown
            ),
        }
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

/// Heals and cuts the links that were just cut, by turns, each for `every`, until `end` comes. Each turn is probed
/// beside the waiting, however short it is: a probe that is late shows nothing.
pub async fn flap(links: &[Link], every: Span, deployment: &Arc<Deployment>, end: impl Future<Output = ()>) -> Flaps {
    let mut flaps = Flaps::none();
    let mut probes = JoinSet::new();
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = tokio::time::sleep(every.duration()) => {}
            () = &mut end => break,
        }
        // Never given up halfway: only the waiting is.
        if let Err(error) = turn(links, &mut flaps, deployment).await {
            flaps.failed = Some(error.into());
            end.await;
            break;
        }
        probes.spawn(shows(flaps.is_cut, links.to_vec(), deployment.clone()));
    }
    while let Some(probe) = probes.join_next().await {
        match probe {
            Ok(Shown::Cut) => flaps.cut.shown += 1,
            Ok(Shown::Open) => flaps.open.shown += 1,
            Ok(Shown::Nothing) | Err(_) => {}
        }
    }
    flaps
}

/// Heals the links if they are cut, and cuts them if they are not.
async fn turn(links: &[Link], flaps: &mut Flaps, deployment: &Deployment) -> Result<(), ClusterError> {
    if flaps.is_cut {
        flaps.dropped = sum(flaps.dropped, deployment.heal(links).await?);
        flaps.open.count += 1;
    } else {
        deployment.cut(links).await?;
        flaps.cut.count += 1;
    }
    flaps.is_cut = !flaps.is_cut;
    Ok(())
}

/// What a probe shows.
enum Shown {
    /// Nothing arrived.
    Cut,
    /// Everything arrived.
    Open,
    /// Something in between, or other partitions hold all links, or it is a node that failed.
    Nothing,
}

async fn shows(is_cut: bool, links: Vec<Link>, deployment: Arc<Deployment>) -> Shown {
    let probed = if is_cut { links } else { deployment.uncut(&links) };
    match deployment.cluster().probe(&probed).await {
        Ok(count) if is_cut && count.arrived == 0 => Shown::Cut,
        Ok(count) if !is_cut && count.sent > 0 && count.arrived == count.sent => Shown::Open,
        Ok(_) | Err(_) => Shown::Nothing,
    }
}

/// Mends the links, and probes those that no other partition holds until everything arrives, or over links whose packets
/// are disturbed something.
pub async fn heal(links: &[Link], flaps: &Flaps, deployment: &Deployment) -> Result<String, FaultError> {
    let last = if flaps.is_cut { deployment.heal(links).await? } else { None };
    let dropped = sum(flaps.dropped, last);
    let dropped = dropped.map(|packets| format!("; {packets} packets were dropped")).unwrap_or_default();
    let begin = Instant::now();
    let mut reached = BTreeSet::new();
    loop {
        // Another partition may have some of these links, and take or give back some at any moment.
        let open = deployment.uncut(links);
        let disturbed = deployment.cluster().disturbed(&open).await?;
        let clear: Vec<Link> = open.iter().filter(|link| !disturbed.contains(link)).cloned().collect();
        let count = deployment.cluster().probe(&clear).await?;
        let arrivals = deployment.cluster().probe_each(&disturbed, PROBES_PER_LINK, PROBE_BYTES).await?;
        reached
            .extend(disturbed.iter().zip(arrivals).filter(|(_, seen)| seen.distinct > 0).map(|(link, _)| link.clone()));
        let unreached = disturbed.iter().filter(|link| !reached.contains(*link)).count();
        if count.arrived == count.sent && unreached == 0 {
            let arrived = arrived(count.sent, links.len(), open.len(), disturbed.len());
            return Ok(format!("{arrived}{}{dropped}", flaps.told()));
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            let unreached =
                if unreached > 0 { format!(", and none over {unreached} disturbed links") } else { String::new() };
            return Err(FaultError::NotShown(format!(
                "only {} of {} probes arrive{unreached}",
                count.arrived, count.sent
            )));
        }
    }
}

/// That all probes arrived over the links that could be probed; links that other partitions hold show nothing, and over those
/// whose packets are disturbed some probes are enough.
fn arrived(probes: u64, links: usize, open: usize, disturbed: usize) -> String {
    if open == 0 {
        return "mended, but not probed: other partitions still hold all of its links".into();
    }
    let mut told = if probes > 0 { format!("all of {probes} probes arrived") } else { "probes arrive".into() };
    if disturbed > 0 {
        told += &format!("; the packets of {disturbed} of the {links} links are still disturbed");
    }
    if links > open {
        told += &format!("; other partitions still hold {} of the {links} links", links - open);
    }
    told
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
    #[test]
    fn the_times_that_were_shown_are_told_apart() {
        assert_eq!(Flaps::none().told(), "");
        let (cut, open) = (Turns { count: 5, shown: 4 }, Turns { count: 4, shown: 3 });
        let told = Flaps { cut, open, ..Flaps::none() }.told();
        assert_eq!(told, "; cut 5 times and open 4 times, of which probes showed 4 and 3");
    }

    #[test]
    fn what_could_not_be_probed_is_not_told_as_whole() {
        assert_eq!(arrived(20, 4, 4, 0), "all of 20 probes arrived");
        assert_eq!(arrived(5, 4, 1, 0), "all of 5 probes arrived; other partitions still hold 3 of the 4 links");
        assert_eq!(
            arrived(10, 4, 4, 2),
            "all of 10 probes arrived; the packets of 2 of the 4 links are still disturbed"
        );
        assert_eq!(arrived(0, 4, 4, 4), "probes arrive; the packets of 4 of the 4 links are still disturbed");
        assert_eq!(arrived(0, 4, 0, 0), "mended, but not probed: other partitions still hold all of its links");
    }
}
