//! The strongly connected components of a graph, in one pass: Tarjan, *Depth-first search and linear graph algorithms*, SIAM
//! J. Comput. 1972, with a stack of its own instead of recursion.

/// A number that no node has.
pub(super) const NONE: u32 = u32::MAX;

/// Which component each node of a graph is in.
pub(super) struct Components {
    /// By node; components are numbered against the direction of the edges between them.
    pub of: Vec<u32>,
    /// How many nodes each has.
    pub sizes: Vec<u32>,
}

impl Components {
    /// Whether two nodes lie on one cycle.
    pub(super) fn together(&self, one: usize, other: usize) -> bool {
        self.of[one] == self.of[other]
    }

    /// Whether there is any cycle of several nodes.
    pub(super) fn any_cycle(&self) -> bool {
        self.sizes.iter().any(|size| *size > 1)
    }
}

/// The components of a graph of `nodes` nodes; `next` gives the successors of a node one after the other: it moves the cursor,
/// which begins at 0, past what it gives.
pub(super) fn components(nodes: usize, next: impl Fn(u32, &mut u32) -> Option<u32>) -> Components {
    // The least number that a node reaches; 0: not seen yet.
    let mut low = vec![0_u32; nodes];
    let mut of = vec![NONE; nodes];
    let (mut sizes, mut open, mut number) = (Vec::new(), Vec::new(), 0_u32);
    // Node, cursor, and the node's own number.
    let mut path: Vec<(u32, u32, u32)> = Vec::new();
    for root in 0..nodes as u32 {
        if low[root as usize] != 0 {
            continue;
        }
        let mut enter = Some(root);
        loop {
            if let Some(node) = enter.take() {
                number += 1;
                low[node as usize] = number;
                open.push(node);
                path.push((node, 0, number));
            }
            let Some((node, cursor, own)) = path.last_mut() else { break };
            let (node, own) = (*node as usize, *own);
            if let Some(to) = next(node as u32, cursor) {
                let to_low = low[to as usize];
                if to_low == 0 {
                    enter = Some(to);
                } else if of[to as usize] == NONE {
                    low[node] = low[node].min(to_low);
                }
                continue;
            }
            path.pop();
            let reached = low[node];
            if let Some((parent, ..)) = path.last() {
                let parent = *parent as usize;
                low[parent] = low[parent].min(reached);
            }
            if reached == own {
                let mut size = 0;
                while let Some(member) = open.pop() {
                    of[member as usize] = sizes.len() as u32;
                    size += 1;
                    if member as usize == node {
                        break;
                    }
                }
                sizes.push(size);
            }
        }
    }
    Components { of, sizes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_one_cycle_are_together() {
        let edges: [&[u32]; 6] = [&[1], &[2], &[0, 3], &[4], &[3], &[0]];
        let found = components(6, |node, cursor| {
            *cursor += 1;
            edges[node as usize].get(*cursor as usize - 1).copied()
        });
        assert!(found.together(0, 1) && found.together(1, 2) && found.together(3, 4));
        assert!(!found.together(2, 3) && !found.together(5, 0));
        assert_eq!(found.sizes, [2, 3, 1]);
        assert!(found.any_cycle());
    }
}
