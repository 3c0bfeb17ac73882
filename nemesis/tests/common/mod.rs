//! What tests of faults on real nodes stand on: a sandbox, nodes with a server of ours, a conductor that tells what it did.
//!
//! A part of test binaries that have a `main` of their own, because the sandbox is entered before any thread exists, and
//! because the same executable is the agent of the nodes and the server on them.

use async_trait::async_trait;
use libtest_mimic::{Arguments, Failed, Trial};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use squall_nemesis::clients::NoClients;
use squall_nemesis::conduct::{Conductor, Record};
use squall_results::event::{FaultChange, FaultEvent};
use squall_targets::Deployment;
use squall_targets::client::{Client, Reads};
use squall_targets::cluster::{Cluster, ClusterOptions, Node};
use squall_targets::remote::DaemonSpec;
use squall_targets::sandbox::{self, Sandbox};
use squall_targets::target::{Status, Target};
use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server listens when it serves.
pub const PORT: u16 = 7300;

/// What this executable is: by its first argument the agent of a node, or the server with what else was said to it, and
/// without one the tests, which run one at a time.
pub fn main(server: &str, serve: impl FnOnce(env::ArgsOs) -> ExitCode, trials: &[(&'static str, fn())]) -> ExitCode {
    let mut arguments = env::args_os();
    match arguments.nth(1) {
        Some(first) if first == squall_targets::agent::ARGUMENT => return squall_targets::agent::run(arguments),
        Some(first) if first == server => return serve(arguments),
        _ => {}
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let entered = if arguments.list { Ok(None) } else { sandbox::enter().map(Some) };
    match entered {
        Ok(Some(sandbox)) => assert!(SANDBOX.set(sandbox).is_ok(), "the sandbox is entered once"),
        Ok(None) => {}
        Err(error) => {
            eprintln!("failed to {error}");
            return ExitCode::FAILURE;
        }
    }
    let trial = |&(name, test): &(&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    };
    libtest_mimic::run(&arguments, trials.iter().map(trial).collect()).exit_code()
}

pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// A cluster of so many nodes in `folder`, with this server on each, that is not started yet.
pub async fn deployed(folder: &Path, nodes: usize, argv: Vec<String>) -> Deployment {
    let names = (1..=nodes).map(|number| format!("n{number}")).collect();
    let (cut, packets, agent) = (None, Default::default(), env::current_exe().unwrap());
    let options = ClusterOptions { names, folder: folder.join("nodes"), cut, packets, agent };
    let cluster = Cluster::up(SANDBOX.get().expect("main has entered the sandbox"), options).await.unwrap();
    Deployment::new(cluster, Arc::new(Server { argv }))
}

/// Starts all servers, and waits until they serve.
pub async fn start(deployment: &Deployment) {
    deployment.start_all().await.unwrap();
    for node in deployment.nodes() {
        deployment.await_answer(&node.name, PATIENCE).await.unwrap();
    }
}

/// The server as squall knows it: it serves when it listens.
struct Server {
    argv: Vec<String>,
}

#[async_trait]
impl Target for Server {
    fn name(&self) -> &'static str {
        "tried"
    }

    fn daemon(&self, node: &Node, _nodes: &[Node]) -> DaemonSpec {
        let log = node.dir.join("server.log");
        let (argv, cwd) = (self.argv.clone(), node.dir.clone());
        DaemonSpec { argv, cwd, stdout: log.clone(), stderr: log, ..DaemonSpec::default() }
    }

    fn client(&self, _node: &Node, _reads: Reads) -> Box<dyn Client> {
        unreachable!("nobody calls this server")
    }

    async fn status(&self, node: &Node, _nodes: &[Node]) -> Result<Status, String> {
        tokio::net::TcpStream::connect((node.address, PORT)).await.map_err(|error| error.to_string())?;
        Ok(Status { leader: Some(node.name.clone()), term: 1 })
    }

    async fn version(&self, _node: &Node) -> Result<String, String> {
        Ok("1".into())
    }
}

/// A conductor of faults on `deployment`, and what it shows.
pub fn conductor(deployment: &Arc<Deployment>, seed: u64) -> (Arc<Conductor>, Arc<Kept>) {
    let (kept, rng) = (Arc::<Kept>::default(), ChaCha8Rng::seed_from_u64(seed));
    (Conductor::new(deployment.clone(), Arc::new(NoClients), kept.clone(), rng), kept)
}

/// Keeps what shows that a fault is in force, and what shows that it is not any more.
#[derive(Default)]
pub struct Kept(Mutex<Vec<String>>);

impl Kept {
    /// All that was shown so far; that something went wrong is none of it.
    pub fn shown(&self) -> Vec<String> {
        let told = self.0.lock().unwrap().clone();
        assert!(told.iter().all(|told| !told.contains("PROBLEM") && !told.contains("FAILED")), "{told:?}");
        told
    }
}

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

    fn ended(&self, _fault: u32, told: String) {
        self.0.lock().unwrap().push(format!("PROBLEM: {told} by itself"));
    }

    fn failed(&self, reason: String) {
        self.0.lock().unwrap().push(format!("FAILED: {reason}"));
    }
}
