//! The log, in memory, from behind the snapshot on. It knows nothing of disks, roles or other members.

use crate::types::{Entry, Index, Term};

/// Entries without gaps; their terms never fall.
#[derive(Debug, Clone, Hash)]
pub(super) struct Log {
    /// The index just before the first entry, and the term of the entry that was there: a snapshot stands for it and all
    /// before it. Both are 0 if the log is whole.
    start: (Index, Term),
    entries: Vec<Entry>,
    /// For each entry, the bytes of all commands up to it; the first one is for the start.
    command_bytes: Vec<u64>,
}

impl Log {
    /// Takes over the entries behind `start`; if there is a gap or the terms fall, says after which index.
    pub(super) fn new(start: (Index, Term), entries: Vec<Entry>) -> Result<Log, Index> {
        let mut log = Log { start, entries: Vec::with_capacity(entries.len()), command_bytes: vec![0] };
        for entry in entries {
            if entry.index != log.last_index() + 1 || entry.term < log.last_term() || entry.term == 0 {
                return Err(log.last_index());
            }
            log.append([entry]);
        }
        Ok(log)
    }

    /// The index just before the first entry.
    pub(super) fn start(&self) -> Index {
        self.start.0
    }

    /// The index of the last entry, or of the last one that is no longer here; 0 if there never was one.
    pub(super) fn last_index(&self) -> Index {
        self.start.0 + self.entries.len() as Index
    }

    /// The term of that entry, or 0.
    pub(super) fn last_term(&self) -> Term {
        self.entries.last().map_or(self.start.1, |entry| entry.term)
    }

    /// The term of the entry at `index`; 0 before the very first one, `None` where the log has no entry, or none any more.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        match index.checked_sub(self.start.0)? {
            0 => Some(self.start.1),
            place => self.entries.get(place as usize - 1).map(|entry| entry.term),
        }
    }

    /// The entries after `previous`, as far as `last`.
    pub(super) fn between(&self, previous: Index, last: Index) -> &[Entry] {
        &self.entries[self.place(previous)..self.place(last)]
    }

    /// The entries after `previous` that fit into one message; the first always does.
    pub(super) fn batch(&self, previous: Index, max_entries: usize, max_bytes: usize) -> &[Entry] {
        let place = self.place(previous);
        let rest = &self.entries[place..];
        let ends = self.command_bytes[place + 1..].iter().take(max_entries);
        let fitting = ends.take_while(|end| **end - self.command_bytes[place] <= max_bytes as u64);
        let count = fitting.count().max(1).min(rest.len());
        &rest[..count]
    }

    /// The bytes of the commands after `previous`, as far as `last`.
    pub(super) fn command_bytes(&self, previous: Index, last: Index) -> u64 {
        self.command_bytes[self.place(last)] - self.command_bytes[self.place(previous)]
    }

    /// Adds entries at the end.
    pub(super) fn append(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            assert!(entry.index == self.last_index() + 1, "an entry would leave a gap in the log");
            assert!(entry.term >= self.last_term(), "terms would fall along the log");
            let bytes = entry.payload.command_bytes() as u64;
            self.command_bytes.push(self.command_bytes[self.entries.len()] + bytes);
            self.entries.push(entry);
        }
    }

    /// Removes all entries after `last`.
    pub(super) fn truncate(&mut self, last: Index) {
        let place = self.place(last);
        self.entries.truncate(place);
        self.command_bytes.truncate(place + 1);
    }

    /// Removes all entries up to `last`, which exists, or is before the start: then there is nothing to do.
    pub(super) fn compact(&mut self, last: Index) {
        if last <= self.start.0 {
            return;
        }
        let term = self.term_at(last).expect("what a snapshot stands for was in the log");
        let place = self.place(last);
        self.entries.drain(..place);
        self.command_bytes.drain(..place);
        self.start = (last, term);
    }

    /// Removes all entries; the log begins anew behind `index`, where an entry of `term` was.
    pub(super) fn restart(&mut self, index: Index, term: Term) {
        self.entries.clear();
        self.command_bytes = vec![0];
        self.start = (index, term);
    }

    /// The first index of the run of entries that have the same term as the one at `index`, which exists.
    pub(super) fn first_index_of_term_at(&self, index: Index) -> Index {
        let term = self.term_at(index).expect("the caller has seen the entry");
        let before = self.entries.partition_point(|entry| entry.term < term) as Index;
        // At the start one entry is known, but not whether those before it are of its term; they are committed anyway.
        if term == self.start.1 { self.start.0 } else { self.start.0 + before + 1 }
    }

    /// The last index with an entry of `term`.
    pub(super) fn last_index_of_term(&self, term: Term) -> Option<Index> {
        let end = self.start.0 + self.entries.partition_point(|entry| entry.term <= term) as Index;
        (end > 0 && self.term_at(end) == Some(term)).then_some(end)
    }

    /// How many of the entries that are here lie before or at `index`.
    fn place(&self, index: Index) -> usize {
        let place = index.checked_sub(self.start.0).expect("the log has no entries that far back any more");
        usize::try_from(place).expect("a log in memory has no more entries than that")
    }
}
