//! From a history on disk to a verdict and a report: everything after the run, repeatable from the folder alone.

mod rot;

use crate::logs;
use squall_nemesis::Family;
use squall_results::checker::liveness;
use squall_results::event::{Ending, PhaseName};
use squall_results::figures::Figures;
use squall_results::folder::{RunFolder, write_whole};
use squall_results::history::FaultSpan;
use squall_results::report::{self, LogLine, ReportInput};
use squall_results::{Budget, Call, Checker, History, Judgement, Promise, Validity, Verdict, plots};
use squall_workloads::Workload;
use std::collections::{BTreeMap, HashMap};
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

/// The promises that a history is judged at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promises {
    /// The promise that the verdict is about.
    pub decides: Promise,
    /// A stronger one, for people to know.
    pub beside: Option<Promise>,
}

/// Judges `history` as one of `workload`.
pub fn judge(history: History, workload: &Workload, promises: Promises, budget: &Budget) -> Judged {
    let check_all = |promise| -> Vec<Verdict> {
        (workload.checkers)(promise).iter().map(|checker| check(checker.as_ref(), &history, budget)).collect()
    };
    let mut verdicts = check_all(promises.decides);
    verdicts.extend(
        [ended(&history), recovery(&history), final_reads(&history), faults(&history), power(&history)]
            .into_iter()
            .flatten(),
    );
    let mut judgement = Judgement::new(promises.decides, verdicts);
    judgement.liveness = liveness::judge(&history);
    judgement.beside = promises.beside.map(|promise| Box::new(Judgement::new(promise, check_all(promise))));
    rot::weigh(&mut judgement, &history);
    let figures = Figures::of(&history);
    Judged { history, judgement, figures }
}

/// Runs a checker; one that panics has no answer, and the others still have theirs.
pub fn check(checker: &dyn Checker, history: &History, budget: &Budget) -> Verdict {
    let run = std::panic::AssertUnwindSafe(|| checker.check(history, budget));
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        unknown(checker.name(), "the checker itself failed; please report this with the history".into())
    })
}

fn unknown(checker: &str, reason: String) -> Verdict {
    let (checker, validity) = (checker.into(), Validity::Unknown);
    Verdict { checker, validity, reason, anomalies: Vec::new(), figures: Default::default() }
}

/// How the facts of a history begin that name servers which ended by themselves.
pub const ENDED_BY_THEMSELVES: &str = "ended by themselves";

/// A server that ends by itself has a reason that no checker knows, even if everything is well after its new start.
fn ended(history: &History) -> Option<Verdict> {
    let ends = history.facts.iter().filter(|(name, _)| name.starts_with(ENDED_BY_THEMSELVES));
    let told: Vec<&str> = ends.map(|(_, told)| told.as_str()).collect();
    if told.is_empty() {
        return None;
    }
    let told = told.join("; ");
    Some(unknown("servers", format!("servers ended by themselves, their logs say why, and were started again: {told}")))
}

/// A cluster that did not come back was not read at the end, so what it lost nobody knows. Nor does anybody where the run
/// ended while it was waited for.
fn recovery(history: &History) -> Option<Verdict> {
    let lost = history.phase_ns(PhaseName::Recovery).is_some() && history.phase_ns(PhaseName::FinalReads).is_none();
    let reason = match is_completed(history) {
        true => "the cluster did not serve again after the storm (squall.log says why), so there are no final reads",
        false => "the run ended before the cluster had served again after the storm, so there are no final reads",
    };
    lost.then(|| unknown("recovery", reason.into()))
}

fn is_completed(history: &History) -> bool {
    matches!(&history.end, Some(end) if end.how == Ending::Completed)
}

