//! The project's own Raft server as a target: `raft`.

mod bugs;
mod client;
mod end;
mod http;
mod lock;
mod members;
mod reply;
mod request;

use crate::client::{Client, Reads};
use crate::cluster::Node;
use crate::lock::Locks;
use crate::members::Members;
use crate::remote::DaemonSpec;
use crate::supported::{DATA, LOCKS, TRANSACTIONS};
use crate::target::{ReadMode, Setting, Status, Target, TargetError, TargetInfo, TargetOptions};
use async_trait::async_trait;
use raftd::types::Bug;
use serde::Deserialize;
use squall_results::Promise;
use std::net::SocketAddr;
use std::time::Duration;

/// The row in the list of targets.
pub static RAFT: TargetInfo = TargetInfo {
    name: "raft",
    about: "raftd, the project's own Raft key-value server",
    reads: &[
        ReadMode {
            name: "read-index",
            about: "the leader confirms that it still leads (ReadIndex)",
            promise: Promise::Linearizable,
            beside: None,
        },
        ReadMode {
            name: LEASE,
            about: "the leader answers while its lease holds, which trusts clocks to drift by lease_drift_percent at most",
            promise: Promise::Linearizable,
            beside: None,
        },
        ReadMode {
            name: LOCAL,
            about: "each member answers from what it has applied, without asking anybody",
            promise: Promise::Sequential,
            beside: Some(Promise::Linearizable),
        },
    ],
    settings: &[
        Setting {
            name: "heartbeat_ms",
            about: "between two heartbeats of a leader",
            default: 50,
            fast: 50,
            range: (10, 60_000),
        },
        Setting {
            name: "election_ms",
            about: "the shortest election time-out; each is drawn between this and twice this",
            default: 300,
            fast: 300,
            range: (20, 600_000),
        },
        Setting {
            name: "batch_entries",
            about: "the most entries of the log that one message carries",
            default: 256,
            fast: 256,
            range: (1, 4_096),
        },
        Setting {
            name: "snapshot_entries",
            about: "a snapshot is taken every so many entries, and the log before it dropped",
            default: 10_000,
            fast: 10_000,
            range: (1, 1_000_000_000),
        },
        Setting {
            name: "lease_drift_percent",
            about: "by how much one member's clock goes faster than another's at most; only for `--read lease`",
            default: 5,
            fast: 5,
            range: (0, 100),
        },
    ],
    // A failure is noticed within two election time-outs; votes may be split several times, on a busy machine too.
    failover_ms: |settings| 3_000 + 5 * settings.get("election_ms").copied().unwrap_or(0),
    retries: true,
    bin: None,
    find_server: |_| Ok("built in".into()),
    supports: |kind| DATA.contains(&kind) || TRANSACTIONS.contains(&kind) || LOCKS.contains(&kind),
    least_members: Ok(1),
    bugs: bugs::all,
    make: |options| Ok(Box::new(Raft::new(options)?)),
};

/// The way to read in which the leader answers alone while its lease holds.
const LEASE: &str = "lease";
/// The way to read in which members answer alone.
const LOCAL: &str = "local";

/// The hidden first argument by which squall's own executable becomes a raftd.
pub const ARGUMENT: &str = "raftd";

const CLIENT_PORT: u16 = 7100;
const PEER_PORT: u16 = 7101;

/// How long a node may take to say who leads. It is asked over and over, so a missed answer costs little.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

struct Raft {
    options: TargetOptions,
    bug: Option<Bug>,
}

impl Raft {
    fn new(options: TargetOptions) -> Result<Raft, TargetError> {
        let parse = |bug: &String| {
            bug.parse::<Bug>().map_err(|_| TargetError::UnknownBug { target: RAFT.name, bug: bug.clone() })
        };
        let bug = options.bug.as_ref().map(parse).transpose()?;
        Ok(Raft { options, bug })
    }

