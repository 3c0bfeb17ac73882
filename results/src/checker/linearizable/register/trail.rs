//! How each configuration came to be: the changes that it placed, as links from each to the one before.

use super::ops::{Kind, Op, Ops, START_VALUE, ValueId};
use super::order::Placed;
use crate::checker::linearizable::table::ClassId;
use rustc_hash::FxHashMap;

/// The place of a change in the trail.
pub(super) type NodeId = u32;

/// No change: the beginning of the history.
pub(super) const START: NodeId = NodeId::MAX;

/// Which operation was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// This one, by index.
    This(u32),
    /// Some operation of a class that never returned.
    Some(ClassId),
}

/// Where it was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// At the end.
    End,
    /// Just after an earlier change, or [`START`].
    After(NodeId),
    /// Just before an earlier change.
    Before(NodeId),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub before: NodeId,
    pub which: Which,
    pub place: Where,
    pub moment: u32,
}

/// All that was placed, in all configurations.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    pub nodes: Vec<Node>,
    /// How many nodes were left when nodes were last given up.
    pub left: usize,
}

/// How many nodes may pile up before the trail looks for some to give up.
const PILE: usize = 1 << 16;

impl Trail {
    /// What `before` placed, and then one more.
    pub fn push(&mut self, before: NodeId, which: Which, place: Where, moment: u32) -> NodeId {
        self.nodes.push(Node { before, which, place, moment });
        (self.nodes.len() - 1) as NodeId
    }

    /// How many bytes the trail holds.
    pub fn held_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }

    /// Whether it is worth the while to give up what leads nowhere.
    pub fn is_full(&self) -> bool {
        self.nodes.len() > 2 * self.left + PILE
    }

    /// Gives up all nodes that do not lead to any of `ends`. Returns the new place of each that is left.
    ///
    /// A change was placed at the end, or beside another one of the same configuration, so what a node refers to is
    /// always on the way to it.
    pub fn give_up(&mut self, ends: impl Iterator<Item = NodeId>) -> Vec<NodeId> {
        let mut moved = vec![START; self.nodes.len()];
        for mut at in ends {
            while at != START && moved[at as usize] == START {
                moved[at as usize] = 0;
                at = self.nodes[at as usize].before;
            }
        }
        let mut next = 0;
        for place in moved.iter_mut().filter(|place| **place != START) {
            *place = next;
            next += 1;
        }
        let to = |node: NodeId| if node == START { START } else { moved[node as usize] };
        for (at, new) in moved.iter().enumerate().filter(|(_, new)| **new != START) {
            let node = self.nodes[at];
            let place = match node.place {
                Where::End => Where::End,
                Where::After(node) => Where::After(to(node)),
                Where::Before(node) => Where::Before(to(node)),
            };
            self.nodes[*new as usize] = Node { before: to(node.before), place, ..node };
        }
        self.nodes.truncate(next as usize);
        self.left = next as usize;
        moved
    }

    /// The changes of the configuration at `end`, in order. `class_of` names the class of an operation that never
    /// returned, as it is named in the trail.
    pub fn changes(&self, end: NodeId, ops: &Ops, class_of: impl Fn(&Op) -> Option<ClassId>) -> Option<Vec<Placed>> {
        let mut way: Vec<NodeId> = Vec::new();
        let mut at = end;
        while at != START {
            way.push(at);
            at = self.nodes[at as usize].before;
        }
        way.reverse();
        let named = self.named(&way, ops, class_of)?;
        let in_order = self.list(&way).into_iter();
        in_order
            .map(|node| Some(Placed { op: named[node as usize], moment: self.nodes[node as usize].moment }))
            .collect()
    }

    /// The nodes of `way` in the order of their changes.
    pub fn list(&self, way: &[NodeId]) -> Vec<NodeId> {
        let mut list = List::new(self.nodes.len());
        for node in way {
            match self.nodes[*node as usize].place {
                Where::End => list.insert_before(*node, START),
                Where::Before(next) => list.insert_before(*node, next),
                Where::After(last) => list.insert_before(*node, list.next(last)),
            }
        }
        let node_ids = std::iter::successors(Some(list.next(START)), |node| Some(list.next(*node)));
        node_ids.take_while(|node| *node != START).collect()
    }

    /// Which operation each node of `way` stands for. Those of a class are given out by time: whatever was invoked early
    /// enough for a moment was so for every later one.
    fn named(&self, way: &[NodeId], ops: &Ops, class_of: impl Fn(&Op) -> Option<ClassId>) -> Option<Vec<u32>> {
        let mut named: Vec<u32> = vec![0; self.nodes.len()];
        let mut open: Vec<(u32, NodeId, ClassId)> = Vec::new();
        for node in way {
            match self.nodes[*node as usize].which {
                Which::This(op) => named[*node as usize] = op,
                Which::Some(class) => open.push((self.nodes[*node as usize].moment, *node, class)),
            }
        }
        if open.is_empty() {
            return Some(named);
        }
        let mut taken = vec![false; ops.all.len()];
        for node in way {
            if let Which::This(op) = self.nodes[*node as usize].which {
                taken[op as usize] = true;
            }
        }
        let mut of_class: FxHashMap<ClassId, Vec<u32>> = FxHashMap::default();
        for (index, op) in ops.all.iter().enumerate().rev().filter(|(_, op)| !op.must()) {
            if let Some(class) = class_of(op).filter(|_| !taken[index]) {
                of_class.entry(class).or_default().push(index as u32);
            }
        }
        open.sort_unstable();
        for (_, node, class) in open {
            named[node as usize] = of_class.get_mut(&class)?.pop()?;
        }
        Some(named)
    }
}

/// A ring of nodes through [`START`].
struct List {
    next: Vec<NodeId>,
    last: Vec<NodeId>,
}

impl List {
    fn new(nodes: usize) -> List {
        List { next: vec![START; nodes + 1], last: vec![START; nodes + 1] }
    }

    fn at(&self, node: NodeId) -> usize {
        if node == START { self.next.len() - 1 } else { node as usize }
    }

    fn next(&self, node: NodeId) -> NodeId {
        self.next[self.at(node)]
    }

    fn insert_before(&mut self, node: NodeId, next: NodeId) {
        let (at, to) = (self.at(node), self.at(next));
        let last = self.last[to];
        let from = self.at(last);
        self.next[from] = node;
        self.last[to] = node;
        (self.next[at], self.last[at]) = (next, last);
    }
}

/// What an operation without a return is called in classes.
pub(super) type Likeness = (bool, ValueId, ValueId);

/// Operations that never returned are alike if they do the same.
pub(super) fn likeness(op: &Op) -> Likeness {
    (op.kind == Kind::Swap, if op.kind == Kind::Swap { op.from } else { START_VALUE }, op.to)
}
