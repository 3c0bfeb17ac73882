//! A cluster: nodes with an address each, and cuts of the links between them. They are local, on a switch of their own, or
//! machines that are reached by ssh.
//!
//! Cuts act on *directed* links between nodes, and from nodes to the clients; the controller reaches every node at all
//! times. Links are counted: cut twice, a link works again after it was healed twice, so faults that overlap do not undo one
//! another.
//!
//! This module must not know which faults exist or which database runs on the nodes.

mod clients_end;
mod cuts;
mod disturbances;
mod hosted;
mod iptables;
mod probes;
mod start;

pub use cuts::CutMechanism;
pub use disturbances::{Disturbance, PacketFaults};
pub(crate) use iptables::forget as forget_cuts;
pub use probes::{PROBES_PER_LINK, ProbeCount};

use crate::hosts::{Host, HostError, HostSpec};
use crate::local::{LocalNode, Switch};
use crate::packets::{PacketCounters, PacketMechanism};
use crate::remote::{Remote, RemoteError};
use crate::route::Route;
use crate::sandbox::{Sandbox, Subnet};
use clients_end::ClientsEnd;
use cuts::{Cuts, Indices};
use disturbances::Disturbances;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most nodes that a cluster can have: the rest of the subnet is the controller's.
pub const NODES_MAX: usize = 250;

/// How long the processes of the nodes may take to vanish once they are killed.
const DOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// What a cluster is to be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// The names of the nodes, which are their hostnames too: letters, digits and `-`.
    pub names: Vec<String>,
    /// Where each node gets a folder of its name. Made where it does not exist.
    pub folder: PathBuf,
    /// How links are cut, or none for the best that works here.
    pub cut: Option<CutMechanism>,
    /// Whether packets are to be disturbed, and how.
    pub packets: PacketFaults,
    /// The executable that becomes a node's agent when its first argument is [`crate::agent::ARGUMENT`]: as a rule
    /// [`std::env::current_exe`].
    pub agent: PathBuf,
}

/// What a cluster of machines is to be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsOptions {
    /// The names of the nodes, one for each machine.
    pub names: Vec<String>,
    /// The machines.
    pub hosts: Vec<HostSpec>,
    /// Where each node gets a folder of its name, for its logs. Made where it does not exist.
    pub folder: PathBuf,
    /// Whether packets are to be disturbed, and how.
    pub packets: PacketFaults,
    /// The executable that becomes a node's agent, as in [`ClusterOptions`]; it is copied to the machines.
    pub agent: PathBuf,
}

/// A node of a cluster.
#[derive(Clone)]
pub struct Node {
    /// Its name and hostname.
    pub name: String,
    /// Its address on the switch, which the controller reaches directly.
    pub address: Ipv4Addr,
    /// The address that its clients come from; none for the controller's.
    pub clients: Option<Ipv4Addr>,
    /// The link on which the other nodes are reached; empty where nobody needs to know.
    pub link: String,
    /// Its folder on the node, absolute. Of a local node it is the same outside.
    pub dir: PathBuf,
    /// The folder outside where the logs that lie in its folder come to.
    pub logs: PathBuf,
    /// What can be done there.
    pub remote: Arc<dyn Remote>,
}

impl Node {
    /// The way to a port of it for clients.
    pub fn client_route(&self, port: u16) -> Route {
        Route { to: SocketAddr::new(self.address.into(), port), from: self.clients }
    }

    /// Where a log in its folder is found outside.
    pub fn outside(&self, log: &Path) -> PathBuf {
        log.strip_prefix(&self.dir).map_or_else(|_| log.into(), |name| self.logs.join(name))
    }
}

/// The name of all clients together in a [`Link`]: they take what nodes answer them.
pub const CLIENTS: &str = "clients";

/// The way from one node to another, or to the [`CLIENTS`]. A connection needs both directions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The node that sends.
    pub from: String,
    /// The node that receives, or [`CLIENTS`].
    pub to: String,
}

/// Why a cluster could not be brought up, or its links neither cut nor healed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The options contradict themselves.
    #[error("bring the cluster up: {0}")]
    Options(String),
    /// A node's folder cannot be made or written to.
    #[error("prepare {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The kernel refused namespaces, links or the agent of a node.
    #[error("bring up {node}: {reason}")]
    Local {
        /// The node, or the switch.
        node: String,
        /// What was refused, and why.
        reason: String,
    },
    /// A machine cannot be a node.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The links cannot be cut in the way that was asked for.
    #[error("cut links by {mechanism}: {reason}")]
    Mechanism {
        /// The way asked for.
        mechanism: CutMechanism,
        /// Why it does not work.
        reason: String,
    },
    /// Packets cannot be disturbed, or not any more.
    #[error("disturb packets: {reason}")]
    Packets {
        /// Why, and what to do.
        reason: String,
    },
    /// A link names a node that the cluster does not have, or one node twice.
    #[error("the link {0} is none of this cluster's")]
    NoSuchLink(Link),
    /// The links from nodes to their clients cannot be cut where the controller reaches the nodes by the same.
    #[error(
        "cut {0}: clients reach these nodes from where squall does, by ssh, and would not be the only ones that are cut off"
    )]
    WithoutClients(Link),
    /// A link was to be healed that is not cut (any more).
    #[error("heal the link {0}: it is not cut")]
    NotCut(Link),
    /// A node did not do its part.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Something of the cluster would not go away in time.
    #[error("take the cluster down: {0}")]
    Down(String),
}

