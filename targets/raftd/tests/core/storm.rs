//! A cluster in bad weather. Each step is one event drawn from the seed.

use crate::witness::{Violation, Witness};
use raftd::core::{Config, Core, Message, Output, Persist, ReadBy, RoleName, Status};
use raftd::types::{Bug, Entry, HardState, NodeId};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, VecDeque};

/// How long the calm may take until everybody agrees; the storm itself is shorter.
const CALM_STEPS_MAX: usize = 30_000;
/// How many messages are under way at most; beyond that the oldest is lost.
const UNDER_WAY_MAX: usize = 300;

pub struct Storm {
    rng: ChaCha8Rng,
    weather: Weather,
    members: Vec<Member>,
    under_way: VecDeque<Message>,
    /// Links on which nothing arrives.
    cut: BTreeSet<(NodeId, NodeId)>,
    /// Messages that wait at a cut, and arrive much later.
    held: Vec<Message>,
    /// Whose clock stands still: its time-outs never pass, while others elect and commit.
    timeless: Option<NodeId>,
    witness: Witness,
}

struct Member {
    config: Config,
    /// `None` while it is down.
    core: Option<Core>,
    disk: Disk,
    /// Writes under way, oldest first.
    writing: VecDeque<Persist>,
}

/// What survives a crash.
#[derive(Default)]
pub struct Disk {
    pub hard_state: HardState,
    pub log: Vec<Entry>,
}

/// How bad it is; probabilities.
struct Weather {
    loss: f64,
    twice: f64,
    overtake: f64,
    /// That a message which waits at a cut gets through nevertheless, long after it was sent.
    late: f64,
    trouble: f64,
    busy: f64,
}

/// What a storm left behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Calm {
    pub committed_in_storm: usize,
    pub leaders: usize,
    pub reads_granted: usize,
    /// Every entry that was committed.
    pub log: Vec<Entry>,
}

impl Storm {
    pub fn new(seed: u64, count: u64, bug: Option<Bug>) -> Storm {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let weather = Weather {
            loss: rng.random_range(0.0..0.2),
            twice: rng.random_range(0.0..0.2),
            overtake: rng.random_range(0.0..0.6),
            late: rng.random_range(0.0..0.1),
            trouble: rng.random_range(0.001..0.01),
            busy: rng.random_range(0.05..0.2),
        };
        let mut config = Config::new(0, (1..=count).collect(), 0, 0);
        (config.election_ticks, config.heartbeat_ticks, config.bug) = (10, 3, bug);
        config.request_ticks = rng.random_range(10..60);
        config.max_batch_entries = rng.random_range(1..8);
        config.max_batch_bytes = rng.random_range(1..64);
        config.max_inflight = rng.random_range(1..5);
        config.max_uncommitted = rng.random_range(2..40);
        config.max_uncommitted_bytes = rng.random_range(20..2000);
        config.max_requests = rng.random_range(2..100);
        let member = |id| Member {
            config: Config { id, ..config.clone() },
            core: None,
            disk: Disk::default(),
            writing: VecDeque::new(),
        };
        let members = (1..=count).map(member).collect();
        let witness = Witness::new(count as usize);
        let (under_way, cut, held, timeless) = (VecDeque::new(), BTreeSet::new(), Vec::new(), None);
        let mut storm = Storm { rng, weather, members, under_way, cut, held, timeless, witness };
        (0..count as usize).for_each(|member| storm.start(member));
        storm
    }

    /// One event.
    pub fn step(&mut self) -> Result<(), Violation> {
        if self.rng.random_bool(self.weather.trouble) {
            return self.trouble();
        }
        if self.rng.random_bool(self.weather.busy) {
            let member = self.any_member();
            return self.ask(member);
        }
        self.advance()
    }

    /// The weather clears: nothing is lost any more, and all members run, or sometimes only a majority. Then those that
    /// run must catch up, and serve.
    pub fn calm_down(mut self) -> Result<Calm, Violation> {
        let committed_in_storm = self.witness.committed.len();
        self.weather = Weather { loss: 0.0, twice: 0.0, overtake: 0.0, late: 0.0, trouble: 0.0, busy: 0.0 };
        self.heal();
        self.witness.forget_answers();
        let mut members: Vec<usize> = (0..self.members.len()).collect();
        members.shuffle(&mut self.rng);
        let dispensable = if self.rng.random_bool(0.5) { (members.len() - 1) / 2 } else { 0 };
        members.drain(..dispensable).for_each(|member| self.crash(member));
        members.retain(|member| self.members[*member].core.is_none());
        members.into_iter().for_each(|member| self.start(member));
        for step in 0..CALM_STEPS_MAX {
            self.advance()?;
            let unserved = self.unserved();
            if unserved.is_empty() && self.witness.open() == 0 && self.agree() {
                let Witness { committed, leaders, reads_granted, .. } = self.witness;
                return Ok(Calm { committed_in_storm, leaders: leaders.len(), reads_granted, log: committed });
            }
            if step % 100 == 0 && self.witness.open() == 0 {
                unserved.into_iter().try_for_each(|member| self.ask_both(member))?;
            }
        }
        Err(Violation::NoProgress { state: self.statuses() })
    }

