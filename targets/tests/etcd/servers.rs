//! The servers themselves: started, stopped, killed, wiped, asked.

use crate::stage::{PATIENCE, Stage, make, until};
use squall_results::{Call, Outcome, Reply};
use squall_targets::deployment::DeployError;
use squall_targets::disk::Model;
use squall_targets::remote::{CommandLine, Exit, ProcessState};
use std::cell::Cell;
use std::time::{Duration, Instant};

const READ: Call = Call::Read { key: 1 };

async fn value(stage: &Stage) -> Option<i64> {
    match make(&mut stage.client("n1"), READ).await {
        Reply::Read { value, .. } => value,
        other => panic!("{other} is no read"),
    }
}

pub async fn lives() {
    let stage = Stage::up().await;
    let servers = &stage.deployment;
    make(&mut stage.client("n1"), Call::Write { key: 1, value: 5 }).await;
    for node in servers.nodes() {
        assert_eq!(servers.kill(&node.name).await.unwrap(), ProcessState::Gone { exit: Exit::Signal(9) });
    }
    servers.start_all().await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    assert_eq!(value(&stage).await, Some(5), "what was acknowledged survives kill -9 of all");

    let refused = servers.wipe("n1").await.unwrap_err();
    assert!(matches!(refused, DeployError::NotEnded { .. }), "{refused}");
    for node in servers.nodes() {
        assert!(matches!(servers.stop(&node.name).await.unwrap(), ProcessState::Gone { .. }));
        let log = std::fs::read_to_string(node.dir.join("etcd.log")).unwrap();
        assert!(log.contains("terminated signal"), "it was asked, not killed: {log}");
    }
    assert!(matches!(servers.stop("n1").await, Err(DeployError::Ended { .. })), "what has ended cannot be stopped");
    servers.start_all().await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    assert_eq!(value(&stage).await, Some(5));

    for node in servers.nodes() {
        servers.stop(&node.name).await.unwrap();
        assert!(node.dir.join("data/member").exists());
        servers.wipe(&node.name).await.unwrap();
        assert!(!node.dir.join("data").exists());
        assert!(node.dir.join("etcd.log").exists(), "logs stay");
    }
    servers.start_all().await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    assert_eq!(value(&stage).await, None, "wiped everywhere, it is a new cluster");
}

/// All nodes lose their power in the middle of writing, again and again.
pub async fn power() {
    let stage = Stage::on_disks(Model::default()).await;
    let servers = &stage.deployment;
    let (acknowledged, mut key) = (Cell::new(0), 0);
    let mut written = Vec::new();
    for round in 1..=3 {
        let mut client = stage.client("n1");
        let writing = async {
            loop {
                key += 1;
                match client.call(&Call::Write { key, value: key as i64 }).await.outcome {
                    Outcome::Ok(_) => written.push(key),
                    _ => break, // its server is no more
                }
                acknowledged.set(written.len());
            }
        };
        let cutting = async {
            until("enough is written", async || acknowledged.get() >= 50 * round).await;
            for node in servers.nodes() {
                let script = format!("echo hello >'{}/data/unsynced-{round}'", node.dir.display());
                let command = CommandLine::new(["sh", "-c", &script]);
                node.remote.run(&command, PATIENCE).await.unwrap().expect_success(&node.name, &command).unwrap();
            }
            servers.cut_power(&[("n1", None), ("n2", Some(round as u64)), ("n3", Some(7))]).await.unwrap()
        };
        let (_, ends) = tokio::join!(writing, cutting);
        for (node, (state, loss)) in servers.nodes().iter().zip(ends) {
            assert_eq!(state, ProcessState::Gone { exit: Exit::Signal(9) });
            let unsynced = std::fs::read(node.dir.join(format!("data/unsynced-{round}"))).unwrap_or_default();
            assert_eq!(unsynced, b"", "power was lost: {loss}");
        }
        servers.start_all().await.unwrap();
        servers.await_agreement(PATIENCE).await.unwrap();
        let mut client = stage.client("n2");
        for key in &written {
            let Reply::Read { value, .. } = make(&mut client, Call::Read { key: *key }).await else { panic!("a read") };
            assert_eq!(value, Some(*key as i64), "round {round}: key {key} of {} was acknowledged", written.len());
        }
    }
}

/// The records of a log file of etcd's, as ranges of its bytes: each stands behind eight bytes that hold its length and how
/// much is filled up behind it. What was only preallocated is zeros.
fn records(log: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut records, mut at) = (Vec::new(), 0);
    while let Some(head) = log.get(at..at + 8) {
        let head = u64::from_le_bytes(head.try_into().unwrap());
        let (length, filled) = ((head & ((1 << 56) - 1)) as usize, (head >> 56 & 7) as usize);
        if head == 0 {
            break;
        }
        records.push(at + 8..at + 8 + length);
        at += 8 + length + filled;
    }
    records
}

/// A byte flips in a complete record of a stopped server's log that is not the last one. It refuses to start on it, and is
/// well again when the byte is.
pub async fn flipped_byte() {
    let stage = Stage::up().await;
    let servers = &stage.deployment;
    for key in 0..20 {
        make(&mut stage.client("n1"), Call::Write { key, value: 5 }).await;
    }
    servers.stop("n3").await.unwrap();
    let dir = &stage.node("n3").dir;
    let logs = std::fs::read_dir(dir.join("data/member/wal")).unwrap().map(|entry| entry.unwrap().path());
    // Beside the segments lies one that was made in advance, `0.tmp`.
    let log = logs.filter(|path| path.extension().is_some_and(|extension| extension == "wal")).min().unwrap();
    let whole = std::fs::read(&log).unwrap();
    let records = records(&whole);
    assert!(records.len() > 20, "{} records", records.len());
    let mut flipped = whole.clone();
    flipped[records[records.len() / 2].end - 1] ^= 1;
    std::fs::write(&log, &flipped).unwrap();
    servers.start("n3").await.unwrap();
    let refused = servers.await_answer("n3", PATIENCE).await.unwrap_err();
    assert!(matches!(refused, DeployError::Ended { .. }), "{refused}");
    let told = std::fs::read_to_string(dir.join("etcd.log")).unwrap();
    assert!(told.contains("crc mismatch"), "{told}");
    std::fs::write(&log, &whole).unwrap();
    servers.start("n3").await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    assert_eq!(value(&stage).await, Some(5));
}

pub async fn opinions() {
    let stage = Stage::up().await;
    let servers = &stage.deployment;
    let (leader, [one, other]) = stage.roles().await;
    assert!(["n1", "n2", "n3"].contains(&leader.as_str()));
    let version = servers.target().version(stage.node("n1")).await.unwrap();
    assert!(version.starts_with("etcd 3."), "{version}");
    let before = servers.status(stage.node(&one)).await.unwrap();
    // A server that stands still does not hold the asker up.
    servers.pause(&leader).await.unwrap();
    let begun = Instant::now();
    assert_eq!(servers.status(stage.node(&leader)).await, Err("no answer in time".into()));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    crate::stage::until("another leads", async || servers.leader().await.is_some_and(|name| name != leader)).await;
    let after = servers.status(stage.node(&other)).await.unwrap();
    assert!(after.term > before.term && after.leader.as_ref() != Some(&leader), "{before:?}, then {after:?}");
    servers.resume(&leader).await.unwrap();
    servers.await_agreement(PATIENCE).await.unwrap();
    let agreed = servers.status(stage.node(&leader)).await.unwrap();
    assert_eq!(servers.status(stage.node(&one)).await.unwrap(), agreed);
}
