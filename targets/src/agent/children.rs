//! The processes of a node: how they are started, what state they are in, how a whole session gets a signal.

use super::protocol::Trouble;
use crate::clock::{ClockError, Clocks};
use crate::remote::{DaemonSpec, Exit, ProcessState, Scope, Signal};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{io, mem};

/// How often a session is searched for further members: each search finds the children that its members had meanwhile.
const SEARCHES_MAX: usize = 32;

/// The highest number of a signal.
const SIGNAL_MAX: libc::c_long = 64;

/// The daemons that were started here.
#[derive(Debug, Default)]
pub(crate) struct Daemons {
    states: BTreeMap<u32, ProcessState>,
}

/// The new state of a child, one of the daemons or another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub pid: u32,
    pub state: ProcessState,
}

impl Daemons {
    /// Starts a daemon; its output goes to files, so that nothing of it depends on squall's being there to read. Where clocks
    /// are wrong, its are so from its first instruction on.
    pub(crate) fn start(&mut self, spec: &DaemonSpec, clocks: &mut Clocks) -> Result<u32, Trouble> {
        if !spec.cwd.is_dir() {
            return Err(Trouble::refused(format!("start in {}", spec.cwd.display()), "no such folder; make it first"));
        }
        for file in &spec.files {
            let folder = file.path.parent().unwrap_or(Path::new("/"));
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file.path, &file.contents));
            written.map_err(|error| Trouble::refused(format!("write {}", file.path.display()), error))?;
        }
        let open = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
        let stdout = open(&spec.stdout).map_err(|error| Trouble::refused(spec.stdout.display().to_string(), error))?;
        let stderr = open(&spec.stderr).map_err(|error| Trouble::refused(spec.stderr.display().to_string(), error))?;
        let mut command = prepare(&spec.argv, &spec.env)?;
        command.current_dir(&spec.cwd).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let is_skewed = clocks.is_skewed();
        if is_skewed {
            // SAFETY: the closure runs in the forked child and makes one system call.
            unsafe { command.pre_exec(Clocks::ask_to_be_traced) };
        }
        let pid = spawn(&mut command, &spec.argv)?.id();
        self.states.insert(pid, ProcessState::Running);
        match if is_skewed { clocks.patch_at_exec(pid).map(drop) } else { Ok(()) } {
            Ok(()) | Err(ClockError::Ended) => Ok(pid),
            Err(error) => {
                let _ = send(pid, Signal::SIGKILL); // with right clocks it would be what nobody asked for
                Err(Trouble::refused(format!("skew the clocks of {}", spec.argv[0]), error))
            }
        }
    }

    /// The processes of all daemons' sessions.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let gone = |state: &ProcessState| matches!(state, ProcessState::Gone { .. });
        let sessions = self.states.iter().filter(|(_, state)| !gone(state)).map(|(pid, _)| *pid);
        if proc_is_ours() { sessions.flat_map(members).collect() } else { sessions.collect() }
    }

    /// The state of a daemon as far as the kernel has told.
    pub(crate) fn state(&self, pid: u32) -> Result<ProcessState, Trouble> {
        self.states.get(&pid).copied().ok_or(Trouble::NotStarted { pid })
    }

    /// Sends a signal. A daemon that is gone may still have a session: its children.
    pub(crate) fn signal(&self, pid: u32, number: i32, scope: Scope) -> Result<(), Trouble> {
        let state = self.state(pid)?;
        let signal = Signal::try_from(number).map_err(|errno| Trouble::refused(format!("signal {number}"), errno))?;
        match (scope, state) {
            (Scope::Session, _) => signal_session(pid, signal),
            (Scope::Process, ProcessState::Gone { .. }) => Ok(()),
            (Scope::Process, _) => send(pid, signal),
        }
        .map_err(|errno| Trouble::refused(format!("send {signal} to {pid}"), errno.desc()))
    }

    /// Notes a change.
    pub(crate) fn note(&mut self, change: Change) {
        if let Some(state) = self.states.get_mut(&change.pid) {
            *state = change.state;
        }
    }

    /// Forgets a daemon whose process id the kernel has given to another child.
    pub(crate) fn forget(&mut self, pid: u32) {
        self.states.remove(&pid);
    }

    /// Ends every session that was started here.
    pub(crate) fn kill_all(&self) {
        for pid in self.states.keys() {
            let _ = signal_session(*pid, Signal::SIGKILL); // on a local node the kernel does it again, more thoroughly
        }
    }
}

