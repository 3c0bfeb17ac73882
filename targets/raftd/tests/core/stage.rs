//! A cluster of cores whose every message and write waits until the scenario says what becomes of it.

use crate::words;
use raftd::core::{Config, Core, Lease, Message, Output, Persist, ReadBy};
use raftd::types::{Bug, Entry, HardState, Index, MemberChange, NodeId, Payload, Snapshot, Term, Ticket};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

/// How many rounds of messages and writes `stabilize` takes part in.
const STABLE_AFTER_MAX: usize = 1000;

/// The members, and what lies between them.
#[derive(Default)]
pub struct Stage {
    members: BTreeMap<NodeId, Member>,
    /// The settings of all members.
    options: Vec<String>,
    /// Messages under way, by sender and receiver, oldest first.
    links: BTreeMap<(NodeId, NodeId), VecDeque<Message>>,
    /// Links on which `stabilize` loses everything.
    cut: BTreeSet<(NodeId, NodeId)>,
    /// The names of requests; the index is the core's name for it.
    names: Vec<String>,
    told: String,
    /// What all clocks show, in microseconds.
    clock_us: u64,
    /// Whether messages and writes are told too, or only what they lead to.
    tells_all: bool,
}

struct Member {
    config: Config,
    /// `None` while it is down.
    core: Option<Core>,
    hard_state: HardState,
    /// On disk.
    snapshot: Option<Snapshot>,
    /// On disk, behind the snapshot.
    log: Vec<Entry>,
    writing: VecDeque<Persist>,
    role: String,
    /// The state machine: the commands in order, and the last entry that was applied.
    state: String,
    applied: (Index, Term),
}

impl Stage {
    /// Does what a line says, and tells what happened.
    ///
    /// | command | |
    /// |---|---|
    /// | `new 3 [stale-read] [key=value ...]` | a cluster; keys: see `Config` |
    /// | `disk 1 term=3 vote=- log=1,1,2` | member 1 restarts with that on its disk: terms of the log |
    /// | `campaign 1`, `tick 1 10` | the member asks for votes; ten ticks pass |
    /// | `join 4` | a member that belongs to nothing yet, and waits to be added |
    /// | `add 1 4`, `remove 1 2` | a client asks member 1 to have 4 added, 2 removed |
    /// | `transfer 1->2` | leader 1 hands over to member 2 |
    /// | `propose 1 x`, `read 1 r`, `lease 1 r` | a client asks member 1; the last may be granted by the leader's lease |
    /// | `clock 120` | all clocks show 120 ms |
    /// | `persist 1 [2]` | all writes of member 1, or the first two, become durable |
    /// | `deliver 1->2 [1]` | all messages on that link, or the first, arrive; `*` is every member |
    /// | `drop`, `duplicate`, `reverse` | with the same links: what else becomes of messages |
    /// | `cut 1->2`, `heal` | `stabilize` loses what is sent there; no longer |
    /// | `stabilize [1 2]` | writes and messages (of these members) go through until nothing is left |
    /// | `snapshot 1` | member 1 takes a snapshot of what it has applied |
    /// | `crash 1 [1]`, `restart 1` | unfinished writes are lost but for the first one |
    /// | `status`, `log`, `links`, `members` | roles; logs; messages under way; who belongs to the cluster, as each knows |
    pub fn obey(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.tells_all = words[0] != "stabilize";
        match words.as_slice() {
            ["new", count, options @ ..] => self.create(number(count), options),
            ["disk", id, contents @ ..] => self.load(number(id), contents),
            ["campaign", id] => self.on(number(id), Core::campaign),
            ["tick", id, count] => (0..number(count)).for_each(|_| self.on(number(id), Core::tick)),
            ["transfer", link] => {
                let (from, to) = split_link(link);
                self.on(number(from), |core| {
                    assert!(core.transfer(number(to)), "it does not lead, or not to that member")
                });
            }
            ["join", id] => self.join(number(id)),
            [verb @ ("add" | "remove"), id, other] => {
                let (request, other) = (self.name(&format!("{verb} {other}")), number(other));
                let change = match *verb {
                    "add" => MemberChange::Add { id: other, address: String::new() },
                    _ => MemberChange::Remove { id: other },
                };
                self.on(number(id), |core| core.change(request, change));
            }
            ["snapshot", id] => self.take_snapshot(number(id)),
            ["propose", id, command] => {
                let request = self.name(command);
                self.on(number(id), |core| core.propose(request, command.as_bytes().to_vec()));
            }
            [verb @ ("read" | "lease"), id, name] => {
                let request = self.name(name);
                let by = if *verb == "lease" { ReadBy::Lease } else { ReadBy::Majority };
                self.on(number(id), |core| core.read(request, by));
            }
            ["clock", now_ms] => self.clock_us = 1000 * number(now_ms),
            ["persist", id, count @ ..] => self.persist(number(id), limit(count)),
            ["deliver", link, count @ ..] => self.deliver(link, limit(count)),
            [verb @ ("drop" | "duplicate" | "reverse"), link, count @ ..] => self.disturb(verb, link, limit(count)),
            ["cut", link] => self.cut.extend(self.links_of(link)),
            ["heal"] => self.cut.clear(),
            ["stabilize", members @ ..] => self.stabilize(members),
            ["crash", id, written @ ..] => self.crash(number(id), written.first().map_or(0, |count| number(count))),
            ["restart", id] => self.restart(number(id)),
            ["status"] => self.tell_status(),
            ["log"] => self.tell_logs(),
            ["links"] => self.tell_links(),
            ["members"] => self.tell_members(),
            _ => panic!("no such command: {line}"),
        }
        match self.told.is_empty() {
            true => "nothing\n".into(),
            false => std::mem::take(&mut self.told),
        }
    }

