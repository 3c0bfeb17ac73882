//! The processes of clients that live: started, paused, killed, reaped.

use super::session::ProcessClient;
use super::wire::Birth;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

/// How long a signal may take to show.
const SHOW_TIMEOUT: Duration = Duration::from_secs(5);

/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A client's process that could not be paused or let go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClientProcessError {
    /// Its session is over, or it never had a process.
    #[error("the client process {process} is no more")]
    Gone {
        /// The process of the history.
        process: u64,
    },
    /// The system refused the signal, or it does not show.
    #[error("the client process {process}: {reason}")]
    NotShown {
        /// The process of the history.
        process: u64,
        /// What was seen instead.
        reason: String,
    },
}

/// All client processes of a run. They are killed when this and all their clients are dropped, and when squall ends.
#[derive(Clone)]
pub struct ClientProcesses {
    pub(super) registry: Arc<Registry>,
}

/// Learns that squall itself could not keep up a client's process.
pub type OnFailure = Box<dyn Fn(String) + Send + Sync>;

impl ClientProcesses {
    /// Processes of `program`, which are told in `log` what goes wrong inside them. `on_failure` learns when one could not be
    /// started, or ended by itself: then squall itself is to blame.
    ///
    /// # Errors
    /// When the log or the thread cannot be had.
    pub fn new(program: PathBuf, log: &Path, on_failure: OnFailure) -> io::Result<ClientProcesses> {
        let log = File::options().create(true).append(true).open(log)?;
        let (work, orders) = mpsc::channel();
        let thread = std::thread::Builder::new().name("clients".into()).spawn(move || tend(&program, &log, orders))?;
        let (taken, _) = watch::channel(None);
        let registry = Registry { work: Some(work), thread: Some(thread), known: Mutex::default(), taken, on_failure };
        Ok(ClientProcesses { registry: Arc::new(registry) })
    }

    /// The client that is the process `process` of the history. Its process starts when the client is asked for the first time.
    pub fn client(&self, process: u64, birth: Birth) -> ProcessClient {
        ProcessClient::new(process, birth, self.registry.clone())
    }

    /// The processes that live, by number.
    pub fn living(&self) -> Vec<u64> {
        self.registry.known().keys().copied().collect()
    }

    /// The next process that takes a lock, as soon as it does.
    pub async fn next_holder(&self) -> u64 {
        let mut taken = self.registry.taken.subscribe();
        loop {
            // The registry has the sender and lives as long as this.
            if taken.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(process) = *taken.borrow_and_update() {
                return process;
            }
        }
    }

    /// Stops the process with SIGSTOP, and waits until each of its threads stands still. Returns what shows it.
    ///
    /// # Errors
    /// When it is no more, or does not stop.
    pub async fn pause(&self, process: u64) -> Result<String, ClientProcessError> {
        let pid = self.registry.signal(process, Signal::SIGSTOP)?;
        self.await_threads(process, pid, "stopped", |states| states.iter().all(|state| *state == 'T')).await
    }

    /// Lets the process go on with SIGCONT, and waits until it does. Returns what shows it.
    ///
    /// # Errors
    /// When it does not. That it is no more is none: then it is not paused either.
    pub async fn resume(&self, process: u64) -> Result<String, ClientProcessError> {
        let running = match self.registry.signal(process, Signal::SIGCONT) {
            Ok(pid) => self.await_threads(process, pid, "running", |states| !states.contains(&'T')).await,
            Err(error) => Err(error),
        };
        match running {
            Err(ClientProcessError::Gone { .. }) => Ok(format!("process {process} is no more")),
            running => running,
        }
    }

