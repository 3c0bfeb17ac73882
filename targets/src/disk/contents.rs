//! What of one file's contents the disk has, while the file underneath has all that was written.
//!
//! The file underneath is always as its writers left it. Kept here is what differs on the disk: the bytes that were there
//! before, and how long the file was. A *length* is set by truncating or extending without writing; under `ext4-ordered` it
//! goes through the journal, and may be on the disk while the bytes written before it are not.
//!
//! Pure: the bytes of the file underneath are asked of whoever calls.

use super::kept::{Kept, Piece};
use super::ranges::Ranges;
use super::tear::Left;
use std::io;
use std::ops::Range;

/// How much is read at once of what is about to be overwritten.
const READ_BYTES: u64 = 1 << 20;

/// The difference between a file and what the disk has of it.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    /// How long the file is on the disk.
    disk_len: u64,
    /// What the disk has where the file has something else. Beyond what any pending length can bring to light nothing is kept.
    kept: Kept,
    /// What a sync has to write.
    dirty: Ranges,
    /// What a sync failed to write and no later one writes. Where nothing is kept the disk has zeros, if it is that long.
    failed: Ranges,
    /// The lengths that were set since the last sync, and are not on the disk; in their order.
    pending: Vec<Length>,
    /// The last write that no sync has written.
    last: Option<Range<u64>>,
}

#[derive(Debug, Clone)]
struct Length {
    /// Its place in the journal.
    at: u64,
    length: u64,
    /// What was flushed, and is on the disk when the length is; none where only the length was set.
    flushed: Option<Ranges>,
}

/// A sync under way: what it will have written.
#[derive(Debug, Clone)]
pub(super) struct Syncing {
    at: u64,
    length: u64,
    ranges: Ranges,
    /// Whether there is anything to write.
    pub is_needed: bool,
}

/// A file as the disk has it: these pieces over the file underneath, cut or extended to this length.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub length: u64,
    pub pieces: Vec<(u64, Piece)>,
    /// How many bytes were written, but not synced.
    pub lost_bytes: u64,
}

impl Contents {
    /// Of a file of this length, all of which is on the disk.
    pub(super) fn synced(length: u64) -> Contents {
        let (kept, dirty, failed) = (Kept::default(), Ranges::default(), Ranges::default());
        Contents { disk_len: length, kept, dirty, failed, pending: Vec::new(), last: None }
    }

    /// How far bytes on the disk may ever be read.
    fn horizon(&self) -> u64 {
        self.pending.iter().map(|length| length.length).fold(self.disk_len, u64::max)
    }

    /// Keeps what the disk has of `range`, as far as it is not kept yet.
    fn keep(&mut self, range: Range<u64>, mut read: impl FnMut(Range<u64>) -> io::Result<Vec<u8>>) -> io::Result<()> {
        let end = range.end.min(self.horizon());
        for gap in self.kept.gaps(range.start.min(end)..end) {
            let mut at = gap.start;
            while at < gap.end {
                let part = at..gap.end.min(at + READ_BYTES);
                let mut bytes = read(part.clone())?;
                // What lies behind the end of the file is zeros once the file is longer.
                bytes.resize((part.end - part.start) as usize, 0);
                self.kept.put(part.start, Piece::of(bytes));
                at = part.end;
            }
        }
        Ok(())
    }

    /// To be told before `range` is written; `read` gives the bytes of the file underneath.
    pub(super) fn write(
        &mut self,
        range: Range<u64>,
        read: impl FnMut(Range<u64>) -> io::Result<Vec<u8>>,
    ) -> io::Result<()> {
        self.keep(range.clone(), read)?;
        self.dirty.add(range.clone());
        self.failed.remove(range.clone());
        self.last = Some(range);
        Ok(())
    }

    /// To be told before the file gets this length, as the change `at` of the journal. Under `ext4-ordered` no other may be
    /// [pending](Contents::last_pending).
    pub(super) fn set_length(
        &mut self,
        length: u64,
        at: u64,
        read: impl FnMut(Range<u64>) -> io::Result<Vec<u8>>,
    ) -> io::Result<()> {
        self.keep(length..u64::MAX, read)?;
        // What is brought to light by the length reads as zeros, whatever was written there and not synced.
        let shown = self.disk_len..length.max(self.disk_len);
        for range in [self.dirty.within(shown.clone()), self.failed.within(shown)].concat() {
            self.kept.put(range.start, Piece::Zeros(range.end - range.start));
        }
        self.dirty.remove(length..u64::MAX);
        self.failed.remove(length..u64::MAX);
        self.last = self.last.take().map(|last| last.start..last.end.min(length)).filter(|last| !last.is_empty());
        self.pending.push(Length { at, length, flushed: None });
        Ok(())
    }