    /// The members that run, and whose last proposal, or read, failed.
    fn unserved(&self) -> Vec<usize> {
        let runs = |member: &usize| self.members[*member].core.is_some();
        let is_unserved = |member: &usize| self.witness.last_answers(*member) != (true, true);
        (0..self.members.len()).filter(|member| runs(member) && is_unserved(member)).collect()
    }

    fn ask_both(&mut self, member: usize) -> Result<(), Violation> {
        let (proposal, command) = self.witness.proposes(member, 0);
        self.on(member, |core| core.propose(proposal, command))?;
        let read = self.witness.reads(member);
        self.on(member, |core| core.read(read, ReadBy::Majority))
    }

    /// Whether all have applied all there is.
    fn agree(&self) -> bool {
        let statuses = self.statuses();
        let leads = statuses.iter().filter(|status| status.role == RoleName::Leader).count() == 1;
        let complete =
            |status: &Status| status.commit == status.last_index && status.durable_index == status.last_index;
        leads && statuses.iter().all(|status| complete(status) && status.last_index == statuses[0].last_index)
    }

    fn statuses(&self) -> Vec<Status> {
        self.members.iter().filter_map(|member| member.core.as_ref()).map(Core::status).collect()
    }

    /// A message arrives, a write ends, or a clock ticks.
    fn advance(&mut self) -> Result<(), Violation> {
        match self.rng.random_range(0..100) {
            0..55 => self.deliver(),
            55..75 => {
                let member = self.any_member();
                self.end_write(member)
            }
            _ => {
                let member = self.any_member();
                if self.timeless == Some(member as NodeId + 1) {
                    return Ok(());
                }
                self.on(member, Core::tick)
            }
        }
    }

    fn deliver(&mut self) -> Result<(), Violation> {
        if !self.held.is_empty() && self.rng.random_bool(self.weather.late) {
            let place = self.rng.random_range(0..self.held.len());
            let message = self.held.swap_remove(place);
            return self.on(message.to as usize - 1, |core| core.receive(message));
        }
        if self.under_way.is_empty() {
            return Ok(());
        }
        let overtakes = self.rng.random_bool(self.weather.overtake);
        let place = if overtakes { self.rng.random_range(0..self.under_way.len()) } else { 0 };
        let message = if self.rng.random_bool(self.weather.twice) {
            self.under_way[place].clone()
        } else {
            self.under_way.remove(place).expect("the place was drawn from the queue")
        };
        if self.rng.random_bool(self.weather.loss) {
            return Ok(());
        }
        if self.cut.contains(&(message.from, message.to)) {
            if self.rng.random_bool(0.3) {
                self.held.push(message);
            }
            return Ok(());
        }
        self.on(message.to as usize - 1, |core| core.receive(message))
    }

    /// The oldest write, or sometimes several at once, becomes durable.
    fn end_write(&mut self, member: usize) -> Result<(), Violation> {
        let several = self.rng.random_range(1..=3);
        let Member { disk, writing, .. } = &mut self.members[member];
        let mut last = None;
        for persist in writing.drain(..several.min(writing.len())) {
            last = Some(persist.sequence);
            disk.write(persist);
        }
        match last {
            Some(sequence) => self.on(member, |core| core.persisted(sequence)),
            None => Ok(()),
        }
    }

    /// A client asks.
    fn ask(&mut self, member: usize) -> Result<(), Violation> {
        if self.members[member].core.is_none() {
            return Ok(());
        }
        if self.rng.random_bool(0.6) {
            let filling = self.rng.random_range(0..40);
            let (request, command) = self.witness.proposes(member, filling);
            self.on(member, |core| core.propose(request, command))
        } else {
            let request = self.witness.reads(member);
            self.on(member, |core| core.read(request, ReadBy::Majority))
        }
    }

