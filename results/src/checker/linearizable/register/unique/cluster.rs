//! Clusters: values that were swapped for each other, with their zones and their places in an order.

use super::{NONE, Zones};
use crate::checker::linearizable::register::ops::{Kind, NEVER, Op, START_VALUE, ValueId};
use crate::checker::linearizable::register::order::Placed;

/// Values that stand together in any legal order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cluster {
    /// Its first value.
    start: ValueId,
    /// Its first return, `f`. The value before the first write is there from the beginning.
    first_return: u32,
    /// Its last invocation, `g`.
    last_invocation: u32,
    /// By when it is certain that something invoked at `last_invocation` took effect.
    last_certain: u32,
    /// The moment at which all of it happens, if its zone is backward.
    at: u32,
}

impl Cluster {
    fn is_forward(&self) -> bool {
        self.first_return < self.last_invocation
    }

    /// By when its zone is certain.
    fn certain(&self) -> u32 {
        self.last_certain.max(self.first_return)
    }
}

/// The latest invocation on the way along a chain, and by when it is certain.
#[derive(Clone, Copy)]
struct Latest {
    invocation: u32,
    certain: u32,
}

impl Latest {
    fn add(&mut self, invocation: u32, certain: u32) {
        if invocation > self.invocation {
            *self = Latest { invocation, certain };
        }
    }
}

impl Zones<'_> {
    /// Follows every chain of swaps.
    pub(super) fn clusters(&mut self) -> Vec<Cluster> {
        let takes_effect = |op: &&Op| !op.observes() && self.certain(op) != NEVER;
        let mut left = self.ops.all.iter().filter(takes_effect).count();
        let mut clusters = Vec::new();
        left -= self.follow(START_VALUE, &mut clusters);
        for index in 0..self.ops.all.len() {
            let op = self.ops.all[index];
            if op.kind == Kind::Write && self.certain(&op) != NEVER {
                left -= self.follow(op.to, &mut clusters);
            }
        }
        if left > 0 {
            // Swaps in a circle: nothing leads to them.
            let certain = self.ops.all.iter().filter(|op| !op.observes()).map(|op| self.certain(op));
            let last = certain.filter(|certain| *certain != NEVER).max();
            self.contradiction(last.unwrap_or(NONE));
        }
        clusters
    }

    /// Follows the chain from `start`, and says how many changes it has.
    fn follow(&mut self, start: ValueId, clusters: &mut Vec<Cluster>) -> usize {
        let (mut value, mut changes) = (start, 0);
        let mut latest = Latest { invocation: 0, certain: 0 };
        let mut first_return = if start == START_VALUE { 0 } else { NEVER };
        loop {
            let known = self.known[value as usize];
            if value != START_VALUE {
                let op = *self.op(known.writer);
                self.returns_after(op.ret, latest);
                latest.add(op.inv, self.certain(&op));
                first_return = first_return.min(op.ret);
                changes += 1;
            }
            if known.first_return != NEVER {
                self.returns_after(known.first_return, latest);
                latest.add(known.last_invocation, known.last_returned);
                first_return = first_return.min(known.first_return);
            }
            if known.next == NONE {
                break;
            }
            value = known.next;
        }
        let Latest { invocation: last_invocation, certain: last_certain } = latest;
        clusters.push(Cluster { start, first_return, last_invocation, last_certain, at: 0 });
        changes
    }

    /// What comes later in the chain must not have returned before the latest invocation so far.
    fn returns_after(&mut self, ret: u32, latest: Latest) {
        if ret < latest.invocation {
            self.contradiction(ret.max(latest.certain));
        }
    }

    /// Checks the zones against each other, and finds a moment for each backward one. Afterwards the forward clusters
    /// come first, by time.
    pub(super) fn place(&mut self, clusters: &mut [Cluster]) {
        clusters.sort_unstable_by_key(|cluster| (!cluster.is_forward(), cluster.first_return));
        let (forward, backward) = clusters.split_at_mut(clusters.partition_point(Cluster::is_forward));
        for pair in forward.windows(2) {
            if pair[0].last_invocation > pair[1].first_return {
                self.contradiction(pair[0].certain().max(pair[1].certain()));
            }
        }
        let mut before = 0;
        for cluster in backward {
            cluster.at = cluster.last_invocation;
            before = partition_near(forward, before, |forward| forward.first_return < cluster.last_invocation);
            let Some(around) = before.checked_sub(1).map(|at| forward[at]) else { continue };
            if around.last_invocation > cluster.first_return {
                self.contradiction(around.certain().max(cluster.certain()));
            }
            // A zone that begins inside a forward one and reaches out of it happens just when that one is over.
            cluster.at = cluster.at.max(around.last_invocation);
        }
    }

    /// The order of all changes: a forward cluster from its first return to its last invocation, each operation as early
    /// as those before it allow, a backward one all at its moment. At one moment a forward cluster comes first: the
    /// backward ones there wait for its end.
    ///
    /// Each moment lies between invocation and return. In a backward cluster because it lies between `g` and `f`. In a
    /// forward one it is the latest invocation up to the operation, or `f` if that is later: no operation of the cluster
    /// returns before `f`, and none before an invocation that comes earlier in the chain.
    pub(super) fn changes(&self, clusters: &[Cluster]) -> Vec<Placed> {
        let mut placed: Vec<Placed> = Vec::with_capacity(self.known.len());
        for cluster in clusters {
            let (mut value, mut latest) = (cluster.start, 0);
            loop {
                let known = self.known[value as usize];
                if value != START_VALUE {
                    latest = latest.max(self.op(known.writer).inv);
                    let moment = if cluster.is_forward() { latest.max(cluster.first_return) } else { cluster.at };
                    placed.push(Placed { op: known.writer, moment });
                }
                latest = latest.max(known.last_invocation);
                if known.next == NONE {
                    break;
                }
                value = known.next;
            }
        }
        // The forward ones come by time already, and before others of their moment.
        placed.sort_by_key(|placed| placed.moment);
        placed
    }
}

/// As [`partition_point`](slice::partition_point), looked for near `from`, where it mostly is.
fn partition_near<T>(all: &[T], from: usize, is_before: impl Fn(&T) -> bool) -> usize {
    let (mut low, mut high) = (from, from);
    let mut step = 1;
    while low > 0 && !is_before(&all[low - 1]) {
        high = low - 1;
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 1;
    while high < all.len() && is_before(&all[high]) {
        low = high + 1;
        high = (high + step).min(all.len());
        step *= 2;
    }
    low + all[low..high].partition_point(is_before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_nearby_is_found_from_anywhere() {
        for (count, place) in (0..20).flat_map(|count| (0..=count).map(move |place| (count, place))) {
            let all: Vec<usize> = (0..count).collect();
            for from in 0..=count {
                assert_eq!(partition_near(&all, from, |at| *at < place), place, "{count} from {from}");
            }
        }
    }
}
