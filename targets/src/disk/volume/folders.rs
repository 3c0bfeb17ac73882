//! Names: made, removed, given to something else.

use super::{Node, Volume};
use crate::disk::{Ino, Model};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{FileStat, Mode, SFlag, mkdirat, mknodat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, linkat, symlinkat, unlinkat};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

/// What is made under a new name.
#[derive(Debug, Clone, Copy)]
pub(in crate::disk) enum New<'a> {
    File,
    Folder,
    /// A link that names this.
    Symlink(&'a OsStr),
    /// A pipe, socket or device.
    Special {
        kind: SFlag,
        device: u64,
    },
}

impl Volume {
    /// Makes something, with this mode and for this user and group.
    pub(in crate::disk) fn make(
        &mut self,
        folder: Ino,
        name: &OsStr,
        new: New<'_>,
        mode: u32,
        owner: Option<(u32, u32)>,
    ) -> io::Result<(Ino, FileStat)> {
        let parent = self.folder(folder)?;
        let bits = Mode::from_bits_truncate(mode);
        let mut made = None;
        match new {
            New::File => {
                let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
                made = Some(File::from(openat(&*parent, name, flags, bits)?));
            }
            New::Folder => mkdirat(&*parent, name, bits)?,
            New::Symlink(target) => symlinkat(target, &*parent, name)?,
            New::Special { kind, device } => mknodat(&*parent, name, kind, bits, device)?,
        }
        if let Some((user, group)) = owner {
            // An ordinary user makes files of its own only, which is what is asked for then.
            let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
            let _ = fchownat(&*parent, name, user, group, AtFlags::AT_SYMLINK_NOFOLLOW);
        }
        if let Some(file) = made {
            let ino = nix::sys::stat::fstat(&file)?.st_ino;
            self.nodes.insert(ino, Node::of(file, false));
        }
        let (ino, stat) = self.lookup(folder, name)?;
        self.names.next();
        self.names.note(folder, name, None, Some(ino));
        Ok((ino, stat))
    }

    /// Gives a file one more name.
    pub(in crate::disk) fn link(&mut self, ino: Ino, folder: Ino, name: &OsStr) -> io::Result<(Ino, FileStat)> {
        let file = self.file(ino)?;
        link_open(&file, &*self.folder(folder)?, name)?;
        self.names.next();
        self.names.note(folder, name, None, Some(ino));
        self.lookup(folder, name)
    }

    /// Removes the name of a file.
    pub(in crate::disk) fn unlink(&mut self, folder: Ino, name: &OsStr) -> io::Result<()> {
        let (ino, stat) = self.lookup(folder, name)?;
        if self.node(ino)?.is_folder {
            return Err(Errno::EISDIR.into());
        }
        self.take_away(folder, name, ino, &stat)?;
        self.names.next();
        self.names.note(folder, name, Some(ino), None);
        Ok(())
    }

    /// Removes an empty folder.
    pub(in crate::disk) fn rmdir(&mut self, folder: Ino, name: &OsStr) -> io::Result<()> {
        let (ino, stat) = self.lookup(folder, name)?;
        if !self.list(ino)?.is_empty() {
            return Err(Errno::ENOTEMPTY.into());
        }
        self.take_away(folder, name, ino, &stat)?;
        self.names.next();
        self.names.note(folder, name, Some(ino), None);
        Ok(())
    }

    /// Gives something another name, in place of what has it.
    pub(in crate::disk) fn rename(
        &mut self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
        flags: RenameFlags,
    ) -> io::Result<()> {
        let (moved, _) = self.lookup(from.0, from.1)?;
        let replaced = self.find(to.0, to.1)?;
        if flags.contains(RenameFlags::RENAME_EXCHANGE) {
            let other = replaced.ok_or(Errno::ENOENT)?.0;
            renameat2(&*self.folder(from.0)?, from.1, &*self.folder(to.0)?, to.1, RenameFlags::RENAME_EXCHANGE)?;
            self.note_move(from, to, moved, Some(other), Some(other));
            return Ok(());
        }
        if let Some((other, stat)) = &replaced {
            if flags.contains(RenameFlags::RENAME_NOREPLACE) {
                return Err(Errno::EEXIST.into());
            }
            if *other == moved {
                return Ok(()); // two names of one file both stay, as rename(2) has it
            }
            match (self.node(moved)?.is_folder, self.node(*other)?.is_folder) {
                (true, false) => return Err(Errno::ENOTDIR.into()),
                (false, true) => return Err(Errno::EISDIR.into()),
                (true, true) if !self.list(*other)?.is_empty() => return Err(Errno::ENOTEMPTY.into()),
                _ => self.take_away(to.0, to.1, *other, stat)?,
            }
        }
        renameat(&*self.folder(from.0)?, from.1, &*self.folder(to.0)?, to.1)?;
        let replaced = replaced.map(|(ino, _)| ino);
        self.note_move(from, to, moved, replaced, None);
        if self.model == Model::Ext4Ordered && replaced.is_some() {
            self.flush(moved)?;
        }
        Ok(())
    }

    fn note_move(
        &mut self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
        moved: Ino,
        replaced: Option<Ino>,
        back: Option<Ino>,
    ) {
        self.names.next();
        self.names.note(from.0, from.1, Some(moved), back);
        self.names.note(to.0, to.1, replaced, Some(moved));
    }

    /// What is in a folder: names, inode numbers, kinds.
    pub(in crate::disk) fn list(&self, ino: Ino) -> io::Result<Vec<(OsString, Ino, Option<nix::dir::Type>)>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut dir = Dir::openat(&*self.folder(ino)?, ".", flags, Mode::empty())?;
        let mut entries = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                entries.push((OsStr::from_bytes(name).to_owned(), entry.ino(), entry.file_type()));
            }
        }
        Ok(entries)
    }

    /// Takes a name away; what has no other goes to the attic.
    pub(super) fn take_away(&self, folder: Ino, name: &OsStr, ino: Ino, stat: &FileStat) -> io::Result<()> {
        let parent = self.folder(folder)?;
        if !self.node(ino)?.is_folder && stat.st_nlink > 1 {
            unlinkat(&*parent, name, UnlinkatFlags::NoRemoveDir)?;
        } else {
            renameat(&*parent, name, &self.attic, ino.to_string().as_str())?;
        }
        Ok(())
    }

    /// Removes from the attic for good what nothing can bring back.
    pub(super) fn release(&mut self, released: BTreeSet<Ino>) {
        let mut next = released;
        while let Some(ino) = next.pop_first() {
            let is_folder = self.nodes.get(&ino).is_some_and(|node| node.is_folder);
            let how = if is_folder { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
            // It is not there where it has another name.
            if unlinkat(&self.attic, ino.to_string().as_str(), how).is_ok() && is_folder {
                next.extend(self.names.sync_folder(ino, u64::MAX));
            }
            self.close_unneeded(&BTreeSet::from([ino]));
        }
    }
}

/// Gives an open file a name.
pub(super) fn link_open(file: &File, parent: &File, name: &OsStr) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(AT_FDCWD, open.as_str(), parent, name, AtFlags::AT_SYMLINK_FOLLOW)?)
}
