//! When a queue can have been empty.

use super::Item;

/// The instants at which some item is certainly in.
pub(super) struct Cover {
    /// From when to when each item is certainly in, both ends excluded, by their beginnings; with the item.
    certain: Vec<(u64, u64, usize)>,
    /// The same, put together where they overlap. Where one ends just when the next begins there is an instant between.
    together: Vec<(u64, u64)>,
}

impl Cover {
    pub fn new(items: &[Item]) -> Cover {
        let certain = items.iter().enumerate().map(|(at, item)| (item.put_until_ns, item.take_from_ns, at));
        let mut certain: Vec<(u64, u64, usize)> = certain.filter(|(from_ns, until_ns, _)| from_ns < until_ns).collect();
        certain.sort_unstable();
        let mut together: Vec<(u64, u64)> = Vec::new();
        for (from_ns, until_ns, _) in &certain {
            match together.last_mut() {
                Some((_, end_ns)) if from_ns < end_ns => *end_ns = (*end_ns).max(*until_ns),
                _ => together.push((*from_ns, *until_ns)),
            }
        }
        Cover { certain, together }
    }

    /// The first instant from `from_ns` to `until_ns`, both included, at which nothing is certainly in.
    ///
    /// That is `from_ns`, or the end of what covers it: the next cover begins there at the earliest, and does not cover
    /// its own beginning.
    pub fn gap(&self, from_ns: u64, until_ns: u64) -> Option<u64> {
        let after = self.together.partition_point(|(begin_ns, _)| *begin_ns < from_ns);
        let covering = after.checked_sub(1).map(|at| self.together[at].1).filter(|end_ns| *end_ns > from_ns);
        Some(covering.unwrap_or(from_ns)).filter(|at_ns| *at_ns <= until_ns)
    }

    /// As few items as possible that together are certainly in at every instant from `from_ns` to `until_ns`, where there
    /// is no gap.
    pub fn chain(&self, from_ns: u64, until_ns: u64) -> Vec<usize> {
        let (mut chain, mut at_ns, mut next) = (Vec::new(), from_ns, 0);
        while at_ns <= until_ns {
            let mut best: Option<(u64, usize)> = None;
            while let Some((_, end_ns, item)) = self.certain.get(next).filter(|(begin_ns, ..)| *begin_ns < at_ns) {
                best = best.max(Some((*end_ns, *item)));
                next += 1;
            }
            let Some((end_ns, item)) = best.filter(|(end_ns, _)| *end_ns > at_ns) else { break };
            chain.push(item);
            at_ns = end_ns;
        }
        chain
    }
}
