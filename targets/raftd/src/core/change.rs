//! Changes of the members, one at a time (dissertation, chapter 4).
//!
//! Any majority before a change meets any majority after it, if the two differ by one member. That must hold for whatever
//! two majorities may decide something, so a leader begins a change only when
//! 1. the one before is committed (section 4.1), and
//! 2. an entry of its own term is, so that a change which an earlier leader left uncommitted is committed or gone for good
//!    (Ongaro, "bug in single-server membership changes", raft-dev, 2015).
//!
//! A new member is a learner at first: it is sent the log, and promoted when it has caught up (section 4.2.1). Who is removed
//! goes on until that is committed; a leader that removes itself leads that long, without counting itself (section 4.2.2).

use super::message::Body;
use super::output::{Reason, RequestId};
use super::progress::Progress;
use super::request::Kind;
use super::{Core, Needs, Role};
use crate::types::{Bug, Configuration, Index, MemberChange, NodeId, Payload, Ticket};

/// After so many rounds that each took an election time-out or longer a leader tries no more to promote a learner: it receives
/// less than is written. Whoever adds it again makes the leader try again.
const ROUNDS_MAX: u32 = 10;

/// How a learner catches up: a round sends it what the log held when the round began. Each round is shorter than the one before
/// if the learner is faster than what is written; when one is shorter than an election time-out, so would be the time for
/// which the cluster may have to wait for it as a voter.
#[derive(Debug, Clone)]
pub(super) struct CatchUp {
    /// The rounds that took too long.
    pub(super) slow_rounds: u32,
    /// The end of the log when the round began.
    target: Index,
    /// When that was, in ticks.
    since: u64,
}

impl CatchUp {
    fn begin(target: Index, since: u64) -> CatchUp {
        CatchUp { slow_rounds: 0, target, since }
    }

    /// So much is on the learner's disk: says whether it has caught up. `last_index` is the end of the log now.
    fn reached(&mut self, match_index: Index, last_index: Index, now: u64, election_ticks: u64) -> bool {
        if match_index < self.target || self.slow_rounds >= ROUNDS_MAX {
            return false;
        }
        let is_short = now - self.since < election_ticks;
        self.slow_rounds += u32::from(!is_short);
        (self.target, self.since) = (last_index, now);
        is_short
    }
}

/// Without the ticks.
impl std::hash::Hash for CatchUp {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.slow_rounds, self.target).hash(state);
    }
}

/// What is asked for.
impl Core {
    /// The request at the member that was asked.
    pub(super) fn ask_change(&mut self, id: RequestId, change: MemberChange) {
        let Some(leader) = self.leader() else { return self.requests.refuse(id, Reason::NoLeader) };
        if leader != self.config.id {
            let Some(ticket) = self.requests.open(id, Kind::Proposal, self.deadline()) else { return };
            return self.send(leader, Body::Change { ticket, change }, Needs::Term);
        }
        if let Err(reason) = self.allows(&change) {
            return self.requests.refuse(id, reason);
        }
        if let Some(ticket) = self.requests.open(id, Kind::Proposal, self.deadline()) {
            self.begin_change(Some(ticket), &change);
        }
    }

    /// A change that another member passed on. As with proposals, who does not lead the term stays silent.
    pub(super) fn on_change(&mut self, ticket: Ticket, change: &MemberChange) {
        let Role::Leader(leadership) = &mut self.role else { return };
        if !leadership.seen.is_first(ticket) {
            return;
        }
        match self.allows(change) {
            Ok(()) => self.begin_change(Some(ticket), change),
            Err(reason) => self.refuse(ticket, reason),
        }
    }

    /// Whether the leader makes a change now, or why not.
    fn allows(&self, change: &MemberChange) -> Result<(), Reason> {
        let now = self.membership.in_force();
        match change {
            // A learner may be added again: the leader tries again to promote it.
            MemberChange::Add { id, address } => match now.members().get(id) {
                Some(place) if now.is_voter(*id) || place.address != *address => return Err(Reason::AlreadyMember),
                None if !now.is_new(*id) => return Err(Reason::NumberUsed),
                Some(_) | None => {}
            },
            MemberChange::Promote { id } | MemberChange::Remove { id } if !now.contains(*id) => {
                return Err(Reason::UnknownMember);
            }
            MemberChange::Remove { id } if now.voters().all(|voter| voter == *id) => return Err(Reason::LastVoter),
            MemberChange::Promote { .. } | MemberChange::Remove { .. } => {}
        }
        self.may_change()
    }

