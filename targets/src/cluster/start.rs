//! How a cluster comes up: checked, furnished, greeted.

use super::clients_end::ClientsEnd;
use super::cuts::{self, CutMechanism, Cuts};
use super::disturbances::{self, Disturbances, PacketFaults, Ready};
use super::{CLIENTS, Cluster, ClusterError, ClusterOptions, Links, LocalMachinery, Machinery, NODES_MAX, Node};
use crate::local::{LINK, LocalNode, NodePlan, Started, Switch};
use crate::remote::{AgentRemote, CommandLog, RemoteError};
use crate::sandbox::Subnet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{self, Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// Whether these can be the names of a cluster's nodes.
pub(super) fn check_names(names: &[String]) -> Result<(), ClusterError> {
    let bad = |reason: String| Err(ClusterError::Options(reason));
    if names.is_empty() || names.len() > NODES_MAX {
        return bad(format!("{} nodes; from 1 to {NODES_MAX} are possible", names.len()));
    }
    for (i, name) in names.iter().enumerate() {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || name.is_empty() || name.len() > 63 || name.starts_with('-') {
            return bad(format!("the name {name:?} is no hostname; use letters, digits and -"));
        }
        if name == CLIENTS {
            return bad(format!("no node can be called {CLIENTS}, which are those who ask the nodes"));
        }
        if names[..i].contains(name) {
            return bad(format!("two nodes of the name {name}"));
        }
    }
    Ok(())
}

/// Makes the nodes' folders and returns their absolute paths.
pub(super) fn prepare_folders(folder: &Path, names: &[String]) -> Result<Vec<PathBuf>, ClusterError> {
    let prepare = |name: &String| {
        let path = folder.join(name);
        let made = fs::create_dir_all(&path).and_then(|()| fs::canonicalize(&path));
        made.map_err(|source| ClusterError::Folder { path, source })
    };
    names.iter().map(prepare).collect()
}

/// The nodes' `/etc/hosts`.
fn hosts(names: &[String], switch: &Switch) -> String {
    let nodes = names.iter().enumerate().map(|(i, name)| format!("{} {name}\n", switch.address(i)));
    std::iter::once("127.0.0.1 localhost\n".to_owned()).chain(nodes).collect()
}

/// Brings up everything in the subnet, all nodes at the same time.
pub(super) async fn come_up(
    subnet: Subnet,
    options: ClusterOptions,
    dirs: Vec<PathBuf>,
) -> Result<Cluster, ClusterError> {
    let refused = |reason: String| ClusterError::Local { node: "the switch".into(), reason };
    let agent = path::absolute(&options.agent).map_err(|error| ClusterError::Options(format!("the agent: {error}")))?;
    let switch = Switch::up(subnet.number).map_err(|error| refused(error.to_string()))?;
    let hosts = hosts(&options.names, &switch);
    let clients = ClientsEnd::open(switch.clients()).map_err(|error| refused(format!("the clients' end: {error}")))?;
    let mut coming = Vec::new();
    for (i, dir) in dirs.into_iter().enumerate() {
        let (name, address, port) = (options.names[i].clone(), switch.address(i), switch.port(i));
        let tunnel = options.packets.needs_tunnels();
        let plan = NodePlan { name, address, dir, port, agent: agent.clone(), hosts: hosts.clone(), tunnel };
        // What the first node's kernel and programs can do, those of the others can.
        let (cut, packets) = if i == 0 { (options.cut, options.packets) } else { NOT_TRIED };
        coming.push(tokio::spawn(bring_up(
            plan,
            clients.address,
            cut != Some(CutMechanism::Neighbours),
            packets.tries_netem(),
        )));
    }
    let mut machinery = LocalMachinery { locals: Vec::new(), _switch: switch, _subnet: subnet };
    let (mut nodes, mut ready, mut iptables, mut failed) = (Vec::new(), Vec::new(), None, None);
    for node in coming {
        match node.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) {
            Ok(up) => {
                machinery.locals.push(up.local);
                nodes.push(up.node);
                ready.push(up.ready);
                iptables = iptables.or(up.iptables);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let chosen = async {
        let mechanism = failed.map_or_else(|| choose(options.cut, &iptables), Err)?;
        Ok((mechanism, Disturbances::ready(options.packets, &nodes, ready).await?))
    };
    let (mechanism, disturbances) = match chosen.await {
        Ok(chosen) => chosen,
        Err(error) => {
            super::take_down(Machinery::Local(machinery)).await?;
            return Err(error);
        }
    };
    let mut has_chain = vec![false; nodes.len()];
    has_chain[0] = matches!(iptables, Some(Ok(())));
    let cuts = Cuts::new(nodes.clone(), clients.address, mechanism, has_chain);
    Ok(Cluster {
        nodes,
        packet_mechanism: disturbances.as_ref().map(Disturbances::mechanism),
        links: Arc::new(tokio::sync::Mutex::new(Links { cuts, disturbances })),
        mechanism,
        next_probe: AtomicU64::new(0),
        clients: Some(clients),
        machinery: Mutex::new(Some(Machinery::Local(machinery))),
    })
}

/// A node that has just come up; of the first one also what works there.
struct Up {
    local: LocalNode,
    node: Node,
    iptables: Option<Result<(), RemoteError>>,
    ready: Ready,
}

/// What is asked of the nodes behind the first one.
const NOT_TRIED: (Option<CutMechanism>, PacketFaults) = (Some(CutMechanism::Neighbours), PacketFaults::Never);

async fn bring_up(plan: NodePlan, clients: Ipv4Addr, try_iptables: bool, try_netem: bool) -> Result<Up, ClusterError> {
    let NodePlan { name, address, dir, .. } = plan.clone();
    let folder = |source| ClusterError::Folder { path: dir.clone(), source };
    let log = CommandLog::open(&dir).map_err(folder)?;
    let Started { node: local, agent: control, tunnel } = LocalNode::start(plan).await?;
    control.set_nonblocking(true).map_err(folder)?;
    let stream = tokio::net::UnixStream::from_std(control).map_err(folder)?;
    let (remote, notices) = AgentRemote::greet(&name, stream, log, local.obituary()).await?;
    for notice in notices {
        tracing::warn!(node = name, "{notice}");
    }
    let iptables = if try_iptables { Some(cuts::try_iptables(&name, &remote).await) } else { None };
    let (link, logs) = (LINK.to_owned(), dir.clone());
    let node = Node { name, address, clients: Some(clients), link, dir, logs, remote: Arc::new(remote) };
    let netem = if try_netem { Some(disturbances::try_netem(&node).await) } else { None };
    Ok(Up { local, node, iptables, ready: Ready { netem, tunnel } })
}

/// The mechanism asked for, if it works; the better one that works, if none was.
fn choose(
    wanted: Option<CutMechanism>,
    iptables: &Option<Result<(), RemoteError>>,
) -> Result<CutMechanism, ClusterError> {
    match (wanted, iptables) {
        (Some(mechanism @ CutMechanism::Iptables), Some(Err(error))) => {
            let reason = format!("{error}; install iptables, or cut by neighbour entries, which need no program");
            Err(ClusterError::Mechanism { mechanism, reason })
        }
        (Some(mechanism), _) => Ok(mechanism),
        (None, Some(Ok(()))) => Ok(CutMechanism::Iptables),
        (None, _) => Ok(CutMechanism::Neighbours),
    }
}
