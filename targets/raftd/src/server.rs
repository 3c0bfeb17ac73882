//! A member from its folder to its sockets: puts the parts together, starts and stops them.

use crate::core::{self, Core, Lease, StartError};
use crate::http;
use crate::node::{
    Feed, Handle, Inputs, Journal, MESSAGES_MAX, Member, Metrics, NodeError, REQUESTS_MAX, Status, Windows,
};
use crate::peer::{LeaseTerms, Links, Membership, listen};
use crate::storage::{Folder, Identity, Recovered, SEGMENT_BYTES, StorageError, Wal};
use crate::types::{Bug, Configuration, NodeId};
use axum::Router;
use axum::serve::ListenerExt;
use nix::sys::socket::{setsockopt, sockopt};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;
use tracing::{debug, error, info, warn};

/// The length of a tick of the core.
pub const TICK_MS: u64 = 10;
/// How many entries before its snapshot a member keeps at most.
const KEEP_ENTRIES_MAX: usize = 4096;
/// How much longer than the core a client's connection waits for its answer.
const GRACE: Duration = Duration::from_millis(200);
/// When the server stops, how long the member may take to close its log, and then the answers to be on their way.
const STOP_TIMEOUT: Duration = Duration::from_millis(400);

/// A client's connection is probed after so many seconds of silence, then every few seconds, and given up after so many
/// probes without an answer.
const KEEP_IDLE_S: u32 = 15;
const KEEP_INTERVAL_S: u32 = 5;
const KEEP_COUNT: u32 = 3;

/// Everything that a member is told when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The member.
    pub id: NodeId,
    /// The name of its cluster.
    pub cluster: String,
    /// Where the members listen for each other, `host:port`: all that the cluster began with, this one included; where this one
    /// joins, itself alone.
    pub peers: BTreeMap<NodeId, String>,
    /// It belongs to no cluster yet, and waits to be added to one.
    pub joins: bool,
    /// Where it listens for clients, `host:port`.
    pub listen_client: String,
    /// Where it listens for the other members, `host:port`.
    pub listen_peer: String,
    /// Its folder.
    pub data: PathBuf,
    /// The time between two heartbeats of a leader.
    pub heartbeat_ms: u64,
    /// The shortest election time-out; the longest is twice that.
    pub election_ms: u64,
    /// After this time a request is answered, whatever became of it.
    pub request_timeout_ms: u64,
    /// How many entries of the log a message carries at most.
    pub batch_entries: usize,
    /// A snapshot of the state is taken every so many entries, and the log before it dropped.
    pub snapshot_entries: u64,
    /// Leaders grant reads by leases, on the assumption that one member's clock goes faster than another's by so many percent
    /// at most; none if they do not.
    pub lease_drift_percent: Option<u32>,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// How many bytes requests may have that have no answer yet, and the entries that are not committed yet.
    pub max_open_bytes: usize,
    /// How many requests may have no answer yet.
    pub max_open_requests: usize,
    /// How many bytes of changes are kept for those who watch.
    pub watch_history_bytes: usize,
    /// Seeds the election time-outs.
    pub seed: u64,
    /// Names this start of the member; random, never the same twice.
    pub incarnation: u64,
    /// The planted bug, if any.
    pub bug: Option<Bug>,
}

/// Why a server did not start, or had to stop.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The folder cannot be used.
    #[error("cannot use the folder `{path}`: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error("the folder `{path}` is in use by another process; stop that one first")]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// The log in the folder cannot be used.
    #[error("folder `{path}`: {source}")]
    Storage {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: StorageError,
    },
    /// The member's settings or log contradict themselves.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An address cannot be listened on.
    #[error("cannot listen for {whom} on {address}: {source}; stop what uses it, or give another {argument}")]
    Listen {
        /// Who would call there.
        whom: &'static str,
        /// The argument that names the address.
        argument: &'static str,
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// No thread could be started for the disk.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// The member could not go on.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The member was told to stop and did not; what was acknowledged is safe nevertheless.
    #[error("the disk did not finish in time; what was asked of it last is in doubt")]
    Stuck,
    /// The member panicked: an invariant is broken, and to go on would spread the damage.
    #[error("an invariant of the member is broken, see the log: {0}")]
    Broken(JoinError),
}

/// Runs a member until `stop` completes; then stops it within about a second.
///
/// # Errors
///
/// If it cannot start, or cannot go on. What was acknowledged to clients is safe in either case.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
    let (wal, recovered) = open_log(&config)?;
    let snapshot = recovered.snapshot;
    let core = Core::new(core_config(&config), recovered.hard_state, snapshot.clone(), recovered.entries)?;
    let clients = bind("clients", &config.listen_client, "--listen-client").await?;
    let peers = bind("members", &config.listen_peer, "--listen-peer or --peers").await?;
    announce(&config, &clients, &peers);

    let membership = membership(&config);
    let (to_member, messages) = mpsc::channel(MESSAGES_MAX);
    let (from_clients, requests) = mpsc::channel(REQUESTS_MAX);
    let (status, shown) = watch::channel(first_status(&config));
    let (stopper, stopped) = watch::channel(false);
    let links = Links::new(membership.clone());
    let incoming = listen(peers, membership, links.callers(), to_member);
    let journal = Journal::start(wal).map_err(ServerError::Thread)?;
    let inputs = Inputs { messages, requests, stop: stopped.clone(), tick: Duration::from_millis(TICK_MS) };
    let (feed, watching) = Feed::new(config.watch_history_bytes);
    let metrics = Arc::<Metrics>::default();
    let windows = Windows { status, feed, metrics: metrics.clone() };
    let member = Member::new(core, snapshot.as_ref(), config.snapshot_entries, journal, links, windows)?;
    let mut member = tokio::spawn(member.run(inputs));
    let handle = Handle::new(from_clients, shown, Duration::from_millis(config.request_timeout_ms) + GRACE);
    let handle = handle.within(metrics, config.max_open_bytes);
    let router = http::router(handle, watching, config.max_body_bytes);
    let mut api = tokio::spawn(serve(clients, router, stopped));

    let early = tokio::select! {
        () = stop => { info!("stopping"); None }
        ended = &mut member => Some(ended),
    };
    let _ = stopper.send(true);
    let ended = match early {
        Some(ended) => Some(ended),
        None => tokio::time::timeout(STOP_TIMEOUT, &mut member).await.ok(),
    };
    drop(incoming);
    if tokio::time::timeout(STOP_TIMEOUT, &mut api).await.is_err() {
        warn!("some clients did not take their answers in time");
        api.abort();
    }
    match ended {
        Some(Ok(outcome)) => outcome?,
        Some(Err(panicked)) => return Err(ServerError::Broken(panicked)),
        None => return Err(ServerError::Stuck),
    }
    info!("stopped");
    Ok(())
}

