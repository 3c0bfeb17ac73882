//! Storms in which a node goes on, after a pause, with requests that waited for it meanwhile, on real local clusters. One cluster
//! at a time.

mod common;

use common::storm::{history, is_healed_when_interrupted, is_valid, number};
use common::{Squall, json, one_at_a_time};
use squall_results::History;

/// The leader is paused three times, for long enough to elect another.
const QUEUED: &str = "
time_limit: 18s
seed: 61
concurrency: 36
rate_hz: 1000
schedule:
- {at: 1s, for: 4s, fault: queue, select: leader}
- {at: 7s, for: 4s, fault: queue, select: leader}
- {at: 13s, for: 4s, fault: queue, select: leader}
";

/// Every fault was in force and healed with requests that waited: as told, and as the history has it.
#[track_caller]
fn requests_waited(history: &History) {
    assert_eq!(history.faults.len(), 3);
    for fault in &history.faults {
        let (Some((in_force_ns, in_force)), Some((healed_ns, healed)), None) =
            (&fault.in_force, &fault.healed, &fault.problem)
        else {
            panic!("{fault:?}");
        };
        assert!(in_force.contains("stopped with no call under way"), "{in_force}");
        let (requests, changes) = (number(healed, " requests waited on open"), number(healed, " changes"));
        assert!(requests >= 6 && changes > 10, "{healed}");
        let node = &fault.nodes[0];
        let to_node = |operation: &&squall_results::Operation| operation.node == *node;
        let late_ns = healed_ns - 1_000_000_000;
        let meanwhile = history
            .operations
            .iter()
            .filter(to_node)
            .filter(|operation| (*in_force_ns..late_ns).contains(&operation.invoked_ns));
        assert_eq!(meanwhile.count(), 0, "no call is made to {node}");
        let waited = history
            .operations
            .iter()
            .filter(to_node)
            .filter(|operation| (late_ns..*healed_ns).contains(&operation.invoked_ns));
        assert!(waited.count() >= requests, "{healed}");
    }
}

#[test]
fn an_ordinary_users_servers_answer_what_waited_rightly() {
    let _alone = one_at_a_time();
    let (_, history) = is_valid(&Squall::as_ordinary_user(), &format!("target: raft{QUEUED}"));
    requests_waited(&history);
}

/// Whether a server that goes on reads its clients first or its peers is chance; six times it is certain enough.
const AGAIN: &str = "
time_limit: 22s
seed: 62
concurrency: 36
rate_hz: 1000
schedule:
- {at: 1s, for: 2s, fault: queue, select: leader}
- {at: 4500ms, for: 2s, fault: queue, select: leader}
- {at: 8s, for: 2s, fault: queue, select: leader}
- {at: 11500ms, for: 2s, fault: queue, select: leader}
- {at: 15s, for: 2s, fault: queue, select: leader}
- {at: 18500ms, for: 2s, fault: queue, select: leader}
";

/// All clocks are set back meanwhile: by a wall clock the lease of who stood still holds for long.
const SET_BACK: &str = "
- {at: 2s, for: 2s, fault: clock, skew: {jump: -10s}, select: all}
- {at: 5500ms, for: 2s, fault: clock, skew: {jump: -10s}, select: all}
- {at: 9s, for: 2s, fault: clock, skew: {jump: -10s}, select: all}
- {at: 12500ms, for: 2s, fault: clock, skew: {jump: -10s}, select: all}
- {at: 16s, for: 2s, fault: clock, skew: {jump: -10s}, select: all}
- {at: 19500ms, for: 2s, fault: clock, skew: {jump: -10s}, select: all}
";

/// A server with this planted bug answers what waited with what is old.
#[track_caller]
fn is_caught(squall: &Squall, plan: &str, bug: &str) {
    let plan = squall.file("plan.yaml", plan);
    let run = squall.run(&["test", "raft", "--json", "--plan", &plan, "--bug", bug]);
    run.expect(1);
    let output = json(&run);
    assert_eq!(output["judgement"]["verdicts"][0]["anomalies"][0]["kind"], "stale read", "{output}");
}

#[test]
fn a_leader_that_does_not_ask_whether_it_still_leads_is_caught() {
    let _alone = one_at_a_time();
    is_caught(&Squall::new(), AGAIN, "stale-read");
}

#[test]
fn a_lease_by_a_clock_that_can_be_set_back_is_caught() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let text = format!("read: lease{AGAIN}{}", SET_BACK.trim_start());
    is_valid(&squall, &text);
    is_caught(&squall, &text, "lease-wall-clock");
}

#[test]
fn an_etcd_that_goes_on_answers_serializable_reads_with_what_is_old() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", &format!("target: etcd\nprofile: fast{QUEUED}"));
    let flags = ["test", "--json", "--plan", &plan, "--read", "serializable", "--consistency", "linearizable"];
    let run = squall.run(&flags);
    run.expect(1);
    let output = json(&run);
    assert_eq!(output["judgement"]["verdicts"][0]["anomalies"][0]["kind"], "stale read", "{output}");
    requests_waited(&history(&squall));
}

#[test]
fn ctrl_c_lets_calls_and_servers_go() {
    let _alone = one_at_a_time();
    let plan = QUEUED.replace("18s", "90s").replace("for: 4s", "for: 50s");
    is_healed_when_interrupted(&Squall::new(), &plan, "in force");
}
