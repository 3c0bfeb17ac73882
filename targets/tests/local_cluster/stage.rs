//! What every test stands on: the sandbox, a cluster with its folder, waiting for conditions.

use squall_targets::cluster::{Cluster, ClusterOptions, CutMechanism};
use squall_targets::remote::{CommandLine, DaemonSpec, Output};
use squall_targets::sandbox::Sandbox;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn set_sandbox(sandbox: Sandbox) {
    SANDBOX.set(sandbox).expect("the sandbox is entered once");
}

pub fn sandbox() -> &'static Sandbox {
    SANDBOX.get().expect("main has entered the sandbox")
}

pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

pub fn options(folder: PathBuf, nodes: u8, cut: Option<CutMechanism>) -> ClusterOptions {
    let names = (1..=nodes).map(|node| format!("n{node}")).collect();
    ClusterOptions { names, folder, cut, packets: Default::default(), agent: std::env::current_exe().unwrap() }
}

/// A cluster of n1, n2, ... in a folder that vanishes with it.
pub struct Stage {
    pub cluster: Cluster,
    _folder: TempDir,
}

impl Stage {
    pub async fn up(nodes: u8, cut: CutMechanism) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path().join("a folder with blanks"), nodes, Some(cut));
        let cluster = Cluster::up(sandbox(), options).await.unwrap();
        Stage { cluster, _folder: folder }
    }

    /// Runs a shell script on a node.
    pub async fn shell(&self, node: &str, script: &str) -> Output {
        let command = CommandLine::new(["sh", "-c", script]);
        self.cluster.node(node).unwrap().remote.run(&command, PATIENCE).await.unwrap()
    }

    /// What a shell script on a node prints.
    pub async fn says(&self, node: &str, script: &str) -> String {
        String::from_utf8(self.shell(node, script).await.stdout).unwrap().trim().to_owned()
    }

    /// A daemon of these arguments, whose output goes to `out.log` and `err.log` in the node's folder.
    pub fn daemon(&self, node: &str, argv: &[&str]) -> DaemonSpec {
        let dir = self.cluster.node(node).unwrap().dir.clone();
        let (stdout, stderr) = (dir.join("out.log"), dir.join("err.log"));
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        DaemonSpec { argv, cwd: dir, stdout, stderr, ..DaemonSpec::default() }
    }

    pub async fn start(&self, node: &str, argv: &[&str]) -> u32 {
        self.cluster.node(node).unwrap().remote.start(&self.daemon(node, argv)).await.unwrap()
    }

    /// What the daemons of a node have printed.
    pub fn printed(&self, node: &str) -> String {
        std::fs::read_to_string(self.cluster.node(node).unwrap().dir.join("out.log")).unwrap_or_default()
    }
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
