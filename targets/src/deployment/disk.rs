//! The disks under the servers of a deployment: mounted before the servers start, switched, and left without power.

use super::{DeployError, Deployment, END_TIMEOUT, STATE_TIMEOUT};
use crate::agent;
use crate::cluster::Node;
use crate::disk::{Counters, DiskAnswer, DiskAsk, DiskSpec, Loss, Model, Switches, Touched, probe};
use crate::remote::{Awaited, CommandLine, ProcessState, RemoteError, Scope, Signal};
use futures_util::future::{join_all, try_join_all};

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
        try_join_all(self.all().iter().map(mount)).await?;
        let _ = self.disks.set(model); // a second disk is refused by the node
        Ok(())
    }

    /// What the disks forget; none where there are none.
    pub fn disk_model(&self) -> Option<Model> {
        self.disks.get().copied()
    }

    /// Turns the power of nodes off, each with the seed by which its last writes are torn, if they are: their disks stop at
    /// once, and their servers die with all that was not synced. Returns the state of each server, and what was lost. The
    /// disks are there again when this returns; the servers are not.
    ///
    /// # Errors
    /// As for [`Deployment::kill`]; then nothing was done.
    pub async fn cut_power(&self, cuts: &[(&str, Option<u64>)]) -> Result<Vec<(ProcessState, Loss)>, DeployError> {
        for (node, _) in cuts {
            self.refuse_ended(node).await?;
        }
        let servers: Vec<(&Node, u32)> = cuts.iter().map(|(node, _)| self.server(node)).collect::<Result<_, _>>()?;
        // In this order no server ever sees an error, whatever it waits for is answered when it is about to die; and nobody
        // goes on alone while another node still has power.
        let frozen = join_all(servers.iter().map(|(node, _)| node.remote.disk(DiskAsk::Freeze))).await;
        let ends = servers.iter().zip(cuts).map(|((node, pid), (_, torn))| die_and_forget(node, *pid, *torn));
        let ends = join_all(ends).await;
        frozen.into_iter().collect::<Result<Vec<_>, _>>()?;
        ends.into_iter().collect()
    }

    /// Lets the disk of `node` fail, or not any more. Returns what it did since it was switched last.
    ///
    /// # Errors
    /// As for [`Deployment::kill`], but for a disk that is to be in order.
    pub async fn switch_disk(&self, node: &str, switches: Switches) -> Result<Counters, DeployError> {
        if switches != Switches::default() {
            self.refuse_ended(node).await?;
        }
        let node = &self.all()[self.place(node)?];
        match node.remote.disk(DiskAsk::Switch(switches)).await? {
            DiskAnswer::Counted(counters) => Ok(counters),
            other => Err(astray(node, &other)),
        }
    }

    /// Reads, writes and syncs on the disk of `node` as its server would, without touching a file of its.
    pub async fn touch_disk(&self, node: &str) -> Result<Touched, DeployError> {
        let node = &self.all()[self.place(node)?];
        let data = self.target.data(node).display().to_string();
        let command = CommandLine::new(["/proc/self/exe", agent::ARGUMENT, probe::ARGUMENT, &data]);
        let output = node.remote.run(&command, END_TIMEOUT).await?.expect_success(&node.name, &command)?;
        Touched::parse(&output.stdout).map_err(|reason| refused(node, "touch the disk", reason))
    }
}

/// Kills the server of a node whose disk answers nobody any more, and gives the disk its power back, without what was not
/// synced.
async fn die_and_forget(node: &Node, pid: u32, torn: Option<u64>) -> Result<(ProcessState, Loss), DeployError> {
    let killed = node.remote.signal(pid, Signal::SIGKILL, Scope::Session).await;
    node.remote.disk(DiskAsk::PowerOff).await?;
    killed?;
    let state = node.remote.await_state(pid, Awaited::Gone, STATE_TIMEOUT).await?;
    match node.remote.disk(DiskAsk::PowerOn { torn }).await? {
        DiskAnswer::Lost(loss) => Ok((state, loss)),
        other => Err(astray(node, &other)),
    }
}

fn astray(node: &Node, answer: &DiskAnswer) -> DeployError {
    refused(node, "ask the disk", format!("it answered {answer:?}"))
}

fn refused(node: &Node, what: &str, reason: String) -> DeployError {
    RemoteError::Refused { node: node.name.clone(), what: what.into(), reason }.into()
}
