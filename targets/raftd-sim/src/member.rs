//! One member: raftd's core, write-ahead log and state machine, over a disk in memory.
//!
//! It does what raftd's own loop does with what the core wants done, and in that order. Writes wait in a queue; all that
//! wait when the disk is ready share one sync, as with raftd's journal.

use raftd::core::{Config, Core, Output, Persist, RequestId};
use raftd::machine::{Answer, Command, Machine, Query, View};
use raftd::storage::memory::Memory;
use raftd::storage::{Identity, Record, Wal};
use raftd::types::{Bug, Entry, Index, NodeId, Payload};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};

/// The length of a tick of the core, in microseconds, as in raftd's server.
pub const TICK_US: u64 = 10_000;

/// One member, running or down.
#[derive(Debug)]
pub struct Member {
    identity: Identity,
    config: Config,
    segment_bytes: u64,
    disk: Memory,
    running: Option<Running>,
    /// Counts the starts: what was meant for an earlier one comes too late.
    pub start: u64,
}

/// What a crash ends.
#[derive(Debug)]
struct Running {
    core: Core,
    wal: Wal<Memory>,
    machine: Machine,
    applied: Index,
    writing: VecDeque<Persist>,
    disk_is_busy: bool,
    open: BTreeMap<RequestId, Asked>,
    last_id: RequestId,
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
    /// To see a key.
    Ask(Query),
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
    /// A member that never ran. `batch_entries` and `segment_bytes` are small in simulations, so that few entries suffice
    /// to fill messages and segments.
    pub fn new(id: NodeId, members: NodeId, bug: Option<Bug>, batch_entries: usize, segment_bytes: u64) -> Member {
        let names: Vec<NodeId> = (1..=members).collect();
        let mut config = Config::new(id, names.clone(), 0, 0);
        (config.election_ticks, config.heartbeat_ticks, config.request_ticks) = (15, 4, 100);
        (config.max_batch_entries, config.bug) = (batch_entries, bug);
        let identity = Identity { cluster: "sim".into(), member: id, members: names.into_iter().collect() };
        Member { identity, config, segment_bytes, disk: Memory::default(), running: None, start: 0 }
    }

    /// Its number.
    pub fn id(&self) -> NodeId {
        self.config.id
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.running.is_some()
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
        let (wal, recovered) = Wal::open(self.disk.clone(), &self.identity, self.segment_bytes)
            .unwrap_or_else(|error| panic!("n{} cannot open its log: {error}", self.config.id));
        let core = Core::new(self.config.clone(), recovered.hard_state, recovered.entries)
            .unwrap_or_else(|error| panic!("n{} cannot start: {error}", self.config.id));
        self.running = Some(Running {
            core,
            wal,
            machine: Machine::with_bug(self.config.bug),
            applied: 0,
            writing: VecDeque::new(),
            disk_is_busy: false,
            open: BTreeMap::new(),
            last_id: 0,
        });
    }

    /// Goes down. Of the writes under way the disk got any part.
    pub fn crash(&mut self, how: Crash, rng: &mut ChaCha8Rng) {
        let Some(mut running) = self.running.take() else { return };
        // A frame takes a write and a sync, a new segment four operations more: the crash comes at any of them.
        self.disk.fail_from(self.disk.operations() + rng.random_range(0..8));
        let part = rng.random_range(0..=running.writing.len());
        let records: Vec<Record> = running.writing.drain(..part).map(record).collect();
        // Whether it failed or not, nobody is left to hear of it.
        let _ = running.wal.save(&records);
        self.disk = match how {
            Crash::Kill => self.disk.after_kill(),
            Crash::PowerCut => self.disk.after_power_cut(rng),
        };
    }

    /// A client asks.
    pub fn ask(&mut self, asked: Asked) {
        let Some(running) = &mut self.running else { return };
        running.last_id += 1;
        match &asked.request {
            Request::Change(command) => running.core.propose(running.last_id, command.encode()),
            Request::Ask(_) => running.core.read(running.last_id),
        }
        running.open.insert(running.last_id, asked);
    }

    /// Takes what the core wants done, before it is.
    pub fn drain(&mut self) -> Output {
        self.core_mut().map(Core::drain).unwrap_or_default()
    }

    /// Does what the core wants done, except for the messages; returns the answers to clients.
    pub fn carry_out(&mut self, output: Output) -> Vec<(Asked, Told)> {
        let Some(running) = &mut self.running else { return Vec::new() };
        let mut answers = Vec::new();
        running.writing.extend(output.persist);
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
                && let Request::Ask(query) = &asked.request
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
        let Some(sequence) = group.checked_sub(1).and_then(|last| running.writing.get(last)).map(|last| last.sequence)
        else {
            return;
        };
        let records: Vec<Record> = running.writing.drain(..group).map(record).collect();
        running.wal.save(&records).unwrap_or_else(|error| panic!("n{} cannot write: {error}", self.config.id));
        running.core.persisted(sequence);
    }
}

impl Running {
    fn apply(&mut self, entry: &Entry) -> Option<Answer> {
        self.applied = entry.index;
        let Payload::Command { bytes, .. } = &entry.payload else { return None };
        let command = Command::decode(bytes).expect("only clients of the simulation make commands");
        Some(self.machine.apply(entry.index, &command))
    }
}

fn record(persist: Persist) -> Record {
    Record { hard_state: persist.hard_state, entries: persist.entries }
}