    /// Something goes wrong, or is put right.
    fn trouble(&mut self) -> Result<(), Violation> {
        let member = self.any_member();
        let down = self.members.iter().position(|member| member.core.is_none());
        match (self.rng.random_range(0..10), down) {
            (0..2, _) => self.crash(member),
            (2..5, Some(down)) => self.start(down),
            (2..5, None) => return self.on(member, Core::campaign),
            (5..8, _) => {
                self.partition();
                if self.rng.random_bool(0.5) {
                    return self.on(member, Core::campaign);
                }
            }
            _ => self.heal(),
        }
        Ok(())
    }

    /// All links work again, and bring what waited at them; all clocks go.
    fn heal(&mut self) {
        self.timeless = None;
        self.cut.clear();
        self.under_way.extend(self.held.drain(..));
        self.under_way.make_contiguous().shuffle(&mut self.rng);
    }

    /// The members fall into two halves, or the newest leader is alone; sometimes messages go through one way.
    fn partition(&mut self) {
        let leader =
            self.statuses().into_iter().filter(|status| status.role == RoleName::Leader).max_by_key(|s| s.term);
        self.timeless = leader.map(|leader| leader.id).filter(|_| self.rng.random_bool(0.5));
        let side: Vec<bool> = match leader {
            Some(leader) if self.rng.random_bool(0.5) => {
                (1..=self.members.len() as NodeId).map(|id| id == leader.id).collect()
            }
            _ => self.members.iter().map(|_| self.rng.random_bool(0.5)).collect(),
        };
        let one_way = self.rng.random_bool(0.2);
        let ids = 1..=self.members.len() as NodeId;
        let pairs = ids.clone().flat_map(|from| ids.clone().map(move |to| (from, to)));
        let is_cut = |(from, to): &(NodeId, NodeId)| {
            let (from, to) = (side[*from as usize - 1], side[*to as usize - 1]);
            if one_way { from && !to } else { from != to }
        };
        self.cut = pairs.filter(is_cut).collect();
    }

    /// The member stops. Of its writes under way the disk got some part, from the first on.
    fn crash(&mut self, member: usize) {
        let Member { core, disk, writing, .. } = &mut self.members[member];
        if core.take().is_none() {
            return;
        }
        let whole = self.rng.random_range(0..=writing.len());
        writing.drain(..whole).for_each(|persist| disk.write(persist));
        if let Some(mut part) = writing.pop_front() {
            // The hard state, if it is there, was written before any entry.
            let has_hard_state = self.rng.random_bool(0.5);
            let entries = if has_hard_state { self.rng.random_range(0..=part.entries.len()) } else { 0 };
            part.hard_state = part.hard_state.filter(|_| has_hard_state);
            part.entries.truncate(entries);
            disk.write(part);
        }
        writing.clear();
        self.witness.crashed(member);
    }

    fn start(&mut self, member: usize) {
        let Member { config, core, disk, .. } = &mut self.members[member];
        config.incarnation += 1;
        config.seed = self.rng.random();
        let started = Core::new(config.clone(), disk.hard_state, None, disk.log.clone());
        *core = Some(started.expect("what a disk holds after a crash is enough to start"));
        self.witness.started(member, disk);
    }

    /// Lets something happen to a member, shows it to the witness, and takes what comes out.
    fn on(&mut self, member: usize, happens: impl FnOnce(&mut Core)) -> Result<(), Violation> {
        let Some(core) = &mut self.members[member].core else { return Ok(()) };
        let before = core.status();
        happens(core);
        let output = core.drain();
        let after = core.status();
        let disks: Vec<&Disk> = self.members.iter().map(|member| &member.disk).collect();
        self.witness.sees(member, (&before, &after), &output, &disks)?;
        self.take(member, output);
        Ok(())
    }

    fn take(&mut self, member: usize, output: Output) {
        self.members[member].writing.extend(output.persist);
        self.under_way.extend(output.messages);
        let lost = self.under_way.len().saturating_sub(UNDER_WAY_MAX);
        self.under_way.drain(..lost);
    }

    fn any_member(&mut self) -> usize {
        let members: Vec<usize> = (0..self.members.len()).collect();
        *members.choose(&mut self.rng).expect("a cluster has members")
    }
}

impl Disk {
    fn write(&mut self, persist: Persist) {
        self.hard_state = persist.hard_state.unwrap_or(self.hard_state);
        if let Some(first) = persist.entries.first() {
            self.log.truncate(first.index as usize - 1);
        }
        self.log.extend(persist.entries);
    }
}
