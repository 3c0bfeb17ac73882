//! What the kernel wants to know of a file.

use fuser::{FileAttr, FileType, INodeNo};
use nix::dir::Type;
use nix::sys::stat::{FileStat, SFlag};
use nix::unistd::{getegid, geteuid};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The number of the file that is probed; no file system has so many.
pub(super) const PROBE: INodeNo = INodeNo(u64::MAX >> 1);

/// The attributes of what `stat` tells of, which everybody calls `ino`.
pub(super) fn attributes(ino: u64, stat: &FileStat) -> FileAttr {
    FileAttr {
        ino: INodeNo(ino),
        size: stat.st_size as u64,
        blocks: stat.st_blocks as u64,
        atime: time(stat.st_atime, stat.st_atime_nsec),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
        crtime: UNIX_EPOCH,
        kind: kind(SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT),
        perm: (stat.st_mode & 0o7777) as u16,
        nlink: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: stat.st_rdev as u32,
        blksize: stat.st_blksize as u32,
        flags: 0,
    }
}

/// Those of the file that is probed.
pub(super) fn probe_attributes() -> FileAttr {
    FileAttr {
        ino: PROBE,
        size: 1,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0o600,
        nlink: 1,
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
        rdev: 0,
        blksize: 512,
        flags: 0,
    }
}

fn time(seconds: i64, nanos: i64) -> SystemTime {
    let nanos = Duration::from_nanos(nanos.unsigned_abs());
    match seconds {
        0.. => UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs()) + nanos,
        _ => UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()) + nanos,
    }
}

fn kind(bits: SFlag) -> FileType {
    match bits {
        SFlag::S_IFDIR => FileType::Directory,
        SFlag::S_IFLNK => FileType::Symlink,
        SFlag::S_IFIFO => FileType::NamedPipe,
        SFlag::S_IFSOCK => FileType::Socket,
        SFlag::S_IFCHR => FileType::CharDevice,
        SFlag::S_IFBLK => FileType::BlockDevice,
        _ => FileType::RegularFile,
    }
}

/// The kind of an entry of a folder; whoever needs it for certain looks it up.
pub(super) fn kind_of(kind: Option<Type>) -> FileType {
    match kind {
        Some(Type::Directory) => FileType::Directory,
        Some(Type::Symlink) => FileType::Symlink,
        Some(Type::Fifo) => FileType::NamedPipe,
        Some(Type::Socket) => FileType::Socket,
        Some(Type::CharacterDevice) => FileType::CharDevice,
        Some(Type::BlockDevice) => FileType::BlockDevice,
        Some(Type::File) | None => FileType::RegularFile,
    }
}
