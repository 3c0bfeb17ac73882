//! Progress: once nothing is lost any more and a majority runs, the cluster elects a leader and serves (extended paper,
//! section 5.6: as long as the system satisfies the timing requirement, a leader can be elected and maintained). It is what
//! the second phase of every run is for, in which no more faults come.
//!
//! Without it a cluster that does nothing at all would be safe. It catches a follower that never catches up: `match-at-start`.

use raftd::core::{RoleName, Status};

/// Whether these members, of those that belong to the cluster all that run, agree on one leader, and all have on disk and committed all there is. While clients ask on, that
/// holds at instants only; it suffices if there is one.
pub fn has_recovered(statuses: &[Status]) -> bool {
    let Some(leader) = statuses.iter().find(|status| status.role == RoleName::Leader) else { return false };
    statuses.iter().all(|status| {
        (status.leader, status.term) == (Some(leader.id), leader.term)
            && status.last_index == leader.last_index
            && status.commit == leader.last_index
            && status.durable_index == leader.last_index
    })
}
