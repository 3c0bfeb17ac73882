//! Campaigns of real local clusters: killed, resumed, sharded and merged.

mod common;

use common::{Run, Squall, one_at_a_time};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Two of four cases a shard; the first two are valid, the others show a planted bug.
const CAMPAIGN: &str = "
seed: 7
plan: {time_limit: 3s, rate_hz: 300}
cases:
- target: raft
  workloads: [register, set]
  faults: kill
- name: old reads
  target: {target: raft, bug: stale-read}
  plan: {schedule: [{at: 500ms, for: 2s, fault: partition, select: leader}]}
  expect: invalid
  at_least: 1 of 2
";

fn summary(squall: &Squall, name: &str) -> Value {
    let path = squall.folder().join(format!("store/campaigns/{name}/latest/summary.json"));
    serde_json::from_slice(&fs::read(&path).expect("a summary")).expect("JSON")
}

/// What of a campaign does not depend on the timing of a cluster.
fn gist(summary: &Value) -> Value {
    let cases = summary["cases"].as_array().expect("cases").iter().map(|case| {
        let verdict = &case["outcome"]["end"]["judged"];
        let kept = ["number", "target", "workload", "faults", "nodes", "seed", "expect", "control", "plan", "standing"];
        let kept = kept.map(|name| (name.to_owned(), case[name].clone()));
        let promise = ("promise".to_owned(), verdict["promise"].clone());
        Value::Object(kept.into_iter().chain([promise]).collect())
    });
    let standings = summary["controls"].as_array().expect("controls").iter().map(|control| control["standing"].clone());
    serde_json::json!({
        "result": summary["result"], "counts": summary["counts"], "seed": summary["seed"],
        "cases": cases.collect::<Vec<_>>(), "controls": standings.collect::<Vec<_>>(),
    })
}

/// Every case has one outcome, and every link of the overview leads to a report.
#[track_caller]
fn is_whole(squall: &Squall, name: &str) {
    let folder = squall.folder().join(format!("store/campaigns/{name}/latest")).canonicalize().expect("a campaign");
    let page = fs::read_to_string(folder.join("index.html")).expect("an overview");
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let reports: Vec<&str> = links.filter(|link| link.ends_with("report.html")).collect();
    assert!(reports.len() >= 4, "{reports:?}");
    for report in reports {
        assert!(folder.join(report).is_file(), "{report} is no file");
    }
    for name in ["junit.xml", "summary.md", "campaign.yaml"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
}

fn campaign(squall: &Squall, file: &str, flags: &[&str]) -> Run {
    squall.run(&[&["campaign", file], flags].concat())
}

/// How many cases have an outcome, and when each of these was written.
fn outcomes(folder: &Path) -> Vec<(String, std::time::SystemTime)> {
    let cases = fs::read_dir(folder.join("cases")).into_iter().flatten().flatten();
    let written = cases.filter_map(|case| {
        let path = case.path().join("outcome.json");
        Some((case.file_name().to_string_lossy().into_owned(), fs::metadata(path).ok()?.modified().ok()?))
    });
    let mut written: Vec<_> = written.collect();
    written.sort();
    written
}

#[test]
fn a_killed_campaign_goes_on_and_its_shards_merged_are_the_whole() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let file = squall.file("night.yaml", CAMPAIGN);
    // The whole, killed in the middle of a case after the first.
    let running = squall.start(&["campaign", &file, "--jobs", "1"]);
    let latest = squall.folder().join("store/campaigns/night/latest");
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_in_the_second =
        || outcomes(&latest).len() == 1 && latest.join("cases/002-raft-set-kill-635895779/run/latest").exists();
    while !is_in_the_second() {
        assert!(Instant::now() < deadline, "the second case never began");
        std::thread::yield_now();
    }
    running.signal(libc::SIGKILL);
    running.finish();
    squall.await_no_leftovers(Duration::from_secs(10));
    let before = outcomes(&latest);
    assert!(!latest.join("summary.json").exists(), "it was not over");
    let run = campaign(&squall, &file, &["--resume"]);
    run.expect(0);
    assert!(run.stderr.contains("4 cases, 1 done already"), "{}", run.stderr);
    assert_eq!(outcomes(&latest)[..1], before, "what was done is not done again");
    is_whole(&squall, "night");
    let whole = summary(&squall, "night");
    assert_eq!(whole["counts"]["valid"], 2, "{whole}");
    assert_eq!(whole["counts"]["cases"], 4, "{whole}");
    // The same in shards, side by side.
    for shard in ["1/2", "2/2"] {
        let run = campaign(&squall, &file, &["--shard", shard, "--jobs", "2"]);
        run.expect(0);
        assert!(run.stderr.contains("2 cases"), "{}", run.stderr);
    }
    let merge = ["merge", "store/campaigns/night-1-of-2/latest", "store/campaigns/night-2-of-2/latest"];
    squall.run(&merge).expect(0);
    is_whole(&squall, "night");
    let merged = summary(&squall, "night");
    assert_ne!(merged["began_unix_ms"], whole["began_unix_ms"], "it is another campaign");
    assert_eq!(gist(&merged), gist(&whole));
    // The whole found the same before.
    let marks = merged["fingerprints"].as_array().expect("fingerprints");
    assert!(
        !marks.is_empty() && marks.iter().all(|mark| mark["expected"] == true && mark["new"].is_boolean()),
        "{marks:?}"
    );
    squall.await_no_leftovers(Duration::from_secs(10));
}

