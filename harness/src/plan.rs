//! The plan of a run: raw wishes (a file, flags) become one resolved plan, in which every default is spelled out.

use crate::names::{FaultName, PromiseName, TargetName, WorkloadName};
use crate::seed;
use serde::{Deserialize, Serialize};
use squall_nemesis::{Planned, Selector, Span, schedule};
use std::fs;
use std::path::Path;
use thiserror::Error;

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
    /// The promise to judge at; the target's own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<PromiseName>,
    /// How long one call may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_timeout: Option<Span>,
    /// How long the cluster may take to serve again after the storm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_timeout: Option<Span>,
    /// The families to draw faults from; an empty list: no faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<FaultName>>,
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
    /// A number of workers.
    Workers, usize, (1..=1000), "the number of workers"
);
ranged!(
    /// Calls a second.
    Rate, f64, (0.1..=1_000_000.0), "the rate (calls a second)"
);

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

/// A plan with every default spelled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The target.
    pub target: TargetName,
    /// The workload.
    pub workload: WorkloadName,
    /// The number of nodes.
    pub nodes: usize,
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
    /// The promise to judge at.
    pub consistency: PromiseName,
    /// How long one call may take.
    pub call_timeout: Span,
    /// How long the cluster may take to serve again after the storm.
    pub recovery_timeout: Span,
    /// The families that faults were drawn from.
    pub faults: Vec<FaultName>,
    /// The faults with their times, counted from the beginning of the storm.
    pub schedule: Vec<Planned>,
}

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

    fn parse(text: &str, path: &str) -> Result<Wishes, PlanError> {
        serde_yaml::from_str(text).map_err(|error| {
            // The advice to a programmer is none to the author of a plan.
            let text = error.to_string().replace(", set DuplicateKeyPolicy in Options if acceptable", "");
            let shown = text.replace("<input>", path);
            PlanError::Malformed { path: path.to_owned(), shown }
        })
    }

    /// These wishes, and `others` where these are silent. Families that are wished for outdo a schedule of the others.
    #[must_use]
    pub fn or(self, others: Wishes) -> Wishes {
        let others_schedule = if self.faults.is_some() { None } else { others.schedule };
        Wishes {
            target: self.target.or(others.target),
            workload: self.workload.or(others.workload),
            nodes: self.nodes.or(others.nodes),
            time_limit: self.time_limit.or(others.time_limit),
            rate_hz: self.rate_hz.or(others.rate_hz),
            concurrency: self.concurrency.or(others.concurrency),
            seed: self.seed.or(others.seed),
            bug: self.bug.or(others.bug),
            consistency: self.consistency.or(others.consistency),
            call_timeout: self.call_timeout.or(others.call_timeout),
            recovery_timeout: self.recovery_timeout.or(others.recovery_timeout),
            faults: self.faults.or(others.faults),
            schedule: self.schedule.or(others_schedule),
        }
    }

    /// Spells every default out, draws the schedule, and sees that the parts fit together.
    ///
    /// # Errors
    /// When they do not, and why.
    pub fn resolve(self) -> Result<Plan, PlanError> {
        let target = self.target.map_or_else(|| "raft".parse(), Ok).map_err(PlanError::Contradiction)?;
        let workload = self.workload.map_or_else(|| "register".parse(), Ok).map_err(PlanError::Contradiction)?;
        let nodes = self.nodes.map_or(3, |nodes| nodes.0);
        let time_limit = self.time_limit.unwrap_or(Span::from_ms(20_000));
        let seed = self.seed.unwrap_or_else(seed::fresh);
        // A single node has no links to cut.
        let fits = |family: &squall_nemesis::Family| nodes > 1 || *family != squall_nemesis::Family::Partition;
        let all_families = || squall_nemesis::Family::ALL.into_iter().filter(fits).map(FaultName::from).collect();
        let faults = distinct(self.faults.unwrap_or_else(all_families));
        let schedule = self.schedule.unwrap_or_else(|| {
            let families: Vec<_> = faults.iter().map(FaultName::family).collect();
            schedule::draw(&families, time_limit, &mut seed::stream(seed, "schedule"))
        });
        let plan = Plan {
            consistency: self.consistency.unwrap_or_else(|| default_promise(&target)),
            target,
            workload,
            nodes,
            time_limit,
            rate_hz: self.rate_hz.map_or(500.0, |rate| rate.0),
            concurrency: self.concurrency.map_or(4 * nodes, |workers| workers.0),
            seed,
            bug: self.bug,
            call_timeout: self.call_timeout.unwrap_or(Span::from_ms(1_000)),
            recovery_timeout: self.recovery_timeout.unwrap_or(Span::from_ms(30_000)),
            faults,
            schedule,
        };
        plan.check()?;
        Ok(plan)
    }
}

