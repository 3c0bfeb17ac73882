//! What every test stands on: the sandbox, a cluster whose packets can be disturbed, waiting for conditions.

use squall_targets::cluster::{Cluster, ClusterOptions, CutMechanism, Disturbance, Link, PacketFaults};
use squall_targets::packets::{Conditions, Delay, Distribution, PacketCounters, PacketMechanism};
use squall_targets::remote::{CommandLine, DaemonSpec};
use squall_targets::sandbox::Sandbox;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn set_sandbox(sandbox: Sandbox) {
    SANDBOX.set(sandbox).expect("the sandbox is entered once");
}

pub fn sandbox() -> &'static Sandbox {
    SANDBOX.get().expect("main has entered the sandbox")
}

pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

pub fn options(folder: &Path, nodes: u8, cut: Option<CutMechanism>, packets: PacketFaults) -> ClusterOptions {
    let names = (1..=nodes).map(|node| format!("n{node}")).collect();
    ClusterOptions { names, folder: folder.into(), cut, packets, agent: std::env::current_exe().unwrap() }
}

/// A cluster of n1, n2, ... in a folder that vanishes with it.
pub struct Stage {
    pub cluster: Cluster,
    _folder: TempDir,
}

impl Stage {
    pub async fn up(nodes: u8) -> Stage {
        Stage::up_with(nodes, None).await
    }

    pub async fn up_with(nodes: u8, cut: Option<CutMechanism>) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let packets = PacketFaults::By(PacketMechanism::Switch);
        let options = options(&folder.path().join("nodes"), nodes, cut, packets);
        Stage { cluster: Cluster::up(sandbox(), options).await.unwrap(), _folder: folder }
    }

    pub async fn disturb(&self, number: u64, links: &[Link], conditions: Conditions) {
        self.cluster.disturb(&Disturbance { number, links: links.to_vec(), conditions }).await.unwrap();
    }

    pub async fn counters(&self, links: &[Link]) -> PacketCounters {
        self.cluster.packet_counters(links).await.unwrap().expect("the switch counts")
    }

    /// The round trips of one link and back, shortest first.
    pub async fn round_trips(&self, link: &Link, count: u32) -> Vec<Duration> {
        let mut trips = self.cluster.round_trips(std::slice::from_ref(link), count).await.unwrap().remove(0);
        trips.sort();
        trips
    }

    /// Waits until all of some datagrams come back over a link within less than `limit`.
    pub async fn until_faster_than(&self, link: &Link, limit: Duration) {
        until(&format!("{link} takes less than {limit:?}"), async || {
            let trips = self.round_trips(link, 5).await;
            trips.len() == 5 && trips[2] < limit
        })
        .await;
    }

    /// Starts a program of this executable on a node; what it prints goes to `<name>.log`.
    pub async fn start(&self, node: &str, name: &str, arguments: &[&str]) {
        let node = self.cluster.node(node).unwrap();
        let program = std::env::current_exe().unwrap().display().to_string();
        let argv = std::iter::once(program.as_str()).chain(arguments.iter().copied()).map(str::to_owned).collect();
        let log = node.dir.join(format!("{name}.log"));
        let daemon =
            DaemonSpec { argv, cwd: node.dir.clone(), stdout: log.clone(), stderr: log, ..DaemonSpec::default() };
        node.remote.start(&daemon).await.unwrap();
    }

    /// What a program has printed.
    pub fn printed(&self, node: &str, name: &str) -> String {
        let log = self.cluster.node(node).unwrap().dir.join(format!("{name}.log"));
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// How many datagrams the kernel of a node has found corrupted.
    pub async fn wrong_checksums(&self, node: &str) -> u64 {
        let command = CommandLine::new(["cat", "/proc/net/snmp"]);
        let output = self.cluster.node(node).unwrap().remote.run(&command, PATIENCE).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<Vec<&str>> =
            text.lines().filter(|line| line.starts_with("Udp:")).map(|line| line.split(' ').collect()).collect();
        let column = rows[0].iter().position(|name| *name == "InCsumErrors").unwrap();
        rows[1][column].parse().unwrap()
    }
}

/// The way from one node to another, by their numbers.
pub fn link(from: u8, to: u8) -> Link {
    Link { from: format!("n{from}"), to: format!("n{to}") }
}

pub fn both_ways() -> [Link; 2] {
    [link(1, 2), link(2, 1)]
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn delayed(by_ms: u64) -> Conditions {
    let delay = Delay { by_ns: by_ms * 1_000_000, jitter_ns: 0, distribution: Distribution::Uniform };
    Conditions { delay: Some(delay), ..Conditions::default() }
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
