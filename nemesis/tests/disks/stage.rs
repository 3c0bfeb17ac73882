//! What every test stands on: the sandbox, a node with a disk and a server, a conductor that tells what it did.

use crate::server::Syncing;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use squall_nemesis::Planned;
use squall_nemesis::clients::NoClients;
use squall_nemesis::conduct::{Conductor, Record};
use squall_results::event::{FaultChange, FaultEvent};
use squall_targets::Deployment;
use squall_targets::cluster::{Cluster, ClusterOptions};
use squall_targets::disk::Model;
use squall_targets::sandbox::Sandbox;
use std::env;
use std::fs;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn set_sandbox(sandbox: Sandbox) {
    SANDBOX.set(sandbox).expect("the sandbox is entered once");
}

pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// A node with a server on a disk, in a folder that vanishes with it.
pub struct Stage {
    deployment: Arc<Deployment>,
    _folder: TempDir,
}

/// Keeps what shows that a fault is in force, and what shows that it is not any more.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Record for Kept {
    fn now_ns(&self) -> u64 {
        0
    }

    fn record(&self, event: FaultEvent) {
        match event.change {
            FaultChange::InForce { evidence } | FaultChange::Healed { evidence } => {
                self.0.lock().unwrap().push(evidence)
            }
            FaultChange::NotInForce { reason } | FaultChange::NotHealed { reason } => {
                self.0.lock().unwrap().push(format!("PROBLEM: {reason}"));
            }
            FaultChange::Inject { .. } | FaultChange::Heal => {}
        }
    }

    fn failed(&self, reason: String) {
        self.0.lock().unwrap().push(format!("FAILED: {reason}"));
    }
}

impl Stage {
    pub async fn up(model: Model) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let program = env::current_exe().unwrap();
        let (names, agent) = (vec!["n1".to_owned()], program.clone());
        let options = ClusterOptions {
            names,
            folder: folder.path().join("nodes"),
            cut: None,
            packets: Default::default(),
            agent,
        };
        let cluster = Cluster::up(SANDBOX.get().expect("main has entered the sandbox"), options).await.unwrap();
        let deployment = Deployment::new(cluster, Arc::new(Syncing { program }));
        deployment.mount_disks(model).await.unwrap();
        deployment.start_all().await.unwrap();
        deployment.await_answer("n1", PATIENCE).await.unwrap();
        Stage { deployment: Arc::new(deployment), _folder: folder }
    }

    /// Carries the schedule out, and returns what was shown, in the order of its times.
    pub async fn conduct(&self, schedule: &[Planned], seed: u64) -> Vec<String> {
        let kept = Arc::<Kept>::default();
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let conductor = Conductor::new(self.deployment.clone(), Arc::new(NoClients), kept.clone(), rng);
        conductor.conduct(schedule, Instant::now(), std::future::pending::<()>).await;
        let told = std::mem::take(&mut *kept.0.lock().unwrap());
        assert!(told.iter().all(|told| !told.contains("PROBLEM") && !told.contains("FAILED")), "{told:?}");
        told
    }

    /// A file of the disk, as it is underneath; none where there is no such file.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.deployment.nodes()[0].dir.join("data").join(name)).ok()
    }

    /// How long the slowest sync of the server took.
    pub fn slowest_sync_ms(&self) -> u64 {
        fs::read_to_string(self.deployment.nodes()[0].dir.join("slowest")).unwrap().parse().unwrap()
    }
}
