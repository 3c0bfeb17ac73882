//! The loop.

use super::journal::Durable;
use super::{Failure, Freshness, Journal, MemberStatus, PeerStatus, Request, Windows, clock};
use crate::core::{self, Committed, Core, Granted, Message, Output, ReadBy, RequestId, RoleName};
use crate::machine::{Command, CommandError, Expiry, Machine, StateError};
use crate::peer::Links;
use crate::storage::StorageError;
use crate::types::{Bug, Configuration, Entry, Index, NodeId, Payload, Place, Snapshot, Term};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};
use tracing::{debug, info, warn};

/// How many inputs are taken before what they led to is carried out. It lets requests share messages and writes.
const INPUTS_MAX: usize = 256;

/// One member: core, state machine, and what both act upon.
#[derive(Debug)]
pub struct Member {
    core: Core,
    machine: Machine,
    applied: Index,
    /// The term of the entry that was applied last.
    applied_term: Term,
    /// A snapshot is taken when so many entries were applied since the last one.
    snapshot_entries: u64,
    /// The last entry of the newest snapshot, taken or installed.
    snapshot_index: Index,
    /// The snapshot that is being encoded.
    encoding: JoinSet<Snapshot>,
    /// Whether a snapshot is being written.
    is_writing: bool,
    journal: Journal,
    links: Links,
    /// Requests that the core has taken on.
    open: HashMap<RequestId, Request>,
    last_id: RequestId,
    /// When the leases of clients are over.
    expiry: Expiry,
    /// Counts the ticks, and stands still while the member does.
    ticks: u64,
    tick_ms: u64,
    windows: Windows,
    /// Which of the core's configurations the links were made for.
    members_version: u64,
    /// What the log was last told of the core.
    logged: core::Status,
}

/// Where a member hears from.
#[derive(Debug)]
pub struct Inputs {
    /// The other members.
    pub messages: mpsc::Receiver<Message>,
    /// The clients.
    pub requests: mpsc::Receiver<Request>,
    /// Becomes true when the member shall stop.
    pub stop: watch::Receiver<bool>,
    /// The length of a tick of the core.
    pub tick: Duration,
}

/// Why a member cannot go on.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The disk failed. What was acknowledged before is safe.
    #[error("the member stops, since it cannot keep promises without its disk: {0}")]
    Storage(#[from] StorageError),
    /// A snapshot holds what this version does not understand.
    #[error("the snapshot of the entries up to {index} cannot be used: {source}")]
    State {
        /// The last entry that it stands for.
        index: Index,
        /// What is wrong with it.
        source: StateError,
    },
    /// The log holds what this version does not understand.
    #[error("entry {index} cannot be applied: {source}")]
    Command {
        /// The entry.
        index: Index,
        /// What is wrong with it.
        source: CommandError,
    },
}

enum Input {
    Tick,
    Stop,
    Durable(Result<Durable, StorageError>),
    Encoded(Snapshot),
    Message(Option<Message>),
    Request(Option<Request>),
}

impl Member {
    /// A member that has done nothing yet; its state machine begins with the snapshot that its core was started with. It
    /// takes one of its own every `snapshot_entries` entries. What shows in `windows` is kept up to date.
    ///
    /// # Errors
    ///
    /// If the snapshot holds what this version does not understand.
    pub fn new(
        core: Core,
        snapshot: Option<&Snapshot>,
        snapshot_entries: u64,
        journal: Journal,
        links: Links,
        windows: Windows,
    ) -> Result<Member, NodeError> {
        let mut member = Member {
            machine: Machine::with_bug(core.bug()),
            applied: 0,
            applied_term: 0,
            snapshot_entries,
            snapshot_index: 0,
            encoding: JoinSet::new(),
            is_writing: false,
            journal,
            links,
            open: HashMap::new(),
            last_id: 0,
            expiry: Expiry::default(),
            ticks: 0,
            tick_ms: 0,
            windows,
            members_version: core.members_version(),
            logged: core.status(),
            core,
        };
        snapshot.map_or(Ok(()), |snapshot| member.install(snapshot))?;
        member.meet_members();
        member.show();
        Ok(member)
    }

