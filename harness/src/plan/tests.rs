//! Plans as people write them: what they become, and what is refused.

use super::*;

fn parse(text: &str) -> Result<Plan, PlanError> {
    Wishes::parse(text, "storm.yaml")?.resolve()
}

#[test]
fn a_resolved_plan_reads_back_as_itself() {
    for text in [
        "seed: 7",
        "seed: 9\nswarm: true",
        "seed: 9\nswarm: true\nfaults: [clock, kill]\nrate_hz: 50",
        "seed: 1\nbug: stale-read\nnodes: 5\nrate_hz: 12.5",
        "seed: 3\nfaults: []\ntime_limit: 90s",
        "seed: 3\nspares: 2\nfaults: [membership, kill]",
    ] {
        let plan = parse(text).unwrap();
        let yaml = plan.to_yaml().unwrap();
        assert_eq!(parse(&yaml).unwrap(), plan, "{yaml}");
    }
}

#[test]
fn a_swarm_draws_what_is_not_given() {
    let plans: Vec<Plan> =
        (0..40).map(|seed| parse(&format!("seed: {seed}\nswarm: true\ntime_limit: 60s")).unwrap()).collect();
    let distinct = |of: fn(&Plan) -> String| plans.iter().map(of).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(distinct(|plan| plan.nodes.to_string()), 2);
    assert!(distinct(|plan| plan.rate_hz.to_string()) > 20 && distinct(|plan| plan.concurrency.to_string()) > 8);
    assert!(distinct(Plan::title) > 4, "some families are left out");
    let mixture = plans[0].mixture().expect("it was drawn").to_string();
    assert_eq!(parse(&plans[0].to_yaml().unwrap()).unwrap().mixture().map(|again| again.to_string()), Some(mixture));
    let given = parse("seed: 3\nswarm: true\nnodes: 4\nrate_hz: 70\nconcurrency: 9\nfaults: [kill]").unwrap();
    assert_eq!((given.nodes, given.rate_hz, given.concurrency), (4, 70.0, 9));
    assert!(given.schedule.iter().all(|planned| planned.fault == squall_nemesis::Family::Kill));
    assert_eq!(parse("seed: 3").unwrap().mixture(), None);
}

#[test]
fn the_plan_of_the_longest_storm_reads_back_as_itself() {
    let plan = parse("seed: 7\nnodes: 15\ntime_limit: 12h\n").unwrap();
    assert!(plan.schedule.len() > 5_000);
    assert!(parse(&plan.to_yaml().unwrap()).as_ref() == Ok(&plan), "it is not the same, or cannot be read");
}

#[test]
fn a_family_that_is_named_twice_counts_once() {
    let plan = parse("seed: 7\nfaults: [kill, pause, kill]").unwrap();
    assert_eq!(plan.faults.iter().map(FaultName::as_str).collect::<Vec<_>>(), ["kill", "pause"]);
    assert_eq!(plan.schedule, parse("seed: 7\nfaults: [kill, pause]").unwrap().schedule);
}

#[test]
fn every_selector_is_written_as_it_is_listed() {
    for (text, _) in Selector::ALL {
        let yaml = format!("schedule: [{{at: 1s, for: 1s, fault: kill, select: {text}}}]");
        let wishes = Wishes::parse(&yaml, "storm.yaml").unwrap();
        let select = wishes.schedule.unwrap().remove(0).select;
        assert!(text == select.to_string() || matches!(select, Selector::Named(_)), "{text}: {select}");
    }
    let newest = parse("schedule: [{at: 1s, for: 1s, fault: kill, select: newest_leader}]").unwrap();
    assert_eq!(newest.schedule[0].select, Selector::Leader);
}