    fn create(&mut self, count: u64, options: &[&str]) {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
        (1..=count).for_each(|id| self.begin(id, (1..=count).collect()));
        self.told = format!("members 1 to {count}\n");
    }

    /// A member that joins has the settings of all others.
    fn join(&mut self, id: NodeId) {
        self.begin(id, Vec::new());
    }

    fn begin(&mut self, id: NodeId, voters: Vec<NodeId>) {
        let mut config = Config::new(id, voters, id * 100, id);
        (config.election_ticks, config.heartbeat_ticks, config.request_ticks) = (10, 3, 100);
        self.options.iter().for_each(|option| configure(&mut config, option));
        let member = Member {
            config,
            core: None,
            hard_state: HardState::default(),
            snapshot: None,
            log: Vec::new(),
            writing: VecDeque::new(),
            role: String::new(),
            state: String::new(),
            applied: (0, 0),
        };
        assert!(self.members.insert(id, member).is_none(), "there is a member {id} already");
        self.restart(id);
    }

    fn load(&mut self, id: NodeId, contents: &[&str]) {
        let member = self.member(id);
        (member.core, member.writing) = (None, VecDeque::new());
        for (key, value) in contents.iter().map(|word| split(word, '=')) {
            match key {
                "term" => member.hard_state.term = number(value),
                "vote" => member.hard_state.voted_for = value.parse().ok(),
                "log" => {
                    member.log = value.split(',').zip(1..).map(|(term, index)| made_up(number(term), index)).collect()
                }
                _ => panic!("a disk has no {key}"),
            }
        }
        self.restart(id);
    }

    fn restart(&mut self, id: NodeId) {
        let member = self.member(id);
        assert!(member.core.is_none(), "member {id} still runs");
        member.config.incarnation += 1;
        let core = Core::new(member.config.clone(), member.hard_state, member.snapshot.clone(), member.log.clone());
        let core = core.unwrap_or_else(|error| panic!("member {id} does not start: {error}"));
        member.role = words::role(&core.status());
        let role = member.role.clone();
        member.core = Some(core);
        (member.state, member.applied) = (String::new(), (0, 0));
        if let Some(snapshot) = member.snapshot.clone() {
            member.install(&snapshot);
        }
        self.tell(id, &role);
    }

    /// The member stops. Of its unfinished writes the first `written` reached the disk.
    fn crash(&mut self, id: NodeId, written: u64) {
        let member = self.member(id);
        member.core = None;
        let writing = std::mem::take(&mut member.writing);
        writing.into_iter().take(written as usize).for_each(|persist| member.write(persist));
        self.tell(id, "is down");
    }

    /// Lets something happen to a member, and takes what comes out of it.
    fn on(&mut self, id: NodeId, happens: impl FnOnce(&mut Core)) {
        let clock_us = self.clock_us;
        let member = self.member(id);
        let Some(core) = &mut member.core else { return self.tell(id, "is down and hears nothing") };
        happens(core);
        core.clock(clock_us);
        let output = core.drain();
        assert!(core.drain().is_empty(), "what is drained comes again");
        let role = words::role(&core.status());
        if role != member.role {
            member.role = role.clone();
            self.tell(id, &role);
        }
        self.take(id, output);
    }

