//! Terms, votes and leaders (extended paper, sections 5.2 and 5.4.1), with pre-votes, the check of the quorum, and
//! handing over (dissertation, sections 9.6, 6.2 and 3.10).
//!
//! A member that hears of no leader first asks whether it would be elected. So one that is cut off, wholly or one way,
//! neither raises its term nor, when it is heard again, deposes a leader whom a majority hears. And a leader that a
//! majority does not answer leads no longer, so that its clients go elsewhere.

use super::change::CatchUp;
use super::log::Log;
use super::message::Body;
use super::progress::Progress;
use super::read::Reads;
use super::seen::Seen;
use super::{Core, Needs};
use crate::types::{Bug, Configuration, Entry, HardState, Index, NodeId, Payload, Term};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

/// What a member is in its term.
#[derive(Debug, Clone, Hash)]
pub(super) enum Role {
    Follower,
    PreCandidate {
        /// Who would give its vote; the member itself too.
        votes: BTreeSet<NodeId>,
    },
    Candidate {
        /// Who gave its vote; the candidate itself too, once its vote is durable.
        votes: BTreeSet<NodeId>,
    },
    Leader(Box<Leadership>),
}

/// What a leader knows, and forgets when its term ends.
#[derive(Debug, Clone)]
pub(super) struct Leadership {
    /// All members but the leader; who was removed too, until that is committed.
    pub(super) peers: BTreeMap<NodeId, Progress>,
    /// How the learners catch up.
    pub(super) learners: BTreeMap<NodeId, CatchUp>,
    pub(super) reads: Reads,
    pub(super) seen: Seen,
    /// The tick of the last proof that a majority follows.
    pub(super) confirmed_at: u64,
    pub(super) transfer: Option<Transfer>,
    /// Somebody was told to ask for votes. The message may arrive at any time, so this term knows no lease any more.
    pub(super) gave_leave: bool,
}

/// The leadership is being handed over.
#[derive(Debug, Clone)]
pub(super) struct Transfer {
    to: NodeId,
    /// The tick at which the leader gives up and goes on leading.
    until: u64,
    /// The successor has all of the log and was told.
    is_told: bool,
}

/// Without the ticks.
impl Hash for Leadership {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Leadership { peers, learners, reads, seen, confirmed_at: _, transfer, gave_leave } = self;
        (peers, learners, reads, seen, gave_leave).hash(state);
        transfer.as_ref().map(|transfer| (transfer.to, transfer.is_told)).hash(state);
    }
}

impl Core {
    /// Enters a newer term, as its candidate if `vote` is this member, else as a follower that knows no leader. Whoever
    /// waits for an answer gets one: the old term's leader may be gone.
    pub(super) fn enter_term(&mut self, term: Term, vote: Option<NodeId>) {
        assert!(term > self.hard.term, "the term would go from {} to {term}", self.hard.term);
        self.hard = HardState { term, voted_for: vote };
        self.durability.term_changed();
        self.role = Role::Follower;
        self.led_by = None;
        self.requests.end_term(self.config.bug);
        self.election_timeout = draw_timeout(&mut self.rng, self.config.election_ticks);
    }

    /// Who leads, as far as this member hears. A learner, and who was removed, waits for a leader for ever.
    pub(super) fn leader(&self) -> Option<NodeId> {
        match self.role {
            Role::Follower => self.led_by.filter(|_| self.elapsed < self.election_timeout || self.may_stand()),
            Role::Leader(_) => self.led_by,
            Role::PreCandidate { .. } | Role::Candidate { .. } => None,
        }
    }

    /// The sender leads this member's term.
    pub(super) fn follow(&mut self, leader: NodeId) {
        assert!(
            self.led_by.is_none_or(|known| known == leader),
            "members {leader} and {:?} both lead term {}: a vote was lost or given twice",
            self.led_by,
            self.hard.term
        );
        self.role = Role::Follower;
        self.led_by = Some(leader);
        self.asked_as_voter = false;
        self.elapsed = 0;
        self.heard_at = Some(self.now);
    }

