//! Those who ask the members of a world for something: clients, holders of locks, and one who watches.

use super::{Broken, Event, HOLDERS_FROM, World};
use crate::client::Next;
use crate::member::{Asked, Told};
use crate::network::delay_us;
use crate::property::{Property, fences, one_relies};
use crate::time::MS;
use rand::RngExt;

impl World {
    pub(super) fn tell_client(&mut self, asked: Asked, told: Told) {
        if !self.rng.random_bool(self.weather.loss) {
            let delay_us = delay_us(&self.weather, &mut self.rng);
            self.agenda.after(delay_us, Event::Told { client: asked.client, attempt: asked.attempt, told });
        }
    }

    pub(super) fn client_does(&mut self, client: usize, next: Next) {
        match next {
            Next::Ask(member, asked) => {
                self.trace.note(self.agenda.now_us(), || {
                    format!("client {client} asks n{}: {:?}", member + 1, asked.request)
                });
                let patience_us = self.rng.random_range(150..500) * MS;
                self.agenda.after(patience_us, Event::TimeOut { client, attempt: asked.attempt });
                if !self.rng.random_bool(self.weather.loss) {
                    let delay_us = delay_us(&self.weather, &mut self.rng);
                    self.agenda.after(delay_us, Event::Ask { member, asked });
                }
            }
            Next::Pause => {
                let pause_us = self.rng.random_range(0..50 * MS);
                self.agenda.after(pause_us, Event::Wake { client });
            }
            Next::Wait => {}
        }
    }

    /// Who holds locks asks for something, whether the last answer came or not, and often enough for its lease.
    pub(super) fn holder_wakes(&mut self, holder: usize) {
        let now_us = self.agenda.now_us();
        let has_faults = self.weather.storm_us > 0;
        let stands_still = self.rng.random_bool(0.05) && has_faults;
        let pause_us = if stands_still { 900 } else { self.rng.random_range(10..150) } * MS;
        self.agenda.after(pause_us, Event::HolderWakes { holder });
        let (attempt, request) = self.holders[holder].wake(now_us, self.newest_token, !has_faults, &mut self.rng);
        let asked = Asked { client: HOLDERS_FROM + holder, attempt, request };
        let member = self.rng.random_range(0..self.members.len());
        self.trace.note(now_us, || format!("holder {holder} asks n{}: {:?}", member + 1, asked.request));
        if !self.rng.random_bool(self.weather.loss) {
            let delay_us = delay_us(&self.weather, &mut self.rng);
            self.agenda.after(delay_us, Event::Ask { member, asked });
        }
    }

    pub(super) fn holder_is_told(&mut self, holder: usize, attempt: u64, told: &Told) -> Result<(), Broken> {
        let now_us = self.agenda.now_us();
        self.trace.note(now_us, || format!("holder {holder} is told {told:?}"));
        let drift_percent = self.weather.clocks.as_ref().map_or(0, |clocks| clocks.drift_percent);
        if let Some(wrote) = self.holders[holder].told(attempt, told, drift_percent) {
            fences(wrote).map_err(|evidence| (Property::Fencing, evidence))?;
        }
        self.newest_token = self.newest_token.max(self.holders[holder].token().unwrap_or(0));
        one_relies(&self.holders, now_us).map_err(|evidence| (Property::LockSafety, evidence))
    }

    /// The watcher asks what is new.
    pub(super) fn watch(&mut self) -> Result<(), Broken> {
        let Some(watcher) = &mut self.watcher else { return Ok(()) };
        let pause_us = watcher.next(self.members.len());
        self.agenda.after(pause_us, Event::Watch);
        let seen = watcher.seen;
        let Some(told) = self.members[watcher.member].watch(seen) else { return Ok(()) };
        watcher.told(&told);
        told.map_or(Ok(()), |told| self.properties.watched(seen, &told))
    }
}
