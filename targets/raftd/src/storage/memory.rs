//! A [`Disk`] in memory that fails and loses power as real ones do: for tests and simulations.

use super::disk::{Disk, DiskFile};
use rand::{Rng, RngExt};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// A disk in memory; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    goes_on: Arc<Condvar>,
}

/// A file of a [`Memory`].
#[derive(Debug)]
pub struct MemoryFile {
    disk: Memory,
    inode: usize,
}

#[derive(Debug, Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes and syncs so far.
    operations: usize,
    /// From this operation on the disk fails.
    fails_at: Option<usize>,
    /// Syncs of files whose names end so wait.
    held_back: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// What a sync has to write.
    dirty: Vec<Range<usize>>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy that has a life of its own.
    pub fn fork(&self) -> Memory {
        Memory { state: Arc::new(Mutex::new(self.state().clone())), goes_on: Arc::default() }
    }

    /// Lets operation `number` (from 0) and all after it fail.
    pub fn fail_from(&self, number: usize) {
        self.state().fails_at = Some(number);
    }

    /// Lets every operation hang until what this returns is dropped.
    pub fn hang(&self) -> impl Drop {
        self.state()
    }

    /// Lets every sync of a file whose name ends so wait until [`let_go`](Self::let_go).
    pub fn hold_back(&self, ending: &str) {
        self.state().held_back = Some(ending.into());
    }

    /// Lets all syncs go on.
    pub fn let_go(&self) {
        self.state().held_back = None;
        self.goes_on.notify_all();
    }

    /// How many changes and syncs there were so far.
    pub fn operations(&self) -> usize {
        self.state().operations
    }

    /// Changes the contents of a file behind the server's back.
    ///
    /// # Panics
    ///
    /// If there is no file of that name.
    pub fn meddle(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let inode = state.names[name];
        change(&mut state.inodes[inode].bytes);
        state.inodes[inode].durable = state.inodes[inode].bytes.clone();
    }

    /// The disk after the process was killed: the system still has all that was written.
    pub fn after_kill(&self) -> Memory {
        let copy = self.fork();
        let mut state = copy.state();
        (state.fails_at, state.held_back) = (None, None);
        drop(state);
        copy
    }

    /// The disk after the power went: of what was not synced, any sectors are there, and any names.
    pub fn after_power_cut(&self, random: &mut impl Rng) -> Memory {
        let copy = self.after_kill();
        let mut state = copy.state();
        state.names = if random.random() { state.names.clone() } else { state.durable_names.clone() };
        state.durable_names = state.names.clone();
        for inode in &mut state.inodes {
            inode.lose_power(random);
        }
        drop(state);
        copy
    }
}

impl State {
    fn count(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.fails_at {
            Some(number) if self.operations > number => Err(io::Error::other("the disk is broken")),
            Some(_) | None => Ok(()),
        }
    }

    fn holds_back(&self, inode: usize) -> bool {
        let Some(ending) = &self.held_back else { return false };
        self.names.iter().any(|(name, of)| *of == inode && name.ends_with(ending.as_str()))
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Inode {
    fn lose_power(&mut self, random: &mut impl Rng) {
        let (least, most) = (self.durable.len().min(self.bytes.len()), self.durable.len().max(self.bytes.len()));
        let mut left = self.durable.clone();
        left.resize(random.random_range(least..=most), 0);
        for start in (0..left.len()).step_by(SECTOR) {
            let end = left.len().min(start + SECTOR).min(self.bytes.len());
            if start < end && random.random() {
                left[start..end].copy_from_slice(&self.bytes[start..end]);
            }
        }
        *self = Inode { bytes: left.clone(), durable: left, dirty: Vec::new() };
    }
}

impl Disk for Memory {
    type File = MemoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.state();
        Ok(state.inodes[state.find(name)?].bytes.clone())
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut state = self.state();
        state.count()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.names.insert(name.into(), inode);
        Ok(MemoryFile { disk: self.clone(), inode })
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let inode = self.state().find(name)?;
        Ok(MemoryFile { disk: self.clone(), inode })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.count()?;
        let inode = state.find(from)?;
        state.names.remove(from);
        state.names.insert(to.into(), inode);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.count()?;
        state.find(name)?;
        state.names.remove(name);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        state.count()?;
        state.durable_names = state.names.clone();
        Ok(())
    }
}

impl DiskFile for MemoryFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let outcome = state.count();
        // A write that fails leaves its first half.
        let bytes = if outcome.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        let contents = &mut state.inodes[self.inode].bytes;
        let end = offset as usize + bytes.len();
        contents.resize(contents.len().max(end), 0);
        contents[offset as usize..end].copy_from_slice(bytes);
        state.inodes[self.inode].dirty.push(offset as usize..end);
        outcome
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.count()?;
        state.inodes[self.inode].bytes.truncate(length as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let state = self.disk.state();
        let waits = |state: &mut State| state.holds_back(self.inode);
        let mut state = self.disk.goes_on.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        let outcome = state.count();
        let inode = &mut state.inodes[self.inode];
        // After a failure the system takes for clean what it failed to write, so that the next sync succeeds without
        // writing it, as Linux does.
        let dirty = std::mem::take(&mut inode.dirty);
        if outcome.is_ok() {
            inode.durable.resize(inode.bytes.len(), 0);
            for range in dirty {
                let range = range.start..range.end.min(inode.bytes.len());
                inode.durable[range.clone()].copy_from_slice(&inode.bytes[range]);
            }
        }
        outcome
    }
}
