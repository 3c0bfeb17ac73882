//! Which classes of cycles a graph has, and for each a short witness.
//!
//! Whether a class exists that decides about a level is found by passes that are linear in the graph: a cycle of some
//! relations exists where their graph alone has a component of several transactions, and one without two neighbouring
//! anti-dependencies where the graph has one whose nodes remember how they were reached. Witnesses are then looked for between
//! nodes of which it is known that there are any. Only a cycle with a single anti-dependency has to be looked for without
//! that knowledge, and its search is bounded: where it ends in vain, G-nonadjacent stands in its place, which rules out the
//! same levels.

use super::components::Components;
use super::graph::{Graph, Mask, PROCESS, REAL_TIME, RW, Tangle, WR, WW, step};
use super::kind::{Class, Kind};
use crate::isolation::Order;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// From how many edges a shortest way back is looked for in one component.
const TRIES: usize = 64;

/// How many edges the search for a cycle with a single anti-dependency may look at, in one component.
const SINGLE_STEPS: u64 = 50_000_000;

/// From how many components witnesses of one kind are taken.
const TANGLES_OF_KIND: usize = 200;

/// Transactions each of which depends on the one before it, and the first on the last: with how it comes before the next one.
pub(super) type Cycle = Vec<(u32, Mask)>;

/// What cycles there are.
#[derive(Default)]
pub(super) struct Cycles {
    /// For each kind the shortest that was found.
    pub shortest: BTreeMap<Kind, Cycle>,
    /// How many components have cycles, and how many transactions the largest has.
    pub tangles: usize,
    pub largest: usize,
}

/// All that the graph has.
pub(super) fn find(graph: &Graph) -> Cycles {
    let mut found = Cycles::default();
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    let tangles = graph.tangles();
    found.tangles = tangles.len();
    for tangle in &tangles {
        found.largest = found.largest.max(tangle.transactions);
        for order in Order::ALL {
            Search { tangle, order, counts: &mut counts, found: &mut found.shortest }.all();
        }
    }
    found
}

/// The relations of an order.
fn beside(order: Order) -> Mask {
    match order {
        Order::Data => 0,
        Order::Session => PROCESS,
        Order::RealTime => PROCESS | REAL_TIME,
    }
}

struct Search<'a> {
    tangle: &'a Tangle,
    order: Order,
    counts: &'a mut BTreeMap<Kind, usize>,
    found: &'a mut BTreeMap<Kind, Cycle>,
}