    /// Works until it is told to stop or cannot go on. Requests that are open then are answered: those that nobody
    /// acted upon as not done, the others as unknown.
    pub async fn run(mut self, mut inputs: Inputs) -> Result<(), NodeError> {
        self.tick_ms = u64::try_from(inputs.tick.as_millis()).unwrap_or(u64::MAX);
        let mut ticks = tokio::time::interval(inputs.tick);
        // A process that was paused must not believe that an hour of ticks passed at once.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outcome = self.work(&mut inputs, &mut ticks).await;
        inputs.requests.close();
        while let Ok(request) = inputs.requests.try_recv() {
            request.fail(Failure::NOT_TAKEN);
        }
        self.open.drain().for_each(|(_, request)| request.fail(Failure::CUT_OFF));
        outcome
    }

    async fn work(&mut self, inputs: &mut Inputs, ticks: &mut Interval) -> Result<(), NodeError> {
        self.carry_out()?;
        loop {
            let input = tokio::select! {
                biased;
                _ = inputs.stop.wait_for(|stop| *stop) => Input::Stop,
                outcome = self.journal.outcome() => Input::Durable(outcome),
                Some(Ok(snapshot)) = self.encoding.join_next() => Input::Encoded(snapshot),
                _ = ticks.tick() => Input::Tick,
                message = inputs.messages.recv() => Input::Message(message),
                request = inputs.requests.recv() => Input::Request(request),
            };
            match input {
                Input::Stop => return Ok(()),
                Input::Durable(outcome) => match outcome? {
                    Durable::UpTo(sequence, took) => {
                        self.windows.metrics.fsync.took(took);
                        self.core.persisted(sequence);
                    }
                    Durable::Snapshot(snapshot, took) => {
                        self.is_writing = false;
                        self.windows.metrics.snapshot_write.took(took);
                        let (term, index) = (snapshot.last_term, snapshot.last_index);
                        info!(term, index, bytes = snapshot.state.len(), took_ms = took.as_millis(), "snapshot saved");
                        self.windows.metrics.snapshot_bytes.store(snapshot.state.len() as u64, Ordering::Relaxed);
                        self.core.snapshot_saved(snapshot);
                    }
                },
                Input::Encoded(snapshot) => {
                    self.is_writing = true;
                    self.journal.submit_snapshot(snapshot);
                }
                Input::Tick => {
                    self.core.tick();
                    self.end_leases();
                    self.show();
                }
                Input::Message(Some(message)) => self.core.receive(message),
                Input::Request(Some(request)) => self.take(request),
                // Nobody is left who could ask or speak.
                Input::Message(None) | Input::Request(None) => return Ok(()),
            }
            self.take_what_waits(inputs);
            // Not before: a lease must hold after the reads came that it grants.
            self.core.clock(clock::now_us(self.core.bug()));
            self.carry_out()?;
        }
    }

    fn take_what_waits(&mut self, inputs: &mut Inputs) {
        for _ in 0..INPUTS_MAX {
            let Ok(message) = inputs.messages.try_recv() else { break };
            self.core.receive(message);
        }
        for _ in 0..INPUTS_MAX {
            let Ok(request) = inputs.requests.try_recv() else { break };
            self.take(request);
        }
    }

    fn take(&mut self, mut request: Request) {
        // The client has gone, and was told that nobody knows; so nobody minds if nothing happens.
        if request.is_abandoned() {
            return;
        }
        if let Request::Ask { freshness: Freshness::Local, .. } = &request {
            return self.answer(request);
        }
        if let Request::Transfer { to, reply } = request {
            let begun = self.core.transfer(to);
            let core::Status { term, last_index: last, .. } = self.core.status();
            info!(term, last, to, begun, "asked to hand the leadership over");
            let _ = reply.send(Ok(begun));
            return;
        }
        self.last_id += 1;
        match &mut request {
            Request::Change { command, .. } => self.core.propose(self.last_id, std::mem::take(command)),
            Request::Ask { freshness, .. } => {
                let by = if *freshness == Freshness::Leased { ReadBy::Lease } else { ReadBy::Majority };
                self.core.read(self.last_id, by);
            }
            Request::Members { change, .. } => {
                let core::Status { term, last_index: last, .. } = self.core.status();
                info!(term, last, ?change, "asked to change the members");
                self.core.change(self.last_id, change.clone());
            }
            Request::Transfer { .. } => {}
        }
        self.open.insert(self.last_id, request);
    }

