//! Which elements were taken by calls without an answer.

use super::super::{AT_LAST, NEVER, Ruling};
use super::{Item, Kind, Queue};

impl Queue<'_> {
    /// Gives elements that must be taken to the calls that may have taken them; see the module. `instants` are when the
    /// queue was empty, in order.
    pub(super) fn give_unseen(&mut self, kind: Kind, instants: &[(u64, usize)]) -> Result<(), Ruling> {
        let by_order = if kind == Kind::Fifo { self.due() } else { Vec::new() };
        if let Err(number) = self.match_up(&by_order) {
            return Err(self.too_few(&by_order[..=number]));
        }
        let mut deadlines: Vec<u64> = vec![NEVER; self.items.len()];
        by_order.iter().for_each(|due| deadlines[due.item] = due.until_ns);
        for (item, deadline) in self.items.iter().zip(&mut deadlines).filter(|(item, _)| item.take.is_none()) {
            let next = instants.partition_point(|(at_ns, _)| *at_ns <= item.put_until_ns);
            *deadline = instants.get(next).map_or(NEVER, |(at_ns, _)| *at_ns).min(*deadline);
        }
        let due = deadlines.into_iter().enumerate().filter(|(_, until_ns)| *until_ns < NEVER);
        let mut all: Vec<Due> = due.map(|(item, until_ns)| Due { until_ns, item, before: item }).collect();
        all.sort_unstable_by_key(|due| (due.until_ns, due.item));
        if self.match_up(&all).is_err() {
            return Err(Ruling::Open);
        }
        for (due, unseen) in all.iter().zip(&self.unseen) {
            let item = &mut self.items[due.item];
            item.take = Some(*unseen);
            item.unseen = true;
            item.take_from_ns = self.acts[*unseen].from_ns.max(item.put_from_ns);
            item.take_until_ns = AT_LAST;
        }
        Ok(())
    }

    /// Whether each of `due`, by deadline, finds a call that begins in time; or the first that does not.
    fn match_up(&self, due: &[Due]) -> Result<(), usize> {
        let in_time = |number: usize, due: &Due| {
            self.unseen.get(number).is_some_and(|unseen| self.acts[*unseen].from_ns <= due.until_ns)
        };
        match due.iter().enumerate().find(|(number, due)| !in_time(*number, due)) {
            Some((number, _)) => Err(number),
            None => Ok(()),
        }
    }

    /// All elements that stay, though one is taken that was certainly put in later; by deadline.
    fn due(&self) -> Vec<Due> {
        let mut taken: Vec<usize> = (0..self.items.len()).filter(|at| self.items[*at].take.is_some()).collect();
        taken.sort_unstable_by_key(|at| self.items[*at].put_from_ns);
        // From each on, the one whose take ends first.
        let mut first = taken.clone();
        for at in (1..first.len()).rev() {
            let [one, other] = [first[at - 1], first[at]];
            first[at - 1] = if self.items[other].take_until_ns < self.items[one].take_until_ns { other } else { one };
        }
        let staying = self.items.iter().enumerate().filter(|(_, item)| item.take.is_none());
        let due = |(item, staying): (usize, &Item)| {
            let later = taken.partition_point(|at| self.items[*at].put_from_ns <= staying.put_until_ns);
            let before = *first.get(later)?;
            Some(Due { until_ns: self.items[before].take_until_ns, item, before })
        };
        let mut due: Vec<Due> = staying.filter_map(due).collect();
        due.sort_unstable_by_key(|due| (due.until_ns, due.item));
        due
    }

    /// More elements are due than there are calls that may have taken them.
    fn too_few(&self, due: &[Due]) -> Ruling {
        let until_ns = due.last().map_or(0, |due| due.until_ns);
        let in_time = self.unseen.iter().copied().filter(|unseen| self.acts[*unseen].from_ns <= until_ns);
        let items = due.iter().flat_map(|due| [due.item, due.before]);
        let core = items.flat_map(|item| self.items[item].entries()).chain(in_time).collect();
        self.no_order_of(core)
    }
}

/// An element that has to be taken by somebody.
struct Due {
    /// By when at the latest.
    until_ns: u64,
    item: usize,
    /// The element that is taken then.
    before: usize,
}
