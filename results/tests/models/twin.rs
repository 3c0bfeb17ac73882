//! The brute-force twin: linearizability of any object straight from the definition of Herlihy and Wing, 1990. It shares
//! nothing with the checker, the meaning of calls and replies included.

use squall_results::{Operation, Outcome};
use std::collections::HashSet;
use std::hash::Hash;

/// What a correct object does: all states after an operation; none where the answer is wrong.
pub type Apply<S> = fn(&Operation, &S) -> Vec<S>;

/// Whether some of the operations without an answer, and all with one, stand in a total order that is legal from `start`
/// and in which no operation comes before one that returned before its invocation. At most 31 operations.
pub fn is_linearizable<S: Clone + Eq + Hash>(operations: &[Operation], start: S, apply: Apply<S>) -> bool {
    let left: Vec<&Operation> = operations.iter().filter(|operation| !operation.outcome.is_fail()).collect();
    let bits = |of: &dyn Fn(&Operation) -> bool| {
        (0..left.len()).filter(|at| of(left[*at])).fold(0_u32, |set, at| set | 1 << at)
    };
    let certain = bits(&|operation| operation.outcome.is_ok());
    let before: Vec<u32> = left.iter().map(|second| bits(&|first| precedes(first, second))).collect();
    let mut seen = HashSet::new();
    let mut stack = vec![(0_u32, start)];
    while let Some((done, state)) = stack.pop() {
        if done & certain == certain {
            return true;
        }
        if !seen.insert((done, state.clone())) {
            continue;
        }
        for (at, operation) in left.iter().enumerate() {
            if done >> at & 1 == 0 && before[at] & !done == 0 {
                stack.extend(apply(operation, &state).into_iter().map(|then| (done | 1 << at, then)));
            }
        }
    }
    false
}

/// Whether `one` returned before `other` was invoked.
fn precedes(one: &Operation, other: &Operation) -> bool {
    matches!((&one.outcome, one.returned_ns), (Outcome::Ok(_), Some(returned_ns)) if returned_ns < other.invoked_ns)
}
