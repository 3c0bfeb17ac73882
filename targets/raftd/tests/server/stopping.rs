//! No leader, no majority, no more: what clients are told when things end.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn without_a_leader_nothing_is_done_and_the_status_still_answers() {
    let mut cluster = Cluster::new(3, &[]);
    cluster.start(1);
    let status = wait_for("a status", || cluster.status(1));
    let members: Vec<&Value> = status["members"].as_array().unwrap().iter().map(|member| &member["id"]).collect();
    assert_eq!((&status["leader"], members), (&Value::Null, vec![&json!(1), &json!(2), &json!(3)]));
    for (method, path, body) in [
        ("PUT", "/v1/kv/x", json!({ "value": "v" })),
        ("GET", "/v1/kv/x", Value::Null),
        ("POST", "/v1/sessions", Value::Null),
    ] {
        let answer = cluster.ask(1, method, path, &body).unwrap();
        assert_eq!((answer.status, &answer.body["done"]), (503, &json!("no")), "{method}: {}", answer.body);
    }
    cluster.start(2);
    cluster.leader();
    assert_eq!(cluster.done(1, "GET", "/v1/kv/x", &Value::Null), json!({ "value": null, "version": 0 }));
}

#[test]
fn without_a_majority_a_write_is_in_doubt_and_a_read_is_not() {
    let mut cluster = Cluster::new(3, &["--request-timeout-ms", "300"]);
    cluster.start_all();
    let leader = cluster.leader();
    cluster.ids().filter(|id| *id != leader).for_each(|id| cluster.kill(id));
    let write = cluster.ask(leader, "PUT", "/v1/kv/x", &json!({ "value": "v" })).unwrap();
    assert_eq!((write.status, &write.body["done"]), (504, &json!("unknown")), "{}", write.body);
    let read = cluster.ask(leader, "GET", "/v1/kv/x", &Value::Null).unwrap();
    assert_eq!((read.status, &read.body["done"]), (504, &json!("no")), "{}", read.body);
}

#[test]
fn a_server_that_is_told_to_stop_answers_what_is_in_flight_and_ends_well() {
    let mut cluster = Cluster::serving();
    let leader = cluster.leader();
    cluster.ids().filter(|id| *id != leader).for_each(|id| cluster.kill(id));
    let start = Instant::now();
    let answer = thread::scope(|scope| {
        let write = scope.spawn(|| cluster.ask(leader, "PUT", "/v1/kv/x", &json!({ "value": "v" })));
        wait_for("the write to be in flight", || {
            (cluster.status(leader)?["open_requests"].as_u64()? > 0).then_some(())
        });
        cluster.terminate(leader);
        write.join().unwrap()
    });
    let answer = answer.unwrap();
    assert_eq!((answer.status, &answer.body["done"]), (504, &json!("unknown")), "{}", answer.body);
    assert!(answer.body["error"].as_str().unwrap().contains("stopping"), "{}", answer.body);
    assert!(cluster.ended(leader).success(), "{}", cluster.log(leader));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert!(cluster.log(leader).contains("stopped"), "{}", cluster.log(leader));
}
