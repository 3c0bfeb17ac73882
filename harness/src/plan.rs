//! The plan of a run: raw wishes (a file, flags) become one resolved plan, in which every default is spelled out.

mod command;
mod wishes;

pub(crate) use command::typed;
pub use wishes::{Nodes, Rate, Spares, Wishes, Workers};

use crate::names::{FaultName, ProfileName, PromiseName, TargetName, WorkloadName};
use crate::summary::plural;
use squall_nemesis::{Change, Family, Planned, Selector, Span, Swarm, schedule};
use squall_results::Promise;
use squall_targets::disk::Model;
use squall_targets::hosts::HostSpec;
use squall_targets::target::ReadMode;
use std::collections::BTreeMap;
use std::path::PathBuf;
use thiserror::Error;

/// A plan that cannot be carried out. Nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("cannot read the plan {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is no plan; the text shows line and caret.
    #[error("{path} is no plan\n{shown}")]
    Malformed {
        /// The file.
        path: String,
        /// The error with the place in the file.
        shown: String,
    },
    /// Its parts do not fit together.
    #[error("{0}")]
    Contradiction(String),
}

/// The longest storm: its schedule, drawn and written out, can still be read back.
const STORM_MAX: Span = Span::from_ms(12 * 3_600_000);

/// A plan with every default spelled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The target.
    pub target: TargetName,
    /// The workload.
    pub workload: WorkloadName,
    /// The number of nodes.
    pub nodes: usize,
    /// The number of nodes beside them that are no members until they join. Clients do not ask them.
    pub spares: usize,
    /// The machines that are the nodes; none where they are local.
    pub hosts: Vec<HostSpec>,
    /// How long the storm lasts.
    pub time_limit: Span,
    /// How many calls a second are made in the mean.
    pub rate_hz: f64,
    /// The number of workers.
    pub concurrency: usize,
    /// The seed of all that is random.
    pub seed: u64,
    /// A planted bug of the target.
    pub bug: Option<String>,
    /// How the clients read.
    pub read: String,
    /// Whether clients repeat a change whose answer they did not get.
    pub retry: bool,
    /// The program or folder to use in place of the installed server.
    pub bin: Option<PathBuf>,
    /// Where the settings come from that nobody chose.
    pub profile: ProfileName,
    /// The target's settings, all of them.
    pub settings: BTreeMap<String, u64>,
    /// The promise to judge at.
    pub consistency: PromiseName,
    /// How long one call may take.
    pub call_timeout: Span,
    /// How long the cluster may take to serve again after the storm.
    pub recovery_timeout: Span,
    /// How long it may take to serve again during the storm, as long as one majority of its nodes is left alone.
    pub failover_bound: Span,
    /// The families that faults were drawn from.
    pub faults: Vec<FaultName>,
    /// Whether the storm itself was drawn from the seed: see [`squall_nemesis::swarm`].
    pub swarm: bool,
    /// The faults with their times, counted from the beginning of the storm.
    pub schedule: Vec<Planned>,
}

impl Plan {
    fn check(&self) -> Result<(), PlanError> {
        let refuse = |reason: String| Err(PlanError::Contradiction(reason));
        let (target, workload) = (self.target.target(), self.workload.workload());
        if let Some(kind) = workload.needs.iter().find(|kind| !(target.supports)(**kind)) {
            return refuse(format!("the workload {} needs {kind} calls, which {} has not", workload.name, target.name));
        }
        self.check_target()?;
        self.check_hosts()?;
        if !workload.promises.contains(&self.consistency.promise()) {
            return refuse(format!("the workload {} cannot be judged as {}", workload.name, self.consistency));
        }
        let bugs = (target.bugs)();
        if let Some(bug) = self.bug.as_deref().filter(|bug| bugs.iter().all(|known| known.name != *bug)) {
            let known = bugs.iter().map(|known| known.name);
            return refuse(crate::names::unknown(&format!("planted bug of {}", target.name), bug, known));
        }
        if self.call_timeout.ms() == 0 {
            return refuse("a call needs some time; give call_timeout more than 0".into());
        }
        if self.failover_bound.ms() == 0 {
            return refuse("a new leader needs some time; give failover_bound more than 0".into());
        }
        let needs_links = |planned: &&Planned| planned.fault.needs_links();
        if let Some(planned) = self.schedule.iter().find(needs_links).filter(|_| self.nodes == 1) {
            let what =
                if planned.fault == Family::Partition { "cannot be partitioned" } else { "sends no packets to others" };
            return refuse(format!("a single node {what}; leave {} out of --faults, or add nodes", planned.fault));
        }
        let mut families =
            self.faults.iter().map(FaultName::family).chain(self.schedule.iter().map(|planned| planned.fault));
        if !workload.has_client_processes() && families.any(Family::hits_clients) {
            let name = workload.name;
            return refuse(format!("the clients of {name} are no processes of their own, so none can be paused"));
        }
        self.check_members()?;
        self.schedule.iter().enumerate().try_for_each(|(place, planned)| self.check_fault(place + 1, planned))?;
        schedule::disks(&self.schedule).map(drop).map_err(PlanError::Contradiction)
    }

