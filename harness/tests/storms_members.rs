//! Storms in which members leave and join, on real local clusters. One cluster at a time.

mod common;

use common::storm::{evidence, is_healed_when_interrupted, is_valid, shown};
use common::{Squall, one_at_a_time};
use std::collections::BTreeSet;

/// Every change, each with another fault in its middle, and one that comes while another one goes on.
const SCRIPTED: &str = "
time_limit: 24s
seed: 51
schedule:
- {at: 1s, for: 3s, fault: membership, change: remove, select: leader}
- {at: 2s, for: 1s, fault: partition, select: one}
- {at: 3s, for: 500ms, fault: membership, change: remove, select: one}
- {at: 7s, for: 3s, fault: membership, change: replace, select: leader}
- {at: 8s, for: 1s, fault: kill, select: one}
- {at: 13s, for: 4s, fault: membership, change: shrink, select: majority}
- {at: 15s, for: 1s, fault: pause, select: one}
- {at: 20s, for: 2s, fault: partition, select: leader}
";

/// The same over etcd, which wants its members to have been connected for five seconds before it changes any.
const SCRIPTED_ETCD: &str = "
target: etcd
profile: fast
time_limit: 30s
seed: 52
schedule:
- {at: 6s, for: 3s, fault: membership, change: remove, select: leader}
- {at: 7s, for: 1s, fault: partition, select: one}
- {at: 17s, for: 3s, fault: membership, change: replace, select: one}
- {at: 18s, for: 1s, fault: kill, select: leader}
";

/// And over ZooKeeper, whose clients go on to speak to one that was removed.
const SCRIPTED_ZOOKEEPER: &str = "
target: zookeeper
profile: fast
time_limit: 22s
seed: 54
rate_hz: 200
schedule:
- {at: 1s, for: 4s, fault: membership, change: remove, select: leader}
- {at: 2s, for: 1s, fault: kill, select: one}
- {at: 13s, for: 3s, fault: membership, change: replace, select: follower}
- {at: 14s, for: 1s, fault: pause, select: leader}
";

/// A spare joins in the middle of other faults, over each target; a second one that is to join meanwhile is refused.
fn growing(target: &str, from_s: u64, lasts_s: u64) -> String {
    let (storm, cut, too, kill) = (from_s + lasts_s + 2, from_s + 2, from_s + 3, from_s + 4);
    format!(
        "
target: {target}
profile: fast
spares: 2
time_limit: {storm}s
seed: 56
rate_hz: 200
schedule:
- {{at: {from_s}s, for: {lasts_s}s, fault: membership, change: grow, select: {{named: [n4]}}}}
- {{at: {cut}s, for: 1s, fault: partition, select: {{named: [n1]}}}}
- {{at: {too}s, for: 1s, fault: membership, change: grow, select: {{named: [n5]}}}}
- {{at: {kill}s, for: 1s, fault: kill, select: {{named: [n2]}}}}
"
    )
}

/// The nodes that a piece of evidence lists behind this word, each with its number: `listed n1 (1), n2 (4); before ...`.
fn listed(evidence: &str, behind: &str) -> Vec<(String, String)> {
    let (_, list) = evidence.split_once(behind).unwrap_or_else(|| panic!("`{behind}` is missing in: {evidence}"));
    let list = list.split(';').next().unwrap_or_default();
    let member = |text: &str| text.trim().trim_end_matches(')').split_once(" (").map(|(n, m)| (n.into(), m.into()));
    list.split(',').map(|text| member(text).unwrap_or_else(|| panic!("`{text}` in: {evidence}"))).collect()
}

/// The members were three, so many of them were left, and three are there again, so many under new numbers.
#[track_caller]
fn left_and_joined((in_force, healed): (&str, &str), left: usize) {
    let (before, during, after) = (listed(in_force, "before "), listed(in_force, "listed "), listed(healed, "listed "));
    assert_eq!((before.len(), during.len(), after.len()), (3, left, 3), "{in_force}; {healed}");
    assert_eq!(after.iter().filter(|member| before.contains(member)).count(), left, "{in_force}; {healed}");
    assert_eq!(healed.matches("joined empty and has applied").count(), 3 - left, "{healed}");
}

#[test]
fn members_leave_and_join_while_other_faults_come() {
    let _alone = one_at_a_time();
    for squall in [Squall::new(), Squall::as_ordinary_user()] {
        let (_, history) = is_valid(&squall, SCRIPTED);
        assert_eq!(history.faults.len(), 8);
        let removed = shown(&history, "from the members");
        assert_eq!(removed.len(), 1, "one change at a time: {:?}", history.faults);
        left_and_joined(removed[0], 2);
        assert!(removed[0].0.ends_with(" running"), "its server goes on: {}", removed[0].0);
        left_and_joined(shown(&history, "shrink the cluster")[0], 1);
        let (in_force, healed) = shown(&history, "to be replaced")[0];
        assert!(in_force.contains("gone with SIGKILL; listed "), "{in_force}");
        assert_eq!((listed(in_force, "listed ").len(), listed(healed, "listed ").len()), (3, 3));
        let refused = history.faults.iter().find(|fault| fault.in_force.is_none()).expect("one is refused");
        let problem = refused.problem.as_deref().unwrap_or_default();
        assert!(problem.contains("another fault changes the members"), "{refused:?}");
        let others = history.faults.iter().filter(|fault| fault.family != "membership");
        assert!(others.clone().all(|fault| fault.in_force.is_some() && fault.healed.is_some()), "{others:?}");
    }
}

