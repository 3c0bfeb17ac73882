//! Storms in which servers are stopped in order, crash in a loop, restart one after the other and are starved, on real local
//! clusters. One cluster at a time.

mod common;

use common::storm::{are_valid, evidence, is_healed_when_interrupted, is_valid, number, shown};
use common::{Squall, one_at_a_time};
use std::fs;

/// Every way in which servers end and start again, with time for an election behind each.
const SCRIPTED: &str = "
seed: 51
time_limit: 23s
schedule:
- {at: 1s, for: 1s, fault: stop, select: leader}
- {at: 4s, for: 3s, fault: restart, restart: crash_loop, select: leader}
- {at: 9s, for: 2s, fault: restart, restart: {crash_after: 5ms}, select: minority}
- {at: 13s, for: 5s, fault: restart, restart: rolling, select: all}
- {at: 21s, for: 500ms, fault: stop, select: all}
";

/// What the log of a node holds.
fn log(squall: &Squall, node: &str, name: &str) -> String {
    fs::read_to_string(squall.latest().join("nodes").join(node).join(name)).unwrap()
}

/// What the faults of a valid storm show: that each was in force, and that it was healed.
#[track_caller]
fn conducted(squall: &Squall, plan: &str) -> Vec<(String, String)> {
    let (_, history) = is_valid(squall, plan);
    history.faults.iter().map(evidence).map(|(in_force, healed)| (in_force.into(), healed.into())).collect()
}

#[test]
fn servers_stop_crash_and_restart_in_turns_and_serve_again() {
    let _alone = one_at_a_time();
    let squalls = [Squall::new(), Squall::as_ordinary_user()];
    for (squall, (_, history)) in squalls.iter().zip(are_valid(&squalls, SCRIPTED)) {
        let shown = shown(&history, "");
        let [stop, crash_loop, crash_early, rolling, stop_all] = &shown[..] else { panic!("{shown:?}") };
        assert!(stop.0.contains("gone with status 0, "), "it ended in order: {}", stop.0);
        assert_eq!(stop_all.0.matches("gone with status 0, ").count(), 3, "{}", stop_all.0);
        assert!(crash_loop.0.contains("gone with SIGKILL"), "{}", crash_loop.0);
        let early = number(crash_loop.1, " of them before it answered");
        assert!(early > 0 && number(crash_loop.1, " times, ") > early, "some before, some after: {}", crash_loop.1);
        assert!(number(crash_early.1, " of them before it answered") > 20, "{}", crash_early.1);
        assert!(number(rolling.1, " restarts, each server knew a leader") >= 3, "{}", rolling.1);
        // The servers have seen it themselves: who ends in order says so last.
        let ends: usize =
            ["n1", "n2", "n3"].map(|node| log(squall, node, "raftd.log").matches("stopped").count()).iter().sum();
        assert!(ends > number(rolling.1, " restarts, each server") + 3, "{ends} ends in order; {}", rolling.1);
    }
}

#[test]
fn etcd_stops_crashes_and_restarts_in_turns_and_serves_again() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let shown = conducted(&squall, &format!("target: etcd\nprofile: fast{SCRIPTED}"));
    let [stop, crash_loop, crash_early, rolling, stop_all] = &shown[..] else { panic!("{shown:?}") };
    assert!(stop.0.contains(" ms after SIGTERM"), "{}", stop.0);
    // Who leads tries to hand over first, to servers that are gone by then, and may be killed over it.
    assert_eq!(stop_all.0.matches(" after SIGTERM").count(), 3, "{}", stop_all.0);
    assert!(number(&crash_loop.1, " of them before it answered") > 0, "{}", crash_loop.1);
    assert!(number(&crash_early.1, " of them before it answered") > 10, "{}", crash_early.1);
    assert!(number(&rolling.1, " restarts, each server knew a leader") >= 3, "{}", rolling.1);
    let asked = |node| log(&squall, node, "etcd.log").matches("terminated signal").count();
    let asked: usize = ["n1", "n2", "n3"].map(asked).iter().sum();
    assert!(asked > number(&rolling.1, " restarts, each server") + 3, "{asked} were asked; {}", rolling.1);
}

