//! One of the two: its servers on a cluster of its own.

use squall_targets::client::{Client, Reads};
use squall_targets::cluster::{Cluster, ClusterOptions, Node};
use squall_targets::deployment::Deployment;
use squall_targets::sandbox::Sandbox;
use squall_targets::target::{self, Target, TargetOptions};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call may take of who asks again and again: what was asked of a leader that is gone is answered by nobody.
const SHORT_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a cluster may take to serve.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The servers of one database.
pub struct Side {
    /// Its name.
    pub name: &'static str,
    /// Its servers.
    pub deployment: Deployment,
    /// The same database, asked again and again: for the strongest, and for what a server knows by itself.
    often: Box<dyn Target>,
    alone: Box<dyn Target>,
}

impl Side {
    /// Three servers that serve, with etcd's times.
    pub async fn up(sandbox: &Sandbox, name: &str, folder: &Path) -> Result<Side, Box<dyn Error>> {
        let info = target::find(name).ok_or("it is in the list")?;
        let options = |read: &str, call_timeout: Duration| -> Result<TargetOptions, Box<dyn Error>> {
            let mut settings: std::collections::BTreeMap<String, u64> =
                info.settings.iter().map(|setting| (setting.name.to_owned(), setting.default)).collect();
            settings.extend([("heartbeat_ms".to_owned(), 100), ("election_ms".to_owned(), 1_000)]);
            Ok(TargetOptions {
                own_program: std::env::current_exe()?,
                call_timeout,
                bug: None,
                seed: 7,
                cluster_name: "versus".into(),
                read: read.into(),
                retry: false,
                bin: None,
                elsewhere: false,
                changes_members: false,
                settings,
            })
        };
        let [strongest, alone] = [info.reads.first(), info.reads.last()].map(|read| read.map_or("", |read| read.name));
        let names = ["n1", "n2", "n3"].map(String::from).into();
        let cluster = ClusterOptions {
            names,
            folder: folder.into(),
            cut: None,
            packets: Default::default(),
            agent: std::env::current_exe()?,
        };
        let cluster = Cluster::up(sandbox, cluster).await?;
        let deployment = Deployment::new(cluster, (info.make)(options(strongest, CALL_TIMEOUT)?)?.into());
        deployment.start_all().await?;
        deployment.await_agreement(PATIENCE).await?;
        let often = (info.make)(options(strongest, SHORT_TIMEOUT)?)?;
        let alone = (info.make)(options(alone, SHORT_TIMEOUT)?)?;
        Ok(Side { name: info.name, deployment, often, alone })
    }

    /// Ends the servers.
    pub async fn down(&self) -> Result<(), Box<dyn Error>> {
        Ok(self.deployment.cluster().down().await?)
    }

    /// A client of the node with this number, which reads linearizably.
    pub fn client(&self, number: usize) -> Box<dyn Client> {
        let nodes = self.deployment.nodes();
        self.deployment.target().client(&nodes[number % nodes.len()], Reads::Strongest)
    }

    /// The same, for who asks again and again.
    pub fn client_of_often(&self, number: usize) -> Box<dyn Client> {
        self.often.client(&self.deployment.nodes()[number], Reads::Strongest)
    }

    /// A client that reads what `node` knows by itself.
    pub fn client_of_one(&self, node: &Node) -> Box<dyn Client> {
        self.alone.client(node, Reads::Chosen)
    }
}
