//! A cluster, its clients and its weather in virtual time: the loop that lets one event after the other happen.

mod callers;
mod members;
mod troubles;

use crate::client::{Client, Record};
use crate::holder::Holder;
use crate::member::{Asked, Crash, Member, TICK_US, Told};
use crate::network::Network;
use crate::property::{Properties, Property, Step, alone_by_lease, has_recovered};
use crate::run::Plan;
use crate::time::{Agenda, MS, Micros};
use crate::trace::Trace;
use crate::watcher::Watcher;
use crate::weather::Weather;
use raftd::core::{Message, RoleName, Status};
use raftd::machine::Token;
use raftd::types::{Bug, NodeId};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// Those who hold locks are numbered from here on, clients before.
const HOLDERS_FROM: usize = 1000;
/// How many there are, where leaders have leases.
const HOLDERS: usize = 3;
/// How long fair weather lasts.
const FAIR_US: Micros = 3_000 * MS;
/// How long the cluster may take to recover.
const RECOVERY_US_MAX: Micros = 30_000 * MS;
/// More than this happens in no run but where members talk and talk, and every word begets more.
const EVENTS_MAX: u64 = 1_000_000;

/// What breaks a property: which, and what shows it.
pub type Broken = (Property, String);

/// Everything there is in one run.
#[derive(Debug)]
pub struct World {
    /// The climate.
    pub weather: Weather,
    /// What the clients did.
    pub record: Record,
    /// What the members promised.
    pub properties: Properties,
    /// What happened.
    pub trace: Trace,
    /// How many events there were.
    pub events: u64,
    agenda: Agenda<Event>,
    rng: ChaCha8Rng,
    members: Vec<Member>,
    clients: Vec<Client>,
    holders: Vec<Holder>,
    /// The newest token that a holder was told.
    newest_token: Token,
    watcher: Option<Watcher>,
    network: Network,
    /// Counts the partitions: an old one's end must not heal a new one.
    partition: u64,
    /// Whose clock stands still, until when.
    stopped_clock: Option<(NodeId, Micros)>,
    is_storm: bool,
    /// Who stays down when the storm is over: never more than a minority.
    absent: BTreeSet<usize>,
    /// Nobody watches the members: what they break goes on until clients see it.
    only_clients: bool,
    bug: Option<Bug>,
}

/// Something that will happen. What belongs to one start of a member names it.
#[derive(Debug)]
enum Event {
    Tick {
        member: usize,
        start: u64,
    },
    DiskEnds {
        member: usize,
        start: u64,
    },
    Deliver(Message),
    Ask {
        member: usize,
        asked: Asked,
    },
    Told {
        client: usize,
        attempt: u64,
        told: Told,
    },
    TimeOut {
        client: usize,
        attempt: u64,
    },
    Wake {
        client: usize,
    },
    Trouble,
    Crash {
        member: usize,
        how: Crash,
        down_us: Micros,
    },
    Restart {
        member: usize,
    },
    Heal {
        partition: u64,
    },
    SetClock,
    HolderWakes {
        holder: usize,
    },
    /// An operator comes to want the members changed.
    Wish,
    /// And asks for all that it wants.
    AskForChanges,
    Watch,
}

impl World {
    /// A cluster whose members have just been started, and clients that are about to wake.
    pub fn new(weather: Weather, plan: &Plan, rng: ChaCha8Rng, trace: Trace) -> World {
        let bug = plan.bug;
        let count = weather.members as NodeId;
        let member = |id| Member::new(id, count, bug, weather.limits.clone());
        let mut record = Record::default();
        let clients = (0..weather.clients).map(|number| Client::new(number, weather.members, &mut record));
        let mut members: Vec<Member> = (1..=count).map(member).collect();
        let mut clients: Vec<Client> = clients.collect();
        let mut weather = weather;
        if let Some(clocks) = &mut weather.clocks {
            members.iter_mut().for_each(|member| member.use_leases(clocks.drift_percent, clocks.clock()));
            clients.iter_mut().for_each(|client| client.has_leases = true);
        }
        let has_holders = weather.clocks.is_some() && plan.has_holders();
        let holders = (0..HOLDERS).filter(|_| has_holders).map(|number| Holder::new(HOLDERS_FROM + number)).collect();
        World {
            properties: Properties::new(bug, members[0].members().clone()),
            members,
            clients,
            holders,
            newest_token: 0,
            watcher: plan.has_watcher().then(|| Watcher::new(plan.seed)),
            record,
            trace,
            events: 0,
            agenda: Agenda::default(),
            rng,
            network: Network::default(),
            partition: 0,
            stopped_clock: None,
            is_storm: weather.storm_us > 0,
            absent: BTreeSet::new(),
            only_clients: plan.only_clients,
            bug,
            weather,
        }
    }

