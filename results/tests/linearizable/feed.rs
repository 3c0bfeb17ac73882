//! Histories as events, one after the other.

use crate::twin::Random;
use squall_results::checker::online::Online;
use squall_results::model::Register;
use squall_results::{Operation, Verdict};

/// Something happens to the operation of this number, which is at this position.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Invoke(u64, usize),
    End(u64, usize),
}

impl Step {
    /// When.
    pub fn at_ns(&self, operations: &[Operation]) -> u64 {
        match self {
            Step::Invoke(_, at) => operations[*at].invoked_ns,
            Step::End(_, at) => operations[*at].returned_ns.unwrap(),
        }
    }
}

/// The events in the order of time, those of one instant in any order that is possible.
pub fn events(operations: &[Operation], random: &mut Random) -> Vec<Step> {
    let mut steps = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        let (one, other) = (random.below(1 << 20), random.below(1 << 20));
        steps.push((operation.invoked_ns, one.min(other), Step::Invoke(operation.id, at)));
        if let Some(returned_ns) = operation.returned_ns {
            steps.push((returned_ns, one.max(other), Step::End(operation.id, at)));
        }
    }
    steps.sort_by_key(|(at_ns, turn, _)| (*at_ns, *turn));
    steps.into_iter().map(|(.., step)| step).collect()
}

/// Feeds one event.
pub fn fed(online: &mut Online<Register>, step: &Step, operations: &[Operation]) {
    let at_ns = step.at_ns(operations);
    match step {
        Step::Invoke(id, at) => online.invoke(*id, at_ns, operations[*at].call.clone()),
        Step::End(id, at) => online.end(*id, at_ns, operations[*at].outcome.clone()),
    }
    .unwrap();
}

/// Feeds all events, and asks for no evidence.
pub fn verdict_alone(mut online: Online<Register>, events: &[Step], operations: &[Operation]) -> Verdict {
    events.iter().for_each(|step| fed(&mut online, step, operations));
    online.finish(|_| Vec::new())
}

/// Feeds all events, and gives the operations for the evidence.
pub fn verdict(mut online: Online<Register>, events: &[Step], operations: &[Operation]) -> Verdict {
    events.iter().for_each(|step| fed(&mut online, step, operations));
    online.finish(|_| {
        let mut by_invocation = operations.to_vec();
        by_invocation.sort_by_key(|operation| (operation.invoked_ns, operation.id));
        by_invocation
    })
}
