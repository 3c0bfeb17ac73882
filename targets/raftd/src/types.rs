//! The words that core, storage and wire share (Ongaro, "Consensus: Bridging Theory and Practice", figure 3.1).

mod bug;
mod configuration;

pub use bug::{Bug, Mistake};
pub use configuration::{Configuration, MemberChange, Place, Standing};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Names a member of the cluster; from 1.
pub type NodeId = u64;
/// A term: a number that grows with every election.
pub type Term = u64;
/// A position in the log; the first entry has index 1, 0 means "before the log".
pub type Index = u64;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that created it.
    pub term: Term,
    /// Its position.
    pub index: Index,
    /// What it does to the state machine.
    pub payload: Payload,
}

/// What an entry does. The core does not look into commands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Payload {
    /// Nothing: a new leader commits one, so that it knows what is committed (dissertation, section 6.4, step 1).
    Noop,
    /// A command of the state machine.
    Command {
        /// The request that brought it here. It travels with the entry, so that the member that was asked recognises its
        /// own command when it is committed, whatever became of the messages in between.
        ticket: Ticket,
        /// The command, encoded.
        bytes: Vec<u8>,
    },
    /// The cluster has these members from here on: as soon as the entry is in a log, committed or not, its owner counts by
    /// them (dissertation, section 4.1).
    Configuration {
        /// The request that brought it here; none if the leader promoted a learner by itself.
        ticket: Option<Ticket>,
        /// The members.
        configuration: Configuration,
    },
}

impl Payload {
    /// The request that brought it here, if one did.
    pub fn ticket(&self) -> Option<Ticket> {
        match self {
            Payload::Noop => None,
            Payload::Command { ticket, .. } => Some(*ticket),
            Payload::Configuration { ticket, .. } => *ticket,
        }
    }

    /// How many bytes its command has, if it is one.
    pub fn command_bytes(&self) -> usize {
        match self {
            Payload::Noop | Payload::Configuration { .. } => 0,
            Payload::Command { bytes, .. } => bytes.len(),
        }
    }
}

/// Names one request among all that were ever made of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ticket {
    /// The member that was asked, and that will answer.
    pub origin: NodeId,
    /// Which start of that member: a number that no other start of it uses.
    pub incarnation: u64,
    /// The member's running number of requests since that start; from 1.
    pub number: u64,
}

/// What all entries up to one together mean, in place of them (dissertation, section 5.1).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The last entry that it stands for.
    pub last_index: Index,
    /// That entry's term.
    pub last_term: Term,
    /// The members as of that entry.
    pub configuration: Configuration,
    /// The state machine, encoded. The core does not look into it.
    pub state: Arc<[u8]>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({}/{}, {} bytes)", self.last_index, self.last_term, self.state.len())
    }
}

/// What must be on disk before a member speaks about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HardState {
    /// The latest term the member has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub voted_for: Option<NodeId>,
}
