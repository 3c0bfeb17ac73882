//! How often squall finds what it must find, and that it accuses nobody falsely: rates over many seeds.
//!
//!     cargo build --release
//!     cargo run --release -p squall --example rates -- target/release/squall [--write README.md] [BUG ...]
//!
//! For each planted bug the first seed of raftd's simulation that catches it. For each that a storm shows, ten seeds:
//! storms of 20 s with fresh draws, until it is found or 120 s of storm are over; it must be found in nine of ten. Then
//! twenty seeds of 30 s against the correct server: not one accusation. Prints the rows of the table in the README, and
//! writes them there if told to; with names of bugs it measures these alone. Ends with status 1 when a rate is missed.

use anyhow::{Context, bail};
use raftd::types::Bug;
use raftd_sim::run::{Plan, run};
use squall_results::Validity;
use squall_targets::target::{self, BugInfo, Storm};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SEEDS: u64 = 10;
const FOUND_MIN: usize = 9;
const STORM_S: u64 = 20;
const STORMS: u64 = 6;
const CALM_SEEDS: u64 = 20;
const CALM_STORM_S: u64 = 30;
/// The simulation catches every bug earlier, or something is wrong with it.
const SIMULATED_MAX: u64 = 5_000;

/// The marks around the table in the README.
const BEGIN: &str = "<!-- rates: measured by harness/examples/rates.rs -->\n";
const END: &str = "<!-- end of rates -->";

struct Wishes {
    program: PathBuf,
    write: Option<PathBuf>,
    bugs: Vec<BugInfo>,
    /// Nothing was left out by name.
    all: bool,
}

fn main() -> anyhow::Result<()> {
    let wishes = wishes()?;
    let store = tempfile::tempdir().context("cannot make a folder for the runs")?;
    let mut missed = Vec::new();
    for bug in &wishes.bugs {
        let row = measure(&wishes.program, store.path(), bug, &mut missed)?;
        println!("{row}");
        if let Some(readme) = &wishes.write {
            keep(readme, bug.name, &row)?;
        }
    }
    if wishes.all {
        missed.extend(calm(&wishes.program, store.path())?);
    }
    if !missed.is_empty() {
        bail!("{}; the runs are in {}", missed.join("; "), store.keep().display());
    }
    Ok(())
}

fn wishes() -> anyhow::Result<Wishes> {
    let mut args = std::env::args().skip(1);
    let program = args.next().context("name the squall to measure: target/release/squall")?.into();
    let (mut write, mut names) = (None, Vec::new());
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--write" => write = Some(args.next().context("name the file to write: README.md")?.into()),
            _ => names.push(arg),
        }
    }
    let known = (target::find("raft").context("raft is a target")?.bugs)();
    if let Some(name) = names.iter().find(|name| known.iter().all(|bug| bug.name != **name)) {
        bail!("no planted bug is called `{name}`");
    }
    let all = names.is_empty();
    let bugs = known.into_iter().filter(|bug| all || names.iter().any(|name| name == bug.name)).collect();
    Ok(Wishes { program, write, bugs, all })
}

/// A bug's row of the table.
fn measure(program: &Path, store: &Path, bug: &BugInfo, missed: &mut Vec<String>) -> anyhow::Result<String> {
    let simulated = simulate(bug.name)?;
    let begin = format!("| `{}` | {} | {simulated} |", bug.name, bug.about);
    let flags = match bug.storm {
        Storm::Shows(flags) => flags,
        Storm::Hidden(why) => return Ok(format!("{begin} - | {why} | |")),
    };
    let mut found_s: Vec<u64> = Vec::new();
    for seed in 1..=SEEDS {
        let found = find(program, store, bug.name, flags, seed)?;
        eprintln!(
            "{} seed {seed}: {}",
            bug.name,
            found.map_or("not found".into(), |at_s| format!("found in {at_s} s"))
        );
        found_s.extend(found);
    }
    if found_s.len() < FOUND_MIN {
        missed.push(format!("{} was found in {} of {SEEDS} seeds only", bug.name, found_s.len()));
    }
    found_s.sort_unstable();
    let shown = |at_s: Option<&u64>| at_s.map_or("-".into(), |at_s| format!("{at_s} s"));
    let (median, worst) = (shown(found_s.get(found_s.len() / 2)), shown(found_s.last()));
    Ok(format!("{begin} {} of {SEEDS} | {median} | {worst} |", found_s.len()))
}

