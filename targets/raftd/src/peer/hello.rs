//! The first frames of a connection: who calls whom, and whether that is right.

use super::{LeaseTerms, Membership};
use crate::types::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// Changes with the messages; members of different versions do not talk.
pub(super) const PROTOCOL: u32 = 5;

/// What the caller says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The version of the protocol.
    pub protocol: u32,
    /// The cluster that the caller belongs to.
    pub cluster: String,
    /// The caller.
    pub from: NodeId,
    /// Whom it believes to have called.
    pub to: NodeId,
    /// All members that it knows, itself included. Majorities of different sets of members need not meet.
    pub members: BTreeSet<NodeId>,
    /// On what it believes that leases rest.
    pub lease: Option<LeaseTerms>,
}

/// Why a caller is turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
pub(super) enum Refusal {
    /// It speaks another version of the protocol.
    #[error("protocol {theirs} is spoken there and {PROTOCOL} here; run the same version everywhere")]
    Protocol {
        /// The version.
        theirs: u32,
    },
    /// It belongs elsewhere.
    #[error("cluster `{wanted}` was called, but this is `{found}`; check --cluster and --peers")]
    Cluster {
        /// The cluster it belongs to.
        wanted: String,
        /// The cluster of the member that it reached.
        found: String,
    },
    /// It has the wrong number.
    #[error("member {wanted} was called, but this is {found}; check the addresses in --peers")]
    Member {
        /// Whom it called.
        wanted: NodeId,
        /// Whom it reached.
        found: NodeId,
    },
    /// It counts other majorities.
    #[error("member {from} has members {theirs:?}, there are {ours:?} here; check that --peers is the same everywhere")]
    Members {
        /// What it calls itself.
        from: NodeId,
        /// The members that it knows.
        theirs: BTreeSet<NodeId>,
        /// The members that are known here.
        ours: BTreeSet<NodeId>,
    },
    /// It trusts clocks otherwise, so that a lease of one would be no lease to the other.
    #[error("member {from} uses {}, here it is {}; start all members with the same", terms(*theirs), terms(*ours))]
    Lease {
        /// What it calls itself.
        from: NodeId,
        /// What leases rest on there.
        theirs: Option<LeaseTerms>,
        /// And here.
        ours: Option<LeaseTerms>,
    },
    /// Nobody knows it.
    #[error("member {from} is unknown here; check that --peers is the same everywhere")]
    Stranger {
        /// What it calls itself.
        from: NodeId,
    },
}

fn terms(lease: Option<LeaseTerms>) -> String {
    lease.map_or("no leases".into(), |terms| terms.to_string())
}

impl Hello {
    /// What `membership` says when it calls `to`.
    pub(super) fn new(membership: &Membership, to: NodeId) -> Hello {
        let members = membership.members();
        Hello {
            protocol: PROTOCOL,
            cluster: membership.cluster.clone(),
            from: membership.id,
            to,
            members,
            lease: membership.lease,
        }
    }

    /// Whether the caller has come to the right place.
    pub(super) fn judge(&self, here: &Membership) -> Result<(), Refusal> {
        if self.protocol != PROTOCOL {
            return Err(Refusal::Protocol { theirs: self.protocol });
        }
        if self.cluster != here.cluster {
            return Err(Refusal::Cluster { wanted: self.cluster.clone(), found: here.cluster.clone() });
        }
        if self.to != here.id {
            return Err(Refusal::Member { wanted: self.to, found: here.id });
        }
        if !here.peers.contains(&self.from) {
            return Err(Refusal::Stranger { from: self.from });
        }
        let ours = here.members();
        if self.members != ours {
            return Err(Refusal::Members { from: self.from, theirs: self.members.clone(), ours });
        }
        if self.lease != here.lease {
            return Err(Refusal::Lease { from: self.from, theirs: self.lease, ours: here.lease });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_who_called_the_right_one_are_let_in() {
        let lease = Some(LeaseTerms { drift_percent: 5, election_ms: 300 });
        let other = Some(LeaseTerms { drift_percent: 5, election_ms: 200 });
        let here = Membership { cluster: "a".into(), id: 1, peers: vec![2, 3], lease };
        let members = BTreeSet::from([1, 2, 3]);
        let hello = Hello { protocol: PROTOCOL, cluster: "a".into(), from: 2, to: 1, members: members.clone(), lease };
        let cases = [
            (hello.clone(), Ok(())),
            (Hello { protocol: 9, ..hello.clone() }, Err(Refusal::Protocol { theirs: 9 })),
            (
                Hello { cluster: "b".into(), ..hello.clone() },
                Err(Refusal::Cluster { wanted: "b".into(), found: "a".into() }),
            ),
            (
                Hello { members: [1, 2].into(), ..hello.clone() },
                Err(Refusal::Members { from: 2, theirs: [1, 2].into(), ours: members }),
            ),
            (Hello { lease: None, ..hello.clone() }, Err(Refusal::Lease { from: 2, theirs: None, ours: lease })),
            (Hello { lease: other, ..hello.clone() }, Err(Refusal::Lease { from: 2, theirs: other, ours: lease })),
            (Hello { to: 3, ..hello.clone() }, Err(Refusal::Member { wanted: 3, found: 1 })),
            (Hello { from: 4, ..hello.clone() }, Err(Refusal::Stranger { from: 4 })),
            (Hello { from: 1, ..hello }, Err(Refusal::Stranger { from: 1 })),
        ];
        for (hello, expected) in cases {
            assert_eq!(hello.judge(&here), expected, "{hello:?}");
        }
    }
}
