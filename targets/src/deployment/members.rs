//! The members of a deployment's cluster: removed while the others serve, and brought in again as new ones with nothing on their
//! disks.
//!
//! What was asked for and not answered may come about at any later time. So a removal of which nobody knows is asked for again until
//! the members list it as done, and never forgotten: a node is a member again only when all of this is over.

mod joining;
mod roster;

pub(super) use roster::Roster;

use super::{DeployError, Deployment, LOOK_EVERY};
use crate::cluster::Node;
use crate::members::{Member, Members, NotChanged, agreed, loses_majority};
use crate::remote::{Awaited, Scope, Signal};
use futures_util::future::join_all;
use roster::Standing;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// How long a server may take to answer when it is asked for a change.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait before a change that was refused is asked for again.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// How long a change that was made may take to be listed before it is asked for again; a learner, to be promoted.
const LIST_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the members are waited for to say who they are, before anything is changed.
const KNOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// The members before and after a change, as they list themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Before.
    pub before: Vec<Member>,
    /// After it.
    pub after: Vec<Member>,
}

/// What became of a node that was to be a member again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// It never ceased to be one.
    Stayed,
    /// It is one under a new number.
    Anew {
        /// Itself.
        member: Member,
        /// How much the others had applied when it was added.
        goal: u64,
        /// How much it had applied itself when it counted.
        applied: u64,
        /// How long it took from the start of its server.
        after: Duration,
    },
}

