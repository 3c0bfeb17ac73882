//! Anomalies under faults, and what they are called.

use super::*;
use squall_results::event::{Measured, Sample};
use squall_results::{Promise, Validity, Verdict};

fn fault(family: &str, nodes: &[&str], from_ns: u64, to_ns: u64) -> FaultSpan {
    let shown = |at_ns| Some((at_ns, String::new()));
    FaultSpan {
        id: from_ns as u32,
        family: family.into(),
        what: String::new(),
        selector: "one".into(),
        nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
        links: Vec::new(),
        injected_ns: from_ns,
        in_force: shown(from_ns),
        heal_ns: Some(to_ns),
        healed: shown(to_ns),
        problem: None,
    }
}

fn leads(at_ns: u64, leader: &str, term: u64) -> Sample {
    Sample { at_ns, node: leader.into(), measured: Measured::Leader { leader: Some(leader.into()), term } }
}

fn verdict(checker: &str, validity: Validity, anomalies: &[(&str, u64, u64)]) -> Verdict {
    let anomaly = |(kind, from_ns, to_ns): &(&str, u64, u64)| Anomaly {
        kind: (*kind).into(),
        told: String::new(),
        key: 0,
        from_ns: *from_ns,
        to_ns: *to_ns,
        operations: Vec::new(),
        prefixes: Vec::new(),
        minimal: None,
        dependencies: Vec::new(),
    };
    let anomalies = anomalies.iter().map(anomaly).collect();
    Verdict { checker: checker.into(), validity, reason: String::new(), anomalies, figures: Default::default() }
}

#[track_caller]
fn check(verdicts: Vec<Verdict>, expected: &[(&str, usize)]) {
    let history = History {
        faults: vec![
            fault("pause", &["n1"], 100, 200),
            fault("kill", &["n2", "n3"], 150, 250),
            fault("kill", &["n3"], 400, 500),
            fault("pause-client", &["p7"], 600, 700),
        ],
        samples: vec![leads(10, "n1", 1), leads(300, "n3", 2)],
        ..History::default()
    };
    let judgement = Judgement::new(Promise::Linearizable, verdicts);
    let found = fingerprints(&history, &judgement, "etcd fast", "register", "kill+pause");
    let told: Vec<(String, usize)> = found.iter().map(|found| (found.mark.to_string(), found.count)).collect();
    let expected: Vec<(String, usize)> = expected.iter().map(|(told, count)| ((*told).to_owned(), *count)).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_mark_names_what_is_the_same_in_every_run() {
    let invalid = |anomalies: &[_]| vec![verdict("linearizable", Validity::Invalid, anomalies)];
    check(invalid(&[("stale read", 110, 120)]), &[("stale read, etcd fast, register, pause of leader", 1)]);
    check(
        invalid(&[("stale read", 410, 420), ("stale read", 450, 470), ("lost update", 300, 310)]),
        &[("lost update, etcd fast, register, no fault", 1), ("stale read, etcd fast, register, kill of leader", 2)],
    );
    check(
        invalid(&[("stale read", 160, 170)]),
        &[("stale read, etcd fast, register, kill+pause of leader and follower", 1)],
    );
    check(invalid(&[("two holders", 620, 630)]), &[("two holders, etcd fast, register, pause-client of client", 1)]);
}

#[test]
fn only_what_is_accused_has_a_mark() {
    check(vec![verdict("linearizable", Validity::Unknown, &[("stale read", 110, 120)])], &[]);
    check(vec![verdict("bank", Validity::Invalid, &[])], &[("violation, etcd fast, register, kill+pause", 1)]);
    check(vec![verdict("bank", Validity::Valid, &[])], &[]);
}
