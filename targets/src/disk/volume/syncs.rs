//! Syncs: what they put on the disk, in two halves with the waiting between.

use super::Volume;
use crate::disk::contents::Syncing;
use crate::disk::{Ino, Model};
use nix::errno::Errno;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// A sync that has begun.
pub(in crate::disk) struct Sync {
    ino: Ino,
    cuts: u64,
    /// The place of the last change when it began: it says nothing about later ones.
    at: u64,
    /// None for a folder, and where nothing was written.
    contents: Option<Syncing>,
    /// What is synced.
    pub file: Arc<File>,
}

impl Volume {
    /// Begins a sync of a file or folder; what is written until [`Volume::end_sync`] need not be part of it.
    pub(in crate::disk) fn begin_sync(&self, ino: Ino) -> io::Result<Sync> {
        let (node, at) = (self.node(ino)?, self.names.at());
        let length = node.file.metadata()?.len();
        let contents = node.contents.as_ref().map(|contents| contents.begin_sync(length, at));
        Ok(Sync { ino, cuts: self.cuts, at, contents, file: node.file.clone() })
    }

    /// The sync has succeeded.
    ///
    /// # Errors
    /// When the power went meanwhile.
    pub(in crate::disk) fn end_sync(&mut self, sync: &Sync) -> io::Result<()> {
        if sync.cuts != self.cuts {
            return Err(Errno::EIO.into());
        }
        // The last change that has to do with it: under ext4 this one is committed at least.
        let mut last = self.names.last_of(sync.ino);
        let node = self.node_mut(sync.ino)?;
        let is_folder = node.is_folder;
        let mut is_written = false;
        if let (Some(contents), Some(syncing)) = (&mut node.contents, &sync.contents) {
            last = last.max(contents.last_pending());
            is_written = syncing.is_needed;
            contents.end_sync(syncing, node.file.metadata()?.len());
        }
        match self.model {
            Model::Ext4Ordered if is_written => self.commit(sync.at),
            Model::Ext4Ordered => self.commit(last.unwrap_or(0).min(sync.at)),
            Model::Posix if is_folder => {
                let released = self.names.sync_folder(sync.ino, sync.at);
                self.release(released);
            }
            Model::Posix => {}
        }
        Ok(())
    }

    /// The sync has failed: what it was to write is written by no later one either.
    pub(in crate::disk) fn fail_sync(&mut self, sync: &Sync) {
        let node = self.nodes.get_mut(&sync.ino).filter(|_| sync.cuts == self.cuts);
        if let (Some(contents), Some(syncing)) = (node.and_then(|node| node.contents.as_mut()), &sync.contents) {
            contents.fail_sync(syncing);
        }
    }

    /// The journal is on the disk up to and with the change `through`.
    pub(super) fn commit(&mut self, through: u64) {
        let contents = self.nodes.values_mut().filter_map(|node| node.contents.as_mut());
        contents.filter(|contents| contents.has_pending()).for_each(|contents| contents.commit(through));
        let released = self.names.commit(through);
        self.release(released);
    }
}
