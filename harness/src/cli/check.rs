//! `squall check`: judges a stored run again, or a history of anybody.

mod file;

use super::{CheckArgs, complain, fail, fail_as, print, print_json};
use crate::exit::Exit;
use crate::judge::{self, Judged, Promises};
use crate::plan::{Plan, Wishes};
use crate::summary;
use file::Judging;
use squall_results::folder::RunFolder;
use squall_results::reader::{self, ReadError};
use squall_results::{History, Promise};
use squall_workloads::Workload;
use std::{fs, io};

pub(super) fn main(args: &CheckArgs) -> Exit {
    if args.path.is_dir() {
        return file::refuse_for_folder(args).unwrap_or_else(|| check_folder(args, &RunFolder::at(&args.path)));
    }
    match file::judge(args) {
        Ok(Judging::Done(judged)) => file::report(args, &judged),
        Ok(Judging::Run(history)) => match what_to_judge(args, &history, None) {
            Ok((workload, promises)) => {
                file::report(args, &judge::judge(*history, workload, promises, &file::budget(args)))
            }
            Err(error) => fail_as(args.json, Exit::Usage, &error),
        },
        Err(error) => fail_as(args.json, Exit::Usage, &error),
    }
}

/// Judges a stored run again, and writes its report anew.
fn check_folder(args: &CheckArgs, folder: &RunFolder) -> Exit {
    let plan = Wishes::read(&folder.plan()).and_then(Wishes::resolve).ok();
    let history = match reader::read_history(&folder.history()) {
        Ok(history) => history,
        Err(error) if plan.is_some() && holds_nothing(&error) => nothing_recorded(),
        Err(_) if has_no_plan_yet(folder) => {
            let reason = format!("the run of {} was cut short before it began; nothing to judge", args.path.display());
            return fail_as(args.json, Exit::Unknown, &reason);
        }
        Err(error) => return fail_as(args.json, Exit::Usage, &error.to_string()),
    };
    let (workload, promises) = match what_to_judge(args, &history, plan.as_ref()) {
        Ok(chosen) => chosen,
        Err(error) => return fail_as(args.json, Exit::Usage, &error),
    };
    let judged = judge::judge(history, workload, promises, &file::budget(args));
    let mut exit = Exit::from(judged.judgement.worst());
    if let Err(error) = rewrite(folder, plan.as_ref(), &judged) {
        complain(&format!("{error}; the verdict stands all the same"));
        exit = Exit::Failed;
    }
    tell(args, &judged, Some(folder)).map_or_else(|error| fail(Exit::Failed, &error), |()| exit)
}

/// Says what came out, to a person or to a program.
fn tell(args: &CheckArgs, judged: &Judged, folder: Option<&RunFolder>) -> Result<(), String> {
    if args.json {
        return print_json(&summary::Json {
            judgement: &judged.judgement,
            figures: &judged.figures,
            notes: &judged.history.notes,
            folder: folder.map(|folder| folder.root().display().to_string()),
            seed: judged.history.start.as_ref().map(|start| start.seed),
            command: None,
        });
    }
    print(&summary::in_folder(judged, folder));
    Ok(())
}

/// Whether a run that was killed early leaves such a history.
fn holds_nothing(error: &ReadError) -> bool {
    match error {
        ReadError::Empty { .. } => true,
        ReadError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        ReadError::Line { .. }
        | ReadError::Order { .. }
        | ReadError::HasOwnKeys { .. }
        | ReadError::HasOwnOutcomes { .. }
        | ReadError::Unrecognised { .. } => false,
    }
}

/// The history of a run that was killed before its first event was written.
fn nothing_recorded() -> History {
    History { notes: vec!["the run was cut short before anything was recorded".into()], ..History::default() }
}

/// Whether this is the folder of a run that was killed before its plan was in place: it holds nothing else either.
fn has_no_plan_yet(folder: &RunFolder) -> bool {
    let is_plan = |name: &str| name.starts_with("plan.") && name.ends_with(".partial");
    let is_unfinished = |entry: fs::DirEntry| entry.file_name().to_str().is_some_and(is_plan);
    fs::read_dir(folder.root()).is_ok_and(|entries| entries.flatten().all(is_unfinished))
}

/// The workload whose checkers judge, and the promise: as asked for, else as the history says of itself, or the plan
/// where there is no history.
fn what_to_judge(
    args: &CheckArgs,
    history: &History,
    plan: Option<&Plan>,
) -> Result<(&'static Workload, Promises), String> {
    let own = history.start.as_ref().map(|start| Promises { decides: start.promise, beside: start.beside });
    let of_plan = plan.map(|plan| Promises { decides: plan.consistency.promise(), beside: plan.beside() });
    let own = own.or(of_plan).unwrap_or(Promises { decides: Promise::Linearizable, beside: None });
    let chosen = args.consistency.as_ref().map(|name| name.promise()).transpose()?;
    let chosen = chosen.map(|decides| Promises { decides, beside: None });
    let (workload, promises) = (workload_of(args, history, plan)?, chosen.unwrap_or(own));
    if workload.promises.contains(&promises.decides) {
        Ok((workload, promises))
    } else {
        Err(format!("the workload {} cannot be judged as {}", workload.name, promises.decides))
    }
}

fn workload_of(args: &CheckArgs, history: &History, plan: Option<&Plan>) -> Result<&'static Workload, String> {
    if let Some(model) = &args.model {
        let workload = squall_workloads::ALL.iter().find(|workload| workload.model == model.as_str());
        return workload.copied().ok_or_else(|| format!("nothing judges by {model}"));
    }
    let Some(start) = &history.start else {
        // Of a run that was killed before it said so, the plan knows.
        if let Some(plan) = plan.filter(|_| history.operations.is_empty()) {
            return Ok(plan.workload.workload());
        }
        return Err(format!("{} does not say what was run; name the model with --model", args.path.display()));
    };
    squall_workloads::find(&start.workload).ok_or_else(|| {
        let known = squall_workloads::ALL.iter().map(|workload| workload.name);
        format!("{}; or name the model with --model", crate::names::unknown("workload", &start.workload, known))
    })
}

/// Writes verdict, plots and report of a stored run anew.
fn rewrite(folder: &RunFolder, plan: Option<&Plan>, judged: &Judged) -> Result<(), judge::WriteError> {
    let plan_yaml = fs::read_to_string(folder.plan()).unwrap_or_default();
    let command = plan.map(|plan| plan.command(&folder.plan())).unwrap_or_default();
    let surroundings = judge::Surroundings { plan_yaml: &plan_yaml, command: &command };
    judge::write(folder, judged, &surroundings)
}
