//! What every test stands on: the sandbox, nodes with servers, a conductor that tells what it did.

use crate::server::{ARGUMENT, Manner, Slow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use squall_nemesis::Planned;
use squall_nemesis::clients::NoClients;
use squall_nemesis::conduct::{Conductor, Record};
use squall_results::event::{FaultChange, FaultEvent};
use squall_targets::Deployment;
use squall_targets::cluster::{Cluster, ClusterOptions};
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

/// Nodes with servers, in a folder that vanishes with them.
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
    pub async fn up(nodes: usize, manner: Manner) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let program = env::current_exe().unwrap();
        let names = (1..=nodes).map(|number| format!("n{number}")).collect();
        let (cut, packets, agent) = (None, Default::default(), program.clone());
        let options = ClusterOptions { names, folder: folder.path().join("nodes"), cut, packets, agent };
        let cluster = Cluster::up(SANDBOX.get().expect("main has entered the sandbox"), options).await.unwrap();
        let deployment = Deployment::new(cluster, Arc::new(Slow { program, manner }));
        deployment.start_all().await.unwrap();
        for node in deployment.nodes() {
            deployment.await_answer(&node.name, PATIENCE).await.unwrap();
        }
        Stage { deployment: Arc::new(deployment), _folder: folder }
    }

    /// Carries the fault out, and returns what showed that it was in force and that it was healed.
    pub async fn conduct(&self, planned: Planned) -> [String; 2] {
        self.conduct_and(planned, async {}).await.1
    }

    /// Likewise, and does something as soon as the fault is in force.
    pub async fn conduct_and<T>(&self, planned: Planned, meanwhile: impl Future<Output = T>) -> (T, [String; 2]) {
        let kept = Arc::<Kept>::default();
        let rng = ChaCha8Rng::seed_from_u64(1);
        let conductor = Conductor::new(self.deployment.clone(), Arc::new(NoClients), kept.clone(), rng);
        let schedule = [planned];
        let conducted = conductor.conduct(&schedule, Instant::now(), std::future::pending::<()>);
        let meanwhile = async {
            while kept.0.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            meanwhile.await
        };
        let (done, ()) = tokio::join!(meanwhile, conducted);
        let told = std::mem::take(&mut *kept.0.lock().unwrap());
        assert!(told.iter().all(|told| !told.contains("PROBLEM") && !told.contains("FAILED")), "{told:?}");
        (done, told.try_into().unwrap_or_else(|told| panic!("{told:?}")))
    }

    /// How many percent of a processor the server of a node gets for a second, as the machine counts it.
    pub async fn processor_percent(&self, node: &str) -> f64 {
        let dir = &self.deployment.nodes().iter().find(|other| other.name == node).expect("it is there").dir;
        let pid = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).find(|process| {
            let is_server = fs::read_to_string(process.join("cmdline")).is_ok_and(|line| line.contains(ARGUMENT));
            is_server && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == *dir)
        });
        let stat = pid.expect("the server runs").join("stat");
        let ticks = || {
            let text = fs::read_to_string(&stat).unwrap();
            let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
        };
        let (begin, before) = (Instant::now(), ticks());
        tokio::time::sleep(Duration::from_secs(1)).await;
        (ticks() - before) / begin.elapsed().as_secs_f64()
    }

    /// When the server of a node has started, as it noted itself, in nanoseconds.
    pub fn starts(&self, node: &str) -> Vec<u128> {
        self.noted(node, "starts")
    }

    /// How often it has come to serve.
    pub fn serves(&self, node: &str) -> usize {
        self.noted(node, "serves").len()
    }

    fn noted(&self, node: &str, name: &str) -> Vec<u128> {
        let node = self.deployment.nodes().iter().find(|other| other.name == node).expect("it is there");
        let text = fs::read_to_string(node.dir.join(name)).unwrap_or_default();
        text.lines().map(|line| line.parse().expect("a number")).collect()
    }
}
