//! The driver with clients that need no target: what it records is a history that can be read and judged.

use async_trait::async_trait;
use squall::clock::RunClock;
use squall::driver::{Clients, Crew, Workplace};
use squall::interpreter::Interpreter;
use squall::judge::{Promises, judge};
use squall::recorder;
use squall::stop::{self, Reason};
use squall::tally::Tally;
use squall::traffic::Traffic;
use squall_results::{Budget, Call, Outcome, Promise, Reply, Validity, reader};
use squall_targets::client::{Client, Completion, Session};
use squall_workloads::generator::{KeyLimits, Limit};
use squall_workloads::{Generator, Options};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Registers in memory; every so many calls one gets lost.
#[derive(Default)]
struct Memory {
    registers: Mutex<BTreeMap<u64, Option<i64>>>,
    calls: AtomicU64,
    clients: AtomicU64,
    lost_every: u64,
}

struct MemoryClients(Arc<Memory>);

struct MemoryClient(Arc<Memory>);

impl Clients for MemoryClients {
    fn client(&self, _node: usize, _process: u64) -> Box<dyn Client> {
        self.0.clients.fetch_add(1, Ordering::Relaxed);
        Box::new(MemoryClient(self.0.clone()))
    }
}

#[async_trait]
impl Client for MemoryClient {
    async fn call(&mut self, call: &Call) -> Completion {
        let number = self.0.calls.fetch_add(1, Ordering::Relaxed);
        let mut registers = self.0.registers.lock().unwrap();
        let register = registers.entry(call.key()).or_default();
        let reply = match *call {
            Call::Read { .. } => Reply::Read { value: *register, version: None },
            Call::Write { value, .. } => {
                *register = Some(value);
                Reply::Written { version: None }
            }
            Call::Cas { expect, value, .. } if *register == expect => {
                *register = Some(value);
                Reply::Written { version: None }
            }
            Call::Cas { .. } => Reply::NotEqual,
            ref call => unreachable!("no register is asked to {call}"),
        };
        if self.0.lost_every > 0 && number.is_multiple_of(self.0.lost_every) {
            return Completion { outcome: Outcome::Unknown("lost".into()), session: Session::Lost };
        }
        Completion { outcome: Outcome::Ok(reply), session: Session::Kept }
    }
}

fn generator(calls: usize) -> Box<dyn Generator> {
    let rng = squall::seed::stream(1, "workload");
    let options = Options { workers: 6, nodes: 3, key_limits: KeyLimits::default(), rng };
    Box::new(Limit::new(calls, (squall_workloads::find("register").unwrap().storm)(options)))
}

/// Drives so many calls against the memory, and returns the path of the history with the tally.
async fn drive(memory: &Arc<Memory>, calls: usize, folder: &std::path::Path) -> (std::path::PathBuf, Arc<Tally>) {
    let path = folder.join("history.jsonl");
    let (stopper, mut stop) = stop::channel();
    let (recorder, recording) = recorder::start(&path, stopper, None).unwrap();
    let place = Workplace {
        clock: RunClock::start(),
        recorder,
        tally: Arc::default(),
        traffic: Arc::new(Traffic::new(["n1", "n2", "n3"].map(String::from))),
        clients: Arc::new(MemoryClients(memory.clone())),
    };
    let tally = place.tally.clone();
    let mut crew = Crew::hire(6, place);
    crew.drive(&mut Interpreter::new(generator(calls), 6, 3), &mut stop).await.unwrap();
    recording.finish().unwrap();
    (path, tally)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_recorded_is_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Arc::new(Memory { lost_every: 50, ..Memory::default() });
    let (path, tally) = drive(&memory, 3_000, folder.path()).await;
    let history = reader::read_history(&path).unwrap();
    assert_eq!(history.operations.len(), 3_000);
    let unknown = history.operations.iter().filter(|operation| operation.outcome.is_unknown()).count();
    assert_eq!(unknown, 60);
    let counts = tally.read();
    assert_eq!((counts.invoked, counts.ok, counts.unknown), (3_000, 2_940, 60));
    // A session is lost with each unknown outcome; the next call of that worker makes a new one.
    let clients = memory.clients.load(Ordering::Relaxed);
    assert!((60..=66).contains(&clients), "{clients} clients for 6 workers and 60 lost sessions");
    let workload = squall_workloads::find("register").unwrap();
    let promises = Promises { decides: Promise::Linearizable, beside: None };
    let judged = judge(history, workload, promises, &Budget::default());
    assert_eq!(judged.judgement.validity, Validity::Valid, "{:?}", judged.judgement);
}

#[tokio::test]
async fn a_stop_ends_a_drive_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let (stopper, mut stop) = stop::channel();
    let (recorder, recording) = recorder::start(&folder.path().join("history.jsonl"), stopper.clone(), None).unwrap();
    let memory = Arc::new(Memory::default());
    let place = Workplace {
        clock: RunClock::start(),
        recorder,
        tally: Arc::default(),
        traffic: Arc::new(Traffic::new(["n1", "n2", "n3"].map(String::from))),
        clients: Arc::new(MemoryClients(memory.clone())),
    };
    let tally = place.tally.clone();
    let mut crew = Crew::hire(6, place);
    let mut interpreter = Interpreter::new(generator(usize::MAX), 6, 3);
    let drive = crew.drive(&mut interpreter, &mut stop);
    let asked = async {
        while tally.read().ok < 100 {
            tokio::task::yield_now().await;
        }
        stopper.stop(Reason::Signal("a test"));
    };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(drive, asked).0 })
        .await
        .expect("it ends")
        .unwrap();
    recording.finish().unwrap();
    let history = reader::read_history(&folder.path().join("history.jsonl")).unwrap();
    assert!(history.operations.iter().all(|operation| operation.returned_ns.is_some()), "open calls are waited for");
}

/// Whose every client panics.
struct Broken;

#[async_trait]
impl Client for Broken {
    async fn call(&mut self, call: &Call) -> Completion {
        panic!("a test wants {call} to go wrong")
    }
}

impl Clients for Broken {
    fn client(&self, _node: usize, _process: u64) -> Box<dyn Client> {
        Box::new(Broken)
    }
}

#[tokio::test]
async fn a_worker_that_panics_ends_the_drive() {
    let folder = tempfile::tempdir().unwrap();
    let (stopper, mut stop) = stop::channel();
    let (recorder, _recording) = recorder::start(&folder.path().join("history.jsonl"), stopper, None).unwrap();
    let place = Workplace {
        clock: RunClock::start(),
        recorder,
        tally: Arc::default(),
        traffic: Arc::new(Traffic::new(["n1", "n2", "n3"].map(String::from))),
        clients: Arc::new(Broken),
    };
    let mut crew = Crew::hire(6, place);
    let mut interpreter = Interpreter::new(generator(6), 6, 3);
    let drive = tokio::time::timeout(Duration::from_secs(20), crew.drive(&mut interpreter, &mut stop));
    assert_eq!(drive.await.expect("it ends"), Err(squall::driver::WorkerPanicked));
}

#[test]
fn a_history_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    std::fs::write(&path, "precious\n").unwrap();
    let (stopper, _stop) = stop::channel();
    let error = recorder::start(&path, stopper, None).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("history.jsonl") && error.contains("--store"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious\n");
}
