//! A history judged event by event.

use squall_results::checker::linearizable::Linearizable;
use squall_results::model::Register;
use squall_results::{Budget, Operation, Validity};

/// When something happens to which operation, and whether it ends.
pub type Event = (u64, bool, usize);

/// The events in the order of time; what gets no answer ends when its client gives up.
pub fn events(operations: &[Operation]) -> Vec<Event> {
    const PATIENCE_NS: u64 = 5_000_000;
    let all = operations.iter().enumerate();
    let ends = all.map(|(at, operation)| {
        let end_ns = operation.returned_ns.unwrap_or(operation.invoked_ns + PATIENCE_NS);
        [(operation.invoked_ns, false, at), (end_ns, true, at)]
    });
    let mut events: Vec<Event> = ends.flatten().collect();
    events.sort_unstable();
    events
}

/// The verdict; on the way it tells how much was held.
pub fn judge(checker: &Linearizable<Register>, budget: Budget, operations: &[Operation], events: &[Event]) -> Validity {
    let mut online = checker.online(budget);
    let mut most_bytes = 0;
    for (at_ns, is_end, at) in events {
        let Operation { id, call, outcome, .. } = &operations[*at];
        let fed = if *is_end {
            online.end(*id, *at_ns, outcome.clone())
        } else {
            most_bytes = most_bytes.max(online.held_bytes());
            online.invoke(*id, *at_ns, call.clone())
        };
        fed.expect("the generator makes histories");
    }
    let state = online.state();
    println!("online: {state:?}, held {} kB at most", most_bytes >> 10);
    online.finish(|_| Vec::new()).validity
}
