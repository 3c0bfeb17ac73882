//! `squall check FILE`: judges a history file of any format by any model.

use super::super::progress::Progress;
use super::super::{CheckArgs, complain, fail, fail_as, open, reading};
use super::tell;
use crate::exit::Exit;
use crate::judge::{self, Judged};
use crate::plan::typed;
use squall_results::folder::write_whole;
use squall_results::foreign::{self, Question, Streamed};
use squall_results::formats::{Format, Reader};
use squall_results::history::UNTIMED;
use squall_results::models::{ModelInfo, ModelOption};
use squall_results::report::{self, ReportInput};
use squall_results::{Budget, Figures, History, Judgement, Level, Promise};
use std::path::Path;

/// Files from this size on are judged while they are read, as far as that is possible.
const STREAM_BYTES_MIN: u64 = 32 << 20;

/// What became of a file.
pub(super) enum Judging {
    /// It is judged by a model.
    Done(Box<Judged>),
    /// It is a run of squall, which its workload's checkers judge.
    Run(Box<History>),
}

/// The limits that were asked for.
pub(super) fn budget(args: &CheckArgs) -> Budget {
    let usual = Budget::default();
    Budget {
        time: args.time_limit.map_or(usual.time, |limit| limit.duration()),
        memory_bytes: args.memory_limit.unwrap_or(usual.memory_bytes),
        ..usual
    }
}

/// Judges the file, or says why not.
pub(super) fn judge(args: &CheckArgs) -> Result<Judging, String> {
    let model = args.model.as_ref().and_then(|model| model.general());
    let question = model.map(|model| Question {
        format: args.reading.format,
        keys: args.reading.key_of.clone(),
        initial: args.initial.clone(),
        failed_cas: args.reading.failed_cas,
        nil_read: args.nil_read.unwrap_or_default(),
        allow_negative: args.allow_negative,
        whole: args.whole,
        level: args
            .consistency
            .as_ref()
            .and_then(|consistency| consistency.level().ok())
            .filter(|_| judges_transactions(model)),
        ..Question::of(model)
    });
    let level = question.as_ref().filter(|question| judges_transactions(question.model));
    let level = level.map(|question| question.level.unwrap_or(Level::STRICT_SERIALIZABLE));
    let reading = question.as_ref().map_or_else(|| reading(&args.reading, args.model.as_ref()), Question::reading);
    let mut reader = open(&args.path, &reading)?;
    let bytes = std::fs::metadata(&args.path).ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len());
    let progress = Progress::start(bytes, reader.bytes_read());
    // What squall recorded may be a run, which its workload's checkers judge; that is known when all of it is read.
    let is_own = reader.format() == Format::Squall;
    if !is_own {
        let question = question.as_ref().ok_or_else(|| needs_model(&reader))?;
        judges_at(args, level)?;
        if bytes.is_some_and(|bytes| bytes >= STREAM_BYTES_MIN) {
            if let Some(judged) = judge_stream(args, reader, question)? {
                return Ok(Judging::Done(Box::new(judged)));
            }
            reader = open(&args.path, &reading)?;
        }
    }
    let checker = question.map(|question| question.checker(&mut reader)).transpose();
    let checker = checker.map_err(|error| error.to_string())?;
    let history = reader.read_history().map_err(|error| error.to_string())?;
    progress.judging();
    let Some(checker) = checker.filter(|_| !(is_own && is_run(args, &history))) else {
        return Ok(Judging::Run(Box::new(history)));
    };
    judges_at(args, level)?;
    let verdict = judge::check(checker.as_ref(), &history, &budget(args));
    let judgement = Judgement { level, ..Judgement::new(Promise::Linearizable, vec![verdict]) };
    let figures = Figures::of(&history);
    Ok(Judging::Done(Box::new(Judged { history, judgement, figures })))
}

/// Whether a model judges at isolation levels.
fn judges_transactions(model: &ModelInfo) -> bool {
    model.options.contains(&ModelOption::Level)
}

