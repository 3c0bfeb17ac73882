//! A small cluster, and what may happen to it next.

use super::Bounds;
use crate::property::{Lasting, Property, Step};
use raftd::core::{Body, Config, Core, Message, Persist, RoleName, Status};
use raftd::types::{Bug, Entry, HardState, NodeId, Term};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Something that happens. Members and messages are named by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing did yet.
    Begin,
    /// A member hears of no leader for long, and asks for votes.
    TimeOut(u8),
    /// A message arrives.
    Deliver(u8),
    /// A message is lost.
    Lose(u8),
    /// A member's oldest write is on disk.
    Written(u8),
    /// A member loses its power, what is not on disk, and starts again.
    Crash(u8),
    /// A leader sends heartbeats.
    Heartbeat(u8),
    /// A leader is asked to do something.
    Command(u8),
}

/// A cluster at a moment.
#[derive(Clone)]
pub(super) struct State {
    members: Vec<Arc<Member>>,
    /// In the order of their hashes, so that the same ones are the same state.
    messages: Vec<(u64, Arc<Message>)>,
    properties: Lasting,
    crashes: u32,
    heartbeats: u32,
    commands: u32,
}

#[derive(Clone)]
struct Member {
    config: Config,
    core: Core,
    hard_state: HardState,
    log: Vec<Entry>,
    /// What is asked of the disk and not on it.
    writing: VecDeque<Persist>,
    hash: u64,
}

fn hash_of(hashed: impl Fn(&mut DefaultHasher)) -> u64 {
    let mut hasher = DefaultHasher::new();
    hashed(&mut hasher);
    hasher.finish()
}

impl State {
    /// A cluster that never ran.
    pub fn new(bounds: &Bounds, bug: Option<Bug>) -> State {
        let names: Vec<NodeId> = (1..=bounds.members).collect();
        let members = names.iter().map(|id| Arc::new(Member::new(*id, names.clone(), bug))).collect();
        let Bounds { crashes, heartbeats, commands, .. } = *bounds;
        State { members, messages: Vec::new(), properties: Lasting::default(), crashes, heartbeats, commands }
    }

    /// States that differ have different ones, but for a very small chance.
    pub fn fingerprint(&self) -> u64 {
        hash_of(|hasher| {
            self.members.iter().for_each(|member| member.hash.hash(hasher));
            self.messages.iter().for_each(|(hash, _)| hash.hash(hasher));
            (&self.properties, self.crashes, self.heartbeats, self.commands).hash(hasher);
        })
    }

    /// What may happen next.
    pub fn actions(&self, bounds: &Bounds) -> Vec<Action> {
        let same = |place: usize| place > 0 && self.messages[place - 1].0 == self.messages[place].0;
        let messages = (0..self.messages.len()).filter(|place| !same(*place)).map(|place| place as u8);
        if self.messages.len() > bounds.in_flight {
            return messages.map(Action::Lose).collect();
        }
        let mut actions: Vec<Action> = messages.map(Action::Deliver).collect();
        let newest = self.members.iter().map(|member| member.core.status().term).max().unwrap_or(0);
        for (place, member) in (0_u8..).zip(&self.members) {
            let Status { role, term, .. } = member.core.status();
            let leads = role == RoleName::Leader;
            let may_stand = term < bounds.terms && (term == newest || !bounds.newest_only);
            let may = [
                // At first they are all alike, so the first one stands for all.
                (!leads && may_stand && (place == 0 || newest > 0), Action::TimeOut(place)),
                (!member.writing.is_empty(), Action::Written(place)),
                (self.crashes > 0, Action::Crash(place)),
                (leads && self.heartbeats > 0, Action::Heartbeat(place)),
                (leads && self.commands > 0, Action::Command(place)),
            ];
            actions.extend(may.into_iter().filter(|(may, _)| *may).map(|(_, action)| action));
        }
        actions
    }

    /// What comes of it, or what it breaks.
    pub fn after(&self, action: Action, bounds: &Bounds) -> Result<State, (Property, String)> {
        let mut state = self.clone();
        let place = match action {
            Action::Begin => return Ok(state),
            Action::Lose(place) => {
                state.messages.remove(place.into());
                return Ok(state);
            }
            Action::Deliver(place) => {
                let (_, message) = state.messages.remove(place.into());
                let to = message.to as usize - 1;
                return state.happens(to, bounds, |core| core.receive(Message::clone(&message)));
            }
            Action::TimeOut(place)
            | Action::Written(place)
            | Action::Crash(place)
            | Action::Heartbeat(place)
            | Action::Command(place) => usize::from(place),
        };
        match action {
            Action::Written(_) => {
                let sequence = Arc::make_mut(&mut state.members[place]).write();
                state.happens(place, bounds, |core| core.persisted(sequence))
            }
            Action::Crash(_) => {
                state.crashes -= 1;
                Arc::make_mut(&mut state.members[place]).restart();
                state.properties.started(place as NodeId + 1);
                state.happens(place, bounds, |_| ())
            }
            Action::Heartbeat(_) => {
                state.heartbeats -= 1;
                state.happens(place, bounds, Core::tick)
            }
            Action::Command(_) => {
                state.commands -= 1;
                let number = state.commands;
                state.happens(place, bounds, |core| core.propose(number.into(), vec![number as u8]))
            }
            _ => state.happens(place, bounds, Core::campaign),
        }
    }

