//! The graph of dependencies between transactions. Real time, in which almost everything comes before almost everything, takes
//! a number of edges that is linear: a *barrier* stands wherever a transaction begins after others have ended. Who has ended
//! points to the barrier, barriers to the next one, and to what begins until then, which are neighbours by number.

use super::components::{Components, NONE, components};
use crate::isolation::Order;

/// A relation between two transactions: a set of them is a mask.
pub(super) type Mask = u8;
/// Wrote the next version of what the other one wrote.
pub(super) const WW: Mask = 1;
/// Read what the other one wrote.
pub(super) const WR: Mask = 2;
/// Wrote the next version of what the other one read.
pub(super) const RW: Mask = 4;
/// Came later in the same session.
pub(super) const PROCESS: Mask = 8;
/// Began when the other one had ended.
pub(super) const REAL_TIME: Mask = 16;

/// When transactions began and ended, and in which session. In the order of their beginnings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub process: u64,
    pub invoked_ns: u64,
    /// When it was known to be committed; `None`: never.
    pub committed_ns: Option<u64>,
    /// It certainly did not happen.
    pub failed: bool,
}

/// A dependency: from, to, and how.
pub(super) type Edge = (u32, u32, Mask);

/// The graph; its first nodes are the transactions, barriers follow.
pub(super) struct Graph {
    transactions: usize,
    starts: Vec<u32>,
    edges: Vec<(u32, Mask)>,
    /// The barrier behind each transaction.
    behind: Vec<u32>,
    /// The first transaction after each barrier.
    first: Vec<u32>,
    /// The next transaction of the same session.
    next_of_process: Vec<u32>,
    failed: Vec<bool>,
}

