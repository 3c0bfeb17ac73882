//! What every test stands on: the sandbox, three servers and a spare with the fast profile, clients that write and look.

use squall_results::{Call, Outcome, Reply};
use squall_targets::Deployment;
use squall_targets::client::{Client, Reads};
use squall_targets::cluster::{Cluster, ClusterOptions, Node};
use squall_targets::sandbox::Sandbox;
use squall_targets::target::{Target, TargetInfo, TargetOptions};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a client waits for one answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

pub fn set_sandbox(sandbox: Sandbox) {
    assert!(SANDBOX.set(sandbox).is_ok(), "the sandbox is entered once");
}

pub struct Stage {
    pub deployment: Deployment,
    /// The same target, by whose clients a node answers from what it has.
    local: Box<dyn Target>,
    _folder: TempDir,
}

impl Stage {
    pub async fn up(info: &TargetInfo) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let names = (1..=4).map(|node| format!("n{node}")).collect();
        let agent = std::env::current_exe().unwrap();
        let packets = Default::default();
        let options =
            ClusterOptions { names, folder: folder.path().join("nodes"), cut: None, packets, agent: agent.clone() };
        let cluster = Cluster::up(SANDBOX.get().expect("entered in main"), options).await.unwrap();
        let target = |read: &str| {
            (info.make)(TargetOptions {
                own_program: agent.clone(),
                call_timeout: CALL_TIMEOUT,
                bug: None,
                seed: 1,
                cluster_name: "test".into(),
                read: read.into(),
                retry: false,
                bin: None,
                elsewhere: false,
                changes_members: true,
                settings: info.settings.iter().map(|setting| (setting.name.to_owned(), setting.fast)).collect(),
            })
            .unwrap()
        };
        let local = info.reads.iter().find(|mode| ["local", "serializable"].contains(&mode.name)).unwrap();
        let deployment = Deployment::with_spares(cluster, target(info.reads[0].name).into(), 3);
        deployment.start_all().await.unwrap();
        deployment.await_agreement(PATIENCE).await.unwrap();
        Stage { deployment, local: target(local.name), _folder: folder }
    }

    pub fn node(&self, name: &str) -> &Node {
        self.deployment.cluster().node(name).unwrap()
    }

    /// Where the server of `node` keeps its data.
    pub fn data(&self, node: &str) -> PathBuf {
        self.deployment.target().data(self.node(node))
    }

    /// Who leads, as soon as somebody does.
    pub async fn leader(&self) -> String {
        self.deployment.await_agreement(PATIENCE).await.unwrap();
        self.deployment.leader().await.expect("they have agreed")
    }

    /// The names of the other nodes.
    pub fn others(&self, node: &str) -> Vec<String> {
        self.deployment.nodes().iter().map(|node| node.name.clone()).filter(|name| name != node).collect()
    }

    fn client(&self, node: &str) -> Box<dyn Client> {
        self.deployment.target().client(self.node(node), Reads::Chosen)
    }

    /// Whether a write through this node is acknowledged.
    pub async fn writes(&self, node: &str, key: u64) -> bool {
        self.client(node).call(&Call::Write { key, value: key as i64 }).await.outcome.is_ok()
    }

    /// Writes a value that is the key through this node, as soon as it can.
    pub async fn write(&self, node: &str, key: u64) {
        until("a write is acknowledged", async || self.writes(node, key).await).await;
    }

    /// Whether the server of `node` itself knows that this was written.
    pub async fn knows(&self, node: &str, key: u64) -> bool {
        let outcome = self.local.client(self.node(node), Reads::Chosen).call(&Call::Read { key }).await.outcome;
        matches!(outcome, Outcome::Ok(Reply::Read { value: Some(value), .. }) if value == key as i64)
    }
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
