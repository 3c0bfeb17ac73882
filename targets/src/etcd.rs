//! etcd as a target, through its version 3 API: `etcd`.
//!
//! A linearizable read asks the leader for the index up to which it must wait (ReadIndex); a serializable one is answered
//! by the member from what it has. All that needs a leader is sent with `hasleader`, by which a member that knows none
//! refuses at once.

mod calls;
mod client;
pub mod connection;
pub mod error;
mod exchange;
mod key;
mod lock;
mod members;
mod program;
/// Messages and stubs, generated from `rpc.proto`.
pub mod rpc;
mod transactions;

use crate::client::{Client, Reads};
use crate::cluster::Node;
use crate::lock::Locks;
use crate::members::Members;
use crate::remote::DaemonSpec;
use crate::target::{ReadMode, Setting, Status, Target, TargetError, TargetInfo, TargetOptions};
use async_trait::async_trait;
use connection::Connection;
use squall_results::Promise;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The row in the list of targets.
pub static ETCD: TargetInfo = TargetInfo {
    name: "etcd",
    about: "etcd 3.4 or newer, as Debian packages it or by --bin",
    reads: &[
        ReadMode {
            name: "linearizable",
            about: "the member waits until it has all that the leader had committed (ReadIndex)",
            promise: Promise::Linearizable,
            beside: None,
        },
        ReadMode {
            name: "serializable",
            about: "the member answers from what it has, which may be old",
            promise: Promise::Sequential,
            beside: None,
        },
    ],
    settings: &[
        Setting {
            name: "heartbeat_ms",
            about: "between two heartbeats of a leader",
            default: 100,
            fast: 50,
            range: (5, 10_000),
        },
        Setting {
            name: "election_ms",
            about: "the shortest election time-out, at least five heartbeats; each is drawn between this and twice this",
            default: 1_000,
            fast: 250,
            range: (25, 50_000),
        },
        Setting {
            name: "snapshot_count",
            about: "committed changes between two snapshots; with few, a short storm sees snapshots too",
            default: 100_000,
            fast: 1_000,
            range: (10, 10_000_000),
        },
    ],
    // A failure is noticed within two election time-outs; a vote may be split several times, on a busy machine too.
    failover_ms: |settings| 3_000 + 5 * settings.get("election_ms").copied().unwrap_or(0),
    supports: calls::supports,
    least_members: Ok(members::LEAST),
    retries: false,
    bin: Some("an etcd program"),
    find_server: |bin| program::find(bin).map(|program| program.display().to_string()),
    bugs: Vec::new,
    make: |options| Ok(Box::new(Etcd::new(options)?)),
};

const CLIENT_PORT: u16 = 2379;
const PEER_PORT: u16 = 2380;

/// How long a member may take to say who leads. It is asked over and over, so a missed answer costs little.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

struct Etcd {
    options: TargetOptions,
    program: PathBuf,
    serializable: bool,
    /// The names of the members that are known so far, by their numbers.
    members: Mutex<HashMap<u64, String>>,
}

impl Etcd {
    fn new(options: TargetOptions) -> Result<Etcd, TargetError> {
        if let Some(bug) = options.bug {
            return Err(TargetError::UnknownBug { target: ETCD.name, bug });
        }
        let program = match &options.bin {
            bin if options.elsewhere => bin.clone().unwrap_or_else(|| "etcd".into()),
            bin => program::find(bin.as_deref())?,
        };
        let serializable = options.read == "serializable";
        Ok(Etcd { options, program, serializable, members: Mutex::default() })
    }

    /// The server of `node`, which finds a `new` cluster or an `existing` one when it starts for the first time.
    fn server(&self, node: &Node, state: &str, cluster: String) -> DaemonSpec {
        let client_url = format!("http://{}", client_address(node));
        let mut argv = vec![self.program.display().to_string()];
        let mut flag = |name: &str, value: String| argv.extend([format!("--{name}"), value]);
        flag("name", node.name.clone());
        flag("data-dir", node.dir.join("data").display().to_string());
        flag("listen-client-urls", client_url.clone());
        flag("advertise-client-urls", client_url);
        flag("listen-peer-urls", peer_url(node));
        flag("initial-advertise-peer-urls", peer_url(node));
        flag("initial-cluster", cluster);
        flag("initial-cluster-token", self.options.cluster_name.clone());
        flag("initial-cluster-state", state.into());
        flag("heartbeat-interval", self.options.setting("heartbeat_ms").to_string());
        flag("election-timeout", self.options.setting("election_ms").to_string());
        flag("snapshot-count", self.options.setting("snapshot_count").to_string());
        let log = node.dir.join("etcd.log");
        DaemonSpec { argv, cwd: node.dir.clone(), stdout: log.clone(), stderr: log, ..DaemonSpec::default() }
    }

    fn name_of(&self, member: u64) -> Option<String> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).get(&member).cloned()
    }

    async fn ask(&self, node: &Node) -> Result<Status, error::EtcdError> {
        let mut connection = Connection::open(client_address(node)).await?;
        let status = connection.status().await?;
        if status.leader != 0 && self.name_of(status.leader).is_none() {
            // One that was added and not started yet has no name.
            let named = connection.members().await?.into_iter().filter(|member| !member.name.is_empty());
            let members = named.map(|member| (member.id, member.name));
            self.members.lock().unwrap_or_else(PoisonError::into_inner).extend(members);
        }
        Ok(Status { leader: self.name_of(status.leader), term: status.raft_term })
    }
}

/// Where the other members reach the one on `node`.
fn peer_url(node: &Node) -> String {
    format!("http://{}:{PEER_PORT}", node.address)
}

fn client_address(node: &Node) -> SocketAddr {
    SocketAddr::new(node.address.into(), CLIENT_PORT)
}

/// The answer, or that it did not come in time, for people.
async fn in_time<T>(answer: impl Future<Output = Result<T, error::EtcdError>>) -> Result<T, String> {
    let answer = tokio::time::timeout(STATUS_TIMEOUT, answer).await;
    answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())
}

#[async_trait]
impl Target for Etcd {
    fn name(&self) -> &'static str {
        ETCD.name
    }

    fn daemon(&self, node: &Node, nodes: &[Node]) -> DaemonSpec {
        let cluster: Vec<String> = nodes.iter().map(|peer| format!("{}={}", peer.name, peer_url(peer))).collect();
        self.server(node, "new", cluster.join(","))
    }

    fn members(&self) -> Option<&dyn Members> {
        Some(self)
    }

    fn journal(&self) -> &'static str {
        "member/wal/*.wal"
    }

    fn client(&self, node: &Node, reads: Reads) -> Box<dyn Client> {
        let serializable = self.serializable && reads == Reads::Chosen;
        Box::new(client::EtcdClient::new(node.client_route(CLIENT_PORT), self.options.call_timeout, serializable))
    }

    fn locks(&self, node: &Node, reads: Reads) -> Option<Box<dyn Locks>> {
        let serializable = self.serializable && reads == Reads::Chosen;
        Some(Box::new(lock::EtcdLocks::new(node.client_route(CLIENT_PORT), serializable)))
    }

    async fn status(&self, node: &Node, _nodes: &[Node]) -> Result<Status, String> {
        in_time(self.ask(node)).await
    }

    async fn version(&self, node: &Node) -> Result<String, String> {
        let status = async { Connection::open(client_address(node)).await?.status().await };
        Ok(format!("etcd {}", in_time(status).await?.version))
    }
}