    /// Nothing is heard of a leader, or, if this member led, of a majority: asks whether it would be elected. Whoever
    /// waits for that leader's answer gets one.
    pub(super) fn start_pre_vote(&mut self) {
        self.requests.end_term(self.config.bug);
        self.role = Role::PreCandidate { votes: BTreeSet::new() };
        self.elapsed = 0;
        self.election_timeout = draw_timeout(&mut self.rng, self.config.election_ticks);
        let (last_index, last_term) = (self.log.last_index(), self.log.last_term());
        for peer in self.other_voters() {
            self.send(peer, Body::RequestPreVote { last_index, last_term }, Needs::Term);
        }
        self.on_pre_vote(self.config.id);
    }

    /// A member of this term asks whether it would get this member's vote in the next one.
    pub(super) fn on_request_pre_vote(&mut self, candidate: NodeId, last_index: Index, last_term: Term) {
        self.asked_as_voter = true;
        let is_free = !self.hears_leader() && !self.owes_silence();
        let granted = is_free && is_up_to_date(&self.log, last_index, last_term, self.config.bug);
        self.send(candidate, Body::PreVote { granted }, Needs::Term);
    }

    /// Whether a leader's lease may rest on this member's not voting (dissertation, sections 6.4.1 and 4.2.3): one was heard of
    /// within the shortest election time-out, whatever became of the term since. After a start nobody knows who was.
    pub(super) fn owes_silence(&self) -> bool {
        let heard = |at: u64| self.now - at < u64::from(self.config.election_ticks);
        self.config.lease.is_some() && (matches!(self.role, Role::Leader(_)) || self.heard_at.is_some_and(heard))
    }

    /// Whether a leader was heard of within the shortest election time-out. A leader hears itself: whether others do too
    /// it checks by the quorum.
    pub(super) fn hears_leader(&self) -> bool {
        match self.role {
            Role::Leader(_) => true,
            Role::Follower => self.led_by.is_some() && self.elapsed < self.config.election_ticks,
            Role::PreCandidate { .. } | Role::Candidate { .. } => false,
        }
    }

    /// A member, possibly this one itself, would give its vote.
    pub(super) fn on_pre_vote(&mut self, voter: NodeId) {
        let configuration = self.membership.in_force();
        let Role::PreCandidate { votes } = &mut self.role else { return };
        votes.insert(voter);
        if is_majority(votes, configuration) {
            self.start_election(false);
        }
    }

    /// A leader whose heartbeats no majority has answered for an election time-out may have been replaced: it leads no
    /// longer (dissertation, section 6.2).
    pub(super) fn check_quorum(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        if self.now - leadership.confirmed_at >= u64::from(self.config.election_ticks) {
            self.start_pre_vote();
        }
    }