/// Answers clients until the member stops and all answers are out.
async fn serve(clients: TcpListener, api: Router, mut stop: watch::Receiver<bool>) {
    let clients = clients.tap_io(|stream| {
        if let Err(error) = prepare(stream) {
            debug!(%error, "a connection keeps the system's settings");
        }
    });
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(clients, api).with_graceful_shutdown(stopped).await {
        error!(%error, "the API ended");
    }
}

/// Sets what makes a client's connection quick to answer, and to end when the client has vanished. It serves without.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Otherwise a small answer waits for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    // A client that was cut off never says that it is gone; kept for ever, such connections use up all descriptors.
    setsockopt(stream, sockopt::TcpKeepIdle, &KEEP_IDLE_S)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &KEEP_INTERVAL_S)?;
    setsockopt(stream, sockopt::TcpKeepCount, &KEEP_COUNT)?;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    Ok(())
}

fn open_log(config: &Config) -> Result<(Wal<Folder>, Recovered), ServerError> {
    let path = config.data.clone();
    let folder = Folder::open(&path).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => ServerError::FolderInUse { path: path.clone() },
        _ => ServerError::Folder { path: path.clone(), source },
    })?;
    let identity = Identity { cluster: config.cluster.clone(), member: config.id, members: founders(config) };
    let (wal, recovered) =
        Wal::open(folder, &identity, SEGMENT_BYTES).map_err(|source| ServerError::Storage { path, source })?;
    for repair in &recovered.repairs {
        warn!("repaired the log: {repair}");
    }
    info!(
        term = recovered.hard_state.term,
        voted_for = recovered.hard_state.voted_for,
        snapshot = recovered.snapshot.as_ref().map_or(0, |snapshot| snapshot.last_index),
        entries = recovered.entries.len(),
        segments = recovered.segments,
        bytes = recovered.bytes,
        "log recovered"
    );
    Ok((wal, recovered))
}

async fn bind(whom: &'static str, address: &str, argument: &'static str) -> Result<TcpListener, ServerError> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|source| ServerError::Listen { whom, argument, address: address.into(), source })
}

fn core_config(config: &Config) -> core::Config {
    let ticks = |ms: u64| u32::try_from(ms.div_ceil(TICK_MS)).unwrap_or(u32::MAX);
    core::Config {
        members: if config.joins { Configuration::default() } else { Configuration::of_voters(config.peers.clone()) },
        heartbeat_ticks: ticks(config.heartbeat_ms),
        election_ticks: ticks(config.election_ms),
        request_ticks: ticks(config.request_timeout_ms),
        max_batch_entries: config.batch_entries,
        max_requests: config.max_open_requests,
        max_uncommitted_bytes: config.max_open_bytes,
        // Who lags behind by less gets entries: a snapshot is dearer than some hundred of them.
        keep_entries: usize::try_from(config.snapshot_entries / 2).unwrap_or(usize::MAX).min(KEEP_ENTRIES_MAX),
        lease: config.lease_drift_percent.map(|drift_percent| Lease { drift_percent, tick_us: TICK_MS * 1000 }),
        bug: config.bug,
        ..core::Config::new(config.id, Vec::new(), config.incarnation, config.seed)
    }
}

/// The members that the cluster began with, as far as this one knows: who joins later does not.
fn founders(config: &Config) -> BTreeSet<NodeId> {
    if config.joins { BTreeSet::new() } else { config.peers.keys().copied().collect() }
}

fn membership(config: &Config) -> Membership {
    let terms = |drift_percent| LeaseTerms { drift_percent, election_ms: config.election_ms };
    Membership {
        cluster: config.cluster.clone(),
        id: config.id,
        address: config.peers.get(&config.id).unwrap_or(&config.listen_peer).clone(),
        founders: founders(config),
        lease: config.lease_drift_percent.map(terms),
    }
}

fn first_status(config: &Config) -> Status {
    Status {
        cluster: config.cluster.clone(),
        id: config.id,
        lease_drift_percent: config.lease_drift_percent,
        bug: config.bug.map(|bug| bug.to_string()),
        ..Status::default()
    }
}

fn announce(config: &Config, clients: &TcpListener, peers: &TcpListener) {
    if let Some(bug) = config.bug {
        warn!("PLANTED BUG {bug}: this server is wrong on purpose: {}; it breaks {}", bug.about(), bug.breaks());
    }
    let address = |listener: &TcpListener| {
        listener.local_addr().as_ref().map_or_else(io::Error::to_string, SocketAddr::to_string)
    };
    info!(
        id = config.id,
        cluster = config.cluster,
        seed = config.seed,
        clients = address(clients),
        peers = address(peers),
        "serving"
    );
}
