//! What must be right before a server serves.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Starts member `id` in the folder of member `of`, and waits for its end: the exit code and what it said.
fn fails_in(cluster: &Cluster, id: usize, of: usize) -> (Option<i32>, String) {
    fails(cluster, id, &cluster.folder(of))
}

/// The same in any folder.
fn fails(cluster: &Cluster, id: usize, folder: &Path) -> (Option<i32>, String) {
    let mut child = cluster.command(id, folder).spawn().unwrap();
    let status = wait_for("the server to give up", || child.try_wait().unwrap());
    (status.code(), cluster.log(id))
}

/// Two majorities of different sets of members need not meet, so what both decide may differ.
#[test]
fn the_folder_of_a_cluster_with_other_members_is_refused() {
    let mut alone = Cluster::new(1, &[]);
    alone.start(1);
    wait_for("a status", || alone.status(1));
    alone.kill(1);
    let (code, log) = fails(&Cluster::new(3, &[]), 1, &alone.folder(1));
    let reason = "belongs to member 1 of cluster `tests` (of 1), not to member 1 of cluster `tests` (of 1, 2, 3)";
    assert_eq!((code, log.contains(reason)), (Some(1), true), "{log}");
}

#[test]
fn the_folder_of_another_member_is_refused() {
    let mut cluster = Cluster::new(3, &[]);
    cluster.start(1);
    wait_for("member 1 to serve", || cluster.status(1));
    let (code, log) = fails_in(&cluster, 2, 1);
    assert_eq!((code, log.contains("in use by another process")), (Some(1), true), "{log}");
    cluster.kill(1);
    let (code, log) = fails_in(&cluster, 2, 1);
    let reason = "belongs to member 1 of cluster `tests` (of 1, 2, 3), not to member 2 of cluster `tests` (of 1, 2, 3)";
    assert_eq!((code, log.contains(reason)), (Some(1), true), "{log}");
}

#[test]
fn a_corrupt_log_is_refused_and_a_torn_one_repaired() {
    let mut cluster = Cluster::new(1, &[]);
    cluster.start(1);
    for number in 0..20 {
        cluster.done(1, "PUT", &format!("/v1/kv/k{number}"), &json!({ "value": "v" }));
    }
    cluster.kill(1);
    let segment = cluster.folder(1).join("0000000000000001.wal");
    let good = fs::read(&segment).unwrap();

    let mut corrupt = good.clone();
    corrupt[good.len() / 2] ^= 4;
    fs::write(&segment, &corrupt).unwrap();
    let (code, log) = fails_in(&cluster, 1, 1);
    assert_eq!((code, log.contains("corrupt log: `0000000000000001.wal` at offset")), (Some(1), true), "{log}");
    assert!(log.contains("leave this member down"), "{log}");

    let torn = [&good[..], &good[36..50]].concat();
    fs::write(&segment, torn).unwrap();
    cluster.start(1);
    assert_eq!(cluster.done(1, "GET", "/v1/kv/k19", &Value::Null)["value"], json!("v"));
    let repair = format!("repaired the log: cut 14 bytes off `0000000000000001.wal` at offset {}", good.len());
    assert!(cluster.log(1).contains(&repair), "{}", cluster.log(1));
}

#[test]
fn a_planted_bug_is_shouted_and_shown() {
    let mut cluster = Cluster::new(1, &["--bug", "stale-read"]);
    cluster.start(1);
    let status = wait_for("a status", || cluster.status(1));
    assert_eq!(status["bug"], json!("stale-read"));
    assert!(cluster.log(1).contains("PLANTED BUG stale-read: this server is wrong on purpose"), "{}", cluster.log(1));
}

#[test]
fn arguments_that_make_no_sense_are_explained() {
    for (more, reason) in [
        (vec!["--bug", "nonsense"], "no planted bug is called `nonsense`; there are: stale-read, vote-before-fsync, "),
        (vec!["--bug", "stale-read", "--bug", "two-votes"], "cannot be used multiple times"),
        (vec!["--frobnicate"], "unexpected argument '--frobnicate'"),
        (vec!["--heartbeat-ms", "300"], "is less than twice --heartbeat-ms"),
        (vec!["--heartbeat-ms", "1"], "1 is not in 10..=60000"),
        (vec!["--log", "loud"], "invalid value 'loud' for '--log <LEVEL>'"),
    ] {
        let cluster = Cluster::new(1, &more);
        let (code, log) = fails_in(&cluster, 1, 1);
        assert_eq!((code, log.contains(reason)), (Some(2), true), "{more:?}: {log}");
    }
}
