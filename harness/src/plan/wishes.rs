//! What somebody wishes of a run, and how wishes become a plan.

use super::{Plan, PlanError, STORM_MAX};
use crate::names::{FaultName, ProfileName, PromiseName, TargetName, WorkloadName};
use crate::seed;
use serde::{Deserialize, Serialize};
use squall_nemesis::{Planned, Size, Span, Swarm, schedule};
use squall_targets::hosts::HostSpec;
use squall_targets::target::{Setting, TargetInfo};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What somebody wishes of a run; everything may be left out. The form of plan files and of the command line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// The target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// The workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadName>,
    /// The number of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Nodes>,
    /// The number of nodes beside them that can join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spares: Option<Spares>,
    /// The machines that are to be the nodes, reached by ssh; local nodes without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostSpec>>,
    /// How long the storm lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<Span>,
    /// How many calls a second are made in the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<Rate>,
    /// The number of workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Workers>,
    /// The seed of all that is random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// A planted bug of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// How the clients read; the target's own default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<String>,
    /// Whether clients repeat a change whose answer they did not get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<bool>,
    /// The program or folder to use in place of the installed server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin: Option<PathBuf>,
    /// Which values the target's settings have where they are not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// The target's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<BTreeMap<String, u64>>,
    /// The promise to judge at; the target's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<PromiseName>,
    /// How long one call may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_timeout: Option<Span>,
    /// How long the cluster may take to serve again after the storm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_timeout: Option<Span>,
    /// How long it may take to serve again during the storm, as long as one majority of its nodes is left alone; by default what
    /// the target needs with its settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_bound: Option<Span>,
    /// The families to draw faults from; an empty list: no faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<FaultName>>,
    /// Draw the storm itself from the seed: families, weights, paces, and where they are not given the number of nodes, the rate and
    /// the number of workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swarm: Option<bool>,
    /// The faults with their times; drawn from the seed by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Vec<Planned>>,
}

/// A number out of a range, refused with the range when it is outside.
macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $range:expr, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "f64")]
        pub struct $name(pub $inner);

        impl TryFrom<f64> for $name {
            type Error = String;

            fn try_from(number: f64) -> Result<$name, String> {
                let inner = number as $inner;
                let whole = number == inner as f64;
                if whole && $range.contains(&inner) {
                    Ok($name(inner))
                } else {
                    Err(format!(concat!($what, " must be from {} to {}, not {}"), $range.start(), $range.end(), number))
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                text.parse::<f64>().map_err(|_| format!("`{text}` is no number"))?.try_into()
            }
        }
    };
}

ranged!(
    /// A number of nodes.
    Nodes, usize, (1..=15), "the number of nodes"
);
ranged!(
    /// A number of spares.
    Spares, usize, (0..=15), "the number of spares"
);
ranged!(
    /// A number of workers.
    Workers, usize, (1..=1000), "the number of workers"
);
ranged!(
    /// Calls a second.
    Rate, f64, (0.1..=1_000_000.0), "the rate (calls a second)"
);

/// The target where none is wished for.
const DEFAULT_TARGET: &str = "raft";

