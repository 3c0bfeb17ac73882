//! What is in files: read, written, made longer and shorter.

use super::{Node, Volume};
use crate::disk::contents::Contents;
use crate::disk::{Ino, Model};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::stat::fstat;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

impl Volume {
    /// Writes all of `bytes` at `offset`.
    pub(in crate::disk) fn write(&mut self, ino: Ino, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.commit_flushed(ino)?;
        let node = self.node_mut(ino)?;
        let file = node.file.clone();
        let end = offset.checked_add(bytes.len() as u64).ok_or(Errno::EFBIG)?;
        node.contents()?.write(offset..end, |range| read(&file, range))?;
        file.write_all_at(bytes, offset)
    }

    /// Cuts a file to this length, or extends it by zeros.
    pub(in crate::disk) fn truncate(&mut self, ino: Ino, length: u64) -> io::Result<()> {
        if length == self.file(ino)?.metadata()?.len() {
            return Ok(());
        }
        self.commit_pending(ino)?;
        let at = self.names.next();
        let node = self.node_mut(ino)?;
        let file = node.file.clone();
        node.contents()?.set_length(length, at, |range| read(&file, range))?;
        node.was_emptied |= length == 0;
        file.set_len(length)
    }

    /// As fallocate(2) does, as far as data bases use it: space before it is needed, and holes.
    pub(in crate::disk) fn allocate(&mut self, ino: Ino, mode: i32, range: Range<u64>) -> io::Result<()> {
        let flags = FallocateFlags::from_bits(mode).ok_or(Errno::EOPNOTSUPP)?;
        let keeps_length = flags.contains(FallocateFlags::FALLOC_FL_KEEP_SIZE);
        let removes = flags - FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let known = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_ZERO_RANGE;
        if !known.contains(removes) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.commit_pending(ino)?;
        let at = self.names.next();
        let node = self.node_mut(ino)?;
        let file = node.file.clone();
        let length = file.metadata()?.len();
        if !removes.is_empty() {
            node.contents()?.write(range.start.min(length)..range.end.min(length), |range| read(&file, range))?;
        }
        // Told before: afterwards the file is as long as it will be.
        let contents = node.contents()?;
        fallocate(&*file, flags, range.start as i64, (range.end - range.start) as i64)?;
        if !keeps_length && range.end > length {
            contents.set_length(range.end, at, |range| read(&file, range))?;
        }
        Ok(())
    }

    /// A file is closed for the last time. One that was truncated to nothing and written anew is flushed by ext4, so that
    /// who replaces a file in this way has the old or the new one.
    pub(in crate::disk) fn release_file(&mut self, ino: Ino) -> io::Result<()> {
        match self.nodes.get_mut(&ino).map(|node| std::mem::take(&mut node.was_emptied)) {
            Some(true) if self.model == Model::Ext4Ordered => {
                self.names.next();
                self.flush(ino)
            }
            _ => Ok(()),
        }
    }

    /// What was written goes to the disk, the length with the last change of the journal.
    pub(super) fn flush(&mut self, ino: Ino) -> io::Result<()> {
        let at = self.names.at();
        let node = self.node_mut(ino)?;
        let length = node.file.metadata()?.len();
        if let Some(contents) = node.contents.as_mut().filter(|contents| contents.begin_sync(length, at).is_needed) {
            contents.flush(length, at);
        }
        Ok(())
    }
}

impl Volume {
    /// A file of which something was flushed is changed again: by then the journal is taken to be on the disk, which it is
    /// after some seconds anyway. Else there would be two states of the file that the disk may have.
    fn commit_flushed(&mut self, ino: Ino) -> io::Result<()> {
        let flushed = self.node(ino)?.contents.as_ref().and_then(Contents::flushed);
        flushed.into_iter().for_each(|at| self.commit(at));
        Ok(())
    }

    /// The same before a file that waits for one length gets another.
    fn commit_pending(&mut self, ino: Ino) -> io::Result<()> {
        let pending = self.node(ino)?.contents.as_ref().and_then(Contents::last_pending);
        pending.filter(|_| self.model == Model::Ext4Ordered).into_iter().for_each(|at| self.commit(at));
        Ok(())
    }
}

impl Node {
    /// What the disk has of the file; noted from now on, if it was not.
    pub(super) fn contents(&mut self) -> io::Result<&mut Contents> {
        let length = fstat(&*self.file)?.st_size as u64;
        Ok(self.contents.get_or_insert_with(|| Contents::synced(length)))
    }
}

/// The bytes of a range, as far as the file has them.
fn read(file: &File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], range.start + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
