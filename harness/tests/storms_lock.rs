//! Locks on real servers: holders that are paused past their lease. What a lock cannot guard is lost, what its fencing token
//! guards is not, and a holder that cannot calculate believes too long.

mod common;

use common::{Squall, json, leftovers, one_at_a_time};
use serde_json::Value;
use squall_results::event::Ending;
use squall_results::{History, Outcome, reader};
use std::time::Duration;

/// Three pauses of whoever has just taken a lock, each far longer than a lease of the profile `fast`: of etcd that lasts a second, a
/// session of ZooKeeper more than two.
fn holders(target: &str) -> String {
    let (lasts_ms, every_ms, end_ms) =
        if target == "zookeeper" { (3_000, 4_000, 13_000) } else { (2_000, 2_500, 9_000) };
    let pauses = (0..3).map(|pause| {
        let at_ms = 1_000 + pause * every_ms;
        format!("- {{at: {at_ms}ms, for: {lasts_ms}ms, fault: pause-client, select: holder}}\n")
    });
    format!("time_limit: {end_ms}ms\nseed: 41\nprofile: fast\nschedule:\n{}", pauses.collect::<String>())
}

/// A pause that does not end by itself while a test looks on.
const LONG: &str = "
time_limit: 60s
profile: fast
schedule:
- {at: 1s, for: 50s, fault: pause-client, select: holder}
";

/// Runs a workload under pauses of holders; all of them must have been in force.
fn storm(squall: &Squall, target: &str, workload: &str, status: i32) -> (Value, History) {
    let plan = squall.file("plan.yaml", &holders(target));
    let run = squall.run(&["test", target, "--workload", workload, "--plan", &plan, "--json"]);
    run.expect(status);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Completed));
    assert_eq!(history.faults.len(), 3);
    for fault in &history.faults {
        let (_, evidence) = fault.in_force.as_ref().unwrap_or_else(|| panic!("{fault:?}"));
        assert!(evidence.contains("stopped, its thread in state T"), "{evidence}");
        assert!(fault.healed.is_some() && fault.problem.is_none() && fault.nodes.is_empty(), "{fault:?}");
    }
    assert_eq!(leftovers(squall), Vec::<String>::new());
    (json(&run), history)
}

/// The kinds of all anomalies, and what is told of the first.
fn anomalies(output: &Value) -> (Vec<String>, String) {
    let verdicts = output["judgement"]["verdicts"].as_array().unwrap().iter();
    let anomalies: Vec<&Value> =
        verdicts.flat_map(|verdict| verdict["anomalies"].as_array().into_iter().flatten()).collect();
    let kinds = anomalies.iter().map(|anomaly| anomaly["kind"].as_str().unwrap().to_owned()).collect();
    (kinds, anomalies.first().map(|first| first["told"].as_str().unwrap().to_owned()).unwrap_or_default())
}

#[test]
fn a_lock_alone_does_not_guard_a_set_on_etcd() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let (output, _) = storm(&squall, "etcd", "set-locked", 1);
    let (kinds, told) = anomalies(&output);
    assert!(kinds.iter().any(|kind| kind == "lost element"), "{kinds:?}: {told}");
}

#[test]
fn a_fencing_token_guards_a_set_on_etcd() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let (output, history) = storm(&squall, "etcd", "set-fenced", 0);
    assert_eq!(output["judgement"]["validity"], "valid", "{output}");
    let refused =
        |outcome: &Outcome| matches!(outcome, Outcome::Fail(why) if why.contains("another has taken the lock"));
    let count = history.operations.iter().filter(|operation| refused(&operation.outcome)).count();
    assert!(count > 0, "the same pauses as without the token: some write was refused");
}

#[test]
fn a_fencing_token_guards_a_set_on_zookeeper() {
    let _alone = one_at_a_time();
    let (output, _) = storm(&Squall::new(), "zookeeper", "set-fenced", 0);
    assert_eq!(output["judgement"]["validity"], "valid", "{output}");
}

#[test]
fn a_holder_on_etcd_can_calculate_when_its_lease_ends() {
    let _alone = one_at_a_time();
    let (output, history) = storm(&Squall::new(), "etcd", "lock", 0);
    assert_eq!(output["judgement"]["validity"], "valid", "{output}");
    let lost = history.operations.iter().filter(|operation| operation.outcome.to_string() == "not held").count();
    assert!(lost > 0, "some holder was told that it had lost its lock");
}

#[test]
fn a_paused_holder_on_zookeeper_believes_too_long() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let (output, _) = storm(&squall, "zookeeper", "lock", 1);
    let (kinds, told) = anomalies(&output);
    assert!(kinds.iter().any(|kind| kind == "two holders"), "{kinds:?}");
    assert!(told.contains("held the lock from") && told.contains("but process"), "{told}");
    let page = std::fs::read_to_string(squall.latest().join("report.html")).unwrap();
    assert!(
        page.contains(&told) && page.contains("pause the client process"),
        "the report tells it as the verdict does"
    );
}

#[test]
fn processes_of_clients_die_with_squall_paused_or_not() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", LONG);
    let mut running = squall.start(&["test", "etcd", "--workload", "lock", "--plan", &plan]);
    running.await_line("stopped, its thread in state T", Duration::from_secs(60));
    running.signal(libc::SIGKILL);
    running.finish();
    squall.await_no_leftovers(Duration::from_secs(10));
}

#[test]
fn ctrl_c_lets_paused_clients_go_on_and_judges() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", LONG);
    let mut running = squall.start(&["test", "etcd", "--workload", "set-fenced", "--plan", &plan]);
    running.await_line("stopped, its thread in state T", Duration::from_secs(60));
    running.signal(libc::SIGINT);
    let run = running.finish();
    assert!(matches!(run.status, Some(0 | 2)), "{}{}", run.stdout, run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Interrupted));
    assert!(history.faults.iter().all(|fault| fault.healed.is_some()), "{:?}", history.faults);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}
