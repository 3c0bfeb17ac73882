//! Nodes that become members, and spares that cease to be any.

use super::roster::Standing;
use super::{ASK_EVERY, ASK_TIMEOUT, Joined, LIST_TIMEOUT, not_changed};
use crate::deployment::{DeployError, Deployment, LOOK_EVERY};
use crate::members::{Member, Members, NotChanged, agreed};
use futures_util::future::join_all;
use std::time::{Duration, Instant};

/// How long to wait before a new member that ended by itself, since it reached nobody, is started again.
const RESTART_AFTER: Duration = Duration::from_millis(500);

impl Deployment {
    /// Sees to it that `node` is a member: one that was removed, or may have been, is removed for certain, its data wiped, a new
    /// member added in its place and started, and waited for until it counts and has applied what the others had when it was
    /// added. What was begun before and not finished is gone on with.
    ///
    /// # Errors
    /// When that does not come about within `timeout`.
    pub async fn bring_in(&self, node: &str, timeout: Duration) -> Result<Joined, DeployError> {
        let (hooks, place, deadline) = (self.hooks()?, self.place(node)?, Instant::now() + timeout);
        let Some(number) = self.enlist(hooks, place, deadline).await? else { return Ok(Joined::Stayed) };
        let joined = self.settle(hooks, place, number, deadline).await?;
        self.roster.set(place, Standing::Member);
        Ok(joined)
    }

    /// Sees to it that the members list the node at this place, and returns its number; none if it never ceased to be a member. One that
    /// certainly was not added is as far from it as before.
    async fn enlist(&self, hooks: &dyn Members, place: usize, deadline: Instant) -> Result<Option<u64>, DeployError> {
        let node = &self.all()[place].name;
        if let Standing::Leaving(number) = self.roster.standing(place) {
            self.leave(hooks, number, &[place], deadline).await.map_err(not_changed)?;
            self.roster.set(place, Standing::Out);
        }
        let was_out = self.roster.standing(place) == Standing::Out;
        if was_out {
            self.end(node).await?;
            self.wipe(node).await?;
            self.roster.set(place, Standing::Joining(self.roster.new_number()));
        }
        let Standing::Joining(number) = self.roster.standing(place) else { return Ok(None) };
        let number = self.number_to_join(hooks, place, number).await;
        let at = &self.all()[place];
        let is_listed = |list: &[Member]| self.listed(list, place).is_some();
        let nothing_was_asked = |error| {
            if was_out {
                self.roster.set(place, Standing::Out);
            }
            error
        };
        if hooks.starts_before_added() && agreed(&self.lists(hooks).await, is_listed).is_none() {
            self.start_newcomer(hooks, place, number, deadline).await.map_err(nothing_was_asked)?;
        }
        match self.ask(hooks, deadline, &[place], is_listed, |through| hooks.add(through, at, number)).await {
            Ok(()) => Ok(Some(number)),
            Err(why @ NotChanged::Refused(_)) => Err(nothing_was_asked(not_changed(why))),
            Err(why @ NotChanged::InDoubt(_)) => Err(not_changed(why)),
        }
    }

    /// Starts the server of one that is to join, and waits until it answers.
    async fn start_newcomer(
        &self,
        hooks: &dyn Members,
        place: usize,
        number: u64,
        deadline: Instant,
    ) -> Result<(), DeployError> {
        let at = &self.all()[place];
        let (members, _) = self.known_members(hooks, deadline).await?;
        self.end(&at.name).await?;
        self.roster.set_server(place, hooks.newcomer(at, number, &members, self.all()));
        self.start(&at.name).await?;
        self.await_answer(&at.name, deadline.saturating_duration_since(Instant::now())).await?;
        Ok(())
    }

