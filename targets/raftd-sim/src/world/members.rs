//! Members that come and go in a world.

use super::{Broken, Event, World};
use crate::comings::Wish;
use crate::member::{Crash, Member};
use raftd::types::{Configuration, MemberChange, NodeId};

impl World {
    /// Somebody will want the members changed.
    pub(super) fn schedule_wish(&mut self) {
        if let Some(comings) = self.weather.comings.as_mut().filter(|_| self.is_storm) {
            self.agenda.after(comings.next_wish_us(), Event::Wish);
        }
    }

    /// And asks for it.
    pub(super) fn schedule_try(&mut self) {
        if let Some(comings) = &mut self.weather.comings {
            self.agenda.after(comings.next_try_us(), Event::AskForChanges);
        }
    }

    /// The operator comes to want something, unless that might leave no majority for good.
    pub(super) fn wish(&mut self) {
        let (leader, ever) = (self.leader(), self.members.len());
        let committed = self.properties.members().clone();
        let Some(comings) = self.weather.comings.as_mut().filter(|_| self.is_storm) else { return };
        let wish = comings.wish(&committed, leader, ever);
        self.schedule_wish();
        let Some(wish) = wish else { return };
        let (loses, leaves) = match wish {
            Wish::Join => (None, None),
            Wish::Remove(id) => (None, Some(id)),
            Wish::Replace(id) => (Some(id), Some(id)),
        };
        let mut wanted: Vec<MemberChange> = leaves.map(|id| MemberChange::Remove { id }).into_iter().collect();
        if !self.has_majority(loses, leaves) {
            return;
        }
        self.trace.note(self.agenda.now_us(), || format!("WISH {wish:?}"));
        if let Some(id) = loses {
            self.lose(id as usize - 1);
        }
        if wish == Wish::Join || loses.is_some() {
            wanted.push(self.newcomer());
        }
        if let Some(comings) = &mut self.weather.comings {
            comings.wanted.extend(wanted);
        }
    }

    /// A member with an empty disk starts, and is to be added.
    fn newcomer(&mut self) -> MemberChange {
        let id = self.members.len() as NodeId + 1;
        let mut member = Member::joining(id, self.bug, self.weather.limits.clone());
        if let Some(clocks) = &mut self.weather.clocks {
            member.use_leases(clocks.drift_percent, clocks.clock());
        }
        self.members.push(member);
        self.start(self.members.len() - 1);
        MemberChange::Add { id, address: String::new() }
    }

    /// A member and its disk are gone for good.
    pub(super) fn lose(&mut self, member: usize) {
        self.members[member].crash(Crash::Kill, &mut self.rng);
        self.trace.note(self.agenda.now_us(), || format!("n{} is down for good", member + 1));
        self.absent.insert(member);
    }

    /// Asks for all that is wanted and not done.
    pub(super) fn ask_for_changes(&mut self) -> Result<(), Broken> {
        self.schedule_try();
        let (committed, whom) = (self.properties.members().clone(), self.asked());
        let Some(comings) = &mut self.weather.comings else { return Ok(()) };
        comings.settle(&committed);
        let asks: Vec<(MemberChange, Option<usize>)> =
            comings.wanted.clone().into_iter().map(|change| (change, comings.whom(&whom))).collect();
        for (change, member) in asks {
            let Some(member) = member else { continue };
            self.trace.note(self.agenda.now_us(), || format!("n{} is asked for {change:?}", member + 1));
            self.on(member, |member, _| member.change(change))?;
        }
        Ok(())
    }

    /// Whether all changes that were wanted are made.
    pub(super) fn has_changed(&mut self) -> bool {
        let committed = self.properties.members().clone();
        match &mut self.weather.comings {
            Some(comings) => {
                comings.settle(&committed);
                comings.wanted.is_empty()
            }
            None => true,
        }
    }

    /// Whom clients and operators ask: in a storm anybody, be it a member or not; in calm weather those that belong to the cluster.
    pub(super) fn asked(&self) -> Vec<usize> {
        let members = self.properties.members();
        let serves = |member: &usize| members.contains(*member as NodeId + 1) && !self.absent.contains(member);
        (0..self.members.len()).filter(|member| self.is_storm || serves(member)).collect()
    }

    /// Whether a majority would be left for good, of whatever configuration may be in force anywhere and whatever becomes of the
    /// changes that are wanted, if one more member were dead, and one more were to be removed.
    pub(super) fn has_majority(&self, loses: Option<NodeId>, leaves: Option<NodeId>) -> bool {
        let is_dead = |id: NodeId| loses == Some(id) || self.absent.contains(&(id as usize - 1));
        let wants = |id: NodeId| self.weather.comings.as_ref().is_some_and(|comings| comings.wants_removed(id));
        let suffices = |members: &Configuration| {
            let stays = |id: &NodeId| !is_dead(*id) && leaves != Some(*id) && !wants(*id);
            let dead = members.members().keys().filter(|id| is_dead(**id)).count();
            members.voters().filter(stays).count() > dead
        };
        // Who joins knows nobody yet.
        let known = self.members.iter().map(Member::members).filter(|members| !members.members().is_empty());
        known.chain([self.properties.members()]).all(suffices)
    }
}
