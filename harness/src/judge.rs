//! From a history on disk to a verdict and a report: everything after the run, repeatable from the folder alone.

use crate::logs;
use squall_results::event::PhaseName;
use squall_results::figures::Figures;
use squall_results::folder::{RunFolder, write_whole};
use squall_results::report::{self, ReportInput};
use squall_results::{Budget, Checker, History, Judgement, Promise, Validity, Verdict, plots};
use squall_workloads::Workload;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A judgement with what it rests on.
pub struct Judged {
    /// The history.
    pub history: History,
    /// What the checkers said.
    pub judgement: Judgement,
    /// The figures of the history.
    pub figures: Figures,
}

/// Judges `history` as one of `workload` at `promise`.
pub fn judge(history: History, workload: &Workload, promise: Promise, budget: &Budget) -> Judged {
    let checkers = (workload.checkers)(promise);
    let mut verdicts: Vec<Verdict> = checkers.iter().map(|checker| check(checker.as_ref(), &history, budget)).collect();
    verdicts.extend(recovery(&history));
    let judgement = Judgement::new(promise, verdicts);
    let figures = Figures::of(&history);
    Judged { history, judgement, figures }
}

/// Runs a checker; one that panics has no answer, and the others still have theirs.
fn check(checker: &dyn Checker, history: &History, budget: &Budget) -> Verdict {
    let run = std::panic::AssertUnwindSafe(|| checker.check(history, budget));
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        unknown(checker.name(), "the checker itself failed; please report this with the history".into())
    })
}

fn unknown(checker: &str, reason: String) -> Verdict {
    let (checker, validity) = (checker.into(), Validity::Unknown);
    Verdict { checker, validity, reason, anomalies: Vec::new(), figures: Default::default() }
}

/// A cluster that did not come back was not read at the end, so what it lost nobody knows.
fn recovery(history: &History) -> Option<Verdict> {
    let completed = matches!(&history.end, Some(end) if end.how == squall_results::event::Ending::Completed);
    let recovered = history.phase_ns(PhaseName::FinalReads).is_some();
    let lost = completed && !recovered && history.phase_ns(PhaseName::Recovery).is_some();
    lost.then(|| unknown("recovery", "the cluster did not serve again after the storm; final reads are missing".into()))
}

/// How many anomalies are drawn into files of their own.
const DRAWN_MAX: usize = 20;

/// The results of a run could not be written. The history is untouched.
#[derive(Debug, Error)]
#[error("cannot write {path}: {source}")]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// What the report says besides the history and its judgement.
pub struct Surroundings<'a> {
    /// The plan as text; empty where it is not known.
    pub plan_yaml: &'a str,
    /// The command that repeats the run.
    pub command: &'a str,
    /// Facts as name and value.
    pub facts: &'a [(String, String)],
}

/// Writes verdict, plots and report into the folder of the run.
///
/// # Errors
/// When one of them cannot be written.
pub fn write(folder: &RunFolder, judged: &Judged, surroundings: &Surroundings) -> Result<(), WriteError> {
    let Judged { history, judgement, figures } = judged;
    let at = |path: PathBuf| move |source| WriteError { path, source };
    folder.write_judgement(judgement).map_err(at(folder.verdict()))?;
    std::fs::create_dir_all(folder.plots()).map_err(at(folder.plots()))?;
    let overviews =
        plots::Kind::ALL.into_iter().map(|kind| (kind.file_name().to_owned(), plots::render(history, kind)));
    let anomalies = judgement.anomalies().take(DRAWN_MAX).enumerate();
    let drawn = anomalies
        .map(|(place, anomaly)| (format!("anomaly-{}.svg", place + 1), plots::render_anomaly(history, anomaly)));
    for (name, svg) in overviews.chain(drawn) {
        let path = folder.plots().join(name);
        write_whole(&path, svg.as_bytes()).map_err(at(path.clone()))?;
    }
    let nodes = history.start.as_ref().map(|start| start.nodes.clone()).unwrap_or_default();
    let logs = logs::read(folder, &nodes);
    let title = history.start.as_ref().map(|start| format!("{} {}", start.target, start.workload)).unwrap_or_default();
    let page = report::render(&ReportInput {
        history,
        judgement,
        figures,
        title: &title,
        command: surroundings.command,
        plan_yaml: surroundings.plan_yaml,
        logs: &logs,
        facts: surroundings.facts,
    });
    write_whole(&folder.report(), page.as_bytes()).map_err(at(folder.report()))
}