    /// Does what the core wants done.
    fn carry_out(&mut self) -> Result<(), NodeError> {
        let Output { messages, persist, install, committed, granted, failed } = self.core.drain();
        if self.members_version != self.core.members_version() {
            self.members_version = self.core.members_version();
            self.meet_members();
            self.show();
        }
        messages.into_iter().for_each(|message| self.links.send(message));
        if let Some(persist) = persist {
            self.journal.submit(persist);
        }
        if let Some(snapshot) = install {
            let (term, index) = (snapshot.last_term, snapshot.last_index);
            info!(term, index, bytes = snapshot.state.len(), "installs a snapshot of the leader's");
            self.install(&snapshot)?;
        }
        let has_news = !committed.is_empty();
        committed.into_iter().try_for_each(|committed| self.apply(committed))?;
        if has_news {
            self.windows.feed.tell();
        }
        granted.into_iter().for_each(|granted| self.serve(granted));
        for failed in failed {
            debug!(term = self.logged.term, request = failed.id, fate = ?failed.fate, reason = %failed.reason, "a request failed");
            if let Some(request) = self.open.remove(&failed.id) {
                request.fail(failed.into());
            }
        }
        self.take_snapshot();
        self.log_changes();
        Ok(())
    }

    /// If this member leads, proposes the end of the leases whose time is over.
    fn end_leases(&mut self) {
        self.ticks += 1;
        let core::Status { role, term, commit, .. } = self.core.status();
        let leads = (role == RoleName::Leader).then_some(term);
        let now_ms = clock::expiry_ms(self.ticks * self.tick_ms, self.core.bug());
        if let Some(change) = self.expiry.due(leads, self.machine.leases(), now_ms) {
            // Nobody waits for an answer: what came of it shows in the state.
            debug!(term, commit, ?change, "asks for leases to end");
            self.last_id += 1;
            self.core.propose(self.last_id, Command { serial: None, change }.encode());
        }
    }

    /// Takes a snapshot if it is time. The state is copied between two entries, and encoded elsewhere while entries go on
    /// to be applied here.
    fn take_snapshot(&mut self) {
        let is_under_way = self.is_writing || !self.encoding.is_empty();
        if self.applied - self.snapshot_index < self.snapshot_entries || is_under_way {
            return;
        }
        // Who joins and has not been told yet who belongs to the cluster cannot say so in a snapshot, and waits.
        let Some(configuration) = self.core.members_at(self.applied).cloned() else { return };
        let (machine, last_index, last_term) = (self.machine.clone(), self.applied, self.applied_term);
        self.snapshot_index = last_index;
        self.encoding.spawn_blocking(move || {
            let state = machine.encode().into();
            Snapshot { last_index, last_term, configuration, state }
        });
    }

