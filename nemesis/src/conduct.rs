//! Carries a schedule out.
//!
//! Every planned fault is a task of its own: it waits for its time, resolves its selector, injects, waits, heals, and
//! records each step. When the run is asked to stop, every fault in force is healed at once. A fault that cannot be
//! injected is recorded with the reason and healed all the same, since part of it may be there; where squall itself is to
//! blame, the run is told to end.

use crate::family::{self, FaultError};
use crate::fault::Fault;
use crate::schedule::Planned;
use crate::selector::{SelectError, Selector};
use rand_chacha::ChaCha8Rng;
use squall_results::event::{FaultChange, FaultEvent};
use squall_targets::Deployment;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a leader is waited for when one is to be hit.
const LEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a leader is looked for.
const LEADER_EVERY: Duration = Duration::from_millis(50);

/// Takes the changes of faults: the run's recorder, and the live line.
pub trait Record: Send + Sync {
    /// Time since the start of the run.
    fn now_ns(&self) -> u64;

    /// Records a change.
    fn record(&self, event: FaultEvent);

    /// squall itself could not inject or heal a fault: the run cannot go on, and no verdict may rest on it.
    fn failed(&self, reason: String);
}

/// Conducts faults on a deployment.
pub struct Conductor {
    deployment: Arc<Deployment>,
    record: Arc<dyn Record>,
    rng: Mutex<ChaCha8Rng>,
    /// The nodes whose servers are killed or paused, or that are cut off, and by which fault.
    busy: Mutex<BTreeMap<String, u32>>,
    names: Vec<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Conductor {
    /// A conductor of faults on `deployment`; `rng` draws nodes.
    pub fn new(deployment: Arc<Deployment>, record: Arc<dyn Record>, rng: ChaCha8Rng) -> Arc<Conductor> {
        let names = deployment.nodes().iter().map(|node| node.name.clone()).collect();
        Arc::new(Conductor { deployment, record, rng: Mutex::new(rng), busy: Mutex::default(), names })
    }

    /// Carries `schedule` out, its times counted from `begin`. Returns when every fault was healed. `end` is waited for
    /// beside every waiting: when it comes, what is in force is healed and nothing more injected.
    pub async fn conduct<E>(self: &Arc<Conductor>, schedule: &[Planned], begin: Instant, end: impl Fn() -> E)
    where
        E: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for (number, planned) in schedule.iter().enumerate() {
            let (conductor, planned, end) = (self.clone(), planned.clone(), end());
            tasks.spawn(async move { conductor.one(number as u32, planned, begin, end).await });
        }
        while let Some(ended) = tasks.join_next().await {
            // Whatever it injected is still there, so the run must not go on as if it were healed.
            if ended.is_err() {
                self.record.failed("the task of a fault panicked; please report this with squall.log".into());
            }
        }
    }

    async fn one(&self, id: u32, planned: Planned, begin: Instant, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        let inject_at = begin + planned.at.duration();
        tokio::select! {
            () = tokio::time::sleep_until(inject_at.into()) => {}
            () = &mut end => return,
        }
        let fault = planned.what();
        let nodes = match self.choose(id, &fault).await {
            Ok(nodes) => nodes,
            Err(error) => {
                self.tell_injection(id, &fault, &[]);
                return self.change(id, FaultChange::NotInForce { reason: error.to_string() });
            }
        };
        self.tell_injection(id, &fault, &nodes);
        let injected = family::inject(fault.family, &nodes, &self.deployment).await;
        let change = match injected {
            Ok(evidence) => FaultChange::InForce { evidence },
            Err(error) => FaultChange::NotInForce { reason: self.reason("inject", &fault, &error) },
        };
        self.change(id, change);
        tokio::select! {
            () = tokio::time::sleep_until((inject_at + planned.lasts.duration()).into()) => {}
            () = &mut end => {}
        }
        self.change(id, FaultChange::Heal);
        let change = match family::heal(fault.family, &nodes, &self.deployment).await {
            Ok(evidence) => FaultChange::Healed { evidence },
            Err(error) => FaultChange::NotHealed { reason: self.reason("heal", &fault, &error) },
        };
        self.change(id, change);
        lock(&self.busy).retain(|_, fault| *fault != id);
    }

    /// Why a fault was not injected or healed. When squall itself is to blame the run learns it too.
    fn reason(&self, what: &str, fault: &Fault, error: &FaultError) -> String {
        if error.is_ours() {
            self.record.failed(format!("cannot {what} the fault {}: {error}", fault.family));
        }
        error.to_string()
    }

    /// Resolves the selector; a leader is waited for a little.
    async fn choose(&self, id: u32, fault: &Fault) -> Result<Vec<String>, SelectError> {
        let begin = Instant::now();
        loop {
            let leader = match fault.selector {
                Selector::Leader => self.deployment.leader().await,
                _ => None,
            };
            match self.take(id, fault, leader.as_deref()) {
                Err(SelectError::NoLeader) if begin.elapsed() < LEADER_TIMEOUT => {}
                result => return result,
            }
            tokio::time::sleep(LEADER_EVERY).await;
        }
    }

    /// Takes the nodes, so that no second fault hits them meanwhile.
    fn take(&self, id: u32, fault: &Fault, leader: Option<&str>) -> Result<Vec<String>, SelectError> {
        let mut busy = lock(&self.busy);
        let taken: Vec<String> = busy.keys().cloned().collect();
        let nodes = fault.selector.resolve(&self.names, leader, &taken, &mut lock(&self.rng))?;
        busy.extend(nodes.iter().map(|node| (node.clone(), id)));
        Ok(nodes)
    }

    fn tell_injection(&self, id: u32, fault: &Fault, nodes: &[String]) {
        let what = match nodes {
            [] => fault.family.to_string(),
            nodes => family::tell(fault.family, nodes, &self.names),
        };
        let (family, selector) = (fault.family.to_string(), fault.selector.to_string());
        self.change(id, FaultChange::Inject { family, what, selector, nodes: nodes.to_vec() });
    }

    fn change(&self, fault: u32, change: FaultChange) {
        let at_ns = self.record.now_ns();
        self.record.record(FaultEvent { at_ns, fault, change });
    }
}
