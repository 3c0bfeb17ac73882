//! Records framed for the disk, and the judgement of what is found there.
//!
//! One frame is what one fsync made durable, and the next one is written only after that. So at most the last frame of
//! the last segment can be *torn*: written in part when the power went. Disks write whole sectors of 512 bytes, in any
//! order, and what was never written reads as zeros or lies behind the end of the file. Everything else that does not
//! read back is *damage* to data that may have been acknowledged, and must not be cut off as if it were a torn tail.
//!
//! A frame is: the byte [`START`]; the payload's length (u32, little-endian), its CRC-32, and the CRC-32 of those two;
//! the payload; the byte [`END`]. The first and last byte are not zero and the length can be trusted by itself, so that
//! the two cases can be told apart.

use std::fmt;
use std::ops::Range;

const START: u8 = 0xA7;
const END: u8 = 0x5E;
const HEADER: usize = 13;
const SECTOR: usize = 512;

/// The most bytes that a payload may have.
pub(super) const PAYLOAD_MAX: usize = 256 << 20;

/// What is found at some offset of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole frame, which ends at `end`.
    Frame { payload: &'a [u8], end: usize },
    /// The end of the segment.
    End,
    /// The rest was not completely written.
    Torn(Torn),
    /// The rest was written, but does not read back.
    Damaged(Damage),
}

/// How one sees that a frame was not completely written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Torn {
    /// The file ends within the frame.
    CutShort,
    /// A sector of the frame was never written; it begins (in the frame) at this offset of the file.
    UnwrittenSector {
        /// The offset.
        offset: u64,
    },
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The header does not match its checksum.
    Header,
    /// The length is more than the server ever writes.
    Length,
    /// The payload does not match its checksum, or its last byte is missing.
    Payload,
    /// The payload matches its checksum but makes no sense.
    Meaning,
    /// It looks torn, but whole frames follow, which were written later.
    FollowedByFrames {
        /// Where the next whole frame begins.
        offset: u64,
    },
    /// It looks torn, but the segment is not the last one.
    NotTheLastSegment,
}

/// Frames a payload.
pub(super) fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("the caller keeps payloads below PAYLOAD_MAX");
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + 1);
    bytes.push(START);
    bytes.extend(length.to_le_bytes());
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes[1..9]).to_le_bytes());
    bytes.extend(payload);
    bytes.push(END);
    bytes
}

/// Judges what lies at `start` of a segment's bytes, as if it were the last segment.
pub(super) fn read(bytes: &[u8], start: usize) -> Found<'_> {
    if start == bytes.len() {
        return Found::End;
    }
    let Some(header) = Header::at(bytes, start) else { return without_header(bytes, start) };
    if header.length > PAYLOAD_MAX {
        return Found::Damaged(Damage::Length);
    }
    let end = start + HEADER + header.length + 1;
    if end > bytes.len() {
        return Found::Torn(Torn::CutShort);
    }
    let payload = &bytes[start + HEADER..end - 1];
    if bytes[end - 1] == END && crc32fast::hash(payload) == header.checksum {
        return Found::Frame { payload, end };
    }
    match unwritten_sector(bytes, start..end) {
        // Its length is certain, so nothing may follow.
        Some(offset) if end == bytes.len() => Found::Torn(Torn::UnwrittenSector { offset }),
        Some(_) | None => Found::Damaged(Damage::Payload),
    }
}

/// Judges a frame whose header is missing or does not read back.
fn without_header(bytes: &[u8], start: usize) -> Found<'_> {
    let torn = match unwritten_sector(bytes, start..bytes.len().min(start + HEADER)) {
        Some(offset) => Torn::UnwrittenSector { offset },
        None if bytes.len() - start < HEADER && bytes[start] == START => Torn::CutShort,
        None => return Found::Damaged(Damage::Header),
    };
    match next_frame(bytes, start + 1) {
        Some(next) => Found::Damaged(Damage::FollowedByFrames { offset: next as u64 }),
        None => Found::Torn(torn),
    }
}

struct Header {
    length: usize,
    checksum: u32,
}