    /// Puts a snapshot in the place of the state machine.
    fn install(&mut self, snapshot: &Snapshot) -> Result<(), NodeError> {
        let Snapshot { last_index, last_term, state, .. } = snapshot;
        let machine = Machine::decode(state, self.core.bug());
        self.machine = machine.map_err(|source| NodeError::State { index: *last_index, source })?;
        (self.applied, self.applied_term, self.snapshot_index) = (*last_index, *last_term, *last_index);
        if self.core.bug() != Some(Bug::WatchPastSnapshot) {
            self.windows.feed.restart(*last_index);
        }
        self.windows.feed.tell();
        self.windows.metrics.snapshot_bytes.store(state.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Calls all members that are in force. Who is no more is called until that is committed.
    fn meet_members(&mut self) {
        let members = self.core.members();
        let (term, since) = (self.core.status().term, self.core.members_since());
        info!(term, since, %members, "the members");
        self.links.meet(members.members().iter().map(|(id, place)| (*id, place.address.as_str())));
    }

    /// A change of the members is committed: who left is called no more.
    fn members_changed(&mut self, entry: &Entry, configuration: &Configuration, proposal: Option<RequestId>) {
        let Entry { term, index, .. } = entry;
        info!(term, index, members = %configuration, "a change of the members is committed");
        let in_force = self.core.members().members().keys();
        let called = configuration.members().keys().chain(in_force).copied().collect();
        self.links.part(&called);
        if let Some(Request::Members { reply, .. }) = proposal.and_then(|id| self.open.remove(&id)) {
            let _ = reply.send(Ok(*index));
        }
    }

    fn apply(&mut self, Committed { entry, proposal }: Committed) -> Result<(), NodeError> {
        let index = entry.index;
        if let Payload::Command { bytes, .. } = &entry.payload {
            let command = Command::decode(bytes).map_err(|source| NodeError::Command { index, source })?;
            let (answer, events) = self.machine.apply_telling(index, &command);
            self.windows.feed.add(index, events);
            if let Some(Request::Change { reply, .. }) = proposal.and_then(|id| self.open.remove(&id)) {
                let _ = reply.send(Ok(answer));
            }
        } else {
            self.windows.feed.add(index, Vec::new());
        }
        if let Payload::Configuration { configuration, .. } = &entry.payload {
            self.members_changed(&entry, configuration, proposal);
        }
        (self.applied, self.applied_term) = (index, entry.term);
        Ok(())
    }

    fn serve(&mut self, Granted { id, index }: Granted) {
        assert!(self.applied >= index, "read {id} was granted at {index}, but only {} is applied", self.applied);
        if let Some(request) = self.open.remove(&id) {
            self.answer(request);
        }
    }

    /// Answers a question from what is applied here.
    fn answer(&self, request: Request) {
        if let Request::Ask { query, reply, .. } = request {
            let _ = reply.send(Ok(self.machine.view(&query)));
        }
    }

    /// Brings the status up to date.
    fn show(&self) {
        let core = self.core.status();
        let peers = self.core.progress().into_iter().map(|peer| PeerStatus {
            id: peer.id,
            matched: peer.matched,
            next: peer.next,
            needs_snapshot: peer.needs_snapshot,
            slow_rounds: peer.slow_rounds,
        });
        let place = |(id, place): (&NodeId, &Place)| MemberStatus {
            id: *id,
            role: place.standing,
            address: place.address.clone(),
        };
        let members = self.core.members().members().iter().map(place);
        self.windows.status.send_modify(|status| {
            status.role = core.role.to_string();
            status.term = core.term;
            status.voted_for = core.voted_for;
            status.leader = core.leader;
            status.commit = core.commit;
            status.applied = self.applied;
            status.snapshot = core.snapshot_index;
            status.first = if core.first_index > core.last_index { 0 } else { core.first_index };
            status.last = core.last_index;
            status.durable = core.durable_index;
            status.lease_left_ms = core.lease_left_us / 1000;
            status.members = members.collect();
            status.members_since = self.core.members_since();
            status.connected = self.links.connected();
            status.peers = peers.collect();
            status.keys = self.machine.keys();
            status.sessions = self.machine.sessions();
            status.leases = self.machine.leases().all().len();
            status.locks = self.machine.leases().held();
            status.open_requests = self.open.len();
        });
    }

    /// Tells the log who leads, votes and steps down; and the status, which is otherwise as old as the last tick.
    fn log_changes(&mut self) {
        let (old, new) = (self.logged, self.core.status());
        let stance = |status: &core::Status| (status.role, status.term, status.leader, status.voted_for);
        if stance(&old) == stance(&new) {
            return;
        }
        self.logged = new;
        self.show();
        let core::Status { term, last_index: last, commit, .. } = new;
        if old.role == RoleName::Leader && new.role != RoleName::Leader {
            let why = match () {
                () if term > old.term => "a newer term has begun",
                () if !self.core.members().is_voter(new.id) => "it was removed",
                () => "no majority answers",
            };
            warn!(term, last, commit, "stepped down: {why}");
        }
        if let Some(candidate) = new.voted_for.filter(|candidate| *candidate != new.id)
            && (old.voted_for, old.term) != (new.voted_for, term)
        {
            info!(term, candidate, "voted");
        }
        match new.role {
            RoleName::Candidate if (old.role, old.term) != (new.role, term) => info!(term, last, "asks for votes"),
            RoleName::Leader if (old.role, old.term) != (new.role, term) => info!(term, last, "elected leader"),
            _ => {}
        }
        if let Some(leader) = new.leader.filter(|leader| *leader != new.id)
            && (old.leader, old.term) != (new.leader, term)
        {
            info!(term, leader, last, "follows a new leader");
        }
    }
}