    async fn await_threads(
        &self,
        process: u64,
        pid: u32,
        wanted: &str,
        reached: impl Fn(&[char]) -> bool,
    ) -> Result<String, ClientProcessError> {
        let begin = Instant::now();
        loop {
            let states = self.registry.thread_states(process, pid)?;
            if reached(&states) {
                let threads = if states.len() == 1 { "its thread".into() } else { format!("{} threads", states.len()) };
                return Ok(format!("process {process} {wanted}, {threads} in state {}", text(&states)));
            }
            if begin.elapsed() > SHOW_TIMEOUT {
                let reason = format!("its threads are in state {}, not {wanted}", text(&states));
                return Err(ClientProcessError::NotShown { process, reason });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// The states that there are, each once: `S`, `R, S`.
fn text(states: &[char]) -> String {
    let mut states = states.to_vec();
    states.sort_unstable();
    states.dedup();
    states.iter().map(char::to_string).collect::<Vec<_>>().join(", ")
}

struct Entry {
    pid: u32,
    is_paused: bool,
}

pub(super) struct Registry {
    /// Closed first of all when this is dropped, so that the thread ends.
    work: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    known: Mutex<BTreeMap<u64, Entry>>,
    /// Who took a lock last.
    taken: watch::Sender<Option<u64>>,
    on_failure: OnFailure,
}

/// What the thread that has all the processes is to do.
enum Order {
    Start { name: String, answer: oneshot::Sender<io::Result<(Child, UnixStream)>> },
    Reap(Child),
}

impl Registry {
    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the process of `process`; `name` is for people who look at the machine's processes.
    pub(super) async fn start(&self, process: u64, name: String) -> io::Result<(Child, UnixStream)> {
        let (answer, started) = oneshot::channel();
        self.order(Order::Start { name, answer });
        let ended = || io::Error::other("the thread of the clients has ended");
        let (child, socket) = started.await.map_err(|_| ended())??;
        self.known().insert(process, Entry { pid: child.id(), is_paused: false });
        Ok((child, socket))
    }

    /// Kills a process, whatever it does, and forgets it.
    pub(super) fn end(&self, process: u64, mut child: Child) {
        // Nobody signals it from here on, so its number cannot hit another process after it was reaped.
        self.known().remove(&process);
        let _ = child.kill(); // gone already: then it is only reaped
        self.order(Order::Reap(child));
    }

    fn order(&self, order: Order) {
        if let Some(work) = &self.work {
            let _ = work.send(order); // the thread ends after this sender only
        }
    }

    pub(super) fn failed(&self, reason: String) {
        (self.on_failure)(reason);
    }

    pub(super) fn holds(&self, process: u64, holds: bool) {
        if holds {
            self.taken.send_replace(Some(process));
        }
    }

    pub(super) fn is_paused(&self, process: u64) -> bool {
        self.known().get(&process).is_some_and(|entry| entry.is_paused)
    }

    fn signal(&self, process: u64, signal: Signal) -> Result<u32, ClientProcessError> {
        let mut known = self.known();
        let entry = known.get_mut(&process).ok_or(ClientProcessError::Gone { process })?;
        // While it is known it was not reaped, so this number is its own.
        let sent = kill(Pid::from_raw(entry.pid as i32), signal);
        let refused = |errno: Errno| format!("send {signal}: {}", errno.desc());
        sent.map_err(|errno| ClientProcessError::NotShown { process, reason: refused(errno) })?;
        entry.is_paused = signal == Signal::SIGSTOP;
        Ok(entry.pid)
    }

    /// The state of every thread of a process that is known.
    fn thread_states(&self, process: u64, pid: u32) -> Result<Vec<char>, ClientProcessError> {
        let gone = ClientProcessError::Gone { process };
        if !self.known().contains_key(&process) {
            return Err(gone);
        }
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).map_err(|_| gone.clone())?.flatten();
        let states: Vec<char> = tasks
            .filter_map(|task| fs::read_to_string(task.path().join("stat")).ok())
            // The name before the state may contain blanks and parentheses.
            .filter_map(|stat| stat.rsplit_once(") ")?.1.chars().next())
            .collect();
        if states.iter().all(|state| "ZX".contains(*state)) { Err(gone) } else { Ok(states) }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // what it leaves behind the kernel kills with it
        }
    }
}

/// Starts and reaps all processes. It is the thread that the kernel watches: when it ends, all of them are killed.
fn tend(program: &Path, log: &File, orders: mpsc::Receiver<Order>) {
    for order in orders {
        match order {
            Order::Start { name, answer } => {
                let started = start(program, log, &name);
                // Nobody waits any more: nobody may go on either.
                if let Err(Ok((mut child, _))) = answer.send(started) {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
            Order::Reap(mut child) => drop(child.wait()),
        }
    }
}

fn start(program: &Path, log: &File, name: &str) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::new(program);
    let streams = OwnedFd::from(theirs);
    command.args([super::ARGUMENT, name]).stdin(streams).stdout(Stdio::null()).stderr(log.try_clone()?);
    // SAFETY: the closure runs in the forked child and makes system calls only: it neither allocates nor locks.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?; // the terminal's Ctrl-C is the controller's affair
            Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?)
        })
    };
    Ok((command.spawn()?, ours))
}
