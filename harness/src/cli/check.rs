//! `squall check`: judges a stored run or a history file again.

use super::{CheckArgs, complain, fail, fail_as, print, print_json};
use crate::exit::Exit;
use crate::judge::{self, Judged, Promises};
use crate::plan::Wishes;
use crate::summary;
use squall_results::folder::RunFolder;
use squall_results::{Budget, History, Promise, reader};
use squall_workloads::Workload;
use std::fs;

pub(super) fn main(args: &CheckArgs) -> Exit {
    let folder = args.path.is_dir().then(|| RunFolder::at(&args.path));
    let file = folder.as_ref().map_or_else(|| args.path.clone(), RunFolder::history);
    let history = match reader::read_history(&file) {
        Ok(history) => history,
        Err(error) => return fail_as(args.json, Exit::Usage, &error.to_string()),
    };
    let (workload, promises) = match what_to_judge(args, &history) {
        Ok(chosen) => chosen,
        Err(error) => return fail_as(args.json, Exit::Usage, &error),
    };
    let judged = judge::judge(history, workload, promises, &Budget::default());
    let mut exit = Exit::from(judged.judgement.validity);
    if let Some(folder) = &folder
        && let Err(error) = rewrite(folder, &judged)
    {
        complain(&format!("{error}; the verdict stands all the same"));
        exit = Exit::Failed;
    }
    let told = if args.json {
        print_json(&summary::Json {
            judgement: &judged.judgement,
            figures: &judged.figures,
            notes: &judged.history.notes,
            folder: folder.as_ref().map(|folder| folder.root().display().to_string()),
            seed: judged.history.start.as_ref().map(|start| start.seed),
            command: None,
        })
    } else {
        print(&summary::text(&judged));
        Ok(())
    };
    told.map_or_else(|error| fail(Exit::Failed, &error), |()| exit)
}

/// The workload whose checkers judge, and the promise: as asked for, else as the history says of itself.
fn what_to_judge(args: &CheckArgs, history: &History) -> Result<(&'static Workload, Promises), String> {
    let own = history.start.as_ref().map(|start| Promises { decides: start.promise, beside: start.beside });
    let own = own.unwrap_or(Promises { decides: Promise::Linearizable, beside: None });
    let chosen = args.consistency.as_ref().map(|name| Promises { decides: name.promise(), beside: None });
    let (workload, promises) = (workload_of(args, history)?, chosen.unwrap_or(own));
    if workload.promises.contains(&promises.decides) {
        Ok((workload, promises))
    } else {
        Err(format!("the workload {} cannot be judged as {}", workload.name, promises.decides))
    }
}

fn workload_of(args: &CheckArgs, history: &History) -> Result<&'static Workload, String> {
    if let Some(model) = &args.model {
        let workload = squall_workloads::ALL.iter().find(|workload| workload.model == model.as_str());
        return workload.copied().ok_or_else(|| format!("nothing judges by {model}"));
    }
    let Some(start) = &history.start else {
        return Err(format!("{} does not say what was run; name the model with --model", args.path.display()));
    };
    squall_workloads::find(&start.workload).ok_or_else(|| {
        let known = squall_workloads::ALL.iter().map(|workload| workload.name);
        format!("{}; or name the model with --model", crate::names::unknown("workload", &start.workload, known))
    })
}

/// Writes verdict, plots and report of a stored run anew.
fn rewrite(folder: &RunFolder, judged: &Judged) -> Result<(), judge::WriteError> {
    let plan_yaml = fs::read_to_string(folder.plan()).unwrap_or_default();
    let plan = Wishes::read(&folder.plan()).and_then(Wishes::resolve).ok();
    let command = plan.as_ref().map(|plan| plan.command(&folder.plan())).unwrap_or_default();
    let surroundings = judge::Surroundings { plan_yaml: &plan_yaml, command: &command };
    judge::write(folder, judged, &surroundings)
}
