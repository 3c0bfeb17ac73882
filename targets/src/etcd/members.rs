//! The members of etcd: numbers that etcd draws, voters from the first moment.
//!
//! Before it proposes a change etcd looks whether enough members were connected for five seconds (`--strict-reconfig-check`, as it is by
//! default), and refuses it otherwise.

use super::connection::Connection;
use super::error::EtcdError;
use super::{Etcd, PEER_PORT, client_address, in_time, peer_url, rpc};
use crate::cluster::Node;
use crate::members::{Member, Members, NotChanged};
use crate::remote::DaemonSpec;
use async_trait::async_trait;
use std::net::Ipv4Addr;

/// The fewest members that squall leaves. Of two, one that leads and removes itself may end before the other knows that this is
/// agreed upon; that one then waits for it for ever. etcd's Raft warns of it and advises to have three at least.
pub(super) const LEAST: usize = 2;

/// The errors after which a change of the members was certainly not made: those of the looks before it is proposed, and of a
/// proposal that is committed and refused by all members alike.
const NOT_DONE: [&str; 10] = [
    "etcdserver: no leader",
    "etcdserver: too many requests",
    "etcdserver: re-configuration failed due to not enough started members",
    "etcdserver: unhealthy cluster",
    "etcdserver: member not found",
    "etcdserver: member ID already exist",
    "etcdserver: Peer URLs already exists",
    "etcdserver: given member URLs are invalid",
    "etcdserver: permission denied",
    "raft proposal dropped",
];

/// What is known of a change that met this error.
fn not_changed(error: &EtcdError) -> NotChanged {
    let is_certain = match error {
        EtcdError::Connect(_) | EtcdError::ConnectTimedOut(_) | EtcdError::ClosedBefore => true,
        EtcdError::Status(status) => NOT_DONE.contains(&status.message()),
        EtcdError::TimedOut(_) | EtcdError::Senseless(_) => false,
    };
    let why = error.to_string();
    if is_certain { NotChanged::Refused(why) } else { NotChanged::InDoubt(why) }
}

/// The same for everybody. A member has the one address that squall gave it.
fn member(listed: &rpc::Member) -> Result<Member, String> {
    let address = listed.peer_urls.first().and_then(|url| address(url));
    let address = address.ok_or_else(|| format!("member {:x} is at {:?}", listed.id, listed.peer_urls))?;
    Ok(Member { number: listed.id, address, votes: !listed.is_learner })
}

fn address(url: &str) -> Option<Ipv4Addr> {
    url.strip_prefix("http://")?.strip_suffix(&format!(":{PEER_PORT}"))?.parse().ok()
}

#[async_trait]
impl Members for Etcd {
    fn least(&self) -> usize {
        LEAST
    }

    async fn list(&self, node: &Node) -> Result<Vec<Member>, String> {
        let listed = in_time(async { Connection::open(client_address(node)).await?.members().await }).await?;
        let mut members = listed.iter().map(member).collect::<Result<Vec<_>, _>>()?;
        members.sort_unstable();
        Ok(members)
    }

    async fn remove(&self, through: &Node, number: u64) -> Result<(), NotChanged> {
        let asked = async { Connection::open(client_address(through)).await?.member_remove(number).await };
        asked.await.map_err(|error| not_changed(&error))
    }

    /// etcd draws the number itself.
    async fn add(&self, through: &Node, node: &Node, _number: u64) -> Result<(), NotChanged> {
        let asked = async { Connection::open(client_address(through)).await?.member_add(peer_url(node)).await };
        asked.await.map_err(|error| not_changed(&error))
    }

    fn newcomer(&self, node: &Node, _number: u64, members: &[Member], nodes: &[Node]) -> DaemonSpec {
        let there = nodes.iter().filter(|other| members.iter().any(|member| member.address == other.address));
        let cluster: Vec<String> = there.map(|peer| format!("{}={}", peer.name, peer_url(peer))).collect();
        self.server(node, "existing", cluster.join(","))
    }

    async fn applied(&self, node: &Node) -> Result<u64, String> {
        let status = in_time(async { Connection::open(client_address(node)).await?.status().await }).await?;
        Ok(status.raft_applied_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::time::Duration;
    use tonic::{Code, Status};

    #[track_caller]
    fn check(error: EtcdError, is_certain: bool) {
        let told = format!("{error:?}");
        assert_eq!(matches!(not_changed(&error), NotChanged::Refused(_)), is_certain, "{told}");
    }

    #[test]
    fn only_what_certainly_was_not_done_is_refused() {
        check(EtcdError::Connect(ErrorKind::ConnectionRefused.into()), true);
        check(EtcdError::ConnectTimedOut(Duration::from_secs(1)), true);
        check(EtcdError::ClosedBefore, true);
        check(EtcdError::TimedOut(Duration::from_secs(1)), false);
        check(EtcdError::Senseless("nothing".into()), false);
        for message in NOT_DONE {
            check(Status::new(Code::Unavailable, message).into(), true);
        }
        for message in [
            "",
            "transport is closing",
            "etcdserver: request timed out",
            "etcdserver: request timed out, possibly due to previous leader failure",
            "etcdserver: server stopped",
            "etcdserver: leader changed",
            "etcdserver: unhealthy cluster, perhaps",
            "etcdserver: an error that is not invented yet",
        ] {
            check(Status::new(Code::Unavailable, message).into(), false);
        }
    }

    #[test]
    fn members_are_known_by_their_address() {
        let listed = |url: &str, is_learner| rpc::Member {
            id: 7,
            name: String::new(),
            peer_urls: vec![url.to_owned()],
            is_learner,
        };
        let place = Ipv4Addr::new(10, 1, 2, 3);
        let expected = |votes| Ok(Member { number: 7, address: place, votes });
        assert_eq!(member(&listed("http://10.1.2.3:2380", false)), expected(true));
        assert_eq!(member(&listed("http://10.1.2.3:2380", true)), expected(false));
        assert_eq!(member(&listed("https://n1:2380", false)), Err(r#"member 7 is at ["https://n1:2380"]"#.to_owned()));
    }
}
