//! Measures the processor time that the linearizability checker takes on generated histories of one register:
//!
//! ```text
//! cargo run --release -p squall-results --example linearizable_bench -- [--course NAME] [--time-limit SECONDS]
//!     [--memory-limit MB] [--write FILE] OPERATIONS CLIENTS VALUES CRASHED_PER_10K CAS_PERCENT ok|bad SEED ...
//! ```
//!
//! Every seven words are a history; `VALUES` of 0 gives each write a value of its own. The courses are `register`, `exact`,
//! `search`, and `online`: event by event, and the events are made beforehand. `--write` writes the history in
//! Jepsen's form, for other checkers, and does not judge it.

mod edn;
mod generate;
mod online;
mod usage;

use generate::{Kind, history};
use squall_results::checker::linearizable::{Algorithm, Course, Linearizable};
use squall_results::model::Register;
use squall_results::{Budget, Operation};
use std::process::ExitCode;
use std::time::Duration;
use usage::{peak_mb, used_s};

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut option = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        (at + 1 < words.len()).then(|| words.drain(at..at + 2).nth(1)).flatten()
    };
    let course = option("--course");
    let is_online = course.as_deref() == Some("online");
    let course = match course.as_deref() {
        None | Some("online") => Course::Automatic,
        Some("register") => Course::Register,
        Some("exact") => Course::RegisterExactly,
        Some(_) => Course::Search,
    };
    let time = option("--time-limit").and_then(|limit| limit.parse().ok()).unwrap_or(60);
    let memory_bytes = option("--memory-limit").and_then(|limit| limit.parse().ok()).unwrap_or(1_024) << 20;
    let file = option("--write");
    let Some(kinds) = words.chunks(7).map(Kind::of_words).collect::<Option<Vec<Kind>>>() else {
        eprintln!("every history takes seven words; see the head of the example");
        return ExitCode::FAILURE;
    };
    for kind in kinds {
        let operations = history(kind);
        if let Some(file) = &file {
            edn::write(file, &operations).unwrap_or_else(|error| eprintln!("failed to write {file}: {error}"));
            continue;
        }
        let of_key: Vec<&Operation> = operations.iter().collect();
        let budget = Budget { time: Duration::from_secs(time), memory_bytes, ..Budget::default() };
        let checker = Linearizable::with_course(Register, course);
        let events = if is_online { online::events(&operations) } else { Vec::new() };
        let begun_s = used_s();
        let (validity, by) = if is_online {
            (online::judge(&checker, budget, &operations, &events), Algorithm::Register)
        } else {
            checker.check_key_by(&of_key, &budget)
        };
        let seconds = used_s() - begun_s;
        let Kind { operations, clients, values, crashed_per_10k, cas_percent, bad, seed } = kind;
        let badness = if bad { "bad" } else { "ok" };
        println!(
            "{operations:>8} c{clients:<3} v{values:<4} crashed {crashed_per_10k:>3} cas {cas_percent:>2} {badness:<3} \
             seed {seed:<4} {validity:<7} {by:?} {seconds:.3} s, peak {} MB",
            peak_mb()
        );
    }
    ExitCode::SUCCESS
}
