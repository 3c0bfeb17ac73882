//! Tests on real local nodes, run twice at the same time: by whoever runs them, and where that is root also by an ordinary user.
//!
//! A part of test binaries that have a `main` of their own, since the sandbox is entered before any thread exists.

use libtest_mimic::{Arguments, Trial};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod, umask};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use squall_targets::sandbox::{self, Sandbox};
use std::fs::{self, File};
use std::io::{self, Seek};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use tempfile::TempDir;

/// Nobody, on every Linux.
const ORDINARY_USER: u32 = 65_534;

/// A device that is open to the ordinary user, whatever its mode is on this machine.
#[derive(Clone, Copy)]
pub struct Device {
    pub path: &'static str,
    pub major: u64,
    pub minor: u64,
}

/// Runs the trials, one at a time; they are told who runs them.
pub fn run(open: Option<Device>, set_sandbox: fn(Sandbox), trials: impl FnOnce(&str) -> Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root && !arguments.list {
        eprintln!("only root runs everything as an ordinary user and as root; this user runs it once");
    }
    let ordinary = if is_root && !arguments.list { OrdinaryUser::start(open).map(Some) } else { Ok(None) };
    let sandbox = if arguments.list { Ok(()) } else { sandbox::enter().map(set_sandbox) };
    if let Err(error) = sandbox {
        eprintln!("failed to {error}");
        return ExitCode::FAILURE;
    }
    let here = libtest_mimic::run(&arguments, trials(if is_root { "root" } else { "user" }));
    match ordinary.and_then(|run| run.map_or(Ok(true), OrdinaryUser::finish)) {
        Ok(true) => here.exit_code(),
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the tests could not be run as an ordinary user: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The same tests, run meanwhile by somebody who may do nothing special but open one device.
struct OrdinaryUser {
    child: Child,
    output: File,
    /// Holds a copy of this executable, and the device, where that user reaches them.
    _place: TempDir,
}

impl OrdinaryUser {
    fn start(open: Option<Device>) -> io::Result<OrdinaryUser> {
        let place = tempfile::tempdir()?;
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755))?;
        let copy = place.path().join("tests");
        fs::copy(std::env::current_exe()?, &copy)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        let device = open.map(|device| node(device, place.path())).transpose()?;
        let output = tempfile::tempfile()?;
        let mut command = Command::new(&copy);
        command.args(std::env::args_os().skip(1)).current_dir(place.path());
        // SAFETY: the closure runs in the forked child of a process with one thread.
        unsafe {
            command.pre_exec(move || {
                if let Some((node, path)) = &device {
                    unshare(CloneFlags::CLONE_NEWNS)?;
                    let none = None::<&str>;
                    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
                    mount(Some(node), *path, none, MsFlags::MS_BIND, none)?;
                }
                setgroups(&[])?;
                setgid(Gid::from_raw(ORDINARY_USER))?;
                Ok(setuid(Uid::from_raw(ORDINARY_USER))?)
            })
        };
        let child = command.stdout(output.try_clone()?).stderr(output.try_clone()?).spawn()?;
        Ok(OrdinaryUser { child, output, _place: place })
    }

    /// Waits for the end, shows what was printed, and says whether all went well.
    fn finish(mut self) -> io::Result<bool> {
        let status = self.child.wait()?;
        self.output.rewind()?;
        io::copy(&mut self.output, &mut io::stdout())?;
        Ok(status.success())
    }
}

/// Another node of the same device, open to everybody. The machine's own stays as it is: this one lies over it, in the mounts of
/// the child only.
fn node(device: Device, place: &Path) -> io::Result<(PathBuf, &'static str)> {
    let node = place.join("device");
    let mask = umask(Mode::empty());
    let made = mknod(&node, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(device.major, device.minor));
    umask(mask);
    made?;
    Ok((node, device.path))
}
