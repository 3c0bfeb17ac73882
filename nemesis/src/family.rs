//! The families of faults: how each is injected, shown to be in force, healed, and shown to be gone.

mod clock;
mod disk;
mod kill;
mod membership;
mod packet;
mod partition;
mod pause;
mod pause_client;
mod power;
mod queue;
mod restart;
pub mod rot;
mod starve;
mod stop;

use partition::Flaps;

use crate::clients::Clients;
use crate::fault::{Family, Fault};
use crate::shape::Cut;
use packet::Ticket;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use squall_targets::Deployment;
use squall_targets::client_process::ClientProcessError;
use squall_targets::cluster::Link;
use squall_targets::deployment::DeployError;
use squall_targets::remote::{ProcessState, RemoteError};
use std::sync::Arc;
use thiserror::Error;

/// A fault that could not be injected or healed, or not be shown to be.
#[derive(Debug, Error)]
pub enum FaultError {
    /// The servers or nodes could not do it.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The network could not do it.
    #[error(transparent)]
    Cluster(#[from] squall_targets::cluster::ClusterError),
    /// The clients could not do it.
    #[error(transparent)]
    Clients(#[from] ClientProcessError),
    /// It was done, but it does not show.
    #[error("{0}")]
    NotShown(String),
    /// It was done, but what it is good for did not come about.
    #[error("in vain: {0}")]
    InVain(String),
}

impl FaultError {
    /// Whether squall itself failed. A server that ended by itself, or that does not come back, is the target's affair, and so
    /// is a change of the members that is refused or not agreed upon; all else says nothing about the target.
    pub fn is_ours(&self) -> bool {
        match self {
            FaultError::Deploy(
                DeployError::Ended { .. } | DeployError::NotServing { .. } | DeployError::NotChanged { .. },
            ) => false,
            // Which files there are, the target decides.
            FaultError::Deploy(DeployError::NothingToRot { .. }) => false,
            FaultError::Deploy(DeployError::Remote(RemoteError::NotReached { state, .. })) => {
                !matches!(state, ProcessState::Gone { .. })
            }
            // A session may end at any moment.
            FaultError::Clients(ClientProcessError::Gone { .. }) => false,
            FaultError::InVain(_) => false,
            FaultError::Deploy(_) | FaultError::Cluster(_) | FaultError::Clients(_) | FaultError::NotShown(_) => true,
        }
    }
}

/// Does `work` for every node, also after it failed for one; the answer holds what shows it, or the first error. What
/// heals must not leave the other nodes behind.
async fn every<'a, W>(nodes: &'a [String], mut work: impl FnMut(&'a str) -> W) -> Result<Vec<String>, FaultError>
where
    W: Future<Output = Result<String, FaultError>>,
{
    let (mut evidence, mut failed) = (Vec::new(), None);
    for node in nodes {
        match work(node).await {
            Ok(shown) => evidence.push(shown),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(evidence), Err)
}

/// Whom a fault hits in the end: its nodes and what is cut between them, with all that was to be drawn.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The nodes.
    pub nodes: Vec<String>,
    /// The links that a partition cuts, or whose packets are disturbed; none for the other families.
    pub links: Vec<Link>,
    /// What tells a packet fault from others.
    pub packets: Ticket,
    /// The processes of clients; none where nodes are hit.
    pub clients: Vec<u64>,
    /// Of each node that loses its power the seed by which its last writes are torn; none where they are whole or not there.
    pub torn: Vec<Option<u64>>,
    /// By which seed the moments of kills in a crash loop are drawn; 0 for all other families.
    pub seed: u64,
    /// Of each node whose files rot the seed by which they do.
    pub seeds: Vec<u64>,
    /// What it does, for people.
    pub what: String,
}

/// What became of a fault while it was in force.
#[derive(Debug)]
pub struct Held {
    /// Of its links.
    flaps: Flaps,
    /// What was done meanwhile, for people; empty where nothing was.
    told: String,
    /// Why it could not be kept up.
    pub failed: Option<FaultError>,
}

impl Held {
    /// Nothing was to be done.
    pub fn still() -> Held {
        Held { flaps: Flaps::none(), told: String::new(), failed: None }
    }

    /// Something was done that is told so.
    fn told(told: String, failed: Option<FaultError>) -> Held {
        Held { told, failed, ..Held::still() }
    }

    /// What shows that the fault is healed, and before it what was done.
    fn and(&self, healed: String) -> String {
        if self.told.is_empty() { healed } else { format!("{}; {healed}", self.told) }
    }
}

/// What a fault does to these nodes of `all`.
pub fn hit(fault: &Fault, nodes: Vec<String>, all: &[String], rng: &mut ChaCha8Rng) -> Hit {
    let mut packets = Ticket::default();
    let (links, what) = match fault.family {
        Family::Partition => {
            let Cut { links, what } = fault.shape.cut(all, &nodes, rng);
            let flapping = fault.flapping.map(|every| format!(", flapping every {every}")).unwrap_or_default();
            (links, what + &flapping)
        }
        Family::Kill => (Vec::new(), format!("kill {}", nodes.join(", "))),
        Family::Pause | Family::PauseClient => (Vec::new(), format!("pause {}", nodes.join(", "))),
        Family::Clock => (Vec::new(), fault.skew.map(|skew| skew.told(&nodes)).unwrap_or_default()),
        Family::Power => (Vec::new(), format!("cut the power of {}", nodes.join(", "))),
        Family::Disk => (Vec::new(), fault.trouble.map(|trouble| trouble.told(&nodes)).unwrap_or_default()),
        Family::Queue => (Vec::new(), format!("pause {}, and let requests wait there", nodes.join(", "))),
        Family::Stop => (Vec::new(), format!("stop {}", nodes.join(", "))),
        Family::Starve => {
            let share = fault.cpu.map(|share| share.to_string()).unwrap_or_default();
            (Vec::new(), format!("starve {} to {share} of a processor", nodes.join(", ")))
        }
        Family::Restart => (Vec::new(), fault.restart.map(|restart| restart.told(&nodes)).unwrap_or_default()),
        Family::Membership => (Vec::new(), fault.change.map(|change| change.told(&nodes)).unwrap_or_default()),
        Family::Rot => (Vec::new(), fault.rot.as_ref().map(|rot| rot.told(&nodes)).unwrap_or_default()),
        Family::Packet => {
            packets = Ticket::of(rng.random());
            let what = fault.packets.map(|packets| packets.to_string()).unwrap_or_default();
            (fault.direction.links(all, &nodes), format!("{what} {}", fault.direction.told(&nodes)))
        }
    };
    let torn = if fault.family == Family::Power { power::tear(nodes.len(), rng) } else { Vec::new() };
    let seed = if fault.family == Family::Restart { rng.random() } else { 0 };
    let seeds = if fault.family == Family::Rot { nodes.iter().map(|_| rng.random()).collect() } else { Vec::new() };
    Hit { nodes, links, packets, clients: Vec::new(), torn, seed, seeds, what }
}

/// What the pause of these clients is.
pub fn hit_clients(clients: Vec<u64>) -> Hit {
    let numbers: Vec<String> = clients.iter().map(u64::to_string).collect();
    let what = match &numbers[..] {
        [one] => format!("pause the client process {one}"),
        all => format!("pause the client processes {}", all.join(", ")),
    };
    let (nodes, links, packets, torn, seed, seeds) = Default::default();
    Hit { nodes, links, packets, clients, torn, seed, seeds, what }
}

/// What faults act upon.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// The servers and the nodes.
    pub deployment: &'a Deployment,
    /// The clients.
    pub clients: &'a dyn Clients,
}

/// Injects a fault and waits until it shows; the answer is what shows it.
pub async fn inject(fault: &Fault, hit: &Hit, stage: Stage<'_>) -> Result<String, FaultError> {
    let Stage { deployment, clients } = stage;
    match fault.family {
        Family::Partition => partition::inject(&hit.links, deployment).await,
        Family::Kill => kill::inject(&hit.nodes, deployment).await,
        Family::Pause => pause::inject(&hit.nodes, deployment).await,
        Family::PauseClient => pause_client::inject(&hit.clients, clients).await,
        Family::Clock => match fault.skew {
            Some(skew) => clock::inject(skew, &hit.nodes, deployment).await,
            None => Err(FaultError::NotShown("nothing was said to be wrong with the clocks".into())),
        },
        Family::Power => power::inject(&hit.nodes, &hit.torn, deployment).await,
        Family::Disk => match fault.trouble {
            Some(trouble) => disk::inject(trouble, &hit.nodes, deployment).await,
            None => Err(FaultError::NotShown("nothing was said to be wrong with the disks".into())),
        },
        Family::Membership => match fault.change {
            Some(change) => membership::inject(change, &hit.nodes, deployment).await,
            None => Err(FaultError::NotShown("nothing was said of how the members change".into())),
        },
        Family::Rot => match &fault.rot {
            Some(rot) => rot::inject(rot, &hit.nodes, &hit.seeds, deployment).await,
            None => Err(FaultError::NotShown("nothing was said to be wrong with the files".into())),
        },
        Family::Packet => match fault.packets {
            Some(packets) => packet::inject(packets, hit, deployment).await,
            None => Err(FaultError::NotShown("nothing was said to be wrong with packets".into())),
        },
        Family::Queue => queue::inject(&hit.nodes, deployment, clients).await,
        Family::Stop => stop::inject(&hit.nodes, deployment).await,
        Family::Restart => match fault.restart {
            Some(restart) => restart::inject(restart, &hit.nodes, deployment).await,
            None => Err(FaultError::NotShown("nothing was said of how servers restart".into())),
        },
        Family::Starve => match fault.cpu {
            Some(share) => starve::inject(share, &hit.nodes, deployment).await,
            None => Err(FaultError::NotShown("nothing was said of how much is left of a processor".into())),
        },
    }
}

/// Keeps a fault that is in force until `end` comes; the links of a flapping partition come and go meanwhile, and servers that
/// restart end and start. Clocks must still be wrong at the end: a server may have been started meanwhile. Requests are let go at the
/// end that are to wait.
pub async fn hold(
    fault: &Fault,
    hit: &Hit,
    deployment: &Arc<Deployment>,
    clients: &dyn Clients,
    end: impl Future<Output = ()>,
) -> Held {
    match (fault.family, fault.flapping, fault.restart) {
        (Family::Partition, Some(every), _) => {
            let mut flaps = partition::flap(&hit.links, every, deployment, end).await;
            let failed = flaps.failed.take();
            Held { flaps, failed, ..Held::still() }
        }
        (Family::Clock, ..) => {
            end.await;
            Held { failed: clock::look(&hit.nodes, deployment).await.err(), ..Held::still() }
        }
        (Family::Restart, _, Some(restart)) => restart::hold(restart, &hit.nodes, hit.seed, deployment, end).await,
        (Family::Queue, ..) => {
            let all: Vec<String> = deployment.nodes().iter().map(|node| node.name.clone()).collect();
            queue::hold(&hit.nodes, &all, deployment, clients, end).await
        }
        _ => {
            end.await;
            Held::still()
        }
    }
}

/// Heals a fault and waits until it is gone; the answer is what shows it. `held` is what [`hold`] told.
pub async fn heal(fault: &Fault, hit: &Hit, held: &Held, stage: Stage<'_>) -> Result<String, FaultError> {
    let Stage { deployment, clients } = stage;
    match fault.family {
        Family::Partition => partition::heal(&hit.links, &held.flaps, deployment).await,
        Family::Kill => kill::heal(&hit.nodes, deployment).await,
        Family::Pause => pause::heal(&hit.nodes, deployment).await,
        Family::PauseClient => pause_client::heal(&hit.clients, clients).await,
        Family::Clock => clock::heal(&hit.nodes, deployment).await,
        // The power is back since its loss was shown; what is left is what a kill leaves.
        Family::Power => kill::heal(&hit.nodes, deployment).await,
        Family::Disk => disk::heal(fault.trouble, &hit.nodes, deployment).await,
        Family::Membership => membership::heal(fault.change, &hit.nodes, deployment).await,
        Family::Rot => rot::heal(&hit.nodes, deployment, clients).await,
        Family::Packet => packet::heal(fault.packets, hit, deployment).await,
        Family::Stop => kill::heal(&hit.nodes, deployment).await,
        Family::Queue => Ok(held.and(queue::heal(&hit.nodes, deployment, clients).await?)),
        Family::Starve => starve::heal(&hit.nodes, deployment).await,
        Family::Restart => Ok(held.and(kill::heal(&hit.nodes, deployment).await?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_targets::remote::{Awaited, Exit};

    #[tokio::test]
    async fn the_other_nodes_get_their_turn_when_one_fails() {
        let nodes = ["n1", "n2", "n3"].map(String::from);
        let mut seen = Vec::new();
        let healed = every(&nodes, |node| {
            seen.push(node.to_owned());
            let failed = node == "n1";
            async move { if failed { Err(FaultError::NotShown("n1 hangs".into())) } else { Ok(node.into()) } }
        });
        assert_eq!(healed.await.unwrap_err().to_string(), "n1 hangs");
        assert_eq!(seen, nodes);
    }

    #[test]
    fn a_server_that_ends_by_itself_is_no_failure_of_squall() {
        let not_reached = |state| {
            let (node, pid, wanted) = ("n1".into(), 7, Awaited::Stopped);
            FaultError::Deploy(RemoteError::NotReached { node, pid, wanted, state }.into())
        };
        assert!(!not_reached(ProcessState::Gone { exit: Exit::Code(1) }).is_ours());
        assert!(not_reached(ProcessState::Running).is_ours());
        let lost = RemoteError::Lost { node: "n1".into(), reason: "killed".into() };
        assert!(FaultError::Deploy(lost.into()).is_ours());
        assert!(!FaultError::Clients(ClientProcessError::Gone { process: 7 }).is_ours());
        assert!(FaultError::NotShown("5 of 10 probes still arrive".into()).is_ours());
    }
}
