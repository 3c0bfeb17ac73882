//! Servers that get little processor time.

use super::{DeployError, Deployment, END_TIMEOUT, STATE_TIMEOUT};
use crate::agent;
use crate::cluster::Node;
use crate::ration;
use crate::remote::{Awaited, CommandLine, DaemonSpec, ProcessState, RemoteError, Scope, Signal};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// What rations a server, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ration {
    /// The process that does it.
    keeper: u32,
    begin: Instant,
    /// The processor time that the server had had before.
    used: Duration,
}

/// What a server got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rationed {
    /// The processor time that it had.
    pub used: Duration,
    /// In how long.
    pub within: Duration,
}

impl Rationed {
    /// The share of one processor.
    pub fn share(&self) -> f64 {
        self.used.as_secs_f64() / self.within.as_secs_f64().max(f64::EPSILON)
    }
}

impl Deployment {
    /// Lets the server of `node` run for so many millionths of the time only.
    ///
    /// # Errors
    /// As for [`Deployment::kill`].
    pub async fn ration(&self, node: &str, share_ppm: u32) -> Result<(), DeployError> {
        self.refuse_ended(node).await?;
        let (at, pid) = self.server(node)?;
        let used = processor_time(at, pid).await?;
        let program = ["/proc/self/exe", agent::ARGUMENT].map(str::to_owned);
        let argv = program.into_iter().chain(ration::arguments(pid, share_ppm)).collect();
        let (cwd, log) = (at.dir.clone(), at.dir.join("ration.log"));
        let keeper = DaemonSpec { argv, cwd, stdout: log.clone(), stderr: log, ..DaemonSpec::default() };
        let keeper = at.remote.start(&keeper).await?;
        let ration = Ration { keeper, begin: Instant::now(), used };
        self.rations.lock().unwrap_or_else(PoisonError::into_inner).insert(node.into(), ration);
        Ok(())
    }

    /// Lets the server of `node` run as it likes again, and waits until it does. Returns what it got meanwhile; none where it
    /// was not rationed.
    ///
    /// # Errors
    /// As for [`Deployment::kill`].
    pub async fn end_ration(&self, node: &str) -> Result<Option<Rationed>, DeployError> {
        let ration = self.rations.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
        let Some(Ration { keeper, begin, used }) = ration else { return Ok(None) };
        let (at, pid) = self.server(node)?;
        at.remote.signal(keeper, Signal::SIGKILL, Scope::Session).await?;
        at.remote.await_state(keeper, Awaited::Gone, STATE_TIMEOUT).await?;
        let within = begin.elapsed();
        // It may have been the turn of standing still.
        at.remote.signal(pid, Signal::SIGCONT, Scope::Session).await?;
        self.refuse_ended(node).await?;
        at.remote.await_state(pid, Awaited::Running, STATE_TIMEOUT).await?;
        let used = processor_time(at, pid).await?.saturating_sub(used);
        Ok(Some(Rationed { used, within }))
    }

    /// In how many of `looks` looks, `every` apart, the server of `node` stands still.
    ///
    /// # Errors
    /// As for [`Deployment::kill`].
    pub async fn look_for_stops(&self, node: &str, looks: u32, every: Duration) -> Result<u32, DeployError> {
        let mut stopped = 0;
        for _ in 0..looks {
            match self.state(node).await? {
                ProcessState::Stopped => stopped += 1,
                ProcessState::Running => {}
                ProcessState::Gone { .. } => self.refuse_ended(node).await?,
            }
            tokio::time::sleep(every).await;
        }
        Ok(stopped)
    }
}

/// How much processor time a process of the node has had.
async fn processor_time(node: &Node, pid: u32) -> Result<Duration, RemoteError> {
    let command = CommandLine::new(["cat", &format!("/proc/{pid}/stat")]);
    let output = node.remote.run(&command, END_TIMEOUT).await?.expect_success(&node.name, &command)?;
    let stat = String::from_utf8_lossy(&output.stdout);
    ration::processor_time(&stat).ok_or_else(|| RemoteError::Refused {
        node: node.name.clone(),
        what: command.to_string(),
        reason: format!("there are no times in `{}`", stat.trim()),
    })
}
