//! Runs the real binary in a folder of its own.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod storm;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

static CLUSTER: Mutex<()> = Mutex::new(());

/// Real clusters share two cores: one at a time.
pub fn one_at_a_time() -> MutexGuard<'static, ()> {
    CLUSTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a run may take, on a machine that is busy with other things.
const END_TIMEOUT: Duration = Duration::from_secs(300);

/// The user `nobody`.
const ORDINARY_USER: &str = "65534";

/// The binary, with a folder of its own for everything that it writes.
pub struct Squall {
    folder: TempDir,
    program: PathBuf,
    ordinary_user: bool,
    /// What lies over `/dev/fuse`, in the mounts of the command alone.
    device: Option<PathBuf>,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    #[track_caller]
    pub fn expect(&self, status: i32) {
        assert_eq!(self.status, Some(status), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
    }
}

/// The one JSON object on standard output.
#[track_caller]
pub fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error} in: {}\n{}", run.stdout, run.stderr))
}

impl Squall {
    /// The binary itself.
    pub fn program() -> &'static str {
        env!("CARGO_BIN_EXE_squall")
    }

    /// As the user who runs the tests.
    pub fn new() -> Squall {
        let folder = tempfile::tempdir().expect("a folder for the test");
        Squall { folder, program: env!("CARGO_BIN_EXE_squall").into(), ordinary_user: false, device: None }
    }

    /// As a user without any privilege, with a copy of the binary that this user may execute.
    pub fn as_ordinary_user() -> Squall {
        let mut squall = Squall::new();
        let copy = squall.folder.path().join("squall");
        fs::copy(&squall.program, &copy).expect("the binary can be copied");
        fs::set_permissions(squall.folder.path(), fs::Permissions::from_mode(0o777)).expect("an open folder");
        squall.program = copy;
        squall.ordinary_user = true;
        squall
    }

    /// As such a user to whom `/dev/fuse` is open. The machine's own device stays as it is.
    pub fn as_ordinary_user_with_disks() -> Squall {
        let mut squall = Squall::as_ordinary_user();
        let device = squall.folder.path().join("fuse");
        let made = Command::new("mknod").args(["-m", "0666"]).arg(&device).args(["c", "10", "229"]).status();
        assert!(made.is_ok_and(|status| status.success()), "a node of the same device");
        squall.device = Some(device);
        squall
    }

    fn command(&self, args: &[&str]) -> Command {
        // Whoever runs the tests may ignore SIGHUP, as nohup does, and squall would stay so.
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP");
        if let Some(device) = &self.device {
            command
                .args(["unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /dev/fuse && exec \"$@\""])
                .arg(device);
        }
        if self.ordinary_user {
            command.args(["setpriv", "--reuid", ORDINARY_USER, "--regid", ORDINARY_USER, "--clear-groups"]);
        }
        command.arg(&self.program).args(args).current_dir(self.folder.path()).env_remove("SQUALL_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end.
    pub fn run(&self, args: &[&str]) -> Run {
        self.start(args).finish()
    }

    /// Starts, and reads along.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::new(self.command(args))
    }

    /// Runs a shell script in a mount namespace of its own: `$0` is the binary, `$1` a folder to mount on.
    pub fn shell_in_own_mounts(&self, script: &str) -> Run {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(&self.program).arg(self.folder.path().join("small"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::new(command).finish()
    }

    /// A file in the folder, by its absolute path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a file for the test");
        path.to_str().expect("a path of plain letters").to_owned()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the newest run.
    pub fn latest(&self) -> PathBuf {
        self.folder.path().join("store/latest").canonicalize().expect("a run was stored")
    }

    /// Waits until no process and no mount knows this folder any more.
    #[track_caller]
    pub fn await_no_leftovers(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        loop {
            let left = leftovers(self);
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still there: {left:?}");
            std::thread::yield_now();
        }
    }
}

/// Every process that knows the folder of this test by its command line, its working folder or its mounts.
pub fn leftovers(squall: &Squall) -> Vec<String> {
    let marker = squall.folder.path().file_name().and_then(|name| name.to_str()).expect("a plain name");
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let processes = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let knows = |path: &Path| {
        let read = |name: &str| fs::read(path.join(name)).map(|text| String::from_utf8_lossy(&text).into_owned());
        let cwd = fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.to_string_lossy().contains(marker));
        cwd || ["cmdline", "mounts"].iter().any(|name| read(name).is_ok_and(|text| text.contains(marker)))
    };
    let alive = processes.filter(|entry| knows(&entry.path()));
    alive
        .map(|entry| {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            format!("{}: {}", entry.file_name().to_string_lossy(), String::from_utf8_lossy(&command).replace('\0', " "))
        })
        .collect()
}

/// Sends a signal to a process of this test: to squall or to what it has started.
pub fn send(pid: u32, signal: i32) {
    let pid = i32::try_from(pid).expect("a process id");
    // SAFETY: kill takes plain numbers and touches no memory.
    let result = unsafe { libc::kill(pid, signal) };
    assert_eq!(result, 0, "the signal was sent");
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
    let texts = tasks.flat_map(|task| fs::read_to_string(task.path().join("children")));
    texts
        .flat_map(|text| text.split_whitespace().map(|pid| pid.parse().expect("a number")).collect::<Vec<_>>())
        .collect()
}

/// A command that runs; dropping it kills it.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    lines: mpsc::Receiver<String>,
    stderr: String,
}

impl Running {
    /// A command that was prepared with pipes for what it says.
    pub fn of(command: Command) -> Running {
        Running::new(command)
    }

    fn new(mut command: Command) -> Running {
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut out = child.stdout.take().expect("a pipe");
        let err = child.stderr.take().expect("a pipe");
        let stdout = std::thread::spawn(move || {
            let mut text = Vec::new();
            out.read_to_end(&mut text).expect("standard output can be read");
            String::from_utf8_lossy(&text).into_owned()
        });
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Running { child, stdout: Some(stdout), lines, stderr: String::new() }
    }

    /// Waits until a line of standard error contains `text`.
    #[track_caller]
    pub fn await_line(&mut self, text: &str, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = line.contains(text);
                    self.stderr.push_str(&line);
                    self.stderr.push('\n');
                    if found {
                        return;
                    }
                }
                Err(error) => panic!("no line with `{text}`: {error}; so far:\n{}", self.stderr),
            }
        }
    }

    pub fn signal(&self, signal: i32) {
        // The child was not waited for, so its id is still its own.
        send(self.child.id(), signal);
    }

    /// Whether it has not ended yet.
    pub fn goes_on(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_none()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The agents of the nodes, which it has started.
    pub fn agents(&self) -> Vec<u32> {
        children(self.child.id())
    }

    /// The servers on the nodes.
    pub fn servers(&self) -> Vec<u32> {
        self.agents().into_iter().flat_map(children).collect()
    }

    /// Waits for the end, which no run is to take long to come to.
    #[track_caller]
    pub fn finish(mut self) -> Run {
        let deadline = Instant::now() + END_TIMEOUT;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.stderr.extend([&*line, "\n"]),
                // It is gone, or has closed its standard error for that.
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end; so far:\n{}", self.stderr),
            }
        }
        let status = self.child.wait().expect("it can be waited for").code();
        let stdout = self.stdout.take().expect("finished once").join().expect("a reader");
        Run { status, stdout, stderr: std::mem::take(&mut self.stderr) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone after finish.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