    /// What the disks forget that must lie under the servers' data; none where no fault needs any.
    ///
    /// # Panics
    /// Never for a plan that was resolved.
    pub fn disks(&self) -> Option<Model> {
        schedule::disks(&self.schedule).expect("the plan was checked")
    }

    fn check_members(&self) -> Result<(), PlanError> {
        let refuse = |reason: String| Err(PlanError::Contradiction(reason));
        let target = self.target.target();
        let is_drawn = self.faults.iter().any(|fault| fault.family() == Family::Membership);
        let is_wanted = is_drawn || self.schedule.iter().any(|planned| planned.fault == Family::Membership);
        match target.least_members {
            Err(why) if is_wanted => refuse(format!(
                "the members of {} cannot be changed: {why}; leave membership out of --faults",
                target.name
            )),
            Err(why) if self.spares > 0 => refuse(format!(
                "spares cannot join: the members of {} cannot be changed: {why}; leave them out",
                target.name
            )),
            Ok(_) if self.spares > 0 && !is_wanted => {
                refuse("spares join by faults of the family membership; add it to --faults, or leave spares out".into())
            }
            Ok(least) if is_drawn && self.nodes <= least && self.spares == 0 => refuse(format!(
                "of {} none can be removed: somebody must be left, of {} {least} at least; add nodes, or leave membership out of --faults",
                plural(self.nodes, "node"),
                target.name
            )),
            _ => Ok(()),
        }
    }

    /// What cannot be done to machines that are reached by ssh.
    fn check_hosts(&self) -> Result<(), PlanError> {
        if self.hosts.is_empty() {
            return Ok(());
        }
        if self.spares > 0 {
            let why = "spares are local nodes, and these nodes are hosts; leave spares out, or run it on local nodes";
            return Err(PlanError::Contradiction(why.into()));
        }
        if self.hosts.len() != self.nodes {
            let (hosts, nodes) = (plural(self.hosts.len(), "host"), self.nodes);
            return Err(PlanError::Contradiction(format!(
                "{nodes} nodes on {hosts}; leave nodes out, or name as many hosts"
            )));
        }
        let cuts_clients_off =
            |planned: &Planned| planned.fault == Family::Partition && planned.shape.reaches_clients();
        match self.schedule.iter().position(cuts_clients_off) {
            Some(place) => Err(PlanError::Contradiction(format!(
                "fault {} of the schedule: clients cannot be cut off from hosts, which squall reaches by ssh on the same way; leave it out, or run it on local nodes",
                place + 1
            ))),
            None => Ok(()),
        }
    }

    fn check_target(&self) -> Result<(), PlanError> {
        let refuse = |reason: String| Err(PlanError::Contradiction(reason));
        let target = self.target.target();
        if target.read(&self.read).is_none() {
            let known = target.reads.iter().map(|mode| mode.name);
            return refuse(crate::names::unknown(&format!("way to read {}", target.name), &self.read, known));
        }
        if self.retry && !target.retries {
            return refuse(format!("clients of {} cannot repeat a change safely; leave retry out", target.name));
        }
        if self.bin.is_some() && target.bin.is_none() {
            return refuse(format!("{} has its server built in; leave bin out", target.name));
        }
        for (name, value) in &self.settings {
            let Some(setting) = target.settings.iter().find(|setting| setting.name == name) else {
                let known = target.settings.iter().map(|setting| setting.name);
                return refuse(crate::names::unknown(&format!("setting of {}", target.name), name, known));
            };
            let (least, most) = setting.range;
            if !(least..=most).contains(value) {
                return refuse(format!("{name} must be from {least} to {most}, not {value}"));
            }
        }
        Ok(())
    }

