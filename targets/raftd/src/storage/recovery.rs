//! What is found in a member's folder, and what it amounts to. Nothing is changed here but by [`Last::settle`].

use super::StorageError;
use super::disk::{Disk, DiskFile};
use super::frame::{self, Damage};
use super::replay::{Line, Mark, Recovered, Repair, Replay};
use super::segment::{self, HEADER_LENGTH, Segment, SegmentDamage};
use super::snapshot;
use crate::types::{Index, Snapshot, Term};
use std::collections::VecDeque;

/// A segment that is written to no more.
#[derive(Debug)]
pub(super) struct Closed {
    pub number: u64,
    /// The highest entry in it that is not void; a snapshot that reaches it makes the segment dispensable.
    pub highest: Index,
}

/// What was found.
pub(super) struct Found {
    /// The last segment that has a header.
    pub last: Last,
    /// The segments before it.
    pub closed: VecDeque<Closed>,
    /// Files that are of no use.
    pub leftovers: Vec<String>,
    /// The last entry of the segments, or the one that the log begins behind.
    pub end: (Index, Term),
    /// The last entry that the snapshot stands for.
    pub snapshot: Option<Index>,
    /// The log does not know yet that it begins behind the snapshot.
    pub begins_anew: bool,
}

/// The last segment, as far as it is good.
pub(super) struct Last {
    pub segment: Segment,
    pub length: u64,
    pub highest: Index,
    torn: bool,
    /// The last frame and where it begins.
    frame: Option<(u64, Vec<u8>)>,
}

/// What is read of the segments.
#[derive(Default)]
struct Reading {
    replay: Replay,
    recovered: Recovered,
    closed: VecDeque<Closed>,
}

/// Reads the snapshot and all segments.
pub(super) fn recover(disk: &impl Disk, identity: u32) -> Result<(Found, Recovered), StorageError> {
    let names = disk.list().map_err(StorageError::io("list", "."))?;
    let snapshot = names.iter().filter_map(|name| snapshot::last_index(name)).max();
    let snapshot = snapshot.map(|index| snapshot::read(disk, identity, &snapshot::file(index))).transpose()?;
    let segments = contiguous(&names, snapshot.is_some())?;
    let mut reading = Reading::default();
    let (last, unborn) = reading.read_segments(disk, identity, &segments, &names)?;
    let Reading { mut replay, mut recovered, closed } = reading;

    let leftovers = leftovers(&names, snapshot.as_ref(), segments[0]);
    recovered.repairs.extend(leftovers.iter().map(|file| match snapshot::is_partial(file) {
        true => Repair::PartialSnapshot { file: file.clone() },
        false => Repair::Dispensable { file: file.clone() },
    }));
    let reach = snapshot.as_ref().map_or(0, |snapshot| snapshot.last_index);
    if replay.start.0 > reach {
        return Err(StorageError::NoSnapshot { start: replay.start.0 });
    }
    let ended = replay.end();
    let begins_anew = snapshot.as_ref().is_some_and(|snapshot| !replay.behind(snapshot));
    if begins_anew {
        recovered.repairs.push(Repair::LogBeforeSnapshot { last: ended.0, snapshot: reach });
    }
    let end = if begins_anew { ended } else { replay.end() };
    let snapshot_index = snapshot.as_ref().map(|snapshot| snapshot.last_index);
    recovered.hard_state = replay.hard_state;
    recovered.snapshot = snapshot;
    recovered.entries = replay.entries;
    let leftovers = leftovers.into_iter().chain(unborn).collect();
    Ok((Found { last, closed, leftovers, end, snapshot: snapshot_index, begins_anew }, recovered))
}

/// The numbers of the segments that make up the log: up to the highest one, without a gap. They are removed oldest first,
/// but a power cut may keep any of the removals from the disk; so behind a snapshot those before a gap count for nothing.
fn contiguous(names: &[String], has_snapshot: bool) -> Result<Vec<u64>, StorageError> {
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    numbers.sort_unstable();
    let highest = numbers.last().copied().unwrap_or(0);
    let first = (1..=highest).rev().take_while(|number| numbers.binary_search(number).is_ok()).last();
    match first {
        Some(first) if first == 1 || has_snapshot => Ok((first..=highest).collect()),
        Some(first) => Err(StorageError::Missing { file: segment::file(first - 1) }),
        None => Err(StorageError::Missing { file: segment::file(1) }),
    }
}

/// What is of no use: snapshots that are not complete, or older than the newest, and segments before those of the log.
fn leftovers(names: &[String], newest: Option<&Snapshot>, first_segment: u64) -> Vec<String> {
    let is_leftover = |name: &&String| {
        snapshot::is_partial(name)
            || snapshot::last_index(name).is_some_and(|index| newest.is_some_and(|newest| index < newest.last_index))
            || segment::number(name).is_some_and(|number| number < first_segment)
    };
    names.iter().filter(is_leftover).cloned().collect()
}

