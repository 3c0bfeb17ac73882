//! The Raft core: a deterministic state machine without input or output of its own.
//!
//! Told what happens ([`tick`](Core::tick), [`receive`](Core::receive), [`propose`](Core::propose), [`read`](Core::read),
//! [`persisted`](Core::persisted)), it piles up what has to be done; the caller takes that with [`drain`](Core::drain),
//! sends, writes, applies and answers. It must not know clocks, threads, networks, disks, what a command means, or any
//! randomness but its seed: the same calls give the same output.
//!
//! It follows Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)", called the
//! extended paper, and Ongaro's dissertation, "Consensus: Bridging Theory and Practice". Members come and go one at a time:
//! see [`Core::change`].
//!
//! A cluster of one member, from start to its first committed command:
//!
//! ```
//! use raftd::core::{Config, Core};
//! use raftd::types::HardState;
//!
//! let mut core = Core::new(Config::new(1, vec![1], 77, 42), HardState::default(), None, Vec::new())?;
//! core.campaign();
//! let mut applied = Vec::new();
//! for round in 0..4 {
//!     let output = core.drain();
//!     applied.extend(output.committed.iter().map(|committed| committed.proposal));
//!     if let Some(persist) = output.persist {
//!         // ... write it to disk, wait until it is durable ...
//!         core.persisted(persist.sequence);
//!     }
//!     if round == 1 {
//!         core.propose(7, b"x=1".to_vec());
//!     }
//! }
//! assert_eq!(applied, [None, Some(7)], "the leader's empty entry, then the command that request 7 waits for");
//! # Ok::<(), raftd::core::StartError>(())
//! ```
//!
//! # What becomes of a request
//!
//! A request is asked of any member; one that does not lead passes it on. It ends in one of three ways at the member that
//! was asked: as [`Committed`] with the request's name (apply the entry and answer with the result), as [`Granted`] (apply
//! so much, then read), or as [`Failed`]. A command carries its ticket in the log, so the member that was asked
//! recognises it there. When a member enters a new term, every request it has not seen through fails: a command's fate
//! is unknown then, a read certainly has no effect.

mod change;
mod config;
mod durability;
mod election;
mod log;
mod membership;
pub mod message;
mod output;
mod progress;
pub mod read;
mod replication;
mod request;
mod seen;
mod snapshot;

pub use config::{Config, Lease, StartError};
pub use message::{Body, Message, SnapshotName};
pub use output::{
    Committed, Failed, Fate, Granted, Output, PeerProgress, Persist, Reason, RequestId, RoleName, Status,
};
pub use read::ReadBy;

use crate::types::{Bug, Configuration, Entry, HardState, Index, MemberChange, NodeId, Snapshot, Term};
use durability::{Durability, Needs};
use election::Role;
use log::Log;
use membership::Membership;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use request::Requests;
use snapshot::Arriving;
use std::hash::{Hash, Hasher};

/// One member of a cluster.
#[derive(Debug, Clone)]
pub struct Core {
    config: Config,
    hard: HardState,
    log: Log,
    /// Who belongs to the cluster, as the log and the snapshot say.
    membership: Membership,
    /// The newest snapshot that is known to be whole; the log begins behind it, or earlier.
    snapshot: Option<Snapshot>,
    /// What has come of a snapshot from the leader.
    arriving: Option<Arriving>,
    /// A snapshot from the leader, to be written and to be put in the place of the state machine.
    installed: Option<Snapshot>,
    role: Role,
    /// Who leads this term, or led it when last heard of.
    led_by: Option<NodeId>,
    /// commitIndex of the paper.
    commit: Index,
    /// How much of the log was handed out to be applied.
    handed_out: Index,
    /// The last index at the start.
    recovered: Index,
    durability: Durability,
    requests: Requests,
    /// Ticks since the start.
    now: u64,
    /// What the member's clock showed when last told, in microseconds.
    clock_us: u64,
    /// The tick at which a leader was heard of last, of whatever term. At the start nobody knows, so it counts as one.
    heard_at: Option<u64>,
    /// Since it last heard of a leader, somebody asked this member for its vote: so it is a voter, as somebody knows.
    asked_as_voter: bool,
    /// Ticks since the last heartbeat sent (leader), or since the election timer was reset (others).
    elapsed: u32,
    /// Ticks until a member that hears of no leader asks for votes.
    election_timeout: u32,
    rng: ChaCha8Rng,
}

