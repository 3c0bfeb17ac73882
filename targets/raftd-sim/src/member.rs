//! One member: raftd's core, write-ahead log and state machine, over a disk in memory.
//!
//! It does what raftd's own loop does with what the core wants done, and in that order. Writes wait in a queue; all that
//! wait when the disk is ready share one sync, as with raftd's journal, and snapshots wait for their turn among them.

use crate::clocks::Clock;
use crate::time::Micros;
use raftd::core::{Config, Core, Lease, Output, Persist, ReadBy, RequestId, RoleName, Status};
use raftd::machine::{Answer, Command, Expiry, Machine, Query, View};
use raftd::node::{Compacted, Feed, Told as Watched, Watching};
use raftd::storage::memory::Memory;
use raftd::storage::{Identity, Record, StorageError, Wal};
use raftd::types::{Bug, Configuration, Entry, Index, MemberChange, NodeId, Payload, Snapshot, Term};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};

/// The length of a tick of the core, in microseconds, as in raftd's server.
pub const TICK_US: u64 = 10_000;
/// How much of what it applied a member keeps for those who watch: little, so that slow ones meet the end of it.
const WATCH_BYTES: usize = 4096;

/// One member, running or down.
#[derive(Debug)]
pub struct Member {
    identity: Identity,
    config: Config,
    limits: Limits,
    /// Who belonged to the cluster, as it knew when it ran last.
    members: Configuration,
    disk: Memory,
    running: Option<Running>,
    /// Its clock, which goes on while it is down.
    pub clock: Clock,
    /// Counts the starts: what was meant for an earlier one comes too late.
    pub start: u64,
}

/// What is small in simulations, so that few entries suffice to fill messages and segments and to call for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many entries a message carries at most.
    pub batch_entries: usize,
    /// The length at which a segment of the log is closed.
    pub segment_bytes: u64,
    /// A snapshot is taken every so many entries.
    pub snapshot_entries: u64,
    /// How many entries before its snapshot a member keeps.
    pub keep_entries: usize,
    /// How many bytes of a snapshot a message carries at most.
    pub chunk_bytes: usize,
}

/// Something to write.
#[derive(Debug)]
enum Job {
    Persist(Persist),
    Snapshot(Snapshot),
}

/// What a crash ends.
#[derive(Debug)]
struct Running {
    core: Core,
    wal: Wal<Memory>,
    machine: Machine,
    applied: Index,
    applied_term: Term,
    /// The last entry of the newest snapshot, taken or installed.
    snapshot_index: Index,
    writing: VecDeque<Job>,
    disk_is_busy: bool,
    open: BTreeMap<RequestId, Asked>,
    last_id: RequestId,
    expiry: Expiry,
    ticks: u64,
    feed: Feed,
    watching: Watching,
}

/// A request of a client at the member that it asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The client.
    pub client: usize,
    /// The client's number of this try.
    pub attempt: u64,
    /// What it asks.
    pub request: Request,
}

/// What a client asks.
#[derive(Debug, Clone)]
pub enum Request {
    /// To change the state.
    Change(Command),
    /// To see a key, and how the leader is to make sure that it leads.
    Ask(Query, ReadBy),
}

/// What a member tells a client.
#[derive(Debug, Clone)]
pub enum Told {
    /// The change took place, or was refused by the state machine.
    Answer(Answer),
    /// The state.
    View(View),
    /// It certainly was not done by this try, or it is unknown whether it was.
    Failed {
        /// Whether it certainly was not done.
        not_done: bool,
    },
}

/// How a member goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed: what it wrote is there, synced or not.
    Kill,
    /// The power goes: of what was not synced any sectors are there.
    PowerCut,
}

impl Member {
    /// A member that never ran.
    pub fn new(id: NodeId, members: NodeId, bug: Option<Bug>, limits: Limits) -> Member {
        let names: Vec<NodeId> = (1..=members).collect();
        let mut config = Config::new(id, names.clone(), 0, 0);
        (config.election_ticks, config.heartbeat_ticks, config.request_ticks) = (15, 4, 100);
        (config.max_batch_entries, config.bug) = (limits.batch_entries, bug);
        (config.keep_entries, config.max_chunk_bytes) = (limits.keep_entries, limits.chunk_bytes);
        let identity = Identity { cluster: "sim".into(), member: id, members: names.into_iter().collect() };
        Member {
            identity,
            members: config.members.clone(),
            config,
            limits,
            disk: Memory::default(),
            running: None,
            clock: Clock::default(),
            start: 0,
        }
    }

    /// A member that never ran, and belongs to no cluster yet.
    pub fn joining(id: NodeId, bug: Option<Bug>, limits: Limits) -> Member {
        let mut member = Member::new(id, 0, bug, limits);
        member.config.members = Configuration::default();
        member
    }

    /// Has it use leases, on the assumption that clocks drift by so much at most.
    pub fn use_leases(&mut self, drift_percent: u32, clock: Clock) {
        self.config.lease = Some(Lease { drift_percent, tick_us: TICK_US });
        self.clock = clock;
    }

