//! What goes wrong in a world, and the calm after it.

use super::{Broken, Event, World};
use crate::clocks::Setting;
use crate::member::Crash;
use crate::storm::Trouble;
use crate::time::Micros;
use raftd::types::NodeId;
use rand::RngExt;

impl World {
    pub(super) fn schedule_trouble(&mut self) {
        let mean_us = self.weather.fault_every_us;
        let pause_us = self.rng.random_range(0..=2 * mean_us);
        self.agenda.after(pause_us, Event::Trouble);
    }

    /// Somebody will set a wall clock, which matters to nobody who does not trust it.
    pub(super) fn schedule_clock(&mut self) {
        if let Some(clocks) = self.weather.clocks.as_mut().filter(|_| self.is_storm) {
            self.agenda.after(clocks.next_us(), Event::SetClock);
        }
    }

    pub(super) fn set_clock(&mut self) {
        let (leader, members) = (self.leader(), self.members.len());
        let Some(clocks) = self.weather.clocks.as_mut().filter(|_| self.is_storm) else { return };
        let setting = clocks.setting(members, leader.map(|id| id as usize - 1));
        let now_us = self.agenda.now_us();
        self.trace.note(now_us, || format!("{setting:?}"));
        let Setting { member, by_us, stands_us } = setting;
        self.members[member].clock.set(by_us);
        if stands_us > 0 {
            self.stopped_clock = Some((member as NodeId + 1, now_us + stands_us));
        }
        self.schedule_clock();
    }

    pub(super) fn trouble(&mut self) -> Result<(), Broken> {
        if !self.is_storm {
            return Ok(());
        }
        self.schedule_trouble();
        let leader = self.leader();
        let Some(trouble) = Trouble::draw(&self.weather, self.members.len(), leader, &mut self.rng) else {
            return Ok(());
        };
        self.trace.note(self.agenda.now_us(), || format!("TROUBLE {trouble:?}"));
        match trouble {
            Trouble::Crash { members, how } => {
                for (id, down_us) in members {
                    self.crash(id as usize - 1, how, down_us);
                }
            }
            Trouble::Partition { side, one_way, for_us } => {
                let is_cut = |from: NodeId, to: NodeId| match one_way {
                    true => side.contains(&from) && !side.contains(&to),
                    false => side.contains(&from) != side.contains(&to),
                };
                self.network.partition(self.members.len() as NodeId, is_cut);
                self.partition += 1;
                self.agenda.after(for_us, Event::Heal { partition: self.partition });
            }
            Trouble::Campaign(id) => return self.campaign(id),
            Trouble::Transfer(to) => {
                let Some(leader) = leader else { return Ok(()) };
                return self.on(leader as usize - 1, |member, _| {
                    if let Some(core) = member.core_mut() {
                        core.transfer(to);
                    }
                });
            }
            Trouble::Duel { candidates, crashes } => {
                for (id, after_us, down_us) in crashes {
                    let member = id as usize - 1;
                    self.agenda.after(after_us, Event::Crash { member, how: Crash::PowerCut, down_us });
                }
                return candidates.into_iter().try_for_each(|id| self.campaign(id));
            }
            Trouble::StopClock { member, for_us } => self.stopped_clock = Some((member, self.now_us() + for_us)),
        }
        Ok(())
    }

    pub(super) fn campaign(&mut self, id: NodeId) -> Result<(), Broken> {
        self.on(id as usize - 1, |member, _| {
            if let Some(core) = member.core_mut() {
                core.campaign();
            }
        })
    }

    pub(super) fn crash(&mut self, member: usize, how: Crash, down_us: Micros) {
        if self.is_storm && self.members[member].runs() {
            self.members[member].crash(how, &mut self.rng);
            self.trace.note(self.agenda.now_us(), || format!("n{} crashes: {how:?}", member + 1));
            self.agenda.after(down_us, Event::Restart { member });
        }
    }

    pub(super) fn heal(&mut self) {
        self.network.heal();
        self.trace.note(self.agenda.now_us(), || "the links are mended".into());
    }

    pub(super) fn calm_down(&mut self) {
        self.trace.note(self.agenda.now_us(), || "the storm is over".into());
        if self.is_storm && self.rng.random() {
            self.leave_for_good();
        }
        (self.is_storm, self.stopped_clock) = (false, None);
        self.weather.calm();
        self.heal();
        (0..self.members.len()).for_each(|member| self.start(member));
    }

    /// Some members go down and stay so: those that are left are a majority, and have to do without.
    fn leave_for_good(&mut self) {
        let count = self.members.len();
        for _ in 0..self.rng.random_range(0..=(count - 1) / 2) {
            let member = self.rng.random_range(0..count);
            if self.has_majority(Some(member as NodeId + 1), None) {
                self.lose(member);
            }
        }
    }
}
