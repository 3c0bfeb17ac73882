//! The write-ahead log: segments of framed records, and a snapshot, in a folder that belongs to one member.

use super::StorageError;
use super::disk::{Disk, DiskFile};
use super::frame::{self, PAYLOAD_MAX};
use super::identity::{self, Identity};
use super::recovery::{self, Closed, Found};
use super::replay::{Line, Mark, Record, Recovered};
use super::segment::{self, HEADER_LENGTH, Segment};
use super::snapshot;
use crate::types::{HardState, Index, Snapshot, Term};
use std::collections::VecDeque;

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
    /// The last segment says where it begins, so that those before it can go.
    is_opened: bool,
    /// The highest entry in the last segment.
    highest: Index,
    /// The segments before it, oldest first.
    closed: VecDeque<Closed>,
    hard_state: HardState,
    /// The last entry, or what the log begins behind.
    end: (Index, Term),
    /// The last entry that the snapshot on disk stands for.
    snapshot: Option<Index>,
    stopped: bool,
}

/// Writes snapshots beside a log, on whatever thread. A leader's snapshot, which the log writes itself, never is of the same
/// entries as one that is taken here: it is installed only if this member has not got so far.
#[derive(Debug)]
pub struct SnapshotDesk<D> {
    disk: D,
    identity: u32,
}

impl<D: Disk> SnapshotDesk<D> {
    /// Makes what is in a snapshot durable. It counts only when the log [adopts](Wal::adopt_snapshot) it; until then a crash
    /// leaves a file that the next start removes.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn prepare(&self, snapshot: &Snapshot) -> Result<(), StorageError> {
        snapshot::prepare(&self.disk, self.identity, snapshot)
    }
}

/// What will be one frame.
#[derive(Default)]
struct Frame {
    payload: Vec<u8>,
    hard_state: Option<HardState>,
    end: Option<(Index, Term)>,
    highest: Index,
    /// Everything before it is void.
    begins_log: bool,
}

impl<D: Disk> Wal<D> {
    /// Opens the log of `identity`, made if the folder is empty, and reads all of it. Segments are closed at
    /// `segment_bytes`; [`SEGMENT_BYTES`] is the usual choice.
    ///
    /// What a crash left half done is put right and reported. Anything else that is wrong is an error, and leaves the disk
    /// as it is.
    pub fn open(disk: D, identity: &Identity, segment_bytes: u64) -> Result<(Wal<D>, Recovered), StorageError> {
        let names = disk.list().map_err(StorageError::io("list", "."))?;
        match identity::read(&disk, &names)? {
            Some(found) if found == *identity => {}
            Some(found) => {
                return Err(StorageError::Foreign { found: found.into(), expected: identity.clone().into() });
            }
            None => create(&disk, &names, identity)?,
        }
        let (found, recovered) = recovery::recover(&disk, identity.digest())?;
        let Found { last, closed, leftovers, end, snapshot, begins_anew } = found;
        for name in leftovers {
            disk.remove(&name).map_err(StorageError::io("remove", &name))?;
        }
        let file = last.settle(&disk)?;
        let mut wal = Wal {
            disk,
            file,
            segment: last.segment,
            length: last.length,
            segment_bytes,
            is_opened: last.has_frames(),
            highest: last.highest,
            closed,
            hard_state: recovered.hard_state,
            end,
            snapshot,
            stopped: false,
        };
        if let Some(snapshot) = recovered.snapshot.as_ref().filter(|_| begins_anew) {
            // Only now, for a segment that this begins says first how the ones before it end.
            let mark = Some(Mark::Begins(snapshot.last_index, snapshot.last_term));
            wal.write_lines([Line { mark, ..Line::default() }])?;
        }
        Ok((wal, recovered))
    }

    /// Makes `records` durable, in this order; a power cut meanwhile leaves any prefix of them. The records of one call
    /// share one sync of the disk, unless they are many megabytes or hold snapshots.
    pub fn save(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.unless_stopped(|wal| wal.save_all(records))
    }

    /// Makes a snapshot durable whose entries the log holds, and drops older snapshots and the segments that hold nothing
    /// else. Does nothing if there is a newer one already.
    pub fn save_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StorageError> {
        if self.snapshot.is_some_and(|newest| newest >= snapshot.last_index) {
            return Ok(());
        }
        let desk = self.snapshot_desk();
        self.unless_stopped(|_| desk.prepare(snapshot))?;
        self.adopt_snapshot(snapshot.last_index)
    }

    /// Where snapshots can be prepared while the log takes entries.
    pub fn snapshot_desk(&self) -> SnapshotDesk<D> {
        SnapshotDesk { disk: self.disk.clone(), identity: self.segment.identity }
    }

    /// Does the rest of [`save_snapshot`](Self::save_snapshot) where the snapshot of the entries up to `last_index` was
    /// [prepared](SnapshotDesk::prepare). If there is a newer one, that of a leader, it is thrown away.
    pub fn adopt_snapshot(&mut self, last_index: Index) -> Result<(), StorageError> {
        self.unless_stopped(|wal| {
            if wal.snapshot.is_some_and(|newest| newest >= last_index) {
                return snapshot::discard(&wal.disk, last_index);
            }
            assert!(last_index <= wal.end.0, "a snapshot of entries that are not on disk yet");
            snapshot::publish(&wal.disk, last_index)?;
            wal.drop_dispensable(last_index)
        })
    }