impl Search<'_> {
    fn all(&mut self) {
        let beside = beside(self.order);
        let everything = self.tangle.components(WW | WR | RW | beside);
        if !everything.any_cycle() {
            return;
        }
        let writes = self.tangle.components(WW | beside);
        if writes.any_cycle() {
            self.shortest(Class::G0, WW, WW | beside, |from, to| writes.together(from, to));
        }
        let committed = self.tangle.components(WW | WR | beside);
        if committed.any_cycle() {
            self.shortest(Class::G1c, WR, WW | WR | beside, |from, to| committed.together(from, to));
        }
        let nonadjacent = self.tangle.nonadjacent(WW | WR | RW | beside);
        if nonadjacent.any_cycle() {
            self.single(&committed, WW | WR | beside);
            self.shortest(Class::GNonadjacent, RW, WW | WR | RW | beside, |from, to| {
                nonadjacent.together(2 * from, 2 * to + 1)
            });
        }
        self.shortest(Class::G2, RW, WW | WR | RW | beside, |from, to| everything.together(from, to));
    }

    /// Whether enough is known of this kind.
    fn is_enough(&self, class: Class) -> bool {
        self.counts.get(&Kind::Cycle(class, self.order)).is_some_and(|count| *count >= TANGLES_OF_KIND)
    }

    /// The edges of a relation, the shortest in time first.
    fn edges(&self, special: Mask, wanted: impl Fn(usize, usize) -> bool) -> Vec<(u64, u32, u32)> {
        let mut edges = Vec::new();
        for from in 0..self.tangle.transactions as u32 {
            for (to, how) in self.tangle.out(from) {
                if how & special != 0 && wanted(from as usize, *to as usize) {
                    let [one, other] = [from, *to].map(|node| self.tangle.began[node as usize]);
                    edges.push((one.abs_diff(other), from, *to));
                }
            }
        }
        if edges.len() > TRIES && special != RW {
            edges.select_nth_unstable(TRIES);
            edges.truncate(TRIES);
        }
        edges.sort_unstable();
        edges
    }

    /// The shortest cycle that goes over an edge of `special` and else over `mask`.
    fn shortest(&mut self, class: Class, special: Mask, mask: Mask, wanted: impl Fn(usize, usize) -> bool) {
        if self.is_enough(class) {
            return;
        }
        let mut best: Option<Cycle> = None;
        let mut walk = Walk::new(self.tangle, mask, class == Class::GNonadjacent);
        for (_, from, to) in self.edges(special, wanted).into_iter().take(TRIES) {
            let most = best.as_ref().map_or(usize::MAX, |best| best.len() - 1);
            let back = walk.back((from, to, special), most, |_| true);
            best = back.or(best);
        }
        self.note(class, best);
    }

    /// A cycle with a single anti-dependency: an edge that leads back in the order of all the rest, or stays where it is.
    fn single(&mut self, committed: &Components, mask: Mask) {
        if self.is_enough(Class::GSingle) {
            return;
        }
        let ranks = ranks(self.tangle, committed, mask);
        let rank = |node: u32| ranks[committed.of[node as usize] as usize];
        let mut edges = self.edges(RW, |from, to| rank(to as u32) <= rank(from as u32));
        edges.sort_by_key(|(_, from, to)| rank(*from) - rank(*to));
        let mut best: Option<Cycle> = None;
        let mut walk = Walk::new(self.tangle, mask, false);
        let mut tries = 0;
        for (_, from, to) in edges {
            if tries == TRIES || walk.steps > SINGLE_STEPS {
                break;
            }
            let most = best.as_ref().map_or(usize::MAX, |best| best.len() - 1);
            let between = rank(to)..=rank(from);
            best = walk.back((from, to, RW), most, |node| between.contains(&rank(node))).or(best);
            tries += usize::from(best.is_some());
        }
        self.note(Class::GSingle, best);
    }

    /// Notes a cycle under what it is, which may be worse than what was looked for.
    fn note(&mut self, class: Class, cycle: Option<Cycle>) {
        let Some(cycle) = cycle else { return };
        *self.counts.entry(Kind::Cycle(class, self.order)).or_default() += 1;
        let kind = kind_of(&cycle);
        let shortest = self.found.entry(kind).or_insert_with(|| cycle.clone());
        if cycle.len() < shortest.len() {
            *shortest = cycle;
        }
    }
}

/// What a cycle is.
pub(super) fn kind_of(cycle: &Cycle) -> Kind {
    let is_rw = |at: usize| cycle[at % cycle.len()].1 == RW;
    let has = |mask: Mask| cycle.iter().any(|(_, how)| how & mask != 0);
    let class = match cycle.iter().filter(|(_, how)| *how == RW).count() {
        0 if has(WR) => Class::G1c,
        0 => Class::G0,
        1 => Class::GSingle,
        _ if (0..cycle.len()).any(|at| is_rw(at) && is_rw(at + 1)) => Class::G2,
        _ => Class::GNonadjacent,
    };
    let order = match (has(REAL_TIME), has(PROCESS)) {
        (true, _) => Order::RealTime,
        (false, true) => Order::Session,
        (false, false) => Order::Data,
    };
    Kind::Cycle(class, order)
}

/// The place of each component in an order in which all edges lead upwards, as near to time as that goes: so what lies
/// between two components is little.
fn ranks(tangle: &Tangle, parts: &Components, mask: Mask) -> Vec<u32> {
    let count = parts.sizes.len();
    let (mut before, mut began) = (vec![0_u32; count], vec![u64::MAX; count]);
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); count];
    let leaving = |node: u32| {
        let own = parts.of[node as usize];
        let out = tangle.out(node).iter().filter(move |(_, how)| how & mask != 0);
        out.map(|(to, _)| parts.of[*to as usize]).filter(move |part| *part != own)
    };
    for node in 0..tangle.nodes() as u32 {
        let part = parts.of[node as usize] as usize;
        began[part] = began[part].min(tangle.began[node as usize]);
        members[part].push(node);
        leaving(node).for_each(|to| before[to as usize] += 1);
    }
    let mut ready: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    ready.extend(
        (0..count as u32).filter(|part| before[*part as usize] == 0).map(|part| Reverse((began[part as usize], part))),
    );
    let (mut ranks, mut rank) = (vec![0; count], 0);
    while let Some(Reverse((_, part))) = ready.pop() {
        ranks[part as usize] = rank;
        rank += 1;
        for node in &members[part as usize] {
            for to in leaving(*node) {
                before[to as usize] -= 1;
                if before[to as usize] == 0 {
                    ready.push(Reverse((began[to as usize], to)));
                }
            }
        }
    }
    ranks
}