impl Core {
    /// Starts a member with what its disk holds: defaults at the very first start. The state machine begins with the
    /// snapshot, the log behind it.
    ///
    /// # Errors
    ///
    /// If the configuration contradicts itself, or the log or hard state cannot have been written by this member.
    pub fn new(
        config: Config,
        hard_state: HardState,
        snapshot: Option<Snapshot>,
        log: Vec<Entry>,
    ) -> Result<Core, StartError> {
        config.validate()?;
        let start = snapshot.as_ref().map_or((0, 0), |snapshot| (snapshot.last_index, snapshot.last_term));
        let log = Log::new(start, log).map_err(|index| StartError::BrokenLog { index })?;
        if log.last_term() > hard_state.term {
            return Err(StartError::HardStateLost { last_term: log.last_term(), term: hard_state.term });
        }
        let members = snapshot.as_ref().map_or(&config.members, |snapshot| &snapshot.configuration);
        let mut membership = Membership::new(start.0, members.clone());
        log.between(log.start(), log.last_index()).iter().for_each(|entry| membership.appended(entry));
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(config.id);
        let voted_for = if config.bug == Some(Bug::ForgetVote) { None } else { hard_state.voted_for };
        Ok(Core {
            hard: HardState { voted_for, ..hard_state },
            role: Role::Follower,
            led_by: None,
            commit: if config.bug == Some(Bug::TailIsCommitted) { log.last_index() } else { start.0 },
            handed_out: start.0,
            snapshot,
            arriving: None,
            installed: None,
            recovered: log.last_index(),
            durability: Durability::new(log.last_index()),
            requests: Requests::new(config.id, config.incarnation, config.max_requests),
            now: 0,
            clock_us: 0,
            heard_at: config.lease.map(|_| 0),
            asked_as_voter: false,
            elapsed: 0,
            election_timeout: election::draw_timeout(&mut rng, config.election_ticks),
            rng,
            log,
            membership,
            config,
        })
    }

    /// One unit of time passed.
    pub fn tick(&mut self) {
        self.now += 1;
        self.requests.expire(self.now);
        self.elapsed += 1;
        match &mut self.role {
            Role::Leader(leadership) if self.elapsed >= self.config.heartbeat_ticks => {
                leadership.peers.values_mut().for_each(progress::Progress::heartbeat_due);
                self.elapsed = 0;
                self.start_round();
            }
            Role::Follower | Role::PreCandidate { .. } | Role::Candidate { .. }
                if self.elapsed >= self.election_timeout =>
            {
                match self.may_stand() {
                    true => self.start_pre_vote(),
                    false => self.requests.end_term(self.config.bug),
                }
            }
            _ => {}
        }
        self.expire_transfer();
        self.promote();
        self.check_quorum();
    }

    /// What the member's clock shows, in microseconds since any instant: a clock that never goes back, whoever sets the time,
    /// and goes on while the member stands still. Leases need it. Tell it after all that came before [`Core::drain`]:
    /// reads that came before are granted by the lease, if it holds now.
    pub fn clock(&mut self, now_us: u64) {
        self.clock_us = now_us;
        self.serve_by_lease();
    }

    /// Asks for votes now, without asking whether there is a leader already. A leader goes on leading; where leases are used
    /// nobody asks who must not give a vote; and nobody who is no voter.
    pub fn campaign(&mut self) {
        if !matches!(self.role, Role::Leader(_)) && !self.owes_silence() && self.may_stand() {
            self.start_election(false);
        }
    }

    /// Hands the leadership over to `to` (dissertation, section 3.10): as soon as that member has all of the log it asks
    /// for votes. Says whether it was begun; only the leader can, and only to another voter. Meanwhile it takes no
    /// proposals; after an election time-out it gives up and goes on leading.
    pub fn transfer(&mut self, to: NodeId) -> bool {
        self.start_transfer(to)
    }

    /// A message came. What comes to somebody else, or misshapen, is ignored; so is what would depose a leader that is heard, if
    /// it comes from somebody who is no member here: most likely it was removed. All else is heeded, whoever says it: somebody
    /// else may know of a newer configuration than this member does (dissertation, sections 4.1 and 4.2.3).
    ///
    /// # Panics
    ///
    /// If the message proves that the cluster's safety is already lost (two leaders in a term, a committed entry
    /// contradicted): some disk forgot what it had promised to keep. To go on would spread the damage.
    pub fn receive(&mut self, message: Message) {
        let Message { from, to, term, body } = message;
        if to != self.config.id || from == to || !body.is_well_formed(term) {
            return;
        }
        let may_disturb = !self.membership.in_force().contains(from) && body.may_disturb(term > self.hard.term);
        if may_disturb && self.hears_leader() {
            return;
        }
        if matches!(body, Body::RequestVote { by_leave: false, .. }) && term >= self.hard.term && self.owes_silence() {
            return;
        }
        if term > self.hard.term {
            self.enter_term(term, None);
        }
        let counts = self.config.bug == Some(Bug::CountOldVote) && matches!(body, Body::Vote { granted: true });
        if term < self.hard.term && !counts {
            if body.comes_from_leader_or_candidate() {
                self.send(from, Body::Outdated, Needs::Term);
            }
            return;
        }
        self.receive_in_term(from, body);
    }

