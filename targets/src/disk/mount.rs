//! Mounting and unmounting, by system calls alone.

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{getegid, geteuid};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

const DEVICE: &str = "/dev/fuse";

/// Opens what disks are served through; the error says what to do.
pub(super) fn device() -> io::Result<File> {
    File::options().read(true).write(true).open(DEVICE).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::PermissionDenied => "chmod 0666 /dev/fuse as root, or run as root",
            _ => "modprobe fuse as root",
        };
        io::Error::new(error.kind(), format!("open {DEVICE}: {error}; {remedy}; `squall doctor` tells what works here"))
    })
}

/// Mounts a file system on `folder`; whoever reads the descriptor serves it.
pub(super) fn up(folder: &Path) -> io::Result<OwnedFd> {
    let device = device()?;
    let (user, group) = (geteuid(), getegid());
    // The kernel checks permissions by modes and owners, as it does on any disk.
    let options = format!(
        "fd={},rootmode=40000,user_id={user},group_id={group},default_permissions,allow_other",
        device.as_raw_fd()
    );
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("squall"), folder, Some("fuse.squall"), flags, Some(options.as_str()))
        .map_err(|errno| io::Error::other(format!("mount a disk on {}: {}", folder.display(), errno.desc())))?;
    Ok(device.into())
}

/// Takes the mount away at once, whoever still uses it.
pub(super) fn down(folder: &Path) -> io::Result<()> {
    // What waits for an answer gets an error, where this user may; it is busy still where files are open.
    let _ = umount2(folder, MntFlags::MNT_FORCE);
    match umount2(folder, MntFlags::MNT_DETACH) {
        Ok(()) | Err(Errno::EINVAL) => Ok(()), // it is not there any more
        Err(errno) => Err(io::Error::other(format!("unmount {}: {}", folder.display(), errno.desc()))),
    }
}
