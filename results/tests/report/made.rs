//! A run made by hand: small, with everything that the page can show, and with text that would do harm unescaped.

use squall_results::call::{Call, Reply, Version};
use squall_results::event::{End, Ending, FORMAT, Measured, Phase, PhaseName, Sample, Start};
use squall_results::history::FaultSpan;
use squall_results::verdict::{AnomalyOperation, LegalPrefix, Refusal, Role};
use squall_results::{Anomaly, History, Judgement, Operation, Outcome, Promise, Validity, Verdict};

pub const HARMFUL: &str = "<script>alert('1')</script>&\"\u{0}";
pub const MS: u64 = 1_000_000;

/// `count` operations, one every millisecond: every tenth fails, every eleventh stays unknown, of these the first never
/// returns. Two faults, of which one was in force.
pub fn history(count: u64) -> History {
    let operation = |id: u64| Operation {
        id,
        process: id,
        node: "n1".into(),
        call: match id % 3 {
            0 => Call::Read { key: 0 },
            1 => Call::Write { key: 0, value: 7 },
            _ => Call::Cas { key: 0, expect: Some(7), value: 8 },
        },
        due_ns: id * MS,
        invoked_ns: id * MS,
        returned_ns: (id != 11).then_some(id * MS + 500_000 + id * 7919 % 1_000_000),
        outcome: match (id, id % 3) {
            (id, _) if id % 11 == 0 => Outcome::Unknown("timed out".into()),
            (id, _) if id % 10 == 0 => Outcome::Fail(HARMFUL.into()),
            (_, 0) => Outcome::Ok(Reply::Read { value: None, version: None }),
            (_, 1) => Outcome::Ok(Reply::Written { version: Some(Version::at(1)) }),
            _ => Outcome::Ok(Reply::NotEqual),
        },
    };
    let end_ns = (count + 10) * MS;
    let fault = |id: u32, works: bool| FaultSpan {
        id,
        family: "partition".into(),
        what: format!("isolate {HARMFUL}"),
        selector: "leader".into(),
        nodes: vec!["n1".into(), HARMFUL.into()],
        links: Vec::new(),
        injected_ns: end_ns / 5,
        in_force: works.then(|| (end_ns / 4, "6 of 6 probes lost".into())),
        heal_ns: Some(end_ns / 2),
        healed: works.then(|| (end_ns / 2 + MS, "6 of 6 probes arrived".into())),
        problem: (!works).then(|| HARMFUL.into()),
    };
    let leader = |at_ns, node: &str, term| {
        let measured = Measured::Leader { leader: Some(node.to_owned()), term };
        Sample { at_ns, node: node.to_owned(), measured }
    };
    History {
        facts: Default::default(),
        start: Some(Start {
            format: FORMAT,
            squall: "0.1.0".into(),
            target: HARMFUL.into(),
            workload: "register".into(),
            promise: Promise::Linearizable,
            beside: None,
            bounds: None,
            read: None,
            nodes: vec!["n1".into(), "n2".into(), HARMFUL.into()],
            seed: 42,
            unix_ms: 951_782_400_000,
        }),
        operations: (1..=count).map(operation).collect(),
        faults: vec![fault(1, true), fault(2, false)],
        samples: vec![
            leader(0, "n1", 2),
            Sample { at_ns: MS, node: "n2".into(), measured: Measured::Silent },
            leader(end_ns / 3, "n2", 3),
        ],
        phases: vec![
            Phase { at_ns: 0, name: PhaseName::Storm },
            Phase { at_ns: end_ns - 5 * MS, name: PhaseName::Recovery },
        ],
        end: Some(End { at_ns: end_ns, how: Ending::Completed }),
        notes: vec![format!("line 9 is cut off {HARMFUL}")],
    }
}

/// An anomaly of `count` operations in four processes; the last of them is the contradiction.
pub fn anomaly(count: u64) -> Anomaly {
    let made = history(count).operations;
    let operations: Vec<AnomalyOperation> = made
        .into_iter()
        .enumerate()
        .map(|(index, operation)| {
            let role = match index as u64 + 1 {
                last if last == count => Role::Contradiction,
                1 | 2 => Role::Witness,
                _ => Role::Context,
            };
            let process = if operation.outcome.is_unknown() { 100 + operation.id } else { operation.id % 4 };
            AnomalyOperation { operation: Operation { process, node: HARMFUL.into(), ..operation }, role }
        })
        .collect();
    Anomaly {
        kind: "stale read".into(),
        told: format!("Process 3 read 3 < 7 although {HARMFUL}"),
        key: 0,
        from_ns: MS,
        to_ns: count * MS,
        operations,
        prefixes: vec![LegalPrefix {
            length: 900,
            last: vec![1, 2],
            state: HARMFUL.into(),
            refused: vec![Refusal { op: 2, why: "it read 3, but the register holds 7".into() }],
        }],
        minimal: None,
        dependencies: Vec::new(),
    }
}

pub fn judgement(validity: Validity, anomalies: Vec<Anomaly>) -> Judgement {
    let reason = format!("the reason {HARMFUL}");
    let figures = [("keys".to_owned(), 42.0)].into();
    let verdict = Verdict { checker: "linearizable".into(), validity, reason, anomalies, figures };
    Judgement::new(Promise::Linearizable, vec![verdict])
}
