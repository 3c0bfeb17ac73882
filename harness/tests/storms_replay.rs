//! Runs that are replayed on real local clusters.

mod common;

use common::{Squall, json, leftovers, one_at_a_time};
use serde_json::Value;
use squall_results::reader;
use std::time::Duration;

/// A leader that is cut off for long, on five nodes a bridge with drawn sides, and a kill.
const STORM: &str = "
nodes: 5
time_limit: 10s
seed: 12
schedule:
- {at: 1s, for: 4s, fault: partition, select: leader}
- {at: 6s, for: 1s, fault: partition, shape: bridge, select: one}
- {at: 8s, for: 1s, fault: kill, select: leader}
";

fn run_of(squall: &Squall, flags: &[&str], status: i32) -> String {
    let plan = squall.file("plan.yaml", STORM);
    squall.run(&[&["test", "raft", "--plan", &plan, "--json"], flags].concat()).expect(status);
    squall.latest().to_str().unwrap().to_owned()
}

/// How many faults there were, came again, and hit the same nodes.
fn likeness(run: &Value) -> [u64; 3] {
    assert_eq!(run["faults"]["same_order"], true, "{run}");
    ["faults", "again", "same_nodes"].map(|name| run["faults"][name].as_u64().unwrap())
}

#[test]
fn what_was_found_comes_back() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let folder = run_of(&squall, &["--bug", "stale-read"], 1);
    let run = squall.run(&["replay", &folder, "--times", "2", "--json"]);
    run.expect(1);
    let output = json(&run);
    assert_eq!((&output["came_back"]["hits"], &output["came_back"]["runs"]), (&2.into(), &2.into()), "{output}");
    assert!(output["found"].to_string().contains("stale read"), "{output}");
    for replayed in output["runs"].as_array().unwrap() {
        assert_eq!(replayed["came_back"], true, "{output}");
        assert_ne!(replayed["folder"].as_str(), Some(&*folder), "it is a run of its own");
        let [faults, again, _] = likeness(replayed);
        assert_eq!((faults, again), (3, 3), "{output}");
    }
    assert!(run.stderr.contains("3 of 3 faults again, in the same order"), "{}", run.stderr);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn an_exact_replay_hits_whom_the_run_hit() {
    let _alone = one_at_a_time();
    let squall = Squall::as_ordinary_user();
    let folder = run_of(&squall, &[], 0);
    let run = squall.run(&["replay", &folder, "--exact", "--json"]);
    run.expect(0);
    let output = json(&run);
    assert_eq!(output["notes"], Value::Array(Vec::new()), "{output}");
    let replayed = &output["runs"][0];
    let [faults, again, same_nodes] = likeness(replayed);
    // Links that are named one by one single nobody out.
    assert_eq!((faults, again, same_nodes), (3, 3, 2), "{output}");
    let faults =
        |folder: &str| reader::read_history(&squall.folder().join(folder).join("history.jsonl")).unwrap().faults;
    let links = |folder: &str| faults(folder).into_iter().map(|fault| fault.links).collect::<Vec<_>>();
    let new = replayed["folder"].as_str().unwrap();
    assert_eq!(links(new), links(&folder));
    assert_eq!(links(new).iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 0]);
    assert!(squall.run(&["replay", new]).stdout.contains("nothing was found then; now 1 of 1 run valid"));
}

#[test]
fn a_replay_that_is_asked_to_stop_leaves_nothing() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let folder = run_of(&squall, &[], 0);
    let mut running = squall.start(&["replay", &folder]);
    running.await_line("serving after", Duration::from_secs(30));
    running.signal(libc::SIGTERM);
    let run = running.finish();
    assert!(run.stderr.contains("interrupted: everything is healed and stopped"), "{}", run.stderr);
    run.expect(2);
    assert!(run.stdout.contains("no run came to its end"), "{}", run.stdout);
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn what_is_no_run_is_refused() {
    // A process that is started while another test copies the binary would hold the copy open for writing.
    let _alone = one_at_a_time();
    let squall = Squall::new();
    for (folder, files, part) in [
        ("nothing", &[][..], "plan.yaml"),
        ("no-history", &[("plan.yaml", STORM)], "history.jsonl"),
        (
            "no-verdict",
            &[("plan.yaml", STORM), ("history.jsonl", "{\"phase\":{\"at_ns\":0,\"name\":\"storm\"}}\n")],
            "squall check",
        ),
    ] {
        let path = squall.folder().join(folder);
        std::fs::create_dir(&path).unwrap();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        let run = squall.run(&["replay", path.to_str().unwrap()]);
        run.expect(64);
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}
