//! Storms in which files of stopped servers rot: what the servers do with it, and what the verdict makes of that. One cluster at a
//! time.

mod common;

use common::{Squall, json, leftovers, one_at_a_time};
use serde_json::Value;
use squall_results::history::FaultSpan;
use squall_results::{History, reader};
use std::fs;

/// Bits flip in the logs of a follower, of the leader, and of whoever it was again.
fn flips(target: &str, time_limit_s: u64, [first_s, second_s, third_s]: [u64; 3]) -> String {
    format!(
        "
{target}
time_limit: {time_limit_s}s
seed: 61
rate_hz: 300
schedule:
- {{at: {first_s}s, for: 500ms, fault: rot, rot: {{flip: 40}}, select: follower}}
- {{at: {second_s}s, for: 500ms, fault: rot, rot: {{flip: 40}}, select: leader}}
- {{at: {third_s}s, for: 500ms, fault: rot, rot: {{flip: 40}}, select: last}}
"
    )
}

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

/// What servers of a kind say of flipped bits.
struct Words {
    /// The log in which they say it.
    log: &'static str,
    /// Why they refuse to serve, one of these.
    refuses: &'static [&'static str],
    /// That they have dropped what looks like a write that was torn, and the log behind it, where they do.
    drops: Option<&'static str>,
    /// Whether they may have no need of the file that has flipped, and say nothing then.
    may_be_silent: bool,
}

/// A server that refuses has its files of before again, and the run is judged as ever; which says that it did in its own words. Returns
/// how many did.
fn flips_are_noticed(plan: &str, words: &Words) -> usize {
    let ran = Ran::of(plan, &[0]);
    let mut refused = 0;
    for fault in &ran.history.faults {
        let (in_force, healed) = evidence(fault);
        assert!(in_force.contains("gone with SIGKILL; byte "), "{in_force}");
        assert_eq!(fault.nodes.len(), 1);
        let (file, at, before) = first_byte(in_force);
        let data = ran.data(fault, &file).unwrap_or_else(|| panic!("{file} is there"));
        let log = fs::read_to_string(ran.squall.latest().join("nodes").join(&fault.nodes[0]).join(words.log)).unwrap();
        if healed.contains("refused to serve on them") {
            let said = words.refuses.iter().find(|said| healed.contains(**said)).unwrap_or_else(|| panic!("{healed}"));
            assert!(log.contains(said), "`{said}` is missing in its own log");
            assert!(healed.contains("put back, it answers after"), "{healed}");
            // Who drops the end of its log another time writes it anew.
            let hits = ran.history.faults.iter().filter(|other| other.nodes == fault.nodes);
            if hits.map(evidence).all(|(_, healed)| healed.contains("refused to serve on them")) {
                assert_eq!(data[at], before, "{file} is what it was");
            }
            refused += 1;
        } else {
            assert!(healed.contains("served on rotten files"), "{healed}");
            let has_dropped = words.drops.is_some_and(|dropped| log.contains(dropped));
            assert!(has_dropped || words.may_be_silent, "nothing of it is in its own log: {healed}");
        }
    }
    let all = ran.history.faults.len();
    assert_eq!(ran.said().contains("none served on them"), refused == all, "{}", ran.said());
    refused
}

#[test]
fn raftd_refuses_whatever_has_flipped() {
    let _alone = one_at_a_time();
    let words = Words { log: "raftd.log", refuses: &["corrupt log: "], drops: None, may_be_silent: false };
    assert_eq!(flips_are_noticed(&flips("target: raft", 15, [3, 7, 11]), &words), 3);
}

#[test]
fn etcd_notices_what_has_flipped() {
    let _alone = one_at_a_time();
    let words = Words {
        log: "etcd.log",
        // What is wrong first decides: a sum, a length, or how it is written.
        refuses: &["walpb: crc mismatch", "wal: max entry size limit exceeded", "proto: "],
        drops: Some("repaired WAL error"),
        may_be_silent: false,
    };
    assert!(flips_are_noticed(&flips("target: etcd", 29, [3, 12, 21]), &words) > 0);
}

#[test]
fn zookeeper_refuses_what_has_flipped() {
    let _alone = one_at_a_time();
    let words = Words {
        log: "zookeeper.log",
        refuses: &["CRC check failed", "Unable to load database on disk"],
        // A record without its last byte, or longer than it was, looks like one that was torn.
        drops: Some("Last transaction was partial"),
        // A snapshot may have all that stands in the file.
        may_be_silent: true,
    };
    assert!(flips_are_noticed(&flips("target: zookeeper\nprofile: fast", 40, [4, 16, 28]), &words) > 0);
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
- {at: 1s, for: 300ms, fault: rot, rot: {flip: 1, file: \"*.sst\"}, select: {named: [n1]}}
- {at: 2s, for: 300ms, fault: kill, select: {named: [n2]}}
";
    let plan = squall.file("plan.yaml", plan);
    squall.run(&["test", "--plan", &plan]).expect(0);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    let fault = &history.faults[0];
    assert!(fault.in_force.is_none() && fault.healed.is_some(), "{fault:?}");
    assert!(fault.problem.as_ref().is_some_and(|why| why.contains("no file of its data matches *.sst")), "{fault:?}");
    let is_killed = |node: &str| {
        let commands = fs::read_to_string(squall.latest().join("nodes").join(node).join("commands.log")).unwrap();
        commands.contains("SIGKILL")
    };
    assert_eq!(["n1", "n2"].map(is_killed), [false, true], "{:?}", history.faults);
}
