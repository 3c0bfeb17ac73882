//! Which links are disturbed, how, and the two ways to do it.

use super::cuts::Indices;
use super::{ClusterError, Link, Node};
use crate::local::{Tunnel, TunnelError};
use crate::packets::{Conditions, End, Forwarder, PacketCounters, PacketMechanism, netem};
use crate::remote::{CommandLine, RemoteError};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long a node may take over tc.
const TC_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether packets of a cluster's links can be disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PacketFaults {
    /// No, and nothing is made ready for it.
    #[default]
    Never,
    /// Yes, in the best way that works here.
    Possible,
    /// Yes, in this way.
    By(PacketMechanism),
}

/// The same wrong with some links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disturbance {
    /// Tells it from others that are there at the same time, and seeds its chance.
    pub number: u64,
    /// The links, each in its one direction.
    pub links: Vec<Link>,
    /// What is wrong with their packets.
    pub conditions: Conditions,
}

/// The disturbed links of a cluster.
pub(super) struct Disturbances {
    nodes: Vec<Node>,
    way: Way,
    /// What is wrong on each link, by whose wish.
    held: BTreeMap<Indices, Vec<(u64, Conditions)>>,
}

enum Way {
    Netem,
    Switch { forwarder: Forwarder, tunnels: Vec<Tunnel> },
}

/// What a node has for its packets, once it is up.
pub(super) struct Ready {
    /// Of the first node, where it was tried: whether netem works.
    pub netem: Option<Result<(), RemoteError>>,
    /// Its tunnel, where it was to have one.
    pub tunnel: Option<Result<(Tunnel, OwnedFd), TunnelError>>,
}

impl PacketFaults {
    pub(super) fn tries_netem(self) -> bool {
        matches!(self, PacketFaults::Possible | PacketFaults::By(PacketMechanism::Netem))
    }

    pub(super) fn needs_tunnels(self) -> bool {
        matches!(self, PacketFaults::Possible | PacketFaults::By(PacketMechanism::Switch))
    }
}

/// Whether tc and netem work on a node: makes the bands of its link that disturbances use.
pub(super) async fn try_netem(node: &Node) -> Result<(), RemoteError> {
    for command in [netem::attempt(&node.link), netem::prepare(&node.link)] {
        node.remote.run(&command, TC_TIMEOUT).await?.expect_success(&node.name, &command)?;
    }
    Ok(())
}

impl Disturbances {
    /// None yet, in the way that was asked for; none at all where none was.
    ///
    /// # Errors
    /// When no way works, and what to do.
    pub(super) async fn ready(
        wanted: PacketFaults,
        nodes: &[Node],
        ready: Vec<Ready>,
    ) -> Result<Option<Disturbances>, ClusterError> {
        let refused = |reason: String| Err(ClusterError::Packets { reason });
        if wanted == PacketFaults::Never {
            return Ok(None);
        }
        let (mut ends, mut tunnels, mut without) = (Vec::new(), Vec::new(), None);
        let mut netem = None;
        for (node, Ready { netem: tried, tunnel }) in nodes.iter().zip(ready) {
            netem = netem.or(tried);
            match tunnel {
                Some(Ok((tunnel, device))) => {
                    tunnels.push(tunnel);
                    ends.push(End { device, address: node.address });
                }
                Some(Err(error)) => without = without.or(Some(error)),
                None => {}
            }
        }
        let too_many = nodes.len() > netem::PEERS_MAX + 1;
        let why_no_netem = match netem {
            Some(Ok(())) if !too_many => None,
            Some(Ok(())) => Some(format!("it serves up to {} nodes", netem::PEERS_MAX + 1)),
            Some(Err(error)) => Some(error.to_string()),
            None => Some("not asked for".into()),
        };
        let way = match (why_no_netem, without) {
            (None, _) => {
                for node in &nodes[1..] {
                    try_netem(node).await?;
                }
                Way::Netem
            }
            (Some(why), Some(error)) => return refused(format!("tc netem: {why}; squall's own switch: {error}")),
            (Some(why), None) if tunnels.len() < nodes.len() => return refused(format!("tc netem: {why}")),
            (Some(_), None) => match Forwarder::start(ends) {
                Ok(forwarder) => Way::Switch { forwarder, tunnels },
                Err(error) => return refused(format!("start squall's own switch: {error}")),
            },
        };
        Ok(Some(Disturbances { nodes: nodes.to_vec(), way, held: BTreeMap::new() }))
    }

