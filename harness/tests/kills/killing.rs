//! A run that is killed at some moment, and what must be so afterwards.

use crate::common::{Running, Squall, one_at_a_time};
use squall_results::{History, reader};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a moment may be waited for, and whatever is to vanish.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `holds`.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
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
pub fn machine() -> (BTreeSet<String>, String) {
    let devices = fs::read_dir("/sys/class/net").expect("/sys/class/net").flatten();
    let devices = devices.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    (devices, fs::read_to_string("/proc/self/mounts").expect("mounts"))
}

/// Kills the run, and sees that nothing of it is left and that its folder can be judged. Returns its history, if there is
/// one, and the status of the check.
#[track_caller]
pub fn kill(squall: &Squall, running: Running, before: &(BTreeSet<String>, String)) -> (Option<History>, i32) {
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
pub fn try_to_kill(plan: &str, moment: impl FnOnce(&Squall, &mut Running)) -> Option<(Option<History>, i32)> {
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
pub fn killed(plan: &str, moment: impl FnOnce(&Squall, &mut Running)) -> (History, i32) {
    let (history, status) = try_to_kill(plan, moment).expect("it came to its end before it was killed");
    (history.expect("a history"), status)
}

/// How often a moment is tried for that is soon over.
const TRIES: u64 = 5;

/// Kills a plan at a moment that is soon over, as what it recorded shows. squall may be faster than this test: then again, by a
/// plan in which the moment is longer, where it says how.
#[track_caller]
pub fn killed_within(
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
pub fn many_calls(attempt: u64) -> String {
    format!("{{time_limit: 3s, faults: [], rate_hz: {}}}", 4000 + 1000 * attempt)
}

/// Waits until the history on disk holds this text. It may be long: what was looked through is not read again.
#[track_caller]
pub fn await_recorded(squall: &Squall, text: &str) {
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

/// How far a run came.
pub fn told(history: &History) -> String {
    let phase = history.phases.last().map_or("starting".into(), |phase| format!("{:?}", phase.name));
    let (operations, faults) = (history.operations.len(), history.faults.len());
    let open = history.faults.iter().filter(|fault| fault.healed.is_none()).count();
    let end = if history.end.is_some() { ", ended" } else { "" };
    format!("{phase}{end}, {operations} operations, {faults} faults, {open} of them not healed")
}
