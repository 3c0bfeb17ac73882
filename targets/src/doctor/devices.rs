//! Devices and settings that faults need.

use super::fresh::{Fresh, in_child};
use super::{Finding, State};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, pause};
use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// The descriptor by which a file system is tried, and the options that name it.
const FUSE_DESCRIPTOR: RawFd = 200;
const FUSE_OPTIONS: &CStr = c"fd=200,rootmode=40000,user_id=0,group_id=0";

/// Network interfaces whose packets a process handles.
pub(super) fn tun() -> Finding {
    let (path, purpose) =
        ("/dev/net/tun", "links that delay, lose and reorder, by squall's own switch: --faults packet");
    let opened = device(path, purpose, "modprobe tun");
    if opened.state != State::Works {
        return opened;
    }
    let fresh = Fresh::for_this_user();
    match in_child(|| fresh.enter(CloneFlags::empty()).and_then(|()| make_a_link())) {
        Ok(()) => Finding::works(path, purpose, "a link can be made in a namespace"),
        Err(errno) => Finding::refused(path, purpose, errno.desc(), "modprobe tun as root; enable namespaces first"),
    }
}

/// System calls only: it runs in a forked child.
fn make_a_link() -> Result<(), Errno> {
    let device = open(c"/dev/net/tun", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    // SAFETY: a structure of integers, for which zeros are values.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the call reads and writes the structure, which is as large as it expects.
    Errno::result(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &mut request) }).map(drop)
}

/// File systems that a process serves, as the disk of a node does.
pub(super) fn fuse() -> Finding {
    let purpose = "disks that fail and lose what was not synced: --faults power,disk";
    let found = device("/dev/fuse", purpose, "modprobe fuse");
    if found.state != State::Works {
        return found;
    }
    let fresh = Fresh::for_this_user();
    match in_child(|| mount_a_disk(&fresh)) {
        Ok(()) => Finding::works(found.what, purpose, "can be opened, and a file system mounted"),
        Err(errno) => {
            let remedy = "enable namespaces first; in a container, allow mount";
            Finding::refused(
                found.what,
                purpose,
                format!("a file system cannot be mounted {fresh} ({})", errno.desc()),
                remedy,
            )
        }
    }
}

/// System calls only: it runs in a forked child.
fn mount_a_disk(fresh: &Fresh) -> Result<(), Errno> {
    fresh.enter(CloneFlags::empty())?;
    // Opened after entering: a file system belongs to the user namespace in which its device was opened.
    let device = open(c"/dev/fuse", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    // Options cannot be put together here, so the descriptor gets the number that stands in them.
    // SAFETY: only numbers; whatever had that descriptor is the child's own copy.
    Errno::result(unsafe { libc::dup2(device.as_raw_fd(), FUSE_DESCRIPTOR) })?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some(c"squall"), c"/", Some(c"fuse.squall"), flags, Some(FUSE_OPTIONS))
}

fn device(path: &'static str, purpose: &'static str, module: &str) -> Finding {
    match File::options().read(true).write(true).open(path) {
        Ok(_) => Finding::works(path, purpose, "can be opened"),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Finding::refused(
            path,
            purpose,
            "not open to this user",
            format!("chmod 0666 {path} as root, or run as root"),
        ),
        Err(error) => Finding::missing(path, purpose, error.to_string(), &format!("{module} as root")),
    }
}

/// Reaching into a process that was started here, as the agent of a node does.
pub(super) fn ptrace() -> Finding {
    let (what, purpose) = ("ptrace of own processes", "clocks that are wrong for servers: --faults clock");
    if cfg!(not(target_arch = "x86_64")) {
        return Finding::missing(what, purpose, "clocks can be skewed on x86-64 only", "use such a machine");
    }
    let fresh = Fresh::for_this_user();
    match in_child(|| trace_a_child(&fresh)) {
        Ok(()) => Finding::works(what, purpose, "a child was traced"),
        Err(errno) => {
            let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
            let detail = match scope.trim() {
                "" => errno.desc().to_owned(),
                scope => format!("{}; kernel.yama.ptrace_scope is {scope}", errno.desc()),
            };
            let remedy =
                "sysctl -w kernel.yama.ptrace_scope=1 (after 3: at the next boot); in a container, allow ptrace";
            Finding::refused(what, purpose, detail, remedy)
        }
    }
}

/// System calls only: it runs in a forked child.
fn trace_a_child(fresh: &Fresh) -> Result<(), Errno> {
    let _ = fresh.enter(CloneFlags::empty()); // as on a node, where possible
    // SAFETY: both sides make system calls only.
    match unsafe { fork() }? {
        ForkResult::Child => loop {
            pause();
        },
        ForkResult::Parent { child } => {
            // SAFETY: begins to trace a child that does nothing.
            let traced = unsafe { libc::ptrace(libc::PTRACE_SEIZE, child.as_raw(), 0, 0) };
            let traced = Errno::result(traced).map(drop);
            let _ = kill(child, Signal::SIGKILL);
            let _ = waitpid(child, None);
            traced
        }
    }
}
