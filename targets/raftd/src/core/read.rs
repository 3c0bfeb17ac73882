//! Reads without log entries: ReadIndex (dissertation, section 6.4).
//!
//! 1. The leader waits until an entry of its own term is committed; before that it may not know all that is committed.
//! 2. It notes its commit index: the read must see at least that.
//! 3. It starts a round of heartbeats *after* the read came, and waits until a majority echoes it. So at some instant
//!    after the read came no newer leader could have committed anything: a majority was still in the old term.
//! 4. The member that was asked waits until that index is applied.
//!
//! One round at a time is under way for reads; those that come meanwhile share the next.
//!
//! # Leases
//!
//! A read that may be granted by the leader's lease (section 6.4.1) needs step 3 only if the leader has none. A round that a
//! majority answered is a lease from the moment before it was sent, for the shortest election time-out less what the clocks
//! may differ by ([`Config::lease_us`](super::Config::lease_us)), because none of those who answered gives a vote within
//! that time-out of hearing it: not in a later term, not after a restart, only by leave of the leader, which then has no lease
//! any more for the rest of its term. So until then nobody else can have been elected, let alone have committed anything.
//! The clock is asked after the read came ([`Core::clock`]): had it been asked before, the member may have stood still
//! in between.

use super::message::Body;
use super::output::{Reason, RequestId};
use super::request::Kind;
use super::{Core, Needs, Role};
use crate::types::{Bug, Index, NodeId, Ticket};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How the leader makes sure that it still leads when it grants a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReadBy {
    /// A majority says so after the read came.
    Majority,
    /// Its lease says so, or if it has none a majority.
    Lease,
}

/// The reads that a leader has not granted yet.
#[derive(Debug, Clone, Hash)]
pub(super) struct Reads {
    limit: usize,
    /// Reads that came before step 1 was done.
    early: Vec<Ticket>,
    /// Reads that wait for step 3, by round.
    asked: VecDeque<Asked>,
    /// The newest round that was started.
    round: u64,
    /// The newest round that a majority echoed.
    confirmed: u64,
    /// Reads that wait for the clock, and may be granted by the lease.
    leased: Vec<Ticket>,
    /// What the clock showed before each of the rounds was sent that no majority echoed yet.
    sent_us: VecDeque<(u64, u64)>,
    /// What the clock shows when the lease ends.
    leased_until_us: u64,
}

#[derive(Debug, Clone, Hash)]
struct Asked {
    ticket: Ticket,
    /// The commit index when the read came.
    index: Index,
    /// The first round that was started after the read came.
    round: u64,
}

impl Reads {
    pub(super) fn new(limit: usize) -> Reads {
        Reads {
            limit,
            early: Vec::new(),
            asked: VecDeque::new(),
            round: 0,
            confirmed: 0,
            leased: Vec::new(),
            sent_us: VecDeque::new(),
            leased_until_us: 0,
        }
    }

    /// Takes a read; `read_index` is known once step 1 is done. Returns false if there is no room.
    fn ask(&mut self, ticket: Ticket, read_index: Option<Index>) -> bool {
        if !self.has_room() {
            return false;
        }
        match read_index {
            Some(index) => self.asked.push_back(Asked { ticket, index, round: self.round + 1 }),
            None => self.early.push(ticket),
        }
        true
    }

    fn has_room(&self) -> bool {
        self.early.len() + self.asked.len() + self.leased.len() < self.limit
    }

    /// Step 1 is done: the early reads go on as if they came now.
    pub(super) fn informed(&mut self, commit: Index) {
        let round = self.round + 1;
        self.asked.extend(self.early.drain(..).map(|ticket| Asked { ticket, index: commit, round }));
    }

    /// Whether a read waits for a round that nothing will start soon.
    fn wants_round(&self) -> bool {
        self.confirmed == self.round && self.asked.back().is_some_and(|asked| asked.round > self.round)
    }

    /// Takes the reads that may be granted.
    fn confirmed(&mut self) -> Vec<Asked> {
        let mut granted = Vec::new();
        while let Some(asked) = self.asked.pop_front_if(|asked| asked.round <= self.confirmed) {
            granted.push(asked);
        }
        granted
    }
}

impl Core {
    /// The client's request, at the member that was asked.
    pub(super) fn ask_read(&mut self, id: RequestId, by: ReadBy) {
        let Some(leader) = self.leader() else { return self.requests.refuse(id, Reason::NoLeader) };
        let Some(ticket) = self.requests.open(id, Kind::Read, self.deadline()) else { return };
        if leader == self.config.id {
            self.lead_read(ticket, by);
        } else {
            self.send(leader, Body::Read { ticket, by }, Needs::Term);
        }
    }