/// A node that did not answer a final call hides what it lost; a run that ended among the final calls hides what no call
/// was made for.
fn final_reads(history: &History) -> Option<Verdict> {
    let begun_ns = history.phase_ns(PhaseName::FinalReads)?;
    if !is_completed(history) {
        return Some(unknown("final-reads", "the run ended before all final calls were made".into()));
    }
    let mut answered: HashMap<(&str, &Call), bool> = HashMap::new();
    for operation in history.operations.iter().filter(|operation| operation.invoked_ns >= begun_ns) {
        *answered.entry((&operation.node, &operation.call)).or_default() |= operation.outcome.is_ok();
    }
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    for ((node, _), _) in answered.iter().filter(|(_, answered)| !**answered) {
        *missing.entry(node).or_default() += 1;
    }
    let told: Vec<String> = missing.iter().map(|(node, count)| format!("{count} through {node}")).collect();
    let reason = || format!("final calls got no answer, however often they were tried: {}", told.join(", "));
    (!told.is_empty()).then(|| unknown("final-reads", reason()))
}

/// Where faults were wanted and none ever was in force, nothing was tested. One that was being injected when the record
/// ends says nothing.
fn faults(history: &History) -> Option<Verdict> {
    let in_vain = |fault: &FaultSpan| fault.in_force.is_none() && fault.problem.is_some();
    let none = !history.faults.is_empty() && history.faults.iter().all(in_vain);
    let reason = || format!("none of the {} faults was in force, so nothing was tested", history.faults.len());
    none.then(|| unknown("faults", reason()))
}

/// The fact of a history that says what the disks under the servers' data forget.
pub const DISKS: &str = "disks";

/// Where power was lost, the verdict is about servers on disks of a kind, and says of which.
fn power(history: &History) -> Option<Verdict> {
    let model = history.facts.get(DISKS)?;
    let is_loss = |fault: &&FaultSpan| fault.family == Family::Power.name() && fault.in_force.is_some();
    let times = match history.faults.iter().filter(is_loss).count() {
        0 => return None,
        1 => "once".into(),
        count => format!("{count} times"),
    };
    let reason = format!("power was lost {times}, and what was not synced with it: {model}");
    Some(Verdict { validity: Validity::Valid, ..unknown("disks", reason) })
}

/// How many anomalies are drawn into files of their own.
const DRAWN_MAX: usize = 20;

/// The results of a run could not be written. The history is untouched.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The system refused a file.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A plot or the page could not be drawn.
    #[error("drawing the report of {0} failed inside squall; please report this with the history")]
    Panicked(PathBuf),
}

/// What the report says besides the history and its judgement.
pub struct Surroundings<'a> {
    /// The plan as text; empty where it is not known.
    pub plan_yaml: &'a str,
    /// The command that repeats the run.
    pub command: &'a str,
}

/// Writes verdict, plots and report into the folder of the run.
///
/// # Errors
/// When one of them cannot be written.
pub fn write(folder: &RunFolder, judged: &Judged, surroundings: &Surroundings) -> Result<(), WriteError> {
    // A verdict comes out in any case, also when its pictures do not.
    let write = std::panic::AssertUnwindSafe(|| write_files(folder, judged, surroundings));
    std::panic::catch_unwind(write).unwrap_or_else(|_| Err(WriteError::Panicked(folder.root().into())))
}

/// The lines of all nodes' logs.
pub fn node_logs(folder: &RunFolder, history: &History) -> Vec<LogLine> {
    let mut nodes = history.start.as_ref().map(|start| start.nodes.clone()).unwrap_or_default();
    // Spares are mentioned where faults had them join.
    for node in history.faults.iter().flat_map(|fault| &fault.nodes) {
        if !nodes.contains(node) {
            nodes.push(node.clone());
        }
    }
    logs::read(folder, &nodes)
}

