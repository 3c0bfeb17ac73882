//! The members of ZooKeeper, changed by its reconfig: one transaction each, agreed upon by majorities of the members before and
//! after it.
//!
//! Who shall join starts first, among the members that are there, follows their leader without a vote, and is taken in then: a
//! change is refused while no majority of the new members is connected. Servers rewrite their own configuration, so squall
//! writes it for the first start only.
//!
//! Who was removed goes on to follow without a vote, and to serve its clients: their changes go to the leader, and what they read may be
//! old, as with every follower. That is within ZooKeeper's promise, and their sessions end with the server, not with its vote.

use super::code::{Code, Meaning};
use super::request::Request;
use super::session::{Session, SessionError};
use super::{Zookeeper, client_address, server, words};
use crate::cluster::Node;
use crate::members::{Member, Members, NotChanged};
use crate::remote::DaemonSpec;
use async_trait::async_trait;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::time::Instant;

/// The fewest members that squall leaves. A leader of two that removes itself leaves the other one alone with what it may not
/// have heard.
pub(super) const LEAST: usize = 2;

/// How long a server may take to change the members.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the servers keep the session of one who asks, when they hear nothing of it.
const SESSION_TIMEOUT: Duration = Duration::from_secs(4);

/// Makes a change in a session of its own.
async fn change(through: &Node, joining: Option<String>, leaving: Option<String>) -> Result<(), NotChanged> {
    let deadline = Instant::now() + CHANGE_TIMEOUT;
    let asked = async {
        let session = Session::open(client_address(through), SESSION_TIMEOUT, deadline).await?;
        session.ask(&Request::Reconfig { joining, leaving }, deadline).await
    };
    asked.await.map(drop).map_err(|error| not_changed(&error))
}

/// What to do about a server that lets nobody change the members.
fn remedy(code: Code) -> Option<&'static str> {
    match code {
        Code::UNIMPLEMENTED => Some("members of ZooKeeper can be changed since 3.5; give a newer one by --bin"),
        Code::NO_AUTH => Some("start its servers with -Dzookeeper.skipACL=yes, or let all write /zookeeper/config"),
        Code::RECONFIG_DISABLED => Some("start its servers with reconfigEnabled=true in zoo.cfg"),
        _ => None,
    }
}

/// What is known of a change that met this error.
fn not_changed(error: &SessionError) -> NotChanged {
    let is_certain = match error {
        SessionError::Connect(_)
        | SessionError::ConnectTimedOut
        | SessionError::NotMade(_)
        | SessionError::Over
        | SessionError::ClosedBefore => true,
        SessionError::Broken(_) | SessionError::TimedOut | SessionError::Senseless(_) => false,
        SessionError::Code(code) => code.meaning() != Meaning::Doubt,
    };
    let mut why = error.to_string();
    if let SessionError::Code(code) = error {
        why.extend(remedy(*code).into_iter().flat_map(|remedy| ["; ", remedy]));
    }
    if is_certain { NotChanged::Refused(why) } else { NotChanged::InDoubt(why) }
}

/// The members in the text of a configuration: `server.2=10.0.0.2:2888:3888:participant;10.0.0.2:2181`, a line each.
fn parse(text: &str) -> Result<Vec<Member>, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("server."));
    let member = |line: &str| {
        let (number, place) = line.split_once('=')?;
        let mut parts = place.split([':', ';']);
        let address: Ipv4Addr = parts.next()?.parse().ok()?;
        Some(Member { number: number.trim().parse().ok()?, address, votes: parts.nth(2)? == "participant" })
    };
    let members = lines.map(|line| member(line).ok_or_else(|| format!("`server.{line}` is no member")));
    let mut members = members.collect::<Result<Vec<_>, _>>()?;
    members.sort_unstable();
    if members.is_empty() { Err("it lists no members".into()) } else { Ok(members) }
}

#[async_trait]
impl Members for Zookeeper {
    fn least(&self) -> usize {
        LEAST
    }

    /// As the server tells of its own settings, which a commit changes: the same as its node `/zookeeper/config` says, but for that no
    /// session must be agreed upon first.
    async fn list(&self, node: &Node) -> Result<Vec<Member>, String> {
        parse(&words::members(client_address(node)).await?)
    }

    async fn remove(&self, through: &Node, number: u64) -> Result<(), NotChanged> {
        change(through, None, Some(number.to_string())).await
    }

    async fn add(&self, through: &Node, node: &Node, number: u64) -> Result<(), NotChanged> {
        change(through, Some(server::line(number, node.address)), None).await
    }

    fn starts_before_added(&self) -> bool {
        true
    }

    fn newcomer(&self, node: &Node, number: u64, members: &[Member], _nodes: &[Node]) -> DaemonSpec {
        let others = members.iter().filter(|member| member.address != node.address);
        let mut all: Vec<(u64, Ipv4Addr)> = others.map(|member| (member.number, member.address)).collect();
        all.push((number, node.address));
        server::daemon(&self.installation, &self.options, node, number, &all)
    }

    async fn applied(&self, node: &Node) -> Result<u64, String> {
        words::applied(client_address(node)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_tells_the_members() {
        let text = "\nserver.1=10.0.0.1:2888:3888:participant;10.0.0.1:2181\n\
                    server.12=10.0.0.3:2888:3888:observer;0.0.0.0:2181\nversion=100000003";
        let member = |number, last, votes| Member { number, address: Ipv4Addr::new(10, 0, 0, last), votes };
        assert_eq!(parse(text), Ok(vec![member(1, 1, true), member(12, 3, false)]));
        assert_eq!(parse("server.1=here\n"), Err("`server.1=here` is no member".into()));
        assert_eq!(parse("version=0"), Err("it lists no members".into()));
    }

    #[test]
    fn only_what_certainly_was_not_done_is_refused() {
        let code = |number| SessionError::Code(Code(number));
        for (error, is_certain) in [
            (SessionError::ConnectTimedOut, true),
            (SessionError::NotMade("no leader".into()), true),
            (SessionError::ClosedBefore, true),
            (code(-13), true),
            (code(-14), true),
            (SessionError::TimedOut, false),
            (SessionError::Broken("reset".into()), false),
            (code(-4), false),
            (code(-99), false),
        ] {
            assert_eq!(matches!(not_changed(&error), NotChanged::Refused(_)), is_certain, "{error}");
        }
    }

    #[test]
    fn who_may_not_change_them_is_told_what_to_do() {
        for (code, remedy) in [(-123, "reconfigEnabled=true"), (-102, "skipACL=yes"), (-6, "since 3.5")] {
            let told = not_changed(&SessionError::Code(Code(code))).to_string();
            assert!(told.contains(&format!("({code}); ")) && told.contains(remedy), "{told}");
        }
    }
}
