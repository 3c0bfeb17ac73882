//! A folder as a disk: everything that is done to it, and what of that is on the disk.
//!
//! The folder underneath is always as its writers left it; what the disk has instead is in [`Contents`] and [`Names`]. A
//! removed file or folder stays in the *attic*, a folder beside, until its removal is on the disk, so that it can come back.
//! Modes, owners, times and links' targets are taken to be on the disk at once: no loss of them is modelled.
//!
//! Knows neither FUSE nor faults. Files are known by their inode numbers, and kept open.

mod files;
mod folders;
mod power;
mod syncs;
#[cfg(test)]
mod tests;

pub(super) use folders::New;
pub use power::Loss;

use super::contents::Contents;
use super::names::Names;
use super::{Ino, Model, ROOT};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that loses what was not synced.
pub(super) struct Volume {
    model: Model,
    nodes: HashMap<Ino, Node>,
    names: Names,
    /// The inode number of the folder itself, which everybody calls [`ROOT`].
    root_ino: Ino,
    attic: File,
    attic_path: PathBuf,
    /// How often the power went.
    cuts: u64,
}

/// A file or folder that is kept open.
struct Node {
    file: Arc<File>,
    is_folder: bool,
    /// How often the kernel was told of it, and has not forgotten it since.
    lookups: u64,
    /// None where the disk has all of it.
    contents: Option<Contents>,
    /// Whether it was truncated to nothing and not closed since.
    was_emptied: bool,
}

impl Volume {
    /// The folder, all of which is on the disk; `attic` is made, and emptied.
    pub(super) fn open(folder: &Path, attic: &Path, model: Model) -> io::Result<Volume> {
        fs::create_dir_all(attic)?;
        let root = File::open(folder)?;
        let root_ino = fstat(&root)?.st_ino;
        let node = Node::of(root, true);
        let (attic, attic_path) = (File::open(attic)?, attic.to_owned());
        let nodes = HashMap::from([(ROOT, node)]);
        let volume = Volume { model, nodes, names: Names::default(), root_ino, attic, attic_path, cuts: 0 };
        volume.empty_attic()?;
        Ok(volume)
    }

    /// How often the power went: who serves the disk of before must not serve this one.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts
    }

    fn ino(&self, stat: &FileStat) -> Ino {
        if stat.st_ino == self.root_ino { ROOT } else { stat.st_ino }
    }

    fn node(&self, ino: Ino) -> io::Result<&Node> {
        self.nodes.get(&ino).ok_or_else(stale)
    }

    fn node_mut(&mut self, ino: Ino) -> io::Result<&mut Node> {
        self.nodes.get_mut(&ino).ok_or_else(stale)
    }

    fn folder(&self, ino: Ino) -> io::Result<Arc<File>> {
        let node = self.node(ino)?;
        if node.is_folder { Ok(node.file.clone()) } else { Err(Errno::ENOTDIR.into()) }
    }

    /// An open descriptor of a file or folder.
    pub(super) fn file(&self, ino: Ino) -> io::Result<Arc<File>> {
        Ok(self.node(ino)?.file.clone())
    }

    /// What a name of a folder stands for.
    pub(super) fn lookup(&mut self, folder: Ino, name: &OsStr) -> io::Result<(Ino, FileStat)> {
        let parent = self.folder(folder)?;
        let stat = fstatat(&*parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let ino = self.ino(&stat);
        if let Entry::Vacant(vacant) = self.nodes.entry(ino) {
            let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
            let file = open(&parent, name, kind)?;
            vacant.insert(Node::of(file.into(), kind == SFlag::S_IFDIR));
        }
        Ok((ino, stat))
    }

    /// As [`Volume::lookup`]; none where there is no such name.
    fn find(&mut self, folder: Ino, name: &OsStr) -> io::Result<Option<(Ino, FileStat)>> {
        match self.lookup(folder, name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Mode, length, times and so on.
    pub(super) fn stat(&self, ino: Ino) -> io::Result<FileStat> {
        Ok(fstat(&*self.node(ino)?.file)?)
    }

    /// The kernel was told of this once more.
    pub(super) fn told(&mut self, ino: Ino) {
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.lookups += 1;
        }
    }

    /// The kernel has forgotten this so many times.
    pub(super) fn forget(&mut self, ino: Ino, times: u64) {
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.lookups = node.lookups.saturating_sub(times);
            if node.lookups == 0 {
                self.close_unneeded(&BTreeSet::from([ino]));
            }
        }
    }

    /// Closes those of these that nobody knows any more, and of which nothing could be lost.
    fn close_unneeded(&mut self, inos: &BTreeSet<Ino>) {
        for ino in inos.iter().filter(|ino| **ino != ROOT) {
            let Some(node) = self.nodes.get(ino) else { continue };
            let is_clean = || match (&node.contents, fstat(&*node.file)) {
                (Some(contents), Ok(stat)) => contents.is_clean(stat.st_size as u64),
                (contents, _) => contents.is_none(),
            };
            if node.lookups == 0 && self.names.last_of(*ino).is_none() && (is_clean() || is_removed(node)) {
                self.nodes.remove(ino);
            }
        }
    }
}

impl Node {
    fn of(file: File, is_folder: bool) -> Node {
        Node { file: Arc::new(file), is_folder, lookups: 0, contents: None, was_emptied: false }
    }
}

/// Whether no name is left of it, not even in the attic.
fn is_removed(node: &Node) -> bool {
    fstat(&*node.file).is_ok_and(|stat| stat.st_nlink == 0)
}

/// Opens what a name stands for, for all that may be done to it.
fn open(parent: &File, name: &OsStr, kind: SFlag) -> io::Result<OwnedFd> {
    let common = OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let with = |flags| openat(parent, name, common | flags, Mode::empty());
    let opened = match kind {
        SFlag::S_IFDIR => with(OFlag::O_RDONLY | OFlag::O_DIRECTORY),
        SFlag::S_IFREG => with(OFlag::O_RDWR).or_else(|_| with(OFlag::O_RDONLY)),
        _ => with(OFlag::O_PATH),
    };
    Ok(opened?)
}

/// Somebody asks for what the kernel should have forgotten.
fn stale() -> io::Error {
    Errno::ESTALE.into()
}
