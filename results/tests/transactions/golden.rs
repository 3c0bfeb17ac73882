//! Small histories by hand, each for one rule.

use squall_results::checker::transactions::Objects;
use squall_results::formats::{Options, Reader, Subject};
use squall_results::{Anomaly, Level, Validity, Verdict};

/// Reads a history: a line is a process, how it ended (ok, info, fail), begin and end, and the steps in EDN, with what was
/// found. Times are in milliseconds.
fn judge(objects: Objects, level: Level, lines: &[&str]) -> Verdict {
    let mut rows: Vec<(u64, String)> = Vec::new();
    for line in lines {
        let parts: Vec<&str> = line.splitn(5, ' ').collect();
        let [process, end, from, to, steps] = parts[..] else { panic!("{line}") };
        let row = |kind: &str, at: &str| {
            let ns = at.parse::<u64>().unwrap() * 1_000_000;
            let nil = "nil";
            let value = if kind == "fail" || kind == "info" { nil } else { steps };
            (ns, format!("{{:type :{kind}, :process {process}, :f :txn, :value {value}, :time {ns}}}\n"))
        };
        let (invoke, end) = (row("invoke", from), row(end, to));
        rows.extend([invoke, end]);
    }
    rows.sort_by_key(|(at, _)| *at);
    let text: String = rows.into_iter().map(|(_, row)| row).collect();
    let subject = if objects == Objects::Lists { Subject::Lists } else { Subject::Registers };
    let options = Options { subject: Some(subject), ..Options::default() };
    let reader = Reader::new(std::io::Cursor::new(text), "history.edn".as_ref(), &options).unwrap();
    super::judge(&reader.read_history().unwrap(), objects, level)
}

fn kinds(anomalies: &[Anomaly]) -> Vec<&str> {
    anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect()
}

/// What is found at the strongest level, and which levels remain.
fn check(objects: Objects, lines: &[&str], expected: &[&str], remains: &str) {
    let verdict = judge(objects, Level::STRICT_SERIALIZABLE, lines);
    assert_eq!(kinds(&verdict.anomalies), expected, "{lines:#?}\n{}", verdict.reason);
    assert!(verdict.reason.ends_with(remains), "{lines:#?}\n{} does not end with {remains}", verdict.reason);
}

#[test]
fn reads_of_lists() {
    let check = |lines: &[&str], expected: &[&str], remains: &str| check(Objects::Lists, lines, expected, remains);
    check(&["0 ok 1 2 [[:append 1 1]]", "1 ok 3 4 [[:r 1 [1]]]"], &[], "not ruled out: strict-serializable");
    check(
        &["0 fail 1 2 [[:append 1 1]]", "1 ok 3 4 [[:r 1 [1]]]"],
        &["aborted read (G1a)"],
        "not ruled out: strong-read-uncommitted",
    );
    check(
        &["0 ok 1 5 [[:append 1 1] [:append 1 2]]", "1 ok 2 4 [[:r 1 [1]]]"],
        &["G-single", "intermediate read (G1b)"],
        "not ruled out: strong-read-uncommitted",
    );
    check(
        &["0 fail 1 2 [[:append 1 1]]", "1 ok 3 4 [[:append 1 2]]", "2 ok 5 6 [[:r 1 [1 2]]]"],
        &["aborted read (G1a)", "dirty update"],
        "not ruled out: strong-read-uncommitted",
    );
    check(
        &["0 ok 1 9 [[:append 1 1]]", "1 ok 1 9 [[:append 1 2]]", "2 ok 1 9 [[:r 1 [1]]]", "3 ok 1 9 [[:r 1 [2 1]]]"],
        &["incompatible orders"],
        "not ruled out: strong-read-uncommitted",
    );
    check(
        &["0 ok 1 2 [[:append 1 1]]", "1 ok 3 4 [[:r 1 [1 1]]]"],
        &["duplicate elements"],
        "every level is ruled out",
    );
    check(&["0 ok 1 2 [[:append 1 1]]", "1 ok 3 4 [[:r 1 [1 7]]]"], &["phantom value"], "every level is ruled out");
    check(
        &["0 ok 1 2 [[:append 1 1] [:r 1 nil]]"],
        &["internal inconsistency"],
        "not ruled out: strong-read-committed",
    );
    check(
        &["0 ok 1 9 [[:append 1 1]]", "1 ok 1 9 [[:r 1 nil] [:r 1 [1]]]"],
        &["G-single", "internal inconsistency"],
        "not ruled out: strong-read-committed",
    );
    check(
        &["0 ok 1 9 [[:r 1 nil] [:append 1 1]]", "1 ok 1 9 [[:r 1 nil] [:append 1 2]]"],
        &["G2-item", "lost update"],
        "not ruled out: strong-read-committed",
    );
}

