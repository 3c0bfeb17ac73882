//! A target on a cluster: its servers, started, killed, paused and asked.

mod disk;
mod members;
mod queued;
mod ration;
mod rot;

pub use members::{Changed, Joined};
pub use ration::Rationed;
pub use rot::DataCopy;

use crate::clock::{ClockReading, ClocksSet, Skew};
use crate::cluster::{Cluster, ClusterError, Link, Node};
use crate::disk::Model;
use crate::remote::{Awaited, CommandLine, DaemonSpec, ProcessState, RemoteError, Scope, Signal};
use crate::rot::Change;
use crate::target::{Status, Target};
use futures_util::future::join_all;
use members::Roster;
use ration::Ration;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long a signal may take to show in the state of a process.
const STATE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may take to end in order, or its data to be removed.
const END_TIMEOUT: Duration = Duration::from_secs(20);

/// How often a condition is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What can go wrong with the servers of a target.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The node could not do it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A server ended by itself.
    #[error("the server of {node} is {state}; its log {log} says why")]
    Ended {
        /// The node.
        node: String,
        /// Its state.
        state: ProcessState,
        /// The log file.
        log: String,
    },
    /// A server runs although it should not.
    #[error("the server of {node} is {state}; stop it before its data are touched")]
    NotEnded {
        /// The node.
        node: String,
        /// Its state.
        state: ProcessState,
    },
    /// A server is not there although it was started.
    #[error("{node} has no server that was started")]
    NotStarted {
        /// The node.
        node: String,
    },
    /// The members of the cluster were not changed as they were to be.
    #[error("the members were not changed: {why}")]
    NotChanged {
        /// Why not.
        why: String,
    },
    /// The files of a server do not allow that they rot so.
    #[error("{node}: {reason}")]
    NothingToRot {
        /// The node.
        node: String,
        /// Why not.
        reason: String,
    },
    /// The cluster does not serve.
    #[error("the cluster did not serve within {} s: {reason}", .after.as_secs_f64())]
    NotServing {
        /// How long it was waited for.
        after: Duration,
        /// What was still missing.
        reason: String,
    },
}

/// A target's servers on a cluster's nodes.
pub struct Deployment {
    cluster: Cluster,
    target: Arc<dyn Target>,
    /// How many of the nodes, the first ones, are members when the cluster begins; the others are spares.
    founders: usize,
    /// The process id of each node's server; 0 where none was started yet.
    pids: Vec<Mutex<u32>>,
    /// The links that are cut, each as often as it was.
    cut: Mutex<Vec<Link>>,
    /// What the disks of the nodes forget; none where the servers write to the machine's own.
    disks: OnceLock<Model>,
    /// The nodes whose servers get little processor time.
    rations: Mutex<BTreeMap<String, Ration>>,
    /// Who belongs to the cluster.
    roster: Roster,
    /// What has rotted of the files of nodes, and was neither undone nor put back.
    rotten: Mutex<BTreeMap<String, Vec<Change>>>,
}

impl Deployment {
    /// The target on the cluster, with no server started.
    pub fn new(cluster: Cluster, target: Arc<dyn Target>) -> Deployment {
        let founders = cluster.nodes().len();
        Deployment::with_spares(cluster, target, founders)
    }