    fn take(&mut self, id: NodeId, output: Output) {
        if let Some(persist) = output.persist {
            self.tell_detail(&format!("{id} {}", words::persist(&persist)));
            self.member(id).writing.push_back(persist);
        }
        if let Some(snapshot) = &output.install {
            self.member(id).install(snapshot);
            self.tell(id, &words::install(snapshot));
        }
        output.committed.iter().for_each(|committed| self.member(id).apply(&committed.entry));
        let names = &self.names;
        let committed = output.committed.iter().map(|committed| words::committed(committed, names));
        let granted = output.granted.iter().map(|granted| words::granted(granted, names));
        let failed = output.failed.iter().map(|failed| words::failed(failed, names));
        let events: Vec<String> = committed.chain(granted).chain(failed).collect();
        events.iter().for_each(|event| self.tell(id, event));
        for message in output.messages {
            self.tell_detail(&words::message(&message));
            self.links.entry((message.from, message.to)).or_default().push_back(message);
        }
    }

    /// The member takes a snapshot of its state, which is durable at once.
    fn take_snapshot(&mut self, id: NodeId) {
        let member = self.member(id);
        let (last_index, last_term) = member.applied;
        let core = member.core.as_ref().expect("only who runs takes snapshots");
        let configuration = core.members_at(last_index).expect("it knows the members").clone();
        let snapshot = Snapshot { last_index, last_term, configuration, state: member.state.as_bytes().into() };
        member.log.retain(|entry| entry.index > last_index);
        member.snapshot = Some(snapshot.clone());
        self.tell(id, &words::taken(&snapshot));
        self.on(id, |core| core.snapshot_saved(snapshot));
    }

    fn persist(&mut self, id: NodeId, count: usize) {
        for _ in 0..count {
            let member = self.member(id);
            let Some(persist) = member.writing.pop_front() else { return };
            let sequence = persist.sequence;
            member.write(persist);
            self.on(id, |core| core.persisted(sequence));
        }
    }

    /// Delivers what is on the links now; what is sent in answer waits.
    fn deliver(&mut self, link: &str, count: usize) {
        for link in self.links_of(link) {
            let queue = self.links.entry(link).or_default();
            let messages: Vec<Message> = queue.drain(..count.min(queue.len())).collect();
            messages.into_iter().for_each(|message| self.on(link.1, |core| core.receive(message)));
        }
    }

    fn disturb(&mut self, verb: &str, link: &str, count: usize) {
        for link in self.links_of(link) {
            let queue = self.links.entry(link).or_default();
            let count = count.min(queue.len());
            let messages: Vec<Message> = queue.drain(..count).collect();
            match verb {
                "drop" => {}
                "duplicate" => messages.iter().rev().for_each(|message| {
                    queue.push_front(message.clone());
                    queue.push_front(message.clone());
                }),
                _ => messages.into_iter().for_each(|message| queue.push_front(message)),
            }
        }
        self.tell_links();
    }

    fn stabilize(&mut self, members: &[&str]) {
        let chosen: Vec<NodeId> = match members {
            [] => self.members.keys().copied().collect(),
            members => members.iter().map(|id| number(id)).collect(),
        };
        for _ in 0..STABLE_AFTER_MAX {
            let writing = chosen.iter().copied().find(|id| !self.member(*id).writing.is_empty());
            let sending = self
                .links
                .iter()
                .find(|(link, queue)| !queue.is_empty() && chosen.contains(&link.0) && chosen.contains(&link.1));
            let sending = sending.map(|(link, _)| *link);
            match (writing, sending) {
                (Some(id), _) => self.persist(id, usize::MAX),
                (None, Some(link)) if self.cut.contains(&link) => self.links.entry(link).or_default().clear(),
                (None, Some((from, to))) => self.deliver(&format!("{from}->{to}"), usize::MAX),
                (None, None) => return,
            }
        }
        panic!("the members never stop talking:\n{}", self.told);
    }

    fn tell_status(&mut self) {
        let lines: Vec<(NodeId, String)> = self.members.iter().map(|(id, member)| (*id, member.status())).collect();
        lines.iter().for_each(|(id, line)| self.tell(*id, line));
    }

    fn tell_logs(&mut self) {
        let logs = self.members.iter().map(|(id, member)| match &member.core {
            Some(core) => (*id, words::log(core.log_start().0, core.entries())),
            None => {
                let start = member.snapshot.as_ref().map_or(0, |snapshot| snapshot.last_index);
                (*id, format!("is down, on disk: {}", words::log(start, &member.log)))
            }
        });
        logs.collect::<Vec<_>>().iter().for_each(|(id, log)| self.tell(*id, log));
    }

