//! The launcher `./squall`, among programs that only pretend: nothing is built or installed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const LAUNCHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../squall");

/// What the launcher needs of a system besides the programs that are pretended.
const TOOLS: [&str; 8] = ["sh", "dirname", "readlink", "sed", "sort", "head", "cut", "sleep"];

/// A folder with pretended programs, which are all that the launcher finds.
struct Stage {
    folder: TempDir,
}

impl Stage {
    /// A machine where everything is there and works.
    fn new() -> Stage {
        let stage = Stage { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(stage.bin()).unwrap();
        fs::create_dir_all(stage.path("target/release")).unwrap();
        for tool in TOOLS {
            let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
            symlink(found.iter().find(|path| path.exists()).unwrap(), stage.bin().join(tool)).unwrap();
        }
        stage.pretend("cargo", "exit 0");
        stage.pretend("rustc", "echo 'rustc 99.0.0 (a test)'");
        stage.pretend("cc", "exit 0");
        stage.pretend("pkg-config", "exit 0");
        stage.pretend("id", "echo 1000");
        stage.script(&stage.path("target/release/squall"), "echo \"ran $* as $SQUALL_CALLED_AS\"; exit 1");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bin(&self) -> PathBuf {
        self.path("bin")
    }

    fn script(&self, path: &Path, text: &str) {
        fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn pretend(&self, program: &str, text: &str) {
        self.script(&self.bin().join(program), text);
    }

    fn forget(&self, program: &str) {
        fs::remove_file(self.bin().join(program)).unwrap();
    }

    fn call(&self, launcher: &Path) -> Output {
        self.command(launcher).output().unwrap()
    }

    fn command(&self, launcher: &Path) -> Command {
        let mut command = Command::new(launcher);
        command.args(["test", "--nodes", "5"]).current_dir(self.folder.path()).env_clear();
        command.env("PATH", self.bin()).env("CARGO_TARGET_DIR", self.path("target"));
        command
    }

    /// The launcher ends with this status and says this.
    #[track_caller]
    fn check(&self, status: i32, part: &str) {
        let output = self.call(Path::new(LAUNCHER));
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains(part), "`{part}` is missing in:\n{said}");
    }
}

#[test]
fn it_hands_arguments_and_status_on() {
    Stage::new().check(1, "ran test --nodes 5 as");
}

#[test]
fn a_link_to_it_works_from_anywhere() {
    let stage = Stage::new();
    symlink(fs::canonicalize(LAUNCHER).unwrap(), stage.path("linked")).unwrap();
    let output = stage.call(Path::new("./linked"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ran test --nodes 5 as ./linked\n", "{output:?}");
}

#[test]
fn what_fails_before_squall_runs_is_no_verdict() {
    let stage = Stage::new();
    stage.pretend("cargo", "echo 'error: it does not compile' >&2; exit 101");
    stage.check(3, "it does not compile");
    stage.pretend("rustc", "echo 'rustc 1.2.3 (a test)'");
    stage.check(3, "this is 1.2.3");
    stage.forget("cargo");
    stage.check(3, "rustup");
}

#[test]
fn a_build_that_takes_a_while_says_so() {
    let stage = Stage::new();
    let gate = stage.path("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    stage.forget("sleep");
    stage.pretend("sleep", "exit 0");
    stage.pretend("cargo", &format!("read -r gone <{}", gate.display()));
    let mut launcher = stage.command(Path::new(LAUNCHER)).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let said = BufReader::new(launcher.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(said, "squall: building what has changed since the last time");
    fs::write(&gate, "on\n").unwrap();
    assert_eq!(launcher.wait().unwrap().code(), Some(1));
}

#[test]
fn missing_packages_are_installed_or_named() {
    let stage = Stage::new();
    stage.forget("cc");
    stage.check(3, "please install them");
    stage.pretend("apt-get", "exit 100");
    stage.check(3, "apt-get install -y --no-install-recommends gcc");
    stage.pretend("id", "echo 0");
    stage.check(3, "installing what the build needs: gcc");
    stage.pretend("apt-get", "exit 0");
    stage.check(1, "ran test");
}