    /// Whether a change may begin now.
    fn may_change(&self) -> Result<(), Reason> {
        match () {
            () if self.hands_over() => Err(Reason::HandingOver),
            () if self.config.bug == Some(Bug::ChangesAtOnce) => Ok(()),
            () if self.membership.since() > self.commit => Err(Reason::ChangeUnderWay),
            () if !self.has_committed_in_term() => Err(Reason::NotSettled),
            () => Ok(()),
        }
    }
}

/// What a leader does with a change.
impl Core {
    /// Makes a change, which is in force with the next entry. Who is removed is sent the log until that is committed, so that it
    /// learns of it.
    fn begin_change(&mut self, ticket: Option<Ticket>, change: &MemberChange) {
        let (last_index, bug) = (self.log.last_index(), self.config.bug);
        let configuration = self.membership.in_force().after(change);
        self.append(Payload::Configuration { ticket, configuration });
        let Role::Leader(leadership) = &mut self.role else { return };
        if let MemberChange::Add { id, .. } = change {
            leadership.peers.entry(*id).or_insert_with(|| Progress::new(last_index, bug));
            leadership.learners.remove(id);
        }
    }

    /// Something more is committed: if that is the configuration in force, who left is told, and nothing more.
    pub(super) fn part_with_removed(&mut self) {
        let (now, since) = (self.membership.in_force(), self.membership.since());
        let Role::Leader(leadership) = &self.role else { return };
        if since > self.commit {
            return;
        }
        let removed: Vec<NodeId> = leadership.peers.keys().copied().filter(|id| !now.contains(*id)).collect();
        for id in removed {
            if let Role::Leader(leadership) = &self.role
                && leadership.peers.get(&id).is_some_and(|progress| !progress.gets_snapshot())
            {
                self.send_append(id, self.config.max_batch_entries);
            }
            if let Role::Leader(leadership) = &mut self.role {
                leadership.peers.remove(&id);
            }
        }
    }

    /// Promotes a learner that has caught up, if the leader may.
    pub(super) fn promote(&mut self) {
        let (last_index, now) = (self.log.last_index(), self.now);
        let election_ticks = u64::from(self.config.election_ticks);
        let configuration = self.membership.in_force();
        let Role::Leader(leadership) = &mut self.role else { return };
        let leadership = leadership.as_mut();
        leadership.learners.retain(|id, _| configuration.contains(*id) && !configuration.is_voter(*id));
        let learners = configuration.members().keys().copied().filter(|id| !configuration.is_voter(*id));
        let mut ready = None;
        for id in learners {
            let catch_up = leadership.learners.entry(id).or_insert_with(|| CatchUp::begin(last_index, now));
            let match_index = leadership.peers.get(&id).map_or(0, |progress| progress.match_index);
            if catch_up.reached(match_index, last_index, now, election_ticks) {
                ready = ready.or(Some(id));
            }
        }
        let Some(id) = ready else { return };
        // If another change is under way a next round will do.
        let change = MemberChange::Promote { id };
        if self.allows(&change).is_ok() {
            self.begin_change(None, &change);
        }
    }

    /// A leader that is not among the voters leads no longer once what says so is committed, and an entry of its own term: before
    /// that it may hold what no voter has, and nobody else could be elected. Whom it can it tells to ask for votes at once, so
    /// that nobody has to wait for a time-out.
    pub(super) fn leave(&mut self) {
        let configuration = self.membership.in_force();
        let is_over = !configuration.is_voter(self.config.id)
            && self.membership.since() <= self.commit
            && self.has_committed_in_term();
        let Role::Leader(leadership) = &self.role else { return };
        if !is_over {
            return;
        }
        let has_all = |id: &NodeId| {
            leadership.peers.get(id).is_some_and(|progress| progress.match_index == self.log.last_index())
        };
        let successor = configuration.voters().find(has_all);
        if let Some(successor) = successor {
            self.send(successor, Body::TimeoutNow, Needs::Term);
        }
        self.role = Role::Follower;
        self.led_by = None;
        self.elapsed = 0;
        self.requests.end_term(self.config.bug);
    }

    /// Whether this member may ask for votes: as a voter; as one whose removal is not known to be committed; or as a learner that
    /// was asked for its own vote, so that somebody knows of its promotion. Those may be the only ones that can be elected: of two
    /// members, the one that removes itself has the longer log, and the other needs its vote (section 4.2.2); and a learner may
    /// hold an entry that no voter has, which makes it deny its vote to all of them. None of them counts its own vote.
    pub(super) fn may_stand(&self) -> bool {
        let was_voter = |configuration: &Configuration| configuration.is_voter(self.config.id);
        was_voter(self.membership.in_force())
            || self.membership.since() > self.commit && self.membership.before().is_some_and(was_voter)
            || self.asked_as_voter && self.membership.in_force().contains(self.config.id)
    }
}
