//! `squall replay`: a stored run's schedule again, and whether what was found comes back.
//!
//! Each run is a `squall test` of its own, because the kernel gives namespaces only to a process with one thread. It is asked to
//! stop when this one is, and dies with it.

use super::{ReplayArgs, fail_as, print, print_json};
use crate::exit::Exit;
use crate::narrate::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use crate::replay::{Likeness, Rate, Recorded, comes_back, exact, found};
use crate::stop::{self, Stop};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use squall_results::folder::{RunFolder, write_whole};
use squall_results::{Judgement, Validity, reader};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// What `--json` prints: one object.
#[derive(Debug, Serialize)]
struct Json<'a> {
    /// The folder of the recorded run.
    replayed: String,
    /// Whether the recorded nodes were hit.
    exact: bool,
    /// What was found then, as checker and kind.
    found: Vec<(String, String)>,
    /// In how many runs some of it came back.
    came_back: Rate,
    /// What could not be repeated exactly.
    notes: &'a [String],
    /// Each run.
    runs: &'a [Replayed],
}

/// One run of a replay.
#[derive(Debug, Serialize)]
struct Replayed {
    folder: String,
    validity: Validity,
    found: Vec<(String, String)>,
    came_back: bool,
    faults: Likeness,
}

pub(super) fn main(args: &ReplayArgs) -> Exit {
    // `store/latest` leads elsewhere as soon as the first replay has begun.
    let folder = RunFolder::at(args.path.canonicalize().unwrap_or_else(|_| args.path.clone()));
    let recorded = match Recorded::read(&folder) {
        Ok(recorded) => recorded,
        Err(error) => return fail_as(args.json, Exit::Usage, &error.to_string()),
    };
    match replay(args, &folder, &recorded) {
        Ok(exit) => exit,
        Err(error) => fail_as(args.json, Exit::Failed, &error),
    }
}

fn replay(args: &ReplayArgs, folder: &RunFolder, recorded: &Recorded) -> Result<Exit, String> {
    let scratch = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let (plan, notes) = plan_file(args, folder, recorded, &scratch)?;
    let program = std::env::current_exe().map_err(|error| format!("cannot find my own executable: {error}"))?;
    let told = headline(args, recorded);
    say(&told);
    for note in &notes {
        say(&format!("{YELLOW}note{RESET}  {note}"));
    }
    // One thread starts the runs and lives as long as they do: they die with it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot wait for signals: {error}"))?;
    let (stopper, stop) = stop::channel();
    runtime
        .block_on(async { stop::on_signals(stopper) })
        .map_err(|error| format!("cannot listen to signals: {error}"))?;
    let (mut runs, mut failed) = (Vec::new(), None);
    for number in 1..=args.times {
        let mut command = Command::new(&program);
        command.args(["test", "--json", "--plan"]).arg(&plan).arg("--store").arg(&args.store);
        let shows = args.times == 1;
        let output = runtime.block_on(one(command, shows, stop.clone()))?;
        if stop.requested() {
            // What was cut short says nothing about how often it comes back.
            break;
        }
        match read(&output, recorded, args.exact) {
            Ok(replayed) => {
                say(&line(number, args.times, &replayed));
                runs.push(replayed);
            }
            // What the others have shown is told all the same.
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    if !runs.is_empty() || failed.is_none() {
        tell(args, folder, recorded, &notes, &runs)?;
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let worst = runs.iter().map(|run| run.validity).max().unwrap_or(Validity::Unknown);
    Ok(worst.into())
}

/// The plan to run: that of the run, or one in which its nodes are named.
fn plan_file(
    args: &ReplayArgs,
    folder: &RunFolder,
    recorded: &Recorded,
    scratch: &TempDir,
) -> Result<(PathBuf, Vec<String>), String> {
    if !args.exact {
        return Ok((folder.plan(), Vec::new()));
    }
    let (plan, notes) = exact(recorded);
    let path = scratch.path().join("plan.yaml");
    let yaml = plan.to_yaml().map_err(|error| error.to_string())?;
    write_whole(&path, yaml.as_bytes()).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok((path, notes))
}

/// Runs one storm to its end, and hands on what asks this process to stop. It has a process group of its own, so that Ctrl-C in a
/// terminal reaches it once.
async fn one(mut command: Command, shows: bool, mut stop: Stop) -> Result<Output, String> {
    let failed = |error: io::Error| format!("cannot run squall test: {error}");
    let stderr = if shows { Stdio::inherit() } else { Stdio::piped() };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).process_group(0);
    let parent = nix::unistd::getpid();
    // SAFETY: the closure makes two system calls, and nothing that could find a lock held.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
            // It may have died before the kernel knew.
            if nix::unistd::getppid() == parent { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
        })
    };
    let child = command.spawn().map_err(failed)?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let mut waiting = tokio::task::spawn_blocking(move || child.wait_with_output());
    let ended = tokio::select! {
        ended = &mut waiting => ended,
        () = stop.stopped() => {
            // Not yet waited for, so the number is still its own.
            let _ = kill(pid, Signal::SIGTERM);
            waiting.await
        }
    };
    ended.map_err(|error| format!("waiting for squall test failed: {error}"))?.map_err(failed)
}

