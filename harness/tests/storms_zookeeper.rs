//! Storms over real ZooKeepers. One cluster at a time.

mod common;

use common::{Squall, json, leftovers, one_at_a_time};
use serde_json::Value;
use squall_results::reader;
use std::fs;

/// A storm that cuts the leader off, kills it and pauses it, and nothing by chance.
const SCRIPTED: &str = "
target: zookeeper
profile: fast
time_limit: 14s
seed: 21
schedule:
- {at: 1s, for: 4s, fault: partition, select: leader}
- {at: 7s, for: 1s, fault: kill, select: leader}
- {at: 11s, for: 1s, fault: pause, select: leader}
";

/// Two nodes are cut off in turn, of which one follows at least. By the vendor's settings neither it nor the leader notices for
/// 10 s: it goes on answering reads by itself, while the others go on writing.
const CUT_OFF: &str = "
target: zookeeper
time_limit: 8s
seed: 22
schedule:
- {at: 1s, for: 2s, fault: partition, select: {named: [n1]}}
- {at: 5s, for: 2s, fault: partition, select: {named: [n2]}}
";

fn faults_in_force(output: &Value) -> (u64, u64) {
    let figures = &output["figures"];
    (figures["faults_in_force"].as_u64().unwrap(), figures["faults_injected"].as_u64().unwrap())
}

#[test]
fn reads_after_a_write_are_linearizable_in_a_storm() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", SCRIPTED);
    let run = squall.run(&["test", "--json", "--plan", &plan, "--read", "after-write"]);
    run.expect(0);
    let output = json(&run);
    assert_eq!(output["judgement"]["validity"], "valid", "{output}");
    assert_eq!(faults_in_force(&output), (3, 3), "{}", run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    for fault in &history.faults {
        assert!(fault.in_force.is_some() && fault.healed.is_some() && fault.problem.is_none(), "{fault:?}");
    }
    assert!(history.leader_changes().len() >= 2, "a leader was cut off and one killed: {:?}", history.leader_changes());
    let page = fs::read_to_string(squall.latest().join("report.html")).unwrap();
    for fact in ["ZooKeeper 3.", "fast: ", "tick_time_ms 500", "after-write"] {
        assert!(page.contains(fact), "the report does not tell: {fact}");
    }
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn local_reads_of_a_server_that_is_cut_off_are_found_to_be_stale() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", CUT_OFF);
    let run = squall.run(&["test", "--json", "--plan", &plan, "--read", "local", "--consistency", "linearizable"]);
    run.expect(1);
    let output = json(&run);
    let anomaly = &output["judgement"]["verdicts"][0]["anomalies"][0];
    assert_eq!(anomaly["kind"], "stale read", "{output}");
    // The same storm finds nothing where every read follows a write.
    squall.run(&["test", "--plan", &plan, "--read", "after-write"]).expect(0);
}
