//! The agent of a node: a small process that does there what the controller asks for.
//!
//! It is the squall executable itself, started with [`ARGUMENT`] first, and speaks over its standard input and output, so
//! that it makes no difference whether a socket or ssh carries the bytes. On a local node it is process 1 of the node's
//! pid namespace: when it ends, in any way, the kernel ends everything on the node. It ends when its input does.
//!
//! It must not know databases, faults or other nodes' names.

mod children;
mod command;
mod disk;
pub(crate) mod probes;
pub(crate) mod protocol;
mod serve;

use crate::disk::{probe, serve as serve_disk};
use crate::hosts::{follow, keeper};
use crate::ration;
use crate::rot;
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

/// The first argument that makes the executable an agent: its `main` then calls [`run`] with the others and returns.
pub const ARGUMENT: &str = "node-agent";

/// The port on which agents receive each other's probes.
pub(crate) const PROBE_PORT: u16 = 17_077;

/// Serves until the input ends. `args` are the arguments after [`ARGUMENT`]: at most the name of the link on which the
/// other nodes are reached, `eth0` without it, and for how many milliseconds it goes on without hearing anything of its
/// controller, for ever without it; or what the executable is started for on the node: a disk, a probe of one, to ration a
/// process, to let files rot, to keep an agent, to follow logs. Call it while the process has a single thread.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let first = args.next();
    match first.as_ref().and_then(|first| first.to_str()) {
        Some(serve_disk::ARGUMENT) => return serve_disk::run(),
        Some(probe::ARGUMENT) => return probe::run(args),
        Some(ration::ARGUMENT) => return ration::run(args),
        Some(rot::ARGUMENT) => return rot::run(),
        Some(keeper::ARGUMENT) => return keeper::run(args),
        Some(follow::ARGUMENT) => return follow::run(args),
        _ => {}
    }
    let link = first.map_or("eth0".into(), |name| name.to_string_lossy().into_owned());
    let patience = args.next().and_then(|ms| ms.to_str()?.parse().ok()).map(Duration::from_millis);
    match settle().and_then(|(reading, writing, notices)| serve::serve(reading, writing, notices, link, patience)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("squall {ARGUMENT}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Takes the two ends of the conversation away from the standard streams, so that no child inherits them, and mounts the
/// pid namespace's own `/proc`. Returns the ends, and what did not work but is no reason to give up.
fn settle() -> io::Result<(OwnedFd, OwnedFd, Vec<String>)> {
    keep_from_children();
    let reading = io::stdin().as_fd().try_clone_to_owned()?;
    let writing = io::stdout().as_fd().try_clone_to_owned()?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    let mut notices = Vec::new();
    if std::process::id() == 1 {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        if let Err(errno) = mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>) {
            notices
                .push(format!("mount /proc: {}; programs that look there see the machine's processes", errno.desc()));
        }
    } else if let Err(errno) = nix::sys::prctl::set_child_subreaper(true) {
        notices.push(format!("adopt orphaned processes: {}", errno.desc()));
    }
    Ok((reading, writing, notices))
}

/// A descriptor that becomes readable when a child changes its state. Children get an empty signal mask again.
fn child_signals() -> io::Result<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// Whatever else was inherited goes no further: a daemon must not hold a stranger's file or socket open.
fn keep_from_children() {
    // SAFETY: a plain system call that marks descriptors and closes none. A kernel that lacks it answers ENOSYS; squall's
    // own descriptors are marked when they are opened.
    unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}
