//! Carries a plan out: cluster, storm, recovery, final reads. The artifacts are the history and the nodes' logs.

mod fault_record;

use crate::clients::Cast;
use crate::clock::RunClock;
use crate::driver::{Crew, WorkerPanicked, Workplace};
use crate::interpreter::Interpreter;
use crate::judge;
use crate::live;
use crate::logs::Tail;
use crate::narrate::Narrator;
use crate::plan::Plan;
use crate::recorder::{self, RecordError, Recorder};
use crate::sampler::Sampler;
use crate::seed;
use crate::stop::{Reason, Stop, Stopper};
use crate::tally::Tally;
use crate::traffic::Traffic;
use fault_record::FaultRecord;
use squall_nemesis::{Conductor, Family};
use squall_results::call::Key;
use squall_results::event::{Bounds, End, Ending, Phase, PhaseName, Start};
use squall_results::folder::RunFolder;
use squall_results::{Event, Outcome};
use squall_targets::client::{Reads, Session};
use squall_targets::client_process::ClientProcesses;
use squall_targets::cluster::{Cluster, ClusterError, ClusterOptions, HostsOptions, PacketFaults};
use squall_targets::deployment::{DeployError, Deployment};
use squall_targets::remote::ProcessState;
use squall_targets::sandbox::{Privilege, Sandbox};
use squall_targets::target::{TargetError, TargetOptions};
use squall_workloads::generator::{KeyLimits, OnNodes, PoissonRate, Reserve, TimeLimit};
use squall_workloads::{Generator, Options};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long the cluster may take to serve before the storm.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// squall could not carry the plan out. This says nothing about the target.
#[derive(Debug, Error)]
pub enum RunError {
    /// The history could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The cluster could not be brought up.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The servers could not be started.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The target could not be made.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The system refused something else.
    #[error("{what}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A worker ended in the middle of its work.
    #[error(transparent)]
    Worker(#[from] WorkerPanicked),
    /// The run was stopped because squall itself could not go on.
    #[error("{0}")]
    Stopped(String),
}

/// What a run needs besides its plan.
pub struct Surroundings<'a> {
    /// Where its artifacts go.
    pub folder: &'a RunFolder,
    /// The namespaces that the process is in; none where the nodes of the plan are other machines.
    pub sandbox: Option<&'a Sandbox>,
    /// The executable of squall.
    pub program: PathBuf,
    /// Tells a person what happens.
    pub narrator: Arc<Narrator>,
    /// Asks the run to stop.
    pub stopper: Stopper,
    /// Watches for that.
    pub stop: Stop,
    /// Whether the first violation that is found while the run goes on ends it.
    pub fail_fast: bool,
}

/// Carries `plan` out. The history is on disk when this returns, whatever it returns.
///
/// # Errors
/// When squall itself failed.
pub async fn run(plan: &Plan, surroundings: Surroundings<'_>) -> Result<Ending, RunError> {
    let clock = RunClock::start();
    let history = surroundings.folder.history();
    let live = live::start(live::Options {
        checkers: (plan.workload.workload().checkers)(plan.consistency.promise()),
        fail_fast: surroundings.fail_fast,
        narrator: surroundings.narrator.clone(),
        stopper: surroundings.stopper.clone(),
    });
    let (listens, live) =
        live.map_err(|source| RunError::Io { what: "cannot start the thread that judges", source })?;
    let (recorder, recording) = recorder::start(&history, surroundings.stopper.clone(), Some(listens))?;
    recorder.record(Event::Start(start(plan)));
    let stop = surroundings.stop.clone();
    let narrator = surroundings.narrator.clone();
    let result = Run { plan, surroundings, clock, recorder: recorder.clone() }.go().await;
    narrator.end();
    let stopped = stop.reason();
    let how = match (&result, &stopped) {
        (Err(error), _) => Ending::Failed(error.to_string()),
        (Ok(_), Some(Reason::Failure(reason))) => Ending::Failed(reason.clone()),
        (Ok(_), Some(Reason::Signal(_))) => Ending::Interrupted,
        (Ok(_), Some(Reason::Violation(_))) => Ending::FirstViolation,
        (Ok(_), None) => Ending::Completed,
    };
    recorder.record(Event::End(End { at_ns: clock.now_ns(), how: how.clone() }));
    live.call_off();
    recording.finish()?;
    live.finish();
    result?;
    match how {
        Ending::Failed(reason) => Err(RunError::Stopped(reason)),
        ending => Ok(ending),
    }
}

