//! Apache ZooKeeper as a target: `zookeeper`.
//!
//! Its client is squall's own. The libraries there are open a new connection when one is lost and go on with the session, and
//! offer no switch against it: a request that is handed over between the loss and its discovery travels on another connection.
//! That would be a hidden reconnect.

pub mod client;
pub mod code;
mod installation;
mod jute;
mod members;
mod outcome;
pub mod request;
mod server;
pub mod session;
mod words;

use crate::client::{Client, Reads};
use crate::cluster::Node;
use crate::lock::Locks;
use crate::members::Members;
use crate::remote::DaemonSpec;
use crate::supported::{DATA, LOCKS, TRANSACTIONS};
use crate::target::{ReadMode, Setting, Status, Target, TargetError, TargetInfo, TargetOptions};
use async_trait::async_trait;
use client::{ClientOptions, Freshness, ZookeeperClient, ZookeeperLocks};
use installation::Installation;
use squall_results::Promise;
use std::net::SocketAddr;
use std::time::Duration;

/// The row in the list of targets.
pub static ZOOKEEPER: TargetInfo = TargetInfo {
    name: "zookeeper",
    about: "Apache ZooKeeper, of the Debian package zookeeper or a distribution",
    reads: &[
        ReadMode {
            name: "local",
            about: "the server answers from what it has; may be old",
            promise: Promise::Sequential,
            beside: None,
        },
        ReadMode {
            name: "sync",
            about: "the server catches up with its leader before; sync asks no quorum",
            promise: Promise::Sequential,
            beside: Some(Promise::Linearizable),
        },
        ReadMode {
            name: "after-write",
            about: "a write in the same session before each read",
            promise: Promise::Linearizable,
            beside: None,
        },
    ],
    settings: &[
        Setting {
            name: "tick_time_ms",
            about: "ZooKeeper's tickTime, the unit of its time-outs",
            default: 2_000,
            fast: 500,
            range: (50, 60_000),
        },
        Setting {
            name: "init_limit_ticks",
            about: "initLimit: how long followers may take to connect and catch up",
            default: 10,
            fast: 20,
            range: (1, 1_000),
        },
        Setting {
            name: "sync_limit_ticks",
            about: "syncLimit: how long leader and followers may not hear of each other",
            default: 5,
            fast: 4,
            range: (1, 1_000),
        },
        Setting {
            name: "snap_count",
            about: "snapCount: transactions between two snapshots",
            default: 100_000,
            fast: 100_000,
            range: (2, 1_000_000_000),
        },
        Setting {
            name: "session_ticks",
            about: "how many ticks the servers keep the session of a client of which they hear nothing, one for locks aside",
            default: 5,
            fast: 20,
            range: (2, 20),
        },
        Setting {
            name: "heap_mib",
            about: "the largest heap of a server's Java machine",
            default: 1_000,
            fast: 256,
            range: (32, 65_536),
        },
    ],
    // Each side notices within tickTime times syncLimit that it is alone, and the next leader waits as long for its followers.
    failover_ms: |settings| {
        let value = |name: &str| settings.get(name).copied().unwrap_or(0);
        5_000 + 2 * value("tick_time_ms") * value("sync_limit_ticks")
    },
    retries: false,
    bin: Some("the folder of a ZooKeeper distribution, with lib/zookeeper-*.jar"),
    find_server: |bin| {
        Installation::find(bin).map(|found| format!("{}, run by {}", found.class_path[0], found.java.display()))
    },
    least_members: Ok(members::LEAST),
    supports: |kind| DATA.contains(&kind) || TRANSACTIONS.contains(&kind) || LOCKS.contains(&kind),
    bugs: Vec::new,
    make: |options| Ok(Box::new(Zookeeper::new(options)?)),
};

/// How many ticks the servers keep a session that takes locks, the least that is allowed: who waits for the lock of a holder that
/// is no more waits for so long. Other sessions should outlast a pause of their server, as the setting says.
const LOCK_SESSION_TICKS: u64 = 2;

struct Zookeeper {
    options: TargetOptions,
    installation: Installation,
}

impl Zookeeper {
    fn new(options: TargetOptions) -> Result<Zookeeper, TargetError> {
        if let Some(bug) = &options.bug {
            return Err(TargetError::UnknownBug { target: ZOOKEEPER.name, bug: bug.clone() });
        }
        let bin = options.bin.as_deref();
        let installation = if options.elsewhere { Installation::elsewhere(bin) } else { Installation::find(bin)? };
        Ok(Zookeeper { options, installation })
    }

    fn client_options(&self, node: &Node, reads: Reads, session_ticks: u64) -> ClientOptions {
        let freshness = match (reads, &*self.options.read) {
            (Reads::Strongest, _) | (Reads::Chosen, "after-write") => Freshness::AfterWrite,
            (Reads::Chosen, "sync") => Freshness::Sync,
            (Reads::Chosen, _) => Freshness::Local,
        };
        let session_ms = session_ticks * self.options.setting("tick_time_ms");
        ClientOptions {
            route: node.client_route(server::CLIENT_PORT),
            call_timeout: self.options.call_timeout,
            session_timeout: Duration::from_millis(session_ms),
            freshness,
        }
    }
}

fn client_address(node: &Node) -> SocketAddr {
    SocketAddr::new(node.address.into(), server::CLIENT_PORT)
}

#[async_trait]
impl Target for Zookeeper {
    fn name(&self) -> &'static str {
        ZOOKEEPER.name
    }

    fn daemon(&self, node: &Node, nodes: &[Node]) -> DaemonSpec {
        let number =
            |node: &Node| 1 + nodes.iter().position(|other| other.name == node.name).unwrap_or(nodes.len()) as u64;
        let members: Vec<_> = nodes.iter().map(|node| (number(node), node.address)).collect();
        server::daemon(&self.installation, &self.options, node, number(node), &members)
    }

    fn members(&self) -> Option<&dyn Members> {
        Some(self)
    }

    fn journal(&self) -> &'static str {
        "version-2/log.*"
    }

    fn promises(&self) -> Vec<&'static str> {
        vec![self.journal(), "version-2/*Epoch"]
    }

    fn client(&self, node: &Node, reads: Reads) -> Box<dyn Client> {
        Box::new(ZookeeperClient::new(self.client_options(node, reads, self.options.setting("session_ticks"))))
    }

    fn locks(&self, node: &Node, reads: Reads) -> Option<Box<dyn Locks>> {
        Some(Box::new(ZookeeperLocks::new(self.client_options(node, reads, LOCK_SESSION_TICKS))))
    }

    /// A follower does not say whom it follows, so the others are asked too: it follows the one that leads. When a leader that
    /// was cut off has not noticed yet, two say that they lead, and the one of the newer epoch does.
    async fn status(&self, node: &Node, nodes: &[Node]) -> Result<Status, String> {
        let addresses: Vec<SocketAddr> = nodes.iter().map(client_address).collect();
        let place = nodes.iter().position(|other| other.name == node.name).ok_or("no node of this cluster")?;
        words::status(&addresses, place).await.map(|(leader, term)| {
            let leader = leader.map(|place| nodes[place].name.clone());
            Status { leader, term }
        })
    }

    async fn version(&self, node: &Node) -> Result<String, String> {
        words::version(client_address(node)).await
    }
}
