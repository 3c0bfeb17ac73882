//! A target of one's own, which squall's list does not know: `memory.rs` is all that it takes. Runs every workload on it that
//! needs no locks, through the library, on a real local cluster of one node, and breaks it in every way that a checker must see.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is
//! the agent of the node and the server on it too.

mod memory;
mod store;

use libtest_mimic::{Arguments, Failed, Trial};
use squall::judge::{self, Judged, Promises};
use squall::names::TargetName;
use squall::narrate::Narrator;
use squall::plan::{Nodes, Rate, Wishes, Workers};
use squall::run;
use squall::stop;
use squall_nemesis::{Family, Span};
use squall_results::event::Ending;
use squall_results::{Budget, Promise, Validity, reader};
use squall_targets::agent;
use squall_targets::sandbox::{self, Sandbox};
use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|first| first.to_str()) {
        Some(agent::ARGUMENT) => return agent::run(arguments),
        Some(memory::ARGUMENT) => return memory::serve(&env::args().nth(2).unwrap_or_default()),
        _ => {}
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let sandbox = if arguments.list { None } else { Some(sandbox::enter()) };
    let sandbox = match sandbox.transpose() {
        Ok(sandbox) => Arc::new(sandbox),
        Err(error) => {
            eprintln!("failed to {error}");
            return ExitCode::FAILURE;
        }
    };
    libtest_mimic::run(&arguments, trials(&sandbox)).exit_code()
}

/// A workload, a promise to judge at, what is broken, and who must see it, as what; nobody, where nothing is.
type Case = (&'static str, Promise, Option<&'static str>, &'static [(&'static str, &'static str)]);

const CASES: [Case; 9] = [
    ("register", Promise::Linearizable, None, &[]),
    ("set", Promise::Linearizable, None, &[]),
    ("set-list", Promise::Sequential, None, &[]),
    ("bank", Promise::Linearizable, None, &[]),
    ("set", Promise::Sequential, Some("lose-add"), &[("set", "lost element")]),
    ("bank", Promise::Linearizable, Some("tear"), &[("bank", "wrong total"), ("linearizable", "not linearizable")]),
    ("bank", Promise::Sequential, Some("tear"), &[("bank", "wrong total")]),
    ("register", Promise::Linearizable, Some("go-back"), &[("linearizable", ""), ("versions", "stale read")]),
    ("register", Promise::Sequential, Some("go-back"), &[("sequential", "went back in time")]),
];

/// No workload is left out that the target can run.
fn are_all() -> Result<(), Failed> {
    let can = squall_workloads::ALL
        .iter()
        .filter(|workload| workload.needs.iter().all(|kind| (memory::MEMORY.supports)(*kind)));
    let all: BTreeSet<&str> = can.map(|workload| workload.name).collect();
    assert_eq!(CASES.iter().map(|(workload, ..)| *workload).collect::<BTreeSet<&str>>(), all);
    Ok(())
}

fn trials(sandbox: &Arc<Option<Sandbox>>) -> Vec<Trial> {
    let trial = |case: Case| {
        let (workload, promise, bug, _) = case;
        let name = format!("{workload}, {promise}, {}", bug.unwrap_or("in order"));
        let sandbox = sandbox.clone();
        Trial::test(name, move || check(sandbox.as_ref().as_ref().expect("main has entered it"), case))
    };
    let members = Trial::test("members that stay", || {
        let target = Some(TargetName::of(&memory::MEMORY));
        let faults = Some(vec![Family::Kill.into(), Family::Membership.into()]);
        let refused = Wishes { target, faults, ..Wishes::default() }.resolve().unwrap_err().to_string();
        assert!(refused.contains("cannot be changed: there is one server; leave membership out"), "{refused}");
        Ok(())
    });
    CASES.into_iter().map(trial).chain([members, Trial::test("no workload is left out", are_all)]).collect()
}

fn check(sandbox: &Sandbox, case: Case) -> Result<(), Failed> {
    let (.., bug, seen_by) = case;
    let folder = tempfile::tempdir()?;
    let judged = storm(sandbox, folder.path(), case)?;
    let verdicts = &judged.judgement.verdicts;
    let told: Vec<_> = verdicts.iter().map(|verdict| (&verdict.checker, verdict.validity, &verdict.reason)).collect();
    let expected = if bug.is_none() { Validity::Valid } else { Validity::Invalid };
    assert_eq!(judged.judgement.validity, expected, "{told:?}");
    for (checker, kind) in seen_by {
        let verdict = verdicts.iter().find(|verdict| verdict.checker == *checker).expect("it is asked");
        assert_eq!(verdict.validity, Validity::Invalid, "{checker}: {}", verdict.reason);
        let kinds: Vec<&str> = verdict.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect();
        assert!(kinds.iter().any(|found| found.contains(kind)), "{checker}: {kinds:?}");
    }
    Ok(())
}

/// Runs a workload as `squall test` would.
fn storm(sandbox: &Sandbox, store: &std::path::Path, (workload, promise, bug, _): Case) -> Result<Judged, Failed> {
    let wishes = Wishes {
        target: Some(TargetName::of(&memory::MEMORY)),
        workload: Some(workload.parse()?),
        nodes: Some(Nodes(1)),
        time_limit: Some(Span::from_ms(1_000)),
        rate_hz: Some(Rate(1_000.0)),
        concurrency: Some(Workers(6)),
        seed: Some(1),
        bug: bug.map(str::to_owned),
        consistency: Some(promise.into()),
        faults: Some(vec![]),
        ..Wishes::default()
    };
    let plan = wishes.resolve()?;
    let folder = run::make_folder(store, &plan.title())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (stopper, stop) = stop::channel();
    let program = env::current_exe()?;
    let surroundings = run::Surroundings {
        folder: &folder,
        sandbox: Some(sandbox),
        program,
        narrator: Narrator::new(),
        stopper,
        stop,
        fail_fast: false,
    };
    let ending = runtime.block_on(run::run(&plan, surroundings))?;
    assert_eq!(ending, Ending::Completed);
    let history = reader::read_history(&folder.history())?;
    assert!(history.operations.len() > 300, "{} operations", history.operations.len());
    let workload = plan.workload.workload();
    let promises = Promises { decides: plan.consistency.promise(), beside: plan.beside() };
    let judged = judge::judge(history, workload, promises, &Budget::default());
    judge::write(&folder, &judged, &judge::Surroundings { plan_yaml: "", command: "" })?;
    let is_wrong_bank = workload.name == "bank" && judged.judgement.validity == Validity::Invalid;
    assert_eq!(folder.plots().join("bank.svg").exists(), is_wrong_bank);
    assert!(folder.report().exists());
    Ok(judged)
}
