//! Local nodes: namespaces made by system calls, joined by a switch in the controller's own network namespace.
//!
//! Each node is held by one thread that lives as long as the node. The thread moves itself into the node's namespaces,
//! furnishes them, and starts the agent there as process 1 of the pid namespace, so that the agent dies with the thread
//! (PR_SET_PDEATHSIG) and the kernel ends everything on the node when the agent is gone.
//!
//! This module must not know cuts, faults or databases.

pub(crate) mod netlink;
mod switch;
mod tunnel;

pub(crate) use switch::{Port, Switch};
pub(crate) use tunnel::{Tunnel, TunnelError};

use crate::agent;
use crate::cluster::ClusterError;
use crate::sandbox;
use netlink::{Cable, Netlink, NetlinkError};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, io};
use tokio::sync::oneshot;

/// The node's end of its cable.
pub(crate) const LINK: &str = "eth0";

/// Where administrators' programs lie, which the `PATH` of an ordinary user may lack.
const SYSTEM_PATHS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// What a node is to be.
#[derive(Debug, Clone)]
pub(crate) struct NodePlan {
    pub name: String,
    pub address: Ipv4Addr,
    pub dir: PathBuf,
    pub port: Port,
    /// The executable that becomes the agent, absolute.
    pub agent: PathBuf,
    /// What stands in the node's `/etc/hosts`.
    pub hosts: String,
    /// Whether it gets a tunnel beside its cable.
    pub tunnel: bool,
}

/// What came up with a node.
pub(crate) struct Started {
    pub node: LocalNode,
    /// Its agent, whose greeting is the first thing to come.
    pub agent: UnixStream,
    /// Its tunnel and the other end of it, where it was to have one.
    pub tunnel: Made,
}

/// What a node's thread makes besides the node.
type Made = Option<Result<(Tunnel, OwnedFd), TunnelError>>;

/// A node that is up. Ends when dropped.
#[derive(Debug)]
pub(crate) struct LocalNode {
    name: String,
    agent: Arc<Mutex<Option<Child>>>,
    obituary: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<()>>,
}

/// Why a node's thread could not make the node.
#[derive(Debug, thiserror::Error)]
enum LocalError {
    #[error("{call}: {}", errno.desc())]
    Call { call: &'static str, errno: Errno },
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    #[error("{what}: {source}")]
    File { what: String, source: io::Error },
}

impl LocalNode {
    /// Makes the node and starts its agent.
    pub(crate) async fn start(plan: NodePlan) -> Result<Started, ClusterError> {
        let node = plan.name.clone();
        let local = |reason: String| ClusterError::Local { node: node.clone(), reason };
        let (ours, theirs) = UnixStream::pair().map_err(|error| local(error.to_string()))?;
        let agent = Arc::new(Mutex::new(None));
        let obituary = Arc::new(OnceLock::new());
        let (sender, started) = oneshot::channel();
        let held = (Arc::clone(&agent), Arc::clone(&obituary));
        let thread = thread::Builder::new()
            .name(format!("node {}", plan.name))
            .spawn(move || hold(&plan, theirs, sender, &held.0, &held.1))
            .map_err(|error| local(format!("start a thread: {error}")))?;
        let local_node = LocalNode { name: node.clone(), agent, obituary, thread: Some(thread) };
        match started.await {
            Ok(Ok(tunnel)) => Ok(Started { node: local_node, agent: ours, tunnel }),
            Ok(Err(error)) => Err(local(error.to_string())),
            Err(_) => Err(local("its thread ended".into())),
        }
    }

    /// Filled when the agent has ended, with how.
    pub(crate) fn obituary(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.obituary)
    }

    /// Kills the agent and so everything on the node. Does not wait.
    pub(crate) fn kill(&self) {
        let agent = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agent.as_ref() {
            // It is not reaped while the lock is held, so the number is still its own.
            let _ = kill(Pid::from_raw(agent.id() as i32), Signal::SIGKILL);
        }
    }

    /// Waits until nothing of the node runs any more, at most until `deadline`; then an error that names the node.
    pub(crate) fn await_end(&self, deadline: Instant) -> Result<(), String> {
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if Instant::now() >= deadline {
                return Err(format!("processes of {} do not end; look for one in state D", self.name));
            }
            thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }
}

