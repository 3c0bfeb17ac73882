//! `squall test`: plan, cluster, run, history, verdict, report.

use super::{TestArgs, WhereNodesAre, complain, fail_as, families, print, print_json};
use crate::exit::Exit;
use crate::judge::{self, Judged, Promises};
use crate::live::TIME_IN_ALL;
use crate::narrate::{BOLD, DIM, Narrator, RESET, YELLOW};
use crate::plan::{Plan, PlanError, Wishes};
use crate::run::{self, RunError};
use crate::stop::{self, Stop, Stopper};
use crate::summary;
use squall_results::event::Ending;
use squall_results::folder::{RunFolder, write_whole};
use squall_results::{Budget, reader};
use squall_targets::disk;
use squall_targets::hosts::{HostSpec, vagrant};
use squall_targets::sandbox::{self, Sandbox};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

pub(super) fn main(args: &TestArgs) -> Exit {
    let machines = match args.vagrant.as_deref().map(vagrant::machines).transpose() {
        Ok(machines) => machines,
        Err(error) => return fail_as(args.json, Exit::Failed, &error),
    };
    let plan = match wishes(args, machines).and_then(Wishes::resolve) {
        Ok(plan) => plan,
        Err(error) => return fail_as(args.json, Exit::Usage, &error.to_string()),
    };
    match carry_out(args, &plan) {
        Ok(exit) => exit,
        Err(error) => fail_as(args.json, Exit::Failed, &error),
    }
}

fn wishes(args: &TestArgs, machines: Option<Vec<HostSpec>>) -> Result<Wishes, PlanError> {
    let faults = families(args.faults.as_deref()).map_err(PlanError::Contradiction)?;
    let (nodes, hosts) = match args.nodes.clone() {
        None => (None, machines),
        Some(WhereNodesAre::Here(nodes)) => (Some(nodes), None),
        Some(WhereNodesAre::On(hosts)) => (None, Some(hosts)),
    };
    let typed = Wishes {
        target: args.target,
        workload: args.workload.clone(),
        nodes,
        spares: args.spares,
        hosts,
        time_limit: args.time_limit,
        rate_hz: args.rate,
        concurrency: args.concurrency,
        seed: args.seed,
        bug: args.bug.clone(),
        read: args.read.clone(),
        retry: args.retry.then_some(true),
        bin: args.bin.clone(),
        profile: args.profile.clone(),
        settings: (!args.settings.is_empty()).then(|| args.settings.iter().cloned().collect()),
        consistency: args.consistency.clone(),
        call_timeout: args.call_timeout,
        recovery_timeout: None,
        failover_bound: None,
        faults,
        swarm: args.swarm.then_some(true),
        schedule: None,
    };
    match &args.plan {
        Some(path) => Ok(typed.or(Wishes::read(path)?)),
        None => Ok(typed),
    }
}

/// Everything after the plan. An error is squall's own failure.
fn carry_out(args: &TestArgs, plan: &Plan) -> Result<Exit, String> {
    let program = std::env::current_exe().map_err(|error| format!("cannot find my own executable: {error}"))?;
    // Before there is a folder: without a server, or its disk, nothing will be recorded.
    let is_local = plan.hosts.is_empty();
    if is_local {
        (plan.target.target().find_server)(plan.bin.as_deref()).map_err(|error| error.to_string())?;
        plan.disks().map_or(Ok(()), |_| disk::are_possible())?;
    }
    let folder = run::make_folder(&args.store, &plan.title())?;
    let yaml = plan.to_yaml().map_err(|error| error.to_string())?;
    write_whole(&folder.plan(), yaml.as_bytes())
        .map_err(|error| format!("cannot write {}: {error}", folder.plan().display()))?;
    log_into(&folder)?;
    // While there is one thread only: the kernel gives a process with several no namespaces.
    let sandbox = is_local.then(sandbox::enter).transpose().map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the run loop: {error}"))?;
    let (stopper, stop) = stop::channel();
    let exit = runtime.block_on(storm(args, plan, Place { folder, yaml, sandbox, program }, stopper, stop));
    // What still hangs in a blocking call must not hold the exit back.
    runtime.shutdown_background();
    exit
}

struct Place {
    folder: RunFolder,
    yaml: String,
    /// None where the nodes are other machines.
    sandbox: Option<Sandbox>,
    program: PathBuf,
}

