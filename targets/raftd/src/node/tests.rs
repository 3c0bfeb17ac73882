//! A member alone in its cluster, on a disk in memory.

use super::*;
use crate::core::{self, Core, Fate, Reason};
use crate::machine::{Change, Command, Versioned};
use crate::peer::{Links, Membership};
use crate::storage::memory::Memory;
use crate::storage::{Disk, Identity, SEGMENT_BYTES, Wal};
use crate::types::NodeId;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(20);
const SNAPSHOT_ENTRIES: u64 = 150;

struct Alone {
    disk: Memory,
    handle: Handle,
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<(), NodeError>>,
    /// Keeps the member from believing that all peers are gone for good.
    messages: mpsc::Sender<core::Message>,
}

fn identity(members: &[NodeId]) -> Identity {
    Identity { cluster: "tests".into(), member: 1, members: members.iter().copied().collect() }
}

fn start(disk: &Memory) -> Alone {
    start_among(vec![1], disk)
}

/// Starts member 1 of `members`; nobody plays the others.
fn start_among(members: Vec<NodeId>, disk: &Memory) -> Alone {
    let identity = identity(&members);
    let (wal, recovered) = Wal::open(disk.clone(), &identity, SEGMENT_BYTES).unwrap();
    let settings =
        core::Config { election_ticks: 2, heartbeat_ticks: 1, ..core::Config::new(1, members.clone(), 1, 1) };
    let core = Core::new(settings, recovered.hard_state, recovered.snapshot.clone(), recovered.entries).unwrap();
    let founders = members.iter().copied().collect();
    let membership = Membership { cluster: "tests".into(), id: 1, address: "nowhere:1".into(), founders, lease: None };
    let (messages, to_member) = mpsc::channel(MESSAGES_MAX);
    let (from_clients, requests) = mpsc::channel(REQUESTS_MAX);
    let (status, shown) = watch::channel(Status::default());
    let (stop, stopped) = watch::channel(false);
    let links = Links::new(membership);
    let journal = Journal::start(wal).unwrap();
    let windows = Windows { status, feed: Feed::new(1 << 20).0, metrics: Arc::default() };
    let member = Member::new(core, recovered.snapshot.as_ref(), SNAPSHOT_ENTRIES, journal, links, windows).unwrap();
    let inputs = Inputs { messages: to_member, requests, stop: stopped, tick: Duration::from_millis(5) };
    let running = tokio::spawn(member.run(inputs));
    let handle = Handle::new(from_clients, shown, DEADLINE);
    Alone { disk: disk.clone(), handle, stop, running, messages }
}

fn write(key: &str) -> Command {
    Command { serial: None, change: Change::Write { key: key.into(), value: "v".into() } }
}

