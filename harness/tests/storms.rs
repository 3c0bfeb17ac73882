//! The `squall` command on real local clusters, as a user types it. One cluster at a time.

mod common;

use common::storm::{are_valid, evidence, is_valid, shown};
use common::{Run, Squall, json, leftovers, one_at_a_time, send};
use serde_json::Value;
use squall_results::event::{Ending, PhaseName};
use squall_results::{Operation, reader};
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// A storm that cuts the leader off, kills it and pauses it, and nothing by chance.
const SCRIPTED: &str = "
time_limit: 8s
seed: 11
schedule:
- {at: 1s, for: 2s, fault: partition, select: leader}
- {at: 4s, for: 1s, fault: kill, select: leader}
- {at: 6s, for: 1s, fault: pause, select: leader}
";

/// Clocks that are wrong in every way; under one of them a server is killed and started again, and one is stopped.
const SKEWED: &str = "
time_limit: 13s
seed: 31
schedule:
- {at: 1s, for: 6s, fault: clock, skew: {jump: -1h}, select: all}
- {at: 2s, for: 1s, fault: kill, select: leader}
- {at: 4500ms, for: 1s, fault: pause, select: leader}
- {at: 8s, for: 1s, fault: clock, skew: {strobe: {by: 200ms, every: 10ms}}, select: leader}
- {at: 10s, for: 1s, fault: clock, skew: {drift: 20%}, select: leader}
";

/// A leader that is cut off for long: a server that does not confirm its leadership must be caught.
const CUT_OFF: &str = "
time_limit: 6s
seed: 12
schedule:
- {at: 1s, for: 4s, fault: partition, select: leader}
";

fn faults_in_force(output: &Value) -> (u64, u64) {
    let figures = &output["figures"];
    (figures["faults_in_force"].as_u64().unwrap(), figures["faults_injected"].as_u64().unwrap())
}

/// Runs the scripted storm, and looks at everything that it leaves behind.
fn storm_is_valid(squall: &Squall) {
    let plan = squall.file("plan.yaml", SCRIPTED);
    let run = squall.run(&["test", "--json", "--plan", &plan]);
    run.expect(0);
    let output = json(&run);
    assert_eq!(output["judgement"]["validity"], "valid", "{output}");
    assert_eq!(faults_in_force(&output), (3, 3), "{}", run.stderr);
    let folder = squall.latest();
    for artifact in ["plan.yaml", "history.jsonl", "verdict.json", "report.html", "squall.log", "plots/latency.svg"] {
        assert!(folder.join(artifact).metadata().is_ok_and(|file| file.len() > 0), "{artifact} is missing or empty");
    }
    let history = reader::read_history(&folder.join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Completed));
    for fault in &history.faults {
        assert!(fault.in_force.is_some() && fault.healed.is_some() && fault.problem.is_none(), "{fault:?}");
    }
    // The final reads use the target's strongest way: that is another session, and so another process.
    let final_ns = history.phase_ns(PhaseName::FinalReads).unwrap();
    let processes = |at_the_end| {
        let phase = history.operations.iter().filter(|operation| (operation.invoked_ns >= final_ns) == at_the_end);
        phase.map(|operation| operation.process).collect::<BTreeSet<u64>>()
    };
    assert!(processes(true).is_disjoint(&processes(false)), "a process outlived its session");
    assert!(history.leader_changes().len() >= 2, "a leader was killed: {:?}", history.leader_changes());
    // The verdict can be had again, from disk alone.
    let verdict = fs::read_to_string(folder.join("verdict.json")).unwrap();
    fs::remove_file(folder.join("verdict.json")).unwrap();
    fs::remove_file(folder.join("report.html")).unwrap();
    squall.run(&["check", folder.to_str().unwrap()]).expect(0);
    assert_eq!(fs::read_to_string(folder.join("verdict.json")).unwrap(), verdict);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("links are cut by") && page.contains("elected leader"), "the report knows facts and logs");
    assert_eq!(leftovers(squall), Vec::<String>::new());
}

#[test]
fn a_storm_over_a_correct_cluster_is_valid() {
    let _alone = one_at_a_time();
    storm_is_valid(&Squall::new());
}

