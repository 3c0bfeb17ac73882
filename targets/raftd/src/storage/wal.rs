//! The write-ahead log: segments of framed records in a folder that belongs to one member.

use super::StorageError;
use super::disk::{Disk, DiskFile};
use super::frame::{self, Damage, Found, PAYLOAD_MAX};
use super::identity::{self, Identity};
use super::replay::{Record, Recovered, Repair};
use super::segment::{self, HEADER_LENGTH, Segment, SegmentDamage};
use crate::types::Payload;

/// A new segment begins when the last one has this many bytes.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// Frames are filled up to about this many bytes; what is saved at once and is larger takes several.
const FRAME_BYTES: usize = 1 << 20;

/// The log, open for writing.
#[derive(Debug)]
pub struct Wal<D: Disk> {
    disk: D,
    /// The last segment, which is written to.
    segment: Segment,
    file: D::File,
    /// The length of the last segment.
    length: u64,
    segment_bytes: u64,
    stopped: bool,
}

impl<D: Disk> Wal<D> {
    /// Opens the log of `identity`, made if the folder is empty, and reads all of it. Segments are closed at
    /// `segment_bytes`; [`SEGMENT_BYTES`] is the usual choice.
    ///
    /// A write that a power cut left half done is removed and reported. Anything else that is wrong is an error, and
    /// leaves the disk as it is.
    pub fn open(disk: D, identity: &Identity, segment_bytes: u64) -> Result<(Wal<D>, Recovered), StorageError> {
        let names = disk.list().map_err(StorageError::io("list", "."))?;
        match identity::read(&disk, &names)? {
            Some(found) if found == *identity => {}
            Some(found) => {
                return Err(StorageError::Foreign { found: found.into(), expected: identity.clone().into() });
            }
            None => create(&disk, &names, identity)?,
        }
        let (Segments { last, unborn }, recovered) = recover(&disk, identity.digest())?;
        if let Some(unborn) = unborn {
            let name = unborn.file();
            disk.remove(&name).map_err(StorageError::io("remove", &name))?;
        }
        let file = last.settle(&disk)?;
        let wal = Wal { disk, segment: last.segment, file, length: last.length, segment_bytes, stopped: false };
        Ok((wal, recovered))
    }

    /// Makes `records` durable, in this order; a power cut meanwhile leaves any prefix of them. The records of one call
    /// share one sync of the disk, unless they are many megabytes.
    pub fn save(&mut self, records: &[Record]) -> Result<(), StorageError> {
        if self.stopped {
            return Err(StorageError::Stopped);
        }
        let saved = payloads(records)?.iter().try_for_each(|payload| self.write(payload));
        self.stopped = saved.is_err();
        saved
    }

