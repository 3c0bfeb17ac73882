//! Histories: read, judged, told and drawn.

use super::fuzz::Read;
use super::mutation;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use squall::{judge, summary};
use squall_results::folder::RunFolder;
use squall_results::{Budget, Promise, reader};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run of three nodes with all kinds of events, and one stale read where `stale`.
fn run(operations: u64, stale: bool) -> Vec<String> {
    let mut lines = vec![
        r#"{"start":{"format":1,"squall":"0.1.0","target":"raft","workload":"register","promise":"linearizable","nodes":["n1","n2","n3"],"seed":1,"unix_ms":1795215505123}}"#.to_owned(),
        r#"{"facts":{"kernel":"6.1","links are cut by":"iptables"}}"#.to_owned(),
        r#"{"phase":{"at_ns":1000,"name":"storm"}}"#.to_owned(),
    ];
    for op in 0..operations {
        let (key, process, node, at_ns) = (op / 40, op % 5, op % 3 + 1, 2_000 + op * 50_000_000);
        let value = op - op % 3;
        let (call, reply) = match op % 3 {
            0 => (format!(r#"{{"write":{{"key":{key},"value":{value}}}}}"#), r#"{"written":{"version":7}}"#.to_owned()),
            1 => (format!(r#"{{"read":{{"key":{key}}}}}"#), format!(r#"{{"read":{{"value":{value}}}}}"#)),
            _ if stale && op > operations / 2 => (
                format!(r#"{{"read":{{"key":{key}}}}}"#),
                format!(r#"{{"read":{{"value":{}}}}}"#, value.saturating_sub(3)),
            ),
            _ => (format!(r#"{{"cas":{{"key":{key},"expect":-5,"value":1}}}}"#), "\"not_equal\"".to_owned()),
        };
        let outcome = match op % 11 {
            7 => r#"{"fail":"connection refused"}"#.to_owned(),
            _ => format!(r#"{{"ok":{reply}}}"#),
        };
        lines.push(format!(
            r#"{{"invoke":{{"at_ns":{at_ns},"due_ns":{at_ns},"op":{op},"process":{process},"node":"n{node}","call":{call}}}}}"#
        ));
        if op % 20 == 5 {
            lines.extend(fault(op as u32, at_ns));
        }
        lines.push(format!(r#"{{"return":{{"at_ns":{},"op":{op},"outcome":{outcome}}}}}"#, at_ns + 9_000_000));
        lines.push(format!(
            r#"{{"sample":{{"at_ns":{at_ns},"node":"n{node}","measured":{{"leader":{{"leader":"n1","term":{}}}}}}}}}"#,
            op / 10
        ));
    }
    let end_ns = 2_000 + operations * 50_000_000;
    lines.push(format!(r#"{{"phase":{{"at_ns":{end_ns},"name":"recovery"}}}}"#));
    lines.push(format!(r#"{{"sample":{{"at_ns":{end_ns},"node":"n2","measured":"silent"}}}}"#));
    lines.push(format!(r#"{{"phase":{{"at_ns":{},"name":"final_reads"}}}}"#, end_ns + 5_000_000));
    lines.push(format!(r#"{{"end":{{"at_ns":{},"how":"completed"}}}}"#, end_ns + 9_000_000));
    lines
}

fn fault(fault: u32, at_ns: u64) -> [String; 4] {
    let change = |after_ns: u64, change: &str| {
        format!(r#"{{"fault":{{"at_ns":{},"fault":{fault},"change":{change}}}}}"#, at_ns + after_ns)
    };
    let inject = r#"{"inject":{"family":"kill","what":"kill n1","selector":"one","nodes":["n1"]}}"#;
    [
        change(0, inject),
        change(1_000_000, r#"{"in_force":{"evidence":"n1 gone with SIGKILL"}}"#),
        change(300_000_000, r#""heal""#),
        change(400_000_000, r#"{"healed":{"evidence":"n1 answers"}}"#),
    ]
}

/// The histories that the checkers' tests have written down.
fn golden(rng: &mut ChaCha8Rng) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/golden");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).expect("golden histories").flatten().map(|e| e.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let path = &paths[rng.random_range(0..paths.len())];
    fs::read_to_string(path).expect("a golden history").lines().map(str::to_owned).collect()
}

/// A history with a few changes.
pub fn make(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut lines = match rng.random_range(0..4) {
        0 => golden(rng),
        1 => run(rng.random_range(0..20), false),
        _ => run(rng.random_range(20..200), rng.random()),
    };
    for _ in 0..rng.random_range(1..=4) {
        let line = rng.random_range(0..lines.len().max(1));
        match (rng.random_range(0..10), lines.get_mut(line)) {
            (0, _) | (_, None) => mutation::lines(&mut lines, rng),
            (_, Some(line)) => {
                if let Ok(mut event) = serde_json::from_str::<Value>(line) {
                    mutation::value(&mut event, rng);
                    *line = event.to_string();
                }
            }
        }
    }
    let mut text = (lines.join("\n") + "\n").into_bytes();
    if rng.random_bool(0.1) {
        (0..rng.random_range(1..4)).for_each(|_| mutation::bytes(&mut text, rng));
    }
    text
}

/// What `squall check` does with a folder.
pub fn read_judge_and_draw(text: &[u8]) -> Read {
    let Ok(history) = reader::read_history_from(Cursor::new(text.to_vec()), Path::new("history.jsonl")) else {
        return Read::Refused;
    };
    let workload = squall_workloads::find("register").expect("it is in the list");
    let promises = judge::Promises { decides: Promise::Linearizable, beside: None };
    let budget = Budget { time: Duration::from_secs(2), memory_bytes: 64 << 20, ..Budget::default() };
    let judged = judge::judge(history, workload, promises, &budget);
    let verdicts = &judged.judgement.verdicts;
    assert!(
        verdicts.iter().all(|verdict| !verdict.reason.contains("itself failed")),
        "a checker panicked: {verdicts:?}"
    );
    let told = summary::text(&judged, &[]);
    assert!(told.len() < 10 * text.len() + 10_000, "{} bytes are told of {}", told.len(), text.len());
    let folder = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::at(folder.path());
    let surroundings = judge::Surroundings { plan_yaml: "seed: 7\n", command: "squall test raft --seed 7" };
    judge::write(&folder, &judged, &surroundings).unwrap_or_else(|error| panic!("{error}"));
    let page = fs::read_to_string(folder.report()).expect("a report");
    assert!(!page.contains("<script>alert"), "a text of the history became a script of the page");
    Read::Accepted
}
