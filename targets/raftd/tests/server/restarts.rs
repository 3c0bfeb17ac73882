//! Members that are killed and come back.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[test]
fn a_killed_member_catches_up_after_its_restart() {
    let mut cluster = Cluster::serving();
    let leader = cluster.leader();
    let victim = cluster.ids().find(|id| *id != leader).unwrap();
    cluster.kill(victim);
    let mut last = Value::Null;
    for number in 0..50 {
        last = cluster.done(leader, "PUT", &format!("/v1/kv/k{number}"), &json!({ "value": "v" }))["version"].clone();
    }
    cluster.start(victim);
    wait_for("the victim to apply what it missed", || {
        (cluster.status(victim)?["applied"].as_u64() >= last.as_u64()).then_some(())
    });
    assert_eq!(cluster.done(victim, "GET", "/v1/kv/k49", &Value::Null), json!({ "value": "v", "version": last }));
    assert!(cluster.log(victim).contains("log recovered"), "{}", cluster.log(victim));
}

#[test]
fn when_the_leader_is_killed_another_one_serves_and_knows_everything() {
    let mut cluster = Cluster::serving();
    let leader = cluster.leader();
    let written = cluster.done(leader, "PUT", "/v1/kv/x", &json!({ "value": "before" }));
    cluster.kill(leader);
    let heir = cluster.leader();
    assert_ne!(heir, leader);
    for id in cluster.running() {
        let expected = json!({ "value": "before", "version": written["version"] });
        assert_eq!(cluster.done(id, "GET", "/v1/kv/x", &Value::Null), expected);
    }
    cluster.done(heir, "PUT", "/v1/kv/x", &json!({ "value": "after" }));
    cluster.start(leader);
    assert_eq!(cluster.done(leader, "GET", "/v1/kv/x", &Value::Null)["value"], json!("after"));
}

#[test]
fn what_was_acknowledged_survives_the_death_of_all_at_once() {
    let mut cluster = Cluster::serving();
    let stop = AtomicBool::new(false);
    let acknowledged = thread::scope(|scope| {
        let (cluster, stop) = (&cluster, &stop);
        let writers = cluster.ids().map(|id| {
            scope.spawn(move || {
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    let key = format!("w{id}-{number}");
                    let answer = cluster.ask(id, "PUT", &format!("/v1/kv/{key}"), &json!({ "value": key }));
                    if answer.is_ok_and(|answer| answer.status == 200) {
                        acknowledged.push(key);
                    }
                    if stop.load(Ordering::Relaxed) {
                        return acknowledged;
                    }
                }
                acknowledged
            })
        });
        let writers: Vec<_> = writers.collect();
        wait_for("some hundred writes", || (cluster.status(1)?["keys"].as_u64()? > 200).then_some(()));
        for id in cluster.ids() {
            cluster.strike(id);
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<String>>()
    });
    cluster.ids().for_each(|id| assert!(!cluster.ended(id).success()));
    assert!(acknowledged.len() > 150, "only {} writes", acknowledged.len());
    cluster.start_all();
    for (number, key) in acknowledged.iter().enumerate() {
        let found = cluster.done(1 + number % 3, "GET", &format!("/v1/kv/{key}"), &Value::Null);
        assert_eq!(found["value"], json!(key), "acknowledged and lost");
    }
}