    /// Sees to it that `node` is no member, and ends its server then; whether it was one. It is not asked for while it would leave no
    /// living majority. What was asked for before and may come about yet is brought about first, so that it can be undone.
    ///
    /// # Errors
    /// When that does not come about within `timeout`.
    pub async fn take_out(&self, node: &str, timeout: Duration) -> Result<bool, DeployError> {
        let (hooks, place, deadline) = (self.hooks()?, self.place(node)?, Instant::now() + timeout);
        let number = match self.roster.standing(place) {
            Standing::Out => {
                self.end(node).await?;
                return Ok(false);
            }
            Standing::Leaving(number) => number,
            Standing::Joining(_) | Standing::Member => {
                self.enlist(hooks, place, deadline).await?;
                self.number(&self.known_members(hooks, deadline).await?.0, node)?
            }
        };
        while let Err(error) = self.may_lose(&[node.to_owned()], true).await {
            if Instant::now() > deadline {
                return Err(error);
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        self.roster.set(place, Standing::Leaving(number));
        self.leave(hooks, number, &[place], deadline).await.map_err(not_changed)?;
        self.roster.set(place, Standing::Out);
        self.end(node).await?;
        Ok(true)
    }

    /// Sees to it that the members are those that the cluster began with; see [`Deployment::bring_in`] and [`Deployment::take_out`].
    ///
    /// # Errors
    /// As for these.
    pub async fn restore_members(&self, timeout: Duration) -> Result<(), DeployError> {
        for node in self.nodes() {
            if !self.is_member(&node.name) {
                self.bring_in(&node.name, timeout).await?;
            }
        }
        for spare in self.spares() {
            if self.takes_part(&spare.name) {
                self.take_out(&spare.name, timeout).await?;
            }
        }
        Ok(())
    }

    /// The number under which a node is to join: the one that it was given, unless a newer one is a member already. A cluster that
    /// counts its members up never takes an older one then, whatever becomes of what was asked for and not answered.
    async fn number_to_join(&self, hooks: &dyn Members, place: usize, number: u64) -> u64 {
        let is_overtaken =
            |list: &[Member]| self.listed(list, place).is_none() && list.iter().any(|member| member.number > number);
        if hooks.starts_before_added() || agreed(&self.lists(hooks).await, is_overtaken).is_none() {
            return number;
        }
        let newer = self.roster.new_number();
        self.roster.set(place, Standing::Joining(newer));
        newer
    }

    /// Starts the new member at `place`, as often as it ends, until it counts and has caught up.
    async fn settle(
        &self,
        hooks: &dyn Members,
        place: usize,
        number: u64,
        deadline: Instant,
    ) -> Result<Joined, DeployError> {
        let node = &self.all()[place];
        let goal = self.applied_elsewhere(hooks, place).await;
        let (mut begin, mut tried, mut starts) = (Instant::now(), Instant::now(), 0);
        loop {
            let lists = self.lists(hooks).await;
            let known = agreed(&lists, |list| self.listed(list, place).is_some());
            if let (Some(known), false) = (known, self.has_server(&node.name).await?) {
                if starts > 0 {
                    tokio::time::sleep(RESTART_AFTER).await;
                }
                self.roster.set_server(place, hooks.newcomer(node, number, known, self.all()));
                (begin, starts) = (Instant::now(), starts + 1);
                self.start(&node.name).await?;
            }
            let applied = hooks.applied(node).await;
            let member = known.and_then(|known| self.listed(known, place));
            let lists_itself = lists.iter().any(|(who, list)| *who == node.address && Some(list.as_slice()) == known);
            match (member, &applied) {
                (Some(member), Ok(applied)) if member.votes && *applied >= goal && lists_itself => {
                    let after = begin.elapsed();
                    return Ok(Joined::Anew { member: *member, goal, applied: *applied, after });
                }
                // A leader that gave it up tries again to promote it when it is added again.
                (Some(member), Ok(_)) if !member.votes && tried.elapsed() > LIST_TIMEOUT => {
                    tried = Instant::now();
                    if let Some(through) = self.whom(&lists, &[place], 0).await {
                        // What comes of it is seen in the list.
                        let _ = tokio::time::timeout(ASK_TIMEOUT, hooks.add(through, node, number)).await;
                    }
                }
                _ => {}
            }
            if Instant::now() > deadline {
                let listed = known.map_or_else(|| "nobody knows whom".into(), |known| self.told(known));
                let applied = applied.map_or_else(|why| why, |applied| format!("it has applied {applied} of {goal}"));
                return Err(not_changed(format!("{} does not catch up: {applied}; listed: {listed}", node.name)));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The most that any other server has applied.
    async fn applied_elsewhere(&self, hooks: &dyn Members, place: usize) -> u64 {
        let others = self.all().iter().enumerate().filter(|(other, _)| *other != place);
        let applied = others.map(|(_, node)| hooks.applied(node));
        join_all(applied).await.into_iter().flatten().max().unwrap_or(0)
    }
}