/// Breadth-first search, again and again in the same component.
struct Walk<'a> {
    tangle: &'a Tangle,
    mask: Mask,
    /// No two anti-dependencies may follow each other.
    nonadjacent: bool,
    /// In which search a state was last seen, and from which state. A state is twice a node, and one more where it was
    /// reached by an anti-dependency and that matters.
    seen: Vec<(u32, u32)>,
    round: u32,
    steps: u64,
}

impl<'a> Walk<'a> {
    fn new(tangle: &'a Tangle, mask: Mask, nonadjacent: bool) -> Walk<'a> {
        Walk { tangle, mask, nonadjacent, seen: vec![(0, 0); 2 * tangle.nodes()], round: 0, steps: 0 }
    }

    /// The shortest cycle of at most `most` transactions that goes over the edge, and else over nodes that are `wanted`.
    fn back(
        &mut self,
        (from, to, special): (u32, u32, Mask),
        most: usize,
        wanted: impl Fn(u32) -> bool,
    ) -> Option<Cycle> {
        self.round += 1;
        let round = self.round;
        let first = 2 * to + u32::from(self.nonadjacent);
        self.seen[first as usize] = (round, first);
        let mut queue = VecDeque::from([(first, 2_usize)]);
        while let Some((state, length)) = queue.pop_front() {
            let (node, after_rw) = (state / 2, self.nonadjacent && state % 2 == 1);
            if node == from && !after_rw {
                return Some(self.cycle(first, state, special));
            }
            if length > most {
                continue;
            }
            for (next, how) in self.tangle.out(node) {
                self.steps += 1;
                let goes = if self.nonadjacent {
                    step(*how, self.mask, after_rw)
                } else {
                    (how & self.mask != 0).then_some(false)
                };
                let Some(by_rw) = goes.filter(|_| wanted(*next)) else { continue };
                let state_of_next = 2 * next + u32::from(by_rw);
                let seen = &mut self.seen[state_of_next as usize];
                if seen.0 != round {
                    *seen = (round, state);
                    // A barrier is no transaction.
                    if *next as usize >= self.tangle.transactions {
                        queue.push_front((state_of_next, length));
                    } else {
                        queue.push_back((state_of_next, length + 1));
                    }
                }
            }
        }
        None
    }

    /// The cycle whose way back from `first` ended in `last`.
    fn cycle(&self, first: u32, last: u32, special: Mask) -> Cycle {
        let mut way = vec![last];
        while way[way.len() - 1] != first {
            way.push(self.seen[way[way.len() - 1] as usize].1);
        }
        way.reverse();
        // Where a node is there twice, what lies between is a cycle of its own: it was reached by an anti-dependency at first,
        // and not so later.
        let mut place = rustc_hash::FxHashMap::default();
        let repeated = way.iter().enumerate().find_map(|(at, state)| Some((place.insert(state / 2, at)?, at)));
        let (nodes, closing): (Vec<u32>, Option<Mask>) = match repeated {
            Some((begins, ends)) => (way[begins..ends].iter().map(|state| state / 2).collect(), None),
            None => (way.iter().map(|state| state / 2).collect(), Some(special)),
        };
        self.told(&nodes, closing)
    }

    /// The nodes as transactions, with what leads from one to the next; `closing`: what leads from the last to the first.
    fn told(&self, nodes: &[u32], closing: Option<Mask>) -> Cycle {
        let is_barrier = |node: u32| node as usize >= self.tangle.transactions;
        let mut cycle = Cycle::new();
        // Cycles begin with a transaction, since what follows a special edge is one.
        for (at, node) in nodes.iter().enumerate().filter(|(_, node)| !is_barrier(**node)) {
            let next = nodes[(at + 1) % nodes.len()];
            let how = match closing.filter(|_| at + 1 == nodes.len()) {
                Some(closing) => closing,
                None if is_barrier(next) => REAL_TIME,
                None => self.plainest(*node, next),
            };
            cycle.push((self.tangle.transaction(*node), how));
        }
        cycle
    }

    /// Of all relations by which one node comes before the next, that which makes the worst cycle.
    fn plainest(&self, node: u32, next: u32) -> Mask {
        let edges = self.tangle.out(node).iter().filter(|(to, _)| *to == next);
        let all = edges.fold(0, |all, (_, how)| all | how) & self.mask;
        [WW, WR, PROCESS, REAL_TIME, RW].into_iter().find(|one| all & one != 0).unwrap_or(RW)
    }
}