#[test]
fn cycles_of_lists() {
    let check = |lines: &[&str], expected: &[&str], remains: &str| check(Objects::Lists, lines, expected, remains);
    let reader = "9 ok 20 21 [[:r 1 [1 2]] [:r 2 [2 1]]]";
    check(
        &["0 ok 1 9 [[:append 1 1] [:append 2 1]]", "1 ok 1 9 [[:append 1 2] [:append 2 2]]", reader],
        &["G0"],
        "every level is ruled out",
    );
    check(
        &["0 ok 1 9 [[:append 1 1] [:r 2 [1]]]", "1 ok 1 9 [[:append 2 1] [:r 1 [1]]]"],
        &["G1c"],
        "not ruled out: strong-read-uncommitted",
    );
    check(
        &["0 ok 1 9 [[:append 1 1] [:append 2 1]]", "1 ok 1 9 [[:r 1 [1]] [:r 2 nil]]"],
        &["G-single"],
        "not ruled out: strong-read-committed",
    );
    // Two readers that see two writes in different orders.
    check(
        &[
            "0 ok 1 9 [[:append 1 1]]",
            "1 ok 1 9 [[:append 2 1]]",
            "2 ok 1 9 [[:r 1 [1]] [:r 2 nil]]",
            "3 ok 1 9 [[:r 1 nil] [:r 2 [1]]]",
        ],
        &["G-nonadjacent"],
        "not ruled out: strong-read-committed",
    );
    // Write skew.
    check(
        &["0 ok 1 9 [[:r 1 nil] [:append 2 1]]", "1 ok 1 9 [[:r 2 nil] [:append 1 1]]"],
        &["G2-item"],
        "not ruled out: strong-snapshot-isolation",
    );
    // A read that is too old.
    check(
        &["0 ok 1 2 [[:append 1 1]]", "1 ok 3 4 [[:r 1 nil]]"],
        &["G-single-realtime"],
        "not ruled out: strong-session-serializable, strong-read-committed",
    );
    check(
        &["0 ok 1 2 [[:append 1 1]]", "0 ok 3 4 [[:r 1 nil]]"],
        &["G-single-process"],
        "not ruled out: serializable, strong-read-committed",
    );
    // At the same time, or of something whose end nobody knows, it is not.
    check(&["0 ok 1 3 [[:append 1 1]]", "1 ok 2 4 [[:r 1 nil]]"], &[], "not ruled out: strict-serializable");
    check(
        &["0 info 1 2 [[:append 1 1]]", "1 ok 3 4 [[:r 1 nil]]", "2 ok 5 6 [[:r 1 [1]]]"],
        &[],
        "not ruled out: strict-serializable",
    );
    // What nobody knows the end of happened if it was seen, and all of it.
    check(
        &["0 info 1 2 [[:append 1 1] [:append 2 1]]", "1 ok 3 4 [[:r 1 [1]] [:r 2 nil]]"],
        &["G-single"],
        "not ruled out: strong-read-committed",
    );
    // A failed transaction between two others of its session does not part them.
    check(
        &["0 ok 1 2 [[:append 1 1]]", "0 fail 3 4 [[:append 2 1]]", "0 ok 5 6 [[:r 1 nil]]"],
        &["G-single-process"],
        "not ruled out: serializable, strong-read-committed",
    );
    // Nor does a failed append part two versions.
    check(
        &[
            "0 ok 1 9 [[:append 1 1] [:append 2 2]]",
            "1 fail 1 9 [[:append 1 7]]",
            "2 ok 1 9 [[:append 1 2] [:append 2 1]]",
            "3 ok 11 12 [[:r 1 [1 7 2]] [:r 2 [1 2]]]",
        ],
        &["G0", "aborted read (G1a)", "dirty update"],
        "every level is ruled out",
    );
}

