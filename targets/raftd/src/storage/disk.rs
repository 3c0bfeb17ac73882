//! What storage asks of a disk: a flat folder of files, and when their contents are safe.
//!
//! Everything else in [`storage`](super) is written against these two traits, so that tests and simulations can put a
//! disk below it that tears, flips and fails.

use std::io;

/// A folder of files; clones are the same folder.
pub trait Disk: Clone + Send + 'static {
    /// An open file.
    type File: DiskFile;

    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// The whole contents of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Makes an empty file; it is an error if there is one of that name.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name, in place of the file that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all files created, renamed and removed so far survive a power cut.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: Send + 'static {
    /// Writes all of `bytes` at `offset`. After an error any part of them may be there.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to `length` bytes.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Makes the contents survive a power cut. After an error nobody knows what would, and asking again tells nothing:
    /// the system may have forgotten what it failed to write.
    fn sync(&mut self) -> io::Result<()>;
}