/// Nodes that are up. They go down with [`Cluster::down`], when it is dropped, and when the process ends in any way.
pub struct Cluster {
    nodes: Vec<Node>,
    links: Arc<tokio::sync::Mutex<Links>>,
    mechanism: CutMechanism,
    packet_mechanism: Option<PacketMechanism>,
    next_probe: AtomicU64,
    /// None where clients come from where the controller does.
    clients: Option<ClientsEnd>,
    machinery: Mutex<Option<Machinery>>,
}

/// What is wrong with links.
struct Links {
    cuts: Cuts,
    /// None where packets are never disturbed, and once the cluster is down.
    disturbances: Option<Disturbances>,
}

/// What holds the nodes up.
enum Machinery {
    Local(LocalMachinery),
    Hosts(Vec<Host>),
}

/// What holds local nodes up. Fields are dropped in this order: the nodes first, the subnet's number last.
struct LocalMachinery {
    locals: Vec<LocalNode>,
    _switch: Switch,
    _subnet: Subnet,
}

impl Cluster {
    /// Brings up a switch and all nodes; returns when every node's agent answers. To be called within a tokio runtime.
    pub async fn up(sandbox: &Sandbox, options: ClusterOptions) -> Result<Cluster, ClusterError> {
        start::check_names(&options.names)?;
        let dirs = start::prepare_folders(&options.folder, &options.names)?;
        let full = || ClusterError::Options("255 clusters are up already; take some down".into());
        let subnet = sandbox.take_subnet().ok_or_else(full)?;
        // A caller that gives up halfway gets rid of a whole cluster, not of loose parts.
        completed(start::come_up(subnet, options, dirs)).await
    }

    /// Reaches machines by ssh and makes nodes of them; returns when every node's agent answers. To be called within a tokio runtime.
    ///
    /// # Errors
    /// Which machine cannot be a node, why, and what to do.
    pub async fn reach(options: HostsOptions) -> Result<Cluster, ClusterError> {
        start::check_names(&options.names)?;
        let (names, hosts) = (options.names.len(), options.hosts.len());
        if names != hosts {
            return Err(ClusterError::Options(format!(
                "{names} nodes on {hosts} machines; there must be one for each"
            )));
        }
        let dirs = start::prepare_folders(&options.folder, &options.names)?;
        completed(hosted::come_up(options, dirs)).await
    }

    /// The nodes, in the order of their names in the options.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// How links are cut here.
    pub fn mechanism(&self) -> CutMechanism {
        self.mechanism
    }

    /// How packets are disturbed here, where they can be.
    pub fn packet_mechanism(&self) -> Option<PacketMechanism> {
        self.packet_mechanism
    }

    /// Cuts all of the links, or none after an error. Once it returns, no packet passes; established connections stay
    /// open on both sides and go silent. The cutting is completed even if the caller stops waiting for it.
    pub async fn cut(&self, links: &[Link]) -> Result<(), ClusterError> {
        let (links, all) = (self.ends(links)?, Arc::clone(&self.links));
        completed(async move { all.lock().await.cut(&links).await }).await
    }

    /// Takes back one cut of each of the links; those that no other fault has cut work again. Returns how many packets
    /// the rules have dropped on these links since each was first cut, or none where the mechanism does not count.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotCut`] before anything is changed; otherwise the links of the nodes that failed stay cut.
    pub async fn heal(&self, links: &[Link]) -> Result<Option<u64>, ClusterError> {
        let (links, all) = (self.ends(links)?, Arc::clone(&self.links));
        completed(async move { all.lock().await.heal(&links).await }).await
    }

    /// How many packets the rules have dropped on these links since each was first cut, while they are; none where the
    /// mechanism does not count.
    pub async fn dropped(&self, links: &[Link]) -> Result<Option<u64>, ClusterError> {
        let links = self.ends(links)?;
        self.links.lock().await.cuts.dropped(&links).await
    }

    /// Disturbs the packets of all of its links, or of none after an error. Others on the same links stay: a packet passes
    /// through the conditions of each. Established connections meet them too; the controller's never do.
    pub async fn disturb(&self, disturbance: &Disturbance) -> Result<(), ClusterError> {
        let (links, all) = (self.indices(&disturbance.links)?, Arc::clone(&self.links));
        let (number, conditions) = (disturbance.number, disturbance.conditions);
        completed(async move { all.lock().await.disturbances()?.add(number, &links, conditions).await }).await
    }

    /// Takes the disturbance of this number away. What it held back arrives at once. One that is not there is none to miss.
    ///
    /// # Errors
    ///
    /// Of the first node that failed; the others did their part.
    pub async fn calm(&self, number: u64) -> Result<(), ClusterError> {
        let all = Arc::clone(&self.links);
        completed(async move { all.lock().await.disturbances()?.remove(number).await }).await
    }