/// How many seeds of the simulation it takes to catch a bug.
fn simulate(bug: &str) -> anyhow::Result<String> {
    let bug: Bug = bug.parse().map_err(anyhow::Error::msg)?;
    let caught = (0..SIMULATED_MAX).find(|seed| run(&Plan::storm(*seed, Some(bug)), false).violation.is_some());
    let seeds = 1 + caught.with_context(|| format!("{SIMULATED_MAX} seeds do not catch {bug}"))?;
    Ok(format!("{seeds} {}", if seeds == 1 { "seed" } else { "seeds" }))
}

/// The seconds of storm that it took to find the bug; `None`: it was not found. A storm ends with the first violation; what
/// only shows when all is over costs a whole one.
fn find(program: &Path, store: &Path, bug: &str, flags: &[&str], seed: u64) -> anyhow::Result<Option<u64>> {
    let limit = format!("{STORM_S}s");
    let args: Vec<&str> = ["--bug", bug, "--fail-fast", "--time-limit", &limit].iter().chain(flags).copied().collect();
    let mut stormed_s = 0.0;
    for number in 1..=STORMS {
        let (validity, storm_s) = storm(program, store, &args, 1_000 * number + seed)?;
        stormed_s += storm_s;
        if validity == Validity::Invalid {
            return Ok(Some(stormed_s.ceil() as u64));
        }
    }
    Ok(None)
}

/// Storms over the correct server, and who was accused.
fn calm(program: &Path, store: &Path) -> anyhow::Result<Vec<String>> {
    let (mut unknown, mut accused) = (0, Vec::new());
    for seed in 1..=CALM_SEEDS {
        match storm(program, store, &["--time-limit", &format!("{CALM_STORM_S}s")], seed)?.0 {
            Validity::Valid => {}
            Validity::Unknown => unknown += 1,
            Validity::Invalid => accused.push(format!("seed {seed} accuses the correct server")),
        }
    }
    println!("correct server: {CALM_SEEDS} storms of {CALM_STORM_S} s, {unknown} unknown");
    Ok(accused)
}

/// The verdict of one storm, and the seconds that it lasted.
fn storm(program: &Path, store: &Path, args: &[&str], seed: u64) -> anyhow::Result<(Validity, f64)> {
    let output = Command::new(program)
        .args(["test", "raft", "--json", "--seed", &seed.to_string()])
        .args(args)
        .arg("--store")
        .arg(store)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !matches!(output.status.code(), Some(0..=2)) {
        bail!("seed {seed} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    // Not the status: a server that stops itself is no violation of what it promises to clients.
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).context("squall test said what is no JSON")?;
    let validity =
        serde_json::from_value(said["judgement"]["validity"].clone()).context("squall test said no verdict")?;
    let instant = |name: &str| said["figures"]["storm"][name].as_f64().context("squall test said no span of the storm");
    Ok((validity, (instant("to_ns")? - instant("from_ns")?) / 1e9))
}

/// Puts a row into the table of the README, in place of the one of the same bug.
fn keep(readme: &Path, name: &str, row: &str) -> anyhow::Result<()> {
    let page = fs::read_to_string(readme).with_context(|| format!("cannot read {}", readme.display()))?;
    let marks = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let (before, (table, after)) = marks.with_context(|| format!("{} has no marks for a table", readme.display()))?;
    let begin = format!("| `{name}` |");
    let mut rows: Vec<&str> = table.lines().collect();
    match rows.iter().position(|line| line.starts_with(&begin)) {
        Some(place) => rows[place] = row,
        None => rows.push(row),
    }
    let page = format!("{before}{BEGIN}{}\n{END}{after}", rows.join("\n"));
    fs::write(readme, page).with_context(|| format!("cannot write {}", readme.display()))
}