    /// All that was written goes to the disk with the change `at` of the journal: what ext4 does when a file replaces another
    /// (`auto_da_alloc`). Before that change is on the disk the file must not be changed again: see [`Contents::flushed`].
    pub(super) fn flush(&mut self, length: u64, at: u64) {
        self.last = None;
        self.pending.push(Length { at, length, flushed: Some(std::mem::take(&mut self.dirty)) });
    }

    /// The change of the journal by which what was flushed is on the disk; none where nothing waits for one.
    pub(super) fn flushed(&self) -> Option<u64> {
        self.pending.iter().rev().find(|length| length.flushed.is_some()).map(|length| length.at)
    }

    /// A sync begins, of a file of this length, when the journal is at `at`.
    pub(super) fn begin_sync(&self, length: u64, at: u64) -> Syncing {
        let is_needed = !self.dirty.is_empty() || !self.pending.is_empty() || length != self.disk_len;
        Syncing { at, length, ranges: self.dirty.clone(), is_needed }
    }

    /// The sync has succeeded; the file is `length` long by now. What was overwritten while it went on counts as written.
    pub(super) fn end_sync(&mut self, sync: &Syncing, length: u64) {
        for Length { length, flushed, .. } in self.pending.extract_if(.., |length| length.at <= sync.at) {
            self.disk_len = self.disk_len.min(length);
            self.kept.remove(length..u64::MAX);
            flushed.iter().flat_map(Ranges::iter).for_each(|range| self.kept.remove(range));
        }
        for range in self.take_clean(sync) {
            self.kept.remove(range);
        }
        self.grow(sync.length.min(length.max(self.disk_len)));
    }

    /// The sync has failed. Linux takes for clean what it failed to write, so no later sync writes it.
    pub(super) fn fail_sync(&mut self, sync: &Syncing) {
        for range in self.take_clean(sync) {
            self.failed.add(range);
        }
    }

    /// Takes what was to be synced for clean.
    fn take_clean(&mut self, sync: &Syncing) -> Vec<Range<u64>> {
        let ranges: Vec<Range<u64>> = sync.ranges.iter().collect();
        ranges.iter().for_each(|range| self.dirty.remove(range.clone()));
        if self.dirty.is_empty() {
            self.last = None;
        }
        ranges
    }

    /// The file is so long on the disk; what failed to be written is zeros there.
    fn grow(&mut self, length: u64) {
        for range in self.failed.within(self.disk_len..length.max(self.disk_len)) {
            for gap in self.kept.gaps(range) {
                self.kept.put(gap.start, Piece::Zeros(gap.end - gap.start));
            }
        }
        self.disk_len = length;
    }

    /// The journal is on the disk up to and with the change `through`.
    pub(super) fn commit(&mut self, through: u64) {
        let committed: Vec<Length> = self.pending.extract_if(.., |length| length.at <= through).collect();
        for Length { length, flushed, .. } in committed {
            self.kept.remove(length..u64::MAX);
            flushed.iter().flat_map(Ranges::iter).for_each(|range| self.kept.remove(range));
            self.grow(length);
        }
    }

    /// The power went in the middle of the last write, and this of it is there after all.
    pub(super) fn leave(&mut self, left: &Left) {
        let mut unwritten = Ranges::default();
        unwritten.add(self.disk_len..left.length);
        for range in left.bytes.iter() {
            self.kept.remove(range.clone());
            self.dirty.remove(range.clone());
            unwritten.remove(range);
        }
        for range in unwritten.iter() {
            self.kept.put(range.start, Piece::Zeros(range.end - range.start));
        }
        self.disk_len = left.length;
    }

    /// Whether a length waits for the journal.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The last change of the journal that is a length of this file.
    pub(super) fn last_pending(&self) -> Option<u64> {
        self.pending.last().map(|length| length.at)
    }

    /// Whether the disk has the same as the file of this length.
    pub(super) fn is_clean(&self, length: u64) -> bool {
        let is_same = self.kept.is_empty() && self.dirty.is_empty() && self.failed.is_empty();
        is_same && self.pending.is_empty() && self.disk_len == length
    }

    /// How long the file is on the disk.
    pub(super) fn disk_len(&self) -> u64 {
        self.disk_len
    }

    /// The last write that no sync has written.
    pub(super) fn last_write(&self) -> Option<Range<u64>> {
        self.last.clone()
    }

    /// The file as the disk has it.
    pub(super) fn image(&self) -> Image {
        let length = self.disk_len;
        let shown = self.kept.iter().filter(|(at, _)| *at < length);
        let pieces = shown.map(|(at, piece)| (at, piece.first(length - at))).collect();
        Image { length, pieces, lost_bytes: self.dirty.bytes() + self.failed.bytes() }
    }
}
