//! Campaign files as people write them: the cases they become, and what is refused.

use super::*;
use crate::campaign::file::CampaignFile;

fn cases(text: &str) -> Result<Vec<Case>, CampaignError> {
    CampaignFile::parse(text.into(), "nightly.yaml".into())?.cases(7)
}

/// The cases of this file, one a line, without their seeds.
#[track_caller]
fn check(text: &str, expected: &[&str]) -> Vec<Case> {
    let cases = cases(text).unwrap_or_else(|error| panic!("{error}"));
    let told = cases.iter().map(|case| case.to_string().split(", seed").next().unwrap_or_default().to_owned());
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(cases.iter().zip(1..).all(|(case, number)| case.number == number));
    cases
}

#[test]
fn a_matrix_is_every_combination() {
    check(
        "cases: [{targets: [raft, etcd], workloads: [register, set], faults: [kill, [pause, kill], none, swarm], nodes: 5}]",
        &[
            "raft, register, kill, 5 nodes",
            "etcd, register, kill, 5 nodes",
            "raft, register, pause+kill, 5 nodes",
            "etcd, register, pause+kill, 5 nodes",
            "raft, register, none, 5 nodes",
            "etcd, register, none, 5 nodes",
            "raft, register, swarm, 5 nodes",
            "etcd, register, swarm, 5 nodes",
            "raft, set, kill, 5 nodes",
            "etcd, set, kill, 5 nodes",
            "raft, set, pause+kill, 5 nodes",
            "etcd, set, pause+kill, 5 nodes",
            "raft, set, none, 5 nodes",
            "etcd, set, none, 5 nodes",
            "raft, set, swarm, 5 nodes",
            "etcd, set, swarm, 5 nodes",
        ],
    );
}

#[test]
fn some_are_left_out_and_some_come_besides() {
    check(
        "cases:
- targets: [raft, {target: etcd, profile: fast}, {target: etcd, read: serializable}]
  workload: register
  faults: [partition, kill+pause]
  exclude:
  - {target: etcd, faults: partition}
  - {target: {target: etcd, read: serializable}}
  include: {workload: lock, target: etcd, faults: pause-client}",
        &[
            "raft, register, partition, 3 nodes",
            "raft, register, kill+pause, 3 nodes",
            "etcd fast, register, kill+pause, 3 nodes",
            "etcd, lock, pause-client, 3 nodes",
        ],
    );
}

#[test]
fn what_is_not_said_is_the_usual() {
    let usual = check("cases: [{}]", &["raft, register, partition+kill+pause, 3 nodes"]);
    assert_eq!(usual[0].expect, Expect::Valid);
    let by_hand = "{schedule: [{at: 1s, for: 1s, fault: kill, select: leader}], rate_hz: 90}";
    let by_hand = check(&format!("cases: [{{target: etcd, plan: {by_hand}}}]"), &["etcd, register, kill, 3 nodes"]);
    assert_eq!(by_hand[0].plan.clone().resolve().unwrap().rate_hz, 90.0);
}

#[test]
fn the_nearest_word_counts() {
    let text = "plan: {time_limit: 9s, rate_hz: 10, profile: fast, nodes: 5}
cases:
- targets: [{name: mine, target: etcd, rate_hz: 40}, zookeeper]
  time_limit: 7s
  plan: {rate_hz: 20}";
    let cases = check(
        text,
        &["mine, register, partition+kill+pause, 5 nodes", "zookeeper fast, register, partition+kill+pause, 5 nodes"],
    );
    let plans: Vec<Plan> = cases.into_iter().map(|case| case.plan.resolve().unwrap()).collect();
    let told = plans.iter().map(|plan| (plan.rate_hz, plan.time_limit.ms(), plan.profile.to_string()));
    assert_eq!(told.collect::<Vec<_>>(), [(40.0, 7_000, "fast".to_owned()), (20.0, 7_000, "fast".to_owned())]);
}

#[test]
fn nothing_that_is_said_is_forgotten() {
    let text = "cases: [{target: {target: etcd, read: serializable, profile: fast, settings: {heartbeat_ms: 60}},
        plan: {consistency: linearizable, failover_bound: 9s, settings: {heartbeat_ms: 70, snapshot_count: 500}}}]";
    let plan = cases(text).unwrap().remove(0).plan.resolve().unwrap();
    assert_eq!((plan.consistency.as_str(), plan.failover_bound.ms()), ("linearizable", 9_000));
    assert_eq!(
        (plan.settings["heartbeat_ms"], plan.settings["snapshot_count"], plan.settings["election_ms"]),
        (60, 500, 250)
    );
}

#[test]
fn all_meet_the_same_storms() {
    let text = "cases: [{targets: [raft, etcd], seeds: 3, faults: kill}, {seeds: [5, 6]}, {seeds: 1, workload: set}]";
    let seeds: Vec<u64> = cases(text).unwrap().iter().map(|case| case.seed).collect();
    let [one, two, three] = seeds[..3] else { panic!("{seeds:?}") };
    assert_eq!(seeds, [one, two, three, one, two, three, 5, 6, one]);
    assert!(one != two && two != three);
    let schedules = cases(text).unwrap().into_iter().map(|case| case.plan.resolve().unwrap().schedule);
    let schedules: Vec<_> = schedules.collect();
    assert_eq!(schedules[0], schedules[3]);
    assert_eq!(cases(text), cases(text), "and so in every shard");
}