    fn tell_members(&mut self) {
        let known = self.members.iter().filter_map(|(id, member)| {
            let core = member.core.as_ref()?;
            Some((*id, format!("has members {}, since {}", core.members(), core.members_since())))
        });
        known.collect::<Vec<_>>().iter().for_each(|(id, members)| self.tell(*id, members));
    }

    fn tell_links(&mut self) {
        self.links.values().flatten().for_each(|message| {
            writeln!(self.told, "{}", words::message(message)).expect("a string takes everything");
        });
    }

    fn tell(&mut self, id: NodeId, what: &str) {
        writeln!(self.told, "{id} {what}").expect("a string takes everything");
    }

    fn tell_detail(&mut self, what: &str) {
        if self.tells_all {
            writeln!(self.told, "{what}").expect("a string takes everything");
        }
    }

    fn name(&mut self, name: &str) -> u64 {
        self.names.push(name.to_owned());
        self.names.len() as u64 - 1
    }

    fn member(&mut self, id: NodeId) -> &mut Member {
        self.members.get_mut(&id).unwrap_or_else(|| panic!("there is no member {id}"))
    }

    /// The links that `1->2`, `1->*` or `*->1` means.
    fn links_of(&self, text: &str) -> Vec<(NodeId, NodeId)> {
        let (from, to) = split_link(text);
        let ends = |end: &str| -> Vec<NodeId> {
            self.members.keys().copied().filter(|id| end == "*" || *id == number(end)).collect()
        };
        let to = ends(to);
        let all = ends(from).into_iter().flat_map(|from| to.iter().map(move |to| (from, *to)));
        all.filter(|(from, to)| from != to).collect()
    }
}

impl Member {
    fn write(&mut self, persist: Persist) {
        self.hard_state = persist.hard_state.unwrap_or(self.hard_state);
        if let Some(snapshot) = persist.snapshot {
            self.log.clear();
            self.snapshot = Some(snapshot);
        }
        if let Some(first) = persist.entries.first() {
            self.log.retain(|entry| entry.index < first.index);
        }
        self.log.extend(persist.entries);
    }

    fn install(&mut self, snapshot: &Snapshot) {
        self.state = String::from_utf8_lossy(&snapshot.state).into_owned();
        self.applied = (snapshot.last_index, snapshot.last_term);
    }

    fn apply(&mut self, entry: &Entry) {
        if let Payload::Command { bytes, .. } = &entry.payload {
            self.state += &format!("{} ", String::from_utf8_lossy(bytes));
        }
        self.applied = (entry.index, entry.term);
    }

    fn status(&self) -> String {
        let Some(core) = &self.core else { return "is down".into() };
        let status = core.status();
        format!(
            "{}, vote {}, log {}/{}, durable {}, commit {}",
            words::role(&status),
            words::optional(status.voted_for),
            status.last_index,
            status.last_term,
            status.durable_index,
            status.commit
        )
    }
}

fn configure(config: &mut Config, option: &str) {
    if option == Bug::StaleRead.name() {
        config.bug = Some(Bug::StaleRead);
        return;
    }
    let (key, value) = split(option, '=');
    let value = number(value) as usize;
    match key {
        "max_batch_entries" => config.max_batch_entries = value,
        "max_batch_bytes" => config.max_batch_bytes = value,
        "max_inflight" => config.max_inflight = value,
        "max_uncommitted" => config.max_uncommitted = value,
        "max_uncommitted_bytes" => config.max_uncommitted_bytes = value,
        "max_requests" => config.max_requests = value,
        "request_ticks" => config.request_ticks = value as u32,
        "lease_drift_percent" => config.lease = Some(Lease { drift_percent: value as u32, tick_us: 10_000 }),
        "keep_entries" => config.keep_entries = value,
        "max_chunk_bytes" => config.max_chunk_bytes = value,
        _ => panic!("scenarios do not set {key}"),
    }
}

/// An entry that nobody proposed, called after its term and place.
fn made_up(term: u64, index: Index) -> Entry {
    let ticket = Ticket { origin: 99, incarnation: 0, number: index };
    Entry { term, index, payload: Payload::Command { ticket, bytes: format!("t{term}i{index}").into_bytes() } }
}

fn split_link(text: &str) -> (&str, &str) {
    text.split_once("->").unwrap_or_else(|| panic!("{text} is no link"))
}

fn split(word: &str, at: char) -> (&str, &str) {
    word.split_once(at).unwrap_or_else(|| panic!("{word} has no `{at}`"))
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{word} is no number"))
}

fn limit(count: &[&str]) -> usize {
    count.first().map_or(usize::MAX, |count| number(count) as usize)
}
