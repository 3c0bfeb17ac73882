//! Storms in which a node goes on, after a pause, with requests that waited for it meanwhile, on real local clusters. One cluster
//! at a time.

mod common;

use common::storm::{history, is_healed_when_interrupted, is_valid, number};
use common::{Squall, json, one_at_a_time};
use squall_results::event::PhaseName;
use squall_results::history::FaultSpan;
use squall_results::{History, Operation, Reply};
use std::ops::Range;

const SECOND_NS: u64 = 1_000_000_000;

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

/// The same once, for servers that answer what waited rightly.
const ONCE: &str = "
profile: fast
time_limit: 8s
seed: 63
concurrency: 36
rate_hz: 600
schedule:
- {at: 1s, for: 5s, fault: queue, select: leader}
";

/// When the faults of each end, in seconds of the storm: not before, calls are made to the node again.
const QUEUED_ENDS_S: &[u64] = &[5, 11, 17];
const ONCE_ENDS_S: &[u64] = &[6];

/// The faults, each with the instant from which on calls were made to its node again.
fn ends<'a>(history: &'a History, ends_s: &'a [u64]) -> impl Iterator<Item = (&'a FaultSpan, u64)> {
    let storm_ns = history.phase_ns(PhaseName::Storm).unwrap();
    assert_eq!(history.faults.len(), ends_s.len());
    history.faults.iter().zip(ends_s.iter().map(move |end_s| storm_ns + end_s * SECOND_NS))
}

/// Every fault was in force and healed with requests that waited: as told, and as the history has it.
#[track_caller]
fn requests_waited(history: &History, ends_s: &[u64]) {
    for (fault, end_ns) in ends(history, ends_s) {
        let (Some((in_force_ns, in_force)), Some((healed_ns, healed)), None) =
            (&fault.in_force, &fault.healed, &fault.problem)
        else {
            panic!("{fault:?}");
        };
        assert!(in_force.contains("stopped with no call under way"), "{in_force}");
        let (requests, changes) = (number(healed, " requests waited on open"), number(healed, " changes"));
        assert!(requests >= 6 && changes > 10, "{healed}");
        let node = &fault.nodes[0];
        assert_eq!(calls(history, node, *in_force_ns..end_ns).count(), 0, "no call is made to {node}");
        assert!(calls(history, node, end_ns..*healed_ns).count() >= requests, "{healed}");
    }
}

/// The calls that were made to a node within some time.
fn calls<'a>(history: &'a History, node: &'a str, within_ns: Range<u64>) -> impl Iterator<Item = &'a Operation> {
    let of_node = history.operations.iter().filter(move |operation| operation.node == node);
    of_node.filter(move |operation| within_ns.contains(&operation.invoked_ns))
}

/// Of the calls that waited on a node, how many reads found what was older than an answer that somebody had before.
fn old_answers(history: &History, fault: &FaultSpan, end_ns: u64) -> usize {
    let version = |operation: &Operation| match operation.outcome.reply() {
        Some(Reply::Read { version, .. } | Reply::Written { version }) => version.map(|version| version.order),
        _ => None,
    };
    let waited = calls(history, &fault.nodes[0], end_ns..fault.heal_ns.unwrap());
    let reads = waited.filter(|read| matches!(read.outcome.reply(), Some(Reply::Read { .. })));
    let is_old = |read: &&Operation| {
        let is_before = |other: &&Operation| other.returned_ns.is_some_and(|at_ns| at_ns < read.invoked_ns);
        let of_key = history.operations.iter().filter(|other| other.call.key() == read.call.key());
        version(read) < of_key.filter(is_before).filter_map(version).max()
    };
    reads.filter(is_old).count()
}

#[test]
fn an_ordinary_users_servers_answer_what_waited_rightly() {
    let _alone = one_at_a_time();
    let (_, history) = is_valid(&Squall::as_ordinary_user(), &format!("target: raft{QUEUED}"));
    requests_waited(&history, QUEUED_ENDS_S);
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
    let run = squall.run(&["test", "raft", "--json", "--fail-fast", "--plan", &plan, "--bug", bug]);
    run.expect(1);
    let output = json(&run);
    assert_eq!(output["judgement"]["verdicts"][0]["anomalies"][0]["kind"], "stale read", "{output}");
    let history = history(squall);
    let healed = history.faults.iter().filter_map(|fault| fault.healed.as_ref());
    let waited = healed.filter(|(_, told)| told.contains(" requests waited on open"));
    assert!(waited.count() > 0, "{:?}", history.faults);
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
    let history = history(&squall);
    requests_waited(&history, QUEUED_ENDS_S);
    let old: Vec<usize> =
        ends(&history, QUEUED_ENDS_S).map(|(fault, end_ns)| old_answers(&history, fault, end_ns)).collect();
    assert!(old.iter().any(|old| *old > 0), "{old:?} of those that waited were old: {:?}", history.faults);
}

/// With a quorum that is asked before each read the old leader has no answer of its own; what ZooKeeper reads by itself may be old, but
/// no older than what the session has seen.
#[test]
fn what_waited_accuses_neither_etcd_nor_zookeeper() {
    let _alone = one_at_a_time();
    for target in ["etcd", "zookeeper", "zookeeper\nread: after-write"] {
        let (_, history) = is_valid(&Squall::new(), &format!("target: {target}{ONCE}"));
        requests_waited(&history, ONCE_ENDS_S);
    }
}

#[test]
fn ctrl_c_lets_calls_and_servers_go() {
    let _alone = one_at_a_time();
    let plan = QUEUED.replace("18s", "90s").replace("for: 4s", "for: 50s");
    is_healed_when_interrupted(&Squall::new(), &plan, "in force");
}