#[test]
fn members_of_etcd_leave_and_join() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let (_, history) = is_valid(&squall, SCRIPTED_ETCD);
    assert!(history.faults.iter().map(evidence).count() == 4, "all were in force and healed");
    left_and_joined(shown(&history, "from the members")[0], 2);
    let (_, healed) = shown(&history, "to be replaced")[0];
    assert!(healed.contains("joined empty") && listed(healed, "listed ").len() == 3, "{healed}");
}

#[test]
fn members_of_zookeeper_leave_and_join() {
    let _alone = one_at_a_time();
    let (_, history) = is_valid(&Squall::new(), SCRIPTED_ZOOKEEPER);
    assert!(history.faults.iter().map(evidence).count() == 4, "all were in force and healed");
    let removed = shown(&history, "from the members")[0];
    left_and_joined(removed, 2);
    assert!(removed.0.ends_with(" running"), "its server goes on: {}", removed.0);
    let (_, healed) = shown(&history, "to be replaced")[0];
    assert!(healed.contains("joined empty") && listed(healed, "listed ").len() == 3, "{healed}");
}

/// While it lasts the spare is listed beside the others, and when it is over they are who they were before.
#[track_caller]
fn grows(target: &str, from_s: u64, lasts_s: u64) {
    let squall = Squall::new();
    let (_, history) = is_valid(&squall, &growing(target, from_s, lasts_s));
    let (in_force, healed) = shown(&history, "grow the cluster by n4")[0];
    let (before, during, after) = (listed(in_force, "before "), listed(in_force, "listed "), listed(healed, "listed "));
    let named = |members: &[(String, String)]| members.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(named(&before), ["n1", "n2", "n3"].map(String::from).into(), "{in_force}");
    assert_eq!(named(&during), ["n1", "n2", "n3", "n4"].map(String::from).into(), "{in_force}");
    assert!(in_force.starts_with("n4 joined empty and has applied "), "{in_force}");
    assert_eq!(before, after, "{healed}");
    assert!(healed.starts_with("n4 left and its server was ended; "), "{healed}");
    let refused = &history.faults[2];
    assert!(refused.in_force.is_none(), "one change at a time: {refused:?}");
    for fault in [&history.faults[1], &history.faults[3]] {
        evidence(fault);
    }
    // Who is cut off is so from the spare too.
    assert!(history.faults[1].links.contains(&"n1>n4".to_owned()), "{:?}", history.faults[1]);
    assert!(history.operations.iter().all(|operation| operation.node != "n4"), "no client asks a spare");
    let page = std::fs::read_to_string(squall.latest().join("report.html")).unwrap();
    assert!(page.contains(">n4<"), "the page has its lane");
}

#[test]
fn a_cluster_of_raftd_grows() {
    let _alone = one_at_a_time();
    grows("raft", 1, 6);
}

#[test]
fn a_cluster_of_etcd_grows() {
    let _alone = one_at_a_time();
    grows("etcd", 6, 7);
}

#[test]
fn a_cluster_of_zookeeper_grows() {
    let _alone = one_at_a_time();
    grows("zookeeper", 2, 7);
}

/// Interrupted while the cluster is smaller, squall brings all members back.
#[track_caller]
fn are_brought_back(plan: &str, left: usize) {
    let plan = format!("time_limit: 60s\nseed: 53\n{plan}");
    let history = is_healed_when_interrupted(&Squall::new(), &plan, "in force: listed");
    left_and_joined(shown(&history, "shrink the cluster")[0], left);
}

#[test]
fn ctrl_c_brings_members_back() {
    let _alone = one_at_a_time();
    are_brought_back("schedule: [{at: 1s, for: 50s, fault: membership, change: shrink, select: majority}]", 1);
    let zookeeper = "target: zookeeper\nprofile: fast\n";
    let leader = "schedule: [{at: 1s, for: 50s, fault: membership, change: shrink, select: leader}]";
    are_brought_back(&format!("{zookeeper}{leader}"), 2);
    let grown = "time_limit: 60s\nseed: 53\nspares: 1\nschedule: [{at: 1s, for: 50s, fault: membership, change: grow, select: one}]";
    let history = is_healed_when_interrupted(&Squall::new(), grown, "in force: n4 joined");
    let (in_force, healed) = shown(&history, "grow the cluster")[0];
    assert_eq!(listed(in_force, "before "), listed(healed, "listed "), "{healed}");
}

#[test]
fn where_nobody_can_leave_it_is_told_before_anything_is_started() {
    let squall = Squall::new();
    for (target, nodes, least) in [("raft", "1", "of raft 1 at least"), ("zookeeper", "2", "of zookeeper 2 at least")] {
        let run = squall.run(&["test", target, "--nodes", nodes, "--faults", "membership"]);
        run.expect(64);
        assert!(run.stderr.contains("somebody must be left") && run.stderr.contains(least), "{}", run.stderr);
    }
    assert!(!squall.folder().join("store").exists(), "nothing was started");
}
