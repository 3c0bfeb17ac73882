//! One run: a seed, played to its end or to the first violation.

use crate::clocks::Clocks;
use crate::comings::Comings;
use crate::property::{Judged, Property, Violation, explain, judge};
use crate::time::Micros;
use crate::trace::Trace;
use crate::weather::Weather;
use crate::world::World;
use raftd::types::Bug;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// What to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What everything is drawn from.
    pub seed: u64,
    /// The planted bug of all members.
    pub bug: Option<Bug>,
    /// No faults at all.
    pub is_fair: bool,
    /// What the members break among themselves goes on until clients see it, or a member stops itself.
    pub only_clients: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The first property that was broken.
    pub violation: Option<Violation>,
    /// The checker of the clients' history could not tell.
    pub is_undecided: bool,
    /// How much virtual time passed.
    pub simulated_us: Micros,
    /// How many events there were.
    pub events: u64,
    /// How many terms had a leader.
    pub leaders: usize,
    /// How many entries were committed.
    pub committed: usize,
    /// How many operations of clients were answered.
    pub answered: usize,
    /// What happened, a line an event; empty unless it was asked for.
    pub trace: String,
}

impl Plan {
    /// A storm.
    pub fn storm(seed: u64, bug: Option<Bug>) -> Plan {
        Plan { seed, bug, is_fair: false, only_clients: false }
    }

    /// Fair weather.
    pub fn fair(seed: u64, bug: Option<Bug>) -> Plan {
        Plan { seed, bug, is_fair: true, only_clients: false }
    }

    /// Whether leaders have leases, and clients read by them: in one run of four, and wherever a lease has a bug. Where
    /// another bug is looked for they only stand in the way.
    fn has_leases(&self) -> bool {
        match self.bug {
            None => self.seed % 4 == 3,
            Some(Bug::LeaseWallClock | Bug::LeaseAfterTransfer) => true,
            Some(_) => self.has_holders(),
        }
    }

    /// Whether members come and go: in every other run, and wherever changes of the members have a bug.
    fn has_comings(&self) -> bool {
        match self.bug {
            None => !self.is_fair && (self.seed / 4).is_multiple_of(2),
            Some(bug) => bug == Bug::ChangesAtOnce && !self.is_fair,
        }
    }

    /// Whether somebody watches: in any run, unless another bug is looked for.
    pub(crate) fn has_watcher(&self) -> bool {
        matches!(self.bug, None | Some(Bug::WatchPastSnapshot))
    }

    /// Whether somebody holds locks, where leaders have leases: in any such run, unless another bug is looked for.
    pub(crate) fn has_holders(&self) -> bool {
        matches!(self.bug, None | Some(Bug::ExpireRenewed | Bug::ExpiryWallClock | Bug::FenceAnyToken))
    }

    /// The command that plays this again, with its trace.
    pub fn command(&self) -> String {
        let bug = self.bug.map(|bug| format!(" --bug {bug}")).unwrap_or_default();
        let fair = if self.is_fair { " --fair" } else { "" };
        let clients = if self.only_clients { " --only-clients" } else { "" };
        format!("cargo run --release -p raftd-sim -- --seeds 1 --from {}{bug}{fair}{clients} --trace", self.seed)
    }
}

/// Plays a plan; with a trace it takes longer and ends the same.
pub fn run(plan: &Plan, with_trace: bool) -> Report {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let mut weather = if plan.is_fair { Weather::fair(&mut rng) } else { Weather::storm(&mut rng) };
    weather.clocks = plan.has_leases().then(|| Clocks::draw(plan.seed));
    weather.comings = plan.has_comings().then(|| Comings::draw(plan.seed));
    let mut trace = Trace::new(with_trace);
    trace.note(0, || format!("{weather:?}"));
    let mut world = World::new(weather, plan, rng, trace);
    let broken = match quietly(|| world.play()) {
        Ok(Ok(())) => None,
        Ok(Err(broken)) => Some(broken),
        Err(panic) => Some((Property::Assertion, words(panic.as_ref()))),
    };
    // What a member broke is the cause of what clients see, and stands for it.
    let judges = broken.is_none() || plan.only_clients;
    let judged = if judges { judge(&world.record.operations) } else { Judged::Linearizable };
    let broken = match judged {
        Judged::Broken { key } => {
            Some((Property::Linearizability, format!("key {key}: {}", explain(&world.record.operations))))
        }
        Judged::Linearizable | Judged::Unknown => broken,
    };
    let at_us = world.now_us();
    let violation = broken.map(|(property, evidence)| Violation { property, at_us, evidence });
    Report {
        violation,
        is_undecided: judged == Judged::Unknown,
        simulated_us: at_us,
        events: world.events,
        leaders: world.properties.leaders(),
        committed: world.properties.committed(),
        answered: world.record.operations.iter().filter(|operation| operation.outcome.is_ok()).count(),
        trace: world.trace.text().to_owned(),
    }
}

thread_local! {
    /// This thread plays, so a panic is a result and needs no announcement.
    static PLAYS: Cell<bool> = const { Cell::new(false) };
}

/// Turns a panic into a value, without a word on the terminal.
pub(crate) fn quietly<T>(play: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !PLAYS.get() {
                usual(info);
            }
        }));
    });
    PLAYS.set(true);
    // The world is left as the panic found it; only its figures and its trace are looked at.
    let played = catch_unwind(AssertUnwindSafe(play));
    PLAYS.set(false);
    played
}

pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}