    fn receive_in_term(&mut self, from: NodeId, body: Body) {
        match body {
            Body::RequestVote { last_index, last_term, .. } => self.on_request_vote(from, last_index, last_term),
            Body::Vote { granted: true } => self.on_vote(from),
            Body::RequestPreVote { last_index, last_term } => self.on_request_pre_vote(from, last_index, last_term),
            Body::PreVote { granted: true } => self.on_pre_vote(from),
            Body::Vote { granted: false } | Body::PreVote { granted: false } | Body::Outdated => {}
            Body::TimeoutNow => self.on_timeout_now(from),
            Body::Append { previous_index, previous_term, entries, commit } => {
                self.follow(from);
                self.on_append(from, (previous_index, previous_term), entries, commit);
            }
            Body::Appended { match_index } => self.on_appended(from, match_index),
            Body::AppendRejected { previous_index, conflict_term, first_index } => {
                self.on_append_rejected(from, previous_index, conflict_term, first_index);
            }
            Body::Chunk { snapshot, configuration, offset, bytes } => {
                self.follow(from);
                self.on_chunk(from, snapshot, configuration, (offset, &bytes));
            }
            Body::ChunkReceived { snapshot, offset } => self.on_chunk_received(from, snapshot, offset),
            Body::Heartbeat { round, commit } => {
                self.follow(from);
                self.on_heartbeat(from, round, commit);
            }
            Body::HeartbeatEcho { round } => self.on_echo(from, round),
            Body::Propose { ticket, bytes } => self.on_propose(ticket, bytes),
            Body::Read { ticket, by } => self.lead_read(ticket, by),
            Body::Change { ticket, change } => self.on_change(ticket, &change),
            Body::Refused { ticket, reason } => self.requests.refused(ticket, reason),
            Body::ReadGranted { ticket, index } => {
                let index = if self.config.bug == Some(Bug::ReadUnapplied) { 0 } else { index };
                self.requests.granted(ticket, index);
            }
        }
    }

    /// A client asks for a command to be done. What becomes of it: see the module's page.
    pub fn propose(&mut self, id: RequestId, command: Vec<u8>) {
        self.ask_proposal(id, command);
    }

    /// A client asks to read the state, as it is now or will be. However the leader makes sure of that, what is read is the
    /// same; by a lease it is sooner.
    pub fn read(&mut self, id: RequestId, by: ReadBy) {
        self.ask_read(id, by);
    }

    /// Somebody wants the members changed. A new one comes as a learner; the leader promotes it by itself when it has caught up.
    /// When the change is committed it comes back as [`Committed`], as a command does.
    ///
    /// One change is made at a time, and by a leader that has committed an entry of its own term. It is in force from when it is
    /// in the log on, at each member.
    pub fn change(&mut self, id: RequestId, change: MemberChange) {
        self.ask_change(id, change);
    }

    /// All [`Persist`] requests up to number `sequence` are durable.
    ///
    /// # Panics
    ///
    /// If no such request was made.
    pub fn persisted(&mut self, sequence: u64) {
        self.durability.persisted(sequence);
        if matches!(self.role, Role::Candidate { .. }) && self.durability.term_is_durable() {
            self.on_vote(self.config.id);
        }
        self.advance_commit();
    }

    /// A snapshot that the caller took of its state machine is durable. The log may lose the entries that it stands for.
    ///
    /// # Panics
    ///
    /// If the snapshot holds what was not handed out yet.
    pub fn snapshot_saved(&mut self, snapshot: Snapshot) {
        self.compact(snapshot);
    }

    /// Takes everything that piled up. Call it after any other call; calling it after several lets their entries and
    /// reads share messages.
    pub fn drain(&mut self) -> Output {
        self.settle_leased(false);
        self.serve_reads();
        self.replicate();
        self.hand_over();
        let committed = self.hand_out();
        self.leave();
        let install = self.installed.clone();
        Output {
            persist: self.persist_request(),
            install,
            messages: self.durability.speakable(),
            granted: self.requests.servable(self.handed_out),
            failed: self.requests.take_failed(),
            committed,
        }
    }

