//! What each idea brings: the checker with each of them switched off.

use crate::cell::{Answer, Cell, Judge, Measured};
use crate::curves::short;
use crate::generate::Kind;
use crate::sitting::Sitting;
use crate::variant::Variant;

/// A history: operations, clients, values, how many in ten thousand crashed, whether bad.
const HISTORIES: [(usize, usize, u64, u64, bool); 8] = [
    (1_000, 10, 5, 0, true),
    (1_000, 20, 5, 0, true),
    (10_000, 20, 5, 0, true),
    (1_000, 50, 5, 0, false),
    (100_000, 50, 5, 0, false),
    (1_000, 10, 5, 100, true),
    (10_000, 50, 5, 100, false),
    (100_000, 50, 0, 0, false),
];

/// A row for each variant, a column for each history.
pub fn table(sitting: &mut Sitting) -> Result<String, String> {
    let mut table = "| |".to_owned();
    for (operations, clients, values, crashed, bad) in HISTORIES {
        let values = if values == 0 { "unique".into() } else { format!("v{values}") };
        let crashed = if crashed == 0 { String::new() } else { format!(", {} %", crashed / 100) };
        let badness = if bad { "bad" } else { "ok" };
        table.push_str(&format!(" {} c{clients} {values}{crashed} {badness} |", short(operations)));
    }
    table.push_str(&format!("\n|---|{}\n", "---|".repeat(HISTORIES.len())));
    for variant in Variant::all() {
        table.push_str(&format!("| {} |", variant.about()));
        for (operations, clients, values, crashed_per_10k, bad) in HISTORIES {
            let kind = Kind { operations, clients, values, crashed_per_10k, cas_percent: 33, bad, seed: 0 };
            let cell = Cell { judge: Judge::Squall(variant), kind: sitting.seeded(kind) };
            table.push_str(&format!(" {} |", shown(sitting.measure(cell)?)));
        }
        table.push('\n');
    }
    Ok(table)
}

fn shown(measured: Option<Measured>) -> String {
    match measured {
        Some(Measured { answer: Answer::Valid | Answer::Invalid, seconds, .. }) => format!("{seconds:.3}"),
        _ => "-".into(),
    }
}