    /// What was done to packets of these links since the cluster is up; none where the mechanism does not count.
    pub async fn packet_counters(&self, links: &[Link]) -> Result<Option<PacketCounters>, ClusterError> {
        let links = self.indices(links)?;
        Ok(self.links.lock().await.disturbances.as_ref().and_then(|disturbances| disturbances.counters(&links)))
    }

    /// Those of the links that are disturbed.
    pub async fn disturbed(&self, links: &[Link]) -> Result<Vec<Link>, ClusterError> {
        let indices = self.ends(links)?;
        let all = self.links.lock().await;
        let is_disturbed = |link: &Indices| {
            all.disturbances.as_ref().is_some_and(|disturbances| disturbances.on(*link).next().is_some())
        };
        Ok(links.iter().zip(&indices).filter(|(_, link)| is_disturbed(link)).map(|(link, _)| link.clone()).collect())
    }

    /// Ends everything on the nodes and removes them; returns when nothing of them is left. Afterwards every call on a
    /// node fails. A second call does nothing.
    pub async fn down(&self) -> Result<(), ClusterError> {
        self.clients.iter().for_each(ClientsEnd::close);
        let machinery = self.machinery.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.links.lock().await.disturbances = None;
        match machinery {
            Some(machinery) => take_down(machinery).await,
            None => Ok(()),
        }
    }

    /// The ends of links between nodes.
    fn indices(&self, links: &[Link]) -> Result<Vec<Indices>, ClusterError> {
        match links.iter().find(|link| link.to == CLIENTS) {
            Some(link) => Err(ClusterError::NoSuchLink(link.clone())),
            None => self.ends(links),
        }
    }

    /// The ends of links between nodes, and from nodes to the clients, who stand behind the last node.
    fn ends(&self, links: &[Link]) -> Result<Vec<Indices>, ClusterError> {
        let to_clients = |link: &&Link| link.to == CLIENTS && self.clients.is_none();
        if let Some(link) = links.iter().find(to_clients) {
            return Err(ClusterError::WithoutClients(link.clone()));
        }
        let node = |name: &str| self.nodes.iter().position(|node| node.name == name);
        let end = |name: &str| if name == CLIENTS { Some(self.nodes.len()) } else { node(name) };
        let pair = |link: &Link| match (node(&link.from), end(&link.to)) {
            (Some(from), Some(to)) if from != to => Ok((from, to)),
            _ => Err(ClusterError::NoSuchLink(link.clone())),
        };
        links.iter().map(pair).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.clients.iter().for_each(ClientsEnd::close);
        let machinery = self.machinery.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = machinery.map(Machinery::down) {
            tracing::error!(%error, "something of a cluster stays behind until squall ends");
        }
    }
}

impl Links {
    fn disturbances(&mut self) -> Result<&mut Disturbances, ClusterError> {
        let reason = "the cluster was not brought up for it, or is down";
        self.disturbances.as_mut().ok_or_else(|| ClusterError::Packets { reason: reason.into() })
    }

    async fn cut(&mut self, links: &[Indices]) -> Result<(), ClusterError> {
        let cut = self.cuts.cut(links).await;
        self.cut_disturbed();
        cut
    }

    async fn heal(&mut self, links: &[Indices]) -> Result<Option<u64>, ClusterError> {
        let healed = self.cuts.heal(links).await;
        self.cut_disturbed();
        healed
    }

    /// Cuts the disturbed ways of the links that are cut, where the cut of the links does not reach them.
    fn cut_disturbed(&self) {
        if let (Some(disturbances), Some(cut)) = (&self.disturbances, self.cuts.of_first_links()) {
            disturbances.cut_exactly(cut);
        }
    }
}

impl Machinery {
    fn down(self) -> Result<(), ClusterError> {
        match self {
            Machinery::Local(local) => local.down(),
            Machinery::Hosts(hosts) => {
                hosts.iter().for_each(Host::close);
                // All of them, also when one is lost.
                hosts.into_iter().map(Host::end).fold(Ok(()), Result::and).map_err(ClusterError::Down)
            }
        }
    }
}

impl LocalMachinery {
    fn down(self) -> Result<(), ClusterError> {
        let deadline = Instant::now() + DOWN_TIMEOUT;
        self.locals.iter().for_each(LocalNode::kill);
        let ended = self.locals.iter().map(|local| local.await_end(deadline));
        ended.fold(Ok(()), Result::and).map_err(ClusterError::Down)
    }
}

/// [`Machinery::down`] where waiting is allowed.
async fn take_down(machinery: Machinery) -> Result<(), ClusterError> {
    let taken = tokio::task::spawn_blocking(move || machinery.down()).await;
    taken.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// Runs to the end, also when whoever waits for it is dropped: rules and their record must not part.
async fn completed<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(work).await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.address)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("nodes", &self.nodes)
            .field("mechanism", &self.mechanism)
            .finish_non_exhaustive()
    }
}
