//! The same tests, run meanwhile by somebody who may do nothing special but open `/dev/net/tun`.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod, umask};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use std::fs::{self, File};
use std::io::{self, Seek};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use tempfile::TempDir;

/// Nobody, on every Linux.
const ORDINARY_USER: u32 = 65_534;

pub struct OrdinaryUser {
    child: Child,
    output: File,
    /// Holds a copy of this executable, and the device, where that user reaches them.
    _place: TempDir,
}

impl OrdinaryUser {
    pub fn start() -> io::Result<OrdinaryUser> {
        let place = tempfile::tempdir()?;
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755))?;
        let copy = place.path().join("packets");
        fs::copy(std::env::current_exe()?, &copy)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        // The machine's own device stays as it is: another node of the same device lies over it, in the child's mounts only.
        let device = place.path().join("tun");
        let mask = umask(Mode::empty());
        let made = mknod(&device, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(10, 200));
        umask(mask);
        made?;
        let output = tempfile::tempfile()?;
        let mut command = Command::new(&copy);
        command.args(std::env::args_os().skip(1)).current_dir(place.path());
        // SAFETY: the closure runs in the forked child of a process with one thread.
        unsafe {
            command.pre_exec(move || {
                unshare(CloneFlags::CLONE_NEWNS)?;
                let none = None::<&str>;
                mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
                mount(Some(&device), "/dev/net/tun", none, MsFlags::MS_BIND, none)?;
                setgroups(&[])?;
                setgid(Gid::from_raw(ORDINARY_USER))?;
                Ok(setuid(Uid::from_raw(ORDINARY_USER))?)
            })
        };
        let child = command.stdout(output.try_clone()?).stderr(output.try_clone()?).spawn()?;
        Ok(OrdinaryUser { child, output, _place: place })
    }

    /// Waits for the end, shows what was printed, and says whether all went well.
    pub fn finish(mut self) -> io::Result<bool> {
        let status = self.child.wait()?;
        self.output.rewind()?;
        io::copy(&mut self.output, &mut io::stdout())?;
        Ok(status.success())
    }
}
