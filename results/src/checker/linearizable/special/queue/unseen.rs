//! Which elements were taken by calls without an answer.

use super::super::{AT_LAST, Ruling};
use super::{Item, Queue};

impl Queue<'_> {
    /// Gives elements that must be gone before a later one is taken to the calls that may have taken them; see the module.
    pub(super) fn give_unseen(&mut self) -> Result<(), Ruling> {
        let mut due = self.due();
        due.sort_unstable_by_key(|due| (due.until_ns, due.item));
        for (number, Due { until_ns, item, .. }) in due.iter().enumerate() {
            let given = self.unseen.get(number).filter(|unseen| self.acts[**unseen].from_ns <= *until_ns);
            let Some(unseen) = given.copied() else { return Err(self.too_few(&due[..=number])) };
            let item = &mut self.items[*item];
            item.take = Some(unseen);
            item.unseen = true;
            item.take_from_ns = self.acts[unseen].from_ns.max(item.put_from_ns);
            item.take_until_ns = AT_LAST;
        }
        Ok(())
    }

    /// All elements that stay, though one is taken that was certainly put in later.
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
        staying.filter_map(due).collect()
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
