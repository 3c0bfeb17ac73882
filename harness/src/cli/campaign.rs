//! `squall campaign`: all cases of a file, and what they come to.

use super::{CampaignArgs, complain, fail, print};
use crate::campaign::folder::Agenda;
use crate::campaign::outputs::{self, terminal};
use crate::campaign::runner::{self, Cut, Orders};
use crate::campaign::summary::{fingerprints, relative};
use crate::campaign::{CampaignFile, CampaignFolder, Case, Summary};
use crate::exit::Exit;
use crate::narrate::{BOLD, DIM, RESET};
use crate::seed;
use crate::stop::{self, Stop};
use crate::summary::plural;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) fn main(args: &CampaignArgs) -> Exit {
    // Before there is a folder: hours later it would be too late to say that a path is wrong.
    let known = match stated(args.against.as_deref()) {
        Ok(known) => known,
        Err(error) => return fail(Exit::Usage, &error),
    };
    let begun = match begin(args) {
        Ok(begun) => begun,
        Err((exit, error)) => return fail(exit, &error),
    };
    match carry_out(args, &begun, known) {
        Ok(exit) => exit,
        Err(error) => fail(Exit::Failed, &error),
    }
}

/// A campaign that has its folder.
struct Begun {
    file: CampaignFile,
    folder: CampaignFolder,
    agenda: Agenda,
}

/// A new campaign, or the newest one of this file; or why there is none.
fn begin(args: &CampaignArgs) -> Result<Begun, (Exit, String)> {
    let usage = |error: &dyn std::fmt::Display| (Exit::Usage, error.to_string());
    let failed = |error: &dyn std::fmt::Display| (Exit::Failed, error.to_string());
    let file = CampaignFile::read(&args.file).map_err(|error| usage(&error))?;
    let name = args.file.file_stem().map_or("campaign".into(), |stem| stem.to_string_lossy().into_owned());
    if args.resume {
        let folder = CampaignFolder::newest(&args.store, &name, args.shard).map_err(|error| usage(&error))?;
        if folder.text().map_err(|error| failed(&error))? != file.text {
            let told =
                format!("{} has changed since {} began; begin a new campaign", file.path, folder.root().display());
            return Err(usage(&told));
        }
        let agenda = folder.agenda().map_err(|error| failed(&error))?;
        return Ok(Begun { file, folder, agenda });
    }
    let stated = args.seed.or(file.contents.seed);
    if stated.is_none() && args.shard.is_some() {
        return Err(usage(&"shards must have the same seed; state it in the file, or give --seed"));
    }
    let seed = stated.unwrap_or_else(seed::fresh);
    let cases = file.cases(seed).map_err(|error| usage(&error))?;
    let began_unix_ms = jiff::Timestamp::now().as_millisecond().unsigned_abs();
    let squall = env!("CARGO_PKG_VERSION").into();
    let agenda = Agenda { squall, name, seed, began_unix_ms, shard: args.shard, cases };
    let folder = CampaignFolder::begin(&args.store, &agenda, &file.text).map_err(|error| failed(&error))?;
    Ok(Begun { file, folder, agenda })
}

fn carry_out(args: &CampaignArgs, begun: &Begun, known: Option<Known>) -> Result<Exit, String> {
    let Begun { file, folder, agenda } = begun;
    let _lock = folder.lock().map_err(|error| error.to_string())?;
    let own: Vec<&Case> = agenda.cases.iter().filter(|case| case.is_of(agenda.shard)).collect();
    let mut left = Vec::new();
    for case in &own {
        // Where squall itself failed, another day may be better.
        let outcome = folder.outcome(case).map_err(|error| error.to_string())?;
        if outcome.is_none_or(|outcome| outcome.verdict().is_none()) {
            left.push(*case);
        }
    }
    say(&headline(begun, own.len(), left.len()));
    let orders = Orders {
        program: std::env::current_exe().map_err(|error| format!("cannot find my own executable: {error}"))?,
        jobs: args.jobs.unwrap_or_else(usual_jobs),
        retries: file.contents.retries.unwrap_or(1),
        budget: file.contents.budget.map(|budget| budget.duration()),
    };
    let cut = run(&orders, folder, left, own.len())?;
    finish(folder, agenda, cut, known)
}

/// Runs what is left, telling of each case.
fn run(orders: &Orders, folder: &CampaignFolder, left: Vec<&Case>, of: usize) -> Result<Option<Cut>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot wait for cases: {error}"))?;
    let (stopper, mut stop): (_, Stop) = stop::channel();
    runtime
        .block_on(async { stop::on_signals(stopper) })
        .map_err(|error| format!("cannot listen to signals: {error}"))?;
    let place = Cell::new(of - left.len());
    let told = runtime.block_on(runner::carry_out(orders, folder, left, &mut stop, |case, outcome| {
        place.set(place.get() + 1);
        say(&terminal::line(case, outcome, place.get(), of));
    }));
    told.map_err(|error| error.to_string())
}

/// Sums the campaign up, writes its outputs and tells its end.
pub(super) fn finish(
    folder: &CampaignFolder,
    agenda: &Agenda,
    cut: Option<Cut>,
    known: Option<Known>,
) -> Result<Exit, String> {
    let outcome = |case: &Case| {
        folder.outcome(case).map(|outcome| (case.clone(), outcome, relative(folder.root(), &folder.case(case))))
    };
    let done: Result<Vec<_>, _> = agenda.cases.iter().map(outcome).collect();
    let known = known.or_else(|| previous(folder));
    let summary = Summary::of(agenda, done.map_err(|error| error.to_string())?, cut, known);
    outputs::write(folder, &summary).map_err(|error| error.to_string())?;
    print(&terminal::text(&summary));
    print(&format!("{DIM}overview{RESET}  {}\n", folder.root().join("index.html").display()));
    Ok(summary.result.into())
}

/// What an earlier campaign found, and where that stands.
pub(super) type Known = (PathBuf, BTreeSet<String>);

/// What the campaign found that somebody wants to compare with.
pub(super) fn stated(against: Option<&Path>) -> Result<Option<Known>, String> {
    let Some(path) = against else { return Ok(None) };
    let path = if path.is_dir() { path.join("summary.json") } else { path.to_path_buf() };
    let known = fingerprints::known(&path)?;
    Ok(Some((path, known)))
}

/// What the campaign of this name before found. One that cannot be read takes nothing from this one.
fn previous(folder: &CampaignFolder) -> Option<Known> {
    let path = folder.previous_summary()?;
    match fingerprints::known(&path) {
        Ok(known) => Some((path, known)),
        Err(error) => {
            complain(&format!("{error}; so nobody can say what is new"));
            None
        }
    }
}

/// Storms leave half of a processor to the machine and to their servers.
fn usual_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1))
}

fn headline(begun: &Begun, own: usize, left: usize) -> String {
    let Begun { file, folder, agenda } = begun;
    let shard = agenda.shard.map(|shard| format!(", shard {shard}")).unwrap_or_default();
    let done = if left < own { format!(", {} done already", own - left) } else { String::new() };
    let budget = file.contents.budget.map(|budget| format!(", budget {budget}")).unwrap_or_default();
    let (version, name, seed, cases) = (env!("CARGO_PKG_VERSION"), &agenda.name, agenda.seed, plural(own, "case"));
    format!(
        "{BOLD}squall {version}{RESET}  campaign {name}{shard}: {cases}{done}{budget}, seed {seed}\n{DIM}{}{RESET}",
        folder.root().display()
    )
}

/// A line for a person, on standard error.
fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
