//! The header of a segment, and its file name.
//!
//! A header is: eight magic bytes; the format's version (u32, little-endian); the segment's number (u64); a digest of
//! the member's identity (u32), so that a segment of another member is not taken for one of this; and the CRC-32 of all
//! that. It is durable before the first record is written behind it.

use std::fmt;

const MAGIC: &[u8; 8] = b"raftdwal";
/// Format 1 knew no snapshots, format 2 no changes of the members.
const FORMAT: u32 = 3;

/// The length of a header in bytes.
pub(super) const HEADER_LENGTH: usize = 36;

/// What is wrong with a segment as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentDamage {
    /// The header does not match its checksum.
    Header,
    /// The header was written by another version of the server.
    Format {
        /// That version's format.
        found: u32,
    },
    /// The header bears another number than the file's name.
    Number {
        /// The number in the header.
        found: u64,
    },
    /// The segment was written by another member.
    Foreign,
    /// The segment before it had another length when this one was begun.
    PreviousLength {
        /// That length in bytes.
        found: u64,
    },
}

/// Where one segment lives and to whom it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Counts the segments from 1.
    pub number: u64,
    /// The member's identity as a checksum.
    pub identity: u32,
    /// The length in bytes of the segment before it; 0 for the first one.
    pub previous_length: u64,
}

/// What the header of an existing segment says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is the one that was expected.
    Expected,
    /// It was never completely written, and nothing stands behind it.
    Torn,
    /// It is something else.
    Damaged(SegmentDamage),
}

impl Segment {
    /// The first segment of a member.
    pub(super) fn first(identity: u32) -> Segment {
        Segment { number: 1, identity, previous_length: 0 }
    }

    /// Segment `number`, the first that is left when those before it are gone: only its own header, which these bytes begin
    /// with, says how long the one before it was.
    pub(super) fn leftmost(number: u64, identity: u32, bytes: &[u8]) -> Segment {
        let previous_length = if bytes.len() < HEADER_LENGTH { 0 } else { number64(bytes, 24) };
        Segment { number, identity, previous_length }
    }

    /// The segment after this one, which has `length` bytes.
    pub(super) fn next(&self, length: u64) -> Segment {
        Segment { number: self.number + 1, identity: self.identity, previous_length: length }
    }

    /// The name of the file.
    pub(super) fn file(&self) -> String {
        file(self.number)
    }

    /// The header as it is written.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.identity.to_le_bytes());
        bytes.extend(self.previous_length.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Compares the beginning of a segment's bytes with the header that it must have.
    pub(super) fn judge(&self, bytes: &[u8]) -> Found {
        let expected = self.header();
        if bytes.starts_with(&expected) {
            return Found::Expected;
        }
        if expected.starts_with(bytes) || (bytes.len() <= HEADER_LENGTH && bytes.iter().all(|&byte| byte == 0)) {
            return Found::Torn;
        }
        Found::Damaged(self.difference(bytes))
    }

    fn difference(&self, bytes: &[u8]) -> SegmentDamage {
        if bytes.len() < HEADER_LENGTH
            || !bytes.starts_with(MAGIC)
            || crc32fast::hash(&bytes[..HEADER_LENGTH - 4]) != number32(bytes, HEADER_LENGTH - 4)
        {
            return SegmentDamage::Header;
        }
        let (format, number, identity) = (number32(bytes, 8), number64(bytes, 12), number32(bytes, 20));
        match () {
            () if format != FORMAT => SegmentDamage::Format { found: format },
            () if identity != self.identity => SegmentDamage::Foreign,
            () if number != self.number => SegmentDamage::Number { found: number },
            () => SegmentDamage::PreviousLength { found: number64(bytes, 24) },
        }
    }
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn number64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The name of the file of segment `number`; names sort as the numbers do.
pub(super) fn file(number: u64) -> String {
    format!("{number:016}.wal")
}

/// The number of the segment in the file of this name, if it is one.
pub(super) fn number(file: &str) -> Option<u64> {
    let digits = file.strip_suffix(".wal")?;
    (digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

impl fmt::Display for SegmentDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SegmentDamage::Header => write!(f, "the header does not match its checksum"),
            SegmentDamage::Format { found } => {
                write!(f, "it has format {found}, this server writes and reads {FORMAT}; run the version that wrote it")
            }
            SegmentDamage::Number { found } => write!(f, "its header says that it is segment {found}"),
            SegmentDamage::PreviousLength { found } => {
                write!(f, "the segment before it should have {found} bytes, and has not")
            }
            SegmentDamage::Foreign => write!(f, "it was written by another member"),
        }
    }
}