#[test]
fn wrong_clocks_are_shown_and_healed_also_when_servers_start_anew() {
    let _alone = one_at_a_time();
    for (_, history) in are_valid(&[Squall::new(), Squall::as_ordinary_user()], SKEWED) {
        assert_eq!(history.faults.iter().map(evidence).count(), 5, "all were in force and healed");
        let shown = shown(&history, "clock");
        assert_eq!(shown.len(), 3, "{:?}", history.faults);
        let is_told = |(in_force, healed): &(&str, &str)| in_force.contains("behind") && healed.contains("is right to");
        assert!(shown.iter().any(is_told), "{shown:?}");
    }
}

#[test]
fn an_ordinary_user_needs_no_root() {
    let _alone = one_at_a_time();
    storm_is_valid(&Squall::as_ordinary_user());
}

#[test]
fn a_leader_that_does_not_confirm_its_leadership_is_caught() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", CUT_OFF);
    let run = squall.run(&["test", "raft", "--bug", "stale-read", "--plan", &plan, "--json"]);
    run.expect(1);
    let output = json(&run);
    let anomaly = &output["judgement"]["verdicts"][0]["anomalies"][0];
    assert_eq!(anomaly["kind"], "stale read", "{output}");
    let told = anomaly["told"].as_str().unwrap();
    assert!(told.contains("read") && told.contains(" s"), "{told}");
    let folder = squall.latest();
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("stale read") && page.contains(told), "the report tells it as the verdict does");
    assert!(folder.join("plots/anomaly-1.svg").exists());
    assert!(fs::read_to_string(folder.join("nodes/n1/raftd.log")).unwrap().contains("PLANTED BUG"));
    let again = squall.run(&["check", folder.to_str().unwrap()]);
    again.expect(1);
    assert!(again.stdout.contains(told), "{}", again.stdout);
    // The same storm finds nothing in a correct server.
    squall.run(&["test", "raft", "--plan", &plan]).expect(0);
}

#[test]
fn the_first_violation_is_told_when_it_is_found_and_may_end_the_run() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    // Long enough to be over only because it was ended.
    let plan = squall.file("plan.yaml", &CUT_OFF.replace("6s", "300s"));
    let run = squall.run(&["test", "raft", "--bug", "stale-read", "--plan", &plan, "--fail-fast"]);
    run.expect(1);
    assert!(run.stderr.contains("violation") && run.stderr.contains("stale read"), "{}", run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::FirstViolation));
    assert!(history.faults.iter().all(|fault| fault.healed.is_some()), "{:?}", history.faults);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

/// A leader that hears nobody: what its clients write reaches the others and is committed there by the next leader, but the
/// answers do not come, and the clients ask again when all is healed.
const DEAF: &str = "
time_limit: 6s
seed: 15
concurrency: 36
rate_hz: 1000
retry: true
schedule:
- {at: 1s, for: 1500ms, fault: partition, shape: deaf, select: leader}
";

#[test]
fn a_change_that_is_repeated_is_done_once_or_else_seen() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", DEAF);
    squall.run(&["test", "raft", "--plan", &plan]).expect(0);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    let slow =
        |operation: &&Operation| operation.returned_ns.is_some_and(|at| at - operation.invoked_ns > 1_000_000_000);
    let repeated = history.operations.iter().filter(slow).filter(|operation| operation.outcome.is_ok()).count();
    assert!(repeated > 0, "some call was answered only when it was repeated");
    let run = squall.run(&["test", "raft", "--plan", &plan, "--bug", "retry-twice"]);
    run.expect(1);
    assert!(run.stdout.contains("invalid: "), "{}", run.stdout);
}

#[test]
fn a_killed_squall_leaves_a_history_and_nothing_else() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", &SCRIPTED.replace("8s", "60s"));
    let mut running = squall.start(&["test", "--plan", &plan]);
    running.await_line("cut ", Duration::from_secs(30));
    assert!(!leftovers(&squall).is_empty(), "the cluster is up");
    running.signal(libc::SIGKILL);
    running.finish();
    squall.await_no_leftovers(Duration::from_secs(10));
    let folder = squall.latest();
    let history = reader::read_history(&folder.join("history.jsonl")).unwrap();
    assert!(history.end.is_none() && history.operations.len() > 100, "{} operations", history.operations.len());
    let check = squall.run(&["check", folder.to_str().unwrap()]);
    check.expect(0);
    assert!(check.stdout.contains("cut short"), "{}", check.stdout);
    assert!(folder.join("report.html").exists(), "the report comes with the check");
}

