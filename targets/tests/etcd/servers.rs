//! The servers themselves: started, stopped, killed, wiped, asked.

use crate::stage::{PATIENCE, Stage, make};
use squall_results::{Call, Reply};
use squall_targets::deployment::DeployError;
use squall_targets::remote::{Exit, ProcessState};
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