    /// The present instant of virtual time.
    pub fn now_us(&self) -> Micros {
        self.agenda.now_us()
    }

    /// The whole run: the storm, then calm until those that are left have recovered and every client was served again.
    pub fn play(&mut self) -> Result<(), Broken> {
        (0..self.members.len()).for_each(|member| self.start(member));
        for client in 0..self.clients.len() {
            let pause_us = self.rng.random_range(0..200 * MS);
            self.agenda.after(pause_us, Event::Wake { client });
        }
        (0..self.holders.len()).for_each(|holder| self.agenda.after(MS, Event::HolderWakes { holder }));
        self.agenda.after(MS, Event::Watch);
        if self.is_storm {
            self.schedule_trouble();
            self.schedule_clock();
            self.schedule_wish();
            self.schedule_try();
        } else {
            // Two candidates at once would be bad luck, and weather is not fair with that.
            self.campaign(1)?;
        }
        self.go_on_until(if self.is_storm { self.weather.storm_us } else { FAIR_US })?;
        self.calm_down();
        let begun_us = self.now_us();
        let answered: Vec<usize> = self.clients.iter().map(|client| client.answered + 3).collect();
        while self.now_us() < begun_us + RECOVERY_US_MAX {
            self.go_on_until(self.now_us() + MS)?;
            let served = self.clients.iter().zip(&answered).all(|(client, goal)| client.answered >= *goal);
            if served && self.has_changed() && has_recovered(&self.statuses_of_members()) {
                return Ok(());
            }
        }
        let mut evidence =
            format!("calm for {} s, and the members are {:?}", RECOVERY_US_MAX / 1_000_000, self.statuses_of_members());
        if let Some(comings) = &self.weather.comings {
            evidence += &format!("; {} are, and {:?} are wanted", self.properties.members(), comings.wanted);
        }
        Err((Property::Progress, evidence))
    }

    fn go_on_until(&mut self, until_us: Micros) -> Result<(), Broken> {
        while let Some(event) = self.agenda.next(until_us) {
            self.events += 1;
            if self.events > EVENTS_MAX {
                return Err((Property::Progress, format!("{EVENTS_MAX} events, and no end")));
            }
            self.happens(event)?;
        }
        self.agenda.wait_until(until_us);
        Ok(())
    }