    /// As [`Deployment::new`], but only the first `founders` nodes are members when the cluster begins. The others are spares: no server
    /// is started there until one joins.
    pub fn with_spares(cluster: Cluster, target: Arc<dyn Target>, founders: usize) -> Deployment {
        let all = cluster.nodes().len();
        let founders = founders.min(all);
        let pids = cluster.nodes().iter().map(|_| Mutex::new(0)).collect();
        let roster = Roster::of(founders, all - founders);
        let (cut, disks, rations, rotten) = Default::default();
        Deployment { cluster, target, founders, pids, cut, disks, rations, roster, rotten }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The target.
    pub fn target(&self) -> &Arc<dyn Target> {
        &self.target
    }

    /// The nodes that the cluster began with, which clients ask: spares are none of them.
    pub fn nodes(&self) -> &[Node] {
        &self.all()[..self.founders]
    }

    /// The nodes that are no members until somebody lets them join.
    pub fn spares(&self) -> &[Node] {
        &self.all()[self.founders..]
    }

    /// All nodes, spares included.
    pub fn all(&self) -> &[Node] {
        self.cluster.nodes()
    }

    /// The files that the server of `node` logs to.
    pub fn logs(&self, node: &Node) -> Vec<PathBuf> {
        let DaemonSpec { stdout, stderr, .. } = self.target.daemon(node, self.nodes());
        let (stdout, stderr) = (node.outside(&stdout), node.outside(&stderr));
        if stdout == stderr { vec![stderr] } else { vec![stderr, stdout] }
    }

    fn place(&self, node: &str) -> Result<usize, DeployError> {
        let place = self.all().iter().position(|other| other.name == node);
        place.ok_or_else(|| DeployError::NotStarted { node: node.into() })
    }

    fn server(&self, node: &str) -> Result<(&Node, u32), DeployError> {
        let place = self.place(node)?;
        match *self.pids[place].lock().unwrap_or_else(PoisonError::into_inner) {
            0 => Err(DeployError::NotStarted { node: node.into() }),
            pid => Ok((&self.all()[place], pid)),
        }
    }

    /// How the server at this place is started: as one of those that the cluster began with, or as one that has joined it.
    fn daemon(&self, place: usize) -> DaemonSpec {
        self.roster.server(place).unwrap_or_else(|| self.target.daemon(&self.all()[place], self.nodes()))
    }

    /// Starts the server of `node`.
    pub async fn start(&self, node: &str) -> Result<(), DeployError> {
        let place = self.place(node)?;
        let pid = self.all()[place].remote.start(&self.daemon(place)).await?;
        *self.pids[place].lock().unwrap_or_else(PoisonError::into_inner) = pid;
        Ok(())
    }

    /// Starts the server of every node but the spares.
    pub async fn start_all(&self) -> Result<(), DeployError> {
        for node in self.nodes() {
            self.start(&node.name).await?;
        }
        Ok(())
    }

    /// Whether the server of `node` was started and has not ended.
    async fn has_server(&self, node: &str) -> Result<bool, DeployError> {
        let place = self.place(node)?;
        if *self.pids[place].lock().unwrap_or_else(PoisonError::into_inner) == 0 {
            return Ok(false);
        }
        Ok(!matches!(self.state(node).await?, ProcessState::Gone { .. }))
    }

    /// The state of the server of `node`.
    pub async fn state(&self, node: &str) -> Result<ProcessState, DeployError> {
        let (node, pid) = self.server(node)?;
        Ok(node.remote.state(pid).await?)
    }

    /// Sends SIGKILL to the server of `node` and waits until it is gone.
    ///
    /// # Errors
    /// [`DeployError::Ended`] when it has ended by itself before: that must not pass for a kill.
    pub async fn kill(&self, node: &str) -> Result<ProcessState, DeployError> {
        self.refuse_ended(node).await?;
        self.signal(node, Signal::SIGKILL, Awaited::Gone).await
    }

    /// Sends SIGTERM to the server of `node` and waits until it has ended in order.
    ///
    /// # Errors
    /// As for [`Deployment::kill`].
    pub async fn stop(&self, node: &str) -> Result<ProcessState, DeployError> {
        self.stop_within(node, END_TIMEOUT).await
    }

    /// As [`Deployment::stop`], for so long at most.
    ///
    /// # Errors
    /// As for [`Deployment::kill`]; [`RemoteError::NotReached`] when it goes on all the same.
    pub async fn stop_within(&self, node: &str, patience: Duration) -> Result<ProcessState, DeployError> {
        self.refuse_ended(node).await?;
        let (node, pid) = self.server(node)?;
        node.remote.signal(pid, Signal::SIGTERM, Scope::Process).await?;
        Ok(node.remote.await_state(pid, Awaited::Gone, patience).await?)
    }

    /// Removes all data of the server of `node`, which has ended: when it is started again, it has never run.
    ///
    /// # Errors
    /// [`DeployError::NotEnded`] when it has not.
    pub async fn wipe(&self, node: &str) -> Result<(), DeployError> {
        if self.has_server(node).await? {
            return Err(DeployError::NotEnded { node: node.into(), state: self.state(node).await? });
        }
        let node = &self.all()[self.place(node)?];
        let data = self.target.data(node).display().to_string();
        let command = match self.disks.get() {
            None => CommandLine::new(["rm", "-rf", "--", &data]),
            // The disk itself is mounted there.
            Some(_) => CommandLine::new(["find", &data, "-mindepth", "1", "-delete"]),
        };
        node.remote.run(&command, END_TIMEOUT).await?.expect_success(&node.name, &command)?;
        Ok(())
    }

    /// Sends SIGSTOP to the server of `node` and waits until it stands still.
    ///
    /// # Errors
    /// As for [`Deployment::kill`].
    pub async fn pause(&self, node: &str) -> Result<ProcessState, DeployError> {
        self.refuse_ended(node).await?;
        self.signal(node, Signal::SIGSTOP, Awaited::Stopped).await
    }

    /// Sends SIGCONT to the server of `node` and waits until it runs.
    pub async fn resume(&self, node: &str) -> Result<ProcessState, DeployError> {
        self.signal(node, Signal::SIGCONT, Awaited::Running).await
    }

    /// Lets the clocks of the server of `node` go wrong so, and those of the next one that is started there.
    ///
    /// # Errors
    /// As for [`Deployment::kill`], but for clocks that are to be right.
    pub async fn skew_clocks(&self, node: &str, skew: Skew) -> Result<ClocksSet, DeployError> {
        if skew != Skew::None {
            self.refuse_ended(node).await?;
        }
        Ok(self.all()[self.place(node)?].remote.skew_clocks(skew).await?)
    }

    /// Makes the server of `node` read its clocks.
    ///
    /// # Errors
    /// As for [`Deployment::kill`].
    pub async fn read_clocks(&self, node: &str) -> Result<ClockReading, DeployError> {
        self.refuse_ended(node).await?;
        let (at, pid) = self.server(node)?;
        match at.remote.read_clocks(pid).await {
            Ok(reading) => Ok(reading),
            Err(error) => {
                self.refuse_ended(node).await?; // it may have ended meanwhile
                Err(error.into())
            }
        }
    }

    async fn signal(&self, node: &str, signal: Signal, wanted: Awaited) -> Result<ProcessState, DeployError> {
        let (node, pid) = self.server(node)?;
        node.remote.signal(pid, signal, Scope::Session).await?;
        Ok(node.remote.await_state(pid, wanted, STATE_TIMEOUT).await?)
    }

    /// Cuts links; see [`Cluster::cut`].
    pub async fn cut(&self, links: &[Link]) -> Result<(), ClusterError> {
        // Noted before: a link that is about to be cut must not be taken for a whole one.
        self.cut_links().extend_from_slice(links);
        let result = self.cluster.cut(links).await;
        if result.is_err() {
            self.forget_cut(links);
        }
        result
    }

    /// Takes one cut of each link back; see [`Cluster::heal`].
    pub async fn heal(&self, links: &[Link]) -> Result<Option<u64>, ClusterError> {
        let dropped = self.cluster.heal(links).await?;
        self.forget_cut(links);
        Ok(dropped)
    }

    /// Those of the links that nothing cuts.
    pub fn uncut(&self, links: &[Link]) -> Vec<Link> {
        let cut = self.cut_links();
        links.iter().filter(|link| !cut.contains(link)).cloned().collect()
    }

    fn cut_links(&self) -> MutexGuard<'_, Vec<Link>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget_cut(&self, links: &[Link]) {
        let mut cut = self.cut_links();
        for link in links {
            if let Some(place) = cut.iter().position(|other| other == link) {
                cut.swap_remove(place);
            }
        }
    }

