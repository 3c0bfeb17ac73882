//! That nothing is left: no process, no namespace, no link.

use crate::controller::Controller;
use crate::link;
use crate::stage::{PATIENCE, Stage};
use squall_targets::agent;
use squall_targets::cluster::CutMechanism;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// The agents that a process has started, as this machine numbers them. Everything on a node is below its agent.
pub fn agents_of(parent: u32) -> Vec<u32> {
    let is_agent = |pid: &u32| command_line(*pid).contains(agent::ARGUMENT);
    processes().into_iter().filter(|pid| parent_of(*pid) == Some(parent)).filter(is_agent).collect()
}

/// All processes but those that have ended and wait for their parent to notice, which may be the machine's process 1.
fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|fields| fields[0] != "Z")).collect()
}

/// The session that a process belongs to.
pub fn session_of(pid: u32) -> Option<u32> {
    stat(pid)?[3].parse().ok()
}

fn parent_of(pid: u32) -> Option<u32> {
    stat(pid)?[1].parse().ok()
}

/// The fields of `/proc/<pid>/stat` behind the name: state, parent, group, session, ...
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// The namespaces that a process lives in, as far as it may be asked.
fn namespaces(pid: u32) -> BTreeSet<String> {
    let link = |kind| fs::read_link(format!("/proc/{pid}/ns/{kind}"));
    let kinds = ["net", "mnt", "uts", "pid"].into_iter();
    kinds.filter_map(|kind| link(kind).ok()).map(|link| link.display().to_string()).collect()
}

fn command_line(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}

/// In this process.
pub fn assert_nothing_is_left() {
    assert_eq!(agents_of(std::process::id()), Vec::<u32>::new());
    for link in ["switch0", "s0n1", "s0n2"] {
        assert!(nix::net::if_::if_nametoindex(link).is_err(), "{link} is still there");
    }
}

pub async fn down() {
    let stage = Stage::up(2, CutMechanism::Neighbours).await;
    stage.start("n1", &["sh", "-c", "setsid sh -c 'sleep 98764 & sleep 98764' & wait"]).await;
    stage.cluster.cut(&[link(1, 2)]).await.unwrap();
    stage.cluster.down().await.unwrap();
    assert_nothing_is_left();
    stage.cluster.down().await.unwrap();
    let lost = stage.cluster.cut(&[link(2, 1)]).await.unwrap_err();
    assert!(lost.to_string().starts_with("n2: its agent is gone"), "{lost}");
}

pub async fn dropped() {
    let stage = Stage::up(2, CutMechanism::Neighbours).await;
    stage.start("n1", &["sleep", "98764"]).await;
    drop(stage);
    assert_nothing_is_left();
}

/// The controller is killed as hard as possible; whatever it has started ends, however it hid.
pub fn kill_9() {
    let mut controller = Controller::start();
    let own = namespaces(std::process::id());
    let agents = agents_of(controller.pid());
    assert_eq!(agents.len(), 2);
    let theirs: BTreeSet<String> = agents.iter().flat_map(|agent| namespaces(*agent)).collect();
    assert_eq!(theirs.len(), 8, "two nodes, four namespaces each");
    let all: BTreeSet<String> =
        theirs.into_iter().chain(namespaces(controller.pid())).filter(|ns| !own.contains(ns)).collect();
    let inhabitants = || processes().into_iter().filter(|pid| !namespaces(*pid).is_disjoint(&all)).collect::<Vec<_>>();
    let before = inhabitants();
    assert!(before.iter().any(|pid| command_line(*pid).starts_with("sleep 98763")), "the daemon that hides runs");

    controller.kill_9();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let alive = processes();
        let left: Vec<u32> = before.iter().copied().filter(|pid| alive.contains(pid)).collect();
        if left.is_empty() && inhabitants().is_empty() {
            return;
        }
        let told: Vec<String> = left.iter().map(|pid| command_line(*pid)).collect();
        assert!(Instant::now() < deadline, "still there: {told:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
