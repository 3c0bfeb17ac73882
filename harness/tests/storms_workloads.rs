//! Every workload in a short scripted storm over a correct cluster. One cluster at a time.

mod common;

use common::{Squall, json, leftovers, one_at_a_time};

/// A leader that is cut off, and one that is killed.
const SCRIPTED: &str = "
time_limit: 6s
seed: 21
schedule:
- {at: 1s, for: 1500ms, fault: partition, select: leader}
- {at: 4s, for: 1s, fault: kill, select: leader}
";

/// Runs the storm on `raft` and expects it to be valid by all of these checkers.
fn is_valid(workload: &str, checkers: &[&str]) {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", SCRIPTED);
    let run = squall.run(&["test", "raft", "--workload", workload, "--plan", &plan, "--json"]);
    run.expect(0);
    let output = json(&run);
    let verdicts = output["judgement"]["verdicts"].as_array().unwrap();
    let said: Vec<&str> = verdicts.iter().map(|verdict| verdict["checker"].as_str().unwrap()).collect();
    assert_eq!(said, checkers, "{output}");
    assert!(verdicts.iter().all(|verdict| verdict["validity"] == "valid"), "{output}");
    assert_eq!(output["figures"]["faults_in_force"], 2, "{}", run.stderr);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn registers() {
    is_valid("register", &["linearizable", "versions", "activity"]);
}

#[test]
fn sets() {
    is_valid("set", &["set", "activity"]);
}

#[test]
fn sets_as_lists() {
    is_valid("set-list", &["set", "activity"]);
}

#[test]
fn banks() {
    is_valid("bank", &["bank", "linearizable", "activity"]);
}