#[test]
fn what_a_fault_waits_for_is_bounded_by_the_storm() {
    let first = |after: &str| {
        let plan = parse(&format!("schedule: [{{{after}, for: 2s, fault: kill, select: one}}]")).unwrap();
        assert_eq!(parse(&plan.to_yaml().unwrap()).unwrap(), plan);
        plan.schedule[0].clone()
    };
    for (text, at_ms, within_ms) in [
        ("after: {writes: 500}", 0, 18_000),
        ("at: 5s, after: {leader_change: 2, wait: 1s}", 5_000, 12_000),
        ("at: 5s, after: {log: elected, node: n1, within: 3s}", 5_000, 3_000),
        ("after: {log: elected, node: any}", 0, 18_000),
        ("after: {log_regex: \"elected .* [0-9]+$\"}", 0, 18_000),
    ] {
        let planned = first(text);
        let within = planned.after.expect("it waits for something").within;
        assert_eq!((planned.at.ms(), within.map(|within| within.ms())), (at_ms, Some(within_ms)), "{text}");
    }
    for (text, _) in squall_nemesis::Trigger::ALL {
        first(&format!("after: {text}"));
    }
}

#[test]
fn a_seed_repeats_the_schedule() {
    assert_eq!(parse("seed: 7").unwrap().schedule, parse("seed: 7").unwrap().schedule);
    assert_ne!(parse("seed: 7").unwrap().schedule, parse("seed: 8").unwrap().schedule);
}

#[test]
fn flags_outdo_the_file() {
    let file =
        Wishes::parse("nodes: 5\nseed: 1\nschedule: [{at: 1s, for: 1s, fault: kill, select: one}]", "f").unwrap();
    let flags = Wishes { nodes: Some(Nodes(3)), ..Wishes::default() };
    let plan = flags.clone().or(file.clone()).resolve().unwrap();
    assert_eq!((plan.nodes, plan.seed, plan.schedule.len()), (3, 1, 1));
    let quiet = Wishes { faults: Some(vec![]), ..flags }.or(file).resolve().unwrap();
    assert_eq!(quiet.schedule, []);
    let silent = || Wishes::parse("retry: true", "f").unwrap();
    let named = Wishes { target: "raft".parse().ok(), ..Wishes::default() };
    assert!(named.or(silent()).resolve().unwrap().retry, "who names no target means the default one");
}

/// The error must hold all of these texts.
fn refused(text: &str, parts: &[&str]) {
    let error = parse(text).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "{text}: `{part}` is missing in: {error}");
    }
}

#[test]
fn a_broken_plan_is_refused_with_line_and_caret() {
    refused("seed: 1\ntarget: raaft\n", &["storm.yaml", "2:9", "^", "did you mean `raft`?"]);
    refused("seed: 1\nnodse: 3\n", &["storm.yaml", "2:1", "^", "unknown field `nodse`"]);
    refused("time_limit: 20\n", &["storm.yaml", "1:13", "^", "no length of time"]);
    refused("nodes: 0\n", &["storm.yaml", "1:8", "^", "from 1 to 15"]);
    refused("nodes: 2.5\n", &["from 1 to 15, not 2.5"]);
    refused("rate_hz: -3\n", &["the rate (calls a second) must be from"]);
    refused("faults: [kill, puase]\n", &["1:16", "^", "did you mean `pause`?"]);
    refused("schedule:\n- {at: 1s, for: 1s, fault: kill, select: leadr}\n", &["storm.yaml", "2:", "^", "leadr"]);
    refused("nodes: [\n", &["storm.yaml"]);
    let partition =
        |more: &str| format!("schedule:\n- at: 1s\n  for: 2s\n  fault: partition\n  {more}\n  select: all\n");
    refused(&partition("shape: brigde"), &["storm.yaml", "5:10", "^", "brigde", "bridge"]);
    refused(&partition("shape: {links: [n1>n2, n1]}"), &["storm.yaml", "5:26", "^", "`n1` is no link"]);
    refused(&partition("flapping: 3"), &["storm.yaml", "5:13", "^", "no length of time"]);
}

