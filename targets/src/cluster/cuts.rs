//! Which links are cut, how often, and the two ways to do it.

use super::iptables::{self, Peer};
use super::{CLIENTS, ClusterError, Link, Node};
use crate::remote::{Remote, RemoteError};
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

/// How long a node may take over its packet filter.
const FILTER_TIMEOUT: Duration = Duration::from_secs(20);

/// How links between nodes are cut. Both ways are silent: packets vanish, nobody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CutMechanism {
    /// The receiving node drops what comes from a peer, by iptables; counts what it drops.
    Iptables,
    /// The sending node sends what is for a peer to a link address that no switch delivers to. Needs no program; does
    /// not count.
    Neighbours,
}

/// A link as the indices of its two nodes; the clients, who only receive, stand behind the last one.
pub(super) type Indices = (usize, usize);

/// The links of a cluster that are cut.
pub(super) struct Cuts {
    nodes: Vec<Node>,
    /// The address of what stands behind the last node: the clients.
    clients: Ipv4Addr,
    mechanism: CutMechanism,
    /// By how many faults each link is cut.
    held: BTreeMap<Indices, u32>,
    /// On which nodes the chain of rules has been made.
    has_chain: Vec<bool>,
}

/// What the nodes have to do, each at its end of the links: for which peers.
type Work = BTreeMap<usize, Vec<Peer>>;

impl Cuts {
    /// None are cut. Some nodes have their chain of rules already.
    pub(super) fn new(nodes: Vec<Node>, clients: Ipv4Addr, mechanism: CutMechanism, has_chain: Vec<bool>) -> Cuts {
        Cuts { nodes, clients, mechanism, held: BTreeMap::new(), has_chain }
    }

    /// Cuts all the links or none.
    pub(super) async fn cut(&mut self, links: &[Indices]) -> Result<(), ClusterError> {
        let new: Vec<Indices> = distinct(links).into_keys().filter(|link| !self.held.contains_key(link)).collect();
        let (done, failed) = self.all(self.work(&new), Change::Cut).await;
        for node in &done {
            self.has_chain[node.index] = true;
        }
        if let Some(error) = failed {
            let undo: Work = done.into_iter().map(|node| (node.index, node.peers)).collect();
            if let (_, Some(worse)) = self.all(undo, Change::Heal).await {
                tracing::error!(error = %worse, "a cut that failed halfway could not be undone");
            }
            return Err(error.into());
        }
        for link in links {
            *self.held.entry(*link).or_default() += 1;
        }
        Ok(())
    }

    /// Heals the links, or those of them that no other fault holds. Returns how many packets were dropped on all of them
    /// since they were cut, where that is counted.
    pub(super) async fn heal(&mut self, links: &[Indices]) -> Result<Option<u64>, ClusterError> {
        let wanted = distinct(links);
        if let Some((link, _)) = wanted.iter().find(|(link, times)| self.held.get(link).unwrap_or(&0) < times) {
            return Err(ClusterError::NotCut(self.named(*link)));
        }
        let dropped = self.dropped(&wanted.keys().copied().collect::<Vec<_>>()).await?;
        let last: Vec<Indices> =
            wanted.iter().filter(|(link, times)| self.held[link] == **times).map(|(l, _)| *l).collect();
        let (done, failed) = self.all(self.work(&last), Change::Heal).await;
        for (link, times) in wanted {
            let end = self.acting(link).0;
            let still_cut = last.contains(&link) && !done.iter().any(|node| node.index == end);
            if let Some(held) = self.held.get_mut(&link).filter(|_| !still_cut) {
                *held -= times;
            }
        }
        self.held.retain(|_, times| *times > 0);
        failed.map_or(Ok(dropped), |error| Err(error.into()))
    }

    /// The links that are cut at the sending node's end of them, and by that for its first link alone.
    pub(super) fn of_first_links(&self) -> Option<Vec<Indices>> {
        (self.mechanism == CutMechanism::Neighbours).then(|| self.held.keys().copied().collect())
    }

    /// How many packets the rules of these links have dropped since the links were cut.
    pub(super) async fn dropped(&self, links: &[Indices]) -> Result<Option<u64>, ClusterError> {
        if self.mechanism != CutMechanism::Iptables {
            return Ok(None);
        }
        let cut: Vec<Indices> = links.iter().copied().filter(|link| self.held.contains_key(link)).collect();
        let (done, failed) = self.all(self.work(&cut), Change::Count).await;
        failed.map_or(Ok(Some(done.iter().map(|node| node.dropped).sum())), |error| Err(error.into()))
    }

