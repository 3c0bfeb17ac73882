//! What Raft promises (figure 3 of the extended paper), and what the clients are promised; each property in its own file.
//!
//! The properties see everything at once, which no member can; they know only what comes out of the members, not how a
//! bug is planted. Each file says which of the planted bugs it catches.

mod configuration_safety;
mod election_safety;
mod fencing;
mod leader_append_only;
mod leader_completeness;
mod lease_safety;
mod linearizability;
mod lock_safety;
mod log_matching;
mod progress;
mod snapshot_safety;
mod state_machine_safety;
mod watch_safety;

pub use configuration_safety::ConfigurationSafety;
pub use election_safety::ElectionSafety;
pub use fencing::fences;
pub use leader_append_only::LeaderAppendOnly;
pub use leader_completeness::LeaderCompleteness;
pub use lease_safety::alone_by_lease;
pub use linearizability::{Judged, explain, judge};
pub use lock_safety::one_relies;
pub use log_matching::LogMatching;
pub use progress::has_recovered;
pub use snapshot_safety::SnapshotSafety;
pub use state_machine_safety::StateMachineSafety;
pub use watch_safety::WatchSafety;

use crate::time::Micros;
use raftd::core::{Output, RoleName, Status};
use raftd::node::Told;
use raftd::types::{Bug, Configuration, Entry, Index, NodeId, Snapshot, Term};
use std::fmt;

/// The properties by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Property {
    /// See [`ElectionSafety`].
    ElectionSafety,
    /// See [`LeaderAppendOnly`].
    LeaderAppendOnly,
    /// See [`LogMatching`].
    LogMatching,
    /// See [`LeaderCompleteness`].
    LeaderCompleteness,
    /// See [`StateMachineSafety`].
    StateMachineSafety,
    /// See [`SnapshotSafety`].
    SnapshotSafety,
    /// See [`ConfigurationSafety`].
    ConfigurationSafety,
    /// See [`alone_by_lease`].
    LeaseSafety,
    /// See [`one_relies`].
    LockSafety,
    /// See [`fences`].
    Fencing,
    /// See [`WatchSafety`].
    WatchSafety,
    /// See [`judge`].
    Linearizability,
    /// See [`has_recovered`].
    Progress,
    /// A member stopped itself by an assertion, because what it saw proves that safety is lost already.
    Assertion,
}

/// A property that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub property: Property,
    /// When, in virtual time.
    pub at_us: Micros,
    /// What shows it.
    pub evidence: String,
}

/// Something happened to a member: what it was before and is now, and what comes out of it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Before.
    pub before: &'a Status,
    /// After.
    pub after: &'a Status,
    /// Its log, in memory, as far as it is kept.
    pub log: &'a [Entry],
    /// The entry that the log begins behind, and its term.
    pub log_start: (Index, Term),
    /// What it wants done.
    pub output: &'a Output,
}

impl Step<'_> {
    /// The term of the entry at `index`, or of the one that the log begins behind; none where the log has nothing, or
    /// nothing any more.
    fn term_at(&self, index: Index) -> Option<Term> {
        match index.checked_sub(self.log_start.0)? {
            0 => Some(self.log_start.1),
            place => self.log.get(place as usize - 1).map(|entry| entry.term),
        }
    }

    /// Whether the member leads now and did not lead this term before.
    fn begins_to_lead(&self) -> bool {
        self.after.role == RoleName::Leader && !self.goes_on_leading()
    }

    /// Whether the member leads the same term before and after.
    fn goes_on_leading(&self) -> bool {
        let (before, after) = (self.before, self.after);
        before.role == RoleName::Leader && after.role == RoleName::Leader && before.term == after.term
    }
}

/// Those of the properties that rest on what happened long ago, and on nothing else: whoever looks at all that can happen
/// carries them along.
#[derive(Debug, Default, Clone, Hash)]
pub struct Lasting {
    election_safety: ElectionSafety,
    leader_completeness: LeaderCompleteness,
    state_machine_safety: StateMachineSafety,
}

impl Lasting {
    /// As [`Properties::see`].
    ///
    /// # Errors
    ///
    /// The first property that the step breaks, and what shows that.
    pub fn see(&mut self, step: Step) -> Result<(), (Property, String)> {
        let named = |property| move |evidence| (property, evidence);
        self.election_safety.see(step).map_err(named(Property::ElectionSafety))?;
        self.leader_completeness.see(step).map_err(named(Property::LeaderCompleteness))?;
        self.state_machine_safety.see(step).map_err(named(Property::StateMachineSafety))
    }

