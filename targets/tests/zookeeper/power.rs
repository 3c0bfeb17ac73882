//! Servers that lose their power.

use crate::stage::{PATIENCE, Stage, call, ok, until};
use squall_results::{Call, Outcome, Reply};
use squall_targets::cluster::Node;
use squall_targets::disk::Model;
use squall_targets::remote::{CommandLine, Exit, ProcessState};
use std::cell::Cell;

async fn run(node: &Node, script: &str) {
    let command = CommandLine::new(["sh", "-c", script]);
    node.remote.run(&command, PATIENCE).await.unwrap().expect_success(&node.name, &command).unwrap();
}

/// All nodes lose their power in the middle of writing, again and again: what was acknowledged is there.
///
/// The first snapshot has reached the disk by then, as it does when the kernel has had its time. A server of version 3.8 does
/// not sync it, and refuses to start where it finds a log and no snapshot.
pub async fn of_all() {
    let stage = Stage::on_disks(Model::default()).await;
    let servers = &stage.deployment;
    for node in servers.nodes() {
        run(node, &format!("sync '{}/data/version-2/'*", node.dir.display())).await;
    }
    let (acknowledged, mut key, mut written) = (Cell::new(0), 0, Vec::new());
    for round in 1..=3 {
        let mut client = stage.client("n1");
        let writing = async {
            loop {
                key += 1;
                match call(&mut client, Call::Write { key, value: key as i64 }).await.outcome {
                    Outcome::Ok(_) => written.push(key),
                    _ => break, // its server is no more
                }
                acknowledged.set(written.len());
            }
        };
        let cutting = async {
            until("enough is written", async || acknowledged.get() >= 50 * round).await;
            for node in servers.nodes() {
                run(node, &format!("echo hello >'{}/data/unsynced-{round}'", node.dir.display())).await;
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
            let Reply::Read { value, .. } = ok(call(&mut client, Call::Read { key: *key }).await) else {
                panic!("a read")
            };
            assert_eq!(value, Some(*key as i64), "round {round}: key {key} of {} was acknowledged", written.len());
        }
    }
    stage.down().await;
}
