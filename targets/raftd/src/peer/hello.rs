//! The first frames of a connection: who calls whom, and whether that is right.

use super::{LeaseTerms, Membership};
use crate::types::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// Changes with the messages; members of different versions do not talk.
pub(super) const PROTOCOL: u32 = 6;

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
    /// Where the caller is reached.
    pub address: String,
    /// The members that the caller's cluster began with; none if it joined later.
    pub founders: BTreeSet<NodeId>,
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
    /// It began another cluster, of the same name: majorities of different sets of members need not meet.
    #[error(
        "member {from} began with members {theirs:?}, this one with {ours:?}; check that --peers is the same everywhere, and \
         start who is to join with --join"
    )]
    Founders {
        /// What it calls itself.
        from: NodeId,
        /// The members that it began with.
        theirs: BTreeSet<NodeId>,
        /// The members that this one began with.
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
    /// It calls itself what this one is called.
    #[error("this is member {from} itself; give each member its own number")]
    Twin {
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
        Hello {
            protocol: PROTOCOL,
            cluster: membership.cluster.clone(),
            from: membership.id,
            to,
            address: membership.address.clone(),
            founders: membership.founders.clone(),
            lease: membership.lease,
        }
    }

    /// Whether the caller has come to the right place. Whether it is a member is no question here: it may be one that this member
    /// has not heard of yet.
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
        if self.from == here.id {
            return Err(Refusal::Twin { from: self.from });
        }
        let (theirs, ours) = (&self.founders, &here.founders);
        if !theirs.is_empty() && !ours.is_empty() && theirs != ours {
            return Err(Refusal::Founders { from: self.from, theirs: theirs.clone(), ours: ours.clone() });
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
    fn who_called_the_right_one_of_the_right_cluster_is_let_in() {
        let lease = Some(LeaseTerms { drift_percent: 5, election_ms: 300 });
        let other = Some(LeaseTerms { drift_percent: 5, election_ms: 200 });
        let founders = BTreeSet::from([1, 2, 3]);
        let member =
            |id| Membership { cluster: "a".into(), id, address: "h:1".into(), founders: founders.clone(), lease };
        let (here, hello) = (member(1), Hello::new(&member(2), 1));
        let cases = [
            (hello.clone(), Ok(())),
            (Hello { protocol: 9, ..hello.clone() }, Err(Refusal::Protocol { theirs: 9 })),
            (
                Hello { cluster: "b".into(), ..hello.clone() },
                Err(Refusal::Cluster { wanted: "b".into(), found: "a".into() }),
            ),
            (
                Hello { founders: [1, 2].into(), ..hello.clone() },
                Err(Refusal::Founders { from: 2, theirs: [1, 2].into(), ours: founders.clone() }),
            ),
            (Hello { from: 4, founders: [].into(), ..hello.clone() }, Ok(())),
            (Hello { lease: None, ..hello.clone() }, Err(Refusal::Lease { from: 2, theirs: None, ours: lease })),
            (Hello { lease: other, ..hello.clone() }, Err(Refusal::Lease { from: 2, theirs: other, ours: lease })),
            (Hello { to: 3, ..hello.clone() }, Err(Refusal::Member { wanted: 3, found: 1 })),
            (Hello { from: 1, ..hello }, Err(Refusal::Twin { from: 1 })),
        ];
        for (hello, expected) in cases {
            assert_eq!(hello.judge(&here), expected, "{hello:?}");
        }
    }
}
