//! Clusters on machines that are reached by ssh: real sshd, in namespaces of their own.

#[path = "../common/mod.rs"]
mod common;
mod stage;

use common::{Squall, json, send};
use stage::{MACHINES, machines, read};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_storm_over_ssh_is_judged_and_leaves_no_trace() {
    let stage = machines();
    let squall = Squall::new();
    let plan = squall.file(
        "plan.yaml",
        "seed: 5\ntime_limit: 8s\nrate_hz: 200\nschedule:\n\
         - {at: 1s, for: 1s, fault: partition, select: leader}\n\
         - {at: 3s, for: 1s, fault: kill, select: leader}\n\
         - {at: 6s, for: 1s, fault: pause, select: leader}\n",
    );
    let hosts = stage.hosts();
    let run = stage.start(&squall, &["test", "raft", "--plan", &plan, "--nodes", &hosts, "--json"]).finish();
    run.expect(0);
    let json = json(&run);
    assert_eq!(json["judgement"]["validity"], "valid", "{json}");
    let store = squall.latest();
    assert_eq!(json["figures"]["faults_in_force"], 3, "{}", run.stderr);
    for n in 1..=MACHINES {
        let logs = read(&store.join(format!("nodes/n{n}/raftd.log")));
        let stamped = read(&store.join(format!("nodes/n{n}/raftd.stamped.log")));
        assert_eq!(logs.lines().count(), stamped.lines().count(), "every line was stamped");
        assert!(logs.lines().count() > 2, "the log of n{n} came back: {logs}");
    }
    stage.await_clean();
}

#[test]
fn when_the_controller_vanishes_its_faults_are_healed() {
    let stage = machines();
    let squall = Squall::new();
    let plan = squall.file(
        "plan.yaml",
        "seed: 1\ntime_limit: 60s\nschedule:\n\
         - {at: 1s, for: 50s, fault: partition, select: {named: [n1]}}\n- {at: 1s, for: 50s, fault: pause, select: {named: [n2]}}\n",
    );
    let hosts = stage.hosts();
    let mut running = stage.start(&squall, &["test", "--plan", &plan, "--nodes", &hosts]);
    running.await_line("pause", SOON);
    stage.await_nothing(1, "iptables -S SQUALL-CUT | grep -q DROP || echo no rule yet");
    // The process that entered the namespaces waits outside of them.
    running.agents().into_iter().for_each(|controller| send(controller, libc::SIGKILL));
    stage.await_healed();
}
