//! The log, whole and in memory. It knows nothing of disks, roles or other members.

use crate::types::{Entry, Index, Payload, Term};

/// Entries without gaps, from index 1; their terms never fall.
#[derive(Debug, Default, Clone, Hash)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// For each entry, the bytes of all commands up to it.
    command_bytes: Vec<u64>,
}

impl Log {
    /// Takes over a log; if it has a gap or its terms fall, says after which index.
    pub(super) fn new(entries: Vec<Entry>) -> Result<Log, Index> {
        let mut log = Log::default();
        for entry in entries {
            if entry.index != log.last_index() + 1 || entry.term < log.last_term() || entry.term == 0 {
                return Err(log.last_index());
            }
            log.append([entry]);
        }
        Ok(log)
    }

    /// The index of the last entry, 0 if there is none.
    pub(super) fn last_index(&self) -> Index {
        self.entries.len() as Index
    }

    /// The term of the last entry, 0 if there is none.
    pub(super) fn last_term(&self) -> Term {
        self.entries.last().map_or(0, |entry| entry.term)
    }

    /// The term of the entry at `index`: 0 before the log, `None` after it.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        match index {
            0 => Some(0),
            _ => self.entries.get(index as usize - 1).map(|entry| entry.term),
        }
    }

    /// The entries after `previous`, as far as `last`.
    pub(super) fn between(&self, previous: Index, last: Index) -> &[Entry] {
        &self.entries[previous as usize..last as usize]
    }

    /// The entries after `previous` that fit into one message; the first always does.
    pub(super) fn batch(&self, previous: Index, max_entries: usize, max_bytes: usize) -> &[Entry] {
        let rest = &self.entries[previous as usize..];
        let ends = self.command_bytes[previous as usize..].iter().take(max_entries);
        let fitting = ends.take_while(|end| **end - self.command_bytes_up_to(previous) <= max_bytes as u64);
        let count = fitting.count().max(1).min(rest.len());
        &rest[..count]
    }

    /// The bytes of the commands after `previous`, as far as `last`.
    pub(super) fn command_bytes(&self, previous: Index, last: Index) -> u64 {
        self.command_bytes_up_to(last) - self.command_bytes_up_to(previous)
    }

    fn command_bytes_up_to(&self, last: Index) -> u64 {
        match last {
            0 => 0,
            _ => self.command_bytes[last as usize - 1],
        }
    }

    /// Adds entries at the end.
    pub(super) fn append(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            assert!(entry.index == self.last_index() + 1, "an entry would leave a gap in the log");
            assert!(entry.term >= self.last_term(), "terms would fall along the log");
            let bytes = match &entry.payload {
                Payload::Noop => 0,
                Payload::Command { bytes, .. } => bytes.len() as u64,
            };
            self.command_bytes.push(self.command_bytes_up_to(self.last_index()) + bytes);
            self.entries.push(entry);
        }
    }

    /// Removes all entries after `last`.
    pub(super) fn truncate(&mut self, last: Index) {
        self.entries.truncate(last as usize);
        self.command_bytes.truncate(last as usize);
    }

    /// The first index of the run of entries that have the same term as the one at `index`, which exists.
    pub(super) fn first_index_of_term_at(&self, index: Index) -> Index {
        let term = self.entries[index as usize - 1].term;
        self.entries.partition_point(|entry| entry.term < term) as Index + 1
    }

    /// The last index with an entry of `term`.
    pub(super) fn last_index_of_term(&self, term: Term) -> Option<Index> {
        let end = self.entries.partition_point(|entry| entry.term <= term) as Index;
        (end > 0 && self.term_at(end) == Some(term)).then_some(end)
    }
}