#[test]
fn the_worst_decides_the_status_and_all_others_go_on() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    // What is not expected to be invalid, a server that is not there, and a control that shows nothing.
    let file = squall.file(
        "bad.yaml",
        "{seed: 7, retries: 2, plan: {time_limit: 2s, rate_hz: 300, schedule: [{at: 300ms, for: 1500ms, fault: partition, select: leader}]},
          cases: [{target: {target: etcd, bin: /no/such/etcd}}, {target: {target: raft, bug: stale-read}},
                  {expect: invalid, plan: {schedule: []}}]}",
    );
    let run = campaign(&squall, &file, &[]);
    run.expect(1);
    let summary = summary(&squall, "bad");
    let standings: Vec<&str> =
        summary["cases"].as_array().expect("cases").iter().filter_map(|case| case["standing"].as_str()).collect();
    assert_eq!(standings, ["failed", "invalid", "uncaught"], "{summary}");
    assert_eq!(summary["controls"][0]["standing"], "missed");
    assert_eq!(summary["cases"][0]["outcome"]["tries"], 3, "squall's own failures are tried again");
    assert_eq!(summary["cases"][1]["outcome"]["tries"], 1, "verdicts are not");
    assert!(run.stderr.contains("/no/such/etcd"), "{}", run.stderr);
}

#[test]
fn the_budget_ends_it_and_it_says_what_was_not_run() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let text = "{seed: 7, budget: 12s, plan: {faults: [], rate_hz: 300}, cases: [{time_limit: 2s}, {time_limit: 60s}]}";
    let file = squall.file("short.yaml", text);
    let run = campaign(&squall, &file, &[]);
    run.expect(2);
    for part in ["the budget was used up", "1 not run, 1 valid"] {
        assert!(run.stdout.contains(part), "`{part}` is missing in:\n{}", run.stdout);
    }
}

#[test]
fn what_cannot_be_begun_or_resumed_is_refused() {
    let squall = Squall::new();
    let file = squall.file("night.yaml", "cases: [{faults: kill}]");
    for (args, words) in [
        (&["campaign", "/no/such/file.yaml"][..], "/no/such/file.yaml"),
        (&["campaign", &file, "--resume"], "leave --resume out"),
        (&["campaign", &file, "--shard", "1/2"], "--seed"),
        (&["campaign", &file, "--shard", "3/2"], "1/2 and 2/2"),
        (&["campaign", &file, "--jobs", "0"], "from 1 to 64"),
        (&["campaign", &file, "--against", "/no/such/summary.json"], "/no/such/summary.json"),
        (&["merge", "/no/such/folder"], "/no/such/folder"),
    ] {
        let run = squall.run(args);
        run.expect(64);
        assert!(run.stderr.contains(words), "`{words}` is missing in:\n{}", run.stderr);
    }
    assert!(!squall.folder().join("store").exists(), "nothing was started");
}
