//! Terms, votes and leaders (extended paper, sections 5.2 and 5.4.1).

use super::log::Log;
use super::message::Body;
use super::progress::Progress;
use super::read::Reads;
use super::seen::Seen;
use super::{Core, Needs};
use crate::types::{Bug, Entry, HardState, Index, NodeId, Payload, Term};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// What a member is in its term.
#[derive(Debug)]
pub(super) enum Role {
    Follower,
    Candidate {
        /// Who gave its vote; the candidate itself too, once its vote is durable.
        votes: BTreeSet<NodeId>,
    },
    Leader(Leadership),
}

/// What a leader knows, and forgets when its term ends.
#[derive(Debug)]
pub(super) struct Leadership {
    /// All members but the leader.
    pub(super) peers: BTreeMap<NodeId, Progress>,
    pub(super) reads: Reads,
    pub(super) seen: Seen,
}

impl Core {
    /// Enters a newer term, as its candidate if `vote` is this member, else as a follower that knows no leader. Whoever
    /// waits for an answer gets one: the old term's leader may be gone.
    pub(super) fn enter_term(&mut self, term: Term, vote: Option<NodeId>) {
        assert!(term > self.hard.term, "the term would go from {} to {term}", self.hard.term);
        self.hard = HardState { term, voted_for: vote };
        self.durability.term_changed();
        self.role = Role::Follower;
        self.leader = None;
        self.requests.end_term();
        self.election_timeout = draw_timeout(&mut self.rng, self.config.election_ticks);
    }

    /// The sender leads this member's term.
    pub(super) fn follow(&mut self, leader: NodeId) {
        assert!(
            self.leader.is_none_or(|known| known == leader),
            "members {leader} and {:?} both lead term {}: a vote was lost or given twice",
            self.leader,
            self.hard.term
        );
        self.role = Role::Follower;
        self.leader = Some(leader);
        self.elapsed = 0;
    }

    /// Starts an election in the next term.
    pub(super) fn start_election(&mut self) {
        self.enter_term(self.hard.term + 1, Some(self.config.id));
        self.role = Role::Candidate { votes: BTreeSet::new() };
        self.elapsed = 0;
        let (last_index, last_term) = (self.log.last_index(), self.log.last_term());
        for peer in self.peers() {
            self.send(peer, Body::RequestVote { last_index, last_term }, Needs::Term);
        }
    }

    /// A candidate of this member's term asks for its vote.
    pub(super) fn on_request_vote(&mut self, candidate: NodeId, last_index: Index, last_term: Term) {
        let bug = self.config.bug;
        let is_free = bug == Some(Bug::TwoVotes) || self.hard.voted_for.is_none_or(|voted_for| voted_for == candidate);
        let granted = is_free && is_up_to_date(&self.log, last_index, last_term, bug);
        if granted {
            self.elapsed = 0;
            if self.hard.voted_for.is_none() {
                self.hard.voted_for = Some(candidate);
                self.durability.term_changed();
            }
        }
        let needs = if bug == Some(Bug::VoteBeforeFsync) { Needs::Nothing } else { Needs::Term };
        self.send(candidate, Body::Vote { granted }, needs);
    }

    /// A member, possibly this one itself, gave its vote for this term.
    pub(super) fn on_vote(&mut self, voter: NodeId) {
        let quorum = self.quorum();
        let Role::Candidate { votes } = &mut self.role else { return };
        votes.insert(voter);
        if votes.len() >= quorum {
            self.lead();
        }
    }

    /// Leads the term. The entry without content lets the leader commit what earlier leaders left behind (section 8).
    fn lead(&mut self) {
        let last_index = self.log.last_index();
        let peers = self.peers().into_iter().map(|peer| (peer, Progress::new(last_index))).collect();
        let reads = Reads::new(self.config.max_requests);
        let seen = Seen::new(self.config.max_requests);
        self.role = Role::Leader(Leadership { peers, reads, seen });
        self.leader = Some(self.config.id);
        self.elapsed = 0;
        self.append(Payload::Noop);
    }

    /// Adds an entry of the leader's own term to its log.
    pub(super) fn append(&mut self, payload: Payload) {
        let index = self.log.last_index() + 1;
        self.log.append([Entry { term: self.hard.term, index, payload }]);
        self.durability.log_changed(index);
    }
}

/// Draws an election time-out, in ticks. That members draw different ones makes split votes rare (section 5.2).
pub(super) fn draw_timeout(rng: &mut ChaCha8Rng, shortest: u32) -> u32 {
    rng.random_range(shortest..shortest.saturating_mul(2))
}

/// Whether a candidate's log has at least what this log has (section 5.4.1): the later last term wins, then the longer
/// log. Every committed entry is in some log of each majority, so a candidate without it finds no majority.
fn is_up_to_date(log: &Log, last_index: Index, last_term: Term, bug: Option<Bug>) -> bool {
    let last_index = if bug == Some(Bug::ShortLogVote) { Index::MAX } else { last_index };
    (last_term, last_index) >= (log.last_term(), log.last_index())
}