impl Graph {
    /// Of transactions in the order of their beginnings.
    pub(super) fn new(spans: &[Span], edges: &[Edge]) -> Graph {
        let count = spans.len();
        let mut starts = vec![0_u32; count + 1];
        for (from, ..) in edges {
            starts[*from as usize + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut at = starts.clone();
        let mut sorted = vec![(0, 0); edges.len()];
        for (from, to, mask) in edges {
            let place = &mut at[*from as usize];
            sorted[*place as usize] = (*to, *mask);
            *place += 1;
        }
        let (behind, first) = barriers(spans);
        let failed = spans.iter().map(|span| span.failed).collect();
        let next_of_process = sessions(spans);
        Graph { transactions: count, starts, edges: sorted, behind, first, next_of_process, failed }
    }

    /// How many dependencies by data there are.
    pub(super) fn dependencies(&self) -> usize {
        self.edges.len()
    }

    /// Whether any transaction comes before another one by an order beside that of the data.
    pub(super) fn any_order(&self, order: Order) -> bool {
        let real_time = order == Order::RealTime && !self.first.is_empty();
        real_time || self.next_of_process.iter().any(|next| *next != NONE)
    }

    /// How many nodes there are.
    fn nodes(&self) -> usize {
        self.transactions + self.first.len()
    }

    fn own(&self, node: usize) -> &[(u32, Mask)] {
        &self.edges[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// The edge at `cursor` out of `node`, which is moved past it.
    fn next(&self, node: u32, cursor: &mut u32) -> Option<(u32, Mask)> {
        let (node, at) = (node as usize, *cursor as usize);
        *cursor += 1;
        if let Some(barrier) = node.checked_sub(self.transactions) {
            let next = barrier + 1;
            let until = self.first.get(next).map_or(self.transactions as u32, |first| *first);
            let follower = self.first[barrier] + at as u32;
            if follower < until {
                return Some((follower, REAL_TIME));
            }
            let is_next = follower == until && next < self.first.len();
            return is_next.then_some(((self.transactions + next) as u32, REAL_TIME));
        }
        let own = self.own(node);
        match at.checked_sub(own.len()) {
            None => Some(own[at]),
            Some(0) if self.next_of_process[node] != NONE => Some((self.next_of_process[node], PROCESS)),
            Some(0 | 1) if self.behind[node] != NONE => {
                *cursor = own.len() as u32 + 2;
                Some((self.transactions as u32 + self.behind[node], REAL_TIME))
            }
            Some(_) => None,
        }
    }

    /// Everything that lies on cycles of whatever relations, piece by piece, the smallest pieces first.
    pub(super) fn tangles(&self) -> Vec<Tangle> {
        let all = components(self.nodes(), |node, cursor| self.next(node, cursor).map(|(to, _)| to));
        let mut members: Vec<(u32, Vec<u32>)> = Vec::new();
        let mut place = vec![NONE; all.sizes.len()];
        for (component, size) in all.sizes.iter().enumerate().filter(|(_, size)| **size > 1) {
            place[component] = members.len() as u32;
            members.push((*size, Vec::with_capacity(*size as usize)));
        }
        for (node, component) in all.of.iter().enumerate() {
            if let Some((_, members)) = members.get_mut(place[*component as usize] as usize) {
                members.push(node as u32);
            }
        }
        members.sort_by_key(|(size, members)| (*size, members.first().copied()));
        let mut local = vec![NONE; self.nodes()];
        members.into_iter().map(|(_, members)| self.tangle(members, &mut local)).collect()
    }

    fn tangle(&self, members: Vec<u32>, local: &mut [u32]) -> Tangle {
        for (at, member) in members.iter().enumerate() {
            local[*member as usize] = at as u32;
        }
        let (mut starts, mut edges) = (vec![0], Vec::new());
        for member in &members {
            let mut cursor = 0;
            while let Some((to, mask)) = self.next(*member, &mut cursor) {
                if local[to as usize] != NONE {
                    edges.push((local[to as usize], mask));
                }
            }
            starts.push(edges.len() as u32);
        }
        for member in &members {
            local[*member as usize] = NONE;
        }
        let transactions = members.iter().take_while(|member| (**member as usize) < self.transactions).count();
        let began = |member: &u32| match (*member as usize).checked_sub(self.transactions) {
            None => 2 * u64::from(*member) + 1,
            Some(barrier) => 2 * u64::from(self.first[barrier]),
        };
        let began = members.iter().map(began).collect();
        debug_assert!(members[..transactions].iter().all(|member| !self.failed[*member as usize]));
        Tangle { members, transactions, starts, edges, began }
    }
}

/// For each transaction the barrier behind it, and for each barrier the first transaction after it.
fn barriers(spans: &[Span]) -> (Vec<u32>, Vec<u32>) {
    let mut ends: Vec<(u64, u32)> = (0..).zip(spans).filter_map(|(at, span)| Some((span.committed_ns?, at))).collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let (mut behind, mut first) = (vec![NONE; spans.len()], Vec::new());
    for (at, span) in (0_u32..).zip(spans) {
        let barrier = first.len() as u32;
        let mut any = false;
        while let Some((_, ended)) = ends.next_if(|(at_ns, _)| *at_ns < span.invoked_ns) {
            behind[ended as usize] = barrier;
            any = true;
        }
        if any {
            first.push(at);
        }
    }
    (behind, first)
}

/// For each committed transaction the next one of its session that may have happened.
fn sessions(spans: &[Span]) -> Vec<u32> {
    let mut last = rustc_hash::FxHashMap::default();
    let mut next = vec![NONE; spans.len()];
    for (at, span) in (0_u32..).zip(spans).filter(|(_, span)| !span.failed) {
        if let Some(before) = last.insert(span.process, at) {
            let before: u32 = before;
            if spans[before as usize].committed_ns.is_some() {
                next[before as usize] = at;
            }
        }
    }
    next
}

/// A strongly connected component of the graph, with nodes of its own: first the transactions, then the barriers, each by time.
pub(super) struct Tangle {
    /// The nodes of the whole graph.
    members: Vec<u32>,
    /// How many of them are transactions.
    pub transactions: usize,
    starts: Vec<u32>,
    edges: Vec<(u32, Mask)>,
    /// Where each lies in time.
    pub began: Vec<u64>,
}

impl Tangle {
    /// How many nodes it has.
    pub(super) fn nodes(&self) -> usize {
        self.members.len()
    }

    /// The transaction that a node is.
    pub(super) fn transaction(&self, node: u32) -> u32 {
        self.members[node as usize]
    }

    /// The edges out of a node.
    pub(super) fn out(&self, node: u32) -> &[(u32, Mask)] {
        &self.edges[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// The components that the relations of `mask` alone make.
    pub(super) fn components(&self, mask: Mask) -> Components {
        components(self.nodes(), |node, cursor| {
            let out = self.out(node);
            while let Some((to, how)) = out.get(*cursor as usize) {
                *cursor += 1;
                if how & mask != 0 {
                    return Some(*to);
                }
            }
            None
        })
    }

    /// As [`Tangle::components`], with no two anti-dependencies one after the other: node 2v stands for v, and node 2v + 1 for v
    /// as it is reached by one.
    pub(super) fn nonadjacent(&self, mask: Mask) -> Components {
        components(2 * self.nodes(), |state, cursor| {
            let (node, after_rw) = (state / 2, state % 2 == 1);
            let out = self.out(node);
            while let Some((to, how)) = out.get(*cursor as usize) {
                *cursor += 1;
                match step(*how, mask, after_rw) {
                    Some(false) => return Some(2 * to),
                    Some(true) => return Some(2 * to + 1),
                    None => {}
                }
            }
            None
        })
    }
}

/// Whether an edge may be gone where no two anti-dependencies may follow each other; if so, whether it counts as one.
pub(super) fn step(how: Mask, mask: Mask, after_rw: bool) -> Option<bool> {
    if how & mask & !RW != 0 {
        return Some(false);
    }
    (how & RW != 0 && !after_rw).then_some(true)
}