fn write_files(folder: &RunFolder, judged: &Judged, surroundings: &Surroundings) -> Result<(), WriteError> {
    let Judged { history, judgement, figures } = judged;
    let at = |path: PathBuf| move |source| WriteError::Io { path, source };
    folder.write_judgement(judgement).map_err(at(folder.verdict()))?;
    std::fs::create_dir_all(folder.plots()).map_err(at(folder.plots()))?;
    let overviews =
        plots::Kind::ALL.into_iter().map(|kind| (kind.file_name().to_owned(), plots::render(history, kind)));
    let anomalies = judgement.anomalies().take(DRAWN_MAX).enumerate();
    let drawn = anomalies
        .map(|(place, anomaly)| (format!("anomaly-{}.svg", place + 1), plots::render_anomaly(history, anomaly)));
    let bank = plots::render_bank(history, judgement).map(|svg| ("bank.svg".to_owned(), svg));
    for (name, svg) in overviews.chain(drawn).chain(bank) {
        let path = folder.plots().join(name);
        write_whole(&path, svg.as_bytes()).map_err(at(path.clone()))?;
    }
    let logs = node_logs(folder, history);
    let title = history.start.as_ref().map(|start| format!("{} {}", start.target, start.workload)).unwrap_or_default();
    let page = report::render(&ReportInput {
        history,
        judgement,
        figures,
        title: &title,
        command: surroundings.command,
        plan_yaml: surroundings.plan_yaml,
        logs: &logs,
    });
    write_whole(&folder.report(), page.as_bytes()).map_err(at(folder.report()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_results::event::{End, FaultChange, FaultEvent, Invoke, Phase, Return};
    use squall_results::{Event, Outcome, Reply};

    /// A history with a storm, a recovery and what `events` add; the checkers beside the workload's that do not know.
    fn check(events: Vec<Event>, expected: &[(&str, &str)]) {
        let phase = |at_ns, name| Event::Phase(Phase { at_ns, name });
        let begin = [phase(1, PhaseName::Storm), phase(10, PhaseName::Recovery)];
        let end = Event::End(End { at_ns: 100, how: Ending::Completed });
        let history = History::from_events(begin.into_iter().chain(events).chain([end])).unwrap();
        let workload = squall_workloads::find("register").unwrap();
        let promises = Promises { decides: Promise::Linearizable, beside: None };
        let judged = judge(history, workload, promises, &Budget::default());
        assert_eq!(judged.judgement.validity, Validity::Unknown);
        let ours = judged.judgement.verdicts.iter().skip((workload.checkers)(Promise::Linearizable).len());
        let told: Vec<(&str, &str)> = ours.map(|verdict| (&*verdict.checker, &*verdict.reason)).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for ((checker, reason), (expected, part)) in told.iter().zip(expected) {
            assert!(checker == expected && reason.contains(part), "{told:?}");
        }
    }

    fn final_phase() -> Event {
        Event::Phase(Phase { at_ns: 20, name: PhaseName::FinalReads })
    }

    fn read(op: u64, node: &str, key: u64, outcome: Outcome) -> [Event; 2] {
        let (at_ns, node, call) = (20 + 2 * op, node.into(), Call::Read { key });
        let invoke = Invoke { at_ns, due_ns: at_ns, op, process: op, node, call };
        [Event::Invoke(invoke), Event::Return(Return { at_ns: at_ns + 1, op, outcome })]
    }

    fn fault(fault: u32, change: FaultChange) -> [Event; 2] {
        let (family, what, selector) = ("kill".into(), "kill n1".into(), "one".into());
        let inject = FaultChange::Inject { family, what, selector, nodes: vec!["n1".into()], links: Vec::new() };
        [inject, change].map(|change| Event::Fault(FaultEvent { at_ns: 2, fault, change }))
    }

    #[test]
    fn a_cluster_that_did_not_come_back_is_no_valid_one() {
        check(vec![], &[("recovery", "no final reads")]);
    }

    /// A history that ends in the middle of a phase, by a signal or without a word.
    fn check_cut_short(phases: &[PhaseName], expected: &[&str]) {
        let interrupted = Event::End(End { at_ns: 100, how: Ending::Interrupted });
        for end in [None, Some(interrupted)] {
            let phases = phases.iter().zip(1..).map(|(name, at_ns)| Event::Phase(Phase { at_ns, name: *name }));
            let history = History::from_events(phases.chain(end)).unwrap();
            let workload = squall_workloads::find("register").unwrap();
            let promises = Promises { decides: Promise::Linearizable, beside: None };
            let verdicts = judge(history, workload, promises, &Budget::default()).judgement.verdicts;
            let ours = verdicts.iter().skip((workload.checkers)(Promise::Linearizable).len());
            assert_eq!(ours.map(|verdict| &*verdict.checker).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_run_that_ended_while_the_cluster_was_waited_for_is_no_valid_one() {
        use PhaseName::{FinalReads, Recovery, Storm};
        check_cut_short(&[Storm], &[]);
        check_cut_short(&[Storm, Recovery], &["recovery"]);
        check_cut_short(&[Storm, Recovery, FinalReads], &["final-reads"]);
    }

    #[test]
    fn servers_that_ended_by_themselves_leave_doubt() {
        let fact = (ENDED_BY_THEMSELVES.to_owned(), "n2 is gone with status 1".to_owned());
        check(vec![Event::Facts([fact.clone()].into()), final_phase()], &[("servers", "n2 is gone with status 1")]);
        let earlier = (format!("{ENDED_BY_THEMSELVES} before fault 3"), "n1 is gone with SIGABRT".to_owned());
        let facts = [Event::Facts([earlier].into()), Event::Facts([fact].into()), final_phase()];
        check(facts.into(), &[("servers", "n2 is gone with status 1; n1 is gone with SIGABRT")]);
    }

    #[test]
    fn a_verdict_about_lost_power_names_what_disks_forget() {
        let mut events = vec![final_phase(), Event::Facts([(DISKS.to_owned(), "posix, no more".to_owned())].into())];
        check(events.clone(), &[]);
        let mut lose_power = |number| {
            let [inject, in_force] = fault(number, FaultChange::InForce { evidence: "n1 gone".into() });
            let Event::Fault(mut inject) = inject else { panic!("a fault") };
            let FaultChange::Inject { family, .. } = &mut inject.change else { panic!("its injection") };
            *family = "power".into();
            events.extend([Event::Fault(inject), in_force]);
            events.clone()
        };
        check(lose_power(1), &[("disks", "power was lost once, and what was not synced with it: posix, no more")]);
        check(lose_power(2), &[("disks", "power was lost 2 times")]);
    }

    #[test]
    fn a_final_read_without_an_answer_leaves_doubt() {
        let ok = || Outcome::Ok(Reply::Read { value: None, version: None });
        let fail = || Outcome::Fail("no answer".into());
        let answered = [read(0, "n1", 0, ok()), read(1, "n2", 0, fail()), read(2, "n2", 0, ok())];
        let events = |rest: Vec<[Event; 2]>| {
            std::iter::once(final_phase()).chain(answered.iter().cloned().chain(rest).flatten()).collect()
        };
        check(events(vec![]), &[]);
        check(events(vec![read(3, "n1", 7, fail()), read(4, "n1", 7, fail())]), &[("final-reads", ": 1 through n1")]);
    }

    #[test]
    fn faults_that_never_were_in_force_tested_nothing() {
        let not_in_force = |id| fault(id, FaultChange::NotInForce { reason: "no node says that it leads".into() });
        let in_force = fault(9, FaultChange::InForce { evidence: "n1 gone".into() });
        let mut events = vec![final_phase()];
        events.extend(not_in_force(0).into_iter().chain(not_in_force(1)));
        check(events.clone(), &[("faults", "none of the 2 faults")]);
        let [inject, _] = fault(3, FaultChange::Heal);
        let being_injected = events.iter().cloned().chain([inject]);
        check(being_injected.collect(), &[]);
        events.extend(in_force);
        check(events, &[]);
    }
}
