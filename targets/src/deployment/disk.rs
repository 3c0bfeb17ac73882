//! The disks under the servers of a deployment: mounted before the servers start, switched, and left without power.

use super::{DeployError, Deployment, END_TIMEOUT, STATE_TIMEOUT};
use crate::agent;
use crate::cluster::Node;
use crate::disk::{Counters, DiskAnswer, DiskAsk, DiskSpec, Loss, Model, Switches, Touched, probe};
use crate::remote::{Awaited, CommandLine, ProcessState, RemoteError, Scope, Signal};
use futures_util::future::try_join_all;

impl Deployment {
    /// Puts a disk of squall's under the data of every server; before they are started.
    ///
    /// # Errors
    /// Where `/dev/fuse` cannot be used; the message says what to do.
    pub async fn mount_disks(&self, model: Model) -> Result<(), DeployError> {
        let mount = |node: &Node| {
            let (folder, attic) = (self.target.data(node), node.dir.join("attic"));
            let remote = node.remote.clone();
            async move { remote.disk(DiskAsk::Mount(DiskSpec { folder, attic, model })).await }
        };
        try_join_all(self.nodes().iter().map(mount)).await?;
        let _ = self.disks.set(model); // a second disk is refused by the node
        Ok(())
    }

    /// What the disks forget; none where there are none.
    pub fn disk_model(&self) -> Option<Model> {
        self.disks.get().copied()
    }

    /// Turns the power of `node` off: its disk stops, its server dies with all that was not synced. Returns its state, and
    /// what was lost. The disk is there again when this returns; the server is not.
    ///
    /// # Errors
    /// As for [`Deployment::kill`].
    pub async fn cut_power(&self, node: &str, torn: Option<u64>) -> Result<(ProcessState, Loss), DeployError> {
        self.refuse_ended(node).await?;
        let (node, pid) = self.server(node)?;
        // In this order the server never sees an error: whatever it waits for is answered when it is about to die.
        node.remote.disk(DiskAsk::Freeze).await?;
        let killed = node.remote.signal(pid, Signal::SIGKILL, Scope::Session).await;
        node.remote.disk(DiskAsk::PowerOff).await?;
        killed?;
        let state = node.remote.await_state(pid, Awaited::Gone, STATE_TIMEOUT).await?;
        match node.remote.disk(DiskAsk::PowerOn { torn }).await? {
            DiskAnswer::Lost(loss) => Ok((state, loss)),
            other => Err(astray(node, &other)),
        }
    }

    /// Lets the disk of `node` fail, or not any more. Returns what it did since it was switched last.
    pub async fn switch_disk(&self, node: &str, switches: Switches) -> Result<Counters, DeployError> {
        let node = &self.nodes()[self.place(node)?];
        match node.remote.disk(DiskAsk::Switch(switches)).await? {
            DiskAnswer::Counted(counters) => Ok(counters),
            other => Err(astray(node, &other)),
        }
    }

    /// Reads, writes and syncs on the disk of `node` as its server would, without touching a file of its.
    pub async fn touch_disk(&self, node: &str) -> Result<Touched, DeployError> {
        let node = &self.nodes()[self.place(node)?];
        let data = self.target.data(node).display().to_string();
        let command = CommandLine::new(["/proc/self/exe", agent::ARGUMENT, probe::ARGUMENT, &data]);
        let output = node.remote.run(&command, END_TIMEOUT).await?.expect_success(&node.name, &command)?;
        Touched::parse(&output.stdout).map_err(|reason| refused(node, "touch the disk", reason))
    }
}

fn astray(node: &Node, answer: &DiskAnswer) -> DeployError {
    refused(node, "ask the disk", format!("it answered {answer:?}"))
}

fn refused(node: &Node, what: &str, reason: String) -> DeployError {
    RemoteError::Refused { node: node.name.clone(), what: what.into(), reason }.into()
}
