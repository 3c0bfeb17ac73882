//! The keeper of an agent on a machine of its own: what ssh starts there.
//!
//! It holds the machine for one squall at a time, starts the agent as process 1 of a pid namespace, and waits for its end. Then
//! the kernel has ended everything that the agent had started, and the keeper takes away what was changed of the machine itself:
//! rules of the packet filter and queues of its links. It does so before as well, lest a keeper was killed. When the keeper
//! dies, the agent does.
//!
//! It must not know what its agent is asked.

use crate::agent;
use crate::cluster::forget_cuts;
use crate::local::search_path;
use crate::packets::netem;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, geteuid};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

/// The argument after [`crate::agent::ARGUMENT`] that makes the executable a keeper; the folder of the node follows.
pub(crate) const ARGUMENT: &str = "keep";

/// For how long an agent goes on that hears nothing of its controller.
pub(crate) const PATIENCE: Duration = Duration::from_secs(12);

/// How long a keeper waits for another one, whose controller may have vanished.
const TURN_TIMEOUT: Duration = Duration::from_secs(16);

/// Keeps an agent until it ends.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(folder) = args.into_iter().next() else {
        eprintln!("keep: name a folder");
        return ExitCode::FAILURE;
    };
    match keep(Path::new(&folder)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("squall: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the agent ended in order, and nothing was left.
fn keep(folder: &Path) -> io::Result<bool> {
    if !geteuid().is_root() {
        return Err(io::Error::other("a node needs root, for its packet filter and its namespaces"));
    }
    for number in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGPIPE] {
        // SAFETY: ignoring a signal runs no code of ours.
        unsafe { signal(number, SigHandler::SigIgn) }?;
    }
    let named = |what: String| move |error: io::Error| io::Error::new(error.kind(), format!("{what}: {error}"));
    let runs = Path::new(super::FOLDER);
    fs::create_dir_all(runs).map_err(named(format!("make {}", runs.display())))?;
    fs::set_permissions(runs, fs::Permissions::from_mode(0o755))?;
    let _turn = take_turn(&runs.join("lock"))?;
    clean_up();
    fs::create_dir_all(folder).map_err(named(format!("make {}", folder.display())))?;
    let child = start_agent(folder)?;
    // What the agent says is said by nobody else.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    let in_order = loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, status)) => break status == 0,
            Ok(_) => break false,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    };
    Ok(clean_up() && in_order)
}

/// Two of squall on one machine would heal each other's faults.
fn take_turn(lock: &Path) -> io::Result<Flock<File>> {
    let (begin, mut file) = (Instant::now(), File::options().create(true).truncate(false).write(true).open(lock)?);
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(turn) => return Ok(turn),
            Err((again, Errno::EWOULDBLOCK)) if begin.elapsed() < TURN_TIMEOUT => file = again,
            Err((_, Errno::EWOULDBLOCK)) => {
                return Err(io::Error::other("another squall uses this machine; wait for its end"));
            }
            Err((_, errno)) => return Err(errno.into()),
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Starts the agent as process 1 of a pid namespace of its own, with mounts of its own, in `folder`.
fn start_agent(folder: &Path) -> io::Result<Pid> {
    let flags = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::SIGCHLD;
    // SAFETY: without a stack of its own the child goes on in a copy of this process, as after fork(2); this process has one
    // thread, so that no lock is held by another.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match child {
        -1 => Err(io::Error::other(format!("make a pid namespace: {}", Errno::last().desc()))),
        0 => {
            let error = become_agent(folder);
            eprintln!("squall: start the agent: {error}");
            std::process::exit(1);
        }
        pid => Ok(Pid::from_raw(pid as i32)),
    }
}

fn become_agent(folder: &Path) -> io::Error {
    let none = None::<&str>;
    let ready = prctl::set_pdeathsig(Signal::SIGKILL)
        .and_then(|()| mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none));
    if let Err(errno) = ready {
        return errno.into();
    }
    let mut command = Command::new("/proc/self/exe");
    command.args([agent::ARGUMENT, "", &PATIENCE.as_millis().to_string()]).current_dir(folder);
    command.env("PATH", search_path()).exec()
}

/// Takes away whatever a squall may have left in the machine's kernel; whether nothing is left. What goes wrong is told.
fn clean_up() -> bool {
    let left = [forget_cuts(), netem::forget()];
    for error in left.iter().filter_map(|left| left.as_ref().err()) {
        eprintln!("squall: {error}");
    }
    left.iter().all(Result::is_ok)
}
