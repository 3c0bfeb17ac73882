//! Contradictions made by hand.

use squall_results::call::{Call, Reply};
use squall_results::verdict::{AnomalyOperation, LegalPrefix, Minimal, Refusal, Role};
use squall_results::{Anomaly, History, Operation, Outcome};

const MS_NS: u64 = 1_000_000;

fn drawn(
    role: Role,
    process: u64,
    node: &str,
    call: Call,
    outcome: Outcome,
    from_ns: u64,
    to_ns: u64,
) -> AnomalyOperation {
    let operation = Operation {
        id: from_ns / 1000,
        process,
        node: node.to_owned(),
        call,
        due_ns: from_ns,
        invoked_ns: from_ns,
        returned_ns: (to_ns > 0).then_some(to_ns),
        outcome,
    };
    AnomalyOperation { operation, role }
}

fn node(history: &History, index: usize) -> &str {
    history.start.as_ref().map(|start| start.nodes[index % start.nodes.len()].as_str()).unwrap_or("n1")
}

fn read(value: i64) -> (Call, Outcome) {
    (Call::Read { key: 3 }, Outcome::Ok(Reply::Read { value: Some(value), version: None }))
}

fn written(value: i64) -> (Call, Outcome) {
    (Call::Write { key: 3, value }, Outcome::Ok(Reply::Written { version: None }))
}

/// Three witnesses and a read that returns what was overwritten.
pub fn stale_read(history: &History, at_ns: u64) -> Anomaly {
    let at = |ms: f64| at_ns + (ms * MS_NS as f64) as u64;
    let make = |role, process, index, (call, outcome), from, to| {
        drawn(role, process, node(history, index), call, outcome, at(from), at(to))
    };
    let maybe = (Call::Write { key: 3, value: 9 }, Outcome::Unknown("timed out after 1 s".into()));
    let mut open = make(Role::Context, 8, 0, maybe, 1.2, 1.2);
    open.operation.returned_ns = None;
    let operations = vec![
        make(Role::Witness, 4, 0, written(3), 0.0, 1.1),
        open,
        make(Role::Witness, 6, 1, written(7), 1.9, 3.0),
        make(Role::Witness, 4, 0, read(7), 3.4, 4.2),
        make(Role::Contradiction, 5, 2, read(3), 4.9, 5.8),
    ];
    let (first, last) = (operations[0].operation.id, operations[4].operation.id);
    Anomaly {
        dependencies: Vec::new(),
        kind: "stale read".into(),
        told: format!(
            "Process 5 read 3 at {:.4} s, but process 6 had overwritten it with 7 by {:.4} s, and process 4 had already read 7 \
             by {:.4} s; 3 < 7 & nobody wrote 3 again.",
            at(4.9) as f64 / 1e9,
            at(3.0) as f64 / 1e9,
            at(4.2) as f64 / 1e9
        ),
        key: 3,
        from_ns: at(0.0),
        to_ns: at(5.8),
        minimal: Some(Minimal {
            operations: operations
                .iter()
                .filter(|drawn| drawn.role != Role::Context)
                .map(|drawn| drawn.operation.id)
                .collect(),
            effect_only: Vec::new(),
            starts: vec!["nil".into()],
            after_ns: None,
            smallest: true,
            verified: true,
        }),
        prefixes: vec![
            LegalPrefix {
                length: 212,
                last: vec![first, operations[2].operation.id, operations[3].operation.id],
                state: "7".into(),
                refused: vec![Refusal { op: last, why: "it read 3, but the register holds 7".into() }],
            },
            LegalPrefix {
                length: 211,
                last: vec![first, operations[2].operation.id, operations[1].operation.id],
                state: "9".into(),
                refused: vec![
                    Refusal { op: operations[3].operation.id, why: "it read 7, but the register holds 9".into() },
                    Refusal { op: last, why: "it read 3, but the register holds 9".into() },
                ],
            },
        ],
        operations,
    }
}