    /// What the server of `node` says of itself.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    pub async fn status(&self, node: &Node) -> Result<Status, String> {
        self.target.status(node, self.all()).await
    }

    /// What every server says of itself, spares included, in the order of the nodes; all are asked at the same time.
    pub async fn statuses(&self) -> Vec<Result<Status, String>> {
        join_all(self.all().iter().map(|node| self.status(node))).await
    }

    /// Who leads: the leader of the newest term of which any server knows one. A member that is cut off may be in a newer
    /// term without a leader, which says nothing about the others.
    pub async fn leader(&self) -> Option<String> {
        let known = self.statuses().await.into_iter().flatten();
        known.filter(|status| status.leader.is_some()).max_by_key(|status| status.term).and_then(|status| status.leader)
    }

    /// Waits until the server of `node` answers, after it was started or let go on.
    pub async fn await_answer(&self, node: &str, timeout: Duration) -> Result<Duration, DeployError> {
        self.await_status(node, timeout, |_| None).await
    }

    /// Waits until the server of `node` answers and knows who leads, so that it serves.
    pub async fn await_leader(&self, node: &str, timeout: Duration) -> Result<Duration, DeployError> {
        let without_leader = |status: &Status| status.leader.is_none().then(|| "it knows no leader".to_owned());
        self.await_status(node, timeout, without_leader).await
    }

    /// Waits for an answer of the server of `node` in which nothing is missing.
    async fn await_status(
        &self,
        node: &str,
        timeout: Duration,
        is_missing: impl Fn(&Status) -> Option<String>,
    ) -> Result<Duration, DeployError> {
        let begin = Instant::now();
        let place = self.place(node)?;
        loop {
            let reason = match self.status(&self.all()[place]).await {
                Ok(status) => match is_missing(&status) {
                    None => return Ok(begin.elapsed()),
                    Some(reason) => reason,
                },
                Err(reason) => reason,
            };
            self.refuse_ended(node).await?;
            self.go_on_waiting(begin, timeout, || format!("{node}: {reason}")).await?;
        }
    }

    /// Waits until all servers answer and agree on a leader, but for those of spares.
    pub async fn await_agreement(&self, timeout: Duration) -> Result<Duration, DeployError> {
        let begin = Instant::now();
        loop {
            let statuses = self.statuses().await;
            let Some(reason) = disagreement(self.nodes(), &statuses) else { return Ok(begin.elapsed()) };
            for node in self.nodes() {
                self.refuse_ended(&node.name).await?;
            }
            self.go_on_waiting(begin, timeout, || reason).await?;
        }
    }

    async fn refuse_ended(&self, node: &str) -> Result<(), DeployError> {
        match self.state(node).await? {
            state @ ProcessState::Gone { .. } => {
                let place = self.place(node)?;
                let log = self.nodes()[place].outside(&self.daemon(place).stderr).display().to_string();
                Err(DeployError::Ended { node: node.into(), state, log })
            }
            ProcessState::Running | ProcessState::Stopped => Ok(()),
        }
    }

    async fn go_on_waiting(
        &self,
        begin: Instant,
        timeout: Duration,
        reason: impl FnOnce() -> String,
    ) -> Result<(), DeployError> {
        if begin.elapsed() >= timeout {
            return Err(DeployError::NotServing { after: timeout, reason: reason() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }
}

/// Why the servers do not yet agree on one leader; `None`: they do.
fn disagreement(nodes: &[Node], statuses: &[Result<Status, String>]) -> Option<String> {
    let mut agreed: Option<&Status> = None;
    for (node, status) in nodes.iter().zip(statuses) {
        let status = match status {
            Ok(status) if status.leader.is_some() => status,
            Ok(_) => return Some(format!("{} knows no leader", node.name)),
            Err(reason) => return Some(format!("{}: {reason}", node.name)),
        };
        match agreed {
            Some(other) if other != status => return Some(format!("{} follows another leader", node.name)),
            _ => agreed = Some(status),
        }
    }
    None
}
