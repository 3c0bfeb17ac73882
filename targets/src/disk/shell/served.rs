//! What a call of the kernel does to the volume, once the gate has let it pass.

use super::attributes::{PROBE, attributes, probe_attributes};
use crate::disk::gate::{Access, Gate};
use crate::disk::volume::{New, Volume};
use crate::disk::{Ino, ROOT};
use fuser::{FileAttr, TimeOrNow};
use nix::dir::Type;
use nix::errno::Errno;
use nix::fcntl::{RenameFlags, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, futimens};
use nix::sys::statvfs::{Statvfs, fstatvfs};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

type Listing = Arc<Vec<(OsString, Ino, Option<Type>)>>;

/// A disk between two cuts of its power.
pub(super) struct Served {
    volume: Arc<Mutex<Volume>>,
    pub gate: Arc<Gate>,
    /// How often the power had gone when this began.
    cuts: u64,
    /// Folders that are being read, each as it was when that began.
    listings: Mutex<(u64, HashMap<u64, Listing>)>,
}

/// New attributes.
pub(super) struct Change {
    pub mode: Option<u32>,
    pub user: Option<u32>,
    pub group: Option<u32>,
    pub size: Option<u64>,
    pub accessed: Option<TimeOrNow>,
    pub modified: Option<TimeOrNow>,
}

impl Served {
    pub(super) fn new(volume: Arc<Mutex<Volume>>, gate: Arc<Gate>) -> Served {
        let cuts = lock(&volume).cuts();
        Served { volume, gate, cuts, listings: Mutex::default() }
    }

