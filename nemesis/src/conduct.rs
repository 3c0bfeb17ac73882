//! Carries a schedule out.
//!
//! Every planned fault is a task of its own: it waits for its time and for what triggers it, resolves its selector, injects,
//! waits, heals, and records each step. When the run is asked to stop, every fault in force is healed at once. A fault that cannot be
//! injected is recorded with the reason and healed all the same, since part of it may be there; where squall itself is to
//! blame, the run is told to end.

mod log_tail;
mod watch;

use crate::change::Change;
use crate::clients::Clients;
use crate::family::{self, FaultError, Held, Hit, Stage};
use crate::fault::{Family, Fault};
use crate::schedule::{self, Planned};
use crate::selector::{Roles, SelectError, Selector, minority_of};
use rand_chacha::ChaCha8Rng;
use squall_results::event::{FaultChange, FaultEvent};
use squall_targets::Deployment;
use squall_targets::cluster::{Link, Node};
use squall_targets::deployment::{DataCopy, DeployError};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use watch::{Came, Leadership, Watch};

pub(crate) use log_tail::told;

/// How long a leader is waited for when one is to be hit.
const LEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long somebody who takes a lock is waited for when a holder is to be hit.
const HOLDER_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a leader is looked for.
const LEADER_EVERY: Duration = Duration::from_millis(50);

/// Takes the changes of faults: the run's recorder, and the live line.
pub trait Record: Send + Sync {
    /// Time since the start of the run.
    fn now_ns(&self) -> u64;

    /// Records a change.
    fn record(&self, event: FaultEvent);

    /// How many changes were acknowledged to clients so far, for faults that wait for some; none where nobody counts.
    fn writes(&self) -> u64 {
        0
    }

    /// A server had ended by itself when this fault came to it.
    fn ended(&self, fault: u32, told: String);

    /// squall itself could not inject or heal a fault: the run cannot go on, and no verdict may rest on it.
    fn failed(&self, reason: String);
}

/// Conducts faults on a deployment.
pub struct Conductor {
    deployment: Arc<Deployment>,
    clients: Arc<dyn Clients>,
    record: Arc<dyn Record>,
    rng: Mutex<ChaCha8Rng>,
    /// The nodes whose servers are killed or paused, or that are cut off, and by which fault.
    busy: Mutex<BTreeMap<String, u32>>,
    /// The nodes whose clocks are wrong, and by which fault; others may hit them meanwhile.
    busy_clocks: Mutex<BTreeMap<String, u32>>,
    /// The nodes whose disks are in trouble, and by which fault.
    busy_disks: Mutex<BTreeMap<String, u32>>,
    /// The nodes whose packets are disturbed, likewise.
    busy_packets: Mutex<BTreeMap<String, u32>>,
    /// The nodes that leave the cluster or join it, likewise: one change at a time.
    busy_members: Mutex<BTreeMap<String, u32>>,
    /// The nodes whose files have rotted, likewise.
    busy_files: Mutex<BTreeMap<String, u32>>,
    /// The clients that are paused, and by which fault.
    busy_clients: Mutex<BTreeMap<u64, u32>>,
    /// The nodes that were hit last.
    last: Mutex<Vec<String>>,
    /// The nodes, but for spares.
    names: Vec<String>,
    /// Those who can join.
    spares: Vec<String>,
}