/// Asked to stop in the middle of a partition: it heals, stops, judges what there is.
fn stops_in_order(signal: i32) {
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", &SCRIPTED.replace("8s", "60s"));
    let mut running = squall.start(&["test", "--plan", &plan]);
    running.await_line("in force", Duration::from_secs(30));
    // As `timeout` and a closed terminal do: twice, for one wish.
    running.signal(signal);
    running.signal(signal);
    let run = running.finish();
    run.expect(0);
    assert!(run.stdout.contains("valid: linearizable"), "{}{}", run.stdout, run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Interrupted));
    assert!(history.faults.iter().all(|fault| fault.healed.is_some()), "{:?}", history.faults);
    assert_eq!(history.faults.len(), 1, "nothing more was injected: {:?}", history.faults);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn ctrl_c_heals_stops_and_judges() {
    let _alone = one_at_a_time();
    stops_in_order(libc::SIGINT);
}

#[test]
fn sigterm_heals_stops_and_judges() {
    let _alone = one_at_a_time();
    stops_in_order(libc::SIGTERM);
}

#[test]
fn a_server_that_ended_by_itself_does_not_pass_for_a_killed_one() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", "{time_limit: 3s, schedule: [{at: 1s, for: 1s, fault: kill, select: all}]}");
    let mut running = squall.start(&["test", "--plan", &plan]);
    running.await_line("serving after", Duration::from_secs(30));
    send(running.servers()[1], libc::SIGKILL);
    let run = running.finish();
    run.expect(2);
    assert!(run.stdout.contains("none of the 1 faults was in force"), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("gone with SIGKILL; its log"), "{}", run.stdout);
    assert!(run.stdout.contains("servers ended by themselves"), "the healing does not hide it: {}", run.stdout);
    assert!(run.stdout.contains("all nodes served again"), "it was started again: {}{}", run.stdout, run.stderr);
}

/// Beside a kill a fault of clocks meets a server that is gone: nothing about that is strange.
#[test]
fn a_server_that_another_fault_has_killed_did_not_end_by_itself() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = "
time_limit: 4s
seed: 15
schedule:
- {at: 500ms, for: 2s, fault: kill, select: {named: [n1]}}
- {at: 1s, for: 500ms, fault: clock, skew: {jump: 1s}, select: {named: [n1]}}
";
    let (_, history) = is_valid(&squall, plan);
    let clock = &history.faults[1];
    assert!(clock.in_force.is_none() && clock.problem.as_ref().is_some_and(|why| why.contains("SIGKILL")), "{clock:?}");
}

#[test]
fn a_second_request_ends_at_once() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let mut running =
        squall.start(&["test", "--faults", "none", "--time-limit", "60s", "--call-timeout", "60s", "--rate", "2000"]);
    running.await_line("serving after", Duration::from_secs(30));
    // Now every call hangs, and an orderly stop waits for it.
    running.servers().into_iter().for_each(|server| send(server, libc::SIGSTOP));
    let deadline = Instant::now() + Duration::from_secs(20);
    while !fs::read_to_string(squall.latest().join("history.jsonl")).unwrap().contains("silent") {
        assert!(Instant::now() < deadline, "the servers still answer");
        std::thread::yield_now();
    }
    let begin = Instant::now();
    while running.goes_on() {
        running.signal(libc::SIGINT);
        assert!(begin.elapsed() < Duration::from_secs(20), "it never ends");
        std::thread::yield_now();
    }
    running.finish().expect(3);
    squall.await_no_leftovers(Duration::from_secs(10));
}

#[test]
fn a_closed_terminal_heals_stops_and_judges() {
    let _alone = one_at_a_time();
    stops_in_order(libc::SIGHUP);
}