    /// Something happens to a member, and what comes out of it is done.
    fn happens(
        mut self,
        place: usize,
        bounds: &Bounds,
        happens: impl FnOnce(&mut Core),
    ) -> Result<State, (Property, String)> {
        let member = Arc::make_mut(&mut self.members[place]);
        let mut before = member.core.status();
        happens(&mut member.core);
        loop {
            let output = member.core.drain();
            let after = member.core.status();
            self.properties.see(Step {
                before: &before,
                after: &after,
                log: member.core.entries(),
                log_start: (0, 0),
                output: &output,
            })?;
            if output.is_empty() {
                break;
            }
            before = after;
            self.messages.extend(output.messages.into_iter().map(|message| {
                let hash = hash_of(|hasher| message.hash(hasher));
                (hash, Arc::new(message))
            }));
            member.writing.extend(output.persist);
            if !bounds.slow_disk {
                while !member.writing.is_empty() {
                    let sequence = member.write();
                    member.core.persisted(sequence);
                }
            }
        }
        member.rehash();
        if !bounds.slow_disk || self.crashes == 0 {
            let terms: Vec<Term> = self.members.iter().map(|member| member.core.status().term).collect();
            self.messages.retain(|(_, message)| matters(message, terms[message.to as usize - 1]));
        }
        self.messages.sort_unstable_by_key(|(hash, _)| *hash);
        Ok(self)
    }

    /// The action in words.
    pub fn tell(&self, action: Action) -> String {
        let message = |place: u8| {
            let Message { from, to, term, body } = &*self.messages[usize::from(place)].1;
            format!("from n{from} to n{to} in term {term}: {}", words(body))
        };
        match action {
            Action::Begin => "nothing".into(),
            Action::TimeOut(place) => format!("n{} asks for votes", place + 1),
            Action::Deliver(place) => format!("arrives {}", message(place)),
            Action::Lose(place) => format!("is lost {}", message(place)),
            Action::Written(place) => format!("n{} has written to its disk", place + 1),
            Action::Crash(place) => format!("n{} loses its power and starts again", place + 1),
            Action::Heartbeat(place) => format!("n{} sends heartbeats", place + 1),
            Action::Command(place) => format!("n{} is asked to do something", place + 1),
        }
    }
}

/// Whether a message can still do something at a member in this term, which never falls: an answer to a question of a term
/// that is over does not, nor does a refusal that brings no news.
fn matters(message: &Message, term: Term) -> bool {
    match message.body {
        Body::RequestVote { .. } | Body::RequestPreVote { .. } | Body::Append { .. } | Body::Heartbeat { .. } => true,
        Body::Vote { granted: false } | Body::PreVote { granted: false } | Body::Outdated => message.term > term,
        _ => message.term >= term,
    }
}

/// What a message says, without what does not matter here.
fn words(body: &Body) -> String {
    match body {
        Body::Append { previous_index, entries, commit, .. } => {
            let terms: Vec<String> = entries.iter().map(|entry| entry.term.to_string()).collect();
            format!("append after {previous_index} entries of the terms [{}], commit {commit}", terms.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// Ticks never bring about anything by themselves here but a leader's heartbeat.
const NEVER: u32 = u32::MAX / 4;

impl Member {
    fn new(id: NodeId, names: Vec<NodeId>, bug: Option<Bug>) -> Member {
        let mut config = Config::new(id, names, 0, 0);
        (config.election_ticks, config.heartbeat_ticks, config.request_ticks) = (NEVER, 1, NEVER);
        // Each entry in a message of its own, and two of them under way.
        (config.max_batch_entries, config.max_inflight, config.bug) = (1, 2, bug);
        let mut member = Member {
            core: start(&config, HardState::default(), Vec::new()),
            config,
            hard_state: HardState::default(),
            log: Vec::new(),
            writing: VecDeque::new(),
            hash: 0,
        };
        member.rehash();
        member
    }

    /// The oldest write is on disk; its number.
    fn write(&mut self) -> u64 {
        // Nobody takes snapshots here.
        let Some(Persist { sequence, hard_state, entries, .. }) = self.writing.pop_front() else { return 0 };
        self.hard_state = hard_state.unwrap_or(self.hard_state);
        if let Some(first) = entries.first() {
            self.log.truncate(first.index as usize - 1);
        }
        self.log.extend(entries);
        sequence
    }

    fn restart(&mut self) {
        self.writing.clear();
        self.config.incarnation += 1;
        self.core = start(&self.config, self.hard_state, self.log.clone());
    }

    fn rehash(&mut self) {
        self.hash = hash_of(|hasher| {
            self.core.hash_but_for_time(hasher);
            (self.hard_state, &self.log).hash(hasher);
            self.writing.iter().for_each(|persist| (persist.hard_state, &persist.entries).hash(hasher));
        });
    }
}

fn start(config: &Config, hard_state: HardState, log: Vec<Entry>) -> Core {
    Core::new(config.clone(), hard_state, None, log).expect("the disk holds what the member wrote")
}