#[test]
fn zookeeper_stops_and_restarts_in_turns_and_serves_again() {
    let _alone = one_at_a_time();
    let plan = "
target: zookeeper
profile: fast
seed: 52
time_limit: 28s
schedule:
- {at: 1s, for: 1s, fault: stop, select: leader}
- {at: 11s, for: 14s, fault: restart, restart: rolling, select: all}
";
    let shown = conducted(&Squall::new(), plan);
    let [stop, rolling] = &shown[..] else { panic!("{shown:?}") };
    assert!(stop.0.contains(" ms after SIGTERM"), "{}", stop.0);
    assert!(rolling.1.contains("server knew a leader again within"), "{}", rolling.1);
}

/// A leader that gets little of a processor, and then the whole cluster.
const STARVED: &str = "
seed: 54
time_limit: 10s
schedule:
- {at: 1s, for: 2s, fault: starve, cpu: 5%, select: leader}
- {at: 6s, for: 2s, fault: starve, cpu: 5%, select: all}
";

/// How long a server takes to answer when it is starved, and how long it took before, in ms; endless where it does not in time.
#[track_caller]
fn answers_ms(told: &str) -> (f64, f64) {
    let (looks, before) = told.rsplit_once(", ").unwrap_or_else(|| panic!("{told}"));
    let ms = |told: &str| told.trim_end_matches(" before").trim_end_matches(" ms").parse().unwrap_or(f64::INFINITY);
    let starved = looks.rsplit_once(" answers after ").map_or(f64::INFINITY, |(_, starved)| ms(starved));
    (starved, ms(before))
}

/// Each server got its share and no more, and answered later; healed, it never stood still.
#[track_caller]
fn are_starved(shown: &[(String, String)]) {
    let [leader, all] = shown else { panic!("{shown:?}") };
    for ((in_force, healed), nodes) in [(leader, 1), (all, 3)] {
        let answers: Vec<(f64, f64)> = in_force.split("; ").map(answers_ms).collect();
        assert!(answers.len() == nodes && answers.iter().all(|(starved, before)| starved > before), "{in_force}");
        let got: Vec<f64> =
            healed.split(" % of a processor").filter_map(|told| told.rsplit(' ').next()?.parse().ok()).collect();
        assert!(got.len() == nodes && got.iter().all(|got| *got > 0.0 && *got < 10.0), "{got:?}: {healed}");
        assert_eq!(healed.matches("stood still in 0 of 50 looks and answers after").count(), nodes, "{healed}");
    }
}

#[test]
fn starved_servers_get_their_share_and_keep_their_promises() {
    let _alone = one_at_a_time();
    for squall in [Squall::new(), Squall::as_ordinary_user()] {
        are_starved(&conducted(&squall, STARVED));
    }
}

#[test]
fn a_starved_etcd_keeps_its_promises() {
    let _alone = one_at_a_time();
    are_starved(&conducted(&Squall::new(), &format!("target: etcd{STARVED}")));
}

#[test]
fn a_starved_zookeeper_keeps_its_promises() {
    let _alone = one_at_a_time();
    are_starved(&conducted(&Squall::new(), &format!("target: zookeeper\nprofile: fast{STARVED}")));
}

#[test]
fn ctrl_c_brings_back_who_is_in_a_crash_loop() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = "
time_limit: 60s
seed: 53
schedule:
- {at: 1s, for: 50s, fault: restart, restart: {crash_after: 10ms}, select: {named: [n1]}}
- {at: 2s, for: 50s, fault: stop, select: {named: [n2]}}
";
    let history = is_healed_when_interrupted(&squall, plan, "after SIGTERM");
    assert_eq!(history.faults.len(), 2);
}
