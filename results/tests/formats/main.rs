//! Histories of every format: what is read out of them, what is refused and where, and that what is written down again says
//! the same. The golden files are this project's own.

mod fuzz;
mod golden;
mod instants;
mod packed;
mod refused;
mod streamed;
mod told_apart;
mod written;

use squall_results::foreign::{Question, judge};
use squall_results::formats::{Options, Reader};
use squall_results::{Budget, History, Outcome, models};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// The golden file of this name.
fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/formats/golden").join(name)
}

fn read(name: &str, options: &Options) -> History {
    let reader = Reader::open(&golden_path(name), options).unwrap_or_else(|error| panic!("{error}"));
    reader.read_history().unwrap_or_else(|error| panic!("{error}"))
}

/// An operation a line: `0 key 0: write 3 → ok`.
fn told(history: &History) -> Vec<String> {
    let line = |operation: &squall_results::Operation| {
        let outcome = match &operation.outcome {
            Outcome::Ok(reply) => reply.to_string(),
            Outcome::Fail(_) => "failed".into(),
            Outcome::Unknown(_) => "unknown".into(),
        };
        format!("{} key {}: {} → {outcome}", operation.process, operation.call.key(), operation.call)
    };
    history.operations.iter().map(line).collect()
}

/// What the model of this name makes of a text: its verdict in a word, or why it cannot be read.
fn judged(model: &str, text: &str, options: &Options) -> Result<String, String> {
    let model = models::find(model).expect("a model");
    let Options { format, keys, failed_cas, .. } = options.clone();
    let question = Question { format, keys, failed_cas, ..Question::of(model) };
    let reader = Reader::new(Cursor::new(text.to_owned()), Path::new("file"), &question.reading());
    let reader = reader.map_err(|error| error.to_string())?;
    let (_, verdict) = judge(reader, &question, &Budget::default()).map_err(|error| error.to_string())?;
    Ok(verdict.validity.to_string())
}
