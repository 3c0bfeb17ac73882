//! Locks that anybody may give back.
//!
//! They are taken and given back by turns, and nobody can tell one call from another that does the same. So one course is
//! enough, which does nothing before it has to: when a call returns that has not taken effect yet, it takes effect now; if
//! it cannot, because the lock is held or free, one open call of the other kind goes first. Of the open calls of a kind the
//! one goes first that returns first, and those without an answer last. Who finds the lock not held does so as soon as it
//! is free.
//!
//! Nothing is lost by that. Take any other legal order up to now, and let the two forget who is who: wherever it used a
//! call that the course did not and the course another of the same kind that returns later, they change places, which is
//! too late for neither. Then that order has done what the course has, and more: calls that are all still open to the
//! course, in turns, from its state on. An even number of them leads back to its state, and can be done at any later
//! time, whether the lock is free then or held, for it is a take and a give-back in either order. An odd number is an even
//! one and a first step, which the course can make whenever the other order goes on. So what is legal for that order is
//! so for the course; and what it has to do at a return, the other order did before, so the call that goes first is there.
//! Who finds the lock free in that order while it is held in the course sees a give-back that the course can make, and
//! does not later than when it has to.

use super::{Act, NEVER, Ruling};
use crate::model::Deed;
use std::collections::BTreeSet;

/// A legal order, or why there is none; see the [module](self).
pub(super) fn rule(acts: &[Act]) -> Ruling {
    let is_of_a_lock =
        |act: &Act| matches!(act.deed, Deed::Acquire { .. } | Deed::Release { .. } | Deed::FindReleased { .. });
    if !acts.iter().all(is_of_a_lock) {
        return Ruling::Open;
    }
    let begins = acts.iter().enumerate().map(|(entry, act)| (act.from_ns, false, entry));
    let ends = acts.iter().enumerate().filter(|(_, act)| act.until_ns < NEVER);
    // At one instant, begins come before ends: equal stamps count as concurrent.
    let mut moments: Vec<(u64, bool, usize)> =
        begins.chain(ends.map(|(entry, act)| (act.until_ns, true, entry))).collect();
    moments.sort_unstable();
    let mut course = Course { acts, open: Default::default(), finders: Vec::new(), held: false, order: Vec::new() };
    for (_, ends, entry) in moments {
        match ends {
            false => course.begin(entry),
            true if course.end(entry).is_none() => return Ruling::NoOrder { entry, core: None },
            true => {}
        }
    }
    Ruling::Order(course.order)
}

struct Course<'a> {
    acts: &'a [Act<'a>],
    /// The open calls that did not take effect, by their return: those that give back, and those that take.
    open: [BTreeSet<(u64, usize)>; 2],
    /// The open calls that did not find the lock free yet.
    finders: Vec<usize>,
    held: bool,
    order: Vec<u32>,
}

impl Course<'_> {
    fn begin(&mut self, entry: usize) {
        let act = &self.acts[entry];
        match act.deed {
            Deed::Acquire { .. } => _ = self.open[1].insert((act.until_ns, entry)),
            Deed::Release { .. } => _ = self.open[0].insert((act.until_ns, entry)),
            _ if self.held => self.finders.push(entry),
            _ => self.order.push(entry as u32),
        }
    }

    /// The call takes effect by now; `None`: it cannot.
    fn end(&mut self, entry: usize) -> Option<()> {
        let act = &self.acts[entry];
        let takes = match act.deed {
            Deed::Acquire { .. } => true,
            Deed::Release { .. } => false,
            _ => return if self.finders.contains(&entry) { self.change(None) } else { Some(()) },
        };
        if !self.open[usize::from(takes)].contains(&(act.until_ns, entry)) {
            return Some(());
        }
        if self.held == takes {
            self.change(None)?;
        }
        self.change(Some(entry))
    }

    /// The lock is taken if it is free and given back if it is held, by this call or the first that can.
    fn change(&mut self, entry: Option<usize>) -> Option<()> {
        let open = &mut self.open[usize::from(!self.held)];
        let entry = match entry {
            Some(entry) => entry,
            None => open.first()?.1,
        };
        open.remove(&(self.acts[entry].until_ns, entry));
        self.held = !self.held;
        self.order.push(entry as u32);
        if !self.held {
            self.order.extend(self.finders.drain(..).map(|finder| finder as u32));
        }
        Some(())
    }
}