/// A command with this node's variables and those given, its streams still to be set.
pub(crate) fn prepare(argv: &[String], env: &[(String, String)]) -> Result<Command, Trouble> {
    let Some((program, args)) = argv.split_first() else {
        return Err(Trouble::refused("an empty command", "name a program"));
    };
    let mut command = Command::new(program);
    command.args(args).envs(env.iter().map(|(name, value)| (name, value)));
    // SAFETY: the closure runs in the forked child and makes system calls only: it neither allocates nor locks.
    unsafe { command.pre_exec(become_a_session) };
    Ok(command)
}

/// Starts a prepared command.
pub(crate) fn spawn(command: &mut Command, argv: &[String]) -> Result<Child, Trouble> {
    command.spawn().map_err(|error| {
        let what = format!("start {}", argv.join(" "));
        match error.kind() {
            io::ErrorKind::NotFound => Trouble::refused(what, "no such program; install it or give its path"),
            // Also where one folder of PATH is closed to this user and the program is in none of the others.
            io::ErrorKind::PermissionDenied => {
                Trouble::refused(what, "no such program that this user may execute; install it or give its path")
            }
            _ => Trouble::refused(what, error),
        }
    })
}

/// Out of reach of the terminal's Ctrl-C, with default signal dispositions and no signal blocked.
fn become_a_session() -> io::Result<()> {
    nix::unistd::setsid()?;
    // Zeroes are SIG_DFL without flags; no architecture's `struct sigaction` is longer.
    let default = [0_u64; 4];
    // SAFETY: plain system calls on values of this frame. The kernel is called directly because the C library keeps two
    // real-time signals to itself; KILL and STOP answer EINVAL, as expected.
    unsafe {
        for number in 1..=SIGNAL_MAX {
            libc::syscall(libc::SYS_rt_sigaction, number, default.as_ptr(), std::ptr::null::<u8>(), size_of::<u64>());
        }
        let mut none: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&mut none);
        if libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The next child that has changed its state, reaped if it is gone. Orphans adopted by this process are among them.
///
/// The kernel reports a stop once *all* threads have stopped; `/proc/<pid>/stat` shows the first thread alone.
pub(crate) fn next_change() -> Option<Change> {
    let wanted = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG;
    // SAFETY: `siginfo_t` is plain data that the kernel fills; its fields are read only after a child was reported.
    let (pid, code, status) = unsafe {
        let mut info: libc::siginfo_t = mem::zeroed();
        if libc::waitid(libc::P_ALL, 0, &mut info, wanted) != 0 {
            return None; // no children at all
        }
        (info.si_pid(), info.si_code, info.si_status())
    };
    let state = match code {
        libc::CLD_EXITED => ProcessState::Gone { exit: Exit::Code(status) },
        libc::CLD_KILLED | libc::CLD_DUMPED => ProcessState::Gone { exit: Exit::Signal(status) },
        libc::CLD_STOPPED => ProcessState::Stopped,
        _ => ProcessState::Running,
    };
    (pid != 0).then_some(Change { pid: pid as u32, state })
}

/// Sends a signal to every process of a session, until a search finds no further member.
pub(crate) fn signal_session(session: u32, signal: Signal) -> Result<(), Errno> {
    if !proc_is_ours() {
        return existing(kill(Pid::from_raw(-(session as i32)), signal));
    }
    let mut reached = BTreeSet::new();
    for _ in 0..SEARCHES_MAX {
        let new: Vec<u32> = members(session).into_iter().filter(|pid| !reached.contains(pid)).collect();
        if new.is_empty() {
            break;
        }
        for pid in new {
            send(pid, signal)?;
            reached.insert(pid);
        }
    }
    Ok(())
}

fn send(pid: u32, signal: Signal) -> Result<(), Errno> {
    existing(kill(Pid::from_raw(pid as i32), signal))
}

/// That somebody is gone already is no failure to signal them.
fn existing(sent: Result<(), Errno>) -> Result<(), Errno> {
    if sent == Err(Errno::ESRCH) { Ok(()) } else { sent }
}

/// Whether `/proc` shows this pid namespace; mounting it may have failed.
fn proc_is_ours() -> bool {
    fs::read_link("/proc/self").is_ok_and(|link| link.as_os_str().to_str() == Some(&std::process::id().to_string()))
}

/// The living processes of a session.
fn members(session: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        session_of(&stat).is_some_and(|(state, number)| number == session && state != "Z" && state != "X")
    })
    .collect()
}

/// State and session in a line of `/proc/<pid>/stat`. The name before them may contain blanks and parentheses.
fn session_of(stat: &str) -> Option<(&str, u32)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    Some((state, fields.nth(2)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_behind_any_name() {
        assert_eq!(session_of("42 (a) b (c) S 1 40 39 0 -1 4194304 0"), Some(("S", 39)));
        assert_eq!(session_of("42 (cut of"), None);
    }
}
