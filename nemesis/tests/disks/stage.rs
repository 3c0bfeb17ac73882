//! A node with a disk and a server.

use crate::common::{conductor, deployed, start};
use crate::server;
use squall_nemesis::Planned;
use squall_targets::Deployment;
use squall_targets::disk::Model;
use std::fs;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

/// A node with a server on a disk, in a folder that vanishes with it.
pub struct Stage {
    deployment: Arc<Deployment>,
    _folder: TempDir,
}

impl Stage {
    pub async fn up(model: Model) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let deployment = deployed(folder.path(), 1, server::argv()).await;
        deployment.mount_disks(model).await.unwrap();
        start(&deployment).await;
        Stage { deployment: Arc::new(deployment), _folder: folder }
    }

    /// Carries the schedule out, and returns what was shown, in the order of its times.
    pub async fn conduct(&self, schedule: &[Planned], seed: u64) -> Vec<String> {
        let (conductor, kept) = conductor(&self.deployment, seed);
        conductor.conduct(schedule, Instant::now(), std::future::pending::<()>).await;
        kept.shown()
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