    /// A member starts anew: it applies its log from the first entry on.
    pub fn started(&mut self, member: u64) {
        self.state_machine_safety.started(member, 0);
    }
}

/// All properties that are checked at every step.
#[derive(Debug)]
pub struct Properties {
    election_safety: ElectionSafety,
    leader_append_only: LeaderAppendOnly,
    log_matching: LogMatching,
    leader_completeness: LeaderCompleteness,
    state_machine_safety: StateMachineSafety,
    snapshot_safety: SnapshotSafety,
    configuration_safety: ConfigurationSafety,
    watch_safety: WatchSafety,
}

impl Properties {
    /// All of them, for members with a planted bug. What that does to a state machine is no matter of snapshots.
    pub fn new(bug: Option<Bug>, members: Configuration) -> Properties {
        Properties {
            election_safety: ElectionSafety::default(),
            leader_append_only: LeaderAppendOnly,
            log_matching: LogMatching::default(),
            leader_completeness: LeaderCompleteness::default(),
            state_machine_safety: StateMachineSafety::default(),
            snapshot_safety: SnapshotSafety::new(bug),
            configuration_safety: ConfigurationSafety::new(members),
            watch_safety: WatchSafety::new(bug),
        }
    }

    /// The members that were committed last.
    pub fn members(&self) -> &Configuration {
        self.configuration_safety.members()
    }

    /// Checks a step.
    ///
    /// # Errors
    ///
    /// The first property that it breaks, and what shows that.
    pub fn see(&mut self, step: Step) -> Result<(), (Property, String)> {
        let named = |property| move |evidence| (property, evidence);
        self.election_safety.see(step).map_err(named(Property::ElectionSafety))?;
        self.leader_append_only.see(step).map_err(named(Property::LeaderAppendOnly))?;
        self.log_matching.see(step).map_err(named(Property::LogMatching))?;
        self.leader_completeness.see(step).map_err(named(Property::LeaderCompleteness))?;
        self.state_machine_safety.see(step).map_err(named(Property::StateMachineSafety))?;
        self.configuration_safety.see(step).map_err(named(Property::ConfigurationSafety))?;
        match &step.output.install {
            Some(snapshot) => self.taken(step.after.id, snapshot),
            None => Ok(()),
        }
    }

    /// A member took a snapshot, or installs one.
    ///
    /// # Errors
    ///
    /// If it is not what the entries amount to.
    pub fn taken(&mut self, member: NodeId, snapshot: &Snapshot) -> Result<(), (Property, String)> {
        let named = |evidence| (Property::ConfigurationSafety, evidence);
        self.configuration_safety.taken(member, snapshot).map_err(named)?;
        let applied = self.state_machine_safety.applied();
        self.snapshot_safety.see(member, snapshot, applied).map_err(|evidence| (Property::SnapshotSafety, evidence))
    }

    /// A watcher that has seen everything up to `seen` was told this.
    ///
    /// # Errors
    ///
    /// If that is not what was changed since.
    pub fn watched(&mut self, seen: Index, told: &Told) -> Result<(), (Property, String)> {
        let applied = self.state_machine_safety.applied();
        self.watch_safety.see(seen, told, applied).map_err(|evidence| (Property::WatchSafety, evidence))
    }

    /// A member starts anew: it applies its log from behind its snapshot on, which stands for `applied` entries.
    pub fn started(&mut self, member: NodeId, applied: Index) {
        self.state_machine_safety.started(member, applied);
    }

    /// How many terms had a leader.
    pub fn leaders(&self) -> usize {
        self.election_safety.leaders()
    }

    /// How many entries were committed.
    pub fn committed(&self) -> usize {
        self.state_machine_safety.committed()
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Property::ElectionSafety => "election safety",
            Property::LeaderAppendOnly => "leader append-only",
            Property::LogMatching => "log matching",
            Property::LeaderCompleteness => "leader completeness",
            Property::StateMachineSafety => "state machine safety",
            Property::SnapshotSafety => "snapshot safety",
            Property::ConfigurationSafety => "configuration safety",
            Property::LeaseSafety => "lease safety",
            Property::LockSafety => "lock safety",
            Property::Fencing => "fencing",
            Property::WatchSafety => "watch safety",
            Property::Linearizability => "linearizability",
            Property::Progress => "progress",
            Property::Assertion => "assertion of a member",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken at {}.{:03} ms: {}", self.property, self.at_us / 1000, self.at_us % 1000, self.evidence)
    }
}
