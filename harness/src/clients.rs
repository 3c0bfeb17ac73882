//! The clients of a run: as they come from the target, or each in a process of its own, where a fault can reach it.

use crate::driver::Clients;
use crate::traffic::Traffic;
use async_trait::async_trait;
use squall_nemesis::clients::Calls;
use squall_targets::Deployment;
use squall_targets::client::{Client, Reads};
use squall_targets::client_process::{Birth, ClientProcessError, ClientProcesses};
use squall_targets::target::TargetOptions;
use std::sync::Arc;

/// How the clients of a run come about.
pub enum Cast {
    /// Tasks of squall itself.
    Inside(Arc<Deployment>),
    /// Each a process of its own.
    Processes {
        /// Whose clients they are.
        deployment: Arc<Deployment>,
        /// All that there are.
        processes: ClientProcesses,
        /// What the target was told.
        options: TargetOptions,
        /// See [`RunClock::origin_ns`](crate::clock::RunClock::origin_ns).
        origin_ns: u64,
    },
}

impl Cast {
    /// Makes clients that read in this way.
    pub fn clients(&self, reads: Reads) -> Arc<dyn Clients> {
        match self {
            Cast::Inside(deployment) => Arc::new(Inside { deployment: deployment.clone(), reads }),
            Cast::Processes { deployment, processes, options, origin_ns } => {
                let births = deployment.nodes().iter().map(|node| Birth {
                    target: deployment.target().name().into(),
                    options: options.clone(),
                    node: node.name.clone(),
                    address: node.address,
                    clients: node.clients,
                    dir: node.dir.clone(),
                    reads,
                    origin_ns: *origin_ns,
                });
                Arc::new(Outside { processes: processes.clone(), births: births.collect() })
            }
        }
    }

    /// What faults can do to the clients and their calls.
    pub fn port(&self, traffic: Arc<Traffic>) -> Arc<dyn squall_nemesis::Clients> {
        let processes = match self {
            Cast::Inside(_) => None,
            Cast::Processes { processes, .. } => Some(processes.clone()),
        };
        Arc::new(Port { traffic, processes })
    }
}

struct Inside {
    deployment: Arc<Deployment>,
    reads: Reads,
}

impl Clients for Inside {
    fn client(&self, node: usize, _process: u64) -> Box<dyn Client> {
        self.deployment.target().client(&self.deployment.nodes()[node], self.reads)
    }
}

struct Outside {
    processes: ClientProcesses,
    births: Vec<Birth>,
}

impl Clients for Outside {
    fn client(&self, node: usize, process: u64) -> Box<dyn Client> {
        Box::new(self.processes.client(process, self.births[node].clone()))
    }
}

struct Port {
    traffic: Arc<Traffic>,
    /// None where clients are no processes of their own.
    processes: Option<ClientProcesses>,
}

#[async_trait]
impl squall_nemesis::Clients for Port {
    fn hold_back(&self, nodes: &[String]) {
        self.traffic.hold_back(nodes);
    }

    fn let_go(&self, nodes: &[String]) {
        self.traffic.let_go(nodes);
    }

    fn calls(&self, node: &str) -> Calls {
        self.traffic.calls(node)
    }

    fn living(&self) -> Vec<u64> {
        self.processes.as_ref().map(ClientProcesses::living).unwrap_or_default()
    }

    async fn next_holder(&self) -> u64 {
        match &self.processes {
            Some(processes) => processes.next_holder().await,
            None => std::future::pending().await,
        }
    }

    async fn pause(&self, process: u64) -> Result<String, ClientProcessError> {
        let processes = self.processes.as_ref().ok_or(ClientProcessError::Gone { process })?;
        processes.pause(process).await
    }

    async fn resume(&self, process: u64) -> Result<String, ClientProcessError> {
        let processes = self.processes.as_ref().ok_or(ClientProcessError::Gone { process })?;
        processes.resume(process).await
    }
}
