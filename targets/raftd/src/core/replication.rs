//! The leader's log becomes everybody's log (extended paper, sections 5.3 and 5.4.2).

use super::message::Body;
use super::output::{Reason, RequestId};
use super::progress::Step;
use super::request::Kind;
use super::{Core, Needs, Role};
use crate::types::{Bug, Entry, Index, NodeId, Payload, Term, Ticket};

/// Proposals and the leader's side.
impl Core {
    /// The client's request, at the member that was asked.
    pub(super) fn ask_proposal(&mut self, id: RequestId, bytes: Vec<u8>) {
        let Some(leader) = self.leader() else { return self.requests.refuse(id, Reason::NoLeader) };
        let leads = leader == self.config.id;
        if leads && !self.takes_proposals() {
            return self.requests.refuse(id, self.reason_to_refuse());
        }
        let Some(ticket) = self.requests.open(id, Kind::Proposal, self.deadline()) else { return };
        if leads {
            self.append(Payload::Command { ticket, bytes });
        } else {
            self.send(leader, Body::Propose { ticket, bytes }, Needs::Term);
        }
    }

    /// A proposal that another member passed on. A member that does not lead the term stays silent: it cannot promise
    /// that the proposal was not taken, for it may have led this very term before a restart.
    pub(super) fn on_propose(&mut self, ticket: Ticket, bytes: Vec<u8>) {
        let takes_proposals = self.takes_proposals();
        let Role::Leader(leadership) = &mut self.role else { return };
        if !leadership.seen.is_first(ticket) {
            return;
        }
        if takes_proposals {
            self.append(Payload::Command { ticket, bytes });
        } else {
            self.refuse(ticket, self.reason_to_refuse());
        }
    }

    fn reason_to_refuse(&self) -> Reason {
        if self.hands_over() { Reason::HandingOver } else { Reason::Busy }
    }

    /// Whether there is room for one more, and the leadership is not being handed over. After a start nobody knows how much
    /// of the recovered log is committed, so none of it counts.
    fn takes_proposals(&self) -> bool {
        let last = self.log.last_index();
        let settled = self.commit.max(self.recovered).min(last);
        !self.hands_over()
            && last - settled < self.config.max_uncommitted as Index
            && self.log.command_bytes(settled, last) < self.config.max_uncommitted_bytes as u64
    }

    /// Sends every follower what it lacks, as far as its window allows.
    pub(super) fn replicate(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        let peers: Vec<NodeId> = leadership.peers.keys().copied().collect();
        for peer in peers {
            while let Role::Leader(leadership) = &self.role
                && let Some(progress) = leadership.peers.get(&peer)
            {
                match progress.next_step(self.log.last_index(), self.commit, self.config.max_inflight) {
                    Step::Entries => self.send_append(peer, self.config.max_batch_entries),
                    Step::Commit => self.send_append(peer, 0),
                    Step::Chunk => self.send_chunk(peer),
                    Step::Wait => break,
                }
            }
        }
    }