#[test]
fn registers() {
    let check = |lines: &[&str], expected: &[&str], remains: &str| check(Objects::Registers, lines, expected, remains);
    check(&["0 ok 1 2 [[:w 1 1]]", "1 ok 3 4 [[:r 1 1]]"], &[], "not ruled out: strict-serializable");
    check(&["0 fail 1 2 [[:w 1 1]]", "1 ok 3 4 [[:r 1 1]]"], &["aborted read (G1a)"], "strong-read-uncommitted");
    check(
        &["0 ok 1 5 [[:w 1 1] [:w 1 2]]", "1 ok 2 4 [[:r 1 1]]"],
        &["intermediate read (G1b)"],
        "not ruled out: strong-read-uncommitted",
    );
    check(&["0 ok 1 2 [[:w 1 1]]", "1 ok 3 4 [[:r 1 7]]"], &["phantom value"], "every level is ruled out");
    check(&["0 ok 1 2 [[:w 1 1] [:r 1 nil]]"], &["internal inconsistency"], "not ruled out: strong-read-committed");
    check(
        &["0 ok 1 9 [[:w 1 1] [:r 2 1]]", "1 ok 1 9 [[:w 2 1] [:r 1 1]]"],
        &["G1c"],
        "not ruled out: strong-read-uncommitted",
    );
    // Each read what the other one overwrote.
    check(
        &[
            "0 ok 1 2 [[:w 1 1] [:w 2 1]]",
            "1 ok 3 9 [[:r 1 1] [:r 2 1] [:w 1 2]]",
            "2 ok 3 9 [[:r 1 1] [:r 2 1] [:w 2 2]]",
        ],
        &["G2-item"],
        "not ruled out: strong-snapshot-isolation",
    );
    check(
        &["0 ok 1 2 [[:w 1 1]]", "1 ok 3 9 [[:r 1 1] [:w 1 2]]", "2 ok 3 9 [[:r 1 1] [:w 1 3]]"],
        &["G2-item", "lost update"],
        "not ruled out: strong-read-committed",
    );
    check(
        &["0 ok 1 2 [[:w 1 1]]", "1 ok 3 4 [[:r 1 nil]]"],
        &["G-single-realtime"],
        "not ruled out: strong-session-serializable, strong-read-committed",
    );
}

#[test]
fn what_nobody_can_judge() {
    let check = |lines: &[&str], expected: &str| {
        let verdict = judge(Objects::Lists, "serializable".parse().unwrap(), lines);
        assert_eq!(verdict.validity, Validity::Unknown, "{lines:?}");
        assert!(verdict.reason.contains(expected), "{}", verdict.reason);
    };
    check(&["0 info 1 2 [[:append 1 1]]"], "no transaction is known to have taken place");
    check(&["0 ok 1 2 [[:append 1 1]]"], "nothing says in which order");
    check(&["0 ok 1 2 [[:append 1 1]]", "1 ok 1 2 [[:append 1 1]]"], "1 was written to 1 twice");
}

#[test]
fn people_are_told_why() {
    let lines = [
        "0 ok 1 2 [[:append 1 3] [:append 2 7]]",
        "1 ok 14 20 [[:append 1 4] [:r 2 nil]]",
        "2 ok 30 31 [[:r 1 [3 4]]]",
    ];
    let verdict = judge(Objects::Lists, Level::STRICT_SERIALIZABLE, &lines);
    assert_eq!(kinds(&verdict.anomalies), ["G-single"]);
    assert_eq!(
        verdict.anomalies[0].told,
        "T1 did not see T2's 7 in 2, which it read as []; T1 appended 4 to 1 after T2's 3. So each comes before the next: \
         T1 < T2 < T1. T1 is operation 1 of process 1 (0.014 to 0.020 s), T2 is operation 0 of process 0 (0.001 to 0.002 s)."
    );
    let labels: Vec<&str> = verdict.anomalies[0].dependencies.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["rw 2: 7", "ww 1: 3, 4"]);
    let verdict =
        judge(Objects::Lists, Level::STRICT_SERIALIZABLE, &["0 ok 1 2 [[:append 1 1]]", "1 ok 14 15 [[:r 1 nil]]"]);
    assert_eq!(
        verdict.anomalies[0].told,
        "T1 did not see T2's 1 in 1, which it read as []; T2 had returned 12.000 ms before T1 began. So each comes before \
         the next: T1 < T2 < T1. T1 is operation 1 of process 1 (0.014 to 0.015 s), T2 is operation 0 of process 0 (0.001 \
         to 0.002 s)."
    );
}
