//! Namespaces for a child that tries something out: in the child alone, gone with it.

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, getegid, geteuid, write};
use std::ffi::CStr;
use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// How this user gets namespaces. Prepared before the fork, because a forked child may not allocate.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    is_root: bool,
    uid_map: String,
    gid_map: String,
}

impl Fresh {
    pub(super) fn for_this_user() -> Fresh {
        let (uid, gid) = (geteuid(), getegid());
        Fresh { is_root: uid.is_root(), uid_map: format!("0 {uid} 1"), gid_map: format!("0 {gid} 1") }
    }

    /// Moves the calling process into fresh network and mount namespaces and those of `more`. System calls only.
    pub(super) fn enter(&self, more: CloneFlags) -> Result<(), Errno> {
        let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | more;
        let by_right = if self.is_root { unshare(own) } else { Err(Errno::EPERM) };
        if by_right.is_err() {
            unshare(own | CloneFlags::CLONE_NEWUSER)?;
            write_to(c"/proc/self/setgroups", b"deny")?;
            write_to(c"/proc/self/uid_map", self.uid_map.as_bytes())?;
            write_to(c"/proc/self/gid_map", self.gid_map.as_bytes())?;
        }
        let none = None::<&CStr>;
        mount(none, c"/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
    }

    /// The command, to run in fresh namespaces with a `/run` of its own.
    pub(super) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        let fresh = self.clone();
        // SAFETY: the closure runs in the forked child and makes system calls only: it neither allocates nor locks.
        unsafe {
            command.args(args).pre_exec(move || {
                fresh.enter(CloneFlags::empty())?;
                let tmpfs = Some(c"tmpfs");
                let _ = mount(tmpfs, c"/run", tmpfs, MsFlags::empty(), None::<&CStr>); // as on a node, where possible
                Ok(())
            })
        };
        command
    }
}

impl fmt::Display for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_root { "as root" } else { "through a user namespace" })
    }
}

fn write_to(path: &CStr, line: &[u8]) -> Result<(), Errno> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(&file, line).map(drop)
}

/// Tries something in a forked child, which then ends. `attempt` may make system calls only.
pub(super) fn in_child(attempt: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
    // SAFETY: the child neither allocates nor locks, as `attempt` promises, and leaves by `_exit`.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let code = attempt().err().map_or(0, |errno| errno as i32);
            // SAFETY: ends the child at once; no destructor of the parent's values runs in it.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => loop {
            match waitpid(child, None) {
                Err(Errno::EINTR) => {}
                Ok(WaitStatus::Exited(_, 0)) => return Ok(()),
                Ok(WaitStatus::Exited(_, code)) => return Err(Errno::from_raw(code)),
                Ok(_) => return Err(Errno::EPERM), // killed: by a seccomp filter, as a rule
                Err(errno) => return Err(errno),
            }
        },
    }
}