impl Wishes {
    /// Reads a plan file.
    ///
    /// # Errors
    /// When it cannot be read, or is no plan: with line and caret.
    pub fn read(path: &Path) -> Result<Wishes, PlanError> {
        let shown = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| PlanError::Unreadable { path: shown.clone(), reason: error.to_string() })?;
        Wishes::parse(&text, &shown)
    }

    pub(crate) fn parse(text: &str, path: &str) -> Result<Wishes, PlanError> {
        serde_yaml::from_str(text).map_err(|error| {
            // The advice to a programmer is none to the author of a plan.
            let text = error.to_string().replace(", set DuplicateKeyPolicy in Options if acceptable", "");
            let shown = text.replace("<input>", path);
            PlanError::Malformed { path: path.to_owned(), shown }
        })
    }

    /// These wishes, and `others` where these are silent. Families that are wished for outdo a schedule of the others, and
    /// a profile their settings; what is wished of another target does not apply to this one.
    #[must_use]
    pub fn or(self, others: Wishes) -> Wishes {
        let others_schedule = if self.faults.is_some() { None } else { others.schedule };
        // Who names no target wishes for the default one.
        let theirs = others.target.as_ref().map_or(DEFAULT_TARGET, TargetName::as_str);
        let same_target = self.target.as_ref().is_none_or(|ours| ours.as_str() == theirs);
        // What another way to read promises is no wish for this one.
        let same_read = same_target && (self.read.is_none() || self.read == others.read);
        // A bound fits the settings that it stands beside.
        let keeps_settings = self.profile.is_none() && self.settings.is_none() && same_target;
        let others_settings = if self.profile.is_some() || !same_target { None } else { others.settings };
        let settings = match (self.settings, others_settings) {
            (Some(ours), theirs) => {
                let mut all = theirs.unwrap_or_default();
                all.extend(ours);
                Some(all)
            }
            (None, theirs) => theirs,
        };
        // Who says how many nodes there are to be, or which, wants no others.
        let (nodes, hosts) = match (self.nodes, self.hosts) {
            (None, None) => (others.nodes, others.hosts),
            ours => ours,
        };
        Wishes {
            target: self.target.or(others.target),
            workload: self.workload.or(others.workload),
            nodes,
            spares: self.spares.or(others.spares.filter(|_| same_target)),
            hosts,
            time_limit: self.time_limit.or(others.time_limit),
            rate_hz: self.rate_hz.or(others.rate_hz),
            concurrency: self.concurrency.or(others.concurrency),
            seed: self.seed.or(others.seed),
            bug: self.bug.or(others.bug.filter(|_| same_target)),
            read: self.read.or(others.read.filter(|_| same_target)),
            retry: self.retry.or(others.retry.filter(|_| same_target)),
            bin: self.bin.or(others.bin.filter(|_| same_target)),
            profile: self.profile.or(others.profile),
            settings,
            consistency: self.consistency.or(others.consistency.filter(|_| same_read)),
            call_timeout: self.call_timeout.or(others.call_timeout),
            recovery_timeout: self.recovery_timeout.or(others.recovery_timeout),
            failover_bound: self.failover_bound.or(others.failover_bound.filter(|_| keeps_settings)),
            faults: self.faults.or(others.faults),
            swarm: self.swarm.or(others.swarm),
            schedule: self.schedule.or(others_schedule),
        }
    }

    /// Spells every default out, draws the schedule, and sees that the parts fit together.
    ///
    /// # Errors
    /// When they do not, and why.
    pub fn resolve(self) -> Result<Plan, PlanError> {
        let target = self.target.map_or_else(|| DEFAULT_TARGET.parse(), Ok).map_err(PlanError::Contradiction)?;
        let workload = self.workload.map_or_else(|| "register".parse(), Ok).map_err(PlanError::Contradiction)?;
        let time_limit = storm(self.time_limit.unwrap_or(Span::from_ms(20_000)))?;
        let seed = self.seed.unwrap_or_else(seed::fresh);
        // A single node has no links to cut, most clients are no processes of their own, and some faults want to be asked for.
        let has_client_processes = workload.workload().has_client_processes();
        let hosts = self.hosts.unwrap_or_default();
        let wished = self.nodes.map(|nodes| nodes.0).or((!hosts.is_empty()).then_some(hosts.len()));
        let has_links = wished.is_none_or(|nodes| nodes > 1);
        let fits = |family: &squall_nemesis::Family| {
            (has_links || !family.needs_links())
                && (has_client_processes || !family.hits_clients())
                && family.is_usual()
        };
        let all_families = || squall_nemesis::Family::ALL.into_iter().filter(fits).map(FaultName::from).collect();
        let faults = distinct(self.faults.unwrap_or_else(all_families));
        let swarm = self.swarm.unwrap_or(false).then(|| mixture(&faults, seed));
        let nodes = wished.unwrap_or_else(|| swarm.as_ref().map_or(3, |swarm| swarm.nodes));
        let spares = self.spares.map_or(0, |spares| spares.0);
        let by_hand =
            self.schedule.map(|schedule| schedule.into_iter().map(|fault| bounded(fault, time_limit)).collect());
        let schedule = by_hand.unwrap_or_else(|| {
            let mut rng = seed::stream(seed, "schedule");
            let families: Vec<_> = faults.iter().map(FaultName::family).collect();
            let size = Size { nodes, least_members: target.target().least_members.unwrap_or(nodes), spares };
            match &swarm {
                Some(swarm) => swarm.schedule(size, time_limit, &mut rng),
                None => schedule::draw(&families, size, time_limit, &mut rng),
            }
        });
        let workers = swarm.as_ref().map_or(4, |swarm| swarm.workers);
        let info = target.target();
        let read = self.read.unwrap_or_else(|| info.reads[0].name.to_owned());
        let profile = self.profile.map_or_else(|| "default".parse(), Ok).map_err(PlanError::Contradiction)?;
        let mut settings = default_settings(info, &profile);
        settings.extend(self.settings.unwrap_or_default());
        let failover_bound = self.failover_bound.unwrap_or_else(|| Span::from_ms((info.failover_ms)(&settings)));
        let plan = Plan {
            consistency: self.consistency.unwrap_or_else(|| default_promise(&target, &read)),
            read,
            retry: self.retry.unwrap_or(false),
            bin: self.bin,
            profile,
            settings,
            target,
            workload,
            nodes,
            spares,
            hosts,
            time_limit,
            rate_hz: self.rate_hz.map_or(swarm.as_ref().map_or(500.0, |swarm| swarm.rate_hz), |rate| rate.0),
            concurrency: self.concurrency.map_or(workers * nodes, |workers| workers.0),
            seed,
            bug: self.bug,
            call_timeout: self.call_timeout.unwrap_or(Span::from_ms(1_000)),
            recovery_timeout: self.recovery_timeout.unwrap_or(Span::from_ms(30_000)),
            failover_bound,
            faults,
            swarm: swarm.is_some(),
            schedule,
        };
        plan.check()?;
        Ok(plan)
    }
}

