//! Evidence, checked against the history it is about.

use squall_results::model::{Model, Register};
use squall_results::verdict::{Anomaly, LegalPrefix, Role};
use squall_results::{History, Operation, Outcome, Verdict};

/// How many operations of a prefix are named at most.
const NAMED: usize = 20;

/// Panics if some piece of the verdict's evidence is wrong or missing.
pub fn evidence_holds(history: &History, verdict: &Verdict) {
    for anomaly in &verdict.anomalies {
        let of_key = |operation: &&Operation| operation.call.key() == anomaly.key;
        let operations: Vec<&Operation> = history.operations.iter().filter(of_key).collect();
        let contradiction = with_role(anomaly, Role::Contradiction);
        assert_eq!(contradiction.len(), 1, "{anomaly:#?}");
        assert!(contradiction[0].outcome.is_ok());
        assert!(anomaly.operations.len() <= 30 && !anomaly.told.is_empty());
        assert!(anomaly.operations.is_sorted_by_key(|shown| (shown.operation.invoked_ns, shown.operation.id)));
        assert!(!anomaly.prefixes.is_empty(), "{anomaly:#?}");
        for prefix in &anomaly.prefixes {
            prefix_holds(&operations, contradiction[0], prefix);
        }
    }
}

/// The operations of a role.
pub fn with_role(anomaly: &Anomaly, role: Role) -> Vec<&Operation> {
    anomaly.operations.iter().filter(|shown| shown.role == role).map(|shown| &shown.operation).collect()
}

/// A prefix is legal, holds what it must and none that it must not, ends at its state, and can go no further.
fn prefix_holds(operations: &[&Operation], contradiction: &Operation, prefix: &LegalPrefix) {
    assert_eq!(prefix.last.len(), prefix.length.min(NAMED));
    assert_eq!(prefix.refused.first().map(|refusal| refusal.op), Some(contradiction.id), "{prefix:?}");
    if prefix.length > NAMED {
        return;
    }
    let find = |id: &u64| *operations.iter().find(|operation| operation.id == *id).unwrap();
    let order: Vec<&Operation> = prefix.last.iter().map(find).collect();
    let mut state = Register.init();
    for (at, operation) in order.iter().enumerate() {
        assert!(!operation.outcome.is_fail());
        let late = |other: &&&Operation| answered_before(other, operation);
        assert!(!order[at..].iter().any(|other| late(&other)), "{prefix:?} puts {operation:?} too early");
        state = Register.step(&state, &operation.call, operation.reply()).unwrap();
    }
    assert_eq!(Register.show(&state), prefix.state);
    for refusal in &prefix.refused {
        let refused = find(&refusal.op);
        assert!(!prefix.last.contains(&refusal.op), "{prefix:?}");
        let late = refused.invoked_ns > contradiction.returned_ns.unwrap();
        assert_eq!(late, refusal.why.starts_with("it was invoked only"), "{prefix:?}");
    }
    let missing = |operation: &&&Operation| !prefix.last.contains(&operation.id) && operation.outcome.is_ok();
    for operation in operations.iter().filter(missing) {
        assert!(!answered_before(operation, contradiction), "{operation:?} is missing in {prefix:?}");
        if operation.invoked_ns <= contradiction.returned_ns.unwrap() {
            let refused = Register.step(&state, &operation.call, operation.reply()).unwrap_err();
            let told = prefix.refused.iter().find(|refusal| refusal.op == operation.id).unwrap();
            assert_eq!(told.why, refused);
        }
    }
}

fn answered_before(one: &Operation, other: &Operation) -> bool {
    matches!((&one.outcome, one.returned_ns), (Outcome::Ok(_), Some(returned_ns)) if returned_ns < other.invoked_ns)
}
