//! The anomalies as the terminal shows them.

use super::*;
use crate::judge;
use squall_results::history::FaultSpan;
use squall_results::verdict::{AnomalyOperation, Role};
use squall_results::{Anomaly, Budget, Call, History, Operation, Outcome, Promise, Reply, Verdict, reader};
use std::path::Path;

fn golden(name: &str) -> History {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/golden");
    reader::read_history(&folder.join(format!("{name}.jsonl"))).unwrap()
}

const MS: u64 = 1_000_000;

/// What [`anomalies::tell`] says, without colours.
fn told(history: &History, judgement: &Judgement, logs: &[LogLine]) -> String {
    let mut out = String::new();
    anomalies::tell(&mut out, history, judgement, logs).unwrap();
    anstream::adapter::strip_str(&out).to_string()
}

fn judged(history: History) -> Judged {
    let workload = squall_workloads::find("register").unwrap();
    let promises = judge::Promises { decides: Promise::Linearizable, beside: None };
    judge::judge(history, workload, promises, &Budget::default())
}

fn line(at_ms: u64, node: &str, text: &str) -> LogLine {
    LogLine { node: node.into(), at_ns: Some(at_ms * MS), text: text.into() }
}

fn cut_off(from_ms: u64, to_ms: u64) -> FaultSpan {
    FaultSpan {
        id: 0,
        family: "partition".into(),
        what: "cut n1 off from n2, n3".into(),
        selector: "leader".into(),
        nodes: vec!["n1".into()],
        links: Vec::new(),
        injected_ns: from_ms * MS,
        in_force: Some((from_ms * MS, "none of 20 probes arrived".into())),
        heal_ns: Some(to_ms * MS),
        healed: Some((to_ms * MS, "all of 20 probes arrived".into())),
        problem: None,
    }
}

#[test]
fn a_stale_read_is_told_with_all_that_shows_it() {
    let logs =
        [line(35, "n3", "accepted 7"), line(55, "n2", "serving a read\u{1b}[2J"), line(5_000, "n1", "much later")];
    let mut history = golden("stale-read");
    history.faults.push(cut_off(15, 45));
    let judged = judged(history);
    assert_eq!(
        told(&judged.history, &judged.judgement, &logs),
        "
✗ stale read on key 0
  process 4 read 3 on n2 (0.050 to 0.060 s), but 3 had been overwritten: process 1 wrote 3 on n2 (0.010 to 0.020 s), the last to leave 3 there, and after that process 2 wrote 7 on n3 (0.030 to 0.040 s)

  the smallest set that is still a violation, verified by the bare search
    process 1  n2  write 3   0.010 to 0.020 s  ├───┤
    process 2  n3  write 7   0.030 to 0.040 s          ├───┤
  ✗ process 4  n2  read → 3  0.050 to 0.060 s                  ├───┤

  last consistent state  7  after 2 operations in a legal order, the last of them write 7 (process 2)
  impossible step        read → 3 (process 4): it read 3, but the register holds 7

  fault in force         cut n1 off from n2, n3 0.015 to 0.045 s

  log lines around it
       0.035 s  n3  accepted 7
       0.055 s  n2  serving a read\u{fffd}[2J
"
    );
}

/// An anomaly of another checker: calls of any kind, no legal orders, no smallest set.
fn foreign(operations: u64, role: impl Fn(u64) -> Role) -> Anomaly {
    let operation = |id: u64| {
        let call =
            if id.is_multiple_of(2) { Call::Add { key: 4, element: id as i64 } } else { Call::Elements { key: 4 } };
        let reply = match &call {
            Call::Add { .. } => Reply::Added { version: None },
            _ => Reply::Elements { elements: (0..id as i64 * 40).collect(), version: None },
        };
        let (invoked_ns, returned_ns) = (id * 1_000_000, Some(id * 1_000_000 + 1_500_000));
        let (due_ns, outcome) = (invoked_ns, Outcome::Ok(reply));
        Operation {
            id,
            process: id,
            node: "a-node-with-quite-a-long-name.internal".into(),
            call,
            due_ns,
            invoked_ns,
            returned_ns,
            outcome,
        }
    };
    let operations = (0..operations).map(|id| AnomalyOperation { operation: operation(id), role: role(id) }).collect();
    let (kind, told) = ("lost element".into(), "Element 2 is missing from a later read".into());
    Anomaly {
        kind,
        told,
        key: 4,
        from_ns: 0,
        to_ns: 9_000_000,
        operations,
        prefixes: Vec::new(),
        minimal: None,
        dependencies: Vec::new(),
    }
}

fn judgement(anomalies: Vec<Anomaly>) -> Judgement {
    let (checker, reason) = ("set".into(), "elements are missing".into());
    let figures = Default::default();
    let verdict = Verdict { checker, validity: Validity::Invalid, reason, anomalies, figures };
    Judgement::new(Promise::Linearizable, vec![verdict])
}

#[test]
fn any_checkers_anomalies_are_told() {
    let nothing = told(&History::default(), &judgement(vec![foreign(0, |_| Role::Context)]), &[]);
    assert_eq!(nothing, "\n✗ lost element on key 4\n  Element 2 is missing from a later read\n");
    let few = told(&History::default(), &judgement(vec![foreign(4, |_| Role::Context)]), &[]);
    assert_eq!(
        few,
        "
✗ lost element on key 4
  Element 2 is missing from a later read

  what went on
    process 0  a-node-with-quite-a-…  add 0                                      0.000000 to 0.001500 s  ├───────┤
    process 1  a-node-with-quite-a-…  read all → {0, 1, 2, 3, ..., 36, 37, 38,…  0.001000 to 0.002500 s      ├───────────┤
    process 2  a-node-with-quite-a-…  add 2                                      0.002000 to 0.003500 s              ├───────────┤
    process 3  a-node-with-quite-a-…  read all → {0, 1, 2, 3, ..., 116, 117, 1…  0.003000 to 0.004500 s                      ├───────┤
"
    );
    let mut later = History::default();
    later.faults.push(cut_off(1, 5));
    let last = told(
        &later,
        &judgement(vec![Anomaly { from_ns: 9 * MS, to_ns: 9 * MS, ..foreign(0, |_| Role::Context) }]),
        &[],
    );
    assert!(last.ends_with("\n  last fault before      cut n1 off from n2, n3 0.001 to 0.005 s\n"), "{last}");
}

#[test]
fn what_is_much_is_counted() {
    let many = judgement(
        (0..50).map(|_| foreign(300, |id| if id == 200 { Role::Contradiction } else { Role::Witness })).collect(),
    );
    let told = told(&History::default(), &many, &[]);
    assert_eq!(told.matches("✗ lost element").count(), 3);
    assert!(
        told.contains("1 of 50") && told.ends_with("47 more anomalies in the report and in verdict.json\n"),
        "{told}"
    );
    assert_eq!(told.matches("288 more operations in the report").count(), 3);
    assert!(told.lines().count() < 60 && told.lines().all(|line| line.chars().count() < 180), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("  ✗ process 200 ")).count(), 3);
}
