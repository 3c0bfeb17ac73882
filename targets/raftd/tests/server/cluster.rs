//! Real servers on loopback: child processes that are started, killed and stopped.

use crate::http::{self, Answer};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No wait is longer; a machine under load gets its time.
const DEADLINE: Duration = Duration::from_secs(30);

pub struct Cluster {
    place: TempDir,
    ports: Vec<(u16, u16)>,
    /// The members up to this one began the cluster; the others join it.
    founders: usize,
    children: Vec<Option<Child>>,
    more: Vec<String>,
}

/// Ports for so many members. They are bound all at once, so that they differ, and let go for the servers.
fn free_ports(members: usize) -> Vec<(u16, u16)> {
    let bind = |_| TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners: Vec<TcpListener> = (0..2 * members).map(bind).collect();
    let port = |at: usize| listeners[at].local_addr().unwrap().port();
    (0..members).map(|member| (port(2 * member), port(2 * member + 1))).collect()
}

/// Tries `attempt` until it gives something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

impl Cluster {
    /// A cluster of `size` members, none of which runs. `more` is added to every command line.
    pub fn new(size: usize, more: &[&str]) -> Cluster {
        let children = (0..size).map(|_| None).collect();
        let more = more.iter().map(|argument| (*argument).to_owned()).collect();
        Cluster { place: tempfile::tempdir().unwrap(), ports: free_ports(size), founders: size, children, more }
    }

    /// Room for one more member, which is to join; its number.
    pub fn more_room(&mut self) -> usize {
        self.ports.extend(free_ports(1));
        self.children.push(None);
        self.ports.len()
    }

    /// Where the others reach member `id`.
    pub fn address(&self, id: usize) -> String {
        format!("127.0.0.1:{}", self.ports[id - 1].0)
    }

    /// A cluster of three that runs and has a leader.
    pub fn serving() -> Cluster {
        let mut cluster = Cluster::new(3, &[]);
        cluster.start_all();
        cluster.leader();
        cluster
    }

    /// Gives who is started from now on these flags in place of those before.
    pub fn flags(&mut self, more: &[&str]) {
        self.more = more.iter().map(|argument| (*argument).to_owned()).collect();
    }

    pub fn ids(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.ports.len()
    }

    pub fn start_all(&mut self) {
        self.ids().for_each(|id| self.start(id));
    }

    pub fn start(&mut self, id: usize) {
        self.spawn(id, self.command(id, &self.folder(id)));
    }

    /// Starts a member that cannot make any file longer than `blocks` of 512 bytes: its writes fail then.
    pub fn start_on_small_disk(&mut self, id: usize, blocks: u32) {
        let direct = self.command(id, &self.folder(id));
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
        command.arg(direct.get_program()).args(direct.get_args());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.open_log(id));
        self.spawn(id, command);
    }

    fn spawn(&mut self, id: usize, mut command: Command) {
        assert!(self.children[id - 1].is_none(), "member {id} runs");
        self.children[id - 1] = Some(command.spawn().unwrap());
    }

    /// The command that starts member `id` in a folder. What it says goes to its log.
    pub fn command(&self, id: usize, folder: &Path) -> Command {
        let peers: Vec<usize> = if id > self.founders { vec![id] } else { (1..=self.founders).collect() };
        let address = |id: usize| format!("{id}={}", self.address(id));
        let mut command = Command::new(env!("CARGO_BIN_EXE_raftd"));
        command.args(["--id", &id.to_string(), "--cluster", "tests", "--election-ms", "400"]);
        command.args(["--peers", &peers.into_iter().map(address).collect::<Vec<_>>().join(",")]);
        command.args((id > self.founders).then_some("--join"));
        command.args(["--listen-client", &format!("127.0.0.1:{}", self.ports[id - 1].1)]);
        command.arg("--data").arg(folder).args(&self.more);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.open_log(id));
        command
    }

    fn open_log(&self, id: usize) -> File {
        OpenOptions::new().create(true).append(true).open(self.log_path(id)).unwrap()
    }

    /// Where member `id` listens for the others.
    pub fn peer_port(&self, id: usize) -> u16 {
        self.ports[id - 1].0
    }

    /// Where member `id` listens for clients.
    pub fn client_port(&self, id: usize) -> u16 {
        self.ports[id - 1].1
    }

    pub fn folder(&self, id: usize) -> PathBuf {
        self.place.path().join(format!("data-{id}"))
    }

    fn log_path(&self, id: usize) -> PathBuf {
        self.place.path().join(format!("log-{id}"))
    }

    pub fn log(&self, id: usize) -> String {
        fs::read_to_string(self.log_path(id)).unwrap_or_default()
    }

    /// Kills with SIGKILL.
    pub fn kill(&mut self, id: usize) {
        let mut child = self.children[id - 1].take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self, id: usize) {
        self.signal(id, Signal::SIGTERM);
    }

    /// Sends SIGKILL, without waiting for the end.
    pub fn strike(&self, id: usize) {
        self.signal(id, Signal::SIGKILL);
    }

    fn signal(&self, id: usize, signal: Signal) {
        let child = self.children[id - 1].as_ref().expect("it runs");
        signal::kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits until the process has ended.
    pub fn ended(&mut self, id: usize) -> ExitStatus {
        let mut child = self.children[id - 1].take().expect("it was started");
        wait_for("a process to end", || child.try_wait().unwrap())
    }

    pub fn running(&self) -> Vec<usize> {
        self.ids().filter(|id| self.children[id - 1].is_some()).collect()
    }

    pub fn ask(&self, id: usize, method: &str, path: &str, body: &Value) -> io::Result<Answer> {
        http::ask(self.ports[id - 1].1, method, path, body)
    }

    pub fn status(&self, id: usize) -> Option<Value> {
        self.ask(id, "GET", "/v1/status", &Value::Null).ok().map(|answer| answer.body)
    }

    /// Asks until it is done. Repeats what was refused or is in doubt, so it takes only what may be repeated.
    #[track_caller]
    pub fn done(&self, id: usize, method: &str, path: &str, body: &Value) -> Value {
        wait_for(&format!("{method} {path} through {id}"), || {
            let answer = self.ask(id, method, path, body).ok()?;
            match answer.status {
                200 => Some(answer.body),
                429 | 503 | 504 => None,
                status => panic!("{method} {path} {body}: {status} {}", answer.body),
            }
        })
    }

    /// Waits until all running members follow one leader of one term, and says which.
    #[track_caller]
    pub fn leader(&self) -> usize {
        wait_for("a leader", || {
            let statuses: Option<Vec<Value>> = self.running().into_iter().map(|id| self.status(id)).collect();
            let statuses = statuses?;
            let first = statuses.first()?;
            let agreed =
                statuses.iter().all(|status| status["leader"] == first["leader"] && status["term"] == first["term"]);
            let leader = first["leader"].as_u64().filter(|_| agreed)? as usize;
            self.running().contains(&leader).then_some(leader)
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for id in self.running() {
            self.kill(id);
        }
        if thread::panicking() {
            self.ids().for_each(|id| eprintln!("--- log of member {id}\n{}", self.log(id)));
        }
    }
}
