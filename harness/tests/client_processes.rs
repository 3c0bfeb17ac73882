//! Clients that are processes of their own: what a pause does to them, and that nothing of them stays behind.
//!
//! Their target is a server of this test, which answers every request of a `raft` client in the same way.

mod common;

use common::send;
use squall_results::{Call, Outcome, Reply};
use squall_targets::client::{Client, Reads, Session};
use squall_targets::client_process::{Birth, ClientProcessError, ClientProcesses, ProcessClient};
use squall_targets::target::TargetOptions;
use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Takes one request.
const LIST: Call = Call::List { key: 1 };

/// Changes something, so that nobody knows what became of it.
const ACQUIRE: Call = Call::Acquire { key: 1 };

/// Long enough for whatever happens within milliseconds.
const SOON: Duration = Duration::from_secs(20);

/// Long enough to show that something does not happen that happens within milliseconds otherwise.
const A_WHILE: Duration = Duration::from_millis(400);

struct Stage {
    folder: TempDir,
    processes: ClientProcesses,
    address: Ipv4Addr,
    /// How many requests have reached the server.
    requests: Arc<AtomicUsize>,
    /// What the run was told of squall's own failures.
    failures: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    /// `last` makes the address of this test's server its own.
    async fn new(last: u8) -> Stage {
        let address = Ipv4Addr::new(127, 77, 0, last);
        let listener = TcpListener::bind((address, 7100)).await.expect("a port of the loopback");
        let requests = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, requests.clone()));
        let folder = tempfile::tempdir().expect("a folder");
        let failures = Arc::new(Mutex::new(Vec::new()));
        let told = failures.clone();
        let failed = Box::new(move |reason| told.lock().unwrap().push(reason));
        let program = env!("CARGO_BIN_EXE_squall").into();
        let processes = ClientProcesses::new(program, &folder.path().join("clients.log"), failed).unwrap();
        Stage { folder, processes, address, requests, failures }
    }

    fn client(&self, process: u64) -> ProcessClient {
        let options = TargetOptions {
            own_program: "squall".into(),
            call_timeout: Duration::from_secs(10),
            bug: None,
            seed: 1,
            cluster_name: "test".into(),
            read: "read-index".into(),
            retry: false,
            bin: None,
            elsewhere: false,
            changes_members: false,
            settings: BTreeMap::from([("heartbeat_ms".into(), 50), ("election_ms".into(), 300)]),
        };
        let birth = Birth {
            target: "raft".into(),
            options,
            node: "n1".into(),
            address: self.address,
            clients: None,
            dir: self.folder.path().into(),
            reads: Reads::Chosen,
            origin_ns: 0,
        };
        self.processes.client(process, birth)
    }

    /// The processes whose standard error is this stage's log.
    fn pids(&self) -> Vec<u32> {
        let log = self.folder.path().join("clients.log");
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| fs::read_link(Path::new("/proc").join(format!("{pid}/fd/2"))).is_ok_and(|to| to == log))
            .collect()
    }

    async fn await_pids(&self, count: usize) {
        let begin = Instant::now();
        while self.pids().len() != count {
            assert!(begin.elapsed() < SOON, "{:?} live, {count} should", self.pids());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn serve(listener: TcpListener, requests: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let requests = requests.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {
                requests.fetch_add(1, Ordering::SeqCst);
                let answer =
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"version\":4}";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn is_answered(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ok(Reply::Elements { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_client_like_any_other_and_a_process_of_its_own() {
    let stage = Stage::new(1).await;
    let (mut one, mut other) = (stage.client(1), stage.client(2));
    assert_eq!(stage.processes.living(), [] as [u64; 0], "a process starts when it is asked for the first time");
    for client in [&mut one, &mut other] {
        client.ready().await;
        let completion = client.call(&LIST).await;
        assert!(is_answered(&completion.outcome) && completion.session == Session::Kept, "{completion:?}");
    }
    assert_eq!(stage.processes.living(), [1, 2]);
    stage.await_pids(2).await;
    drop(one);
    stage.await_pids(1).await;
    assert_eq!(stage.processes.living(), [2]);
    assert!(is_answered(&other.call(&LIST).await.outcome), "the other one goes on");
    assert_eq!(*stage.failures.lock().unwrap(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_one_does_nothing_until_it_goes_on() {
    let stage = Stage::new(2).await;
    let mut client = stage.client(7);
    client.ready().await;
    let shown = stage.processes.pause(7).await.unwrap();
    assert_eq!(shown, "process 7 stopped, its thread in state T");
    let stat = fs::read_to_string(format!("/proc/{}/stat", stage.pids()[0])).unwrap();
    assert!(stat.contains(") T "), "{stat}");
    assert!(tokio::time::timeout(A_WHILE, client.call(&LIST)).await.is_err(), "it cannot answer");
    assert_eq!(stage.requests.load(Ordering::SeqCst), 0, "nothing has left it");
    let mut client = stage.client(8);
    client.ready().await;
    stage.processes.pause(8).await.unwrap();
    let begin = Instant::now();
    let resume = async {
        tokio::time::sleep(A_WHILE).await;
        stage.processes.resume(8).await.unwrap()
    };
    let ((), shown) = tokio::join!(client.ready(), resume);
    assert!(begin.elapsed() >= A_WHILE, "it was ready before it went on");
    assert!(shown.starts_with("process 8 running"), "{shown}");
    assert!(is_answered(&client.call(&LIST).await.outcome));
    assert_eq!(*stage.failures.lock().unwrap(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_one_that_is_dropped_is_killed() {
    let stage = Stage::new(3).await;
    let mut client = stage.client(7);
    client.ready().await;
    stage.await_pids(1).await;
    stage.processes.pause(7).await.unwrap();
    drop(client);
    stage.await_pids(0).await;
    assert_eq!(stage.processes.pause(7).await, Err(ClientProcessError::Gone { process: 7 }));
    assert_eq!(stage.processes.resume(7).await.unwrap(), "process 7 is no more", "it is not paused any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_ends_by_itself_is_a_failure_of_squall() {
    let stage = Stage::new(4).await;
    let mut client = stage.client(7);
    client.ready().await;
    send(stage.pids()[0], libc::SIGKILL);
    let completion = client.call(&ACQUIRE).await;
    assert!(completion.outcome.is_unknown() && completion.session == Session::Lost, "{completion:?}");
    let failures = stage.failures.lock().unwrap().clone();
    assert!(failures.len() == 1 && failures[0].contains("client process 7 on n1"), "{failures:?}");
    assert!(client.call(&LIST).await.outcome.is_fail(), "and it never comes back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_end_with_their_clients() {
    let stage = Stage::new(5).await;
    let mut clients: Vec<_> = (0..3).map(|process| stage.client(process)).collect();
    for client in &mut clients {
        client.ready().await;
    }
    stage.await_pids(3).await;
    drop(clients);
    stage.await_pids(0).await;
}
