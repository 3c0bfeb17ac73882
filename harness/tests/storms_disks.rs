//! Storms in which nodes lose their power and disks are in trouble, on real local clusters. One cluster at a time.

mod common;

use common::storm::{are_valid, evidence, is_healed_when_interrupted, is_valid, shown};
use common::{Squall, one_at_a_time};
use std::fs;

/// Every way to lose what was not synced, and every trouble; under a slow disk the leader loses its power.
const SCRIPTED: &str = "
time_limit: 29s
seed: 41
schedule:
- {at: 1s, for: 500ms, fault: power, select: leader}
- {at: 4s, for: 500ms, fault: power, select: all}
- {at: 7s, for: 1s, fault: disk, trouble: eio, select: leader}
- {at: 11s, for: 1s, fault: disk, trouble: eio_sync, select: leader}
- {at: 15s, for: 1s, fault: disk, trouble: full, select: leader}
- {at: 19s, for: 4s, fault: disk, trouble: {slow: 100ms}, select: all}
- {at: 20s, for: 1s, fault: power, select: leader}
- {at: 27s, for: 1s, fault: disk, trouble: {slow_reads: 50ms}, select: one}
";

#[test]
fn lost_power_and_disks_in_trouble_are_shown_and_healed() {
    let _alone = one_at_a_time();
    let squalls = [Squall::new(), Squall::as_ordinary_user_with_disks()];
    for (squall, (output, history)) in squalls.iter().zip(are_valid(&squalls, SCRIPTED)) {
        assert_eq!(history.faults.iter().map(evidence).count(), 8, "all were in force and healed");
        for (in_force, healed) in shown(&history, "cut the power") {
            assert!(
                in_force.contains("gone with SIGKILL, ") && healed.contains("answers after"),
                "{in_force}; {healed}"
            );
        }
        for (what, part) in [("fail all calls", "read: "), ("fail all fsyncs", "fsync: "), ("fill ", "No space left")] {
            let found = shown(&history, what);
            let [(in_force, healed)] = &found[..] else { panic!("{what}: {found:?}") };
            assert!(in_force.contains(part), "{what}: {in_force}");
            // A server that cannot keep its promises stops itself, and is started when its disk is right again.
            assert!(healed.contains("it had stopped itself (gone with status 1)"), "{what}: {healed}");
        }
        let verdicts = output["judgement"]["verdicts"].as_array().unwrap();
        let disks = verdicts.iter().find(|verdict| verdict["checker"] == "disks").expect("it names the model");
        let reason = disks["reason"].as_str().unwrap();
        assert!(reason.contains("power was lost 3 times") && reason.contains("ext4-ordered, as ext4 with"), "{reason}");
        let page = fs::read_to_string(squall.latest().join("report.html")).unwrap();
        assert!(
            page.contains("cut the power of") && page.contains("ext4-ordered, as ext4 with"),
            "the report says so too"
        );
    }
}

#[test]
fn a_correct_server_keeps_its_promises_where_names_are_lost_too() {
    let _alone = one_at_a_time();
    let plan = "
time_limit: 9s
seed: 42
settings: {snapshot_entries: 50}
schedule:
- {at: 1s, for: 500ms, fault: power, model: posix, select: all}
- {at: 3s, for: 500ms, fault: power, model: posix, select: leader}
- {at: 5s, for: 500ms, fault: power, model: posix, select: all}
- {at: 7s, for: 500ms, fault: power, model: posix, select: majority}
";
    let (output, history) = is_valid(&Squall::new(), plan);
    assert_eq!(history.faults.iter().map(evidence).count(), 4, "all were in force and healed");
    assert!(history.facts["disks"].starts_with("posix, "), "{:?}", history.facts);
    assert!(output.to_string().contains("power was lost 4 times, and what was not synced with it: posix"), "{output}");
}

/// All disks are slow when all nodes lose their power: what is acknowledged before it is synced is gone everywhere.
const SLOW_AND_CUT: &str = "
time_limit: 8s
seed: 43
call_timeout: 3s
concurrency: 24
schedule:
- {at: 1s, for: 4s, fault: disk, trouble: {slow: 500ms}, select: all}
- {at: 3s, for: 500ms, fault: power, select: all}
";

#[test]
fn who_acknowledges_what_is_not_synced_is_caught() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let (_, history) = is_valid(&squall, SLOW_AND_CUT);
    assert_eq!(history.faults.iter().map(evidence).count(), 2, "all were in force and healed");
    let plan = squall.file("plan.yaml", SLOW_AND_CUT);
    let run = squall.run(&["test", "raft", "--bug", "ack-before-fsync", "--plan", &plan, "--fail-fast"]);
    run.expect(1);
    assert!(run.stdout.contains("power was lost once"), "{}", run.stdout);
    assert!(run.stderr.contains("kB that were not synced are gone"), "{}", run.stderr);
}

#[test]
fn who_may_not_have_disks_is_told_before_anything_is_started() {
    let _alone = one_at_a_time();
    let squall = Squall::as_ordinary_user();
    let run = squall.run(&["test", "--faults", "power"]);
    run.expect(3);
    for part in ["/dev/fuse", "chmod 0666", "squall doctor"] {
        assert!(run.stderr.contains(part), "`{part}` is missing in: {}", run.stderr);
    }
    assert!(!squall.folder().join("store").exists(), "nothing was started");
    assert!(squall.run(&["doctor"]).stdout.contains("refused  /dev/fuse: not open to this user"));
}

#[test]
fn ctrl_c_brings_back_who_has_no_power_and_whose_disk_fails() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = "
time_limit: 60s
seed: 44
schedule:
- {at: 4s, for: 50s, fault: disk, trouble: full, select: {named: [n1]}}
- {at: 4500ms, for: 50s, fault: power, select: {named: [n2]}}
";
    let history = is_healed_when_interrupted(&squall, plan, "n2 gone with SIGKILL");
    assert_eq!(history.faults.len(), 2);
}
