//! A node of which only name and address are known, as a client's process knows it: nothing can be done there.

use super::{Arrivals, Awaited, CommandLine, DaemonSpec, Output, ProbeSpec, ProcessState};
use super::{Remote, RemoteError, Scope, Signal};
use crate::clock::{ClockReading, ClocksSet, Skew};
use crate::disk::{DiskAnswer, DiskAsk};
use async_trait::async_trait;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Refuses everything.
pub(crate) struct Nowhere {
    /// The name of the node.
    pub node: String,
}

impl Nowhere {
    fn refuse<T>(&self, what: &str) -> Result<T, RemoteError> {
        let reason = "a client's process does nothing on nodes".into();
        Err(RemoteError::Refused { node: self.node.clone(), what: what.into(), reason })
    }
}

#[async_trait]
impl Remote for Nowhere {
    async fn run(&self, command: &CommandLine, _timeout: Duration) -> Result<Output, RemoteError> {
        self.refuse(&command.to_string())
    }

    async fn start(&self, daemon: &DaemonSpec) -> Result<u32, RemoteError> {
        self.refuse(&daemon.to_string())
    }

    async fn signal(&self, _pid: u32, _signal: Signal, _scope: Scope) -> Result<(), RemoteError> {
        self.refuse("signal")
    }

    async fn state(&self, _pid: u32) -> Result<ProcessState, RemoteError> {
        self.refuse("state")
    }

    async fn await_state(&self, _pid: u32, _wanted: Awaited, _timeout: Duration) -> Result<ProcessState, RemoteError> {
        self.refuse("state")
    }

    async fn send_probe(&self, _peer: Ipv4Addr, _spec: ProbeSpec) -> Result<(), RemoteError> {
        self.refuse("probe")
    }

    async fn count_probe(&self, _probe: u64, _expected: u32, _timeout: Duration) -> Result<Arrivals, RemoteError> {
        self.refuse("probe")
    }

    async fn round_trips(
        &self,
        _peer: Ipv4Addr,
        _spec: ProbeSpec,
        _timeout: Duration,
    ) -> Result<Vec<Duration>, RemoteError> {
        self.refuse("probe")
    }

    async fn block_neighbours(&self, _peers: &[Ipv4Addr]) -> Result<(), RemoteError> {
        self.refuse("block neighbours")
    }

    async fn unblock_neighbours(&self, _peers: &[Ipv4Addr]) -> Result<(), RemoteError> {
        self.refuse("unblock neighbours")
    }

    async fn skew_clocks(&self, _skew: Skew) -> Result<ClocksSet, RemoteError> {
        self.refuse("skew clocks")
    }

    async fn read_clocks(&self, _pid: u32) -> Result<ClockReading, RemoteError> {
        self.refuse("read clocks")
    }

    async fn disk(&self, _ask: DiskAsk) -> Result<DiskAnswer, RemoteError> {
        self.refuse("disk")
    }
}