    fn unless_stopped(&mut self, act: impl FnOnce(&mut Self) -> Result<(), StorageError>) -> Result<(), StorageError> {
        if self.stopped {
            return Err(StorageError::Stopped);
        }
        let outcome = act(self);
        self.stopped = outcome.is_err();
        outcome
    }

    fn save_all(&mut self, records: &[Record]) -> Result<(), StorageError> {
        let mut lines = Vec::new();
        for Record { hard_state, snapshot, entries } in records {
            let Some(snapshot) = snapshot else {
                lines.push(Line { hard_state: *hard_state, mark: None, entries: entries.clone() });
                continue;
            };
            // The term of the snapshot must be known before it is; and only then may the log say that it begins behind it.
            lines.push(Line { hard_state: *hard_state, ..Line::default() });
            self.write_lines(std::mem::take(&mut lines))?;
            snapshot::write(&self.disk, self.segment.identity, snapshot)?;
            let mark = Some(Mark::Begins(snapshot.last_index, snapshot.last_term));
            self.write_lines([Line { hard_state: None, mark, entries: entries.clone() }])?;
            self.drop_dispensable(snapshot.last_index)?;
        }
        self.write_lines(lines)
    }

    fn write_lines(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<(), StorageError> {
        frames(lines)?.into_iter().try_for_each(|frame| self.write(frame))
    }

    /// Writes one frame and waits until it is durable: the next one may be written only then (see [`frame`]). The first
    /// one of a segment begins with what the segments before it amount to, so that they can be dropped.
    fn write(&mut self, frame: Frame) -> Result<(), StorageError> {
        if self.length >= self.segment_bytes && self.is_opened {
            let next = self.segment.next(self.length);
            self.file = begin(&self.disk, next)?;
            self.closed.push_back(Closed { number: self.segment.number, highest: self.highest });
            (self.segment, self.length, self.is_opened, self.highest) = (next, HEADER_LENGTH as u64, false, 0);
        }
        let mut payload = Vec::new();
        if !self.is_opened && self.segment.number > 1 {
            let mark = Some(Mark::Ends(self.end.0, self.end.1));
            add(&Line { hard_state: Some(self.hard_state), mark, entries: Vec::new() }, &mut payload);
        }
        payload.extend(&frame.payload);
        let bytes = frame::frame(&payload);
        let name = self.segment.file();
        self.file.write_at(self.length, &bytes).map_err(StorageError::io("write", &name))?;
        self.file.sync().map_err(StorageError::io("sync", &name))?;
        self.length += bytes.len() as u64;
        self.is_opened = true;
        if frame.begins_log {
            self.highest = 0;
            self.closed.iter_mut().for_each(|closed| closed.highest = 0);
        }
        self.highest = self.highest.max(frame.highest);
        self.hard_state = frame.hard_state.unwrap_or(self.hard_state);
        self.end = frame.end.unwrap_or(self.end);
        Ok(())
    }

    /// The snapshot of the entries up to `last_index` is durable: removes older ones, and the segments, oldest first, that
    /// hold no later entries. Each later segment says in its first frame what those before it amounted to.
    fn drop_dispensable(&mut self, last_index: Index) -> Result<(), StorageError> {
        let mut names: Vec<String> = self.snapshot.replace(last_index).map(snapshot::file).into_iter().collect();
        while self.is_opened
            && let Some(closed) = self.closed.pop_front_if(|closed| closed.highest <= last_index)
        {
            names.push(segment::file(closed.number));
        }
        for name in &names {
            self.disk.remove(name).map_err(StorageError::io("remove", name))?;
        }
        match names.first() {
            Some(name) => self.disk.sync_dir().map_err(StorageError::io("sync the folder of", name)),
            None => Ok(()),
        }
    }
}

/// Lines as frames.
fn frames(lines: impl IntoIterator<Item = Line>) -> Result<Vec<Frame>, StorageError> {
    let (mut frames, mut frame) = (Vec::new(), Frame::default());
    for line in lines.into_iter().flat_map(split) {
        add(&line, &mut frame.payload);
        // Room for what a segment begins with.
        if frame.payload.len() > PAYLOAD_MAX - FRAME_BYTES {
            return Err(StorageError::TooLarge { bytes: frame.payload.len() });
        }
        if let Some(Mark::Begins(index, term)) = line.mark {
            (frame.begins_log, frame.end, frame.highest) = (true, Some((index, term)), 0);
        }
        frame.hard_state = line.hard_state.or(frame.hard_state);
        if let Some(last) = line.entries.last() {
            frame.end = Some((last.index, last.term));
            frame.highest = frame.highest.max(last.index);
        }
        if frame.payload.len() >= FRAME_BYTES {
            frames.push(std::mem::take(&mut frame));
        }
    }
    frames.extend((!frame.payload.is_empty()).then_some(frame));
    Ok(frames)
}

fn add(line: &Line, payload: &mut Vec<u8>) {
    let bytes = postcard::to_stdvec(line).expect("lines are numbers and bytes, which always encode");
    payload.extend(bytes);
}

/// A line as several that mean the same, none much larger than a frame should be.
fn split(line: Line) -> Vec<Line> {
    let mut parts = vec![Line { entries: Vec::new(), ..line }];
    let mut bytes = 0;
    for entry in line.entries {
        if bytes >= FRAME_BYTES {
            parts.push(Line::default());
            bytes = 0;
        }
        bytes += entry.payload.command_bytes();
        parts.last_mut().expect("one part at least").entries.push(entry);
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
    if names.iter().any(|name| snapshot::last_index(name).is_some()) {
        return Err(StorageError::NoIdentity);
    }
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
