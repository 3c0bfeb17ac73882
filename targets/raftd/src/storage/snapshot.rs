//! Snapshots on disk: one file each, written beside, made durable, then renamed.
//!
//! A file is: eight magic bytes; the format's version (u32, little-endian); a digest of the member's identity (u32); the
//! CRC-32 of these; then [frames](super::frame): the first says which entries the snapshot stands for, who the members are
//! as of the last of them, and how many bytes the state has; the others are the state. A file that has its name was complete before it got it, so whatever is wrong
//! with it is damage.

use super::StorageError;
use super::disk::{Disk, DiskFile};
use super::frame::{self, Found};
use crate::types::{Configuration, Index, Snapshot, Term};
use serde::{Deserialize, Serialize};
use std::fmt;

const MAGIC: &[u8; 8] = b"raftdsnp";
/// Format 1 did not say who the members are.
const FORMAT: u32 = 2;
const HEADER_LENGTH: usize = 20;
/// The state is cut into frames of this size.
const FRAME_BYTES: usize = 1 << 20;
const PARTIAL: &str = ".partial";

/// What is wrong with a snapshot's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotDamage {
    /// The header does not match its checksum.
    Header,
    /// The file was written by another version of the server.
    Format {
        /// That version's format.
        found: u32,
    },
    /// The file was written by another member.
    Foreign,
    /// What follows the header does not read back.
    Contents {
        /// Where, in bytes.
        offset: u64,
    },
    /// It says that it stands for other entries than its name does.
    Name {
        /// The last of them.
        found: Index,
    },
}

/// The first frame.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    last_index: Index,
    last_term: Term,
    configuration: Configuration,
    bytes: u64,
}

/// The name of the file of the snapshot of all entries up to `last_index`; names sort as the indexes do.
pub(super) fn file(last_index: Index) -> String {
    format!("{last_index:016}.snap")
}

/// The last index of the snapshot in the file of this name, if it is one.
pub(super) fn last_index(file: &str) -> Option<Index> {
    let digits = file.strip_suffix(".snap")?;
    (digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Whether a file of this name is a snapshot that was never completely written.
pub(super) fn is_partial(file: &str) -> bool {
    file.strip_suffix(PARTIAL).is_some_and(|whole| last_index(whole).is_some())
}

/// Makes a snapshot durable under its name.
pub(super) fn write(disk: &impl Disk, identity: u32, snapshot: &Snapshot) -> Result<(), StorageError> {
    prepare(disk, identity, snapshot)?;
    publish(disk, snapshot.last_index)
}

/// Makes what is in a snapshot durable, beside its name: what takes long of writing it.
pub(super) fn prepare(disk: &impl Disk, identity: u32, snapshot: &Snapshot) -> Result<(), StorageError> {
    let partial = format!("{}{PARTIAL}", file(snapshot.last_index));
    let names = disk.list().map_err(StorageError::io("list", "."))?;
    if names.contains(&partial) {
        disk.remove(&partial).map_err(StorageError::io("remove", &partial))?;
    }
    let mut file = disk.create(&partial).map_err(StorageError::io("create", &partial))?;
    let mut offset = 0;
    for bytes in std::iter::once(header(identity)).chain(frames(snapshot)) {
        file.write_at(offset, &bytes).map_err(StorageError::io("write", &partial))?;
        offset += bytes.len() as u64;
    }
    file.sync().map_err(StorageError::io("sync", &partial))
}

/// Gives a snapshot that was prepared its name, for good.
pub(super) fn publish(disk: &impl Disk, last_index: Index) -> Result<(), StorageError> {
    let name = file(last_index);
    let partial = format!("{name}{PARTIAL}");
    disk.rename(&partial, &name).map_err(StorageError::io("rename", &partial))?;
    disk.sync_dir().map_err(StorageError::io("sync the folder of", &name))
}

/// Removes a snapshot that was prepared, and is not needed any more.
pub(super) fn discard(disk: &impl Disk, last_index: Index) -> Result<(), StorageError> {
    let partial = format!("{}{PARTIAL}", file(last_index));
    disk.remove(&partial).map_err(StorageError::io("remove", &partial))
}

/// Reads the snapshot in the file `name`.
pub(super) fn read(disk: &impl Disk, identity: u32, name: &str) -> Result<Snapshot, StorageError> {
    let bytes = disk.read(name).map_err(StorageError::io("read", name))?;
    decode(&bytes, identity)
        .and_then(|snapshot| match snapshot.last_index {
            found if name == file(found) => Ok(snapshot),
            found => Err(SnapshotDamage::Name { found }),
        })
        .map_err(|damage| StorageError::Snapshot { file: name.into(), damage })
}

fn header(identity: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LENGTH);
    bytes.extend(MAGIC);
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(identity.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn frames(snapshot: &Snapshot) -> impl Iterator<Item = Vec<u8>> {
    let Snapshot { last_index, last_term, configuration, state } = snapshot;
    let (configuration, bytes) = (configuration.clone(), state.len() as u64);
    let head = Head { last_index: *last_index, last_term: *last_term, configuration, bytes };
    let head = postcard::to_stdvec(&head).expect("numbers and texts always encode");
    std::iter::once(frame::frame(&head)).chain(state.chunks(FRAME_BYTES).map(frame::frame))
}

fn decode(bytes: &[u8], identity: u32) -> Result<Snapshot, SnapshotDamage> {
    check_header(bytes, identity)?;
    let mut at = HEADER_LENGTH;
    let mut next = || {
        let damage = SnapshotDamage::Contents { offset: at as u64 };
        match frame::read(bytes, at) {
            Found::Frame { payload, end } => {
                at = end;
                Ok(Some((payload, damage)))
            }
            Found::End => Ok(None),
            Found::Torn(_) | Found::Damaged(_) => Err(damage),
        }
    };
    let (head, damage) = next()?.ok_or(SnapshotDamage::Contents { offset: HEADER_LENGTH as u64 })?;
    let head: Head = postcard::from_bytes(head).map_err(|_| damage)?;
    let mut state = Vec::new();
    while let Some((part, _)) = next()? {
        state.extend(part);
    }
    let Head { last_index, last_term, configuration, bytes: length } = head;
    match state.len() as u64 == length {
        true => Ok(Snapshot { last_index, last_term, configuration, state: state.into() }),
        false => Err(SnapshotDamage::Contents { offset: bytes.len() as u64 }),
    }
}

fn check_header(bytes: &[u8], identity: u32) -> Result<(), SnapshotDamage> {
    let Some(found) = bytes.get(..HEADER_LENGTH) else { return Err(SnapshotDamage::Header) };
    let number = |at: usize| u32::from_le_bytes([found[at], found[at + 1], found[at + 2], found[at + 3]]);
    match () {
        () if !found.starts_with(MAGIC) || crc32fast::hash(&found[..16]) != number(16) => Err(SnapshotDamage::Header),
        () if number(8) != FORMAT => Err(SnapshotDamage::Format { found: number(8) }),
        () if number(12) != identity => Err(SnapshotDamage::Foreign),
        () => Ok(()),
    }
}

impl fmt::Display for SnapshotDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotDamage::Header => write!(f, "the header does not match its checksum"),
            SnapshotDamage::Format { found } => {
                write!(f, "it has format {found}, this server writes and reads {FORMAT}; run the version that wrote it")
            }
            SnapshotDamage::Foreign => write!(f, "it was written by another member"),
            SnapshotDamage::Contents { offset } => write!(f, "it does not read back from offset {offset} on"),
            SnapshotDamage::Name { found } => write!(f, "it says that it stands for the entries up to {found}"),
        }
    }
}
