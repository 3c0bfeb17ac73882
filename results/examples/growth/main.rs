//! Measures how the time and the memory of a check grow, beside other checkers, and writes what the README of this crate
//! shows of it:
//!
//! ```text
//! cargo run --release -p squall-results --example growth -- [--porcupine PROGRAM] [--knossos PROGRAM] [--seed N]
//!     [--time-limit SECONDS] [--memory-limit MB] [--logs FOLDER] [curves] [compared] [limits] [ablation] [searched] [logs]
//! ```
//!
//! With no name it does all of it; `searched` and `logs`, which need histories in the folder `test_data` of a clone of
//! Porcupine, where it is told the folder. Each history is judged by a process of its own on one core, which is ended when it has
//! used more than the limits: 60 processor seconds and 6,000 MB unless told otherwise. The time is that of the check
//! alone, the memory that of the whole process. `results/peers` tells how to come by programs for Porcupine and Knossos.
//!
//! What was measured is kept in `results/pictures/growth.tsv`, and what is there is not measured again: delete it, or
//! its lines, to begin anew.

#[path = "../linearizable_bench/edn.rs"]
mod edn;
#[path = "../linearizable_bench/generate.rs"]
mod generate;
#[path = "../linearizable_bench/usage.rs"]
mod usage;

mod ablation;
mod cell;
mod child;
mod curves;
mod file;
mod limits;
mod logs;
mod picture;
mod readme;
mod reduction;
mod sitting;
mod table;
mod variant;

use generate::Kind;
use limits::Limits;
use sitting::Sitting;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use variant::Variant;

/// What can be measured.
const NAMES: [&str; 6] = ["curves", "compared", "limits", "ablation", "searched", "logs"];

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("growth: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: Vec<String>) -> Result<(), String> {
    let limits = Limits {
        seconds: number(&mut words, "--time-limit", 60)?,
        memory_mb: number(&mut words, "--memory-limit", 6_000)?,
    };
    if let Some(variant) = option(&mut words, "--judge") {
        let variant = Variant::of_word(&variant).ok_or_else(|| format!("there is no variant {variant}"))?;
        let kind = Kind::of_words(&words).ok_or("a history takes seven words")?;
        child::judge(variant, kind, limits);
        return Ok(());
    }
    if let Some(file) = option(&mut words, "--judge-file") {
        return file::judge(&file, limits);
    }
    if let Some(model) = option(&mut words, "--judge-logs") {
        return logs::judge(&model, &words);
    }
    let data = option(&mut words, "--logs");
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pictures = crate_folder.join("pictures");
    let seed = number(&mut words, "--seed", 20_261_125)?;
    let mut sitting = Sitting::new(limits, seed, pictures.join("growth.tsv"))?;
    sitting.porcupine = option(&mut words, "--porcupine").map(Into::into);
    sitting.knossos = option(&mut words, "--knossos").map(Into::into);
    if let Some(other) = words.iter().find(|word| !NAMES.contains(&word.as_str())) {
        return Err(format!("there is no {other}; there are {}", NAMES.join(", ")));
    }
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    let readme = crate_folder.join("README.md");
    if wanted("curves") {
        write(&pictures.join("growth-operations.svg"), &picture::svg(&curves::against_operations(&mut sitting)?))?;
        write(&pictures.join("growth-clients.svg"), &picture::svg(&curves::against_clients(&mut sitting)?))?;
    }
    if wanted("compared") {
        readme::put(&readme, "compared", &table::compared(&mut sitting)?)?;
    }
    if wanted("limits") {
        readme::put(&readme, "limits", &table::limits(&mut sitting)?)?;
    }
    if wanted("ablation") {
        readme::put(&readme, "ablation", &ablation::table(&mut sitting)?)?;
    }
    if let Some(data) = data.as_ref().filter(|_| wanted("searched")) {
        readme::put(&readme, "searched", &ablation::searched(&mut sitting, Path::new(data))?)?;
    }
    if let Some(data) = data.filter(|_| wanted("logs")) {
        let table = logs::table(Path::new(&data), sitting.porcupine.as_deref(), sitting.limits)?;
        readme::put(&readme, "logs", &table)?;
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("failed to write {}: {error}", file.display()))
}

/// Takes the option of this name out of the words, with its value.
fn option(words: &mut Vec<String>, name: &str) -> Option<String> {
    let at = words.iter().position(|word| word == name)?;
    (at + 1 < words.len()).then(|| words.drain(at..at + 2).nth(1)).flatten()
}

fn number<N: FromStr>(words: &mut Vec<String>, name: &str, default: N) -> Result<N, String> {
    match option(words, name) {
        Some(word) => word.parse().map_err(|_| format!("{name} takes a number, not {word}")),
        None => Ok(default),
    }
}
