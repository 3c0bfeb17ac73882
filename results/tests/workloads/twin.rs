//! The brute-force twin: every order of the operations, straight from the definitions.

use squall_results::{Operation, Outcome, Promise};

/// What a correct object does: the state after an operation, or `None` where the answer is wrong.
pub type Apply<S> = fn(&Operation, &S) -> Option<S>;

/// Whether some of the operations without an answer, and all with one, stand in a total order that is legal from `start`
/// and keeps the order of the promise: that of time, or that of each process. `also` keeps more pairs in order.
pub fn is_legal<S: Clone>(
    operations: &[Operation],
    promise: Promise,
    start: &S,
    apply: Apply<S>,
    also: fn(&Operation, &Operation) -> bool,
) -> bool {
    let certain = operations.iter().filter(|operation| operation.outcome.is_ok());
    let doubtful: Vec<&Operation> = operations.iter().filter(|operation| operation.outcome.is_unknown()).collect();
    (0..1_u32 << doubtful.len()).any(|subset| {
        let happened = doubtful.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1).map(|(_, one)| *one);
        let mut chosen: Vec<&Operation> = certain.clone().chain(happened).collect();
        let before = |one: &Operation, other: &Operation| {
            also(one, other)
                || match promise {
                    Promise::Linearizable => returned_before(one, other),
                    Promise::Sequential => {
                        one.process == other.process && (one.invoked_ns, one.id) < (other.invoked_ns, other.id)
                    }
                }
        };
        has_order(&mut chosen, start, apply, &before)
    })
}

/// Whether `one` returned before `other` was invoked.
pub fn returned_before(one: &Operation, other: &Operation) -> bool {
    matches!((&one.outcome, one.returned_ns), (Outcome::Ok(_), Some(returned_ns)) if returned_ns < other.invoked_ns)
}

fn has_order<S: Clone>(
    left: &mut Vec<&Operation>,
    state: &S,
    apply: Apply<S>,
    before: &dyn Fn(&Operation, &Operation) -> bool,
) -> bool {
    if left.is_empty() {
        return true;
    }
    (0..left.len()).any(|at| {
        let first = left[at];
        if left.iter().any(|other| before(other, first)) {
            return false;
        }
        let Some(then) = apply(first, state) else { return false };
        left.remove(at);
        let found = has_order(left, &then, apply, before);
        left.insert(at, first);
        found
    })
}
