//! Another squall beside this one: a process with a sandbox of its own, told what to do line by line.

use crate::stage::options;
use crate::{link, stage};
use squall_targets::cluster::{Cluster, CutMechanism};
use squall_targets::remote::DaemonSpec;
use squall_targets::sandbox::{self, SandboxError};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use tempfile::TempDir;

pub const ARGUMENT: &str = "play-controller";

/// As numbered in `linux/capability.h`.
const CAP_SYS_ADMIN: libc::c_ulong = 21;

/// Brings up two nodes with a daemon that hides, then obeys until its input ends.
pub fn play(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let folder = arguments.next().expect("a folder").into();
    let sandbox = sandbox::enter().expect("a sandbox in the sandbox");
    stage::run(async {
        let cluster = Cluster::up(&sandbox, options(folder, 2, Some(CutMechanism::Neighbours))).await.unwrap();
        let node = &cluster.nodes()[0];
        // Forks twice and leaves session and group, as daemons of old do; says so when it has.
        let script = "(setsid sh -c 'echo hidden; exec sleep 98763' &) ; exit 0";
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let out = node.dir.join("out.log");
        let daemon = DaemonSpec {
            argv,
            cwd: node.dir.clone(),
            stdout: out.clone(),
            stderr: out.clone(),
            ..DaemonSpec::default()
        };
        node.remote.start(&daemon).await.unwrap();
        stage::until("the daemon hides", async || {
            let processes = squall_targets::remote::CommandLine::new(["sh", "-c", "cat /proc/[0-9]*/comm"]);
            let output = node.remote.run(&processes, stage::PATIENCE).await.unwrap();
            String::from_utf8_lossy(&output.stdout).contains("sleep")
        })
        .await;
        println!("{}", cluster.nodes()[1].address);
        for line in std::io::stdin().lines() {
            match line.unwrap().as_str() {
                "privilege" => println!("{:?}", sandbox.privilege()),
                "cut" => cluster.cut(&[link(1, 2)]).await.map(|()| println!("cut")).unwrap(),
                _ => println!("{}", cluster.probe(&[link(1, 2)]).await.unwrap().arrived),
            }
        }
    });
    ExitCode::SUCCESS
}

/// The process that plays a controller. Killed when dropped.
pub struct Controller {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// What it said first: the address of its second node.
    pub address: String,
    _folder: TempDir,
}

impl Controller {
    pub fn start() -> Controller {
        Controller::start_as(Command::new(std::env::current_exe().unwrap()))
    }

    fn start_as(mut command: Command) -> Controller {
        let folder = tempfile::tempdir().unwrap();
        command.arg(ARGUMENT).arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut controller = Controller { child, stdin, stdout, address: String::new(), _folder: folder };
        controller.address = controller.line();
        controller
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it something and waits for what it answers.
    pub fn tell(&mut self, what: &str) -> String {
        writeln!(self.stdin, "{what}").unwrap();
        self.line()
    }

    pub fn kill_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Two controllers with the same addresses: what one cuts, the other does not feel.
pub fn side_by_side() {
    let (mut one, mut other) = (Controller::start(), Controller::start());
    assert_eq!((one.address.as_str(), other.address.as_str()), ("10.77.0.2", "10.77.0.2"));
    assert_eq!((one.tell("probe"), other.tell("probe")), ("5".into(), "5".into()));
    assert_eq!(one.tell("cut"), "cut");
    assert_eq!((one.tell("probe"), other.tell("probe")), ("0".into(), "5".into()));
    one.kill_9();
    assert_eq!(other.tell("probe"), "5");
}

/// In a plain container root has no CAP_SYS_ADMIN: a user namespace serves instead, and nodes work in it.
pub fn root_of_a_container() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // SAFETY: the closure makes a system call only.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        })
    };
    let mut controller = Controller::start_as(command);
    assert_eq!(controller.tell("privilege"), "UserNamespace");
    assert_eq!(controller.tell("probe"), "5");
    assert_eq!(Controller::start().tell("privilege"), "Root");
}

/// Once there are threads it is too late: told, and nothing is changed.
pub fn too_late() {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || receiver.recv());
    let network = std::fs::read_link("/proc/self/ns/net").unwrap();
    let error = sandbox::enter().unwrap_err();
    assert!(matches!(error, SandboxError::Threads { threads } if threads > 1), "{error}");
    assert_eq!(std::fs::read_link("/proc/self/ns/net").unwrap(), network);
    drop(sender);
    assert!(thread.join().unwrap().is_err());
}
