//! What is settled: the beginning of the order that all configurations share, as far as nothing can be put into it any
//! more. It can be replayed and forgotten, so that the trail follows the concurrency of a history and not its length.
//!
//! All configurations come from a last common node of the trail; what stands on the way to it they share, in one order.
//! A change is put at the end, just before some node, or just after one. So what comes before the first node of this
//! order that anything may refer to from now on is final: the boundaries (as long as something is free to be put there),
//! the nodes after which tokens are and after which the value at the end came, and whatever the nodes refer to that are
//! not shared. To put something *after* the last settled node is to put it at the beginning of what is left.

use super::frontier::Frontier;
use super::ops::NEVER;
use super::trail::{Node, NodeId, START, Where, Which};
use rustc_hash::FxHashSet;

/// What was settled.
pub(super) struct Settled {
    /// The changes with their moments, in order.
    pub changes: Vec<(Which, u32)>,
    /// Up to this moment no other change will come after them.
    pub until: u32,
    /// Operations that what is not settled holds.
    pub taken: FxHashSet<u32>,
}

/// No place in a list.
const NOWHERE: u32 = u32::MAX;

impl<const W: usize> Frontier<W> {
    /// Whether it is worth the while to settle something: more than `spare` nodes piled up.
    pub(super) fn is_full(&self, spare: usize) -> bool {
        self.trail.nodes.len() > 2 * self.trail.left + spare
    }

    /// Settles what can be, of the order of all configurations or, when the history is `over`, the whole order of one.
    pub(super) fn settle(&mut self, over: bool) -> Settled {
        if over {
            self.configs.truncate(1);
        }
        self.give_up();
        let shared = self.shared();
        let order = self.trail.list(&shared);
        let mut place = vec![NOWHERE; self.trail.nodes.len()];
        (0..).zip(&order).for_each(|(at, node)| place[*node as usize] = at);
        let settled = if over { order.len() } else { self.settled(&place).min(order.len()) };
        let changes = order[..settled].iter().map(|node| self.trail.nodes[*node as usize]);
        let changes = changes.map(|node| (node.which, node.moment)).collect();
        self.rebuild(&order[settled..], &place);
        let until = if over { NEVER } else { self.next_change() };
        let taken = self.trail.nodes.iter().filter_map(|node| match node.which {
            Which::This(index) => Some(index),
            Which::Some(_) => None,
        });
        Settled { changes, until, taken: taken.collect() }
    }

    /// The first moment at which there may be a change among those that are not settled: it is there already, or can be
    /// put at a token, at a boundary, or at the end.
    fn next_change(&self) -> u32 {
        let nodes = self.trail.nodes.iter().map(|node| node.moment);
        let tokens = self.configs.iter().flat_map(|config| config.tokens.iter().map(|token| token.moment));
        let boundaries = self.configs.iter().filter(|config| !config.free.is_empty());
        let boundaries = boundaries.map(|config| config.boundary_moment);
        nodes.chain(tokens).chain(boundaries).fold(self.now, u32::min)
    }

    /// The way to the last node that all configurations come from.
    fn shared(&self) -> Vec<NodeId> {
        let Some(first) = self.configs.first() else { return Vec::new() };
        let before = |node: &NodeId| Some(self.trail.nodes[*node as usize].before).filter(|node| *node != START);
        let way = |end: NodeId| std::iter::successors(Some(end).filter(|end| *end != START), before);
        let mut shared: Vec<NodeId> = way(first.trail).collect();
        shared.reverse();
        let mut place = vec![NOWHERE; self.trail.nodes.len()];
        (0..).zip(&shared).for_each(|(at, node)| place[*node as usize] = at);
        let common = self.configs.iter().map(|config| {
            let meets = way(config.trail).find(|node| place[*node as usize] != NOWHERE);
            meets.map_or(0, |node| place[node as usize] as usize + 1)
        });
        shared.truncate(common.min().unwrap_or(0));
        shared
    }

    /// How many nodes of the shared order, where each has its `place`, nothing refers to any more.
    fn settled(&self, place: &[u32]) -> usize {
        let at = |node: NodeId| place[node as usize];
        let after = |node: NodeId| if node == START { 0 } else { at(node).saturating_add(1) };
        let mut settled = NOWHERE;
        for config in &self.configs {
            if config.boundary != START && !config.free.is_empty() {
                settled = settled.min(at(config.boundary));
            }
            settled = settled.min(after(config.last));
            config.tokens.iter().for_each(|token| settled = settled.min(after(token.after)));
        }
        for (_, node) in self.trail.nodes.iter().enumerate().filter(|(id, _)| place[*id] == NOWHERE) {
            match node.place {
                Where::End => {}
                Where::After(last) => settled = settled.min(after(last)),
                Where::Before(next) => settled = settled.min(at(next)),
            }
        }
        settled as usize
    }

    /// Keeps of the shared order only `rest`, each at the end of the one before, and what is not shared.
    fn rebuild(&mut self, rest: &[NodeId], place: &[u32]) {
        let old = std::mem::take(&mut self.trail.nodes);
        let mut moved = vec![START; old.len()];
        let mut nodes: Vec<Node> = Vec::new();
        for node in rest {
            moved[*node as usize] = nodes.len() as NodeId;
            let before = (nodes.len() as NodeId).checked_sub(1).unwrap_or(START);
            nodes.push(Node { before, place: Where::End, ..old[*node as usize] });
        }
        let end = (nodes.len() as NodeId).checked_sub(1).unwrap_or(START);
        let is_shared = |node: NodeId| node != START && place[node as usize] != NOWHERE;
        for (id, node) in old.iter().enumerate().filter(|(id, _)| !is_shared(*id as NodeId)) {
            let to = |node: NodeId| if node == START { START } else { moved[node as usize] };
            let before = if is_shared(node.before) { end } else { to(node.before) };
            let place = match node.place {
                Where::End => Where::End,
                Where::After(last) => Where::After(to(last)),
                Where::Before(next) => Where::Before(to(next)),
            };
            let next = nodes.len() as NodeId;
            nodes.push(Node { before, place, ..*node });
            moved[id] = next;
        }
        for config in &mut self.configs {
            let trail = config.trail;
            config.moved(&moved);
            if is_shared(trail) {
                config.trail = end;
            }
        }
        self.trail.left = nodes.len();
        self.trail.nodes = nodes;
    }
}
