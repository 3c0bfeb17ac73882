//! What a server does not take on, it refuses at once, and never does.

use crate::cluster::{Cluster, wait_for};
use crate::http::Answer;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

/// Refused with this status, with the promise that nothing was done, and with the advice to ask again.
#[track_caller]
fn check_refused(answer: &Answer, status: u16, why: &str) {
    let done = answer.body["done"].as_str();
    assert_eq!((answer.status, done, answer.asks_again), (status, Some("no"), true), "{}", answer.body);
    assert!(answer.body["error"].as_str().is_some_and(|error| error.contains(why)), "{}", answer.body);
}

#[test]
fn more_bytes_than_may_be_open_are_refused() {
    let mut cluster = Cluster::new(1, &["--max-open-bytes", "1048576", "--max-body-bytes", "4194304"]);
    cluster.start(1);
    let written = cluster.done(1, "PUT", "/v1/kv/x", &json!({ "value": "small" }));
    let large = json!({ "value": "v".repeat(2 << 20) });
    check_refused(&cluster.ask(1, "PUT", "/v1/kv/x", &large).unwrap(), 429, "too many bytes");
    let seen = cluster.done(1, "GET", "/v1/kv/x", &Value::Null);
    assert_eq!(seen, json!({ "value": "small", "version": written["version"] }));
}

/// Several ask at the same time, where one may: all are answered, and exactly what was taken on is done.
#[test]
fn more_requests_than_may_be_open_are_refused() {
    let mut cluster = Cluster::new(1, &["--max-open-requests", "1"]);
    cluster.start(1);
    cluster.done(1, "POST", "/v1/sets/s/add", &json!({ "element": "first" }));
    let (added, refused) = (Mutex::new(BTreeSet::from(["first".to_owned()])), Mutex::new(BTreeSet::new()));
    wait_for("somebody to be refused", || {
        let round = added.lock().unwrap().len() + refused.lock().unwrap().len();
        thread::scope(|scope| {
            for number in 0..8 {
                let (cluster, added, refused) = (&cluster, &added, &refused);
                scope.spawn(move || {
                    let element = format!("{round}.{number}");
                    let answer = cluster.ask(1, "POST", "/v1/sets/s/add", &json!({ "element": element })).unwrap();
                    match answer.status {
                        200 => added.lock().unwrap().insert(element),
                        _ => {
                            check_refused(&answer, 429, "too many requests");
                            refused.lock().unwrap().insert(element)
                        }
                    }
                });
            }
        });
        (!refused.lock().unwrap().is_empty()).then_some(())
    });
    let seen = cluster.done(1, "GET", "/v1/sets/s", &Value::Null);
    assert_eq!(seen["elements"], json!(added.into_inner().unwrap()));
}

#[test]
fn without_a_leader_nothing_is_taken_on() {
    let mut cluster = Cluster::new(3, &[]);
    cluster.start(1);
    wait_for("a status", || cluster.status(1));
    let refused = |cluster: &Cluster, value: &str| {
        let body = json!({ "value": value });
        check_refused(&cluster.ask(1, "PUT", "/v1/kv/x", &body).unwrap(), 503, "no leader");
        check_refused(&cluster.ask(1, "GET", "/v1/kv/x", &Value::Null).unwrap(), 503, "no leader");
    };
    refused(&cluster, "before there is one");
    cluster.start(2);
    cluster.start(3);
    cluster.leader();
    let absent = json!({ "value": null, "version": 0 });
    assert_eq!(cluster.done(1, "GET", "/v1/kv/x", &Value::Null), absent);
    // Whoever led: alone it leads no longer.
    cluster.kill(2);
    cluster.kill(3);
    wait_for("the one that is left to know no leader", || cluster.status(1)?["leader"].is_null().then_some(()));
    refused(&cluster, "after it was lost");
    cluster.start(2);
    assert_eq!(cluster.done(1, "GET", "/v1/kv/x", &Value::Null), absent);
}
