//! Machines that are reached by ssh, made of namespaces: see stage.sh.

use crate::common::{Running, Squall};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How many machines there are.
pub const MACHINES: usize = 3;

/// How long something may take to show.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Machines, and the namespaces from which they are reached. They end with the process of the tests, whose end they see.
pub struct Stage {
    inside: u32,
    _child: Child,
    _input: ChildStdin,
}

static STAGE: OnceLock<Mutex<Stage>> = OnceLock::new();

/// The machines of all these tests, for one test at a time.
pub fn machines() -> MutexGuard<'static, Stage> {
    STAGE.get_or_init(|| Mutex::new(Stage::up())).lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    fn up() -> Stage {
        let folder = tempfile::tempdir().expect("a folder for the machines").keep();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hosts/stage.sh");
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "sh", script]);
        command.arg(&folder).arg(MACHINES.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("unshare can be started");
        let input = child.stdin.take().expect("a pipe");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut said).expect("it speaks");
        assert_eq!(said, "ready\n", "the machines are up");
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).expect("it runs");
        let inside = children.trim().parse().expect("one child");
        Stage { inside, _child: child, _input: input }
    }

    /// `root@10.99.0.1,...`, as on a command line; to the last machine somebody logs in who has to become root there.
    pub fn hosts(&self) -> String {
        let user = |n| if n == MACHINES { "storm" } else { "root" };
        (1..=MACHINES).map(|n| format!("{}@10.99.0.{n}", user(n))).collect::<Vec<_>>().join(",")
    }

    /// A command where the machines are reached.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        let flags = ["--net", "--mount", "--pid", "--wd=/"];
        command.args(["--target", &self.inside.to_string()]).args(flags).arg("--").arg(program).args(args);
        command.stdin(Stdio::null()).env("HOME", "/root").env_remove("SSH_AUTH_SOCK");
        command
    }

    /// squall where the machines are reached, with its runs in the folder of `squall`.
    pub fn start(&self, squall: &Squall, args: &[&str]) -> Running {
        let store = squall.folder().join("store");
        let mut command = self.command(Squall::program(), args);
        if args[0] == "test" {
            command.arg("--store").arg(store);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::of(command)
    }

    /// Runs a shell script on a machine, by ssh.
    #[track_caller]
    pub fn on(&self, machine: usize, script: &str) -> String {
        let address = format!("root@10.99.0.{machine}");
        let Output { status, stdout, stderr } =
            self.command("ssh", &["-o", "BatchMode=yes", &address, script]).output().expect("ssh can be started");
        let text = String::from_utf8_lossy(&stdout).into_owned();
        assert!(status.success(), "on machine {machine}: {script}: {text}{}", String::from_utf8_lossy(&stderr));
        text
    }

    /// Waits until a script on a machine prints nothing.
    #[track_caller]
    pub fn await_nothing(&self, machine: usize, script: &str) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let left = self.on(machine, script);
            if left.trim().is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "on machine {machine} there is still: {left}");
            std::thread::yield_now();
        }
    }

    /// Nothing of a run is on any machine: no process, no rule, no folder.
    #[track_caller]
    pub fn await_clean(&self) {
        for machine in 1..=MACHINES {
            self.await_nothing(machine, RUNS);
            assert_eq!(self.on(machine, FOLDERS), "", "on machine {machine}");
        }
    }

    /// No process and no rule of a run is on any machine. What nobody fetched is removed.
    #[track_caller]
    pub fn await_healed(&self) {
        for machine in 1..=MACHINES {
            self.await_nothing(machine, RUNS);
            self.on(machine, "rm -rf /var/lib/squall/2*");
        }
    }
}

/// Prints what of squall runs on a machine, and what it has changed.
const RUNS: &str = "ps -eo pid=,args= | grep -e 'node-[a]gent' -e '[r]aftd' ; iptables -S | grep SQUALL ; true";

/// Prints the folders of runs on a machine.
const FOLDERS: &str = "ls /var/lib/squall | grep -v '^lock$' ; true";

/// What is in a file.
#[track_caller]
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