/// Whether what was asked for can be judged: transactions at the isolation level `level`, by other models that a history is
/// linearizable, and no other promise.
fn judges_at(args: &CheckArgs, level: Option<Level>) -> Result<(), String> {
    match (&args.consistency, level) {
        (None, _) => Ok(()),
        (Some(consistency), Some(_)) => consistency.level().map(drop),
        (Some(consistency), None) => match consistency.promise()? {
            Promise::Linearizable => Ok(()),
            other => Err(format!("a history of a file is judged as linearizable, not as {other}")),
        },
    }
}

/// Judges a large file while it is read; `None`: its model, or what was asked for, needs all of it.
fn judge_stream(args: &CheckArgs, reader: Reader, question: &Question) -> Result<Option<Judged>, String> {
    if args.html.is_some() {
        return Ok(None);
    }
    let again = || Reader::open(&args.path, &question.reading());
    let streamed = foreign::judge_stream(reader, &again, question, &budget(args)).map_err(|error| error.to_string())?;
    Ok(streamed.map(|Streamed { verdict, calls, end_ns, mut history }| {
        history.notes.push("the file was judged while it was read; latencies were not kept".into());
        history.facts.insert(UNTIMED.into(), "not kept".into());
        let figures = Figures { calls, duration_ns: end_ns, ..Figures::of(&History::default()) };
        Judged { history, judgement: Judgement::new(Promise::Linearizable, vec![verdict]), figures }
    }))
}

fn needs_model(reader: &Reader) -> String {
    let known: Vec<&str> = squall_results::models::ALL.iter().map(|model| model.name).collect();
    format!(
        "a history in the format {} does not say what it is about; name the model with --model: {}",
        reader.format(),
        known.join(", ")
    )
}

/// Whether the checkers of a workload judge: the history says what was run, and nothing was asked that only models know.
fn is_run(args: &CheckArgs, history: &History) -> bool {
    let of_workload = |name: &str| squall_workloads::ALL.iter().any(|workload| workload.model == name);
    let asks_a_model = args.initial.is_some() || args.nil_read.is_some() || args.allow_negative || args.whole;
    history.start.is_some() && !asks_a_model && args.model.as_ref().is_none_or(|model| of_workload(model.as_str()))
}

/// Says what came out, and writes the page that was asked for.
pub(super) fn report(args: &CheckArgs, judged: &Judged) -> Exit {
    let mut exit = Exit::from(judged.judgement.worst());
    if let Some(out) = &args.html
        && let Err(error) = write_page(args, judged, out)
    {
        complain(&format!("{error}; the verdict stands all the same"));
        exit = Exit::Failed;
    }
    tell(args, judged, None).map_or_else(|error| fail(Exit::Failed, &error), |()| exit)
}

fn write_page(args: &CheckArgs, judged: &Judged, out: &Path) -> Result<(), String> {
    let name = args.path.file_name().unwrap_or_else(|| args.path.as_os_str());
    let page = report::render(&ReportInput {
        history: &judged.history,
        judgement: &judged.judgement,
        figures: &judged.figures,
        title: &name.to_string_lossy(),
        command: &typed(),
        plan_yaml: "",
        logs: &[],
    });
    write_whole(out, page.as_bytes()).map_err(|error| format!("cannot write {}: {error}", out.display()))
}

/// Refuses what makes no sense for a run's folder.
pub(super) fn refuse_for_folder(args: &CheckArgs) -> Option<Exit> {
    let given = [
        (args.html.is_some(), "--html"),
        (args.reading.format.is_some(), "--format"),
        (args.reading.key_of.is_some(), "--key-of"),
        (args.reading.failed_cas.is_some(), "--failed-cas"),
        (args.initial.is_some(), "--initial"),
        (args.nil_read.is_some(), "--nil-read"),
        (args.allow_negative, "--allow-negative"),
        (args.whole, "--whole"),
    ];
    let (_, flag) = given.into_iter().find(|(given, _)| *given)?;
    let path = args.path.display();
    let reason =
        format!("{flag} is for history files; {path} is the folder of a run, its history is {path}/history.jsonl");
    Some(fail_as(args.json, Exit::Usage, &reason))
}
