//! kill -9 at any moment: nothing of the run is left, and what it recorded can be judged.
//!
//! A kill in each phase is a test like any other. Random moments are many runs:
//!
//!     cargo test --release -p squall --test kills -- --ignored --nocapture

mod common;

use common::{Running, Squall, one_at_a_time, send};
use rand::RngExt;
use squall_results::History;
use squall_results::event::PhaseName;
use squall_results::reader;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a moment may be waited for, and whatever is to vanish.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `holds`.
#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// The namespaces that belong to this process and to what it has started, none of which this test is in.
fn namespaces(running: &Running) -> BTreeSet<PathBuf> {
    let outside = namespaces_of("self");
    let pids = running.agents().into_iter().chain([running.id()]);
    let all: BTreeSet<PathBuf> = pids.flat_map(|pid| namespaces_of(&pid.to_string())).collect();
    all.difference(&outside).cloned().collect()
}

fn namespaces_of(process: &str) -> BTreeSet<PathBuf> {
    let links = ["net", "mnt", "pid", "uts", "user"].map(|kind| fs::read_link(format!("/proc/{process}/ns/{kind}")));
    links.into_iter().flatten().collect()
}

/// The namespaces of all processes.
fn all_namespaces() -> BTreeSet<PathBuf> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes.flat_map(|entry| namespaces_of(&entry.file_name().to_string_lossy())).collect()
}

/// The machine's own network devices and mounts.
fn machine() -> (BTreeSet<String>, String) {
    let devices = fs::read_dir("/sys/class/net").expect("/sys/class/net").flatten();
    let devices = devices.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    (devices, fs::read_to_string("/proc/self/mounts").expect("mounts"))
}

/// Kills the run, and sees that nothing of it is left and that its folder can be judged. Returns its history, if there is
/// one, and the status of the check.
#[track_caller]
fn kill(squall: &Squall, running: Running, before: &(BTreeSet<String>, String)) -> (Option<History>, i32) {
    let own = namespaces(&running);
    running.signal(libc::SIGKILL);
    let run = running.finish();
    squall.await_no_leftovers(Duration::from_secs(10));
    // A process that is just being taken down has no mounts any more, and still its namespaces.
    wait_until("nobody holds its namespaces", || all_namespaces().is_disjoint(&own));
    assert_eq!(machine(), *before, "the machine is as it was");
    let Ok(folder) = squall.folder().join("store/latest").canonicalize() else {
        return (None, run.status.unwrap_or_default());
    };
    if let Ok(verdict) = fs::read_to_string(folder.join("verdict.json")) {
        serde_json::from_str::<serde_json::Value>(&verdict).expect("a verdict is whole or not there");
    }
    if let Ok(page) = fs::read_to_string(folder.join("report.html")) {
        assert!(page.trim_end().ends_with("</html>"), "a report is whole or not there");
    }
    let check = squall.run(&["check", folder.to_str().expect("a plain path")]);
    let status = check.status.expect("it ends");
    assert!([0, 2].contains(&status), "status {status} of a correct server\n{}\n{}", check.stdout, check.stderr);
    (reader::read_history(&folder.join("history.jsonl")).ok(), status)
}

/// Starts this plan, waits for the moment, and kills it there; nothing, where it came to its end before.
#[track_caller]
fn try_to_kill(plan: &str, moment: impl FnOnce(&Squall, &mut Running)) -> Option<(Option<History>, i32)> {
    let _alone = one_at_a_time();
    let (squall, before) = (Squall::new(), machine());
    let plan = squall.file("plan.yaml", plan);
    let mut running = squall.start(&["test", "--plan", &plan]);
    moment(&squall, &mut running);
    // It must not go on while this test finds out what there is of it.
    running.signal(libc::SIGSTOP);
    running.goes_on().then(|| kill(&squall, running, &before))
}

/// Kills this plan at a moment that lasts.
#[track_caller]
fn killed(plan: &str, moment: impl FnOnce(&Squall, &mut Running)) -> (History, i32) {
    let (history, status) = try_to_kill(plan, moment).expect("it came to its end before it was killed");
    (history.expect("a history"), status)
}

/// How often a moment is tried for that is soon over.
const TRIES: u64 = 5;