    pub(super) fn mechanism(&self) -> PacketMechanism {
        match self.way {
            Way::Netem => PacketMechanism::Netem,
            Way::Switch { .. } => PacketMechanism::Switch,
        }
    }

    /// Puts conditions on all the links, or on none after an error.
    pub(super) async fn add(
        &mut self,
        number: u64,
        links: &[Indices],
        conditions: Conditions,
    ) -> Result<(), ClusterError> {
        let links: BTreeSet<Indices> = links.iter().copied().collect();
        for link in &links {
            self.held.entry(*link).or_default().push((number, conditions));
        }
        if let Way::Switch { forwarder, .. } = &self.way {
            // Every direction has chances of its own, the same for the same number.
            let seed =
                |(from, to): Indices| number ^ ((from as u64) << 32 | to as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            forwarder.change(|wire| links.iter().for_each(|link| wire.add(*link, number, conditions, seed(*link))));
        }
        for link in &links {
            let before = self.held.get(link).map_or(0, Vec::len) - 1;
            if let Err(error) = self.lead(*link, before).await {
                if let Err(worse) = self.remove(number).await {
                    tracing::error!(error = %worse, "packet faults that failed halfway could not be undone");
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes the conditions of this number away, wherever they are.
    ///
    /// # Errors
    /// The first one; the other links are healed all the same.
    pub(super) async fn remove(&mut self, number: u64) -> Result<(), ClusterError> {
        let is_hit = |held: &&Vec<(u64, Conditions)>| held.iter().any(|(other, _)| *other == number);
        let links: Vec<Indices> = self.held.iter().filter(|(_, held)| is_hit(held)).map(|(link, _)| *link).collect();
        let mut result = Ok(());
        for link in &links {
            let before = self.held.get(link).map_or(0, Vec::len);
            if let Some(held) = self.held.get_mut(link) {
                held.retain(|(other, _)| *other != number);
            }
            result = result.and(self.lead(*link, before).await);
        }
        // Behind the way back: what is sent meanwhile still finds the conditions.
        if let Way::Switch { forwarder, .. } = &self.way {
            forwarder.change(|wire| links.iter().for_each(|link| wire.remove(*link, number)));
        }
        self.held.retain(|_, held| !held.is_empty());
        result
    }

    /// Sends the packets of a link on the way that its conditions ask for; so many conditions were there `before`.
    async fn lead(&mut self, (from, to): Indices, before: usize) -> Result<(), ClusterError> {
        let now: Vec<Conditions> =
            self.held.get(&(from, to)).into_iter().flatten().map(|(_, conditions)| *conditions).collect();
        let peer = self.nodes[to].address;
        match &mut self.way {
            Way::Netem => {
                let number = if to > from { to - 1 } else { to };
                run(&self.nodes[from], &netem::set(&self.nodes[from].link, number, peer, before, &now)).await?;
                Ok(())
            }
            Way::Switch { tunnels, .. } => {
                let led = match (before > 0, now.is_empty()) {
                    (false, false) => tunnels[from].send_here(peer),
                    (true, true) => tunnels[from].send_straight(peer),
                    _ => Ok(()),
                };
                let name = &self.nodes[from].name;
                led.map_err(|error| ClusterError::Packets { reason: format!("{name}: {error}") })
            }
        }
    }

    /// Cuts exactly these links for the packets that take another way than those that a cut of the nodes' links reaches.
    pub(super) fn cut_exactly(&self, links: impl IntoIterator<Item = Indices>) {
        if let Way::Switch { forwarder, .. } = &self.way {
            forwarder.change(|wire| wire.cut_exactly(links));
        }
    }

    /// What was done to the packets of these links since the cluster is up; none where it is not counted.
    pub(super) fn counters(&self, links: &[Indices]) -> Option<PacketCounters> {
        match &self.way {
            Way::Netem => None,
            Way::Switch { forwarder, .. } => Some(links.iter().map(|link| forwarder.counters(*link)).sum()),
        }
    }

    /// The conditions on a link, of all who want some.
    pub(super) fn on(&self, link: Indices) -> impl Iterator<Item = &Conditions> {
        self.held.get(&link).into_iter().flatten().map(|(_, conditions)| conditions)
    }
}

async fn run(node: &Node, command: &CommandLine) -> Result<(), RemoteError> {
    node.remote.run(command, TC_TIMEOUT).await?.expect_success(&node.name, command).map(drop)
}