impl Deployment {
    /// The members that their majority lists, and who answered.
    ///
    /// # Errors
    /// [`DeployError::NotChanged`] when there is no such list.
    async fn known_members(
        &self,
        hooks: &dyn Members,
        deadline: Instant,
    ) -> Result<(Vec<Member>, Vec<Ipv4Addr>), DeployError> {
        loop {
            let lists = self.lists(hooks).await;
            let alive: Vec<Ipv4Addr> = lists.iter().map(|(who, _)| *who).collect();
            // Who has left may not know it, and is believed only where nobody else says anything.
            let staying = |(who, _): &&(Ipv4Addr, Vec<Member>)| self.roster.is_member_at(self.place_of(*who));
            let believed: Vec<_> = lists.iter().filter(staying).cloned().collect();
            if let Some(known) = agreed(&believed, |_| true).or_else(|| agreed(&lists, |_| true)) {
                return Ok((known.to_vec(), alive));
            }
            if Instant::now() > deadline {
                return Err(not_changed("no majority of the members says who they are"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The members as their majority lists them.
    ///
    /// # Errors
    /// [`DeployError::NotChanged`] when there is no such list.
    pub async fn members(&self) -> Result<Vec<Member>, DeployError> {
        Ok(self.known_members(self.hooks()?, Instant::now() + KNOWN_TIMEOUT).await?.0)
    }

    /// The members for people: `n1 (1), n2 (2), n3 (4, learning)`.
    pub fn told(&self, members: &[Member]) -> String {
        let told = members.iter().map(|member| {
            let node = self.all().iter().find(|node| node.address == member.address);
            let name = node.map_or_else(|| member.address.to_string(), |node| node.name.clone());
            let learning = if member.votes { "" } else { ", learning" };
            // etcd draws its numbers, and writes them so.
            let number = if member.number > u64::from(u32::MAX) {
                format!("{:x}", member.number)
            } else {
                member.number.to_string()
            };
            format!("{name} ({number}{learning})")
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// Whether `node` is a member, as far as was seen to: none of its removal, or it has joined again.
    pub fn is_member(&self, node: &str) -> bool {
        self.place(node).is_ok_and(|place| self.roster.is_member_at(Some(place)))
    }

    /// Asks the cluster to remove these nodes, all at the same time, and waits until a majority of those that are left lists none of
    /// them. Their servers are left alone; one that learns that it was removed may end by itself.
    ///
    /// # Errors
    /// [`DeployError::NotChanged`] when that would leave no living majority, and then nothing was asked for; or when it was not done
    /// within `timeout`. Then some may be removed, or may be yet: [`Deployment::bring_in`] sees to all of them.
    pub async fn remove_members(&self, nodes: &[String], timeout: Duration) -> Result<Changed, DeployError> {
        let (hooks, deadline) = (self.hooks()?, Instant::now() + timeout);
        let before = self.may_lose(nodes, true).await?;
        let numbers = nodes.iter().map(|node| self.number(&before, node)).collect::<Result<Vec<_>, _>>()?;
        let places = nodes.iter().map(|node| self.place(node)).collect::<Result<Vec<_>, _>>()?;
        let leaving = places.iter().zip(&numbers).map(async |(place, number)| {
            self.roster.set(*place, Standing::Leaving(*number));
            let left = self.leave(hooks, *number, &places, deadline).await;
            match &left {
                Ok(()) => self.roster.set(*place, Standing::Out),
                Err(NotChanged::Refused(_)) => self.roster.set(*place, Standing::Member),
                Err(NotChanged::InDoubt(_)) => {}
            }
            left.map_err(not_changed)
        });
        join_all(leaving).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        // Each was listed as gone by itself; all at once they are when the last change is known.
        let gone = |list: &[Member]| list.iter().all(|member| !numbers.contains(&member.number));
        loop {
            if let Some(after) = agreed(&self.lists(hooks).await, gone) {
                return Ok(Changed { before, after: after.to_vec() });
            }
            if Instant::now() > deadline {
                return Err(not_changed("the members do not list all of them as removed"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Notes that these members are to be replaced, once nothing else is to be done with their servers: [`Deployment::bring_in`]
    /// removes them then.
    ///
    /// # Errors
    /// [`DeployError::NotChanged`] when the others are no living majority.
    pub async fn give_up(&self, nodes: &[String]) -> Result<Vec<Member>, DeployError> {
        let members = self.may_lose(nodes, false).await?;
        let numbers = nodes.iter().map(|node| self.number(&members, node)).collect::<Result<Vec<_>, _>>()?;
        for (node, number) in nodes.iter().zip(numbers) {
            self.roster.set(self.place(node)?, Standing::Leaving(number));
        }
        Ok(members)
    }

    /// Whether `node` has anything to do with the cluster: it is a member, or is about to be one or to be none.
    pub fn takes_part(&self, node: &str) -> bool {
        self.place(node).is_ok_and(|place| self.roster.standing(place) != Standing::Out)
    }

    fn hooks(&self) -> Result<&dyn Members, DeployError> {
        let name = self.target.name();
        self.target.members().ok_or_else(|| not_changed(format!("squall cannot change the members of {name}")))
    }

    /// The members, if the cluster can do without these nodes: when they are `alive` until they were removed, or dead before.
    async fn may_lose(&self, nodes: &[String], alive: bool) -> Result<Vec<Member>, DeployError> {
        let hooks = self.hooks()?;
        let (members, mut answering) = self.known_members(hooks, Instant::now() + KNOWN_TIMEOUT).await?;
        let is_named =
            |address: &Ipv4Addr| self.all().iter().any(|node| node.address == *address && nodes.contains(&node.name));
        if !alive {
            answering.retain(|address| !is_named(address));
        }
        let leaving: Vec<Ipv4Addr> = members.iter().map(|member| member.address).filter(is_named).collect();
        match loses_majority(&members, &answering, &leaving, hooks.least()) {
            Some(why) => Err(not_changed(why)),
            None => Ok(members),
        }
    }

    fn number(&self, members: &[Member], node: &str) -> Result<u64, DeployError> {
        let address = self.all()[self.place(node)?].address;
        let member = members.iter().find(|member| member.address == address);
        member.map(|member| member.number).ok_or_else(|| not_changed(format!("{node} is no member")))
    }

    /// The member on the node at this place, but for one that has left.
    fn listed<'a>(&self, list: &'a [Member], place: usize) -> Option<&'a Member> {
        let address = self.all()[place].address;
        list.iter().find(|member| member.address == address && !self.roster.has_left(place, member.number))
    }

    fn place_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.all().iter().position(|node| node.address == address)
    }

    /// The lists of all servers that have one.
    async fn lists(&self, hooks: &dyn Members) -> Vec<(Ipv4Addr, Vec<Member>)> {
        let asked = self.all().iter().map(async |node| Some((node.address, hooks.list(node).await.ok()?)));
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Asks for a removal until it is listed. Those that `leave` are asked last.
    async fn leave(
        &self,
        hooks: &dyn Members,
        number: u64,
        leave: &[usize],
        deadline: Instant,
    ) -> Result<(), NotChanged> {
        let is_gone = |list: &[Member]| list.iter().all(|member| member.number != number);
        self.ask(hooks, deadline, leave, is_gone, |through| hooks.remove(through, number)).await
    }

    /// Asks for a change, of one server after the other, until a majority lists it as `done`.
    async fn ask<'a, F>(
        &'a self,
        hooks: &dyn Members,
        deadline: Instant,
        last: &[usize],
        done: impl Fn(&[Member]) -> bool,
        change: impl Fn(&'a Node) -> F,
    ) -> Result<(), NotChanged>
    where
        F: Future<Output = Result<(), NotChanged>>,
    {
        let (mut tries, mut in_doubt, mut made) = (0, false, None::<Instant>);
        let mut why = "no member answers".to_owned();
        loop {
            let lists = self.lists(hooks).await;
            if agreed(&lists, &done).is_some() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(if in_doubt { NotChanged::InDoubt(why) } else { NotChanged::Refused(why) });
            }
            if made.is_some_and(|made| made.elapsed() < LIST_TIMEOUT) {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            let Some(through) = self.whom(&lists, last, tries).await else {
                tokio::time::sleep(ASK_EVERY).await;
                continue;
            };
            tries += 1;
            let answer = tokio::time::timeout(ASK_TIMEOUT, change(through)).await;
            match answer.unwrap_or_else(|_| Err(NotChanged::InDoubt("no answer in time".into()))) {
                Ok(()) => (in_doubt, made, why) = (true, Some(Instant::now()), "it was made, and is not listed".into()),
                Err(NotChanged::Refused(refusal)) => {
                    why = format!("{}: {refusal}", through.name);
                    tokio::time::sleep(ASK_EVERY).await;
                }
                Err(NotChanged::InDoubt(doubt)) => (in_doubt, why) = (true, format!("{}: {doubt}", through.name)),
            }
        }
    }

    /// Whom to ask at this try: the members that answer by turns, who leads first, and those at the places `last` when
    /// all others were asked.
    async fn whom(&self, lists: &[(Ipv4Addr, Vec<Member>)], last: &[usize], tries: usize) -> Option<&Node> {
        let leader = self.leader().await;
        let answers = |place: &usize| lists.iter().any(|(who, _)| *who == self.all()[*place].address);
        let may_ask = |place: &usize| self.roster.is_member_at(Some(*place)) || last.contains(place);
        let mut places: Vec<usize> = (0..self.all().len()).filter(may_ask).filter(answers).collect();
        let leads = |place: &usize| Some(&self.all()[*place].name) == leader.as_ref();
        places.sort_by_key(|place| (last.contains(place), !leads(place)));
        let place = places.get(tries % places.len().max(1))?;
        Some(&self.all()[*place])
    }

    /// Ends the server of `node`, if there is one.
    async fn end(&self, node: &str) -> Result<(), DeployError> {
        if !self.has_server(node).await? {
            return Ok(());
        }
        let (at, pid) = self.server(node)?;
        at.remote.signal(pid, Signal::SIGKILL, Scope::Session).await?;
        at.remote.await_state(pid, Awaited::Gone, super::STATE_TIMEOUT).await?;
        Ok(())
    }
}

fn not_changed(why: impl std::fmt::Display) -> DeployError {
    DeployError::NotChanged { why: why.to_string() }
}
