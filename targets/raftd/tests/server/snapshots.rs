//! Snapshots and the log behind them, on real disks and between real servers.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};
use std::fs;

/// A snapshot every so many entries.
const EVERY: &str = "50";
const EVERY_SO_MANY: u64 = 50;

/// So many that the log is compacted several times.
const KEYS: usize = 300;

fn serving() -> Cluster {
    let mut cluster = Cluster::new(3, &["--snapshot-entries", EVERY]);
    cluster.start_all();
    cluster.leader();
    cluster
}

fn write_all(cluster: &Cluster, through: usize) {
    for number in 0..KEYS {
        cluster.done(through, "PUT", &format!("/v1/kv/k{number}"), &json!({ "value": number.to_string() }));
    }
}

/// What a member knows by itself is all there.
fn has_all(cluster: &Cluster, id: usize) -> Option<()> {
    let value = |number: usize| {
        let answer = cluster.ask(id, "GET", &format!("/v1/kv/k{number}?local=true"), &Value::Null).ok()?;
        (answer.body["value"] == json!(number.to_string())).then_some(())
    };
    (0..KEYS).rev().step_by(37).try_for_each(value)
}

/// The numbers of a member's status with these names.
fn numbers<const N: usize>(cluster: &Cluster, id: usize, names: [&str; N]) -> [u64; N] {
    let status = wait_for("a status", || cluster.status(id));
    names.map(|name| status[name].as_u64().unwrap_or_else(|| panic!("{name} in {status}")))
}

/// How many files of a member's folder have names that end so.
fn files(cluster: &Cluster, id: usize, end: &str) -> usize {
    let names = fs::read_dir(cluster.folder(id)).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(end)).count()
}

#[test]
fn a_member_that_was_long_away_gets_the_state_and_not_the_log() {
    let mut cluster = serving();
    let leader = cluster.leader();
    let late = cluster.ids().find(|id| *id != leader).unwrap();
    let session = cluster.done(leader, "POST", "/v1/sessions", &Value::Null)["session"].clone();
    cluster.kill(late);
    let once = json!({ "value": "once", "session": session, "sequence": 1 });
    let first = cluster.done(leader, "PUT", "/v1/kv/once", &once);
    write_all(&cluster, leader);
    let begins = wait_for("the log to be compacted", || {
        let [begins, snapshot] = numbers(&cluster, leader, ["first", "snapshot"]);
        (snapshot as usize >= KEYS - 50).then_some(begins)
    });
    assert!(begins > 100, "the leader's log begins at {begins}");
    cluster.start(late);
    wait_for("the late one to have all", || has_all(&cluster, late));
    assert!(cluster.log(late).contains("installs a snapshot of the leader's"), "{}", cluster.log(late));
    // What clients did in their sessions is part of the state: a repetition through it is answered as the first try was.
    assert_eq!(cluster.done(late, "PUT", "/v1/kv/once", &once), first);
    assert_eq!(cluster.done(late, "GET", "/v1/kv/once", &Value::Null)["version"], first["version"]);
}

#[test]
fn members_that_are_killed_begin_with_their_snapshots() {
    let mut cluster = serving();
    write_all(&cluster, 1);
    for id in cluster.ids() {
        wait_for("the last snapshot to be the only one", || {
            let [applied, snapshot] = numbers(&cluster, id, ["applied", "snapshot"]);
            // It is told before the one before it is removed.
            let is_alone = (files(&cluster, id, ".snap"), files(&cluster, id, ".partial")) == (1, 0);
            (applied as usize > KEYS && applied - snapshot < EVERY_SO_MANY && is_alone).then_some(())
        });
    }
    cluster.ids().for_each(|id| cluster.kill(id));
    for id in cluster.ids() {
        assert_eq!((files(&cluster, id, ".snap"), files(&cluster, id, ".partial")), (1, 0), "member {id}");
    }
    cluster.start_all();
    cluster.leader();
    for id in cluster.ids() {
        wait_for("all keys", || has_all(&cluster, id));
        let [begins, snapshot] = numbers(&cluster, id, ["first", "snapshot"]);
        assert!(begins > 100 && snapshot as usize >= KEYS - 50, "member {id} begins at {begins}, snapshot {snapshot}");
    }
}

/// A power cut in the middle of writing a snapshot leaves a file that never got its name.
#[test]
fn a_snapshot_that_was_never_whole_is_told_and_removed() {
    let mut cluster = serving();
    write_all(&cluster, 1);
    wait_for("a snapshot", || (numbers(&cluster, 2, ["snapshot"])[0] as usize >= KEYS - 50).then_some(()));
    cluster.kill(2);
    fs::write(cluster.folder(2).join("0000000000009999.snap.partial"), b"raftdsnp, and no more").unwrap();
    cluster.start(2);
    wait_for("all keys", || has_all(&cluster, 2));
    assert!(cluster.log(2).contains("0000000000009999.snap.partial"), "{}", cluster.log(2));
    assert_eq!(files(&cluster, 2, ".partial"), 0);
}
