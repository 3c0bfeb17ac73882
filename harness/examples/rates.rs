//! How often squall finds what it must find, and that it accuses nobody falsely: rates over many seeds.
//!
//!     cargo build --release && cargo run --release -p squall --example rates -- target/release/squall
//!
//! For each planted bug that a client can see, five seeds: storms of 20 s with fresh draws, until the bug is found or 120 s
//! of storm are over. Those in [`MUST_BE_FOUND`] must be found in four of five; the others are measured. Then twenty seeds of 30 s against the correct server: not one accusation. Prints the
//! rows of the README's table; ends with status 1 when a rate is missed.

use anyhow::{Context, bail};
use squall_results::Validity;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The bugs that today's faults show. Others need lost power, or clients that retry, or much luck.
const MUST_BE_FOUND: &[&str] = &["stale-read"];

const SEEDS: u64 = 5;
const FOUND_MIN: usize = 4;
const STORM_S: u64 = 20;
const STORMS: u64 = 6;
const CALM_SEEDS: u64 = 20;
const CALM_STORM_S: u64 = 30;

fn main() -> anyhow::Result<()> {
    let program = std::env::args_os().nth(1).context("name the squall to measure: target/release/squall")?;
    let program = PathBuf::from(program);
    let store = tempfile::tempdir().context("cannot make a folder for the runs")?;
    let mut missed = Vec::new();
    println!("| bug | found | storm until found: median | worst |\n|---|---|---|---|");
    for bug in raftd::types::Bug::ALL.into_iter().filter(|bug| bug.client_can_see()) {
        let mut found_s: Vec<u64> = Vec::new();
        for seed in 1..=SEEDS {
            found_s.extend(find(&program, store.path(), bug.name(), seed)?);
        }
        found_s.sort_unstable();
        let shown = |at_s: Option<&u64>| at_s.map_or("-".into(), |at_s| format!("{at_s} s"));
        let (median, worst) = (shown(found_s.get(found_s.len() / 2)), shown(found_s.last()));
        println!("| {} | {} of {SEEDS} | {median} | {worst} |", bug.name(), found_s.len());
        if MUST_BE_FOUND.contains(&bug.name()) && found_s.len() < FOUND_MIN {
            missed.push(format!("{} was found in {} of {SEEDS} seeds only", bug.name(), found_s.len()));
        }
    }
    let mut unknown = 0;
    for seed in 1..=CALM_SEEDS {
        match storm(&program, store.path(), &["--time-limit", &format!("{CALM_STORM_S}s")], seed)? {
            Validity::Valid => {}
            Validity::Unknown => unknown += 1,
            Validity::Invalid => missed.push(format!("seed {seed} accuses the correct server")),
        }
    }
    println!("correct server: {CALM_SEEDS} storms of {CALM_STORM_S} s, {unknown} unknown");
    if !missed.is_empty() {
        bail!("{}; the runs are in {}", missed.join("; "), store.keep().display());
    }
    Ok(())
}

/// The seconds of storm that it took to find the bug, in whole storms; `None`: it was not found.
fn find(program: &Path, store: &Path, bug: &str, seed: u64) -> anyhow::Result<Option<u64>> {
    for number in 1..=STORMS {
        let drawn = 1_000 * number + seed;
        if storm(program, store, &["--bug", bug, "--time-limit", &format!("{STORM_S}s")], drawn)? == Validity::Invalid {
            return Ok(Some(number * STORM_S));
        }
    }
    Ok(None)
}

fn storm(program: &Path, store: &Path, args: &[&str], seed: u64) -> anyhow::Result<Validity> {
    let output = Command::new(program)
        .args(["test", "raft", "--seed", &seed.to_string()])
        .args(args)
        .arg("--store")
        .arg(store)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    match output.status.code() {
        Some(0) => Ok(Validity::Valid),
        Some(1) => Ok(Validity::Invalid),
        Some(2) => Ok(Validity::Unknown),
        _ => bail!("seed {seed} failed: {}", String::from_utf8_lossy(&output.stderr)),
    }
}
