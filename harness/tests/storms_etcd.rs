//! `squall test etcd` on real clusters of etcd. One cluster at a time.

mod common;

use common::storm::{evidence, is_valid};
use common::{Squall, json, one_at_a_time};
use serde_json::Value;
use squall_results::event::Ending;
use squall_results::reader;
use std::fs;

/// A storm that cuts the leader off, kills it and pauses it, and leaves time to elect another.
const SCRIPTED: &str = "
target: etcd
time_limit: 12s
seed: 11
schedule:
- {at: 1s, for: 2s, fault: partition, select: leader}
- {at: 5s, for: 2s, fault: kill, select: leader}
- {at: 9s, for: 2s, fault: pause, select: leader}
";

/// One member is cut off from the others: as a follower, or as a leader that is soon none. For as long as it is, what it
/// answers by itself is old.
const CUT_OFF: &str = "
target: etcd
time_limit: 7s
seed: 21
schedule:
- {at: 1s, for: 5s, fault: partition, select: {named: [n3]}}
";

#[test]
fn a_storm_over_etcd_is_valid() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", SCRIPTED);
    let run = squall.run(&["test", "--json", "--plan", &plan]);
    run.expect(0);
    let output = json(&run);
    assert_eq!(output["judgement"]["validity"], "valid", "{output}");
    let figures = &output["figures"];
    assert_eq!((&figures["faults_in_force"], &figures["faults_injected"]), (&3.into(), &3.into()), "{}", run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Completed));
    assert!(history.leader_changes().len() >= 2, "a leader was killed: {:?}", history.leader_changes());
    let version = &history.facts["server"];
    assert!(version.starts_with("etcd 3."), "{version}");
    assert!(history.facts["profile"].contains("default: election_ms 1000, heartbeat_ms 100, snapshot_count 100000"));
    let page = fs::read_to_string(squall.latest().join("report.html")).unwrap();
    assert!(page.contains(version.as_str()) && page.contains("elected leader"), "the report knows facts and logs");
}

#[test]
fn a_fast_profile_is_named_and_valid() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = SCRIPTED.replace("12s", "8s").replace("9s", "7s").replace("7s, for: 2s", "7s, for: 800ms");
    let (_, history) = is_valid(&squall, &format!("profile: fast{plan}"));
    assert!(history.facts["profile"].contains("fast: election_ms 250, heartbeat_ms 50, snapshot_count 1000"));
    assert_eq!(history.faults.iter().map(evidence).count(), 3, "all were in force and healed");
}

#[test]
fn a_member_that_is_cut_off_answers_serializable_reads_with_what_is_old() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", CUT_OFF);
    let judged = ["--consistency", "linearizable", "--plan", &plan, "--json"];
    let run = squall.run(&[&["test", "--read", "serializable"], &judged[..]].concat());
    run.expect(1);
    let output = json(&run);
    // Other members may lag behind for a moment, too.
    let anomalies = output["judgement"]["verdicts"][0]["anomalies"].as_array().unwrap();
    let is_of_the_cut_off = |anomaly: &&Value| anomaly["told"].as_str().is_some_and(|told| told.contains("on n3"));
    let anomaly = anomalies.iter().find(is_of_the_cut_off).unwrap_or_else(|| panic!("{output}"));
    assert_eq!(anomaly["kind"], "stale read", "{anomaly}");
    // The same storm finds nothing in linearizable reads.
    let run = squall.run(&[&["test"], &judged[..]].concat());
    run.expect(0);
    assert_eq!(json(&run)["figures"]["faults_in_force"], 1);
}

#[test]
fn a_missing_program_is_told_before_anything_is_made() {
    let squall = Squall::new();
    let run = squall.run(&["test", "etcd", "--bin", "/no/such/etcd"]);
    run.expect(3);
    assert!(run.stderr.contains("etcd needs /no/such/etcd, which is not there; give --bin the path"), "{}", run.stderr);
    assert!(!squall.folder().join("store").exists(), "not even a folder for the run was made");
}