impl Drop for LocalNode {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The life of a node's thread.
fn hold(
    plan: &NodePlan,
    control: UnixStream,
    started: oneshot::Sender<Result<Made, LocalError>>,
    agent: &Mutex<Option<Child>>,
    obituary: &OnceLock<String>,
) {
    let made = furnish(plan).and_then(|tunnel| Ok((start_agent(plan, control)?, tunnel)));
    let (child, tunnel) = match made {
        Ok(made) => made,
        Err(error) => return drop(started.send(Err(error))),
    };
    let pid = Pid::from_raw(child.id() as i32);
    *agent.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    if started.send(Ok(tunnel)).is_err() {
        let _ = kill(pid, Signal::SIGKILL); // nobody wants the node any more
    }
    // Looks without reaping, so that the number stays the agent's for whoever kills it meanwhile.
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
    let child = agent.lock().unwrap_or_else(PoisonError::into_inner).take();
    let status = child.map(|mut child| child.wait());
    let _ = obituary.set(match status {
        Some(Ok(status)) => format!("its process ended with {status}"),
        _ => "its process ended".into(),
    });
}

/// Moves the calling thread into the node's namespaces and makes a home of them.
fn furnish(plan: &NodePlan) -> Result<Made, LocalError> {
    let mut switch = Netlink::open()?;
    let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWPID;
    unshare(own).map_err(|errno| LocalError::Call { call: "unshare(NEWNET | NEWNS | NEWUTS | NEWPID)", errno })?;
    nix::unistd::sethostname(&plan.name).map_err(|errno| LocalError::Call { call: "sethostname", errno })?;
    sandbox::quieten_the_network();
    let namespace = File::open("/proc/thread-self/ns/net")
        .map_err(|source| LocalError::File { what: "open /proc/thread-self/ns/net".into(), source })?;
    switch.add_cable(&Cable {
        port: &plan.port.name,
        group: plan.port.group,
        bridge_index: plan.port.bridge_index,
        peer: LINK,
        peer_link_address: plan.port.peer_link_address,
        peer_namespace: namespace.as_fd(),
    })?;
    let mut inside = Netlink::open()?;
    inside.bring_up(Netlink::index("lo")?)?;
    let link = Netlink::index(LINK)?;
    inside.add_address(link, plan.address, switch::PREFIX_BITS)?;
    inside.bring_up(link)?;
    for notice in [own_run(plan).err(), own_hosts(plan).err()].into_iter().flatten() {
        tracing::warn!(node = plan.name, "{notice}");
    }
    Ok(plan.tunnel.then(|| Tunnel::open(plan.address)))
}

/// A `/run` of the node's own: daemons leave their pid files there, iptables its lock.
fn own_run(plan: &NodePlan) -> Result<(), String> {
    let run = fs::canonicalize("/run").map_err(|error| format!("no /run: {error}"))?;
    if [&plan.dir, &plan.agent].into_iter().any(|path| path.starts_with(&run)) {
        return Err("the nodes share the machine's /run, because their folders lie there".into());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), &run, Some("tmpfs"), flags, Some("mode=755"))
        .map_err(|errno| format!("mount a tmpfs on /run: {}", errno.desc()))
}

/// The nodes know each other by name, without a resolver.
fn own_hosts(plan: &NodePlan) -> Result<(), String> {
    let file = plan.dir.join("hosts");
    fs::write(&file, &plan.hosts).map_err(|error| format!("write {}: {error}", file.display()))?;
    let target = Path::new("/etc/hosts");
    mount(Some(&file), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|errno| format!("give the nodes' names to /etc/hosts: {}", errno.desc()))
}

/// Starts the agent as process 1 of the pid namespace that this thread's children live in.
fn start_agent(plan: &NodePlan, control: UnixStream) -> Result<Child, LocalError> {
    let file = |what: String| move |source| LocalError::File { what, source };
    let log_path = plan.dir.join("agent.log");
    let log = File::options().create(true).append(true).open(&log_path);
    let log = log.map_err(file(format!("open {}", log_path.display())))?;
    let reading = OwnedFd::from(control);
    let writing = reading.try_clone().map_err(file("duplicate a socket".into()))?;
    let mut command = Command::new(&plan.agent);
    command
        .arg(agent::ARGUMENT)
        .arg(LINK)
        .current_dir(&plan.dir)
        .env("PATH", search_path())
        .stdin(reading)
        .stdout(writing)
        .stderr(log);
    // SAFETY: the closure runs in the forked child and makes system calls only: it neither allocates nor locks.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?; // the terminal's Ctrl-C is the controller's affair
            Ok(prctl::set_pdeathsig(Signal::SIGKILL)?)
        })
    };
    command.spawn().map_err(file(format!("start {}", plan.agent.display())))
}

/// Where programs on a node are looked for.
pub(crate) fn search_path() -> String {
    env::var("PATH").map_or(SYSTEM_PATHS.into(), |path| format!("{path}:{SYSTEM_PATHS}"))
}
