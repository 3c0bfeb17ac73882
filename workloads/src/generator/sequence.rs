//! A list of calls, each through a given node.

use super::{Context, FreeWorker, Generator, Happened, Invocation, Next};
use squall_results::Call;
use std::collections::VecDeque;

/// Makes each call of a list through its node, and makes it again when it was not answered, up to a number of tries.
/// Ends when every call was answered or given up.
#[derive(Clone)]
pub struct OnNodes {
    /// For each node: its calls, with the tries that are left.
    waiting: Vec<VecDeque<(Call, u32)>>,
    /// What each busy worker does: the node, and the tries that are left.
    open: Vec<(usize, usize, u32)>,
    turn: usize,
}

impl OnNodes {
    /// Each of `calls` through each of `nodes` nodes, with at most `tries` tries.
    pub fn every(nodes: usize, calls: &[Call], tries: u32) -> OnNodes {
        let queue: VecDeque<(Call, u32)> = calls.iter().map(|call| (call.clone(), tries)).collect();
        OnNodes { waiting: vec![queue; nodes], open: Vec::new(), turn: 0 }
    }

    fn pick<'a>(&self, context: &Context<'a>) -> Option<&'a FreeWorker> {
        let ready = |free: &&FreeWorker| self.waiting.get(free.node).is_some_and(|calls| !calls.is_empty());
        let (before, after) = context.free.split_at(context.free.partition_point(|free| free.worker < self.turn));
        after.iter().chain(before).find(ready)
    }
}

impl Generator for OnNodes {
    fn next(&mut self, context: &Context) -> Next {
        if let Some(free) = self.pick(context)
            && let Some((call, tries)) = self.waiting[free.node].pop_front()
        {
            self.turn = free.worker + 1;
            self.open.push((free.worker, free.node, tries));
            return Next::Invoke(Invocation { worker: free.worker, due_ns: context.now_ns, call });
        }
        let left = self.waiting.iter().any(|calls| !calls.is_empty());
        if left || !self.open.is_empty() { Next::Wait(None) } else { Next::Done }
    }

    fn update(&mut self, happened: &Happened) {
        let Happened::Returned { worker, call, outcome, .. } = happened else { return };
        let Some(position) = self.open.iter().position(|(open, ..)| open == worker) else { return };
        let (_, node, tries) = self.open.swap_remove(position);
        if !outcome.is_ok() && tries > 1 {
            self.waiting[node].push_back(((*call).clone(), tries - 1));
        }
    }
}
