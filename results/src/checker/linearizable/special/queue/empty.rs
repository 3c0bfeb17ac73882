//! When a queue can have been empty.

use super::super::NEVER;
use super::Queue;

/// The instants at which a queue certainly was not empty.
pub(super) struct Cover {
    /// From when to when, both ends excluded, by their beginnings; and why.
    certain: Vec<(u64, u64, Why)>,
    /// The same, put together where they overlap. Where one ends just when the next begins there is an instant between.
    together: Vec<(u64, u64)>,
}

/// Why a queue certainly was not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// This item was in.
    Item(usize),
    /// Of the items that nobody was seen to take more were in than calls had begun that may have taken them.
    Crowd,
}

impl Cover {
    pub fn new(queue: &Queue) -> Cover {
        let taken = queue.items.iter().enumerate().filter(|(_, item)| item.take.is_some());
        let items = taken.map(|(at, item)| (item.put_until_ns, item.take_from_ns, Why::Item(at)));
        let crowds = crowds(queue).into_iter().map(|(from_ns, until_ns)| (from_ns, until_ns, Why::Crowd));
        let all = items.filter(|(from_ns, until_ns, _)| from_ns < until_ns).chain(crowds);
        let mut certain: Vec<(u64, u64, Why)> = all.collect();
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

    /// As few reasons as possible that together hold at every instant from `from_ns` to `until_ns`, where there is no gap;
    /// each with its end.
    pub fn chain(&self, from_ns: u64, until_ns: u64) -> Vec<(Why, u64)> {
        let (mut chain, mut at_ns, mut next) = (Vec::new(), from_ns, 0);
        let mut best: Option<(u64, Why)> = None;
        while at_ns <= until_ns {
            while let Some((_, end_ns, why)) = self.certain.get(next).filter(|(begin_ns, ..)| *begin_ns < at_ns) {
                best = best.max(Some((*end_ns, *why)));
                next += 1;
            }
            let Some((end_ns, why)) = best.filter(|(end_ns, _)| *end_ns > at_ns) else { break };
            chain.push((why, end_ns));
            at_ns = end_ns;
        }
        chain
    }
}

/// From when to when, both ends excluded, of the items that nobody was seen to take more are certainly put in than calls
/// have begun that may have taken them.
fn crowds(queue: &Queue) -> Vec<(u64, u64)> {
    let staying = queue.items.iter().filter(|item| item.take.is_none());
    let mut put_ns: Vec<u64> = staying.map(|item| item.put_until_ns).collect();
    put_ns.sort_unstable();
    let (mut crowds, mut put, mut unseen): (Vec<(u64, u64)>, _, _) = (Vec::new(), 0, 0);
    while let Some(from_ns) = put_ns.get(put) {
        // A call that begins now may take what is in now.
        let begun_by = |unseen: &usize| queue.acts[*unseen].from_ns <= *from_ns;
        unseen += queue.unseen[unseen..].iter().take_while(|one| begun_by(one)).count();
        put += 1;
        if put <= unseen {
            continue;
        }
        // Until there are as many calls as items.
        let until_ns = loop {
            let Some(next) = queue.unseen.get(unseen) else { break NEVER };
            let next_ns = queue.acts[*next].from_ns;
            put += put_ns[put..].iter().take_while(|put_ns| **put_ns < next_ns).count();
            unseen += 1;
            if put <= unseen {
                break next_ns;
            }
        };
        crowds.push((*from_ns, until_ns));
        if until_ns == NEVER {
            break;
        }
    }
    crowds
}