/// The families in their order, each once: one that is named twice is not to come twice as often.
fn distinct(names: Vec<FaultName>) -> Vec<FaultName> {
    let first = |(place, name): (usize, &FaultName)| (!names[..place].contains(name)).then(|| name.clone());
    names.iter().enumerate().filter_map(first).collect()
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// What the target promises by default.
fn default_promise(target: &TargetName) -> PromiseName {
    (target.target().promise)().into()
}

impl Plan {
    fn check(&self) -> Result<(), PlanError> {
        let refuse = |reason: String| Err(PlanError::Contradiction(reason));
        let (target, workload) = (self.target.target(), self.workload.workload());
        if let Some(kind) = workload.needs.iter().find(|kind| !(target.supports)(**kind)) {
            return refuse(format!("the workload {} needs {kind} calls, which {} has not", workload.name, target.name));
        }
        if !workload.promises.contains(&self.consistency.promise()) {
            return refuse(format!("the workload {} cannot be judged as {}", workload.name, self.consistency));
        }
        let bugs = (target.bugs)();
        if let Some(bug) = self.bug.as_deref().filter(|bug| bugs.iter().all(|known| known.name != *bug)) {
            let known = bugs.iter().map(|known| known.name);
            return refuse(crate::names::unknown(&format!("planted bug of {}", target.name), bug, known));
        }
        if self.time_limit.ms() < 1_000 {
            return refuse(format!("a storm of {} is too short; give it 1s at least", self.time_limit));
        }
        if self.call_timeout.ms() == 0 {
            return refuse("a call needs some time; give call_timeout more than 0".into());
        }
        if self.nodes == 1 && self.schedule.iter().any(|planned| planned.fault == squall_nemesis::Family::Partition) {
            return refuse("a single node cannot be partitioned; leave partition out of --faults, or add nodes".into());
        }
        self.schedule.iter().enumerate().try_for_each(|(place, planned)| self.check_fault(place + 1, planned))
    }

    fn check_fault(&self, number: usize, planned: &Planned) -> Result<(), PlanError> {
        let refuse =
            |reason: String| Err(PlanError::Contradiction(format!("fault {number} of the schedule: {reason}")));
        let end = planned.at.ms() + planned.lasts.ms();
        if end > self.time_limit.ms() {
            return refuse(format!("it ends at {}, after the storm ({})", Span::from_ms(end), self.time_limit));
        }
        if let Some(why) = planned.fault.refuses(&planned.select) {
            return refuse(format!("{} of {}: {why}", planned.fault, planned.select));
        }
        let names = self.node_names();
        if let Selector::Named(chosen) = &planned.select {
            if chosen.is_empty() {
                return refuse("it names no node".into());
            }
            if let Some((_, name)) = chosen.iter().enumerate().find(|(place, name)| chosen[..*place].contains(name)) {
                return refuse(format!("it names {name} twice"));
            }
            if let Some(name) = chosen.iter().find(|name| !names.contains(name)) {
                return refuse(crate::names::unknown("node", name, names.iter().map(String::as_str)));
            }
            if planned.fault == squall_nemesis::Family::Partition && names.iter().all(|name| chosen.contains(name)) {
                return refuse("it names every node; a partition needs somebody on the other side".into());
            }
        }
        Ok(())
    }

    /// The names of the nodes.
    pub fn node_names(&self) -> Vec<String> {
        (1..=self.nodes).map(|number| format!("n{number}")).collect()
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
            time_limit: Some(plan.time_limit),
            rate_hz: Some(Rate(plan.rate_hz)),
            concurrency: Some(Workers(plan.concurrency)),
            seed: Some(plan.seed),
            bug: plan.bug,
            consistency: Some(plan.consistency),
            call_timeout: Some(plan.call_timeout),
            recovery_timeout: Some(plan.recovery_timeout),
            faults: Some(plan.faults),
            schedule: Some(plan.schedule),
        };
        serde_yaml::to_string(&wishes).map_err(|error| PlanError::Contradiction(error.to_string()))
    }

    /// The command that repeats this plan: flags where they suffice, else the plan file at `path`.
    pub fn command(&self, path: &Path) -> String {
        let repeated = Wishes { seed: Some(self.seed), ..Wishes::default() }.resolve();
        // The launcher tells by what name it was called.
        let squall = quoted(&std::env::var("SQUALL_CALLED_AS").unwrap_or_else(|_| "squall".into()));
        let by_file = format!("{squall} test --plan {}", quoted(&path.display().to_string()));
        let Ok(default) = repeated else { return by_file };
        let mut command = format!("{squall} test {}", self.target);
        let mut wishes = Wishes { seed: Some(self.seed), target: Some(self.target.clone()), ..Wishes::default() };
        let mut flag = |name: &str, value: String| command.push_str(&format!(" --{name} {value}"));
        if self.workload != default.workload {
            flag("workload", self.workload.to_string());
            wishes.workload = Some(self.workload.clone());
        }
        if let Some(bug) = &self.bug {
            flag("bug", bug.clone());
            wishes.bug = Some(bug.clone());
        }
        if self.nodes != default.nodes {
            flag("nodes", self.nodes.to_string());
            wishes.nodes = Some(Nodes(self.nodes));
        }
        if self.time_limit != default.time_limit {
            flag("time-limit", self.time_limit.to_string());
            wishes.time_limit = Some(self.time_limit);
        }
        if self.rate_hz != default.rate_hz {
            flag("rate", self.rate_hz.to_string());
            wishes.rate_hz = Some(Rate(self.rate_hz));
        }
        if self.concurrency != 4 * self.nodes {
            flag("concurrency", self.concurrency.to_string());
            wishes.concurrency = Some(Workers(self.concurrency));
        }
        if self.consistency != default_promise(&self.target) {
            flag("consistency", self.consistency.to_string());
            wishes.consistency = Some(self.consistency.clone());
        }
        if self.call_timeout != default.call_timeout {
            flag("call-timeout", self.call_timeout.to_string());
            wishes.call_timeout = Some(self.call_timeout);
        }
        if self.faults != default.faults {
            let names: Vec<&str> = self.faults.iter().map(FaultName::as_str).collect();
            flag("faults", if names.is_empty() { "none".into() } else { names.join(",") });
            wishes.faults = Some(self.faults.clone());
        }
        flag("seed", self.seed.to_string());
        // A schedule by hand, or anything else that no flag can say.
        if wishes.resolve().as_ref() == Ok(self) { command } else { by_file }
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
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Plan, PlanError> {
        Wishes::parse(text, "storm.yaml")?.resolve()
    }

    #[test]
    fn a_resolved_plan_reads_back_as_itself() {
        for text in
            ["seed: 7", "seed: 1\nbug: stale-read\nnodes: 5\nrate_hz: 12.5", "seed: 3\nfaults: []\ntime_limit: 90s"]
        {
            let plan = parse(text).unwrap();
            let yaml = plan.to_yaml().unwrap();
            assert_eq!(parse(&yaml).unwrap(), plan, "{yaml}");
        }
    }

    #[test]
    fn a_family_that_is_named_twice_counts_once() {
        let plan = parse("seed: 7\nfaults: [kill, pause, kill]").unwrap();
        assert_eq!(plan.faults.iter().map(FaultName::as_str).collect::<Vec<_>>(), ["kill", "pause"]);
        assert_eq!(plan.schedule, parse("seed: 7\nfaults: [kill, pause]").unwrap().schedule);
    }

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        for (word, expected) in [("run/plan.yaml", "run/plan.yaml"), ("my run", "'my run'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(word), expected);
        }
        let plan = parse("seed: 7\nrecovery_timeout: 5s").unwrap();
        assert_eq!(plan.command(Path::new("a b/plan.yaml")), "squall test --plan 'a b/plan.yaml'");
    }

    #[test]
    fn a_seed_repeats_the_schedule() {
        assert_eq!(parse("seed: 7").unwrap().schedule, parse("seed: 7").unwrap().schedule);
        assert_ne!(parse("seed: 7").unwrap().schedule, parse("seed: 8").unwrap().schedule);
    }

    #[test]
    fn flags_outdo_the_file() {
        let file =
            Wishes::parse("nodes: 5\nseed: 1\nschedule: [{at: 1s, for: 1s, fault: kill, select: one}]", "f").unwrap();
        let flags = Wishes { nodes: Some(Nodes(3)), ..Wishes::default() };
        let plan = flags.clone().or(file.clone()).resolve().unwrap();
        assert_eq!((plan.nodes, plan.seed, plan.schedule.len()), (3, 1, 1));
        let quiet = Wishes { faults: Some(vec![]), ..flags }.or(file).resolve().unwrap();
        assert_eq!(quiet.schedule, []);
    }

    #[test]
    fn the_command_repeats_the_plan() {
        let cases = [
            ("seed: 7", "squall test raft --seed 7"),
            ("seed: 7\nbug: stale-read\nfaults: []", "squall test raft --bug stale-read --faults none --seed 7"),
            ("seed: 7\nnodes: 5\ntime_limit: 90s", "squall test raft --nodes 5 --time-limit 90s --seed 7"),
            ("seed: 7\nschedule: [{at: 1s, for: 1s, fault: kill, select: one}]", "squall test --plan run/plan.yaml"),
            ("seed: 7\nrecovery_timeout: 5s", "squall test --plan run/plan.yaml"),
        ];
        for (text, command) in cases {
            assert_eq!(parse(text).unwrap().command(Path::new("run/plan.yaml")), command);
        }
    }

    /// The error must hold all of these texts.
    fn refused(text: &str, parts: &[&str]) {
        let error = parse(text).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{text}: `{part}` is missing in: {error}");
        }
    }

    #[test]
    fn a_broken_plan_is_refused_with_line_and_caret() {
        refused("seed: 1\ntarget: raaft\n", &["storm.yaml", "2:9", "^", "did you mean `raft`?"]);
        refused("seed: 1\nnodse: 3\n", &["storm.yaml", "2:1", "^", "unknown field `nodse`"]);
        refused("time_limit: 20\n", &["storm.yaml", "1:13", "^", "no length of time"]);
        refused("nodes: 0\n", &["storm.yaml", "1:8", "^", "from 1 to 15"]);
        refused("nodes: 2.5\n", &["from 1 to 15, not 2.5"]);
        refused("rate_hz: -3\n", &["the rate (calls a second) must be from"]);
        refused("faults: [kill, puase]\n", &["1:16", "^", "did you mean `pause`?"]);
        refused("schedule:\n- {at: 1s, for: 1s, fault: kill, select: leadr}\n", &["storm.yaml", "2:", "^", "leadr"]);
        refused("nodes: [\n", &["storm.yaml"]);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        refused("bug: stale-raed\n", &["planted bug of raft", "did you mean `stale-read`?"]);
        refused("time_limit: 300ms\n", &["too short"]);
        refused("schedule: [{at: 19s, for: 4s, fault: kill, select: one}]\n", &["fault 1", "after the storm"]);
        refused("schedule: [{at: 1s, for: 4s, fault: partition, select: all}]\n", &["fault 1", "other side"]);
        refused("schedule: [{at: 1s, for: 4s, fault: kill, select: {named: [n7]}}]\n", &["no node called `n7`", "n1"]);
        refused("schedule: [{at: 1s, for: 4s, fault: kill, select: {named: [n1, n1]}}]\n", &["fault 1", "n1 twice"]);
        refused("nodes: 1\nfaults: [partition]\n", &["cannot be partitioned"]);
    }
}