impl Header {
    fn at(bytes: &[u8], start: usize) -> Option<Header> {
        let header = bytes.get(start..start + HEADER)?;
        let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let intact = header[0] == START && crc32fast::hash(&header[1..9]) == number(9);
        intact.then(|| Header { length: number(1) as usize, checksum: number(5) })
    }
}

/// The first whole frame at or after `from`.
fn next_frame(bytes: &[u8], from: usize) -> Option<usize> {
    let starts = (from..bytes.len()).filter(|&at| bytes[at] == START && Header::at(bytes, at).is_some());
    starts.into_iter().find(|&at| matches!(read(bytes, at), Found::Frame { .. }))
}

/// The first of the sectors that `range` touches whose part from the start of the frame on is all zeros.
fn unwritten_sector(bytes: &[u8], range: Range<usize>) -> Option<u64> {
    let mut at = range.start;
    while at < range.end {
        let sector_end = (at / SECTOR + 1) * SECTOR;
        if bytes[at..sector_end.min(bytes.len())].iter().all(|&byte| byte == 0) {
            return Some(at as u64);
        }
        at = sector_end;
    }
    None
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Torn::CutShort => write!(f, "the file ends within the record"),
            Torn::UnwrittenSector { offset } => write!(f, "the sector at {offset} was never written"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Header => write!(f, "the record's header does not match its checksum"),
            Damage::Length => write!(f, "the record claims an impossible length"),
            Damage::Payload => write!(f, "the record does not match its checksum"),
            Damage::Meaning => write!(f, "the record matches its checksum but cannot be decoded"),
            Damage::FollowedByFrames { offset } => {
                write!(f, "the record is incomplete, yet a later one stands at {offset}")
            }
            Damage::NotTheLastSegment => write!(f, "the record is incomplete, yet a later segment exists"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two frames, the first of which leaves the second at an odd place within a sector.
    fn two(first: usize, second: usize) -> (Vec<u8>, usize) {
        let mut bytes = frame(&vec![1; first]);
        let start = bytes.len();
        bytes.extend(frame(&vec![2; second]));
        (bytes, start)
    }

    #[test]
    fn whole_frames_read_back() {
        let (bytes, start) = two(0, 700);
        assert_eq!(read(&bytes, 0), Found::Frame { payload: &[], end: start });
        assert_eq!(read(&bytes, start), Found::Frame { payload: &[2; 700], end: bytes.len() });
        assert_eq!(read(&bytes, bytes.len()), Found::End);
    }

    #[test]
    fn a_file_that_ends_within_a_frame_is_torn() {
        let (bytes, start) = two(30, 700);
        for length in start + 1..bytes.len() {
            assert_eq!(read(&bytes[..length], start), Found::Torn(Torn::CutShort), "{length}");
        }
    }

    #[test]
    fn any_flipped_bit_is_damage() {
        let (bytes, start) = two(30, 700);
        for bit in start * 8..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(read(&flipped, start), Found::Damaged(_)), "bit {bit}");
        }
    }

    #[test]
    fn a_zeroed_sector_of_the_last_frame_is_torn_wherever_the_frame_begins() {
        for first in 0..SECTOR {
            let (bytes, start) = two(first, 1500);
            let mut at = start;
            while at < bytes.len() {
                let end = ((at / SECTOR + 1) * SECTOR).min(bytes.len());
                let mut zeroed = bytes.clone();
                zeroed[at..end].fill(0);
                let torn = Found::Torn(Torn::UnwrittenSector { offset: at as u64 });
                assert_eq!(read(&zeroed, start), torn, "first {first}, sector at {at}");
                at = end;
            }
        }
    }

    #[test]
    fn a_zeroed_sector_before_another_frame_is_damage() {
        let (bytes, start) = two(1500, 40);
        for at in (0..start).step_by(SECTOR) {
            let mut zeroed = bytes.clone();
            zeroed[at..(at + SECTOR).min(start)].fill(0);
            assert!(matches!(read(&zeroed, 0), Found::Damaged(_)), "sector at {at}");
        }
    }

    #[test]
    fn a_length_that_was_never_written_is_damage() {
        let mut bytes = frame(&[3; 20]);
        bytes[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[1..9]);
        bytes[9..13].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(read(&bytes, 0), Found::Damaged(Damage::Length));
    }
}
