//! The lines of a history file: one event a line, in JSON.
//!
//! ```json
//! {"invoke":{"at_ns":1200,"due_ns":1100,"op":7,"process":3,"node":"n1","call":{"write":{"key":0,"value":5}}}}
//! {"return":{"at_ns":4800,"op":7,"outcome":{"ok":{"written":{"version":9}}}}}
//! ```
//!
//! All instants are nanoseconds of one monotonic clock since the start of the run. The file is written in the order in
//! which things were recorded: an invocation is recorded before its request leaves, so that every prefix of the file is a
//! history too (nothing is observed whose cause the prefix does not hold).

use crate::call::Call;
use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the form of the history file that this build writes. Readers accept this and older ones.
pub const FORMAT: u32 = 1;

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The first line: what was run.
    Start(Start),
    /// Facts about the surroundings, as name and value, for people: how links are cut, the machine.
    Facts(BTreeMap<String, String>),
    /// A client is about to send a call.
    Invoke(Invoke),
    /// A call ended.
    Return(Return),
    /// A fault changed.
    Fault(FaultEvent),
    /// Something that was measured besides the operations.
    Sample(Sample),
    /// The run entered a new phase.
    Phase(Phase),
    /// The last line of a run that ended in order.
    End(End),
}

impl Event {
    /// The latest instant that this event names, if it names any.
    pub fn latest_ns(&self) -> Option<u64> {
        match self {
            Event::Start(_) | Event::Facts(_) => None,
            Event::Invoke(invoke) => Some(invoke.at_ns.max(invoke.due_ns)),
            Event::Return(ret) => Some(ret.at_ns),
            Event::Fault(fault) => Some(fault.at_ns),
            Event::Sample(sample) => Some(sample.at_ns),
            Event::Phase(phase) => Some(phase.at_ns),
            Event::End(end) => Some(end.at_ns),
        }
    }
}

/// What was run: the facts that a reader needs without any other file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// See [`FORMAT`].
    pub format: u32,
    /// The version of squall that wrote this.
    pub squall: String,
    /// The name of the target.
    pub target: String,
    /// The name of the workload; it tells which model judges the history.
    pub workload: String,
    /// The promise that the run was judged at.
    pub promise: crate::verdict::Promise,
    /// A stronger promise at which the run is judged too, for people to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<crate::verdict::Promise>,
    /// By when the target must serve; records of older versions state nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// How the clients read, where the target knows several ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<String>,
    /// The names of the nodes.
    pub nodes: Vec<String>,
    /// The seed of all that is random.
    pub seed: u64,
    /// The wall clock at instant 0, milliseconds since 1970 UTC. For people; no checker uses it.
    pub unix_ms: i64,
}

/// By when the target must serve; see [`liveness`](crate::checker::liveness).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// How long a majority that is left alone may take to serve again, in milliseconds.
    pub failover_ms: u64,
    /// How long the whole cluster may take to serve again after the storm, in milliseconds.
    pub recovery_ms: u64,
}

impl Bounds {
    /// [`failover_ms`](Self::failover_ms) in nanoseconds.
    pub fn failover_ns(self) -> u64 {
        self.failover_ms.saturating_mul(1_000_000)
    }

    /// [`recovery_ms`](Self::recovery_ms) in nanoseconds.
    pub fn recovery_ns(self) -> u64 {
        self.recovery_ms.saturating_mul(1_000_000)
    }
}

/// A client is about to send a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoke {
    /// When, read immediately before the client was called.
    pub at_ns: u64,
    /// When the schedule wanted the call to start; for latency without coordinated omission, nothing else.
    pub due_ns: u64,
    /// The number of the operation, unique in the run.
    pub op: u64,
    /// The process: one session, a logical single-threaded client. It has one operation open at most.
    pub process: u64,
    /// The node that the client is connected to.
    pub node: String,
    /// What is asked.
    pub call: Call,
}

/// A call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// When, read immediately after the client returned.
    pub at_ns: u64,
    /// The number of the operation.
    pub op: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// A change in the life of one fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// When.
    pub at_ns: u64,
    /// The number of the fault, unique in the run.
    pub fault: u32,
    /// What changed.
    pub change: FaultChange,
}

/// What changed about a fault, in the order in which a fault goes through it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultChange {
    /// The injection begins.
    Inject {
        /// The family: `partition`, `kill`, `pause`.
        family: String,
        /// What it does, for people: `isolate n2 from n1, n3`.
        what: String,
        /// How the nodes were chosen: `one`, `leader`, ...
        selector: String,
        /// The nodes that it hits, resolved.
        nodes: Vec<String>,
        /// The links that a partition cuts, resolved: `n1>n2`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        links: Vec<String>,
    },
    /// It was measured to be in force.
    InForce {
        /// What shows it: `6 of 6 probes lost`.
        evidence: String,
    },
    /// It could not be injected, or not be shown to be in force.
    NotInForce {
        /// Why.
        reason: String,
    },
    /// The healing begins.
    Heal,
    /// It was measured to be gone.
    Healed {
        /// What shows it: `6 of 6 probes arrived; 214 packets were dropped`.
        evidence: String,
    },
    /// It could not be healed, or not be shown to be.
    NotHealed {
        /// Why.
        reason: String,
    },
}

/// Something measured besides the operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at_ns: u64,
    /// The node that was asked.
    pub node: String,
    /// What it said.
    pub measured: Measured,
}

/// What a sample says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// Who leads, in the node's own opinion.
    Leader {
        /// The leader; `None`: the node knows none.
        leader: Option<String>,
        /// The term (epoch, view) of that opinion.
        term: u64,
    },
    /// The node did not answer.
    Silent,
}

/// The run entered a new phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// When.
    pub at_ns: u64,
    /// Which.
    pub name: PhaseName,
}

/// The phases of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    /// Clients work while faults come and go.
    Storm,
    /// Everything was healed; the cluster gets time to serve again.
    Recovery,
    /// Final reads through every node.
    FinalReads,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at_ns: u64,
    /// How the run ended.
    pub how: Ending,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All phases were gone through.
    Completed,
    /// Somebody asked it to stop (Ctrl-C, SIGTERM, a closed terminal).
    Interrupted,
    /// It was to end with the first violation, and one was found while it went on.
    FirstViolation,
    /// squall itself failed; the text says why.
    Failed(String),
}