#[test]
fn ctrl_c_before_the_storm_is_no_failure_of_squall() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let mut running = squall.start(&["test", "--nodes", "15"]);
    running.await_line("squall ", Duration::from_secs(30));
    running.signal(libc::SIGINT);
    let run = running.finish();
    run.expect(2);
    assert!(run.stdout.contains("too little succeeded"), "{}{}", run.stdout, run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Interrupted));
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn fewer_workers_than_nodes_still_read_through_every_node() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let run = squall.run(&["test", "--concurrency", "1", "--faults", "none", "--time-limit", "2s"]);
    run.expect(0);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    let begun_ns = history.phase_ns(PhaseName::FinalReads).expect("the final reads began");
    let through = |node: &str, after: bool| {
        let at = history.operations.iter().filter(|operation| operation.node == node);
        at.filter(|operation| (operation.invoked_ns >= begun_ns) == after).count()
    };
    assert_eq!((through("n2", false), through("n3", false)), (0, 0), "the storm has one worker");
    assert!(through("n1", true) > 0, "there are keys to read");
    assert_eq!([through("n2", true), through("n3", true)], [through("n1", true); 2]);
}

#[test]
fn a_node_that_is_lost_ends_the_run_without_a_verdict() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let mut running = squall.start(&["test", "--faults", "none", "--time-limit", "60s"]);
    running.await_line("serving after", Duration::from_secs(30));
    let agents = running.agents();
    assert_eq!(agents.len(), 3, "an agent a node");
    send(agents[1], libc::SIGKILL);
    let begin = Instant::now();
    let run = running.finish();
    run.expect(3);
    assert!(begin.elapsed() < Duration::from_secs(30), "it does not wait for the end of the storm");
    assert!(
        run.stderr.contains("agent is gone") && !run.stdout.contains("linearizable"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn a_full_store_stops_the_run_and_keeps_what_was_written() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    // A file system of 600 KiB in a mount namespace of its own.
    let script = r#"
        mkdir -p "$1" && mount -t tmpfs -o size=600k none "$1" || exit 99
        "$0" test --faults none --time-limit 60s --store "$1"; echo "status $?"
        "$0" check "$1"/latest/history.jsonl | head -n 1
        ls -l "$1"/latest/history.jsonl
    "#;
    let run = squall.shell_in_own_mounts(script);
    assert!(run.stdout.contains("status 3"), "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("valid: linearizable"),
        "what was written can be judged: {}\n{}",
        run.stdout,
        run.stderr
    );
    assert!(run.stderr.contains("history.jsonl") && run.stderr.contains("space"), "{}", run.stderr);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn two_runs_side_by_side_do_not_disturb_each_other() {
    let _alone = one_at_a_time();
    let squalls = [Squall::new(), Squall::new()];
    let started: Vec<_> = squalls
        .iter()
        .map(|squall| {
            let plan = squall.file("plan.yaml", CUT_OFF);
            squall.start(&["test", "--plan", &plan, "--rate", "100", "--json"])
        })
        .collect();
    let runs: Vec<Run> = started.into_iter().map(|running| running.finish()).collect();
    for run in &runs {
        run.expect(0);
        assert_eq!(faults_in_force(&json(run)), (1, 1), "{}", run.stderr);
    }
}

#[test]
fn partitions_that_overlap_are_all_healed() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = "
time_limit: 5s
schedule:
- {at: 500ms, for: 2s, fault: partition, select: {named: [n1]}}
- {at: 1500ms, for: 3s, fault: partition, select: {named: [n2]}}
- {at: 3s, for: 500ms, fault: partition, shape: {links: [n2>n3]}, select: all}
";
    let plan = squall.file("plan.yaml", plan);
    let run = squall.run(&["test", "--plan", &plan, "--json"]);
    run.expect(0);
    assert_eq!(faults_in_force(&json(&run)), (3, 3), "{}", run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert!(
        history.faults.iter().all(|fault| fault.healed.is_some() && fault.problem.is_none()),
        "{:?}",
        history.faults
    );
    // Its only link stays cut by another one, so there is nothing that could be shown of it.
    let (_, inner) = history.faults[2].healed.as_ref().unwrap();
    assert!(inner.contains("not probed: other partitions still hold all"), "{inner}");
}

#[test]
fn five_nodes_and_minorities_with_snapshots() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = "
time_limit: 9s
nodes: 5
seed: 13
settings: {snapshot_entries: 20}
schedule:
- {at: 1s, for: 2s, fault: partition, select: minority}
- {at: 4s, for: 1s, fault: kill, select: minority}
- {at: 6s, for: 1s, fault: pause, select: {named: [n1, n5]}}
- {at: 7.5s, for: 1s, fault: kill, select: all}
";
    let plan = squall.file("plan.yaml", plan);
    let run = squall.run(&["test", "--plan", &plan, "--json"]);
    run.expect(0);
    assert_eq!(faults_in_force(&json(&run)), (4, 4), "{}", run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    let hit: Vec<usize> = history.faults.iter().map(|fault| fault.nodes.len()).collect();
    assert_eq!(hit, [2, 2, 2, 5]);
    // Who was away for a second lacks more than the others still have of their logs.
    let log = |number| fs::read_to_string(squall.latest().join(format!("nodes/n{number}/raftd.log"))).unwrap();
    let logs: Vec<String> = (1..=5).map(log).collect();
    assert!(logs.iter().any(|log| log.contains("installs a snapshot of the leader's")), "{logs:?}");
    assert!(logs.iter().all(|log| log.contains("snapshot saved")), "{logs:?}");
}

/// Partitions of every shape, flapping ones too; two are in force together.
const SHAPES: &str = "
time_limit: 18s
nodes: 5
seed: 14
schedule:
- {at: 500ms, for: 1s, fault: partition, shape: halves, select: all}
- {at: 2s, for: 1s, fault: partition, shape: bridge, select: leader}
- {at: 3500ms, for: 1s, fault: partition, shape: majorities_ring, select: all}
- {at: 5s, for: 1s, fault: partition, shape: mute, select: leader}
- {at: 6500ms, for: 1s, fault: partition, shape: deaf, select: leader}
- {at: 8s, for: 1s, fault: partition, shape: minority, select: leader}
- {at: 9500ms, for: 2s, fault: partition, flapping: 200ms, select: leader}
- {at: 12s, for: 2s, fault: partition, shape: {links: [n1>n2, n3>n2]}, select: all}
- {at: 12500ms, for: 1s, fault: partition, shape: majorities_ring, flapping: 150ms, select: all}
- {at: 15s, for: 1500ms, fault: partition, shape: clients, select: leader}
";

#[test]
fn partitions_of_every_shape_come_and_go() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", SHAPES);
    let run = squall.run(&["test", "--plan", &plan, "--json"]);
    run.expect(0);
    assert_eq!(faults_in_force(&json(&run)), (10, 10), "{}", run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    for fault in &history.faults {
        assert!(fault.healed.is_some() && fault.problem.is_none(), "{fault:?}");
        let (_, evidence) = fault.healed.as_ref().unwrap();
        assert_eq!(evidence.contains("times"), fault.what.contains("flapping"), "{fault:?}");
        assert!(!evidence.contains("showed 1 and 0"), "nothing shows that it came and went: {fault:?}");
    }
    let told = |part: &str| history.faults.iter().filter(|fault| fault.what.contains(part)).count();
    assert_eq!(["reaches both", "ring ", "one way", "n1>n2, n3>n2", "flapping"].map(told), [1, 2, 3, 1, 2]);
    // The leader leads on, and only its own clients hear nothing.
    let [.., fault] = &history.faults[..] else { panic!("there are some") };
    let node = &fault.nodes[0];
    assert_eq!(fault.links, [format!("{node}>clients")]);
    let (from_ns, to_ns) = (fault.in_force.as_ref().unwrap().0, fault.heal_ns.unwrap());
    let during = |operation: &&Operation| {
        operation.invoked_ns > from_ns && operation.returned_ns.is_some_and(|at_ns| at_ns < to_ns)
    };
    let answered: BTreeSet<(&str, bool)> = history
        .operations
        .iter()
        .filter(during)
        .map(|operation| (&*operation.node, operation.outcome.is_ok()))
        .collect();
    assert!(!answered.contains(&(node.as_str(), true)), "{fault:?}");
    assert!(answered.iter().filter(|(other, is_ok)| other != node && *is_ok).count() >= 2, "{answered:?}");
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}