fn start(plan: &Plan) -> Start {
    Start {
        format: squall_results::event::FORMAT,
        squall: env!("CARGO_PKG_VERSION").into(),
        target: plan.target.to_string(),
        workload: plan.workload.to_string(),
        promise: plan.consistency.promise(),
        beside: plan.beside(),
        bounds: Some(Bounds { failover_ms: plan.failover_bound.ms(), recovery_ms: plan.recovery_timeout.ms() }),
        read: (plan.target.target().reads.len() > 1).then(|| plan.read.clone()),
        nodes: plan.node_names(),
        seed: plan.seed,
        unix_ms: jiff::Timestamp::now().as_millisecond(),
    }
}

struct Run<'a> {
    plan: &'a Plan,
    surroundings: Surroundings<'a>,
    clock: RunClock,
    recorder: Recorder,
}

impl Run<'_> {
    async fn go(&self) -> Result<(), RunError> {
        let narrator = &self.surroundings.narrator;
        let tally = Arc::new(Tally::default());
        let live = tokio::spawn({
            let (narrator, clock, tally) = (narrator.clone(), self.clock, tally.clone());
            async move { narrator.live(clock, tally).await }
        });
        let live = TaskGuard(live);
        let deployment = Arc::new(self.bring_up().await?);
        self.recorder.record(Event::Facts(self.facts(&deployment).await));
        let stderr = |node| deployment.target().daemon(node, deployment.nodes()).stderr;
        let logs = deployment.all().iter().map(|node| node.outside(&stderr(node)));
        let tail = Tail::follow(logs.collect(), self.clock);
        let tail = tail.map_err(|source| RunError::Io { what: "cannot start the thread that stamps logs", source })?;
        let sampler = Sampler {
            deployment: deployment.clone(),
            clock: self.clock,
            recorder: self.recorder.clone(),
            narrator: narrator.clone(),
            stopper: self.surroundings.stopper.clone(),
        };
        let sampler = TaskGuard(tokio::spawn(sampler.go()));
        // Stopped before the storm began: then there is nothing to do but to end in order.
        let result = if self.surroundings.stop.requested() { Ok(()) } else { self.weather(&deployment, tally).await };
        drop((sampler, live));
        let down = deployment.cluster().down().await;
        tail.finish();
        result?;
        down?;
        Ok(())
    }

    async fn facts(&self, deployment: &Deployment) -> BTreeMap<String, String> {
        let text = |error: &dyn std::fmt::Display| format!("unknown: {error}");
        let kernel = nix::sys::utsname::uname().map_err(|error| text(&error));
        let kernel = kernel.map_or_else(|error| error, |name| name.release().to_string_lossy().into_owned());
        let processors =
            std::thread::available_parallelism().map_or_else(|error| text(&error), |count| count.to_string());
        let user = match self.surroundings.sandbox.map(Sandbox::privilege) {
            Some(Privilege::Root) => "root".to_owned(),
            Some(Privilege::UserNamespace) => "an ordinary user, in a user namespace".to_owned(),
            None => {
                let hosts = self.plan.hosts.iter().zip(self.plan.node_names());
                let hosts: Vec<String> = hosts.map(|(host, name)| format!("{name} at {host}")).collect();
                format!("ssh: {}", hosts.join(", "))
            }
        };
        let version = deployment.target().version(&deployment.nodes()[0]).await;
        let settings = self.plan.settings.iter().map(|(name, value)| format!("{name} {value}"));
        let facts = [
            ("server", version.unwrap_or_else(|why| format!("of unknown version: {why}"))),
            ("profile", format!("{}: {}", self.plan.profile, settings.collect::<Vec<_>>().join(", "))),
            ("links are cut by", deployment.cluster().mechanism().to_string()),
            ("kernel", kernel),
            ("processors", processors),
            ("run by", user),
        ];
        let disks = deployment.disk_model().map(|model| (judge::DISKS, format!("{model}, {}", model.about())));
        let packets = deployment.cluster().packet_mechanism();
        let packets = packets.map(|mechanism| ("packets are disturbed by", mechanism.to_string()));
        let spares = self.plan.spare_names().join(", ");
        let spares = (!spares.is_empty())
            .then(|| ("spares", format!("{spares}: asked by no client, members while a fault has them join")));
        facts
            .into_iter()
            .chain(disks)
            .chain(packets)
            .chain(spares)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    async fn bring_up(&self) -> Result<Deployment, RunError> {
        let Surroundings { folder, sandbox, program, narrator, .. } = &self.surroundings;
        let mut stop = self.surroundings.stop.clone();
        narrator.phase("starting");
        // Before there is a cluster: a missing program is told at once.
        let target = (self.plan.target.target().make)(self.target_options())?;
        let begin = Instant::now();
        let names = [self.plan.node_names(), self.plan.spare_names()].concat();
        let nodes = folder.root().join("nodes");
        let (packets, agent) = (self.packets(), program.clone());
        let cluster = match sandbox {
            Some(sandbox) => {
                Cluster::up(sandbox, ClusterOptions { names, folder: nodes, cut: None, packets, agent }).await?
            }
            None => {
                let hosts = self.plan.hosts.clone();
                Cluster::reach(HostsOptions { names, hosts, folder: nodes, packets, agent }).await?
            }
        };
        let up = begin.elapsed();
        let deployment = Deployment::with_spares(cluster, target.into(), self.plan.nodes);
        if let Some(model) = self.plan.disks() {
            deployment.mount_disks(model).await?;
        }
        deployment.start_all().await?;
        let serving = tokio::select! {
            serving = deployment.await_agreement(START_TIMEOUT) => serving?,
            () = stop.stopped() => return Ok(deployment),
        };
        let nodes = crate::summary::plural(self.plan.nodes, "node");
        let told = format!("{nodes} up in {} ms, serving after {} ms", up.as_millis(), serving.as_millis());
        narrator.say_at(self.clock.now_ns(), &told);
        Ok(deployment)
    }

    /// Packets are only made ready to be disturbed where the plan disturbs some.
    fn packets(&self) -> PacketFaults {
        let is_any = self.plan.schedule.iter().any(|planned| planned.fault == Family::Packet);
        if is_any { PacketFaults::Possible } else { PacketFaults::Never }
    }

    /// On other machines a copy of squall, as which its agent runs there.
    fn own_program(&self) -> PathBuf {
        self.surroundings.sandbox.map_or_else(|| "/proc/self/exe".into(), |_| self.surroundings.program.clone())
    }

    fn target_options(&self) -> TargetOptions {
        TargetOptions {
            own_program: self.own_program(),
            call_timeout: self.plan.call_timeout.duration(),
            bug: self.plan.bug.clone(),
            seed: self.plan.seed,
            cluster_name: format!("squall-{}", self.plan.seed),
            read: self.plan.read.clone(),
            retry: self.plan.retry,
            bin: self.plan.bin.clone(),
            elsewhere: self.surroundings.sandbox.is_none(),
            changes_members: self.plan.schedule.iter().any(|planned| planned.fault == Family::Membership),
            settings: self.plan.settings.clone(),
        }
    }

    /// The clients of the run: as they are, or each a process of its own.
    fn cast(&self, deployment: &Arc<Deployment>) -> Result<Cast, RunError> {
        if !self.plan.workload.workload().has_client_processes() {
            return Ok(Cast::Inside(deployment.clone()));
        }
        let Surroundings { folder, program, stopper, .. } = &self.surroundings;
        let stopper = stopper.clone();
        let failed = Box::new(move |reason| stopper.stop(Reason::Failure(reason)));
        let processes = ClientProcesses::new(program.clone(), &folder.root().join("clients.log"), failed)
            .map_err(|source| RunError::Io { what: "cannot get ready for processes of clients", source })?;
        let (options, origin_ns) = (self.target_options(), self.clock.origin_ns());
        Ok(Cast::Processes { deployment: deployment.clone(), processes, options, origin_ns })
    }

    /// Storm, recovery and final reads.
    async fn weather(&self, deployment: &Arc<Deployment>, tally: Arc<Tally>) -> Result<(), RunError> {
        let plan = self.plan;
        let mut stop = self.surroundings.stop.clone();
        let cast = self.cast(deployment)?;
        let traffic = Arc::new(Traffic::new(plan.node_names()));
        let place = |reads| Workplace {
            clock: self.clock,
            recorder: self.recorder.clone(),
            tally: tally.clone(),
            traffic: traffic.clone(),
            clients: cast.clients(reads),
        };
        // The storm may have fewer workers than there are nodes; the final reads need one on each.
        let workers = plan.concurrency.max(plan.nodes);
        let mut crew = Crew::hire(workers, place(Reads::Chosen));
        let mut interpreter = Interpreter::new(storm_generator(plan), workers, plan.nodes);
        let record = FaultRecord {
            clock: self.clock,
            recorder: self.recorder.clone(),
            tally: tally.clone(),
            narrator: self.surroundings.narrator.clone(),
            stopper: self.surroundings.stopper.clone(),
        };
        let (port, rng) = (cast.port(traffic.clone()), seed::stream(plan.seed, "nodes"));
        let conductor = Conductor::new(deployment.clone(), port, Arc::new(record), rng);
        conductor.prepare(&plan.schedule).await?;
        self.enter(PhaseName::Storm, "storm");
        let end = || {
            let mut stop = self.surroundings.stop.clone();
            async move { stop.stopped().await }
        };
        let storm = async {
            let driven = crew.drive(&mut interpreter, &mut stop).await;
            driven.inspect_err(|error| self.surroundings.stopper.stop(Reason::Failure(error.to_string())))
        };
        tokio::join!(storm, conductor.conduct(&plan.schedule, Instant::now(), end)).0?;
        if stop.requested() || !self.recover(deployment, &cast).await? {
            return Ok(());
        }
        self.enter(PhaseName::FinalReads, "final reads");
        let keys: Vec<Key> = interpreter.keys().collect();
        interpreter.go_on_with(plan.workload.workload().finals(&keys, plan.nodes));
        interpreter.renew_processes();
        let mut crew = Crew::hire(workers, place(Reads::Strongest));
        Ok(crew.drive(&mut interpreter, &mut stop).await?)
    }

    fn enter(&self, name: PhaseName, told: &str) {
        self.surroundings.narrator.phase(told);
        self.recorder.record(Event::Phase(Phase { at_ns: self.clock.now_ns(), name }));
    }

    /// Waits until the cluster serves again: all nodes are members and no spares, they agree on a leader, and a write passed through each of
    /// them.
    async fn recover(&self, deployment: &Arc<Deployment>, cast: &Cast) -> Result<bool, RunError> {
        self.enter(PhaseName::Recovery, "recovery");
        let narrator = &self.surroundings.narrator;
        let mut stop = self.surroundings.stop.clone();
        let (begin, timeout) = (Instant::now(), self.plan.recovery_timeout.duration());
        let recovered = async {
            // Those that are members may be missing where others are to join.
            self.start_ended(deployment, "during the storm").await?;
            deployment.restore_members(timeout).await?;
            self.start_ended(deployment, "while others joined").await?;
            deployment.await_agreement(timeout).await?;
            for number in 0..self.plan.nodes {
                self.barrier(deployment, cast, number, begin + timeout).await?;
            }
            Ok::<(), DeployError>(())
        };
        let result = tokio::select! {
            result = recovered => result,
            () = stop.stopped() => return Ok(false),
        };
        let at_ns = self.clock.now_ns();
        match result {
            Ok(()) => narrator
                .say_at(at_ns, &format!("serving again {:.0} ms after the storm", begin.elapsed().as_secs_f64() * 1e3)),
            Err(
                error @ (DeployError::NotServing { .. } | DeployError::NotChanged { .. } | DeployError::Ended { .. }),
            ) => {
                narrator.say_at(at_ns, &error.to_string());
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// Starts the servers of members again that ended by themselves, as whoever runs them would: what they have lost, or made others
    /// lose, is seen by the final reads. That they ended remains in the history, and such a run is not valid.
    async fn start_ended(&self, deployment: &Deployment, when: &str) -> Result<(), DeployError> {
        let mut ended = Vec::new();
        for node in deployment.all().iter().filter(|node| deployment.is_member(&node.name)) {
            if let state @ ProcessState::Gone { .. } = deployment.state(&node.name).await? {
                deployment.start(&node.name).await?;
                let told = format!("the server of {} is {state}, by itself; it is started again", node.name);
                self.surroundings.narrator.say_at(self.clock.now_ns(), &told);
                ended.push(format!("{} is {state}", node.name));
            }
        }
        if !ended.is_empty() {
            let name = format!("{} {when}", judge::ENDED_BY_THEMSELVES);
            self.recorder.record(Event::Facts([(name, ended.join(", "))].into()));
        }
        Ok(())
    }

    /// Passes a write through one node; it is on a key of its own and no part of the history.
    async fn barrier(
        &self,
        deployment: &Deployment,
        cast: &Cast,
        number: usize,
        deadline: Instant,
    ) -> Result<(), DeployError> {
        let node = &deployment.nodes()[number];
        let call = &self.plan.workload.workload().barrier;
        let clients = cast.clients(Reads::Strongest);
        // No process of the history has such a number.
        let process = u64::MAX - number as u64;
        let mut client = clients.client(number, process);
        loop {
            client.ready().await;
            let ended = client.call(call).await;
            let reason = match ended.outcome {
                Outcome::Ok(_) => return Ok(()),
                Outcome::Fail(reason) | Outcome::Unknown(reason) => reason,
            };
            if Instant::now() > deadline {
                let (after, reason) = (self.plan.recovery_timeout.duration(), format!("{}: {reason}", node.name));
                return Err(DeployError::NotServing { after, reason });
            }
            if ended.session != Session::Kept {
                client = clients.client(number, process);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn storm_generator(plan: &Plan) -> Box<dyn Generator> {
    let options = Options {
        workers: plan.concurrency,
        nodes: plan.nodes,
        key_limits: KeyLimits::default(),
        rng: seed::stream(plan.seed, "workload"),
    };
    let calls = (plan.workload.workload().storm)(options);
    let paced = PoissonRate::new(plan.rate_hz, seed::stream(plan.seed, "rate"), calls);
    let storm = Box::new(TimeLimit::new(plan.time_limit.ns(), paced));
    Box::new(Reserve::new(vec![(plan.concurrency, storm)], Box::new(OnNodes::every(0, &[], 1))))
}

/// A task that ends when this is dropped.
struct TaskGuard(tokio::task::JoinHandle<()>);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Makes a new folder for a run under `store`, and points `latest` to it.
///
/// # Errors
/// When it cannot be made; the message names the path.
pub fn make_folder(store: &Path, title: &str) -> Result<RunFolder, String> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S").to_string();
    let parent = store.join(title);
    let wrong = |path: &Path, error: &std::io::Error| {
        format!("cannot make the folder {}: {error}; choose another place with --store", path.display())
    };
    std::fs::create_dir_all(&parent).map_err(|error| wrong(&parent, &error))?;
    let names = std::iter::once(format!("{stamp}Z")).chain((2..1000).map(|number| format!("{stamp}Z-{number}")));
    for name in names {
        let path = parent.join(&name);
        match std::fs::create_dir(&path) {
            Ok(()) => {
                let latest = store.join("latest");
                let beside = store.join(format!(".latest-{}", std::process::id()));
                // Only a convenience: two runs side by side, or a file system without links, must not fail for it.
                let linked = std::os::unix::fs::symlink(Path::new(title).join(&name), &beside);
                if linked.and_then(|()| std::fs::rename(&beside, &latest)).is_err() {
                    let _ = std::fs::remove_file(&beside);
                }
                return Ok(RunFolder::at(path));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(wrong(&path, &error)),
        }
    }
    Err(format!("{} is full of runs of this second", parent.display()))
}
