//! A machine that is a node: reached, furnished with squall, given an agent, and left as it was found.

use super::connection::Connection;
use super::follow::{self, Follower};
use super::pump::Pump;
use super::settings::Settings;
use super::{FOLDER, HostError, HostSpec, Program, keeper, quoted};
use crate::agent;
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// What a machine is to be.
#[derive(Clone)]
pub(crate) struct HostPlan {
    pub name: String,
    pub spec: HostSpec,
    /// The name of the run's folder there.
    pub run: String,
    /// Where its logs are kept here.
    pub folder: PathBuf,
    /// What is copied there.
    pub program: Arc<Program>,
}

/// A machine that was reached.
pub(crate) struct Arrival {
    pub host: Host,
    /// Its agent, whose greeting is the first thing to come.
    pub agent: UnixStream,
    /// Where the other nodes reach it.
    pub address: Ipv4Addr,
    /// The controller's address as it sees it.
    pub from: Ipv4Addr,
    /// The node's folder there.
    pub dir: PathBuf,
}

/// A machine that is a node. What is under way there ends when this is dropped; [`Host::end`] waits for it.
pub(crate) struct Host {
    name: String,
    remove: String,
    closing: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    obituary: Arc<OnceLock<String>>,
    pump: Option<JoinHandle<bool>>,
    logs: Option<JoinHandle<Result<Connection, String>>>,
}

/// What a machine says of itself to whoever logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub is_root: bool,
    pub home: String,
    /// The system and the processor: `Linux x86_64`.
    pub kind: String,
}

impl Account {
    /// Asks for it.
    pub(super) fn of(connection: &Connection) -> Result<Account, String> {
        let said = connection.run(r#"sh -c 'id -u; uname -sm; echo "$HOME"'"#)?.well("ask who logs in")?;
        let mut lines = said.lines().map(str::to_owned);
        let (Some(user), Some(kind), Some(home)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(format!("it does not say who logs in, but {said:?}"));
        };
        Ok(Account { is_root: user == "0", home, kind })
    }

    /// What stands before commands that need root.
    pub(super) fn sudo(&self) -> &'static str {
        if self.is_root { "" } else { "sudo -n -- " }
    }

    /// Whether the executable of this machine runs there.
    pub(super) fn check_kind(&self) -> Result<(), String> {
        let ours = nix::sys::utsname::uname().map_err(|errno| format!("uname: {}", errno.desc()))?;
        let ours = format!("{} {}", ours.sysname().to_string_lossy(), ours.machine().to_string_lossy());
        if ours == self.kind {
            return Ok(());
        }
        Err(format!("it is {}, and this squall is built for {ours}; run one that is built for it", self.kind))
    }

    /// Whether commands can be run as root.
    pub(super) fn check_root(&self, connection: &Connection, settings: &Settings) -> Result<(), String> {
        let ran = connection.run(&format!("{}true", self.sudo()))?;
        if ran.status == 0 {
            return Ok(());
        }
        let user = &settings.user;
        Err(format!(
            "{user} cannot become root ({}); log in as root, or let {user} use sudo without a password: echo '{user} ALL=(ALL) \
             NOPASSWD: ALL' > /etc/sudoers.d/squall",
            ran.stderr.trim()
        ))
    }
}

impl Host {
    /// Reaches a machine, copies squall there, and starts an agent.
    pub(crate) fn reach(plan: &HostPlan) -> Result<Arrival, HostError> {
        let failed = |reason| HostError { node: plan.name.clone(), host: plan.spec.to_string(), reason };
        Host::try_reach(plan).map_err(failed)
    }

    fn try_reach(plan: &HostPlan) -> Result<Arrival, String> {
        let settings = Settings::of(&plan.spec)?;
        let open = {
            let settings = settings.clone();
            move || Connection::open(&settings)
        };
        let mut connection = open()?;
        let address = address(plan, &connection)?;
        let account = Account::of(&connection)?;
        account.check_kind()?;
        account.check_root(&connection, &settings)?;
        let program = plan.program.put(&mut connection, &account.home, &open)?;
        let run = Path::new(FOLDER).join(&plan.run);
        let dir = run.join(&plan.name);
        let squall = format!("{}{} {}", account.sudo(), quoted(&program), agent::ARGUMENT);
        let (shown, from) = (quoted(&dir.display().to_string()), connection.from);
        let channel = connection.begin(&format!("{squall} {} {shown}", keeper::ARGUMENT))?;
        let (ours, theirs) = UnixStream::pair().map_err(|error| format!("a socket: {error}"))?;
        ours.set_nonblocking(true).map_err(|error| format!("a socket: {error}"))?;
        let log = plan.folder.join("agent.log");
        let complaints = File::options().create(true).append(true).open(&log);
        let complaints = complaints.map_err(|error| format!("open {}: {error}", log.display()))?;
        let (closing, ended, obituary) = <(Arc<AtomicBool>, Arc<AtomicBool>, Arc<OnceLock<String>>)>::default();
        let followed = Follower {
            connection: open()?,
            command: format!("{squall} {} {shown}", follow::ARGUMENT),
            folder: plan.folder.clone(),
            ended: Arc::clone(&ended),
            open: Box::new(open),
        };
        let pump = Pump {
            connection,
            channel,
            socket: ours,
            complaints,
            obituary: obituary.clone(),
            closing: closing.clone(),
        };
        let thread = |error: std::io::Error| format!("start a thread: {error}");
        let remove = format!(
            "{}sh -c {}",
            account.sudo(),
            quoted(&format!(
                "rm -rf {shown} && {{ rmdir {} 2>/dev/null || true; }}",
                quoted(&run.display().to_string())
            ))
        );
        let host = Host {
            name: plan.name.clone(),
            remove,
            closing,
            ended,
            obituary,
            pump: Some(pump.start(&plan.name).map_err(thread)?),
            logs: Some(followed.start(&plan.name).map_err(thread)?),
        };
        Ok(Arrival { host, agent: theirs, address, from, dir })
    }

    /// Filled when the agent has ended or is lost, with how.
    pub(crate) fn obituary(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.obituary)
    }

    /// Lets the agent end, and all that it has started. Does not wait.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Waits until nothing of the run is left on the machine but what could not be fetched.
    ///
    /// # Errors
    /// What may be left, with the name of the node.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.close();
        let in_order = self.pump.take().is_some_and(|pump| pump.join().unwrap_or(false));
        self.ended.store(true, Ordering::Release);
        let fetched = self.logs.take().map(|logs| logs.join().unwrap_or_else(|_| Err("a thread panicked".into())));
        let left = match fetched {
            Some(Ok(connection)) => connection.run(&self.remove).and_then(|ran| ran.well("remove the run's folder")),
            Some(Err(reason)) => Err(format!("its logs could not be fetched: {reason}")),
            None => Ok(String::new()),
        };
        let name = &self.name;
        let how = self.obituary.get().map_or("it ended", String::as_str);
        match (in_order, left) {
            (true, Ok(_)) => Ok(()),
            (false, _) => Err(format!("{name}: {how}")),
            (true, Err(reason)) => Err(format!("{name}: {reason}")),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.close();
        self.ended.store(true, Ordering::Release);
    }
}

/// Where the other nodes reach the machine.
fn address(plan: &HostPlan, connection: &Connection) -> Result<Ipv4Addr, String> {
    match plan.spec.address {
        Some(address) => Ok(address),
        None if connection.address.is_loopback() => Err(format!(
            "it is reached at {}, where other nodes do not reach it; write address=IP behind it",
            connection.address
        )),
        None => Ok(connection.address),
    }
}
