//! Figures, and limits.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// What `/metrics` says: each name with its labels, and the value.
fn metrics(cluster: &Cluster, id: usize) -> BTreeMap<String, f64> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.client_port(id))).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nhost: test\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("200 OK") && head.contains("text/plain; version=0.0.4"), "{head}");
    let figures = body.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let typed = name.split('{').next().unwrap();
        let typed = ["_bucket", "_sum", "_count"].iter().find_map(|end| typed.strip_suffix(end)).unwrap_or(typed);
        assert!(body.contains(&format!("# TYPE {typed} ")) || typed == "raftd_peer", "{line} has no type");
        (name.to_owned(), value.parse().unwrap())
    });
    figures.collect()
}

#[test]
fn the_figures_tell_what_happens() {
    let mut cluster = Cluster::new(3, &["--snapshot-entries", "10"]);
    cluster.start_all();
    let leader = cluster.leader();
    let before = metrics(&cluster, leader);
    for number in 0..20 {
        cluster.done(leader, "PUT", "/v1/kv/x", &json!({ "value": number.to_string() }));
    }
    cluster.done(leader, "GET", "/v1/kv/x", &Value::Null);
    assert_eq!(cluster.ask(leader, "PUT", "/v1/kv/x", &json!({})).unwrap().status, 400);
    let after = wait_for("all to be counted", || {
        let now = metrics(&cluster, leader);
        let peers = cluster.ids().filter(|id| *id != leader);
        let matched = peers.map(|id| now[&format!("raftd_peer_match_index{{peer=\"{id}\"}}")]);
        let mut known = matched.chain([now["raftd_commit_index"]]);
        let is_there = known.all(|index| index >= 21.0) && now["raftd_snapshot_index"] >= 10.0;
        is_there.then_some(now)
    });
    let grew = |name: &str| after[name] - before.get(name).copied().unwrap_or(0.0);
    assert_eq!(after["raftd_role{role=\"leader\"}"], 1.0);
    assert_eq!(after["raftd_leader"], leader as f64);
    assert!(after["raftd_term"] >= 1.0 && after["raftd_commit_index"] >= 21.0, "{after:?}");
    assert!(grew("raftd_proposal_seconds_count") >= 20.0 && grew("raftd_proposal_seconds_sum") > 0.0);
    assert!(grew("raftd_fsync_seconds_count") >= 1.0 && grew("raftd_read_seconds_count") >= 1.0);
    assert!(grew("raftd_snapshot_write_seconds_count") >= 1.0 && after["raftd_snapshot_bytes"] > 0.0);
    assert_eq!(grew("raftd_requests_total{status=\"400\"}"), 1.0);
    assert!(grew("raftd_requests_total{status=\"200\"}") >= 21.0);
    assert_eq!(after["raftd_fsync_seconds_bucket{le=\"+Inf\"}"], after["raftd_fsync_seconds_count"]);
    let status = cluster.status(leader).unwrap();
    assert_eq!(status["peers"].as_array().map(Vec::len), Some(2), "{status}");
    let follower = metrics(&cluster, leader % 3 + 1);
    assert_eq!((follower["raftd_role{role=\"leader\"}"], follower["raftd_role{role=\"follower\"}"]), (0.0, 1.0));
}

#[test]
fn what_is_too_much_is_refused_with_what_to_do() {
    let mut cluster = Cluster::new(1, &["--max-body-bytes", "2000"]);
    cluster.start(1);
    cluster.done(1, "PUT", "/v1/kv/x", &json!({ "value": "v".repeat(1000) }));
    let answer = cluster.ask(1, "PUT", "/v1/kv/x", &json!({ "value": "v".repeat(3000) })).unwrap();
    assert_eq!((answer.status, &answer.body["done"]), (413, &json!("no")), "{}", answer.body);
    assert!(answer.body["error"].as_str().unwrap().contains("--max-body-bytes"), "{}", answer.body);
}