/// `count` operations within some milliseconds, one of which contradicts two others.
pub fn crowd(history: &History, at_ns: u64, count: u64) -> Anomaly {
    let mut operations: Vec<AnomalyOperation> = Vec::new();
    for index in 0..count {
        let process = (index * 7) % 11;
        let from_ns = at_ns + index * 310_000 + (index % 3) * 45_000;
        let to_ns = from_ns + 900_000 + (index * 613 % 17) * 90_000;
        let (call, outcome) = match index % 6 {
            0 | 3 => written(index as i64),
            1 | 4 => read(index as i64 - 1),
            2 => (
                Call::Cas { key: 3, expect: Some(index as i64 - 2), value: 1_000_000 + index as i64 },
                Outcome::Ok(Reply::NotEqual),
            ),
            _ => (
                Call::Cas { key: 3, expect: Some(index as i64), value: index as i64 + 1 },
                Outcome::Ok(Reply::Written { version: None }),
            ),
        };
        let role = match index {
            21 => Role::Contradiction,
            12 | 15 => Role::Witness,
            _ => Role::Context,
        };
        operations.push(drawn(role, process, node(history, process as usize), call, outcome, from_ns, to_ns));
    }
    for index in [4, 17] {
        operations[index].operation.outcome = Outcome::Unknown("connection reset".into());
        operations[index].operation.process = 40 + index as u64;
        operations[index].operation.call = Call::Write { key: 3, value: index as i64 };
    }
    operations[9].operation.outcome = Outcome::Fail("connection refused".into());
    Anomaly {
        kind: "not linearizable".into(),
        told: "No order explains what process 4 saw: the write of 15 returned before its read began.".into(),
        key: 3,
        from_ns: at_ns,
        to_ns: operations[21].operation.returned_ns.unwrap_or(at_ns),
        operations,
        prefixes: Vec::new(),
        minimal: None,
        dependencies: Vec::new(),
    }
}

/// A few short operations with seconds between them, and a last one ten seconds later.
pub fn spread(history: &History, at_ns: u64, span_ns: u64) -> Anomaly {
    let mut anomaly = stale_read(history, at_ns);
    let accused = &mut anomaly.operations[4].operation;
    accused.invoked_ns += span_ns;
    accused.returned_ns = accused.returned_ns.map(|ns| ns + span_ns);
    anomaly.operations[3].operation.invoked_ns += span_ns / 3;
    anomaly.operations[3].operation.returned_ns =
        anomaly.operations[3].operation.returned_ns.map(|ns| ns + span_ns / 3);
    anomaly.to_ns += span_ns;
    anomaly
}

/// An element of a set that was seen and then missed: long replies, no legal orders.
pub fn lost_element(history: &History, at_ns: u64) -> Anomaly {
    let at = |ms: u64| at_ns + ms * MS_NS;
    let added = |element| (Call::Add { key: 0, element }, Outcome::Ok(Reply::Added { version: None }));
    let all = |elements| (Call::Elements { key: 0 }, Outcome::Ok(Reply::Elements { elements, version: None }));
    let make = |role, process, (call, outcome), from, to| {
        drawn(role, process, node(history, process as usize), call, outcome, at(from), at(to))
    };
    let operations = vec![
        make(Role::Witness, 4, added(417), 0, 9),
        make(Role::Witness, 2, all((0..=417).collect()), 12, 31),
        make(Role::Context, 6, added(418), 14, 22),
        make(Role::Contradiction, 3, all((0..417).collect()), 40, 64),
    ];
    let (from_ns, to_ns, prefixes) = (at(0), at(64), Vec::new());
    let told = "process 3 did not find 417, which process 4 had added and process 2 had found before".into();
    Anomaly {
        kind: "lost element".into(),
        told,
        key: 0,
        from_ns,
        to_ns,
        operations,
        prefixes,
        minimal: None,
        dependencies: Vec::new(),
    }
}

/// Sixty transfers and reads of a bank of which nobody says what part they have.
pub fn wrong_total(history: &History, at_ns: u64) -> Anomaly {
    let balances = |number: u32| (0..8).map(|account| (account, i64::from(account * 7 + number))).collect();
    let operation = |number: u32| {
        let (call, reply) = match number % 3 {
            0 => (Call::Accounts { key: 0 }, Reply::Accounts { balances: balances(number) }),
            1 => (Call::Transfer { key: 0, from: 1, to: number % 8, amount: 5 }, Reply::Transferred),
            _ => (Call::Transfer { key: 0, from: 2, to: 3, amount: 900 }, Reply::TooLittle),
        };
        let (process, from_ns) = (u64::from(number % 7), at_ns + u64::from(number) * 700_000);
        let to_ns = from_ns + 1_100_000 + u64::from(number % 5) * 300_000;
        drawn(Role::Context, process, node(history, process as usize), call, Outcome::Ok(reply), from_ns, to_ns)
    };
    let operations: Vec<AnomalyOperation> = (0..60).map(operation).collect();
    let (to_ns, told) = (at_ns + 60 * 700_000, "the accounts hold 204 in all, but 196 were paid in".into());
    let kind = "wrong total".into();
    Anomaly {
        kind,
        told,
        key: 0,
        from_ns: at_ns,
        to_ns,
        operations,
        prefixes: Vec::new(),
        minimal: None,
        dependencies: Vec::new(),
    }
}
