//! What each idea brings: the checker with each of them switched off.

use crate::cell::{Answer, Cell, Judge, Measured};
use crate::curves::short;
use crate::generate::Kind;
use crate::logs;
use crate::sitting::Sitting;
use crate::variant::Variant;
use std::path::Path;

/// A history: operations, clients, values, how many in ten thousand crashed, whether bad.
type Shape = (usize, usize, u64, u64, bool);

/// The histories of the table for registers.
const HISTORIES: [Shape; 8] = [
    (1_000, 10, 5, 0, true),
    (1_000, 20, 5, 0, true),
    (10_000, 20, 5, 0, true),
    (1_000, 50, 5, 0, false),
    (100_000, 50, 5, 0, false),
    (1_000, 10, 5, 100, true),
    (10_000, 50, 5, 100, false),
    (100_000, 50, 0, 0, false),
];

/// The histories of the table for any model: registers, whose model is hidden from the search.
const SEARCHED: [Shape; 4] =
    [(1_000, 10, 5, 0, true), (1_000, 10, 5, 100, true), (1_000, 20, 5, 0, true), (10_000, 20, 5, 0, true)];

/// Beside them, histories that come with Porcupine: keys and texts, judged as one object.
const LOGS: [&str; 2] = ["c10-ok.txt", "c10-bad.txt"];

/// The table for registers: a row for each variant, a column for each history.
pub fn table(sitting: &mut Sitting) -> Result<String, String> {
    let mut table = head(HISTORIES.map(named));
    for variant in Variant::of_registers() {
        let times = HISTORIES.map(|shape| measured(sitting, variant, shape));
        table.push_str(&row(variant, times.into_iter().collect::<Result<_, _>>()?));
    }
    Ok(table)
}

/// The table for the search for any model. `data` is the folder `test_data` of a clone of Porcupine.
pub fn searched(sitting: &mut Sitting, data: &Path) -> Result<String, String> {
    let logs = LOGS.map(|file| format!("key-value {}, one object", file.trim_end_matches(".txt")));
    let mut table = head(SEARCHED.map(named).into_iter().chain(logs));
    for variant in Variant::of_search() {
        let registers = SEARCHED.map(|shape| measured(sitting, variant, shape));
        let mut times = registers.into_iter().collect::<Result<Vec<_>, _>>()?;
        for file in LOGS {
            times.push(shown(logs::searched(&data.join("kv").join(file), variant, sitting.limits)?));
        }
        table.push_str(&row(variant, times));
    }
    Ok(table)
}

fn head(histories: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = histories.into_iter().collect();
    format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()))
}

fn row(variant: Variant, times: Vec<String>) -> String {
    format!("| {} | {} |\n", variant.about(), times.join(" | "))
}

fn named((operations, clients, values, crashed, bad): Shape) -> String {
    let values = if values == 0 { "unique".into() } else { format!("v{values}") };
    let crashed = if crashed == 0 { String::new() } else { format!(", {} %", crashed / 100) };
    format!("{} c{clients} {values}{crashed} {}", short(operations), if bad { "bad" } else { "ok" })
}

fn measured(sitting: &mut Sitting, variant: Variant, shape: Shape) -> Result<String, String> {
    let (operations, clients, values, crashed_per_10k, bad) = shape;
    let kind = Kind { operations, clients, values, crashed_per_10k, cas_percent: 33, bad, seed: 0 };
    let cell = Cell { judge: Judge::Squall(variant), kind: sitting.seeded(kind) };
    Ok(shown(sitting.measure(cell)?))
}

fn shown(measured: Option<Measured>) -> String {
    match measured {
        Some(Measured { answer: Answer::Valid | Answer::Invalid, seconds, .. }) => format!("{seconds:.3}"),
        _ => "-".into(),
    }
}