/// A link as a plan writes it.
fn written(link: &Link) -> String {
    format!("{}>{}", link.from, link.to)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Conductor {
    /// A conductor of faults on `deployment` and `clients`; `rng` draws nodes and clients.
    pub fn new(
        deployment: Arc<Deployment>,
        clients: Arc<dyn Clients>,
        record: Arc<dyn Record>,
        rng: ChaCha8Rng,
    ) -> Arc<Conductor> {
        let named = |nodes: &[Node]| nodes.iter().map(|node| node.name.clone()).collect();
        let (names, spares) = (named(deployment.nodes()), named(deployment.spares()));
        let (busy, busy_clocks, busy_disks, busy_packets, busy_members, busy_files) = Default::default();
        let (busy_clients, last) = Default::default();
        Arc::new(Conductor {
            deployment,
            clients,
            record,
            rng: Mutex::new(rng),
            busy,
            busy_clocks,
            busy_disks,
            busy_packets,
            busy_members,
            busy_files,
            busy_clients,
            last,
            names,
            spares,
        })
    }

    fn stage(&self) -> Stage<'_> {
        Stage { deployment: &self.deployment, clients: &*self.clients }
    }

    /// Makes ready what `schedule` needs from before the storm: old copies of the data of servers.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn prepare(&self, schedule: &[Planned]) -> Result<(), DeployError> {
        for node in schedule::copies(schedule, &self.names) {
            self.deployment.keep_data(&node, DataCopy::Old).await?;
        }
        Ok(())
    }

    /// Carries `schedule` out, its times counted from `begin`. Returns when every fault was healed. `end` is waited for
    /// beside every waiting: when it comes, what is in force is healed and nothing more injected.
    pub async fn conduct<E>(self: &Arc<Conductor>, schedule: &[Planned], begin: Instant, end: impl Fn() -> E)
    where
        E: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        let (leads, leadership) = tokio::sync::watch::channel(Leadership::default());
        let mut watching = JoinSet::new();
        if watch::needs_leaders(schedule.iter().filter_map(|planned| planned.after.as_ref())) {
            let deployment = self.deployment.clone();
            watching.spawn(async move { watch::leaders(&deployment, &leads).await });
        }
        for (number, planned) in schedule.iter().enumerate() {
            let (conductor, planned, end) = (self.clone(), planned.clone(), end());
            let leadership = leadership.clone();
            tasks.spawn(async move { conductor.one(number as u32, planned, begin, leadership, end).await });
        }
        while let Some(ended) = tasks.join_next().await {
            // Whatever it injected is still there, so the run must not go on as if it were healed.
            if ended.is_err() {
                self.record.failed("the task of a fault panicked; please report this with squall.log".into());
            }
        }
        // Whatever became of the faults, nobody waits for them any more.
        self.clients.let_go(&self.names);
    }

    async fn one(
        &self,
        id: u32,
        planned: Planned,
        begin: Instant,
        leadership: watch::Leaderships,
        end: impl Future<Output = ()>,
    ) {
        tokio::pin!(end);
        let came = tokio::select! {
            came = self.begin(&planned, begin, leadership) => came,
            () = &mut end => return,
        };
        let fault = planned.what();
        let Came { inject_at, told } = match came {
            Ok(came) => came,
            Err(reason) => {
                self.tell_injection(id, &fault, None);
                return self.change(id, FaultChange::NotInForce { reason });
            }
        };
        let chosen = tokio::select! {
            chosen = self.choose(id, &fault, planned.lasts.duration()) => chosen,
            () = &mut end => return,
        };
        let hit = match chosen {
            Ok(hit) => Hit { what: hit.what.clone() + &told, ..hit },
            Err(error) => {
                self.tell_injection(id, &fault, None);
                return self.change(id, FaultChange::NotInForce { reason: error.to_string() });
            }
        };
        self.tell_injection(id, &fault, Some(&hit));
        let injected = family::inject(&fault, &hit, self.stage()).await;
        let is_in_force = injected.is_ok();
        let change = match injected {
            Ok(evidence) => FaultChange::InForce { evidence },
            Err(error) => {
                self.tell_end(id, &fault, &error);
                FaultChange::NotInForce { reason: self.reason("inject", &fault, &error) }
            }
        };
        self.change(id, change);
        let over = async {
            tokio::select! {
                () = tokio::time::sleep_until((inject_at + planned.lasts.duration()).into()) => {}
                () = &mut end => {}
            }
        };
        let held = self.hold(id, &fault, &hit, is_in_force, over).await;
        self.change(id, FaultChange::Heal);
        let change = match family::heal(&fault, &hit, &held, self.stage()).await {
            Ok(evidence) => FaultChange::Healed { evidence },
            Err(error) => FaultChange::NotHealed { reason: self.reason("heal", &fault, &error) },
        };
        self.change(id, change);
        let of_nodes = [&self.busy, &self.busy_clocks, &self.busy_disks, &self.busy_packets];
        for busy in of_nodes.into_iter().chain([&self.busy_members, &self.busy_files]) {
            lock(busy).retain(|_, fault| *fault != id);
        }
        lock(&self.busy_clients).retain(|_, fault| *fault != id);
    }

    /// Waits for the time of a fault, and for what triggers it.
    ///
    /// # Errors
    /// When that does not come: why the fault is not in force.
    async fn begin(&self, planned: &Planned, begin: Instant, leadership: watch::Leaderships) -> Result<Came, String> {
        let at = begin + planned.at.duration();
        tokio::time::sleep_until(at.into()).await;
        let Some(trigger) = &planned.after else { return Ok(Came { inject_at: at, told: String::new() }) };
        let watch = Watch { deployment: &self.deployment, record: &*self.record, leadership };
        let came = watch.wait(trigger).await?;
        tokio::time::sleep_until(came.inject_at.into()).await;
        Ok(came)
    }

    /// Waits until the fault is over, and does what is to be done meanwhile.
    async fn hold(&self, id: u32, fault: &Fault, hit: &Hit, is_in_force: bool, over: impl Future<Output = ()>) -> Held {
        if !is_in_force {
            over.await;
            return Held::still();
        }
        let mut held = family::hold(fault, hit, &self.deployment, &*self.clients, over).await;
        if let Some(error) = held.failed.take() {
            self.tell_end(id, fault, &error);
            let reason = self.reason("keep up", fault, &error);
            self.change(id, FaultChange::NotInForce { reason });
        }
        held
    }

    /// A server that had ended when a fault came is started again by the healing: that it had must not be forgotten. Beside a fault
    /// that has not the server for itself another one may have ended it.
    fn tell_end(&self, id: u32, fault: &Fault, error: &FaultError) {
        let has_server = self.busy_by(fault).into_iter().any(|busy| std::ptr::eq(busy, &self.busy));
        if let FaultError::Deploy(DeployError::Ended { node, state, .. }) = error
            && has_server
        {
            self.record.ended(id, format!("{node} is {state}"));
        }
    }

    /// Why a fault was not injected or healed. When squall itself is to blame the run learns it too.
    fn reason(&self, what: &str, fault: &Fault, error: &FaultError) -> String {
        if error.is_ours() {
            self.record.failed(format!("cannot {what} the fault {}: {error}", fault.family));
        }
        error.to_string()
    }

    /// Resolves the selector; a leader or holder is waited for a little, and not when the fault would be over. Dropped
    /// while it waits, it has taken nobody.
    async fn choose(&self, id: u32, fault: &Fault, lasts: Duration) -> Result<Hit, SelectError> {
        if fault.family.hits_clients() {
            return self.choose_clients(id, &fault.selector, lasts).await.map(family::hit_clients);
        }
        let patience = LEADER_TIMEOUT.min(lasts);
        let begin = Instant::now();
        loop {
            let leader = if fault.selector.needs_leader() { self.deployment.leader().await } else { None };
            match self.take(id, fault, leader.as_deref()) {
                Err(SelectError::NoLeader) if begin.elapsed() < patience => {}
                result => return result,
            }
            tokio::time::sleep(LEADER_EVERY).await;
        }
    }

    /// Chooses clients, and takes them, so that no second fault hits them meanwhile.
    async fn choose_clients(&self, id: u32, selector: &Selector, lasts: Duration) -> Result<Vec<u64>, SelectError> {
        if *selector != Selector::Holder {
            let (mut busy, living) = (lock(&self.busy_clients), self.clients.living());
            let taken: Vec<u64> = busy.keys().copied().collect();
            let clients = selector.resolve_clients(&living, &taken, &mut lock(&self.rng))?;
            busy.extend(clients.iter().map(|process| (*process, id)));
            return Ok(clients);
        }
        let taking = async {
            loop {
                let holder = self.clients.next_holder().await;
                let mut busy = lock(&self.busy_clients);
                if let Entry::Vacant(free) = busy.entry(holder) {
                    free.insert(id);
                    return vec![holder];
                }
            }
        };
        tokio::time::timeout(HOLDER_TIMEOUT.min(lasts), taking).await.map_err(|_| SelectError::NoHolder)
    }

    /// Takes the nodes, so that no second fault hits them meanwhile. What singles nobody out takes none: other faults may
    /// come beside it. Whose clock is wrong, whose disk is slow or whose packets are disturbed, may still be killed, paused and cut off.
    fn take(&self, id: u32, fault: &Fault, leader: Option<&str>) -> Result<Hit, SelectError> {
        let mut rng = lock(&self.rng);
        let is_for_all = match fault.family {
            Family::Partition => fault.shape.is_for_all(),
            Family::Packet => fault.direction.is_for_all(),
            _ => false,
        };
        let mut last = lock(&self.last);
        let there = self.there();
        if is_for_all {
            last.clone_from(&there);
            return Ok(family::hit(fault, there.clone(), &there, &mut rng));
        }
        let mut busy: Vec<_> = self.busy_by(fault).into_iter().map(lock).collect();
        // One change at a time: who else wants one waits for these locks, and finds this one noted.
        if fault.family == Family::Membership && busy.last().is_some_and(|members| !members.is_empty()) {
            return Err(SelectError::Changing);
        }
        let mut taken: Vec<String> = busy.iter().flat_map(|busy| busy.keys().cloned()).collect();
        // Who starts a server that has left, or has not joined, starts one that knows nothing of either.
        if fault.family.touches_servers() {
            taken.extend(self.names.iter().filter(|name| !self.deployment.is_member(name)).cloned());
        }
        // Spares are chosen to join, and else only by name while they are there.
        let among = match &fault.selector {
            _ if fault.change == Some(Change::Grow) => &self.spares,
            Selector::Named(names) => {
                match names.iter().find(|name| self.spares.contains(name) && !there.contains(name)) {
                    Some(out) => return Err(SelectError::NotJoined(out.clone())),
                    None => &there,
                }
            }
            _ => &self.names,
        };
        let nodes = fault.selector.resolve(among, Roles { leader, last: &last }, &taken, &mut rng)?;
        if fault.family == Family::Partition && nodes.len() == there.len() {
            return Err(SelectError::NobodyLeft);
        }
        // Of such a fault the last is about files.
        let rotten = busy.last().map_or(0, |rotten| rotten.len());
        if fault.family == Family::Rot && rotten + nodes.len() > minority_of(self.names.len()) {
            return Err(SelectError::Rotten(rotten));
        }
        last.clone_from(&nodes);
        busy.iter_mut().for_each(|busy| busy.extend(nodes.iter().map(|node| (node.clone(), id))));
        Ok(family::hit(fault, nodes, &there, &mut rng))
    }

    /// Who sends and is sent messages: the nodes, and spares that are members or about to be, or to be none. As long as these are there
    /// the fault that let them join has their servers.
    fn there(&self) -> Vec<String> {
        let joined = self.spares.iter().filter(|spare| self.deployment.takes_part(spare));
        self.names.iter().chain(joined).cloned().collect()
    }

    /// What a fault keeps busy of its nodes, in an order in which everybody takes it.
    fn busy_by(&self, fault: &Fault) -> Vec<&Mutex<BTreeMap<String, u32>>> {
        let is_slowness = fault.trouble.is_some_and(|trouble| trouble.is_slowness());
        match fault.family {
            Family::Clock => vec![&self.busy_clocks],
            Family::Packet => vec![&self.busy_packets],
            // Nobody else kills or starts what leaves or joins; those that stay may be hit.
            Family::Membership => vec![&self.busy, &self.busy_members],
            Family::Disk if is_slowness => vec![&self.busy_disks],
            // A server that stops itself then is started again at the end; nobody else may do so meanwhile.
            Family::Disk => vec![&self.busy, &self.busy_disks],
            // Files are copied and put back through the disk.
            Family::Rot => vec![&self.busy, &self.busy_disks, &self.busy_files],
            Family::Partition | Family::Kill | Family::Pause | Family::PauseClient | Family::Power => vec![&self.busy],
            Family::Stop | Family::Restart | Family::Queue => vec![&self.busy],
            // Whose clock is reached for must not stand still for a moment, and who waits for a slow disk does not stop at once.
            Family::Starve => vec![&self.busy, &self.busy_clocks, &self.busy_disks],
        }
    }

    fn tell_injection(&self, id: u32, fault: &Fault, hit: Option<&Hit>) {
        let (family, selector) = (fault.family.to_string(), fault.selector.to_string());
        let what = hit.map_or_else(|| family.clone(), |hit| hit.what.clone());
        let nodes = hit.map(|hit| hit.nodes.clone()).unwrap_or_default();
        let links = hit.map(|hit| hit.links.iter().map(written).collect()).unwrap_or_default();
        self.change(id, FaultChange::Inject { family, what, selector, nodes, links });
    }

    fn change(&self, fault: u32, change: FaultChange) {
        let at_ns = self.record.now_ns();
        self.record.record(FaultEvent { at_ns, fault, change });
    }
}