/// The mixture that `seed` draws out of these families.
pub(super) fn mixture(faults: &[FaultName], seed: u64) -> Swarm {
    let families: Vec<_> = faults.iter().map(FaultName::family).collect();
    Swarm::draw(&families, &mut seed::stream(seed, "swarm"))
}

/// A length that a storm can have; refused before a schedule of such a length is drawn.
fn storm(time_limit: Span) -> Result<Span, PlanError> {
    let refuse = |reason: &str| Err(PlanError::Contradiction(format!("a storm of {time_limit} {reason}")));
    match time_limit {
        _ if time_limit.ms() < 1_000 => refuse("is too short; give it 1s at least"),
        _ if time_limit > STORM_MAX => refuse("is too long; give it 12h at most"),
        _ => Ok(time_limit),
    }
}

/// The fault with a bound for what it waits for: as long as there is time left for it in the storm.
fn bounded(mut fault: Planned, storm: Span) -> Planned {
    let ends = fault.ends();
    if let Some(after) = fault.after.as_mut().filter(|after| after.within.is_none() && ends <= storm) {
        after.within = Some(Span::from_ms(storm.ms() - ends.ms()));
    }
    fault
}

/// The families in their order, each once: one that is named twice is not to come twice as often.
fn distinct(names: Vec<FaultName>) -> Vec<FaultName> {
    let first = |(place, name): (usize, &FaultName)| (!names[..place].contains(name)).then(|| name.clone());
    names.iter().enumerate().filter_map(first).collect()
}

/// What the target promises by default to clients that read in this way; one that it does not know is refused later.
pub(super) fn default_promise(target: &TargetName, read: &str) -> PromiseName {
    let info = target.target();
    info.read(read).unwrap_or(&info.reads[0]).promise.into()
}

/// The values that a target's settings have in this profile.
pub(super) fn default_settings(target: &TargetInfo, profile: &ProfileName) -> BTreeMap<String, u64> {
    let value = |setting: &Setting| if profile.as_str() == "fast" { setting.fast } else { setting.default };
    target.settings.iter().map(|setting| (setting.name.to_owned(), value(setting))).collect()
}