#[test]
fn shapes_read_back_as_themselves_and_the_default_is_not_written() {
    let text = "nodes: 5
seed: 1
schedule:
- {at: 1s, for: 1s, fault: partition, select: leader}
- {at: 3s, for: 1s, fault: partition, shape: bridge, select: one}
- {at: 5s, for: 1s, fault: partition, shape: {links: [n1>n2, n3>n1]}, select: all}
- {at: 7s, for: 1s, fault: partition, shape: majorities_ring, flapping: 250ms, select: all}
";
    let plan = parse(text).unwrap();
    let yaml = plan.to_yaml().unwrap();
    assert_eq!(parse(&yaml).unwrap(), plan, "{yaml}");
    assert_eq!((yaml.matches("shape:").count(), yaml.matches("flapping:").count()), (3, 1), "{yaml}");
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let partition = |more: &str| format!("schedule: [{{at: 1s, for: 4s, fault: partition, {more}}}]\n");
    refused(&partition("shape: majorities_ring, select: all"), &["fault 1", "majorities_ring", "5 nodes"]);
    refused(&partition("shape: halves, select: one"), &["fault 1", "select: all"]);
    refused(&partition("shape: {links: [n1>n7]}, select: all"), &["fault 1", "no node called `n7`"]);
    refused(&partition("flapping: 3s, select: one"), &["fault 1", "twice this time"]);
    refused(&partition("select: {named: [n1, n2, n3]}"), &["fault 1", "other side"]);
    refused("schedule: [{at: 1s, for: 4s, fault: kill, shape: bridge, select: one}]\n", &["only a partition"]);
}

#[test]
fn packet_faults_read_back_as_themselves() {
    let text = "seed: 1
schedule:
- {at: 1s, for: 1s, fault: packet, packets: {delay: {by: 50ms, jitter: 10ms, distribution: normal}}, select: leader}
- {at: 3s, for: 1s, fault: packet, packets: {loss: 20%, correlation: 25%}, direction: from, select: one}
- {at: 5s, for: 1s, fault: packet, packets: {reorder: {share: 25%, by: 10ms}, rate: 1mbit}, direction: {links: [n1>n2]}, select: all}
- {at: 7s, for: 1s, fault: packet, packets: {delay: {by: 50ms}, duplicate: 5%, corrupt: 1%}, direction: both, select: all}
";
    let plan = parse(text).unwrap();
    let yaml = plan.to_yaml().unwrap();
    assert_eq!(parse(&yaml).unwrap(), plan, "{yaml}");
    assert_eq!((yaml.matches("direction:").count(), yaml.matches("jitter:").count()), (2, 1), "{yaml}");
}

#[test]
fn packet_faults_that_are_none_are_refused_with_line_and_caret() {
    let packet = |more: &str| format!("schedule:\n- at: 1s\n  for: 2s\n  fault: packet\n  {more}\n  select: all\n");
    refused(&packet("packets: {loss: 20}"), &["storm.yaml", "5:19", "^", "`20` is no share"]);
    refused(&packet("packets: {rate: 1Mbit}"), &["storm.yaml", "5:19", "^", "no width of a link"]);
    refused(&packet("packets: {delay: {by: 50}}"), &["storm.yaml", "5:25", "^", "no length of time"]);
    refused(&packet("packets: {delya: {by: 50ms}}"), &["storm.yaml", "5:13", "^", "unknown field `delya`"]);
    refused(&packet("direction: form"), &["storm.yaml", "5:14", "^", "form", "from"]);
    refused(&packet("packets: {}"), &["fault 1", "nothing is said to be wrong"]);
    refused(&packet("direction: to"), &["fault 1", "what is wrong? say for instance packets: {loss: 20%}"]);
}

#[test]
fn only_clients_that_are_processes_can_be_paused() {
    refused("faults: [kill, pause-client]\n", &["the clients of register are no processes of their own"]);
    refused("schedule: [{at: 1s, for: 1s, fault: pause-client, select: one}]\n", &["the clients of register are"]);
    refused("schedule: [{at: 1s, for: 1s, fault: kill, select: holder}]\n", &["fault 1", "only clients hold locks"]);
    let drawn = parse("seed: 1").unwrap();
    assert!(!drawn.faults.iter().any(|name| name.as_str() == "pause-client"), "not drawn where it cannot be");
}

