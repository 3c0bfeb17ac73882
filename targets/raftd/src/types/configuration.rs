//! Who belongs to the cluster (dissertation, chapter 4).

use super::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a member does for the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It counts: in votes, in what is committed, in what confirms a leader.
    Voter,
    /// It is sent the log and counts nowhere. A leader promotes it when it has caught up (dissertation, section 4.2.1).
    Learner,
}

/// One member's place in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// What it does.
    pub standing: Standing,
    /// Where the others reach it, `host:port`. The core does not look at it.
    pub address: String,
}

/// All members. One that joins starts with none, and learns them from the log or a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Configuration {
    members: BTreeMap<NodeId, Place>,
    /// The highest number that a member ever had. A number is never given twice: who came back with an empty disk under an old
    /// number could vote again in a term in which it had voted.
    newest: NodeId,
}

/// A change of the members: of one at a time, so that any majority before it meets any majority after it (section 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MemberChange {
    /// A new member comes, as a learner at first.
    Add {
        /// Its number, which no member ever had.
        id: NodeId,
        /// Where the others reach it, `host:port`.
        address: String,
    },
    /// A learner becomes a voter.
    Promote {
        /// Which.
        id: NodeId,
    },
    /// A member leaves.
    Remove {
        /// Which.
        id: NodeId,
    },
}

impl Configuration {
    /// A cluster of these voters, with the addresses at which they are reached.
    pub fn of_voters(voters: impl IntoIterator<Item = (NodeId, String)>) -> Configuration {
        let place = |address| Place { standing: Standing::Voter, address };
        let members: BTreeMap<_, _> = voters.into_iter().map(|(id, address)| (id, place(address))).collect();
        let newest = members.keys().next_back().copied().unwrap_or(0);
        Configuration { members, newest }
    }

    /// The members and their places.
    pub fn members(&self) -> &BTreeMap<NodeId, Place> {
        &self.members
    }

    /// The numbers of those that count.
    pub fn voters(&self) -> impl Iterator<Item = NodeId> {
        self.members.iter().filter(|(_, place)| place.standing == Standing::Voter).map(|(id, _)| *id)
    }

    /// Whether it is a member, of whatever standing.
    pub fn contains(&self, id: NodeId) -> bool {
        self.members.contains_key(&id)
    }

    /// Whether it counts.
    pub fn is_voter(&self, id: NodeId) -> bool {
        self.members.get(&id).is_some_and(|place| place.standing == Standing::Voter)
    }

    /// How many voters are a majority.
    pub fn quorum(&self) -> usize {
        self.voters().count() / 2 + 1
    }

    /// Whether a number is free to be given to a new member.
    pub fn is_new(&self, id: NodeId) -> bool {
        id > self.newest
    }

    /// The members after a change. What is asked of who is not there changes nothing.
    #[must_use]
    pub fn after(&self, change: &MemberChange) -> Configuration {
        let mut next = self.clone();
        match change {
            MemberChange::Add { id, address } => {
                let place = Place { standing: Standing::Learner, address: address.clone() };
                next.members.entry(*id).or_insert(place);
                next.newest = next.newest.max(*id);
            }
            MemberChange::Promote { id } => {
                if let Some(place) = next.members.get_mut(id) {
                    place.standing = Standing::Voter;
                }
            }
            MemberChange::Remove { id } => drop(next.members.remove(id)),
        }
        next
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Standing::Voter => "voter",
            Standing::Learner => "learner",
        })
    }
}

/// The numbers, learners with a word; or that there are none.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.members.is_empty() {
            return write!(f, "nobody");
        }
        let told = self.members.iter().map(|(id, place)| match place.standing {
            Standing::Voter => id.to_string(),
            Standing::Learner => format!("{id} learns"),
        });
        write!(f, "{}", told.collect::<Vec<_>>().join(", "))
    }
}