    /// The node that does the cutting of a link, and the peer it does so for.
    fn acting(&self, (from, to): Indices) -> (usize, Peer) {
        match (self.mechanism, self.nodes.get(to)) {
            (CutMechanism::Iptables, Some(_)) => (to, Peer::Source(self.nodes[from].address)),
            // Nothing of squall's filters at the clients' end.
            (_, None) => (from, Peer::Destination(self.clients)),
            (CutMechanism::Neighbours, Some(to)) => (from, Peer::Destination(to.address)),
        }
    }

    fn work(&self, links: &[Indices]) -> Work {
        let mut work = Work::new();
        for link in links {
            let (node, peer) = self.acting(*link);
            work.entry(node).or_default().push(peer);
        }
        work
    }

    fn named(&self, (from, to): Indices) -> Link {
        let to = self.nodes.get(to).map_or(CLIENTS, |node| &node.name);
        Link { from: self.nodes[from].name.clone(), to: to.to_owned() }
    }

    /// Has all nodes do their work at the same time. Returns those that did, and the first error of those that did not.
    async fn all(&self, work: Work, change: Change) -> (Vec<Done>, Option<RemoteError>) {
        let tasks: Vec<_> = work
            .into_iter()
            .map(|(index, peers)| {
                let (node, mechanism, new) = (self.nodes[index].clone(), self.mechanism, !self.has_chain[index]);
                tokio::spawn(async move {
                    let dropped = change.make(&node, mechanism, &peers, new).await?;
                    Ok(Done { index, peers, dropped })
                })
            })
            .collect();
        let (mut done, mut failed) = (Vec::new(), None);
        for task in tasks {
            match task.await {
                Ok(Ok(node)) => done.push(node),
                Ok(Err(error)) => failed = failed.or(Some(error)),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        (done, failed)
    }
}

/// A node that has done its work.
struct Done {
    index: usize,
    peers: Vec<Peer>,
    dropped: u64,
}

/// The three things a node may have to do.
#[derive(Clone, Copy)]
enum Change {
    Cut,
    Heal,
    Count,
}

impl Change {
    /// Does it on one node. Returns the number of packets dropped where it was to count them, else 0.
    async fn make(self, node: &Node, by: CutMechanism, peers: &[Peer], new: bool) -> Result<u64, RemoteError> {
        match (by, self) {
            (CutMechanism::Neighbours, Change::Cut) => node.remote.block_neighbours(&addresses(peers)).await?,
            (CutMechanism::Neighbours, Change::Heal) => node.remote.unblock_neighbours(&addresses(peers)).await?,
            (CutMechanism::Neighbours, Change::Count) => {}
            (CutMechanism::Iptables, Change::Cut) => drop(run(node, &iptables::cut(peers, new)).await?),
            (CutMechanism::Iptables, Change::Heal) => drop(run(node, &iptables::heal(peers)).await?),
            (CutMechanism::Iptables, Change::Count) => {
                let dropped = iptables::dropped(&run(node, &iptables::show()).await?);
                return Ok(peers.iter().filter_map(|peer| dropped.get(peer)).sum());
            }
        }
        Ok(0)
    }
}

async fn run(node: &Node, command: &crate::remote::CommandLine) -> Result<String, RemoteError> {
    let output = node.remote.run(command, FILTER_TIMEOUT).await?.expect_success(&node.name, command)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether iptables exists on a node and works there: makes the chain of rules that cuts fill.
pub(super) async fn try_iptables(name: &str, remote: &dyn Remote) -> Result<(), RemoteError> {
    let prepare = iptables::prepare();
    remote.run(&prepare, FILTER_TIMEOUT).await?.expect_success(name, &prepare).map(drop)
}

fn addresses(peers: &[Peer]) -> Vec<Ipv4Addr> {
    let address = |peer: &Peer| match *peer {
        Peer::Source(address) | Peer::Destination(address) => address,
    };
    peers.iter().map(address).collect()
}

fn distinct(links: &[Indices]) -> BTreeMap<Indices, u32> {
    let mut times = BTreeMap::new();
    for link in links {
        *times.entry(*link).or_default() += 1;
    }
    times
}

impl fmt::Display for CutMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CutMechanism::Iptables => "iptables",
            CutMechanism::Neighbours => "neighbour entries",
        })
    }
}
