//! Reads by the leader's lease.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};

const LEASES: [&str; 2] = ["--lease-drift-percent", "5"];

fn lease_left_ms(cluster: &Cluster, id: usize) -> u64 {
    cluster.status(id).and_then(|status| status["lease_left_ms"].as_u64()).unwrap_or(0)
}

#[test]
fn the_leader_has_a_lease_and_every_member_reads_by_it() {
    let mut cluster = Cluster::new(3, &LEASES);
    cluster.start_all();
    let leader = cluster.leader();
    wait_for("a lease", || (lease_left_ms(&cluster, leader) > 0).then_some(()));
    for writer in cluster.ids() {
        let written = cluster.done(writer, "PUT", "/v1/kv/x", &json!({ "value": writer.to_string() }));
        cluster.done(writer, "POST", "/v1/sets/s/add", &json!({ "element": writer.to_string() }));
        for reader in cluster.ids() {
            let expected = json!({ "value": writer.to_string(), "version": written["version"] });
            assert_eq!(cluster.done(reader, "GET", "/v1/kv/x?lease=true", &Value::Null), expected, "through {reader}");
            let set = cluster.done(reader, "GET", "/v1/sets/s?lease=true", &Value::Null);
            assert_eq!(set["elements"].as_array().map(Vec::len), Some(writer), "{set}");
        }
    }
}

/// Nobody is left to confirm the leader. Its lease ends by itself, and with it its answers.
#[test]
fn a_leader_that_is_alone_answers_until_its_lease_ends() {
    let mut cluster = Cluster::new(3, &LEASES);
    cluster.start_all();
    cluster.done(1, "PUT", "/v1/kv/x", &json!({ "value": "1" }));
    let leader = cluster.leader();
    wait_for("a lease", || (lease_left_ms(&cluster, leader) > 0).then_some(()));
    cluster.ids().filter(|id| *id != leader).for_each(|id| cluster.kill(id));
    wait_for("the lease to end", || (lease_left_ms(&cluster, leader) == 0).then_some(()));
    let answer = cluster.ask(leader, "GET", "/v1/kv/x?lease=true", &Value::Null).unwrap();
    assert!(matches!(answer.status, 503 | 504), "{}", answer.body);
}

#[test]
fn without_leases_nobody_reads_by_them() {
    let cluster = Cluster::serving();
    let answer = cluster.ask(1, "GET", "/v1/kv/x?lease=true", &Value::Null).unwrap();
    assert_eq!((answer.status, &answer.body["done"]), (400, &json!("no")), "{}", answer.body);
}

/// A lease of one must be one to all.
#[test]
fn members_that_trust_clocks_otherwise_refuse_each_other() {
    let mut cluster = Cluster::new(2, &LEASES);
    cluster.start(1);
    cluster.flags(&["--lease-drift-percent", "7"]);
    cluster.start(2);
    wait_for("a refusal", || {
        let told = "--lease-drift-percent 7 --election-ms 400, here it is --lease-drift-percent 5 --election-ms 400";
        (cluster.log(1) + &cluster.log(2)).contains(told).then_some(())
    });
    assert_eq!(cluster.status(1).unwrap()["leader"], Value::Null);
}
