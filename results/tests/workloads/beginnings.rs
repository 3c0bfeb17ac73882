//! What was known of a history while it went on.

use squall_results::{History, Outcome};
use std::collections::BTreeSet;

/// The history as it was at each of its instants, before what returned then was known, and after: what had not returned is
/// open. A checker that finds nothing wrong with the whole must find nothing wrong with any of them.
pub fn beginnings(whole: &History) -> impl Iterator<Item = History> + '_ {
    let invoked = whole.operations.iter().map(|operation| operation.invoked_ns);
    let instants: BTreeSet<u64> =
        whole.operations.iter().filter_map(|operation| operation.returned_ns).chain(invoked).collect();
    instants.into_iter().flat_map(|now| [(now, now), (now, now + 1)]).map(|(last_ns, returned_before_ns)| {
        let mut beginning = whole.clone();
        beginning.operations.retain(|operation| operation.invoked_ns <= last_ns);
        for operation in &mut beginning.operations {
            if operation.returned_ns.is_none_or(|at_ns| at_ns >= returned_before_ns) {
                (operation.returned_ns, operation.outcome) = (None, Outcome::Unknown("it is open".into()));
            }
        }
        beginning
    })
}
