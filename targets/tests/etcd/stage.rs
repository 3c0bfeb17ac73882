//! What every test stands on: the sandbox, three etcds with the fast profile, waiting for conditions.

use crate::proxy::Proxy;
use squall_results::{Call, Outcome, Reply};
use squall_targets::Deployment;
use squall_targets::client::{Client, Completion, Reads, Session};
use squall_targets::cluster::{Cluster, ClusterOptions, Node, PacketFaults};
use squall_targets::disk::Model;
use squall_targets::etcd::ETCD;
use squall_targets::etcd::connection::Connection;
use squall_targets::sandbox::Sandbox;
use squall_targets::target::{Target, TargetOptions};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const PORT: u16 = 2379;

pub fn set_sandbox(sandbox: Sandbox) {
    SANDBOX.set(sandbox).expect("the sandbox is entered once");
}

pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// The target with the fast profile.
pub fn target(read: &str, call_timeout: Duration) -> Box<dyn Target> {
    let options = TargetOptions {
        own_program: "/no/program/of/its/own".into(),
        call_timeout,
        bug: None,
        seed: 7,
        cluster_name: "squall-test".into(),
        read: read.into(),
        retry: false,
        bin: None,
        elsewhere: false,
        changes_members: false,
        settings: ETCD.settings.iter().map(|setting| (setting.name.to_owned(), setting.fast)).collect(),
    };
    (ETCD.make)(options).unwrap()
}

/// A cluster of n1, n2, n3 in a folder that vanishes with it.
pub struct Stage {
    pub deployment: Deployment,
    _folder: TempDir,
}

impl Stage {
    /// The nodes without servers.
    pub async fn empty() -> Stage {
        Stage::empty_with(PacketFaults::Never).await
    }

    /// The same; packets may be disturbed.
    async fn empty_with(packets: PacketFaults) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let names = (1..=3).map(|node| format!("n{node}")).collect();
        let agent = std::env::current_exe().unwrap();
        let options =
            ClusterOptions { names, folder: folder.path().join("a folder with blanks"), cut: None, packets, agent };
        let cluster = Cluster::up(SANDBOX.get().expect("main has entered the sandbox"), options).await.unwrap();
        let deployment = Deployment::new(cluster, target("linearizable", PATIENCE).into());
        Stage { deployment, _folder: folder }
    }

    /// Servers that serve.
    pub async fn up() -> Stage {
        Stage::empty().await.start().await
    }

    /// Servers that serve, on disks that can lose what was not synced.
    pub async fn on_disks(model: Model) -> Stage {
        let stage = Stage::empty().await;
        stage.deployment.mount_disks(model).await.unwrap();
        stage.start().await
    }

    /// Servers whose packets may be disturbed.
    pub async fn with_packet_faults(packets: PacketFaults) -> Stage {
        Stage::empty_with(packets).await.start().await
    }

    async fn start(self) -> Stage {
        self.deployment.start_all().await.unwrap();
        self.deployment.await_agreement(PATIENCE).await.unwrap();
        self
    }

    pub fn node(&self, name: &str) -> &Node {
        self.deployment.cluster().node(name).unwrap()
    }

    /// A client of this node that waits with patience and reads linearizably.
    pub fn client(&self, node: &str) -> Box<dyn Client> {
        target("linearizable", PATIENCE).client(self.node(node), Reads::Chosen)
    }

    /// A client of this node that reads serializably.
    pub fn local_client(&self, node: &str) -> Box<dyn Client> {
        target("serializable", PATIENCE).client(self.node(node), Reads::Chosen)
    }

    /// A client of this node that gives up soon.
    pub fn hasty_client(&self, node: &str) -> Box<dyn Client> {
        target("linearizable", Duration::from_millis(500)).client(self.node(node), Reads::Chosen)
    }

    /// A client of a node that is reached through a proxy.
    pub fn client_through(&self, proxy: &Proxy) -> Box<dyn Client> {
        let node = Node { address: proxy.address, ..self.node("n1").clone() };
        target("linearizable", PATIENCE).client(&node, Reads::Chosen)
    }

    pub fn address(&self, node: &str) -> SocketAddr {
        SocketAddr::new(self.node(node).address.into(), PORT)
    }

    /// A bare connection to this node.
    pub async fn connection(&self, node: &str) -> Connection {
        Connection::open(self.address(node)).await.unwrap()
    }

    /// Who leads, and the two others.
    pub async fn roles(&self) -> (String, [String; 2]) {
        let leader = self.deployment.leader().await.expect("the servers have agreed");
        let others = self.deployment.nodes().iter().map(|node| node.name.clone()).filter(|name| *name != leader);
        (leader.clone(), others.collect::<Vec<_>>().try_into().unwrap())
    }
}

/// The reply to a call that must succeed.
#[track_caller]
pub fn ok(completion: Completion) -> Reply {
    match completion {
        Completion { outcome: Outcome::Ok(reply), session: Session::Kept } => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// Makes a call that must succeed.
pub async fn make(client: &mut Box<dyn Client>, call: Call) -> Reply {
    ok(client.call(&call).await)
}

/// How a call must end: `fail lost`, and which words its reason must hold.
#[track_caller]
pub fn ended(completion: &Completion, expected: &str, words: &str) {
    let (kind, why) = match &completion.outcome {
        Outcome::Ok(reply) => ("ok", reply.to_string()),
        Outcome::Fail(why) => ("fail", why.clone()),
        Outcome::Unknown(why) => ("unknown", why.clone()),
    };
    let session = format!("{:?}", completion.session).to_lowercase();
    assert_eq!(format!("{kind} {session}"), expected, "{completion:?}");
    assert!(why.contains(words), "`{words}` is missing in: {why}");
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
