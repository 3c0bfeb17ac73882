//! Histories of real servers that come with Porcupine: Jepsen's etcd logs, and key-value histories.

use crate::cell::{Answer, Measured};
use crate::limits::{Ended, Limits, run};
use crate::table::{ratio, shown};
use crate::usage::{peak_mb, used_s};
use crate::variant::Variant;
use squall_results::checker::linearizable::Linearizable;
use squall_results::formats::{Options, Reader};
use squall_results::model::{CasRegister, Kv, Model};
use squall_results::{Budget, Call, History, Operation, Reply, Validity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is judged: the name in the table, the model by Porcupine's program, and which files.
const LOGS: [(&str, &str, &str, &str); 5] = [
    ("Jepsen's etcd logs of 2014, all", "etcd", "jepsen", ".log"),
    ("key-value c10-ok, all keys as one object", "kv-whole", "kv", "c10-ok.txt"),
    ("key-value c10-bad, all keys as one object", "kv-whole", "kv", "c10-bad.txt"),
    ("key-value c50-ok, key by key", "kv", "kv", "c50-ok.txt"),
    ("key-value c50-bad, key by key", "kv", "kv", "c50-bad.txt"),
];

/// A row for each kind of log, squall beside Porcupine. `data` is the folder `test_data` of a clone of Porcupine.
pub fn table(data: &Path, porcupine: Option<&Path>, limits: Limits) -> Result<String, String> {
    let mut table = "| histories | squall | Porcupine | ratio |\n|---|---|---|---|\n".to_owned();
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    for (name, model, folder, ending) in LOGS {
        let files = files(&data.join(folder), ending)?;
        let squall = asked(Command::new(&program).args(["--judge-logs", model]).args(&files), limits)?;
        let peer = match porcupine {
            Some(porcupine) => asked(Command::new(porcupine).arg(model).args(&files), limits)?,
            None => Vec::new(),
        };
        for (file, (one, other)) in files.iter().zip(squall.iter().zip(&peer)) {
            let both_know = one.answer.is_known() && other.answer.is_known();
            if both_know && one.answer != other.answer {
                return Err(format!("{}: squall says {one}, Porcupine {other}", file.display()));
            }
        }
        let (squall, peer) = (sum(&squall), sum(&peer));
        table.push_str(&format!("| {name} | {} | {} | {} |\n", shown(squall), shown(peer), ratio(squall, peer)));
    }
    Ok(table)
}

/// How long the search for any model takes for a key-value history as one object. The median of three.
pub fn searched(file: &Path, variant: Variant, limits: Limits) -> Result<Option<Measured>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for _ in 0..3 {
        let said =
            asked(Command::new(&program).arg("--judge-logs").arg(format!("kv-whole:{variant}")).arg(file), limits)?;
        all.extend(sum(&said));
        if all.last().is_none_or(|measured| !measured.answer.is_known()) {
            return Ok(all.last().copied());
        }
    }
    all.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    Ok(all.get(1).copied())
}

/// Judges the files one after the other, and prints a line for each, as Porcupine's program does. A model may be followed
/// by `:` and a variant of the search.
pub fn judge(model: &str, files: &[String]) -> Result<(), String> {
    for file in files {
        let reader = Reader::open(Path::new(file), &Options::default()).map_err(|error| error.to_string())?;
        let history = reader.read_history().map_err(|error| error.to_string())?;
        let whole = Kv { whole: true };
        let measured = match model.split_once(':') {
            None if model == "etcd" => {
                measured(Linearizable::new(CasRegister::default()), CasRegister::default(), &history)
            }
            None if model == "kv" => measured(Linearizable::new(Kv::default()), Kv::default(), &history),
            None if model == "kv-whole" => measured(Linearizable::new(whole), whole, &history),
            Some(("kv-whole", word)) => {
                let variant = Variant::of_word(word).ok_or_else(|| format!("there is no variant {word}"))?;
                measured(variant.search(whole), whole, &history)
            }
            _ => return Err(format!("there is no model {model}")),
        };
        println!("{measured}");
    }
    Ok(())
}

fn measured<M>(checker: Linearizable<M>, model: M, history: &History) -> Measured
where
    M: Model<Call = Call, Reply = Reply>,
{
    let budget = Budget::default();
    let begun_s = used_s();
    let mut by_key: BTreeMap<u64, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        by_key.entry(model.partition(&operation.call)).or_default().push(operation);
    }
    let keys = by_key.values().map(|operations| checker.check_key(operations, &budget));
    let validity = keys.max().unwrap_or(Validity::Valid);
    let seconds = used_s() - begun_s;
    Measured { answer: validity.into(), seconds, peak_mb: peak_mb() }
}

/// What a judge says of each file.
fn asked(command: &mut Command, limits: Limits) -> Result<Vec<Measured>, String> {
    let command = command.env("GOMAXPROCS", "1").env("RAYON_NUM_THREADS", "1");
    match run(command, limits).map_err(|error| format!("{command:?} cannot run: {error}"))? {
        Ended::Well(said) => {
            let lines = said.lines().map(|line| Measured::of_words(line).ok_or(line));
            lines.collect::<Result<_, _>>().map_err(|line| format!("{command:?} said {line}"))
        }
        Ended::Time(used) => Ok(vec![Measured { answer: Answer::Time, seconds: used.seconds, peak_mb: used.peak_mb }]),
        Ended::Memory(used) => {
            Ok(vec![Measured { answer: Answer::Memory, seconds: used.seconds, peak_mb: used.peak_mb }])
        }
        Ended::Failed(why) => Err(format!("{command:?} failed: {why}")),
    }
}

/// All together: known if each is. `None`: nobody was asked.
fn sum(all: &[Measured]) -> Option<Measured> {
    let last = all.iter().find(|one| !one.answer.is_known()).or(all.last())?;
    let seconds = all.iter().map(|one| one.seconds).sum();
    Some(Measured { answer: last.answer, seconds, peak_mb: all.iter().map(|one| one.peak_mb).max().unwrap_or(0) })
}

fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("failed to read {}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    // Of one of the logs nothing is left.
    files.retain(|path| path.metadata().is_ok_and(|metadata| metadata.len() > 0));
    files.sort();
    Ok(files)
}