#[test]
fn disks_are_there_where_the_faults_need_them() {
    let fault = |more: &str| format!("schedule: [{{at: 1s, for: 2s, select: leader, {more}}}]\n");
    for (text, disks) in [
        ("seed: 1", None),
        ("seed: 1\nfaults: [kill, power]", Some(Model::Ext4Ordered)),
        ("faults: [disk]", Some(Model::Ext4Ordered)),
        (&fault("fault: power"), Some(Model::Ext4Ordered)),
        (&fault("fault: power, model: posix"), Some(Model::Posix)),
        (&fault("fault: disk, trouble: full"), Some(Model::Ext4Ordered)),
        (&fault("fault: kill"), None),
    ] {
        assert_eq!(parse(text).unwrap().disks(), disks, "{text}");
    }
    let drawn = parse("seed: 1").unwrap();
    assert!(drawn.faults.iter().all(|name| !name.family().needs_disks()), "they want to be asked for");
}

#[test]
fn faults_of_disks_read_back_as_themselves() {
    let text = "seed: 1
schedule:
- {at: 1s, for: 1s, fault: power, select: all}
- {at: 3s, for: 1s, fault: power, model: posix, select: one}
- {at: 5s, for: 1s, fault: disk, trouble: eio_sync, select: leader}
- {at: 7s, for: 1s, fault: disk, trouble: {slow: 200ms}, select: majority}
- {at: 9s, for: 1s, fault: disk, trouble: {slow_reads: 50ms}, select: one}
";
    let plan = parse(text).unwrap();
    let yaml = plan.to_yaml().unwrap();
    assert_eq!(parse(&yaml).unwrap(), plan, "{yaml}");
    assert_eq!((yaml.matches("model:").count(), yaml.matches("trouble:").count()), (1, 3), "{yaml}");
}

#[test]
fn faults_of_disks_that_do_not_fit_are_refused() {
    let fault = |more: &str| format!("schedule:\n- at: 1s\n  for: 2s\n  {more}\n  select: leader\n");
    refused(&fault("fault: disk"), &["fault 1", "disk of leader", "what is wrong? say for instance trouble: eio"]);
    refused(&fault("fault: disk\n  trouble: ieo"), &["storm.yaml", "5:12", "^", "ieo", "eio"]);
    refused(&fault("fault: disk\n  trouble: {slow: 3}"), &["storm.yaml", "^", "no length of time"]);
    refused(&fault("fault: disk\n  trouble: {slow: 9s}"), &["fault 1", "disk (slow 9s)", "from 1ms to 2s"]);
    refused(&fault("fault: disk\n  trouble: full\n  model: posix"), &["only a loss of power has a model"]);
    refused(&fault("fault: power\n  trouble: full"), &["fault 1", "only a disk has a trouble"]);
    refused(&fault("fault: power\n  model: ext3"), &["storm.yaml", "5:10", "^", "ext3", "ext4-ordered"]);
    let both = "schedule:
- {at: 1s, for: 1s, fault: power, model: ext4-ordered, select: all}
- {at: 3s, for: 1s, fault: power, model: posix, select: one}
";
    refused(both, &["one model of disks, not both ext4-ordered and posix"]);
}

#[test]
fn a_profile_outdoes_the_settings_of_the_file_and_a_setting_the_profile() {
    let file = parse("seed: 1\nsettings: {heartbeat_ms: 70}").unwrap();
    assert_eq!((file.settings["heartbeat_ms"], file.settings["election_ms"]), (70, 300));
    let file = || Wishes::parse(&file.to_yaml().unwrap(), "f").unwrap();
    let typed = |text| Wishes::parse(text, "f").unwrap().or(file()).resolve().unwrap();
    assert_eq!(typed("settings: {election_ms: 400}").settings["heartbeat_ms"], 70);
    assert_eq!(typed("settings: {election_ms: 400}").settings["election_ms"], 400);
    assert_eq!(typed("profile: fast").settings["heartbeat_ms"], 50);
}

