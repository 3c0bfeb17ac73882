//! Storms in which files of stopped servers rot: what the servers do with it, and what the verdict makes of that. One cluster at a
//! time.

mod common;

use common::{Squall, json, leftovers, one_at_a_time};
use serde_json::Value;
use squall_results::history::FaultSpan;
use squall_results::{History, reader};
use std::fs;

/// Bits flip in the logs of a follower, of the leader, and of whoever it was again.
const FLIPS: &str = "
seed: 61
rate_hz: 300
schedule:
- {at: 4s, for: 500ms, fault: rot, rot: {flip: 40}, select: follower}
- {at: 16s, for: 500ms, fault: rot, rot: {flip: 40}, select: leader}
- {at: 28s, for: 500ms, fault: rot, rot: {flip: 40}, select: last}
";

/// A member loses what it has acknowledged: the end of its log, and then all since the storm began.
const LOSSES: &str = "
target: raft
time_limit: 16s
seed: 62
rate_hz: 300
schedule:
- {at: 4s, for: 300ms, fault: rot, rot: {truncate: 3000}, select: follower}
- {at: 10s, for: 300ms, fault: rot, rot: {restore: begin}, select: follower}
";

struct Ran {
    squall: Squall,
    output: Value,
    history: History,
}

impl Ran {
    fn of(plan: &str, statuses: &[i32]) -> Ran {
        let squall = Squall::new();
        let plan = squall.file("plan.yaml", plan);
        let run = squall.run(&["test", "--json", "--plan", &plan]);
        assert!(run.status.is_some_and(|status| statuses.contains(&status)), "{:?}\n{}", run.status, run.stderr);
        assert_eq!(leftovers(&squall), Vec::<String>::new());
        let (output, history) = (json(&run), reader::read_history(&squall.latest().join("history.jsonl")).unwrap());
        for fault in &history.faults {
            assert!(fault.in_force.is_some() && fault.healed.is_some() && fault.problem.is_none(), "{fault:?}");
        }
        Ran { squall, output, history }
    }

    /// What the verdict says of rot.
    fn said(&self) -> &str {
        let verdicts = self.output["judgement"]["verdicts"].as_array().unwrap();
        let rot = verdicts.iter().find(|verdict| verdict["checker"] == "rot").expect("it is named");
        rot["reason"].as_str().unwrap()
    }

    /// The contents of a file of the node that a fault hit, after the run.
    fn data(&self, fault: &FaultSpan, file: &str) -> Option<Vec<u8>> {
        fs::read(self.squall.latest().join("nodes").join(&fault.nodes[0]).join("data").join(file)).ok()
    }
}

fn evidence(fault: &FaultSpan) -> (&str, &str) {
    (&fault.in_force.as_ref().unwrap().1, &fault.healed.as_ref().unwrap().1)
}

/// The first byte that is told to have flipped: file, place, what it was.
fn first_byte(told: &str) -> (String, usize, u8) {
    let (_, told) = told.split_once("; byte ").unwrap_or_else(|| panic!("{told}"));
    let words: Vec<&str> = told.split_whitespace().collect();
    // `12 of 345 in some.wal is 0x01 and was 0x00, ...`
    let before = words[9].trim_end_matches(',').trim_start_matches("0x");
    (words[4].to_owned(), words[0].parse().unwrap(), u8::from_str_radix(before, 16).unwrap())
}

/// A server that refuses has its files of before again, and the run is judged as ever; which says that it did in `words`.
fn flips_are_noticed(target: &str, log: &str, words: &str) -> usize {
    let ran = Ran::of(&format!("{target}\ntime_limit: 40s{FLIPS}"), &[0]);
    let mut refused = 0;
    for fault in &ran.history.faults {
        let (in_force, healed) = evidence(fault);
        assert!(in_force.contains("gone with SIGKILL; byte "), "{in_force}");
        assert_eq!(fault.nodes.len(), 1);
        let (file, at, before) = first_byte(in_force);
        let data = ran.data(fault, &file).unwrap_or_else(|| panic!("{file} is there"));
        if healed.contains("refused to serve on them") {
            assert!(healed.contains(words) && healed.contains("put back, it answers after"), "{healed}");
            let log = fs::read_to_string(ran.squall.latest().join("nodes").join(&fault.nodes[0]).join(log)).unwrap();
            assert!(log.contains(words), "its own log says so");
            assert_eq!(data[at], before, "{file} is what it was");
            refused += 1;
        } else {
            // What looks like a torn write may be dropped, and the log be cut there.
            assert!(healed.contains("served on rotten files"), "{healed}");
        }
    }
    let all = ran.history.faults.len();
    assert_eq!(ran.said().contains("none served on them"), refused == all, "{}", ran.said());
    refused
}

#[test]
fn raftd_refuses_whatever_has_flipped() {
    let _alone = one_at_a_time();
    assert_eq!(flips_are_noticed("target: raft", "raftd.log", "corrupt log: "), 3);
}

#[test]
fn etcd_refuses_what_has_flipped() {
    let _alone = one_at_a_time();
    assert!(flips_are_noticed("target: etcd", "etcd.log", "") > 0);
}

#[test]
fn zookeeper_refuses_what_has_flipped() {
    let _alone = one_at_a_time();
    assert!(flips_are_noticed("target: zookeeper\nprofile: fast", "zookeeper.log", "") > 0);
}

#[test]
fn who_serves_without_what_it_acknowledged_is_named_and_accuses_nobody() {
    let _alone = one_at_a_time();
    let ran = Ran::of(LOSSES, &[0, 2]);
    let [cut, old] = &ran.history.faults[..] else { panic!("{:?}", ran.history.faults) };
    assert!(evidence(cut).0.contains(".wal has ") && evidence(cut).0.contains(" bytes and had "), "{cut:?}");
    assert!(evidence(old).0.contains(".wal has "), "{old:?}");
    assert!(ran.said().contains("rotted 2 times") && ran.said().contains("served on them from"), "{}", ran.said());
    let page = fs::read_to_string(ran.squall.latest().join("report.html")).unwrap();
    assert!(page.contains("bring an old copy of files of") && page.contains("served on them from"));
}

#[test]
fn what_has_no_such_files_is_not_killed() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = "
time_limit: 4s
seed: 63
schedule:
- {at: 1s, for: 300ms, fault: rot, rot: {flip: 1, file: \"*.sst\"}, select: one}
- {at: 2s, for: 300ms, fault: kill, select: one}
";
    let plan = squall.file("plan.yaml", plan);
    squall.run(&["test", "--plan", &plan]).expect(0);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    let fault = &history.faults[0];
    assert!(fault.in_force.is_none() && fault.healed.is_some(), "{fault:?}");
    assert!(fault.problem.as_ref().is_some_and(|why| why.contains("no file of its data matches *.sst")), "{fault:?}");
    let commands =
        fs::read_to_string(squall.latest().join("nodes").join(&fault.nodes[0]).join("commands.log")).unwrap();
    let killed = history.faults[1].nodes == fault.nodes;
    assert_eq!(commands.contains("SIGKILL"), killed, "{commands}");
}
