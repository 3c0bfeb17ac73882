//! The disk as a file system that the kernel asks: FUSE over a [`Volume`] and its [`Gate`].
//!
//! The kernel hands every write on at once, so the volume sees them as the server makes them; what is written to mapped
//! memory comes when the kernel writes it back, at msync at the latest. A file opened with O_SYNC or O_DSYNC is synced by the
//! kernel after each write. sync(2) does not reach file systems of this kind.

mod attributes;
mod served;

use super::gate::{Access, Gate};
use super::volume::Volume;
use attributes::{kind_of, probe_attributes};
use fuser::{
    BsdFileFlags, Config, Errno, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, KernelConfig, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyWrite, Request, Session, SessionACL, TimeOrNow, WriteFlags,
};
use nix::sys::stat::SFlag;
use served::{Change, Served};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

/// The name of a file that is in no listing, by which the disk is probed.
pub(super) const PROBE_NAME: &str = ".squall-probe";

/// Nobody else changes what is underneath, so the kernel may remember all it was told.
const FOR_LONG: Duration = Duration::from_secs(24 * 3_600);

/// The longest write that the kernel may hand on at once.
const WRITE_BYTES_MAX: u32 = 1 << 20;

/// How many calls are served at once; those that are made to wait have threads of their own.
const THREADS: usize = 4;

/// Numbers are not used again while the kernel knows them.
const GENERATION: Generation = Generation(0);

/// Serves the disk on a freshly mounted descriptor, in threads that end with the mount.
pub(super) fn serve(device: OwnedFd, volume: Arc<Mutex<Volume>>, gate: Arc<Gate>) -> io::Result<()> {
    let mut config = Config::default();
    (config.acl, config.n_threads, config.clone_fd) = (SessionACL::All, Some(THREADS), true);
    let shell = Shell(Arc::new(Served::new(volume, gate)));
    let session = Session::from_fd(shell, device, SessionACL::All, config)?;
    thread::Builder::new().name("disk".into()).spawn(move || {
        if let Err(error) = session.run() {
            eprintln!("squall disk: {error}");
        }
    })?;
    Ok(())
}

struct Shell(Arc<Served>);

impl Shell {
    /// Serves a call; in a thread of its own where it would keep others from being served.
    fn maybe_later(&self, access: Access, work: impl FnOnce(&Served) + Send + 'static) {
        if !self.0.gate.delays(access) {
            return work(&self.0);
        }
        let served = self.0.clone();
        thread::spawn(move || work(&served));
    }
}

/// The error as FUSE has it.
fn errno(error: io::Error) -> Errno {
    Errno::from_i32(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Answers a request that has no result but success.
fn answer(reply: ReplyEmpty, result: io::Result<()>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(error)),
    }
}

/// Answers with what a name stands for now.
fn answer_entry(reply: ReplyEntry, result: io::Result<fuser::FileAttr>) {
    match result {
        Ok(attributes) => reply.entry(&FOR_LONG, &attributes, GENERATION),
        Err(error) => reply.error(errno(error)),
    }
}

fn owner(request: &Request) -> Option<(u32, u32)> {
    Some((request.uid(), request.gid()))
}

impl Filesystem for Shell {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // What the kernel offers instead is less.
        let _ = config.set_max_write(WRITE_BYTES_MAX);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if parent == INodeNo::ROOT && name == PROBE_NAME {
            return reply.entry(&Duration::ZERO, &probe_attributes(), GENERATION);
        }
        answer_entry(reply, self.0.lookup(parent.0, name));
    }

    fn forget(&self, _: &Request, ino: INodeNo, times: u64) {
        self.0.forget(ino.0, times);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.attributes(ino.0) {
            Ok(attributes) => reply.attr(&FOR_LONG, &attributes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        user: Option<u32>,
        group: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let change = Change { mode, user, group, size, accessed, modified };
        match self.0.change(ino.0, &change) {
            Ok(attributes) => reply.attr(&FOR_LONG, &attributes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.0.read_link(ino.0) {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        device: u32,
        reply: ReplyEntry,
    ) {
        let kind = SFlag::from_bits_truncate(mode) & SFlag::S_IFMT;
        answer_entry(reply, self.0.make_node(parent.0, name, kind, mode, u64::from(device), owner(request)));
    }

    fn mkdir(&self, request: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        answer_entry(reply, self.0.make_node(parent.0, name, SFlag::S_IFDIR, mode, 0, owner(request)));
    }

    fn symlink(&self, request: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        answer_entry(reply, self.0.make_link(parent.0, name, target, owner(request)));
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        answer_entry(reply, self.0.link(ino.0, parent.0, name));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.unlink(parent.0, name));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.rmdir(parent.0, name));
    }

    fn rename(
        &self,
        _: &Request,
        from: INodeNo,
        name: &OsStr,
        to: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let flags = nix::fcntl::RenameFlags::from_bits_truncate(flags.bits());
        answer(reply, self.0.rename((from.0, name), (to.0, new_name), flags));
    }

    fn create(&self, request: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, _: i32, reply: ReplyCreate) {
        match self.0.make_node(parent.0, name, SFlag::S_IFREG, mode, 0, owner(request)) {
            Ok(attributes) => reply.created(&FOR_LONG, &attributes, GENERATION, FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // A probe that the kernel answers from memory tells nothing.
        let flags = if ino == attributes::PROBE { FopenFlags::FOPEN_DIRECT_IO } else { FopenFlags::empty() };
        reply.opened(FileHandle(0), flags);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.maybe_later(Access::Read, move |served| match served.read(ino.0, offset, size as usize) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(errno(error)),
        });
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.0.write(ino.0, offset, data) {
            Ok(()) => reply.written(data.len() as u32),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        answer(reply, self.0.release(ino.0));
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.maybe_later(Access::Sync, move |served| answer(reply, served.sync(ino.0)));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.maybe_later(Access::Sync, move |served| answer(reply, served.sync(ino.0)));
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.0.open_folder(ino.0) {
            Ok(handle) => reply.opened(FileHandle(handle), FopenFlags::empty()),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn readdir(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listing = self.0.listing(handle.0);
        for (place, (name, ino, kind)) in listing.iter().enumerate().skip(offset as usize) {
            if reply.add(INodeNo(*ino), place as u64 + 1, kind_of(*kind), name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.0.close_folder(handle.0);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.0.space() {
            Ok(stat) => reply.statfs(
                stat.blocks(),
                stat.blocks_free(),
                stat.blocks_available(),
                stat.files(),
                stat.files_free(),
                stat.block_size() as u32,
                stat.name_max() as u32,
                stat.fragment_size() as u32,
            ),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        answer(reply, self.0.allocate(ino.0, mode, offset, length));
    }
}