    /// Starts an election in the next term, by leave of the leader or because there is none.
    pub(super) fn start_election(&mut self, by_leave: bool) {
        self.enter_term(self.hard.term + 1, Some(self.config.id));
        self.role = Role::Candidate { votes: BTreeSet::new() };
        self.elapsed = 0;
        let (last_index, last_term) = (self.log.last_index(), self.log.last_term());
        for peer in self.other_voters() {
            self.send(peer, Body::RequestVote { last_index, last_term, by_leave }, Needs::Term);
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
        let configuration = self.membership.in_force();
        let Role::Candidate { votes } = &mut self.role else { return };
        votes.insert(voter);
        if is_majority(votes, configuration) {
            self.lead();
        }
    }

    /// Leads the term. The entry without content lets the leader commit what earlier leaders left behind (section 8).
    fn lead(&mut self) {
        let (last_index, bug) = (self.log.last_index(), self.config.bug);
        let others = self.membership.in_force().members().keys().filter(|id| **id != self.config.id);
        let peers = others.map(|peer| (*peer, Progress::new(last_index, bug))).collect();
        let learners = BTreeMap::new();
        let reads = Reads::new(self.config.max_requests);
        let seen = Seen::new(self.config.max_requests);
        let (confirmed_at, transfer, gave_leave) = (self.now, None, false);
        let leadership = Leadership { peers, learners, reads, seen, confirmed_at, transfer, gave_leave };
        self.role = Role::Leader(Box::new(leadership));
        self.led_by = Some(self.config.id);
        self.elapsed = 0;
        self.append(Payload::Noop);
    }

    /// Begins to hand the leadership over to another member. Says whether it does: only a leader can, and only to another
    /// voter. Until that has all of the log and was elected, or an election time-out has passed, nothing is taken on.
    pub(super) fn start_transfer(&mut self, to: NodeId) -> bool {
        let until = self.now + u64::from(self.config.election_ticks);
        let is_voter = self.membership.in_force().is_voter(to);
        let Role::Leader(leadership) = &mut self.role else { return false };
        let is_possible = is_voter && leadership.peers.contains_key(&to);
        if is_possible {
            leadership.transfer = Some(Transfer { to, until, is_told: false });
        }
        is_possible
    }

    /// Whether the leadership is being handed over.
    pub(super) fn hands_over(&self) -> bool {
        matches!(&self.role, Role::Leader(leadership) if leadership.transfer.is_some())
    }

    /// Tells the successor to ask for votes, once it has all of the log.
    pub(super) fn hand_over(&mut self) {
        let last_index = self.log.last_index();
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(transfer) = &mut leadership.transfer else { return };
        let to = transfer.to;
        let has_all = leadership.peers.get(&to).is_some_and(|progress| progress.match_index == last_index);
        if has_all && !std::mem::replace(&mut transfer.is_told, true) {
            leadership.gave_leave = self.config.bug != Some(Bug::LeaseAfterTransfer);
            self.send(to, Body::TimeoutNow, Needs::Term);
        }
    }

    /// Goes on leading if the successor took too long.
    pub(super) fn expire_transfer(&mut self) {
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.transfer.take_if(|transfer| transfer.until <= self.now);
    }

    /// The leader hands over to this member. It asks for votes without asking whether it would get them: others hear the
    /// old leader still.
    pub(super) fn on_timeout_now(&mut self, leader: NodeId) {
        if matches!(self.role, Role::Follower) && self.led_by == Some(leader) && self.may_stand() {
            self.start_election(true);
        }
    }

    /// Adds an entry of the leader's own term to its log.
    pub(super) fn append(&mut self, payload: Payload) {
        let index = self.log.last_index() + 1;
        let entry = Entry { term: self.hard.term, index, payload };
        self.membership.appended(&entry);
        self.log.append([entry]);
        self.durability.log_changed(index);
    }
}

/// Draws an election time-out, in ticks. That members draw different ones makes split votes rare (section 5.2).
pub(super) fn draw_timeout(rng: &mut ChaCha8Rng, shortest: u32) -> u32 {
    rng.random_range(shortest..shortest.saturating_mul(2))
}

/// Whether a majority of the voters gave their votes; whoever else did does not count.
fn is_majority(votes: &BTreeSet<NodeId>, configuration: &Configuration) -> bool {
    configuration.voters().filter(|voter| votes.contains(voter)).count() >= configuration.quorum()
}

/// Whether a candidate's log has at least what this log has (section 5.4.1): the later last term wins, then the longer
/// log. Every committed entry is in some log of each majority, so a candidate without it finds no majority.
fn is_up_to_date(log: &Log, last_index: Index, last_term: Term, bug: Option<Bug>) -> bool {
    let last_index = if bug == Some(Bug::ShortLogVote) { Index::MAX } else { last_index };
    (last_term, last_index) >= (log.last_term(), log.last_index())
}