    /// The server of `node` as the member of this number, which knows of these `peers` when it starts for the first time.
    fn server(&self, node: &Node, number: u64, peers: String) -> DaemonSpec {
        let mut argv = vec![self.options.own_program.display().to_string(), ARGUMENT.into()];
        let mut flag = |name: &str, value: String| argv.extend([format!("--{name}"), value]);
        flag("id", number.to_string());
        flag("cluster", self.options.cluster_name.clone());
        flag("peers", peers);
        flag("listen-client", format!("{}:{CLIENT_PORT}", node.address));
        flag("data", node.dir.join("data").display().to_string());
        flag("seed", self.options.seed.wrapping_add(number).to_string());
        flag("heartbeat-ms", self.options.setting("heartbeat_ms").to_string());
        flag("election-ms", self.options.setting("election_ms").to_string());
        flag("batch-entries", self.options.setting("batch_entries").to_string());
        flag("snapshot-entries", self.options.setting("snapshot_entries").to_string());
        if self.options.read == LEASE {
            flag("lease-drift-percent", self.options.setting("lease_drift_percent").to_string());
        }
        if let Some(bug) = self.bug {
            flag("bug", bug.name().into());
        }
        let log = node.dir.join("raftd.log");
        DaemonSpec { argv, cwd: node.dir.clone(), stdout: log.clone(), stderr: log, ..DaemonSpec::default() }
    }
}

/// The answer, or that it did not come in time, for people.
async fn in_time(answer: impl Future<Output = Result<http::Answer, http::HttpError>>) -> Result<http::Answer, String> {
    let answer = tokio::time::timeout(STATUS_TIMEOUT, answer).await;
    answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())
}

/// The number of a member that was there from the beginning: the place of its node, from 1.
fn founder(node: &Node, nodes: &[Node]) -> usize {
    1 + nodes.iter().position(|other| other.name == node.name).unwrap_or(nodes.len())
}

#[derive(Deserialize)]
struct StatusAnswer {
    term: u64,
    leader: Option<u64>,
    members: Vec<members::Listed>,
}

#[async_trait]
impl Target for Raft {
    fn name(&self) -> &'static str {
        RAFT.name
    }

    fn daemon(&self, node: &Node, nodes: &[Node]) -> DaemonSpec {
        let peers: Vec<String> =
            nodes.iter().map(|peer| format!("{}={}:{PEER_PORT}", founder(peer, nodes), peer.address)).collect();
        self.server(node, founder(node, nodes) as u64, peers.join(","))
    }

    fn members(&self) -> Option<&dyn Members> {
        Some(self)
    }

    fn journal(&self) -> &'static str {
        "*.wal"
    }

    fn client(&self, node: &Node, reads: Reads) -> Box<dyn Client> {
        let mode = request::Mode::of(&self.options.read, reads);
        let client = client::RaftClient::new(node.client_route(CLIENT_PORT), self.options.call_timeout, mode);
        Box::new(client.repeating(self.options.retry))
    }

    fn locks(&self, node: &Node, reads: Reads) -> Option<Box<dyn Locks>> {
        let mode = request::Mode::of(&self.options.read, reads);
        Some(Box::new(lock::RaftLocks::new(node.client_route(CLIENT_PORT), mode)))
    }

    async fn status(&self, node: &Node, nodes: &[Node]) -> Result<Status, String> {
        let answer = in_time(http::get_once(SocketAddr::new(node.address.into(), CLIENT_PORT), "/v1/status")).await?;
        let status: StatusAnswer =
            serde_json::from_slice(&answer.body).map_err(|error| format!("not a status: {error}"))?;
        // Numbers tell nothing of nodes once members have come and gone.
        let leads = status.members.iter().find(|member| Some(member.id) == status.leader);
        let leads = leads.and_then(|member| member.member().ok());
        let leader = leads.and_then(|member| nodes.iter().find(|node| node.address == member.address));
        Ok(Status { leader: leader.map(|node| node.name.clone()), term: status.term })
    }

    async fn version(&self, _node: &Node) -> Result<String, String> {
        Ok(format!("raftd {}", env!("CARGO_PKG_VERSION")))
    }
}
