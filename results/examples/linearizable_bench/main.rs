//! Measures the processor time that the linearizability checker takes on generated histories of one register:
//!
//! ```text
//! cargo run --release -p squall-results --example linearizable_bench -- [--course NAME] [--time-limit SECONDS]
//!     [--write FILE] OPERATIONS CLIENTS VALUES CRASHED_PER_10K CAS_PERCENT ok|bad SEED ...
//! ```
//!
//! Every seven words are a history; `VALUES` of 0 gives each write a value of its own. `--write` writes the history in
//! Jepsen's form, for other checkers, and does not judge it.

mod generate;

use generate::{Kind, history};
use squall_results::call::{Call, Reply, Shown};
use squall_results::checker::linearizable::{Course, Linearizable};
use squall_results::model::Register;
use squall_results::{Budget, Operation, Outcome};
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut option = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        (at + 1 < words.len()).then(|| words.drain(at..at + 2).nth(1)).flatten()
    };
    let course = match option("--course").as_deref() {
        None => Course::Automatic,
        Some("register") => Course::Register,
        Some("exact") => Course::RegisterExactly,
        Some(_) => Course::Search,
    };
    let time = option("--time-limit").and_then(|limit| limit.parse().ok()).unwrap_or(60);
    let file = option("--write");
    let Some(kinds) = words.chunks(7).map(kind).collect::<Option<Vec<Kind>>>() else {
        eprintln!("every history takes seven words; see the head of the example");
        return ExitCode::FAILURE;
    };
    for kind in kinds {
        let operations = history(kind);
        if let Some(file) = &file {
            write_edn(file, &operations).unwrap_or_else(|error| eprintln!("failed to write {file}: {error}"));
            continue;
        }
        let of_key: Vec<&Operation> = operations.iter().collect();
        let budget = Budget { time: Duration::from_secs(time), ..Budget::default() };
        let begun_s = used_s();
        let (validity, by) = Linearizable::with_course(Register, course).check_key_by(&of_key, &budget);
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

fn kind(words: &[String]) -> Option<Kind> {
    let [operations, clients, values, crashed_per_10k, cas_percent, bad, seed] = words else { return None };
    Some(Kind {
        operations: operations.parse().ok()?,
        clients: clients.parse().ok()?,
        values: values.parse().ok()?,
        crashed_per_10k: crashed_per_10k.parse().ok()?,
        cas_percent: cas_percent.parse().ok()?,
        bad: bad == "bad",
        seed: seed.parse().ok()?,
    })
}

/// The processor time that this thread used; what others do on the machine does not count.
fn used_s() -> f64 {
    let used = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    used.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// The most memory that this process ever had, the histories included; 0 where the kernel does not tell.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn write_edn(file: &str, operations: &[Operation]) -> std::io::Result<()> {
    let mut lines: Vec<(u64, usize, bool)> = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        lines.push((operation.invoked_ns, at, false));
        lines.extend(operation.returned_ns.map(|returned_ns| (returned_ns, at, true)));
    }
    lines.sort_unstable();
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for (index, (at_ns, at, is_return)) in lines.into_iter().enumerate() {
        let operation = &operations[at];
        let (f, value) = match (&operation.call, &operation.outcome) {
            (Call::Read { .. }, Outcome::Ok(Reply::Read { value, .. })) if is_return => {
                ("read", Shown(*value).to_string())
            }
            (Call::Write { value, .. }, _) => ("write", value.to_string()),
            (Call::Cas { expect, value, .. }, _) => ("cas", format!("[{} {value}]", Shown(*expect))),
            _ => ("read", "nil".into()),
        };
        let what = match operation.outcome {
            _ if !is_return => "invoke",
            Outcome::Ok(_) => "ok",
            Outcome::Fail(_) => "fail",
            Outcome::Unknown(_) => "info",
        };
        let process = operation.process;
        writeln!(out, "{{:index {index}, :type :{what}, :process {process}, :f :{f}, :value {value}, :time {at_ns}}}")?;
    }
    out.flush()
}
