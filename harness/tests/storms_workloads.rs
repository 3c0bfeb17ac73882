//! Every workload that `raft` can run, in a short scripted storm over a correct cluster. One cluster at a time.

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

/// The workloads, each with the checkers by which it must be valid.
const WORKLOADS: [(&str, &[&str]); 9] = [
    ("register", &["linearizable", "versions", "activity"]),
    ("set", &["set", "activity"]),
    ("set-list", &["set", "activity"]),
    ("bank", &["bank", "linearizable", "activity"]),
    ("append", &["list-append", "activity"]),
    ("wr", &["rw-register", "activity"]),
    ("lock", &["mutex", "activity"]),
    ("set-locked", &["set", "activity"]),
    ("set-fenced", &["set", "activity"]),
];

#[test]
fn no_workload_is_left_out() {
    let raft = squall_targets::target::find("raft").unwrap();
    let can = squall_workloads::ALL.iter().filter(|workload| workload.needs.iter().all(|kind| (raft.supports)(*kind)));
    assert!(can.map(|workload| workload.name).eq(WORKLOADS.map(|(workload, _)| workload)));
}

/// Runs the storm on `raft` and expects it to be valid by all checkers of the workload.
fn is_valid(workload: &str) {
    let _alone = one_at_a_time();
    let (_, checkers) = WORKLOADS.iter().find(|(name, _)| *name == workload).unwrap();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", SCRIPTED);
    let run = squall.run(&["test", "raft", "--workload", workload, "--plan", &plan, "--json"]);
    run.expect(0);
    let output = json(&run);
    let verdicts = output["judgement"]["verdicts"].as_array().unwrap();
    let said: Vec<&str> = verdicts.iter().map(|verdict| verdict["checker"].as_str().unwrap()).collect();
    assert_eq!(said, *checkers, "{output}");
    assert!(verdicts.iter().all(|verdict| verdict["validity"] == "valid"), "{output}");
    assert_eq!(output["figures"]["faults_in_force"], 2, "{}", run.stderr);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn registers() {
    is_valid("register");
}

#[test]
fn sets() {
    is_valid("set");
}

#[test]
fn sets_as_lists() {
    is_valid("set-list");
}

#[test]
fn banks() {
    is_valid("bank");
}

#[test]
fn transactions_on_lists() {
    is_valid("append");
}

#[test]
fn transactions_on_registers() {
    is_valid("wr");
}

#[test]
fn locks() {
    is_valid("lock");
}

#[test]
fn sets_under_a_lock() {
    is_valid("set-locked");
}

#[test]
fn sets_under_a_fencing_token() {
    is_valid("set-fenced");
}