#[test]
fn what_comes_twice_is_run_once() {
    check(
        "cases: [{faults: [kill, kill]}, {faults: kill}, {faults: kill, time_limit: 9s}]",
        &["raft, register, kill, 3 nodes", "raft, register, kill, 3 nodes"],
    );
}

#[test]
fn controls_are_counted_by_combination() {
    let text = "cases:
- {name: seen, target: {target: raft, bug: stale-read}, expect: invalid, at_least: 3 of 5}
- {targets: [{target: etcd, read: serializable}, {target: zookeeper, read: local}], plan: {consistency: linearizable},
   expect: invalid, seeds: 2, faults: pause}";
    let cases = cases(text).unwrap();
    let mut controls: Vec<Control> = cases.iter().filter_map(|case| case.control.clone()).collect();
    assert_eq!(controls.len(), 9);
    controls.dedup();
    let control = |number, name: &str, least, of| Control { number, name: name.into(), least, of };
    assert_eq!(
        controls,
        [
            control(1, "seen", 3, 5),
            control(2, "etcd read serializable, as linearizable, register, pause", 1, 2),
            control(3, "zookeeper as linearizable, register, pause", 1, 2),
        ]
    );
}

/// The file is refused, with the place and the words.
#[track_caller]
fn refused(text: &str, place: &str, words: &str) {
    let error = cases(text).expect_err(text).to_string();
    assert!(error.contains(&format!("nightly.yaml:{place}")), "{place} is missing in:\n{error}");
    assert!(error.contains(words), "`{words}` is missing in:\n{error}");
    assert!(error.lines().any(|line| line.trim_start_matches([' ', '|']).starts_with('^')), "no caret in:\n{error}");
}

#[test]
fn what_is_wrong_is_shown_in_its_place() {
    refused("cases:\n- targets: [raft, raftt]", "2:19", "did you mean `raft`?");
    refused("cases:\n- target: {target: etcd, raed: x}", "2:", "unknown field `raed`");
    refused("cases:\n- target: {read: lease}", "2:", "it names no target");
    refused(
        "cases:\n- targets:\n  - raft\n  - {target: etcd, read: lease}",
        "4:5",
        "no way to read etcd called `lease`",
    );
    refused("cases:\n- faults: kill+puase", "2:11", "did you mean `pause`?");
    refused("cases:\n- faults: []", "2:", "the list is empty");
    refused("cases:\n- seeds: 0", "2:", "from 1 to 1000 seeds");
    refused("cases:\n- nodes: [3, 99]", "2:", "from 1 to 15");
    refused("cases:\n- workloads: register\n  exclude:\n  - workload: set", "4:", "leaves nothing out");
    refused("cases:\n- workloads: register\n  exclude: {}", "2:", "everything of this entry is left out");
    refused("cases:\n- at_least: 1 of 2", "2:13", "add expect: invalid");
    refused("cases:\n- expect: invalid\n  seeds: 3\n  at_least: 1 of 2", "4:13", "there are 3 seeds");
    refused("cases:\n- expect: invalid\n  at_least: 3 of 2", "3:13", "3 of 5");
    refused("cases:\n- expect: unknown", "2:11", "unknown variant");
    refused("cases: []", "1:", "it has no cases");
    refused("budgt: 3m\ncases: [{}]", "1:1", "unknown field `budgt`");
    refused(
        "cases:\n- {workload: lock, faults: kill, target: zookeeper, nodes: 1, seeds: 1000, plan: {schedule: []}}\n- seeds: 1000\n  nodes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n  faults: kill",
        "3:",
        "5000 cases at most",
    );
}

#[test]
fn long_lists_are_refused_before_they_are_multiplied() {
    let list = |one: &str| format!("[{}]", vec![one; 1_000].join(", "));
    let text = format!(
        "cases:\n- {{targets: {}, workloads: {}, faults: {}, nodes: {}}}",
        list("raft"),
        list("set"),
        list("kill"),
        list("3")
    );
    refused(&text, "2:3", "5000 cases at most");
}

#[test]
fn the_nightly_example_fits_into_its_budget() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/campaigns/nightly.yaml");
    let file = CampaignFile::read(path.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    let cases = file.cases(7).unwrap();
    let budget_ms = file.contents.budget.unwrap().ms();
    assert!(budget_ms <= 30 * 60_000);
    // On two processors one case after the other; cluster, recovery and report take some seconds each.
    let needed_ms: u64 = cases.iter().map(|case| case.plan.time_limit.unwrap().ms() + 10_000).sum();
    assert!(needed_ms <= budget_ms, "{} cases take {} s", cases.len(), needed_ms / 1_000);
    let targets: std::collections::BTreeSet<String> =
        cases.iter().map(|case| case.plan.target.unwrap().to_string()).collect();
    assert_eq!(targets.into_iter().collect::<Vec<_>>(), ["etcd", "raft", "zookeeper"]);
    assert!(cases.iter().any(|case| case.control.is_some()) && cases.iter().any(|case| case.control.is_none()));
}
