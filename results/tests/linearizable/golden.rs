//! The golden histories: each with its verdict, and evidence that holds when it is checked.

use crate::legal;
use crate::minimal::{Plain, minimal_holds};
use squall_results::checker::linearizable::Linearizable;
use squall_results::model::Register;
use squall_results::reader::read_history;
use squall_results::verdict::Role;
use squall_results::{Budget, Checker, History, Verdict};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn history(name: &str) -> History {
    read_history(&folder().join(format!("{name}.jsonl"))).unwrap()
}

fn judge(history: &History) -> Verdict {
    Linearizable::new(Register).check(history, &Budget::default())
}

/// Name, verdict, kind of every row of the table in the README.
fn rows() -> Vec<(String, String, String)> {
    let table = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        (cells[1].into(), cells[2].into(), cells[3].into())
    })
    .collect()
}

#[test]
fn every_history_has_its_verdict() {
    for (name, validity, kind) in rows() {
        let history = history(&name);
        let verdict = judge(&history);
        assert_eq!(verdict.validity.to_string(), validity, "{name}: {}", verdict.reason);
        let kinds: Vec<&str> = verdict.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect();
        let expected: Vec<&str> = if kind == "-" { Vec::new() } else { vec![&kind] };
        assert_eq!(kinds, expected, "{name}: {:?}", verdict.anomalies);
        legal::evidence_holds(&history, &verdict);
        let broken = verdict.figures["keys_invalid"];
        assert_eq!(verdict.figures["keys_invalid_rechecked"], broken, "{name}: {}", verdict.reason);
        assert_eq!(verdict.reason.ends_with("the bare search says so too"), broken > 0.0, "{name}: {}", verdict.reason);
        for anomaly in &verdict.anomalies {
            minimal_holds(&history.operations, anomaly);
        }
        for anomaly in &Linearizable::new(Plain).check(&history, &Budget::default()).anomalies {
            minimal_holds(&history.operations, anomaly);
        }
    }
}

#[test]
fn every_history_is_in_the_table() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|file| file.unwrap().file_name().into_string().unwrap().strip_suffix(".jsonl").map(String::from))
        .collect();
    let rows: BTreeSet<String> = rows().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(files, rows);
    assert!(files.len() > 30);
}

/// A write that cannot have been read is no witness.
#[test]
fn witnesses_are_few() {
    let witnesses = |name: &str| legal::with_role(&judge(&history(name)).anomalies[0], Role::Witness).len();
    assert_eq!(witnesses("new-old-inversion"), 3);
    assert_eq!(witnesses("new-old-inversion-beside-a-later-write"), 3);
    assert_eq!(witnesses("stale-read-of-the-last-but-one"), 2);
    assert_eq!(witnesses("read-of-a-value-never-written"), 0);
}

/// What a person reads.
#[test]
fn contradictions_are_told() {
    let told = |name: &str| judge(&history(name)).anomalies[0].told.clone();
    assert_eq!(
        told("stale-read"),
        "process 4 read 3 on n2 (0.050 to 0.060 s), but 3 had been overwritten: process 1 wrote 3 on n2 (0.010 to 0.020 s), \
         the last to leave 3 there, and after that process 2 wrote 7 on n3 (0.030 to 0.040 s)"
    );
    assert_eq!(
        told("equal-stamps-but-one"),
        "process 1 read nil on n2 (0.005000001 to 0.010000000 s), but before that process 0 wrote 1 on n1 (0.000000000 to \
         0.005000000 s)"
    );
    assert_eq!(
        told("new-old-inversion"),
        "process 3 read 1 on n1 (0.050 to 0.060 s), although by then process 2 read 2 on n3 (0.030 to 0.040 s); process 0 \
         wrote 1 on n1 (0.000 to 0.010 s); process 1 wrote 2 on n2 (0.020 to 0.100 s). No order of these 4 operations is \
         legal, and no other can have left what they found"
    );
    assert_eq!(
        told("lost-update"),
        "process 2 swapped 1 for 3 on n3 (0.021 to 0.041 s), and from the same value process 1 swapped 1 for 2 on n2 \
         (0.020 to 0.040 s); process 0 wrote 1 on n1 (0.000 to 0.010 s). No order of these 3 operations is legal, and no \
         other can have left what they found"
    );
    assert_eq!(
        told("read-of-a-failed-write"),
        "process 2 read 5 on n3 (0.040 to 0.050 s), but the only call that would leave 5 had failed: process 1 called \
         write 5 on n2, which failed (0.020 to 0.030 s)"
    );
    assert_eq!(
        told("read-of-a-value-never-written"),
        "process 2 read 9 on n3 (0.040 to 0.050 s), but nobody ever wrote 9"
    );
    assert_eq!(
        told("not-equal-to-nothing"),
        "process 0 found no nil to swap on n1 (0.000 to 0.010 s), but nothing else can have been written by then"
    );
}
