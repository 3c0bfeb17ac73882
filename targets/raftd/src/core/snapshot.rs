//! Snapshots: what all entries up to an index together mean, in place of them (dissertation, chapter 5; extended paper,
//! section 7 and figure 13).
//!
//! The caller takes a snapshot of its state machine while it serves, makes it durable, and tells the core; the log then
//! begins behind it, but for a tail that is kept for followers who are a little behind. A follower who lacks entries that
//! the leader has no more gets the leader's snapshot, chunk by chunk, each asked for by the answer to the one before. What
//! a follower has of it is named by its contents: whoever leads next, with the same snapshot, goes on where the last one
//! stopped.

use super::message::{Body, SnapshotName};
use super::{Core, Needs, Role};
use crate::types::{Bug, Configuration, Index, NodeId, Snapshot};

/// What a follower has so far of a snapshot that it is sent.
#[derive(Debug, Clone, Hash)]
pub(super) struct Arriving {
    name: SnapshotName,
    state: Vec<u8>,
}

/// The leader's side.
impl Core {
    /// The state up to the snapshot's last entry is durable: the entries are dispensable.
    pub(super) fn compact(&mut self, snapshot: Snapshot) {
        assert!(
            snapshot.last_index <= self.handed_out,
            "a snapshot of {} entries, where only {} were handed out",
            snapshot.last_index,
            self.handed_out
        );
        if self.snapshot.as_ref().is_some_and(|newer| newer.last_index >= snapshot.last_index) {
            return;
        }
        let kept_from = snapshot.last_index.saturating_sub(self.config.keep_entries as Index);
        self.log.compact(kept_from);
        self.membership.compacted(self.log.start());
        self.snapshot = Some(snapshot);
    }

    /// Sends a follower the next chunk of the snapshot that it needs.
    pub(super) fn send_chunk(&mut self, to: NodeId) {
        let max_bytes = self.config.max_chunk_bytes;
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(progress) = leadership.peers.get_mut(&to) else { return };
        let Some((snapshot, name, offset)) = progress.next_chunk() else { return };
        let rest = &snapshot.state[offset..];
        let bytes = rest[..rest.len().min(max_bytes)].to_vec();
        let configuration = snapshot.configuration.clone();
        let body = Body::Chunk { snapshot: name, configuration, offset: offset as u64, bytes };
        self.send(to, body, Needs::Term);
    }

    /// A follower has so much of a snapshot.
    pub(super) fn on_chunk_received(&mut self, from: NodeId, name: SnapshotName, offset: u64) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(progress) = leadership.peers.get_mut(&from) else { return };
        progress.chunk_received(name, offset);
    }
}

/// The follower's side.
impl Core {
    /// The leader sends a chunk of a snapshot.
    pub(super) fn on_chunk(&mut self, leader: NodeId, name: SnapshotName, members: Configuration, part: (u64, &[u8])) {
        let (offset, bytes) = part;
        let reached = self.log.term_at(name.last_index);
        let ignores_term = self.config.bug == Some(Bug::SnapshotKeepsTail) && reached.is_some();
        if name.last_index <= self.commit || reached == Some(name.last_term) || ignores_term {
            // Whoever has its last entry has all that it stands for, which is committed. What follows that entry stays
            // (figure 13, step 6), on disk too: some of it may have been acknowledged.
            self.commit_to(name.last_index);
            self.arriving.take_if(|arriving| arriving.name.last_index <= name.last_index);
            return self.send(leader, Body::Appended { match_index: name.last_index }, Needs::Log);
        }
        let mut arriving = match self.arriving.take() {
            Some(arriving) if arriving.name == name => arriving,
            Some(_) | None => Arriving { name, state: Vec::new() },
        };
        if offset == arriving.state.len() as u64 {
            arriving.state.extend(bytes);
        }
        if arriving.state.len() as u64 == name.bytes {
            // If it does not match its checksum it is lost, and asked for anew.
            if crc32fast::hash(&arriving.state) == name.checksum {
                return self.install(leader, name, members, arriving.state);
            }
            arriving.state.clear();
        }
        let offset = arriving.state.len() as u64;
        self.arriving = Some(arriving);
        self.send(leader, Body::ChunkReceived { snapshot: name, offset }, Needs::Term);
    }

    /// Puts the snapshot in the place of the log, which is void: it does not have the snapshot's last entry (figure 13,
    /// step 7).
    fn install(&mut self, leader: NodeId, name: SnapshotName, configuration: Configuration, state: Vec<u8>) {
        let SnapshotName { last_index, last_term, .. } = name;
        self.log.restart(last_index, last_term);
        self.membership.restarted(last_index, configuration.clone());
        let snapshot = Snapshot { last_index, last_term, configuration, state: state.into() };
        (self.commit, self.handed_out) = (last_index, last_index);
        self.durability.log_changed(last_index);
        self.requests.overtaken();
        self.snapshot = Some(snapshot.clone());
        self.installed = Some(snapshot);
        let needs = if self.config.bug == Some(Bug::AckSnapshotEarly) { Needs::Term } else { Needs::Log };
        self.send(leader, Body::Appended { match_index: last_index }, needs);
    }
}