impl Reading {
    /// Reads the segments: the last one that has a header, and the name of one after it that has none yet.
    fn read_segments(
        &mut self,
        disk: &impl Disk,
        identity: u32,
        numbers: &[u64],
        names: &[String],
    ) -> Result<(Last, Option<String>), StorageError> {
        let highest = numbers.last().copied();
        let mut last: Option<Last> = None;
        for &number in numbers {
            let file = segment::file(number);
            debug_assert!(names.contains(&file), "the caller took the numbers from the names");
            let bytes = disk.read(&file).map_err(StorageError::io("read", &file))?;
            let segment = match &last {
                Some(last) => last.segment.next(last.length),
                None if number == 1 => Segment::first(identity),
                None => Segment::leftmost(number, identity, &bytes),
            };
            match (segment.judge(&bytes), last.take()) {
                (segment::Found::Expected, before) => {
                    let before = before.map(|last| Closed { number: last.segment.number, highest: last.highest });
                    self.closed.extend(before);
                    last = Some(self.read_segment(segment, &bytes, Some(number) == highest)?);
                    self.recovered.segments += 1;
                }
                (segment::Found::Torn, Some(last)) if Some(number) == highest => {
                    self.recovered.repairs.push(Repair::Segment { file: file.clone() });
                    return Ok((last, Some(file)));
                }
                (segment::Found::Torn, _) => {
                    return Err(StorageError::Segment { file, damage: SegmentDamage::Header });
                }
                (segment::Found::Damaged(damage), _) => return Err(StorageError::Segment { file, damage }),
            }
        }
        Ok((last.ok_or_else(|| StorageError::Missing { file: segment::file(1) })?, None))
    }

    /// Replays one segment. Only the very last one may end in a torn frame.
    fn read_segment(&mut self, segment: Segment, bytes: &[u8], is_last: bool) -> Result<Last, StorageError> {
        let file = segment.file();
        let damaged =
            |offset: usize, damage| StorageError::Record { file: file.clone(), offset: offset as u64, damage };
        let (mut at, mut highest) = (HEADER_LENGTH, 0);
        let (mut last_frame, mut torn) = (None, false);
        loop {
            match frame::read(bytes, at) {
                frame::Found::Frame { payload, end } => {
                    self.read_frame(payload, &file, at as u64, &mut highest)?;
                    last_frame = Some(at..end);
                    at = end;
                }
                frame::Found::Torn(_) if !is_last => return Err(damaged(at, Damage::NotTheLastSegment)),
                frame::Found::Torn(how) => {
                    let (offset, cut) = (at as u64, (bytes.len() - at) as u64);
                    self.recovered.repairs.push(Repair::Tail { file: file.clone(), offset, bytes: cut, torn: how });
                    torn = true;
                    break;
                }
                frame::Found::Damaged(damage) => return Err(damaged(at, damage)),
                frame::Found::End => break,
            }
        }
        self.recovered.bytes += at as u64;
        let frame = last_frame.map(|range| (range.start as u64, bytes[range].to_vec()));
        Ok(Last { segment, length: at as u64, highest, torn, frame })
    }

    /// Replays the lines of one frame.
    fn read_frame(
        &mut self,
        mut payload: &[u8],
        file: &str,
        offset: u64,
        highest: &mut Index,
    ) -> Result<(), StorageError> {
        while !payload.is_empty() {
            let (line, rest) = postcard::take_from_bytes::<Line>(payload).map_err(|_| StorageError::Record {
                file: file.into(),
                offset,
                damage: Damage::Meaning,
            })?;
            payload = rest;
            if let Some(Mark::Begins(..)) = line.mark {
                *highest = 0;
                self.closed.iter_mut().for_each(|closed| closed.highest = 0);
            }
            *highest = line.entries.last().map_or(0, |last| last.index).max(*highest);
            self.replay.replay(line).map_err(|contradiction| StorageError::Contradiction {
                file: file.into(),
                offset,
                contradiction,
            })?;
        }
        Ok(())
    }
}

impl Last {
    /// Whether anything stands behind the header.
    pub(super) fn has_frames(&self) -> bool {
        self.frame.is_some()
    }

    /// Opens the segment and makes durable what was read from it, since a member will speak of it.
    ///
    /// The last frame may have been read from memory only: if the server was killed before its sync ended, or if that
    /// sync failed, when the system counts the pages as clean although they never reached the disk. So it is written
    /// once more, byte for byte in place, which makes the sync a real one. All frames before it were synced. The same
    /// holds for the header, as long as there is no frame.
    pub(super) fn settle<D: Disk>(&self, disk: &D) -> Result<D::File, StorageError> {
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
