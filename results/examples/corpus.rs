//! Judges histories with known verdicts, and tells every one that comes out otherwise:
//! `cargo run --release -p squall-results --example corpus -- PATH/expected.tsv`
//!
//! A line of the table: file, format, model (with `--allow-negative`), first value, what a read of nil means (value, wildcard),
//! what a failed compare-and-set means (observation, nothing), whether the history is valid (true, false); `-` says nothing.
//! A table of transactions on lists has other columns: file, and then the isolation levels, under each of which stands whether
//! the history is valid (true, false, :unknown).

use squall_results::foreign::{self, Question};
use squall_results::formats::Reader;
use squall_results::model::NilRead;
use squall_results::{Budget, Level, Validity, models};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let Some(table) = std::env::args().nth(1) else {
        eprintln!("usage: corpus PATH/expected.tsv");
        return ExitCode::from(64);
    };
    let text = match std::fs::read_to_string(&table) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("cannot read {table}: {error}");
            return ExitCode::from(3);
        }
    };
    let folder = Path::new(&table).parent().unwrap_or(Path::new("."));
    let (mut rows, mut right, mut slowest) = (0, 0, (Duration::ZERO, ""));
    let levels: Option<Vec<Level>> =
        text.lines().next().and_then(|head| head.split('\t').skip(1).map(|name| name.parse().ok()).collect());
    if let Some(levels) = levels.filter(|levels| !levels.is_empty()) {
        return judge_levels(folder, &levels, &text);
    }
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        rows += 1;
        let begun = Instant::now();
        match judge(folder, line) {
            Ok(()) => right += 1,
            Err(why) => println!("{}: {why}", line.split('\t').next().unwrap_or_default()),
        }
        slowest = slowest.max((begun.elapsed(), line.split('\t').next().unwrap_or_default()));
    }
    println!("{right} of {rows} rows come out as expected; the slowest took {:.1?}: {}", slowest.0, slowest.1);
    if right == rows && rows > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Judges histories of transactions on lists at each level of the table.
fn judge_levels(folder: &Path, levels: &[Level], text: &str) -> ExitCode {
    let (mut verdicts, mut right) = (0, 0);
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        let mut cells = line.split('\t');
        let file = cells.next().unwrap_or_default();
        for (level, cell) in levels.iter().zip(cells) {
            verdicts += 1;
            let expected = match cell {
                "true" => Validity::Valid,
                "false" => Validity::Invalid,
                _ => Validity::Unknown,
            };
            match judge_level(&folder.join(file), *level) {
                Ok((found, _)) if found == expected => right += 1,
                Ok((found, reason)) => println!("{file} at {level}: {found}, expected {expected}: {reason}"),
                Err(why) => println!("{file}: {why}"),
            }
        }
    }
    println!("{right} of {verdicts} verdicts come out as expected");
    if right == verdicts && verdicts > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judge_level(path: &Path, level: Level) -> Result<(Validity, String), String> {
    let model = models::find("list-append").ok_or("there is no model list-append")?;
    let question = Question { level: Some(level), ..Question::of(model) };
    let reader = Reader::open(path, &question.reading()).map_err(|error| error.to_string())?;
    let (_, verdict) = foreign::judge(reader, &question, &Budget::default()).map_err(|error| error.to_string())?;
    Ok((verdict.validity, verdict.reason))
}

/// Whether a row comes out as it says, or what came out instead.
fn judge(folder: &Path, line: &str) -> Result<(), String> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [file, format, model, initial, nil_read, failed_cas, valid] = columns.as_slice() else {
        return Err(format!("{} columns, not 7", columns.len()));
    };
    let (name, flags) = model.split_once(' ').unwrap_or((model, ""));
    let info = models::find(name).ok_or_else(|| format!("there is no model {name}"))?;
    let said = |text: &str| text != "-";
    let question = Question {
        format: Some(format.parse()?),
        // Some models have but one first value, which the table names for people.
        initial: info
            .options
            .contains(&models::ModelOption::Initial)
            .then_some(*initial)
            .filter(|text| said(text))
            .map(Into::into),
        failed_cas: said(failed_cas).then(|| failed_cas.parse()).transpose()?,
        nil_read: if *nil_read == "wildcard" { NilRead::Wildcard } else { NilRead::Value },
        allow_negative: flags == "--allow-negative",
        ..Question::of(info)
    };
    let path = folder.join(file);
    // What is written down must be what is found without it.
    let found =
        Reader::open(&path, &squall_results::formats::Options::default()).map_err(|error| error.to_string())?.format();
    if Some(found) != question.format {
        return Err(format!("it looks like {found}, not like {format}"));
    }
    let reader = Reader::open(&path, &question.reading()).map_err(|error| error.to_string())?;
    let (_, verdict) = foreign::judge(reader, &question, &Budget::default()).map_err(|error| error.to_string())?;
    let expected = if *valid == "true" { Validity::Valid } else { Validity::Invalid };
    if verdict.validity == expected {
        return Ok(());
    }
    Err(format!("{}, expected {expected}: {}", verdict.validity, verdict.reason))
}
