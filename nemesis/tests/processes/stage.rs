//! Nodes with servers that come and go.

use crate::common::{PATIENCE, conductor, deployed, start};
use crate::server::{self, ARGUMENT, Manner};
use squall_nemesis::Planned;
use squall_targets::Deployment;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nodes with servers, in a folder that vanishes with them.
pub struct Stage {
    deployment: Arc<Deployment>,
    _folder: TempDir,
}

impl Stage {
    pub async fn up(nodes: usize, manner: Manner) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let deployment = deployed(folder.path(), nodes, server::argv(manner)).await;
        start(&deployment).await;
        Stage { deployment: Arc::new(deployment), _folder: folder }
    }

    /// Carries the fault out, and returns what showed that it was in force and that it was healed.
    pub async fn conduct(&self, planned: Planned) -> [String; 2] {
        self.conduct_and(planned, async {}).await.1
    }

    /// Likewise, and does something as soon as the fault is in force.
    pub async fn conduct_and<T>(&self, planned: Planned, meanwhile: impl Future<Output = T>) -> (T, [String; 2]) {
        let (conductor, kept) = conductor(&self.deployment, 1);
        let schedule = [planned];
        let begin = Instant::now();
        let conducted = conductor.conduct(&schedule, begin, std::future::pending::<()>);
        let meanwhile = async {
            while kept.shown().is_empty() {
                assert!(begin.elapsed() < PATIENCE, "the fault is not in force");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            meanwhile.await
        };
        let (done, ()) = tokio::join!(meanwhile, conducted);
        (done, kept.shown().try_into().unwrap_or_else(|told| panic!("{told:?}")))
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
