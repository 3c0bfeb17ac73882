//! kill -9 at any moment: nothing of the run is left, and what it recorded can be judged.
//!
//! A kill in each phase is a test like any other. Random moments are many runs:
//!
//!     cargo test --release -p squall --test kills -- --ignored --nocapture

#[path = "../common/mod.rs"]
mod common;
mod killing;
mod random;

use common::{Running, Squall, send};
use killing::{PATIENCE, await_recorded, killed, killed_within, many_calls, try_to_kill, wait_until};
use squall_results::History;
use squall_results::event::PhaseName;

/// Some faults were recorded, and none of them as healed.
#[track_caller]
fn are_not_healed(history: &History, count: usize) {
    assert_eq!(history.faults.len(), count, "{:?}", history.faults);
    assert!(history.faults.iter().all(|fault| fault.healed.is_none()), "{:?}", history.faults);
}

/// One fault was recorded, and not that it was in force.
fn is_being_injected(history: &History) -> bool {
    matches!(&history.faults[..], [fault] if fault.in_force.is_none() && fault.problem.is_none())
}

#[test]
fn while_the_cluster_comes_up() {
    let ended = try_to_kill("nodes: 15", |_, running| {
        wait_until("some nodes are there", || running.agents().len() >= 3);
    });
    let (history, status) = ended.expect("it came to its end before it was killed");
    assert_eq!(status, 2, "nothing happened");
    assert!(history.is_none_or(|history| history.operations.is_empty()));
}

#[test]
fn in_the_middle_of_an_injection() {
    let schedule = "schedule: [{at: 1s, for: 30s, fault: partition, shape: majorities_ring, select: all}]";
    let plan = |_| format!("{{time_limit: 60s, nodes: 5, {schedule}}}");
    let (_, status) = killed_within(plan, |squall, _| await_recorded(squall, "ring "), is_being_injected);
    assert_eq!(status, 0, "a second of calls");
}

#[test]
fn in_the_storm() {
    let (history, status) = killed("{time_limit: 60s, faults: []}", |squall, running| {
        running.await_line("serving after", PATIENCE);
        await_recorded(squall, "\"op\":500,\"outcome\"");
    });
    assert!(history.end.is_none() && history.operations.len() >= 500);
    assert_eq!(status, 0);
}

#[test]
fn while_disks_are_slow_and_power_is_lost() {
    let schedule = "schedule: [{at: 500ms, for: 50s, fault: disk, trouble: {slow: 2s}, select: all},
        {at: 1500ms, for: 50s, fault: power, select: leader}]";
    let (history, status) = killed(&format!("{{time_limit: 60s, {schedule}}}"), |squall, _| {
        await_recorded(squall, "gone with SIGKILL");
    });
    are_not_healed(&history, 2);
    assert!([0, 2].contains(&status));
}

#[test]
fn in_the_middle_of_a_loss_of_power() {
    let schedule = "schedule: [{at: 1s, for: 50s, fault: power, select: all}]";
    let plan = |_| format!("{{time_limit: 60s, nodes: 5, {schedule}}}");
    killed_within(plan, |squall, _| await_recorded(squall, "cut the power of"), is_being_injected);
}

#[test]
fn while_servers_crash_in_a_loop_and_take_turns() {
    let schedule = "schedule: [{at: 500ms, for: 50s, fault: restart, restart: crash_loop, select: {named: [n1]}},
        {at: 1s, for: 50s, fault: restart, restart: rolling, select: {named: [n2]}}]";
    let (history, status) = killed(&format!("{{time_limit: 60s, {schedule}}}"), |squall, _| {
        await_recorded(squall, "after SIGTERM");
    });
    are_not_healed(&history, 2);
    assert!([0, 2].contains(&status));
}

#[test]
fn while_servers_are_starved() {
    let schedule = "schedule: [{at: 500ms, for: 50s, fault: starve, cpu: 5%, select: all}]";
    let (history, _) = killed(&format!("{{time_limit: 60s, {schedule}}}"), |squall, _| {
        await_recorded(squall, "stood still in");
    });
    are_not_healed(&history, 1);
}

#[test]
fn while_members_leave_and_join() {
    let schedule = "schedule: [{at: 1s, for: 1s, fault: membership, change: shrink, select: majority}]";
    let plan = |_| format!("{{time_limit: 60s, nodes: 5, {schedule}}}");
    for moment in ["shrink the cluster by", "\"in_force\":", "\"heal\""] {
        let is_under_way = |history: &History| history.faults.iter().all(|fault| fault.healed.is_none());
        let (history, status) = killed_within(plan, |squall, _| await_recorded(squall, moment), is_under_way);
        are_not_healed(&history, 1);
        assert!([0, 2].contains(&status), "{moment}");
    }
}

#[test]
fn in_the_recovery() {
    let (history, status) = killed("{time_limit: 2s, faults: []}", |squall, running| {
        running.await_line("serving after", PATIENCE);
        // A server that does not answer: the recovery waits for it.
        running.servers().into_iter().take(1).for_each(|server| send(server, libc::SIGSTOP));
        await_recorded(squall, "\"recovery\"");
    });
    assert!(history.phase_ns(PhaseName::Recovery).is_some() && history.phase_ns(PhaseName::FinalReads).is_none());
    assert!([0, 2].contains(&status));
}

#[test]
fn in_the_final_reads() {
    let reads = |squall: &Squall, _: &mut Running| await_recorded(squall, "\"final_reads\"");
    let (history, _) = killed_within(many_calls, reads, |history| history.end.is_none());
    assert!(history.phase_ns(PhaseName::FinalReads).is_some());
}

#[test]
fn while_it_is_judged() {
    let ended = |squall: &Squall, _: &mut Running| await_recorded(squall, "\"end\":");
    let (_, status) = killed_within(many_calls, ended, |history| history.end.is_some());
    assert_eq!(status, 0);
}

#[test]
fn while_the_report_is_written() {
    let is_judged = |squall: &Squall, _: &mut Running| {
        wait_until("there is a verdict", || squall.folder().join("store/latest/verdict.json").exists());
    };
    let (_, status) = killed_within(many_calls, is_judged, |history| history.end.is_some());
    assert_eq!(status, 0);
}