    /// What the member believes now.
    pub fn status(&self) -> Status {
        Status {
            id: self.config.id,
            role: match self.role {
                Role::Follower => RoleName::Follower,
                Role::PreCandidate { .. } => RoleName::PreCandidate,
                Role::Candidate { .. } => RoleName::Candidate,
                Role::Leader(_) => RoleName::Leader,
            },
            term: self.hard.term,
            leader: self.leader(),
            voted_for: self.hard.voted_for,
            commit: self.commit,
            first_index: self.log.start() + 1,
            snapshot_index: self.snapshot.as_ref().map_or(0, |snapshot| snapshot.last_index),
            last_index: self.log.last_index(),
            last_term: self.log.last_term(),
            durable_index: self.durability.durable_index(),
            lease_left_us: self.lease_left_us(),
        }
    }

    /// The members that are in force here, committed or not.
    pub fn members(&self) -> &Configuration {
        self.membership.in_force()
    }

    /// The entry from which on they are.
    pub fn members_since(&self) -> Index {
        self.membership.since()
    }

    /// A number that differs when others are in force than before.
    pub fn members_version(&self) -> u64 {
        self.membership.version()
    }

    /// The members as of an entry that the log has or begins behind; none if nobody has told this member yet: it joins.
    pub fn members_at(&self, index: Index) -> Option<&Configuration> {
        self.membership.at(index).filter(|configuration| !configuration.members().is_empty())
    }

    /// What this member knows of the others, if it leads.
    pub fn progress(&self) -> Vec<PeerProgress> {
        let Role::Leader(leadership) = &self.role else { return Vec::new() };
        let known = leadership.peers.iter().map(|(id, peer)| PeerProgress {
            id: *id,
            matched: peer.match_index,
            next: peer.next_index,
            needs_snapshot: peer.gets_snapshot(),
            slow_rounds: leadership.learners.get(id).map(|catch_up| catch_up.slow_rounds),
        });
        known.collect()
    }

    /// Hashes all that decides what the member does next but clocks and chance: for whoever looks at all that can happen,
    /// members that hash alike are alike.
    pub fn hash_but_for_time(&self, state: &mut impl Hasher) {
        (self.config.incarnation, self.hard, self.led_by, self.commit, self.handed_out, self.recovered).hash(state);
        (&self.log, &self.role, &self.durability, &self.requests).hash(state);
        (&self.snapshot, &self.arriving, &self.installed).hash(state);
    }

    /// The planted bug, if there is one.
    pub fn bug(&self) -> Option<Bug> {
        self.config.bug
    }

    /// The log, as far as it is kept.
    pub fn entries(&self) -> &[Entry] {
        self.log.between(self.log.start(), self.log.last_index())
    }

    /// The entry that the log begins behind, with its term: what a snapshot stands for; both 0 if the log is whole.
    pub fn log_start(&self) -> (Index, Term) {
        let start = self.log.start();
        (start, self.log.term_at(start).unwrap_or(0))
    }

    fn hand_out(&mut self) -> Vec<Committed> {
        let entries = self.log.between(self.handed_out, self.commit).to_vec();
        self.handed_out = self.commit;
        let committed = entries.into_iter().map(|entry| Committed {
            proposal: entry.payload.ticket().and_then(|ticket| self.requests.committed(ticket)),
            entry,
        });
        committed.collect()
    }

    fn persist_request(&mut self) -> Option<Persist> {
        let last_index = self.log.last_index();
        let (mut persist, first) = self.durability.request(self.hard, last_index)?;
        persist.snapshot = self.installed.take();
        if let Some(first) = first {
            persist.entries = self.log.between((first - 1).max(self.log.start()), last_index).to_vec();
        }
        Some(persist)
    }

    fn send(&mut self, to: NodeId, body: Body, needs: Needs) {
        let message = Message { from: self.config.id, to, term: self.hard.term, body };
        self.durability.send(message, needs);
    }

    fn other_voters(&self) -> Vec<NodeId> {
        self.membership.in_force().voters().filter(|voter| *voter != self.config.id).collect()
    }

    /// The tick at which a request that is asked now is given up.
    fn deadline(&self) -> u64 {
        self.now + u64::from(self.config.request_ticks)
    }
}

/// The highest value that at least `quorum` of the members reached.
fn reached_by(quorum: usize, values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable_by(|a, b| b.cmp(a));
    values[quorum - 1]
}