    fn happens(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Tick { member, start } => return self.tick(member, start),
            Event::DiskEnds { member, start } if self.members[member].start == start => {
                return self.on(member, |member, rng| member.disk_ends(rng));
            }
            Event::DiskEnds { .. } => {}
            Event::Deliver(message) => return self.deliver(message),
            Event::Ask { member, asked } => return self.on(member, |member, _| member.ask(asked)),
            Event::Told { client, attempt, told } if client >= HOLDERS_FROM => {
                return self.holder_is_told(client - HOLDERS_FROM, attempt, &told);
            }
            Event::Told { client, attempt, told } => {
                let now_us = self.now_us();
                self.trace.note(now_us, || format!("client {client} is told {told:?}"));
                let next = self.clients[client].told(attempt, told, now_us, &mut self.record);
                self.client_does(client, next);
            }
            Event::TimeOut { client, attempt } => {
                let next = self.clients[client].timed_out(attempt, self.agenda.now_us(), &mut self.record);
                self.client_does(client, next);
            }
            Event::Wake { client } => {
                let (asked, now_us) = (self.asked(), self.now_us());
                let next = self.clients[client].wake(&asked, now_us, &mut self.record, &mut self.rng);
                self.client_does(client, next);
            }
            Event::Trouble => return self.trouble(),
            Event::Crash { member, how, down_us } => self.crash(member, how, down_us),
            Event::Restart { member } => self.start(member),
            Event::Heal { partition } if partition == self.partition => self.heal(),
            Event::Heal { .. } => {}
            Event::SetClock => self.set_clock(),
            Event::HolderWakes { holder } => self.holder_wakes(holder),
            Event::Wish => self.wish(),
            Event::AskForChanges => return self.ask_for_changes(),
            Event::Watch => return self.watch(),
        }
        Ok(())
    }

    fn tick(&mut self, member: usize, start: u64) -> Result<(), Broken> {
        if self.members[member].start != start || !self.members[member].runs() {
            return Ok(());
        }
        let tick_us = self.members[member].clock.lasts_us(TICK_US);
        self.agenda.after(tick_us, Event::Tick { member, start });
        let (id, now_us) = (self.members[member].id(), self.now_us());
        if self.stopped_clock.is_some_and(|(whose, until_us)| whose == id && now_us < until_us) {
            return Ok(());
        }
        self.on(member, |member, _| member.tick(now_us))
    }

    fn deliver(&mut self, message: Message) -> Result<(), Broken> {
        if self.network.is_cut(message.from, message.to) {
            return Ok(());
        }
        self.trace.note(self.agenda.now_us(), || format!("n{} hears {message:?}", message.to));
        self.on(message.to as usize - 1, |member, _| {
            if let Some(core) = member.core_mut() {
                core.receive(message);
            }
        })
    }

    /// Lets something happen to a member, checks what comes out, and does it.
    fn on(&mut self, member: usize, happens: impl FnOnce(&mut Member, &mut ChaCha8Rng)) -> Result<(), Broken> {
        let Some(before) = self.members[member].core().map(|core| core.status()) else { return Ok(()) };
        happens(&mut self.members[member], &mut self.rng);
        self.members[member].show_clock(self.agenda.now_us());
        let output = self.members[member].drain();
        let Some(core) = self.members[member].core() else { return Ok(()) };
        let after = core.status();
        let (log, log_start) = (core.entries(), core.log_start());
        let step = Step { before: &before, after: &after, log, log_start, output: &output };
        let seen = self.properties.see(step);
        self.tell_change(&before, &after);
        let is_alone = match (before.role, after.role) {
            (RoleName::Leader, _) => Ok(()),
            (_, RoleName::Leader) => self.begins_to_lead(member, &after),
            _ => Ok(()),
        };
        if !self.only_clients {
            seen?;
            is_alone?;
        }
        output.messages.iter().for_each(|message| self.send(message));
        for (asked, told) in self.members[member].carry_out(output) {
            self.tell_client(asked, told);
        }
        if let Some(snapshot) = self.members[member].take_snapshot() {
            self.trace.note(self.agenda.now_us(), || format!("n{} takes {snapshot:?}", after.id));
            let taken = self.properties.taken(after.id, &snapshot);
            if !self.only_clients {
                taken?;
            }
        }
        if self.members[member].disk_starts() {
            let slow = if self.rng.random_bool(0.05) { 10 } else { 1 };
            let delay_us = slow * self.rng.random_range(1..=self.weather.disk_us_max);
            self.agenda.after(delay_us, Event::DiskEnds { member, start: self.members[member].start });
        }
        Ok(())
    }

    /// Nobody else may have a lease when a member begins to lead.
    fn begins_to_lead(&mut self, member: usize, status: &Status) -> Result<(), Broken> {
        let now_us = self.now_us();
        let others = self.members.iter_mut().enumerate().filter(|(other, _)| *other != member);
        let others = others.filter_map(|(_, other)| {
            other.show_clock(now_us);
            other.core().map(|core| core.status())
        });
        alone_by_lease(status, others).map_err(|evidence| (Property::LeaseSafety, evidence))
    }

    fn tell_change(&mut self, before: &Status, after: &Status) {
        if (before.role, before.term) != (after.role, after.term) {
            let line = || format!("n{} is {} in term {}, log {:?}", after.id, after.role, after.term, after.last_index);
            self.trace.note(self.agenda.now_us(), line);
        }
        if before.commit != after.commit {
            self.trace.note(self.agenda.now_us(), || format!("n{} knows {} committed", after.id, after.commit));
        }
    }

    fn send(&mut self, message: &Message) {
        if self.network.is_cut(message.from, message.to) {
            return;
        }
        for delay_us in self.network.arrivals(&self.weather, &mut self.rng) {
            self.agenda.after(delay_us, Event::Deliver(message.clone()));
        }
    }

    fn start(&mut self, member: usize) {
        if self.members[member].runs() || self.absent.contains(&member) {
            return;
        }
        self.members[member].start(&mut self.rng);
        let (id, start) = (self.members[member].id(), self.members[member].start);
        let applied = self.members[member].core().map_or(0, |core| core.status().snapshot_index);
        self.properties.started(id, applied);
        self.trace.note(self.agenda.now_us(), || format!("n{id} starts"));
        let phase_us = self.rng.random_range(0..TICK_US);
        self.agenda.after(phase_us, Event::Tick { member, start });
    }

    /// Who leads the latest term that somebody believes to lead.
    fn leader(&self) -> Option<NodeId> {
        let statuses = self.statuses();
        let leaders = statuses.iter().filter(|status| status.role == RoleName::Leader);
        leaders.max_by_key(|status| status.term).map(|status| status.id)
    }

    /// Of those that belong to the cluster.
    fn statuses_of_members(&self) -> Vec<Status> {
        let members = self.properties.members();
        self.statuses().into_iter().filter(|status| members.contains(status.id)).collect()
    }

    fn statuses(&self) -> Vec<Status> {
        self.members.iter().filter_map(|member| member.core().map(|core| core.status())).collect()
    }
}