    /// How the clients read.
    ///
    /// # Panics
    /// Never for a plan that was resolved.
    pub fn read_mode(&self) -> &'static ReadMode {
        self.target.target().read(&self.read).expect("the plan was checked")
    }

    /// A stronger promise at which the run is judged too; none where somebody chose what to judge at.
    pub fn beside(&self) -> Option<Promise> {
        let mode = self.read_mode();
        let chosen = self.consistency.promise() != mode.promise;
        let judged = |promise: &Promise| self.workload.workload().promises.contains(promise);
        mode.beside.filter(|promise| !chosen && judged(promise))
    }

    fn check_fault(&self, number: usize, planned: &Planned) -> Result<(), PlanError> {
        let refuse =
            |reason: String| Err(PlanError::Contradiction(format!("fault {number} of the schedule: {reason}")));
        let (end, within) = (planned.ends(), planned.after.as_ref().and_then(|after| after.within));
        if end > self.time_limit {
            let ends = if within.is_some() { "what it waits for may come so late that it ends" } else { "it ends" };
            return refuse(format!("{ends} at {end}, after the storm ({})", self.time_limit));
        }
        let (names, spares) = (self.node_names(), self.spare_names());
        if let Selector::Named(chosen) = &planned.select {
            if chosen.is_empty() {
                return refuse("it names no node".into());
            }
            if let Some((_, name)) = chosen.iter().enumerate().find(|(place, name)| chosen[..*place].contains(name)) {
                return refuse(format!("it names {name} twice"));
            }
            let (what, known) = match planned.change {
                Some(Change::Grow) => ("spare", spares.clone()),
                _ => ("node", [names.clone(), spares.clone()].concat()),
            };
            if let Some(name) = chosen.iter().find(|name| !known.contains(name)) {
                return refuse(crate::names::unknown(what, name, known.iter().map(String::as_str)));
            }
        }
        if planned.select == Selector::Last && !self.comes_behind_another(planned) {
            return refuse("no fault comes before it; select: last needs one that hits nodes".into());
        }
        match planned.refuses_beside(&names, &spares) {
            Some(why) => refuse(format!("{}: {why}", planned.what())),
            None => Ok(()),
        }
    }

    /// Whether some fault may have hit nodes before this one does.
    fn comes_behind_another(&self, planned: &Planned) -> bool {
        // What waits for something may come late.
        let is_before = |other: &Planned| planned.after.is_some() || other.at < planned.at;
        let mut others = self.schedule.iter().filter(|other| !std::ptr::eq(*other, planned));
        others.any(|other| !other.fault.hits_clients() && is_before(other))
    }

    /// The mixture that was drawn, where the storm itself was.
    pub fn mixture(&self) -> Option<Swarm> {
        self.swarm.then(|| wishes::mixture(&self.faults, self.seed))
    }

    /// The names of the nodes, but for spares.
    pub fn node_names(&self) -> Vec<String> {
        (1..=self.nodes).map(|number| format!("n{number}")).collect()
    }

    /// The names of the spares, which go on behind those of the nodes.
    pub fn spare_names(&self) -> Vec<String> {
        (self.nodes + 1..=self.nodes + self.spares).map(|number| format!("n{number}")).collect()
    }

    /// The plan as a file that [`Wishes::read`] reads back to the same plan.
    ///
    /// # Errors
    /// Never for a plan that was resolved.
    pub fn to_yaml(&self) -> Result<String, PlanError> {
        let plan = self.clone();
        let wishes = Wishes {
            target: Some(plan.target),
            workload: Some(plan.workload),
            nodes: Some(Nodes(plan.nodes)),
            spares: Some(Spares(plan.spares)),
            hosts: (!plan.hosts.is_empty()).then_some(plan.hosts),
            time_limit: Some(plan.time_limit),
            rate_hz: Some(Rate(plan.rate_hz)),
            concurrency: Some(Workers(plan.concurrency)),
            seed: Some(plan.seed),
            bug: plan.bug,
            read: Some(plan.read),
            retry: Some(plan.retry),
            bin: plan.bin,
            profile: Some(plan.profile),
            settings: Some(plan.settings),
            consistency: Some(plan.consistency),
            call_timeout: Some(plan.call_timeout),
            recovery_timeout: Some(plan.recovery_timeout),
            failover_bound: Some(plan.failover_bound),
            faults: Some(plan.faults),
            swarm: plan.swarm.then_some(true),
            schedule: Some(plan.schedule),
        };
        serde_yaml::to_string(&wishes).map_err(|error| PlanError::Contradiction(error.to_string()))
    }

    /// `raft-register-partition+kill`, for the name of a folder.
    pub fn title(&self) -> String {
        let mut families: Vec<&str> = self.schedule.iter().map(|planned| planned.fault.name()).collect();
        families.sort_unstable();
        families.dedup();
        let families = if families.is_empty() { "none".into() } else { families.join("+") };
        let bug = self.bug.as_ref().map(|bug| format!("+{bug}")).unwrap_or_default();
        format!("{}{bug}-{}-{families}", self.target, self.workload)
    }
}
#[cfg(test)]
mod tests;