#[test]
fn what_the_target_does_not_know_is_refused() {
    refused("read: redindex\n", &["way to read raft", "did you mean `read-index`?"]);
    refused("settings: {heartbeat: 7}\n", &["setting of raft", "did you mean `heartbeat_ms`?"]);
    refused("settings: {heartbeat_ms: 1}\n", &["heartbeat_ms must be from 10 to 60000, not 1"]);
    refused("bin: /bin/true\n", &["raft has its server built in"]);
    refused("profile: fats\n", &["1:10", "^", "did you mean `fast`?"]);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    refused("bug: stale-raed\n", &["planted bug of raft", "did you mean `stale-read`?"]);
    refused("time_limit: 300ms\n", &["too short"]);
    refused("time_limit: 13h\n", &["too long", "12h"]);
    refused("schedule: [{at: 19s, for: 4s, fault: kill, select: one}]\n", &["fault 1", "after the storm"]);
    refused("schedule: [{at: 1s, for: 4s, fault: partition, select: all}]\n", &["fault 1", "other side"]);
    refused("schedule: [{at: 1s, for: 4s, fault: kill, select: {named: [n7]}}]\n", &["no node called `n7`", "n1"]);
    refused("schedule: [{at: 1s, for: 4s, fault: kill, select: {named: [n1, n1]}}]\n", &["fault 1", "n1 twice"]);
    let waits = |after: &str, parts: &[&str]| {
        refused(&format!("schedule: [{{after: {after}, for: 2s, fault: kill, select: one}}]\n"), parts);
    };
    waits("{}", &["^", "after what?"]);
    waits("{writes: 5, log: x}", &["^", "one thing"]);
    waits("{writes: 5, node: n1}", &["^", "node belongs to log"]);
    waits("{wrties: 5}", &["^", "unknown field `wrties`"]);
    waits("{log_regex: \"lost (\"}", &["storm.yaml", "1:", "^", "`lost (` is no regular expression", "log: does so"]);
    waits("{writes: 0}", &["fault 1", "writes: 0 is at once"]);
    waits("{log: x, node: n9}", &["fault 1", "no node called `n9`"]);
    waits("{writes: 5, within: 19s}", &["fault 1", "may come so late", "21s"]);
    waits("{writes: 5, wait: 19s}", &["fault 1", "it ends at 21s"]);
    waits("{writes: 5, wait: 18s}", &["fault 1", "within leaves no time"]);
    refused("schedule: [{at: 1s, for: 1s, fault: kill, select: last}]\n", &["fault 1", "no fault comes before it"]);
    refused("nodes: 1\nschedule: [{at: 1s, for: 1s, fault: kill, select: follower}]\n", &["has no followers"]);
    refused("nodes: 1\nfaults: [partition]\n", &["cannot be partitioned"]);
    refused("nodes: 1\nfaults: [membership]\n", &["somebody must be left", "add nodes"]);
    refused("spares: 16\n", &["1:9", "^", "from 0 to 15"]);
    refused("spares: 1\n", &["spares join by faults of the family membership"]);
    let grow = |spares: usize, select: &str| {
        format!("spares: {spares}\nschedule: [{{at: 1s, for: 1s, fault: membership, change: grow, select: {select}}}]")
    };
    refused(&grow(0, "one"), &["fault 1", "nobody to join", "give spares: 1"]);
    refused(&grow(2, "minority"), &["fault 1", "select one, all, or spares by name"]);
    refused(&grow(1, "{named: [n1]}"), &["fault 1", "no spare called `n1`", "n4"]);
    assert_eq!(parse(&grow(1, "{named: [n4]}")).unwrap().spare_names(), ["n4"]);
    assert!(parse("nodes: 1\nspares: 1\nfaults: [membership]\n").is_ok(), "nobody must leave for it");
    refused("target: etcd\nnodes: 2\nfaults: [kill, membership]\n", &["of 2 nodes none", "of etcd 2 at least"]);
    refused("nodes: 1\nfaults: [packet]\n", &["sends no packets", "leave packet out"]);
}
