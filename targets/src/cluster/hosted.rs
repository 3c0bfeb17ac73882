//! How a cluster of machines comes up that are reached by ssh.

use super::cuts::{self, Cuts};
use super::disturbances::{self, Disturbances, Ready};
use super::{Cluster, ClusterError, CutMechanism, HostsOptions, Links, Machinery, Node};
use crate::hosts::{Arrival, Host, HostPlan, Program};
use crate::remote::{AgentRemote, CommandLine, CommandLog, RemoteError};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often each agent hears of its controller; what is said also tells that the node is there.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// How long a node may take to say through which link it reaches another.
const LINK_TIMEOUT: Duration = Duration::from_secs(10);

/// A node that was reached.
struct Up {
    host: Host,
    node: Node,
    from: Ipv4Addr,
}

/// Reaches all machines at the same time, and starts an agent on each.
pub(super) async fn come_up(options: HostsOptions, dirs: Vec<PathBuf>) -> Result<Cluster, ClusterError> {
    let agent = options.agent.clone();
    let program = blocking(move || Program::of(&agent)).await.map_err(ClusterError::Options)?;
    let program = Arc::new(program);
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let run = format!("{stamp}-{}", std::process::id());
    let coming: Vec<_> = options
        .names
        .iter()
        .zip(&options.hosts)
        .zip(dirs)
        .map(|((name, spec), folder)| {
            let (name, spec, run, program) = (name.clone(), spec.clone(), run.clone(), program.clone());
            tokio::spawn(reach(HostPlan { name, spec, run, folder, program }))
        })
        .collect();
    let (mut hosts, mut nodes, mut from, mut failed) = (Vec::new(), Vec::new(), Ipv4Addr::UNSPECIFIED, None);
    for node in coming {
        match node.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) {
            Ok(up) => {
                hosts.push(up.host);
                nodes.push(up.node);
                from = up.from;
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let ready = match failed {
        Some(error) => Err(error),
        None => furnish(&options, &mut nodes).await,
    };
    let disturbances = match ready {
        Ok(disturbances) => disturbances,
        Err(error) => {
            // The first error tells more than what follows from it.
            if let Err(worse) = super::take_down(Machinery::Hosts(hosts)).await {
                tracing::error!(error = %worse, "what had come up of a cluster did not go away");
            }
            return Err(error);
        }
    };
    let has_chain = vec![true; nodes.len()];
    let cuts = Cuts::new(nodes.clone(), from, CutMechanism::Iptables, has_chain);
    Ok(Cluster {
        nodes,
        packet_mechanism: disturbances.as_ref().map(Disturbances::mechanism),
        links: Arc::new(tokio::sync::Mutex::new(Links { cuts, disturbances })),
        mechanism: CutMechanism::Iptables,
        next_probe: AtomicU64::new(0),
        clients: None,
        machinery: Mutex::new(Some(Machinery::Hosts(hosts))),
    })
}

async fn reach(plan: HostPlan) -> Result<Up, ClusterError> {
    let (name, folder) = (plan.name.clone(), plan.folder.clone());
    let link = plan.spec.link.clone().unwrap_or_default();
    let wrong = |source| ClusterError::Folder { path: plan.folder.clone(), source };
    let log = CommandLog::open(&folder).map_err(wrong)?;
    let reached = plan.clone();
    let Arrival { host, agent, address, from, dir } = blocking(move || Host::reach(&reached)).await?;
    agent.set_nonblocking(true).map_err(wrong)?;
    let stream = tokio::net::UnixStream::from_std(agent).map_err(wrong)?;
    let greeted = AgentRemote::greet(&name, stream, log, host.obituary()).await;
    let (remote, notices) = match greeted {
        Ok(greeted) => greeted,
        Err(error) => {
            let _ = blocking(move || host.end()).await; // why it did not greet is the error
            let said = std::fs::read_to_string(folder.join("agent.log")).unwrap_or_default();
            let reason = if said.trim().is_empty() { error.to_string() } else { said.trim().to_owned() };
            return Err(ClusterError::Local { node: name, reason });
        }
    };
    for notice in notices {
        tracing::warn!(node = name, "{notice}");
    }
    let remote = Arc::new(remote);
    tokio::spawn({
        let remote = Arc::downgrade(&remote);
        async move {
            // Ends with the cluster, or when the node is lost, which its other callers tell.
            while let Some(remote) = remote.upgrade() {
                if let Err(RemoteError::Lost { .. }) = remote.beat().await {
                    return;
                }
                drop(remote);
                tokio::time::sleep(BEAT_EVERY).await;
            }
        }
    });
    Ok(Up { host, node: Node { name, address, clients: None, link, dir, logs: folder, remote }, from })
}

/// Tries what faults will need, on all nodes at the same time: no two machines are the same.
async fn furnish(options: &HostsOptions, nodes: &mut [Node]) -> Result<Option<Disturbances>, ClusterError> {
    for (place, node) in nodes.iter().enumerate() {
        if let Some(other) = nodes[..place].iter().find(|other| other.address == node.address) {
            let (one, two, address) = (&other.name, &node.name, node.address);
            return Err(ClusterError::Options(format!("{one} and {two} are one machine, {address}")));
        }
    }
    let tried = nodes.iter().map(|node| cuts::try_iptables(&node.name, &*node.remote));
    for tried in futures_util::future::join_all(tried).await {
        tried.map_err(|error| ClusterError::Mechanism {
            mechanism: CutMechanism::Iptables,
            reason: format!("{error}; install iptables there"),
        })?;
    }
    let mut ready = Vec::new();
    if options.packets.tries_netem() {
        let addresses: Vec<Ipv4Addr> = nodes.iter().map(|node| node.address).collect();
        for (place, node) in nodes.iter_mut().enumerate().filter(|(_, node)| node.link.is_empty()) {
            let peer = addresses[usize::from(place == 0).min(addresses.len() - 1)];
            node.link = find_link(node, peer).await?;
        }
    }
    for (place, node) in nodes.iter().enumerate() {
        let tries = options.packets.tries_netem() && place == 0;
        let netem = if tries { Some(disturbances::try_netem(node).await) } else { None };
        ready.push(Ready { netem, tunnel: None });
    }
    Disturbances::ready(options.packets, nodes, ready).await
}

/// The link through which a node reaches `peer`.
async fn find_link(node: &Node, peer: Ipv4Addr) -> Result<String, ClusterError> {
    let command = CommandLine::new(["ip", "-o", "-4", "route", "get", &peer.to_string()]);
    let output = node.remote.run(&command, LINK_TIMEOUT).await?.expect_success(&node.name, &command)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut words = said.split_whitespace().skip_while(|word| *word != "dev");
    let link = words.nth(1).map(str::to_owned);
    link.ok_or_else(|| {
        ClusterError::Options(format!("{}: no link leads to {peer}; write link=NAME behind its host", node.name))
    })
}

/// What blocks, on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