    /// The request at the leader, asked here or passed on. Whoever passes it on to a member that does not lead hears of
    /// the new term in time, or gives up.
    pub(super) fn lead_read(&mut self, ticket: Ticket, by: ReadBy) {
        let read_index = self.read_index();
        let may_lease = by == ReadBy::Lease && self.config.lease.is_some() && read_index.is_some();
        let Role::Leader(leadership) = &mut self.role else { return };
        let reads = &mut leadership.reads;
        if may_lease && !leadership.gave_leave && reads.has_room() {
            reads.leased.push(ticket);
        } else if !reads.ask(ticket, read_index) {
            self.refuse(ticket, Reason::Busy);
        }
    }

    /// What a read that comes now must see, once step 1 is done.
    fn read_index(&self) -> Option<Index> {
        let knows_all = self.has_committed_in_term();
        (knows_all || self.config.bug == Some(Bug::ReadBeforeOwnTerm)).then_some(self.commit)
    }

    /// The clock was just asked: grants the reads that came before, if the lease holds.
    pub(super) fn serve_by_lease(&mut self) {
        let holds = self.lease_left_us() > 0;
        self.settle_leased(holds);
    }

    /// For how long the leader may rely on its lease, by what the clock showed last; 0: it has none.
    pub(super) fn lease_left_us(&self) -> u64 {
        match &self.role {
            Role::Leader(leadership) if !leadership.gave_leave => {
                leadership.reads.leased_until_us.saturating_sub(self.clock_us)
            }
            _ => 0,
        }
    }

    /// Grants the reads that waited for the clock, or lets them wait for a majority.
    pub(super) fn settle_leased(&mut self, holds: bool) {
        let read_index = self.read_index();
        let Role::Leader(leadership) = &mut self.role else { return };
        for ticket in std::mem::take(&mut leadership.reads.leased) {
            match read_index {
                Some(index) if holds => self.grant(ticket, index),
                _ => self.lead_read(ticket, ReadBy::Majority),
            }
        }
    }

    /// Starts the round that reads wait for, if none is under way, and grants what is confirmed.
    pub(super) fn serve_reads(&mut self) {
        self.grant_confirmed();
        if matches!(&self.role, Role::Leader(leadership) if leadership.reads.wants_round()) {
            self.start_round();
            self.grant_confirmed();
        }
    }

    /// Sends a heartbeat to all. It confirms the leadership for every read that came before.
    pub(super) fn start_round(&mut self) {
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.reads.round += 1;
        let round = leadership.reads.round;
        if self.config.lease.is_some() {
            leadership.reads.sent_us.push_back((round, self.clock_us));
        }
        let commit = self.commit;
        let peers: Vec<(NodeId, Index)> = leadership.peers.iter().map(|(id, peer)| (*id, peer.match_index)).collect();
        for (peer, match_index) in peers {
            // A follower may hold entries of other leaders beyond the agreement: they are not what is committed.
            self.send(peer, Body::Heartbeat { round, commit: commit.min(match_index) }, Needs::Term);
        }
        self.confirm_rounds();
    }

    /// A follower echoed a round.
    pub(super) fn on_echo(&mut self, from: NodeId, round: u64) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(peer) = leadership.peers.get_mut(&from) else { return };
        assert!(round <= leadership.reads.round, "member {from} echoes a round that was never started");
        if peer.echoed(round) {
            self.send_append(from, 0);
        }
        self.confirm_rounds();
    }

    /// Finds the newest round that a majority echoed; the leader follows itself, if it is a voter. Reads rest on it, and so does the leader's
    /// belief that it still leads.
    fn confirm_rounds(&mut self) {
        let configuration = self.membership.in_force();
        let quorum = if self.config.bug == Some(Bug::StaleRead) { 1 } else { configuration.quorum() };
        let Role::Leader(leadership) = &mut self.role else { return };
        let echoed = configuration.voters().map(|voter| match voter == self.config.id {
            true => leadership.reads.round,
            false => leadership.peers.get(&voter).map_or(0, |peer| peer.echoed_round),
        });
        // Who has just become a voter may have echoed less than was confirmed without it.
        let confirmed = super::reached_by(quorum, echoed).max(leadership.reads.confirmed);
        if confirmed > leadership.reads.confirmed {
            leadership.confirmed_at = self.now;
        }
        leadership.reads.confirmed = confirmed;
        while let Some((_, sent_us)) = leadership.reads.sent_us.pop_front_if(|(round, _)| *round <= confirmed) {
            leadership.reads.leased_until_us = sent_us + self.config.lease_us();
        }
    }

    fn grant_confirmed(&mut self) {
        let Role::Leader(leadership) = &mut self.role else { return };
        for Asked { ticket, index, .. } in leadership.reads.confirmed() {
            self.grant(ticket, index);
        }
    }

    fn grant(&mut self, ticket: Ticket, index: Index) {
        if ticket.origin == self.config.id {
            self.requests.granted(ticket, index);
        } else {
            self.send(ticket.origin, Body::ReadGranted { ticket, index }, Needs::Term);
        }
    }
}