    /// Writes one frame and waits until it is durable: the next one may be written only then (see [`frame`]).
    fn write(&mut self, payload: &[u8]) -> Result<(), StorageError> {
        if self.length >= self.segment_bytes {
            let next = self.segment.next(self.length);
            self.file = begin(&self.disk, next)?;
            self.segment = next;
            self.length = HEADER_LENGTH as u64;
        }
        let bytes = frame::frame(payload);
        let name = self.segment.file();
        self.file.write_at(self.length, &bytes).map_err(StorageError::io("write", &name))?;
        self.file.sync().map_err(StorageError::io("sync", &name))?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// The payloads of the frames for `records`.
fn payloads(records: &[Record]) -> Result<Vec<Vec<u8>>, StorageError> {
    let (mut payloads, mut payload) = (Vec::new(), Vec::new());
    for record in records.iter().flat_map(split) {
        payload = postcard::to_extend(&record, payload).expect("records are numbers and bytes, which always encode");
        if payload.len() > PAYLOAD_MAX {
            return Err(StorageError::TooLarge { bytes: payload.len() });
        }
        if payload.len() >= FRAME_BYTES {
            payloads.push(std::mem::take(&mut payload));
        }
    }
    payloads.extend((!payload.is_empty()).then_some(payload));
    Ok(payloads)
}

/// A record as several that mean the same, none much larger than a frame should be.
fn split(record: &Record) -> Vec<Record> {
    let mut parts = vec![Record { hard_state: record.hard_state, entries: Vec::new() }];
    let mut bytes = 0;
    for entry in &record.entries {
        if bytes >= FRAME_BYTES {
            parts.push(Record::default());
            bytes = 0;
        }
        bytes += match &entry.payload {
            Payload::Noop => 0,
            Payload::Command { bytes, .. } => bytes.len(),
        };
        parts.last_mut().expect("one part at least").entries.push(entry.clone());
    }
    parts
}

/// Begins a segment: durable, header and name, before anything is written to it.
fn begin<D: Disk>(disk: &D, segment: Segment) -> Result<D::File, StorageError> {
    let name = segment.file();
    let mut file = disk.create(&name).map_err(StorageError::io("create", &name))?;
    file.write_at(0, &segment.header()).map_err(StorageError::io("write", &name))?;
    file.sync().map_err(StorageError::io("sync", &name))?;
    disk.sync_dir().map_err(StorageError::io("sync the folder of", &name))?;
    Ok(file)
}

/// Makes an empty log. The file that names the owner comes last: where it stands, a missing segment is a loss.
fn create(disk: &impl Disk, names: &[String], identity: &Identity) -> Result<(), StorageError> {
    let first = Segment::first(identity.digest());
    let mut segments = names.iter().filter_map(|name| segment::number(name));
    match (segments.next(), segments.next()) {
        (None, _) => {}
        // A crash while the folder was being set up.
        (Some(1), None) => {
            let name = first.file();
            if disk.read(&name).map_err(StorageError::io("read", &name))?.len() > HEADER_LENGTH {
                return Err(StorageError::NoIdentity);
            }
            disk.remove(&name).map_err(StorageError::io("remove", &name))?;
        }
        (Some(_), _) => return Err(StorageError::NoIdentity),
    }
    begin(disk, first)?;
    identity::write(disk, names, identity)
}

/// What was found in the files of the log.
struct Segments {
    /// The last segment that has a header.
    last: Last,
    /// A segment after it that has none yet.
    unborn: Option<Segment>,
}

/// The last segment, as far as it is good.
struct Last {
    segment: Segment,
    length: u64,
    torn: bool,
    /// The last frame and where it begins.
    frame: Option<(u64, Vec<u8>)>,
}

/// Reads all segments, changing nothing.
fn recover(disk: &impl Disk, identity: u32) -> Result<(Segments, Recovered), StorageError> {
    let names = disk.list().map_err(StorageError::io("list", "."))?;
    let highest = names.iter().filter_map(|name| segment::number(name)).max().unwrap_or(1);
    let mut recovered = Recovered::default();
    let mut last: Option<Last> = None;
    for number in 1..=highest {
        let segment = last.as_ref().map_or(Segment::first(identity), |last| last.segment.next(last.length));
        let file = segment.file();
        if !names.contains(&file) {
            return Err(StorageError::Missing { file });
        }
        let bytes = disk.read(&file).map_err(StorageError::io("read", &file))?;
        match (segment.judge(&bytes), last) {
            (segment::Found::Expected, _) => {
                last = Some(read_segment(segment, &bytes, number == highest, &mut recovered)?);
                recovered.segments += 1;
            }
            (segment::Found::Torn, Some(last)) if number == highest => {
                recovered.repairs.push(Repair::Segment { file });
                return Ok((Segments { last, unborn: Some(segment) }, recovered));
            }
            (segment::Found::Torn, _) => {
                return Err(StorageError::Segment { file, damage: SegmentDamage::Header });
            }
            (segment::Found::Damaged(damage), _) => return Err(StorageError::Segment { file, damage }),
        }
    }
    let last = last.ok_or_else(|| StorageError::Missing { file: segment::file(1) })?;
    Ok((Segments { last, unborn: None }, recovered))
}

/// Replays one segment. Only the very last one may end in a torn frame.
fn read_segment(
    segment: Segment,
    bytes: &[u8],
    is_last: bool,
    recovered: &mut Recovered,
) -> Result<Last, StorageError> {
    let file = segment.file();
    let damaged = |offset: usize, damage| StorageError::Record { file: file.clone(), offset: offset as u64, damage };
    let mut at = HEADER_LENGTH;
    let (mut last_frame, mut torn) = (None, false);
    loop {
        match frame::read(bytes, at) {
            Found::Frame { payload, end } => {
                replay_frame(payload, &file, at as u64, recovered)?;
                last_frame = Some(at..end);
                at = end;
            }
            Found::Torn(_) if !is_last => return Err(damaged(at, Damage::NotTheLastSegment)),
            Found::Torn(how) => {
                let (offset, cut) = (at as u64, (bytes.len() - at) as u64);
                recovered.repairs.push(Repair::Tail { file: file.clone(), offset, bytes: cut, torn: how });
                torn = true;
                break;
            }
            Found::Damaged(damage) => return Err(damaged(at, damage)),
            Found::End => break,
        }
    }
    recovered.bytes += at as u64;
    let frame = last_frame.map(|range| (range.start as u64, bytes[range].to_vec()));
    Ok(Last { segment, length: at as u64, torn, frame })
}

/// Replays the records of one frame.
fn replay_frame(mut payload: &[u8], file: &str, offset: u64, recovered: &mut Recovered) -> Result<(), StorageError> {
    while !payload.is_empty() {
        let (record, rest) = postcard::take_from_bytes::<Record>(payload).map_err(|_| StorageError::Record {
            file: file.into(),
            offset,
            damage: Damage::Meaning,
        })?;
        payload = rest;
        recovered.replay(record).map_err(|contradiction| StorageError::Contradiction {
            file: file.into(),
            offset,
            contradiction,
        })?;
    }
    Ok(())
}

impl Last {
    /// Opens the segment and makes durable what was read from it, since a member will speak of it.
    ///
    /// The last frame may have been read from memory only: if the server was killed before its sync ended, or if that
    /// sync failed, when the system counts the pages as clean although they never reached the disk. So it is written
    /// once more, byte for byte in place, which makes the sync a real one. All frames before it were synced. The same
    /// holds for the header, as long as there is no frame.
    fn settle<D: Disk>(&self, disk: &D) -> Result<D::File, StorageError> {
        let name = self.segment.file();
        let mut file = disk.open(&name).map_err(StorageError::io("open", &name))?;
        if self.torn {
            file.truncate(self.length).map_err(StorageError::io("truncate", &name))?;
        }
        file.write_at(0, &self.segment.header()).map_err(StorageError::io("write", &name))?;
        if let Some((offset, bytes)) = &self.frame {
            file.write_at(*offset, bytes).map_err(StorageError::io("write", &name))?;
        }
        file.sync().map_err(StorageError::io("sync", &name))?;
        disk.sync_dir().map_err(StorageError::io("sync the folder of", &name))?;
        Ok(file)
    }
}