/// What became of a run.
fn read(output: &Output, recorded: &Recorded, exact: bool) -> Result<Replayed, String> {
    let said = String::from_utf8_lossy(&output.stderr);
    if !matches!(output.status.code(), Some(0..=2)) {
        return Err(format!("a run failed, {}\n{}", output.status, said.trim_end()));
    }
    let strange = |error: String| format!("squall test said what cannot be read: {error}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| strange(error.to_string()))?;
    let judgement: Judgement =
        serde_json::from_value(json["judgement"].clone()).map_err(|error| strange(error.to_string()))?;
    let folder = json["folder"].as_str().ok_or_else(|| strange("it names no folder".into()))?.to_owned();
    let history = reader::read_history(&RunFolder::at(&folder).history()).map_err(|error| error.to_string())?;
    Ok(Replayed {
        folder,
        validity: judgement.worst(),
        found: found(&judgement).into_iter().collect(),
        came_back: comes_back(&recorded.judgement, &judgement),
        faults: Likeness::of(&recorded.history, &history, exact),
    })
}

fn headline(args: &ReplayArgs, recorded: &Recorded) -> String {
    let how = if args.exact { "the recorded nodes are hit" } else { "roles are resolved again" };
    let times = crate::summary::plural(args.times as usize, "time");
    let verdict = verdict(recorded.judgement.worst(), &found(&recorded.judgement).into_iter().collect::<Vec<_>>());
    let faults = crate::summary::plural(recorded.history.faults.len(), "fault");
    let path = args.path.display();
    format!("{BOLD}replay{RESET} of {path} ({verdict}; {faults}), {times}; {how}")
}

/// `invalid: stale read`.
fn verdict(validity: Validity, found: &[(String, String)]) -> String {
    let colour = match validity {
        Validity::Valid => GREEN,
        Validity::Unknown => YELLOW,
        Validity::Invalid => RED,
    };
    let mut kinds: Vec<&str> = found.iter().map(|(_, kind)| kind.as_str()).collect();
    kinds.dedup();
    let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
    format!("{colour}{validity}{RESET}{kinds}")
}

fn line(number: u32, times: u32, run: &Replayed) -> String {
    let Likeness { faults, again, same_nodes, same_order, apart_ns_max } = run.faults;
    let order = if same_order { "in the same order" } else { "in another order" };
    let apart = apart_ns_max as f64 / 1e6;
    let alike = match faults {
        0 => "no faults".to_owned(),
        _ => format!(
            "{again} of {faults} faults again, {order}, at most {apart:.0} ms apart; {same_nodes} hit the same nodes"
        ),
    };
    let verdict = verdict(run.validity, &run.found);
    format!("  run {number} of {times}  {verdict}\n    {alike}\n    {DIM}{}{RESET}", run.folder)
}

fn tell(
    args: &ReplayArgs,
    folder: &RunFolder,
    recorded: &Recorded,
    notes: &[String],
    runs: &[Replayed],
) -> Result<(), String> {
    let hits = runs.iter().filter(|run| run.came_back).count() as u32;
    let rate = Rate::of(hits, runs.len() as u32);
    let known: Vec<(String, String)> = found(&recorded.judgement).into_iter().collect();
    if args.json {
        let replayed = folder.root().display().to_string();
        return print_json(&Json { replayed, exact: args.exact, found: known, came_back: rate, notes, runs });
    }
    print(&format!("\n{}\n", summary(!known.is_empty(), rate, runs)));
    Ok(())
}

/// In how many runs it came back, for people.
fn summary(was_found: bool, rate: Rate, runs: &[Replayed]) -> String {
    if runs.is_empty() {
        return "interrupted: no run came to its end".into();
    }
    let total = crate::summary::plural(runs.len(), "run");
    if !was_found {
        let count = |validity| runs.iter().filter(|run| run.validity == validity).count();
        let (valid, invalid) = (count(Validity::Valid), count(Validity::Invalid));
        return format!("nothing was found then; now {valid} of {total} valid, {invalid} invalid");
    }
    let (least, most) = rate.confidence_95;
    let per_cent = |part: f64| (part * 100.0).round();
    let colour = if rate.hits > 0 { RED } else { YELLOW };
    format!(
        "{colour}came back{RESET} in {} of {total}: between {} % and {} % of all such runs, with a confidence of 95 %",
        rate.hits,
        per_cent(least),
        per_cent(most)
    )
}

/// A line for a person, on standard error.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(anstream::stderr(), "{text}");
}