/// Kills a plan at a moment that is soon over, as what it recorded shows. squall may be faster than this test: then again, by a
/// plan in which the moment is longer, where it says how.
#[track_caller]
fn killed_within(
    plan: impl Fn(u64) -> String,
    moment: impl Fn(&Squall, &mut Running),
    is_within: impl Fn(&History) -> bool,
) -> (History, i32) {
    let mut late = Vec::new();
    for attempt in 1..=TRIES {
        match try_to_kill(&plan(attempt), &moment) {
            Some((Some(history), status)) if is_within(&history) => return (history, status),
            Some((history, _)) => late.push(history.map_or("nothing recorded".into(), |history| told(&history))),
            None => late.push("it came to its end".into()),
        }
    }
    panic!("never in time: {late:?}");
}

/// Many calls on many keys, so that final reads and judging take their time.
fn many_calls(attempt: u64) -> String {
    format!("{{time_limit: 3s, faults: [], rate_hz: {}}}", 4000 + 1000 * attempt)
}

/// Waits until the history on disk holds this text. It may be long: what was looked through is not read again.
#[track_caller]
fn await_recorded(squall: &Squall, text: &str) {
    let path = squall.folder().join("store/latest/history.jsonl");
    let (mut file, mut unread) = (None, Vec::new());
    wait_until(&format!("`{text}` is recorded"), || {
        file = file.take().or_else(|| File::open(&path).ok());
        let Some(file) = &mut file else { return false };
        file.read_to_end(&mut unread).expect("the history can be read");
        let is_there = unread.windows(text.len()).any(|window| window == text.as_bytes());
        // The text may be there by half.
        unread.drain(..unread.len().saturating_sub(text.len()));
        is_there
    });
}

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

/// Runs of the long test; one that had ended before its moment came does not count.
const RUNS: usize = 20;

/// When kills come, in milliseconds since the start: mostly anywhere, but often while squall and the cluster begin, and
/// while the final reads, the verdict and the report are made.
const MOMENTS_MS: [Range<u64>; 4] = [0..300, 0..5_600, 0..5_600, 5_300..5_700];

#[test]
#[ignore = "takes two minutes; ./check --long runs it"]
fn at_random_moments_of_twenty_runs() {
    let _alone = one_at_a_time();
    let seed =
        std::env::var("SQUALL_SEED").map_or_else(|_| squall::seed::fresh(), |seed| seed.parse().expect("a number"));
    println!("seed {seed}; SQUALL_SEED={seed} draws the same moments");
    let mut rng = squall::seed::stream(seed, "kills");
    let mut killed = 0;
    while killed < RUNS {
        let Range { start, end } = MOMENTS_MS[killed % MOMENTS_MS.len()];
        let at = Duration::from_micros(rng.random_range(start * 1_000..end * 1_000));
        let plan = rng.random_range(0..1_000_000_000).to_string();
        let (squall, before) = (Squall::new(), machine());
        let begin = Instant::now();
        let mut running = squall.start(&["test", "--time-limit", "5s", "--seed", &plan]);
        while begin.elapsed() < at && running.goes_on() {
            std::thread::sleep(Duration::from_millis(1).min(at.saturating_sub(begin.elapsed())));
        }
        if !running.goes_on() {
            let run = running.finish();
            assert!([Some(0), Some(2)].contains(&run.status), "{}\n{}", run.stdout, run.stderr);
            continue;
        }
        killed += 1;
        let (history, status) = kill(&squall, running, &before);
        let told = history.map_or("nothing recorded".into(), |history| told(&history));
        println!("{killed:>3}  {:>7.1} ms, plan {plan:>9}: {told}; status {status}", at.as_secs_f64() * 1e3);
    }
}

fn told(history: &History) -> String {
    let phase = history.phases.last().map_or("starting".into(), |phase| format!("{:?}", phase.name));
    let (operations, faults) = (history.operations.len(), history.faults.len());
    let open = history.faults.iter().filter(|fault| fault.healed.is_none()).count();
    let end = if history.end.is_some() { ", ended" } else { "" };
    format!("{phase}{end}, {operations} operations, {faults} faults, {open} of them not healed")
}