    /// Its number.
    pub fn id(&self) -> NodeId {
        self.config.id
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// Who belongs to the cluster, as far as it knows.
    pub fn members(&self) -> &Configuration {
        self.running.as_ref().map_or(&self.members, |running| running.core.members())
    }

    /// The core, while the member runs.
    pub fn core(&self) -> Option<&Core> {
        self.running.as_ref().map(|running| &running.core)
    }

    /// The core, to let something happen to it; [`Member::drain`] next.
    pub fn core_mut(&mut self) -> Option<&mut Core> {
        self.running.as_mut().map(|running| &mut running.core)
    }

    /// Starts from what the disk holds.
    ///
    /// # Panics
    ///
    /// If the disk does not suffice, which is a violation in itself.
    pub fn start(&mut self, rng: &mut ChaCha8Rng) {
        self.start += 1;
        (self.config.incarnation, self.config.seed) = (self.start, rng.random());
        let (wal, recovered) = Wal::open(self.disk.clone(), &self.identity, self.limits.segment_bytes)
            .unwrap_or_else(|error| panic!("n{} cannot open its log: {error}", self.config.id));
        let snapshot = recovered.snapshot;
        let core = Core::new(self.config.clone(), recovered.hard_state, snapshot.clone(), recovered.entries)
            .unwrap_or_else(|error| panic!("n{} cannot start: {error}", self.config.id));
        let (feed, watching) = Feed::new(WATCH_BYTES);
        let mut running = Running {
            core,
            wal,
            machine: Machine::with_bug(self.config.bug),
            applied: 0,
            applied_term: 0,
            snapshot_index: 0,
            writing: VecDeque::new(),
            disk_is_busy: false,
            open: BTreeMap::new(),
            last_id: 0,
            expiry: Expiry::default(),
            ticks: 0,
            feed,
            watching,
        };
        if let Some(snapshot) = &snapshot {
            running.install(snapshot, self.config.bug);
        }
        self.running = Some(running);
    }

    /// Goes down. Of the writes under way the disk got any part.
    pub fn crash(&mut self, how: Crash, rng: &mut ChaCha8Rng) {
        let Some(mut running) = self.running.take() else { return };
        self.members = running.core.members().clone();
        // A frame takes a write and a sync, a new segment four operations more, a snapshot ten: the crash comes at any of
        // them.
        self.disk.fail_from(self.disk.operations() + rng.random_range(0..16));
        let part = rng.random_range(0..=running.writing.len());
        let jobs: Vec<Job> = running.writing.drain(..part).collect();
        // Whether it failed or not, nobody is left to hear of it.
        let _ = write(&mut running.wal, jobs);
        self.disk = match how {
            Crash::Kill => self.disk.after_kill(),
            Crash::PowerCut => self.disk.after_power_cut(rng),
        };
    }

    /// A tick passes: as raftd's own loop it looks, if it leads, which leases of clients are over.
    pub fn tick(&mut self, now_us: Micros) {
        let wall_ms = self.clock.wall_us(now_us) / 1000;
        let trusts_wall = self.config.bug == Some(Bug::ExpiryWallClock);
        let Some(running) = &mut self.running else { return };
        running.core.tick();
        running.ticks += 1;
        let Status { role, term, .. } = running.core.status();
        let leads = (role == RoleName::Leader).then_some(term);
        let now_ms = if trusts_wall { wall_ms } else { running.ticks * TICK_US / 1000 };
        if let Some(change) = running.expiry.due(leads, running.machine.leases(), now_ms) {
            running.last_id += 1;
            running.core.propose(running.last_id, Command { serial: None, change }.encode());
        }
    }

    /// A client asks.
    pub fn ask(&mut self, asked: Asked) {
        let Some(running) = &mut self.running else { return };
        running.last_id += 1;
        match &asked.request {
            Request::Change(command) => running.core.propose(running.last_id, command.encode()),
            Request::Ask(_, by) => running.core.read(running.last_id, *by),
        }
        running.open.insert(running.last_id, asked);
    }

    /// Somebody wants the members changed, and looks himself what became of it.
    pub fn change(&mut self, change: MemberChange) {
        let Some(running) = &mut self.running else { return };
        running.last_id += 1;
        running.core.change(running.last_id, change);
    }

    /// Shows it its clock, or, if it has a bug, the wrong one.
    pub fn show_clock(&mut self, now_us: Micros) {
        let clock_us = match self.config.bug {
            Some(Bug::LeaseWallClock) => self.clock.wall_us(now_us),
            _ => self.clock.shows_us(now_us),
        };
        if let Some(core) = self.core_mut() {
            core.clock(clock_us);
        }
    }

    /// What a watcher is told that has seen everything up to a revision; nothing from a member that is down.
    pub fn watch(&self, seen: Index) -> Option<Result<Watched, Compacted>> {
        self.running.as_ref().map(|running| running.watching.after(seen))
    }

    /// Takes what the core wants done, before it is.
    pub fn drain(&mut self) -> Output {
        self.core_mut().map(Core::drain).unwrap_or_default()
    }

    /// Does what the core wants done, except for the messages; returns the answers to clients.
    pub fn carry_out(&mut self, output: Output) -> Vec<(Asked, Told)> {
        let Some(running) = &mut self.running else { return Vec::new() };
        let mut answers = Vec::new();
        running.writing.extend(output.persist.map(Job::Persist));
        if let Some(snapshot) = &output.install {
            running.install(snapshot, self.config.bug);
        }
        for committed in output.committed {
            let answer = running.apply(&committed.entry);
            if let Some(asked) = committed.proposal.and_then(|id| running.open.remove(&id))
                && let Some(answer) = answer
            {
                answers.push((asked, Told::Answer(answer)));
            }
        }
        for granted in output.granted {
            assert!(running.applied >= granted.index, "a read is granted at {}, which is not applied", granted.index);
            if let Some(asked) = running.open.remove(&granted.id)
                && let Request::Ask(query, _) = &asked.request
            {
                let view = running.machine.view(query);
                answers.push((asked, Told::View(view)));
            }
        }
        for failed in output.failed {
            if let Some(asked) = running.open.remove(&failed.id) {
                let not_done = failed.fate == raftd::core::Fate::NotDone;
                answers.push((asked, Told::Failed { not_done }));
            }
        }
        answers
    }

    /// Takes a snapshot, if it is time.
    pub fn take_snapshot(&mut self) -> Option<Snapshot> {
        let running = self.running.as_mut()?;
        if running.applied - running.snapshot_index < self.limits.snapshot_entries {
            return None;
        }
        let (last_index, last_term) = (running.applied, running.applied_term);
        let configuration = running.core.members_at(last_index)?.clone();
        let snapshot = Snapshot { last_index, last_term, configuration, state: running.machine.encode().into() };
        running.snapshot_index = last_index;
        running.writing.push_back(Job::Snapshot(snapshot.clone()));
        Some(snapshot)
    }

    /// Whether the disk has something to do and does not do it yet; from now on it does.
    pub fn disk_starts(&mut self) -> bool {
        let Some(running) = &mut self.running else { return false };
        let starts = !running.disk_is_busy && !running.writing.is_empty();
        running.disk_is_busy |= starts;
        starts
    }

    /// The disk has made some of what waits durable, the oldest first; the core is told.
    ///
    /// # Panics
    ///
    /// If the log refuses a write, which no healthy disk gives reason for.
    pub fn disk_ends(&mut self, rng: &mut ChaCha8Rng) {
        let Some(running) = &mut self.running else { return };
        running.disk_is_busy = false;
        let group = rng.random_range(1..=running.writing.len().max(1)).min(running.writing.len());
        let jobs: Vec<Job> = running.writing.drain(..group).collect();
        let done = write(&mut running.wal, jobs);
        let (sequence, snapshots) = done.unwrap_or_else(|error| panic!("n{} cannot write: {error}", self.config.id));
        if let Some(sequence) = sequence {
            running.core.persisted(sequence);
        }
        snapshots.into_iter().for_each(|snapshot| running.core.snapshot_saved(snapshot));
    }
}

/// Writes what was asked for, and says how far that goes: the last request, and the snapshots.
fn write(wal: &mut Wal<Memory>, jobs: Vec<Job>) -> Result<(Option<u64>, Vec<Snapshot>), StorageError> {
    let (mut records, mut sequence, mut snapshots) = (Vec::new(), None, Vec::new());
    for job in jobs {
        match job {
            Job::Persist(persist) => {
                sequence = Some(persist.sequence);
                let Persist { hard_state, snapshot, entries, .. } = persist;
                records.push(Record { hard_state, snapshot, entries });
            }
            Job::Snapshot(snapshot) => {
                wal.save(&std::mem::take(&mut records))?;
                wal.save_snapshot(&snapshot)?;
                snapshots.push(snapshot);
            }
        }
    }
    wal.save(&records)?;
    Ok((sequence, snapshots))
}

impl Running {
    /// Puts a snapshot in the place of the state machine.
    fn install(&mut self, snapshot: &Snapshot, bug: Option<Bug>) {
        let Snapshot { last_index, last_term, state, .. } = snapshot;
        self.machine = Machine::decode(state, bug).expect("only members of the simulation take snapshots");
        (self.applied, self.applied_term, self.snapshot_index) = (*last_index, *last_term, *last_index);
        if bug != Some(Bug::WatchPastSnapshot) {
            self.feed.restart(*last_index);
        }
    }

    fn apply(&mut self, entry: &Entry) -> Option<Answer> {
        (self.applied, self.applied_term) = (entry.index, entry.term);
        let (answer, events) = match &entry.payload {
            Payload::Noop | Payload::Configuration { .. } => (None, Vec::new()),
            Payload::Command { bytes, .. } => {
                let command = Command::decode(bytes).expect("only clients of the simulation make commands");
                let (answer, events) = self.machine.apply_telling(entry.index, &command);
                (Some(answer), events)
            }
        };
        self.feed.add(entry.index, events);
        answer
    }
}
