//! What every test stands on: the sandbox, a node with a disk, a program that uses it.

use crate::program;
use squall_targets::cluster::{Cluster, ClusterOptions, Node};
use squall_targets::disk::{DiskAnswer, DiskAsk, DiskSpec, Loss, Model, Switches};
use squall_targets::remote::{CommandLine, Exit, Output};
use squall_targets::sandbox::Sandbox;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// How long anything may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn set_sandbox(sandbox: Sandbox) {
    SANDBOX.set(sandbox).expect("the sandbox is entered once");
}

pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// A node with a disk in a folder that vanishes with it.
pub struct Stage {
    pub cluster: Cluster,
    _folder: TempDir,
}

impl Stage {
    pub async fn up(model: Model) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let (names, agent) = (vec!["n1".to_owned()], std::env::current_exe().unwrap());
        let options = ClusterOptions {
            names,
            folder: folder.path().join("a folder with blanks"),
            cut: None,
            packets: Default::default(),
            agent,
        };
        let cluster = Cluster::up(SANDBOX.get().expect("main has entered the sandbox"), options).await.unwrap();
        let stage = Stage { cluster, _folder: folder };
        let spec = DiskSpec { folder: stage.data(), attic: stage.node().dir.join("attic"), model };
        assert_eq!(stage.ask(DiskAsk::Mount(spec)).await, DiskAnswer::Done);
        stage
    }

    pub fn node(&self) -> &Node {
        &self.cluster.nodes()[0]
    }

    pub fn data(&self) -> PathBuf {
        self.node().dir.join("data")
    }

    pub async fn ask(&self, ask: DiskAsk) -> DiskAnswer {
        self.node().remote.disk(ask).await.unwrap()
    }

    pub async fn command(&self, argv: &[&str]) -> Output {
        self.node().remote.run(&CommandLine::new(argv.iter().copied()), PATIENCE).await.unwrap()
    }

    /// Lets the program take these steps; returns what it complained of.
    pub async fn try_steps(&self, steps: &[&str]) -> Result<(), String> {
        let (program, folder) = (std::env::current_exe().unwrap(), self.data());
        let begin = [program.to_str().unwrap(), program::ARGUMENT, folder.to_str().unwrap()];
        let output = self.command(&begin.into_iter().chain(steps.iter().copied()).collect::<Vec<_>>()).await;
        match output.exit {
            Exit::Code(0) => Ok(()),
            _ => Err(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))),
        }
    }

    pub async fn steps(&self, steps: &[&str]) {
        self.try_steps(steps).await.unwrap();
    }

    pub async fn switch(&self, switches: Switches) {
        assert!(matches!(self.ask(DiskAsk::Switch(switches)).await, DiskAnswer::Counted(_)));
    }

    /// Turns the power off and on.
    pub async fn lose_power(&self, torn: Option<u64>) -> Loss {
        self.ask(DiskAsk::Freeze).await;
        self.ask(DiskAsk::PowerOff).await;
        match self.ask(DiskAsk::PowerOn { torn }).await {
            DiskAnswer::Lost(loss) => loss,
            other => panic!("{other:?} is no loss"),
        }
    }

    /// All paths as a program on the node sees them, with the contents of files. Ends of files that are zeros are told as
    /// their number.
    pub async fn listing(&self) -> BTreeMap<String, String> {
        let data = self.data();
        let found = self.command(&["find", data.to_str().unwrap(), "-mindepth", "1", "-printf", "%y %P\\n"]).await;
        let mut listing = BTreeMap::new();
        for line in String::from_utf8(found.stdout).unwrap().lines() {
            let (kind, path) = line.split_once(' ').unwrap();
            let contents = match kind {
                "f" => {
                    let bytes = self.command(&["cat", data.join(path).to_str().unwrap()]).await.stdout;
                    let text = String::from_utf8(bytes).unwrap();
                    let shown = text.trim_end_matches('\0');
                    let zeros = text.len() - shown.len();
                    if zeros == 0 { shown.to_owned() } else { format!("{shown}+{zeros} zeros") }
                }
                other => other.to_owned(),
            };
            listing.insert(path.to_owned(), contents);
        }
        listing
    }
}