impl Alone {
    /// Writes, again and again until there is a leader.
    async fn written(&self, key: &str) -> u64 {
        let start = Instant::now();
        loop {
            match self.handle.change(write(key)).await {
                Ok(Answer::Written { version }) => return version,
                Err(Failure { cause: Cause::Core(Reason::NoLeader), fate: Fate::NotDone }) => {}
                other => panic!("{other:?}"),
            }
            assert!(start.elapsed() < DEADLINE, "no leader");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_power_failed() {
    let alone = start(&Memory::default());
    let version = alone.written("x").await;
    let disk = alone.disk.after_power_cut(&mut ChaCha8Rng::seed_from_u64(1));
    alone.running.abort();
    let again = start(&disk);
    again.written("y").await;
    let found = again.handle.ask(Query::Value("x".into()), Freshness::Now).await;
    assert_eq!(found, Ok(View::Value(Versioned { value: Some("v".into()), version })));
}

#[tokio::test]
async fn a_member_takes_snapshots_while_it_serves_and_starts_from_them() {
    let alone = start(&Memory::default());
    let mut version = 0;
    for number in 0..2 * SNAPSHOT_ENTRIES {
        version = alone.written(&format!("k{number}")).await;
    }
    let begun = Instant::now();
    while alone.handle.status().snapshot == 0 {
        assert!(begun.elapsed() < DEADLINE, "no snapshot");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let disk = alone.disk.after_power_cut(&mut ChaCha8Rng::seed_from_u64(1));
    alone.running.abort();
    let again = start(&disk);
    again.written("y").await;
    assert!(again.handle.status().snapshot >= SNAPSHOT_ENTRIES, "{:?}", again.handle.status());
    let found = again.handle.ask(Query::Value(format!("k{}", 2 * SNAPSHOT_ENTRIES - 1)), Freshness::Now).await;
    assert_eq!(found, Ok(View::Value(Versioned { value: Some("v".into()), version })));
}

#[tokio::test]
async fn entries_do_not_wait_for_a_snapshot_that_is_being_written() {
    let alone = start(&Memory::default());
    let is_being_written = |disk: &Memory| disk.list().unwrap().iter().any(|name| name.ends_with(".partial"));
    alone.disk.hold_back(".partial");
    let mut number = 0;
    while !is_being_written(&alone.disk) {
        alone.written(&format!("k{number}")).await;
        number += 1;
        assert!(number < 10 * SNAPSHOT_ENTRIES, "no snapshot");
    }
    for more in 0..2 * SNAPSHOT_ENTRIES {
        alone.written(&format!("later{more}")).await;
    }
    assert_eq!(alone.handle.status().snapshot, 0);
    // A crash now leaves the log, and nothing of the snapshot.
    let again = start(&alone.disk.after_power_cut(&mut ChaCha8Rng::seed_from_u64(1)));
    again.written("y").await;
    assert!(!is_being_written(&again.disk));
    alone.disk.let_go();
    let begun = Instant::now();
    while alone.handle.status().snapshot == 0 {
        assert!(begun.elapsed() < DEADLINE, "no snapshot");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn many_writes_at_once_share_a_sync() {
    let alone = start(&Memory::default());
    alone.written("x").await;
    let before = alone.disk.operations();
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..200 {
        let handle = alone.handle.clone();
        writes.spawn(async move { handle.change(write(&format!("k{number}"))).await.unwrap() });
    }
    assert_eq!(writes.join_all().await.len(), 200);
    let operations = alone.disk.operations() - before;
    assert!(operations < 100, "{operations} writes and syncs for 200 changes");
}

/// A few thousand requests are nothing, a few thousand of the largest ones are gigabytes.
#[tokio::test]
async fn large_requests_are_refused_before_they_fill_the_memory() {
    const BYTES: usize = 1 << 20;
    let (sender, mut requests) = mpsc::channel(REQUESTS_MAX);
    let handle = Handle::new(sender, watch::channel(Status::default()).1, DEADLINE);
    let large = || Command { serial: None, change: Change::Write { key: "k".into(), value: "v".repeat(BYTES) } };
    let mut clients = tokio::task::JoinSet::new();
    let mut taken = Vec::new();
    while taken.len() < REQUESTS_MAX {
        let handle = handle.clone();
        clients.spawn(async move { handle.change(large()).await });
        tokio::select! {
            request = requests.recv() => taken.extend(request),
            ended = clients.join_next() => {
                assert_eq!(ended.unwrap().unwrap(), Err(Failure::QUEUE_FULL));
                break;
            }
        }
    }
    assert_eq!(taken.len(), REQUEST_BYTES_MAX / BYTES - 1, "each is a little more than its value");
    taken.pop().unwrap().fail(Failure::CUT_OFF);
    assert_eq!(clients.join_next().await.unwrap().unwrap(), Err(Failure::CUT_OFF));
    clients.spawn(async move { handle.change(large()).await });
    assert!(requests.recv().await.is_some(), "what was answered makes room");
}

#[tokio::test]
async fn when_the_disk_fails_the_member_stops_and_leaves_clients_in_doubt() {
    let alone = start(&Memory::default());
    alone.written("x").await;
    alone.disk.fail_from(alone.disk.operations());
    assert_eq!(alone.handle.change(write("y")).await, Err(Failure::CUT_OFF));
    assert!(matches!(alone.running.await.unwrap(), Err(NodeError::Storage(_))));
    assert_eq!(alone.handle.change(write("z")).await, Err(Failure::NOT_TAKEN));
}

/// Two things at once: an invariant breaks while the disk hangs. The member must not wait for the disk then, or the
/// server would live on by half.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_invariant_ends_the_member_though_the_disk_hangs() {
    let alone = start_among(vec![1, 2], &Memory::default());
    let body = core::Body::Heartbeat { round: 1, commit: 7 };
    let ended = std::thread::scope(|scope| {
        let (held, holds) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let disk = &alone.disk;
        scope.spawn(move || {
            let _hang = disk.hang();
            held.send(()).unwrap();
            let _ = released.recv();
        });
        holds.recv().unwrap();
        let comes_true = |condition: &dyn Fn() -> bool| {
            let start = Instant::now();
            while !condition() && start.elapsed() < DEADLINE {
                std::thread::sleep(Duration::from_millis(5));
            }
            condition()
        };
        let news = core::Message { from: 2, to: 1, term: 9, body: core::Body::Outdated };
        alone.messages.try_send(news).unwrap();
        assert!(comes_true(&|| alone.handle.status().term == 9), "no new term, hence nothing to write");
        alone.messages.try_send(core::Message { from: 2, to: 1, term: 1 << 20, body }).unwrap();
        let ended = comes_true(&|| alone.running.is_finished());
        drop(release);
        ended
    });
    assert!(ended, "the member waits for its disk");
    assert!(alone.running.await.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_member_that_is_told_to_stop_stops() {
    let alone = start(&Memory::default());
    alone.written("x").await;
    alone.stop.send(true).unwrap();
    assert!(alone.running.await.unwrap().is_ok());
    assert_eq!(alone.handle.ask(Query::Value("x".into()), Freshness::Now).await, Err(Failure::NOT_TAKEN));
}

#[tokio::test]
async fn an_entry_that_no_version_of_ours_wrote_stops_the_member() {
    let disk = Memory::default();
    {
        use crate::types::{Entry, HardState, Payload, Ticket};
        let (mut wal, _) = Wal::open(disk.clone(), &identity(&[1]), SEGMENT_BYTES).unwrap();
        let ticket = Ticket { origin: 1, incarnation: 9, number: 1 };
        let entry = Entry { term: 1, index: 1, payload: Payload::Command { ticket, bytes: vec![99; 3] } };
        let hard_state = Some(HardState { term: 1, voted_for: None });
        wal.save(&[crate::storage::Record { hard_state, snapshot: None, entries: vec![entry] }]).unwrap();
    }
    let outcome = start(&disk).running.await.unwrap();
    assert!(matches!(outcome, Err(NodeError::Command { index: 1, .. })), "{outcome:?}");
}
