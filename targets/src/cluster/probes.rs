//! Measures links from outside: datagrams of the nodes' agents that are counted where they arrive, and round trips.

use super::{Cluster, ClusterError, Indices, Link};
use crate::packets::Conditions;
use crate::remote::{Arrivals, ProbeSpec};
use futures_util::future::try_join_all;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many datagrams a probe sends over each link.
pub const PROBES_PER_LINK: u32 = 5;

/// How long a probe waits for datagrams that do not arrive. On the local switch they take microseconds; an agent that is
/// late itself still counts what has arrived meanwhile. On a disturbed link they have the time that its conditions take
/// besides.
const PROBE_TIMEOUT: Duration = Duration::from_millis(150);

/// The bytes of a probe's datagram, where it is not the size that matters.
const SMALL_BYTES: u32 = 20;

/// How many datagrams a probe sent over its links and how many arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProbeCount {
    /// Sent by all the links' first nodes.
    pub sent: u64,
    /// Seen by the links' second nodes.
    pub arrived: u64,
}

impl Cluster {
    /// Sends [`PROBES_PER_LINK`] datagrams over each of the links, all at once, and counts those that arrive. Nothing
    /// has to come back, so the two directions between nodes are told apart.
    pub async fn probe(&self, links: &[Link]) -> Result<ProbeCount, ClusterError> {
        let arrivals = self.probe_each(links, PROBES_PER_LINK, SMALL_BYTES).await?;
        let arrived = arrivals.iter().map(|arrivals| u64::from(arrivals.distinct)).sum();
        Ok(ProbeCount { sent: u64::from(PROBES_PER_LINK) * arrivals.len() as u64, arrived })
    }

    /// Sends `count` datagrams of so many bytes over each of the links, those to the clients too, and tells what arrived over each.
    pub async fn probe_each(&self, links: &[Link], count: u32, bytes: u32) -> Result<Vec<Arrivals>, ClusterError> {
        let mut asked = Vec::new();
        for (from, to) in self.ends(links)? {
            let timeout = PROBE_TIMEOUT + self.delay_max((from, to)).await;
            let spec = ProbeSpec { probe: self.next_probe.fetch_add(1, Ordering::Relaxed), count, bytes };
            let (from, to) = (self.nodes[from].clone(), self.nodes.get(to).cloned());
            asked.push(async move {
                match to {
                    Some(to) => {
                        from.remote.send_probe(to.address, spec).await?;
                        to.remote.count_probe(spec.probe, spec.count, timeout).await
                    }
                    None => {
                        // There is such an end only where there are clients.
                        let Some(clients) = &self.clients else { return Ok(Arrivals::default()) };
                        from.remote.send_probe(clients.address, spec).await?;
                        Ok(clients.count(spec.probe, spec.count, timeout).await)
                    }
                }
            });
        }
        Ok(try_join_all(asked).await?)
    }

    /// How long datagrams take over each of the links and back by the opposite one: `count` of each link, those missing that
    /// were lost on the way.
    pub async fn round_trips(&self, links: &[Link], count: u32) -> Result<Vec<Vec<Duration>>, ClusterError> {
        let mut asked = Vec::new();
        for (from, to) in self.indices(links)? {
            let timeout = PROBE_TIMEOUT + self.delay_max((from, to)).await + self.delay_max((to, from)).await;
            let probe = self.next_probe.fetch_add(1, Ordering::Relaxed);
            let spec = ProbeSpec { probe, count, bytes: SMALL_BYTES };
            let (from, peer) = (self.nodes[from].clone(), self.nodes[to].address);
            asked.push(async move { from.remote.round_trips(peer, spec, timeout).await });
        }
        Ok(try_join_all(asked).await?)
    }

    /// How long the conditions on a link may hold a packet back.
    async fn delay_max(&self, link: Indices) -> Duration {
        let all = self.links.lock().await;
        let conditions = all.disturbances.iter().flat_map(|disturbances| disturbances.on(link));
        Duration::from_nanos(conditions.map(Conditions::delay_ns_max).sum())
    }
}