    /// The volume, unless the power went since.
    fn volume(&self) -> io::Result<MutexGuard<'_, Volume>> {
        let volume = lock(&self.volume);
        if volume.cuts() == self.cuts { Ok(volume) } else { Err(Errno::EIO.into()) }
    }

    fn pass(&self, access: Access) -> io::Result<()> {
        Ok(self.gate.pass(access, false)?)
    }

    /// The attributes of what the kernel is told of now.
    fn told(volume: &mut Volume, (ino, stat): (Ino, FileStat)) -> FileAttr {
        volume.told(ino);
        attributes(ino, &stat)
    }

    pub(super) fn lookup(&self, parent: Ino, name: &OsStr) -> io::Result<FileAttr> {
        let mut volume = self.volume()?;
        let found = volume.lookup(parent, name)?;
        Ok(Served::told(&mut volume, found))
    }

    pub(super) fn forget(&self, ino: Ino, times: u64) {
        if let Ok(mut volume) = self.volume() {
            volume.forget(ino, times);
        }
    }

    pub(super) fn attributes(&self, ino: Ino) -> io::Result<FileAttr> {
        if ino == PROBE.0 {
            return Ok(probe_attributes());
        }
        Ok(attributes(ino, &self.volume()?.stat(ino)?))
    }

    pub(super) fn change(&self, ino: Ino, change: &Change) -> io::Result<FileAttr> {
        if ino == PROBE.0 {
            return Ok(probe_attributes());
        }
        self.pass(Access::Change)?;
        let mut volume = self.volume()?;
        let file = volume.file(ino)?;
        if let Some(mode) = change.mode {
            fchmod(&*file, Mode::from_bits_truncate(mode))?;
        }
        if change.user.is_some() || change.group.is_some() {
            fchown(&*file, change.user.map(Uid::from_raw), change.group.map(Gid::from_raw))?;
        }
        if let Some(size) = change.size {
            volume.truncate(ino, size)?;
        }
        if change.accessed.is_some() || change.modified.is_some() {
            set_times(&file, &times(change.accessed), &times(change.modified))?;
        }
        Ok(attributes(ino, &volume.stat(ino)?))
    }

    pub(super) fn read_link(&self, ino: Ino) -> io::Result<Vec<u8>> {
        let file = self.volume()?.file(ino)?;
        Ok(readlinkat(&*file, "")?.into_vec())
    }

    pub(super) fn make_node(
        &self,
        parent: Ino,
        name: &OsStr,
        kind: SFlag,
        mode: u32,
        device: u64,
        owner: Option<(u32, u32)>,
    ) -> io::Result<FileAttr> {
        let new = match kind {
            SFlag::S_IFREG => New::File,
            SFlag::S_IFDIR => New::Folder,
            kind => New::Special { kind, device },
        };
        self.make(parent, name, new, mode, owner)
    }

    pub(super) fn make_link(
        &self,
        parent: Ino,
        name: &OsStr,
        target: &Path,
        owner: Option<(u32, u32)>,
    ) -> io::Result<FileAttr> {
        self.make(parent, name, New::Symlink(target.as_os_str()), 0, owner)
    }

    fn make(
        &self,
        parent: Ino,
        name: &OsStr,
        new: New<'_>,
        mode: u32,
        owner: Option<(u32, u32)>,
    ) -> io::Result<FileAttr> {
        self.pass(Access::Write)?;
        let mut volume = self.volume()?;
        let made = volume.make(parent, name, new, mode & 0o7777, owner)?;
        Ok(Served::told(&mut volume, made))
    }

    pub(super) fn link(&self, ino: Ino, parent: Ino, name: &OsStr) -> io::Result<FileAttr> {
        self.pass(Access::Write)?;
        let mut volume = self.volume()?;
        let linked = volume.link(ino, parent, name)?;
        Ok(Served::told(&mut volume, linked))
    }

    pub(super) fn unlink(&self, parent: Ino, name: &OsStr) -> io::Result<()> {
        self.pass(Access::Change)?;
        self.volume()?.unlink(parent, name)
    }

    pub(super) fn rmdir(&self, parent: Ino, name: &OsStr) -> io::Result<()> {
        self.pass(Access::Change)?;
        self.volume()?.rmdir(parent, name)
    }

    pub(super) fn rename(&self, from: (Ino, &OsStr), to: (Ino, &OsStr), flags: RenameFlags) -> io::Result<()> {
        self.pass(Access::Change)?;
        self.volume()?.rename(from, to, flags)
    }

    pub(super) fn read(&self, ino: Ino, offset: u64, size: usize) -> io::Result<Vec<u8>> {
        if ino == PROBE.0 {
            self.gate.pass(Access::Read, true)?;
            return Ok(vec![0; usize::from(offset == 0).min(size)]);
        }
        self.pass(Access::Read)?;
        let file = self.volume()?.file(ino)?;
        let mut bytes = vec![0; size];
        let count = file.read_at(&mut bytes, offset)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    pub(super) fn write(&self, ino: Ino, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if ino == PROBE.0 {
            return Ok(self.gate.pass(Access::Write, true)?);
        }
        self.pass(Access::Write)?;
        self.volume()?.write(ino, offset, bytes)?;
        self.gate.count(|counters| counters.written_bytes += bytes.len() as u64);
        Ok(())
    }

    pub(super) fn allocate(&self, ino: Ino, mode: i32, offset: u64, length: u64) -> io::Result<()> {
        self.pass(Access::Write)?;
        let end = offset.checked_add(length).ok_or(Errno::EFBIG)?;
        self.volume()?.allocate(ino, mode, offset..end)
    }

    pub(super) fn release(&self, ino: Ino) -> io::Result<()> {
        self.volume()?.release_file(ino)
    }

    /// What is written while the sync waits is no part of it. The folder underneath is synced too: that takes the time that
    /// a disk takes.
    pub(super) fn sync(&self, ino: Ino) -> io::Result<()> {
        if ino == PROBE.0 {
            return Ok(self.gate.pass(Access::Sync, true)?);
        }
        let sync = self.volume()?.begin_sync(ino)?;
        let written = self.pass(Access::Sync).and_then(|()| sync.file.sync_data());
        let mut volume = self.volume()?;
        if let Err(error) = written {
            // Without power nothing is known to have failed: it is all gone soon.
            if error.raw_os_error() != Some(libc::ENODEV) {
                volume.fail_sync(&sync);
            }
            return Err(error);
        }
        volume.end_sync(&sync)?;
        self.gate.count(|counters| counters.syncs += 1);
        Ok(())
    }

    pub(super) fn open_folder(&self, ino: Ino) -> io::Result<u64> {
        let listing = self.volume()?.list(ino)?;
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        listings.0 += 1;
        let handle = listings.0;
        listings.1.insert(handle, Arc::new(listing));
        Ok(handle)
    }

    pub(super) fn listing(&self, handle: u64) -> Listing {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner).1.get(&handle).cloned().unwrap_or_default()
    }

    pub(super) fn close_folder(&self, handle: u64) {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&handle);
    }

    pub(super) fn space(&self) -> io::Result<Statvfs> {
        Ok(fstatvfs(&*self.volume()?.file(ROOT)?)?)
    }
}

fn lock(volume: &Mutex<Volume>) -> MutexGuard<'_, Volume> {
    volume.lock().unwrap_or_else(PoisonError::into_inner)
}

fn times(time: Option<TimeOrNow>) -> TimeSpec {
    match time {
        None => TimeSpec::UTIME_OMIT,
        Some(TimeOrNow::Now) => TimeSpec::UTIME_NOW,
        Some(TimeOrNow::SpecificTime(time)) => time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).into(),
    }
}

/// Also of what is open by its path alone, such as a symbolic link.
fn set_times(file: &File, accessed: &TimeSpec, modified: &TimeSpec) -> io::Result<()> {
    match futimens(file, accessed, modified) {
        Err(Errno::EBADF) => Ok(()),
        other => Ok(other?),
    }
}
