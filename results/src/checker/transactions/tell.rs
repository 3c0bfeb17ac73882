//! Anomalies of transactions as people read them.

use super::cycles::Cycle;
use super::graph::{Mask, PROCESS, REAL_TIME, RW, WR};
use super::kind::Kind;
use super::record::{Finding, Inference, Record};
use crate::history::Operation;
use crate::verdict::{Anomaly, AnomalyOperation, Dependency, Role};
use crate::words::Instants;

/// The anomaly that a cycle is.
pub(super) fn cycle(kind: Kind, cycle: &Cycle, record: &Record, inference: &dyn Inference) -> Anomaly {
    let cycle = turned(cycle);
    let transactions: Vec<u32> = cycle.iter().map(|(transaction, _)| *transaction).collect();
    let (mut sentences, mut dependencies, mut key) = (Vec::new(), Vec::new(), None);
    for (at, (from, how)) in cycle.iter().enumerate() {
        let next = (at + 1) % cycle.len();
        let why = tell(record, inference, *from, transactions[next], *how);
        key = key.or(why.key);
        let (one, other) = (format!("T{}", at + 1), format!("T{}", next + 1));
        sentences.push(why.told.replace("{from}", &one).replace("{to}", &other));
        let [from, to] = [*from, transactions[next]].map(|transaction| record.operations[transaction as usize].id);
        dependencies.push(Dependency { from, to, label: why.label });
    }
    let order: Vec<String> = (1..=cycle.len()).chain([1]).map(|number| format!("T{number}")).collect();
    let told = format!(
        "{}. So each comes before the next: {}. {}",
        sentences.join("; "),
        order.join(" < "),
        who(record, &transactions)
    );
    Anomaly { dependencies, ..anomaly(kind, key.unwrap_or(0), told, record, &transactions) }
}

/// The anomaly that shows without a cycle.
pub(super) fn finding(kind: Kind, finding: &Finding, record: &Record) -> Anomaly {
    let Finding { key, transactions, told } = finding;
    let mut told = told.clone();
    for number in 1..=transactions.len() {
        told = told.replace(&format!("{{T{number}}}"), &format!("T{number}"));
    }
    let told = format!("{told}. {}", who(record, transactions));
    anomaly(kind, *key, told, record, transactions)
}

fn anomaly(kind: Kind, key: u64, told: String, record: &Record, transactions: &[u32]) -> Anomaly {
    let mut operations: Vec<&Operation> = transactions.iter().map(|at| record.operations[*at as usize]).collect();
    let contradiction = operations.first().map(|operation| operation.id);
    operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    operations.dedup_by_key(|operation| operation.id);
    let ends = |operation: &&Operation| operation.returned_ns.unwrap_or(operation.invoked_ns);
    Anomaly {
        kind: kind.name().into(),
        told,
        key,
        from_ns: operations.first().map_or(0, |operation| operation.invoked_ns),
        to_ns: operations.iter().map(ends).max().unwrap_or(0),
        operations: operations
            .into_iter()
            .map(|operation| AnomalyOperation {
                operation: operation.clone(),
                role: if Some(operation.id) == contradiction { Role::Contradiction } else { Role::Witness },
            })
            .collect(),
        prefixes: Vec::new(),
        minimal: None,
        dependencies: Vec::new(),
    }
}

/// The cycle from that transaction on which overlooked something: there the story begins.
fn turned(cycle: &Cycle) -> Cycle {
    let begins = cycle.iter().position(|(_, how)| *how == RW).unwrap_or(0);
    cycle.iter().cycle().skip(begins).take(cycle.len()).copied().collect()
}

/// Why one transaction comes before another, where `{from}` and `{to}` stand for them.
struct Why {
    key: Option<u64>,
    told: String,
    label: String,
}

fn tell(record: &Record, inference: &dyn Inference, from: u32, to: u32, how: Mask) -> Why {
    let [before, after] = [from, to].map(|transaction| record.operations[transaction as usize]);
    match how {
        PROCESS => Why {
            key: None,
            told: format!("{{to}} followed {{from}} in process {}", after.process),
            label: format!("process {}", after.process),
        },
        REAL_TIME => {
            let gap_ns = after.invoked_ns.saturating_sub(before.returned_ns.unwrap_or(0));
            let gap = if record.is_timed { format!(" {}", span(gap_ns)) } else { String::new() };
            let label = format!("real time{}", if record.is_timed { format!(":{gap}") } else { String::new() });
            Why { key: None, told: format!("{{from}} had returned{gap} before {{to}} began"), label }
        }
        how => match inference.why(from, to, how) {
            Some(reason) => Why { key: Some(reason.key), told: reason.told, label: reason.label },
            None => {
                let label = match how {
                    RW => "rw",
                    WR => "wr",
                    _ => "ww",
                };
                Why { key: None, told: format!("{{from}} comes before {{to}} ({label})"), label: label.into() }
            }
        },
    }
}

/// `12.000 ms`.
fn span(span_ns: u64) -> String {
    match span_ns {
        0..1_000_000 => format!("{}.{:03} µs", span_ns / 1_000, span_ns % 1_000),
        1_000_000..1_000_000_000 => format!("{}.{:03} ms", span_ns / 1_000_000, span_ns / 1_000 % 1_000),
        _ => format!("{}.{:03} s", span_ns / 1_000_000_000, span_ns / 1_000_000 % 1_000),
    }
}

/// Which transactions they are: `T1 is operation 7 of process 3 (1.200 to 1.214 s)`.
fn who(record: &Record, transactions: &[u32]) -> String {
    let operations: Vec<&Operation> = transactions.iter().map(|at| record.operations[*at as usize]).collect();
    let instants = Instants::of(operations.iter().copied());
    let one = |(at, operation): (usize, &&Operation)| {
        let Operation { id, process, .. } = operation;
        let when = if record.is_timed { format!(" ({})", instants.span(operation)) } else { String::new() };
        format!("T{} is operation {id} of process {process}{when}", at + 1)
    };
    format!("{}.", operations.iter().enumerate().map(one).collect::<Vec<_>>().join(", "))
}
