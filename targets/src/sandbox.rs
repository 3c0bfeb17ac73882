//! The controller's own corner of the kernel: a network and a mount namespace that hold everything local.
//!
//! [`enter`] moves the whole process there once, at the start of `main`. Bridges, node links and rules made afterwards
//! live in that corner alone: the machine's own network and mounts are never touched, several squalls run side by side
//! with the same addresses, and the kernel clears all of it away when the process is gone, however it ended. An ordinary
//! user gets there through a user namespace, in which the process counts as root.
//!
//! This module must not know nodes, daemons or faults.
//!
//! ```no_run
//! # fn main() -> Result<(), squall_targets::sandbox::SandboxError> {
//! let sandbox = squall_targets::sandbox::enter()?; // before any thread, so before an async runtime
//! # Ok(()) }
//! ```

mod refusal;

pub use refusal::Refusal;

use crate::local::netlink::{Netlink, NetlinkError};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

/// Proof that the process lives in namespaces of its own. Clusters are brought up inside it.
#[derive(Debug)]
pub struct Sandbox {
    privilege: Privilege,
    subnets: Arc<Mutex<BTreeSet<u8>>>,
}

/// By which right the process got its namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// As root of the machine, or of a container that grants CAP_SYS_ADMIN.
    Root,
    /// Through a user namespace: root in the sandbox only, one user id exists in it.
    UserNamespace,
}

/// Why the process could not get namespaces of its own.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The process has more than one thread; the kernel would move only one of them.
    #[error("enter the sandbox: the process has {threads} threads already; enter it first of all in main")]
    Threads {
        /// How many threads there are.
        threads: usize,
    },
    /// `/proc` does not say how many threads there are.
    #[error("enter the sandbox: cannot read /proc/self/task ({0}); mount /proc")]
    Proc(#[source] io::Error),
    /// The kernel, or its administrator, does not allow it.
    #[error("enter the sandbox: {0}")]
    Refused(Refusal),
    /// The loopback of the new network could not be brought up.
    #[error("enter the sandbox: {0}")]
    Network(#[from] NetlinkError),
}

/// Moves this process into a network and a mount namespace of its own, all threads to come included.
///
/// # Errors
///
/// When threads exist already, or when the kernel refuses; the message then names the setting to change. After an error
/// the process may be half inside and should end.
pub fn enter() -> Result<Sandbox, SandboxError> {
    let threads = fs::read_dir("/proc/self/task").map_err(SandboxError::Proc)?.count();
    if threads != 1 {
        return Err(SandboxError::Threads { threads });
    }
    let privilege = leave_the_host().map_err(SandboxError::Refused)?;
    keep_mounts_private().map_err(SandboxError::Refused)?;
    quieten_the_network();
    let mut netlink = Netlink::open()?;
    netlink.bring_up(Netlink::index("lo")?)?;
    Ok(Sandbox { privilege, subnets: Arc::default() })
}

impl Sandbox {
    /// By which right the process is here.
    pub fn privilege(&self) -> Privilege {
        self.privilege
    }

    /// Takes the lowest free subnet, or none when 255 clusters are up already.
    pub(crate) fn take_subnet(&self) -> Option<Subnet> {
        let mut taken = self.subnets.lock().unwrap_or_else(PoisonError::into_inner);
        let number = (0..u8::MAX).find(|number| !taken.contains(number))?;
        taken.insert(number);
        Some(Subnet { number, taken: Arc::clone(&self.subnets) })
    }
}

/// A subnet of the sandbox that one cluster holds. Free again when dropped.
#[derive(Debug)]
pub(crate) struct Subnet {
    /// The third octet of the addresses, and the number in the names of the bridge and its ports.
    pub number: u8,
    taken: Arc<Mutex<BTreeSet<u8>>>,
}

impl Drop for Subnet {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// As root plainly; as anybody else, or as a root without the capability (in a plain container), by a user namespace.
fn leave_the_host() -> Result<Privilege, Refusal> {
    let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    let (uid, gid) = (geteuid(), getegid());
    if uid.is_root() {
        match unshare(own) {
            Ok(()) => return Ok(Privilege::Root),
            Err(Errno::EPERM) => {}
            Err(errno) => return Err(Refusal::of("unshare(CLONE_NEWNET | CLONE_NEWNS)", errno)),
        }
    }
    unshare(own | CloneFlags::CLONE_NEWUSER).map_err(|errno| Refusal::of("unshare(CLONE_NEWUSER)", errno))?;
    // An ordinary user may map a single group only after giving up the right to drop groups (user_namespaces(7)).
    write_map("/proc/self/setgroups", "deny")?;
    write_map("/proc/self/uid_map", &format!("0 {uid} 1"))?;
    write_map("/proc/self/gid_map", &format!("0 {gid} 1"))?;
    Ok(Privilege::UserNamespace)
}

fn write_map(path: &'static str, line: &str) -> Result<(), Refusal> {
    fs::write(path, line).map_err(|error| Refusal::of(path, errno_of(&error)))
}

/// Without this, mounts made in the sandbox would show up outside where `/` is shared, as systemd makes it.
fn keep_mounts_private() -> Result<(), Refusal> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(|errno| Refusal::of("mount(/, MS_REC | MS_PRIVATE)", errno))
}

/// Spares the switch what no test needs: a second address family, whose links no cut would reach, and a detour of every
/// bridged frame through the packet filter. Both are refinements: where `/proc/sys` is read-only things work without.
pub(crate) fn quieten_the_network() {
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    let _ = fs::write("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
}

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