    /// Sends a follower at most `max_entries` entries from its nextIndex on.
    pub(super) fn send_append(&mut self, to: NodeId, max_entries: usize) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(progress) = leadership.peers.get_mut(&to) else { return };
        let previous_index = progress.next_index - 1;
        let Some(previous_term) = self.log.term_at(previous_index) else {
            assert!(previous_index < self.log.start(), "nextIndex is at most one beyond the leader's log");
            let snapshot = self.snapshot.clone().expect("a log is cut off only behind a snapshot");
            return progress.needs_snapshot(snapshot);
        };
        let entries = match max_entries {
            0 => Vec::new(),
            _ => self.log.batch(previous_index, max_entries, self.config.max_batch_bytes).to_vec(),
        };
        progress.sent(entries.len(), self.commit);
        let body = Body::Append { previous_index, previous_term, entries, commit: self.commit };
        self.send(to, body, Needs::Term);
    }

    /// A follower has the leader's log up to `match_index`.
    pub(super) fn on_appended(&mut self, from: NodeId, match_index: Index) {
        let Role::Leader(leadership) = &mut self.role else { return };
        assert!(match_index <= self.log.last_index(), "member {from} acknowledges entries that were never sent");
        let Some(progress) = leadership.peers.get_mut(&from) else { return };
        progress.appended(match_index);
        self.advance_commit();
    }

    /// A follower lacks what the leader built on.
    pub(super) fn on_append_rejected(&mut self, from: NodeId, previous: Index, conflict: Option<Term>, first: Index) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(progress) = leadership.peers.get_mut(&from) else { return };
        progress.rejected(&self.log, previous, conflict, first);
    }

    /// Whether an entry of this member's term is known to be committed. A leader then knows all that is (section 8).
    pub(super) fn has_committed_in_term(&self) -> bool {
        self.log.term_at(self.commit) == Some(self.hard.term)
    }

    /// Commits what a majority has on disk; the leader counts its own disk like any other's, if it is a voter.
    ///
    /// Only an entry of the leader's own term is committed by counting, and all before it with it (section 5.4.2).
    /// Figure 8 shows what breaks otherwise: an entry of term 2 is on three of five members, a leader of term 4 counts it
    /// as committed and stops, and a member whose last entry is of term 3 is elected by the others and erases it.
    pub(super) fn advance_commit(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        let (configuration, bug) = (self.membership.in_force(), self.config.bug);
        let own = self.durability.durable_index();
        let matched = configuration.voters().map(|voter| match voter == self.config.id {
            true => own,
            false => leadership.peers.get(&voter).map_or(0, |progress| progress.match_index),
        });
        let copies = if bug == Some(Bug::AckBeforeQuorum) { 1 } else { configuration.quorum() };
        let majority = super::reached_by(copies, matched);
        let is_own = self.log.term_at(majority) == Some(self.hard.term);
        if majority > self.commit && (is_own || bug == Some(Bug::CommitOldTerm)) {
            self.commit_to(majority);
            let commit = self.commit;
            if let Role::Leader(leadership) = &mut self.role {
                leadership.reads.informed(commit);
            }
            self.part_with_removed();
        }
    }

    /// Tells the member that was asked that its request is not taken and never will be.
    pub(super) fn refuse(&mut self, ticket: Ticket, reason: Reason) {
        if ticket.origin == self.config.id {
            self.requests.refused(ticket, reason);
        } else {
            self.send(ticket.origin, Body::Refused { ticket, reason }, Needs::Term);
        }
    }
}

/// The follower's side.
impl Core {
    /// The leader extends the log. Entries that are already there stay, whatever follows them: an old message must not
    /// cut off what a newer one brought. Only an entry that contradicts the leader's is removed, with all after it.
    pub(super) fn on_append(&mut self, leader: NodeId, previous: (Index, Term), entries: Vec<Entry>, commit: Index) {
        let (previous_index, previous_term) = previous;
        let match_index = previous_index + entries.len() as Index;
        // What the log has no more was committed, so it agrees.
        let agrees = previous_index < self.log.start() || self.log.term_at(previous_index) == Some(previous_term);
        if !agrees {
            return self.reject_append(leader, previous_index);
        }
        let keeps_all = self.config.bug == Some(Bug::KeepConflict);
        let is_known = |entry: &&Entry| match self.log.term_at(entry.index) {
            Some(term) => term == entry.term || keeps_all,
            None => entry.index <= self.log.start(),
        };
        let known = entries.iter().take_while(is_known).count();
        let follows = (self.commit..self.log.last_index()).contains(&match_index) && known > 0;
        let cuts_matched = self.config.bug == Some(Bug::TruncateMatched) && follows;
        if known < entries.len() || cuts_matched {
            let first = previous_index + known as Index + 1;
            assert!(
                first > self.commit,
                "the leader of term {} contradicts entry {first}, though {} entries are committed",
                self.hard.term,
                self.commit
            );
            self.log.truncate(first - 1);
            self.membership.truncated(first - 1);
            for entry in entries.into_iter().skip(known) {
                self.membership.appended(&entry);
                self.log.append([entry]);
            }
            self.durability.log_changed(first);
        }
        self.commit_to(commit.min(match_index));
        let needs = if self.config.bug == Some(Bug::AckBeforeFsync) { Needs::Term } else { Needs::Log };
        self.send(leader, Body::Appended { match_index }, needs);
    }

    fn reject_append(&mut self, leader: NodeId, previous_index: Index) {
        let conflict_term = self.log.term_at(previous_index);
        let first_index = match conflict_term {
            Some(_) => self.log.first_index_of_term_at(previous_index),
            None => self.log.last_index() + 1,
        };
        self.send(leader, Body::AppendRejected { previous_index, conflict_term, first_index }, Needs::Term);
    }

    /// The leader is alive.
    pub(super) fn on_heartbeat(&mut self, leader: NodeId, round: u64, commit: Index) {
        self.commit_to(commit);
        self.send(leader, Body::HeartbeatEcho { round }, Needs::Term);
    }

    /// Everything up to `index` is committed; old news changes nothing.
    pub(super) fn commit_to(&mut self, index: Index) {
        assert!(
            index <= self.log.last_index(),
            "entry {index} is said to be committed, but the log ends at {}: it lost entries it had acknowledged",
            self.log.last_index()
        );
        self.commit = self.commit.max(index);
    }
}