async fn storm(args: &TestArgs, plan: &Plan, place: Place, stopper: Stopper, stop: Stop) -> Result<Exit, String> {
    stop::on_signals(stopper.clone()).map_err(|error| format!("cannot listen to signals: {error}"))?;
    let narrator = Narrator::new();
    narrator.say(&headline(plan));
    if let Some(mixture) = plan.mixture() {
        let Plan { rate_hz, concurrency, .. } = plan;
        narrator.say(&format!("{DIM}swarm{RESET}   {concurrency} workers, {rate_hz} calls a second; {mixture}"));
    }
    if plan.schedule.is_empty() && !plan.faults.is_empty() {
        narrator.say(&format!(
            "{YELLOW}no faults{RESET}: none fits into a storm of {}; give it some more time",
            plan.time_limit
        ));
    }
    let surroundings = run::Surroundings {
        folder: &place.folder,
        sandbox: place.sandbox.as_ref(),
        program: place.program.clone(),
        narrator: narrator.clone(),
        stopper,
        stop: stop.clone(),
        fail_fast: args.fail_fast,
    };
    let ending = match run::run(plan, surroundings).await {
        Ok(ending) => ending,
        Err(error) => return Err(failure(&error, &place.folder)),
    };
    match &ending {
        Ending::Interrupted => narrator.say("interrupted: everything is healed and stopped; judging what there is"),
        Ending::FirstViolation => narrator.say("everything is healed and stopped; judging what there is"),
        Ending::Completed | Ending::Failed(_) => {}
    }
    // What was found while the run went on has to be found again.
    let is_found = ending == Ending::FirstViolation;
    let budget = if is_found { Budget { time: TIME_IN_ALL, ..Budget::default() } } else { Budget::default() };
    let judged = judge_from_disk(plan, &place.folder, budget, stop).await?;
    let command = plan.command(&place.folder.plan());
    report(args, plan, &place, &judged, &command)
}

fn failure(error: &RunError, folder: &RunFolder) -> String {
    let history = folder.history();
    let kept =
        if history.exists() { format!("\nwhat was recorded is in {}", history.display()) } else { String::new() };
    format!("{error}{kept}")
}

fn headline(plan: &Plan) -> String {
    let Plan { target, workload, nodes, spares, hosts, seed, time_limit, .. } = plan;
    let version = env!("CARGO_PKG_VERSION");
    let spares = if *spares > 0 { format!(" and {}", summary::plural(*spares, "spare")) } else { String::new() };
    let nodes = match hosts.as_slice() {
        [] => summary::plural(*nodes, "local node") + &spares,
        hosts => hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let bug = plan.bug.as_ref().map(|bug| format!(" with the planted bug {bug}")).unwrap_or_default();
    format!("{BOLD}squall {version}{RESET}  {target} {workload} on {nodes}{bug}, storm of {time_limit}, seed {seed}")
}

/// Judges on a thread of its own; being asked to stop now cancels the checkers.
async fn judge_from_disk(plan: &Plan, folder: &RunFolder, budget: Budget, mut stop: Stop) -> Result<Judged, String> {
    let cancelled = budget.cancelled.clone();
    let (path, workload) = (folder.history(), plan.workload.workload());
    let promises = Promises { decides: plan.consistency.promise(), beside: plan.beside() };
    let mut judging = tokio::task::spawn_blocking(move || {
        reader::read_history(&path).map(|history| judge::judge(history, workload, promises, &budget))
    });
    let judged = tokio::select! {
        judged = &mut judging => judged,
        () = stop.wait_for_more() => {
            cancelled.store(true, Ordering::Relaxed);
            judging.await
        }
    };
    let judged = judged.map_err(|error| format!("judging failed: {error}"))?;
    judged.map_err(|error| error.to_string())
}

fn report(args: &TestArgs, plan: &Plan, place: &Place, judged: &Judged, command: &str) -> Result<Exit, String> {
    let Place { folder, yaml, .. } = place;
    let surroundings = judge::Surroundings { plan_yaml: yaml, command };
    let written = judge::write(folder, judged, &surroundings);
    if args.json {
        print_json(&summary::Json {
            judgement: &judged.judgement,
            figures: &judged.figures,
            notes: &judged.history.notes,
            folder: Some(folder.root().display().to_string()),
            seed: Some(plan.seed),
            command: Some(command.to_owned()),
        })?;
    } else {
        print(&format!("\n{}", summary::in_folder(judged, Some(folder))));
        print(&format!("{DIM}again{RESET}           {command}\n"));
    }
    if let Err(error) = written {
        complain(&error.to_string());
        return Ok(Exit::Failed);
    }
    Ok(judged.judgement.worst().into())
}

/// What the controller does goes to a file in the run's folder.
fn log_into(folder: &RunFolder) -> Result<(), String> {
    let path = folder.log();
    let file = File::create(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let filter = tracing_subscriber::EnvFilter::try_from_env("SQUALL_LOG").unwrap_or_else(|_| "info".into());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file));
    // A log that cannot be written is no reason to disturb the person, or to fail: the history tells whether there is space.
    let subscriber = subscriber.log_internal_errors(false);
    // A second subscriber in one process is refused; the first one goes on.
    let _ = tracing::subscriber::set_global_default(subscriber.finish());
    Ok(())
}
