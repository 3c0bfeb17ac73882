//! What clients ask of a healthy cluster.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::net::{Ipv4Addr, TcpStream};

fn value(value: &str) -> Value {
    json!({ "value": value })
}

#[test]
fn every_member_writes_and_every_member_reads_it() {
    let cluster = Cluster::serving();
    let mut last = 0;
    for writer in cluster.ids() {
        let written = cluster.done(writer, "PUT", "/v1/kv/x", &value(&format!("from {writer}")));
        let version = written["version"].as_u64().unwrap();
        assert!(version > last, "{written} after {last}");
        last = version;
        for reader in cluster.ids() {
            let expected = json!({ "value": format!("from {writer}"), "version": version });
            assert_eq!(cluster.done(reader, "GET", "/v1/kv/x", &Value::Null), expected, "through {reader}");
        }
    }
    let absent = cluster.done(2, "GET", "/v1/kv/no%2Fwhere", &Value::Null);
    assert_eq!(absent, json!({ "value": null, "version": 0 }));
}

/// The changes carry a serial number: what is in doubt can be asked again without harm.
#[test]
fn compare_and_set_and_sets_answer_as_documented() {
    let cluster = Cluster::serving();
    let session = cluster.done(1, "POST", "/v1/sessions", &Value::Null)["session"].clone();
    let mut sequence = 0;
    let mut change = |id: usize, path: &str, mut body: Value| {
        sequence += 1;
        body["session"] = session.clone();
        body["sequence"] = sequence.into();
        cluster.done(id, "POST", path, &body)
    };
    let swapped = change(1, "/v1/kv/x/cas", json!({ "expect": null, "value": "a" }));
    let version = &swapped["version"];
    assert_eq!(swapped, json!({ "swapped": true, "version": version }));
    let refused = change(2, "/v1/kv/x/cas", json!({ "expect": null, "value": "b" }));
    assert_eq!(refused, json!({ "swapped": false, "value": "a", "version": version }));
    assert_eq!(change(3, "/v1/kv/x/cas", json!({ "expect": "a", "value": "b" }))["swapped"], json!(true));

    let added = change(1, "/v1/sets/s/add", json!({ "element": "2" }));
    assert_eq!(added["added"], json!(true));
    assert_eq!(change(2, "/v1/sets/s/add", json!({ "element": "1" }))["added"], json!(true));
    let again = change(3, "/v1/sets/s/add", json!({ "element": "2" }));
    let seen = cluster.done(3, "GET", "/v1/sets/s", &Value::Null);
    assert_eq!(again, json!({ "added": false, "version": seen["version"] }));
    assert_eq!(seen["elements"], json!(["1", "2"]));
}

#[test]
fn a_transaction_commits_as_a_whole_or_not_at_all() {
    let cluster = Cluster::serving();
    let x = cluster.done(1, "PUT", "/v1/kv/x", &value("10"))["version"].clone();
    let session = cluster.done(1, "POST", "/v1/sessions", &Value::Null)["session"].clone();
    let mut transfer = json!({
        "conditions": [{ "key": "x", "version": x }, { "key": "y", "version": 0 }],
        "operations": [{ "write": { "key": "x", "value": "7" } }, { "write": { "key": "y", "value": "3" } },
            { "read": { "key": "x" } }, { "delete": { "key": "z" } }],
        "session": session, "sequence": 1,
    });
    let committed = cluster.done(2, "POST", "/v1/txn", &transfer);
    let version = &committed["results"][0]["write"]["version"];
    let results = json!([
        { "write": { "key": "x", "version": version } }, { "write": { "key": "y", "version": version } },
        { "read": { "key": "x", "value": "7", "version": version } }, { "delete": { "key": "z", "existed": false } },
    ]);
    assert_eq!(committed, json!({ "committed": true, "results": results }));

    transfer["sequence"] = 2.into();
    assert_eq!(cluster.done(3, "POST", "/v1/txn", &transfer), json!({ "committed": false, "results": [] }));
    let both = json!({ "operations": [{ "read": { "key": "x" } }, { "read": { "key": "y" } }] });
    let read = |key: &str, value: &str| json!({ "read": { "key": key, "value": value, "version": version } });
    let snapshot = json!({ "committed": true, "results": [read("x", "7"), read("y", "3")] });
    assert_eq!(cluster.done(1, "POST", "/v1/txn", &both), snapshot);
}

#[test]
fn a_retry_within_a_session_is_applied_once_through_whatever_member() {
    let cluster = Cluster::serving();
    let session = cluster.done(2, "POST", "/v1/sessions", &Value::Null)["session"].clone();
    let first = json!({ "value": "once", "session": session, "sequence": 1 });
    let written = cluster.done(1, "PUT", "/v1/kv/x", &first);
    let between = cluster.done(2, "PUT", "/v1/kv/x", &value("between"));
    assert_eq!(cluster.done(3, "PUT", "/v1/kv/x", &first), written);
    assert_eq!(cluster.done(1, "GET", "/v1/kv/x", &Value::Null)["version"], between["version"]);

    cluster.done(1, "PUT", "/v1/kv/x", &json!({ "value": "next", "session": session, "sequence": 2 }));
    for (body, status, done) in [
        (first, 409, "unknown"),
        (json!({ "value": "other", "session": session, "sequence": 2 }), 409, "no"),
        (json!({ "value": "x", "session": 1_000_000, "sequence": 1 }), 410, "unknown"),
    ] {
        let answer = cluster.ask(1, "PUT", "/v1/kv/x", &body).unwrap();
        assert_eq!((answer.status, answer.body["done"].as_str()), (status, Some(done)), "{body}: {}", answer.body);
    }
}

/// What is read locally is never older than what was written through the same member; and the member asks nobody.
#[test]
fn a_local_read_sees_the_writes_of_its_member_without_the_others() {
    let mut cluster = Cluster::serving();
    let leader = cluster.leader();
    let asked = cluster.ids().find(|id| *id != leader).unwrap();
    let mut last = Value::Null;
    for number in 0..100 {
        let written = cluster.done(asked, "PUT", "/v1/kv/x", &value(&number.to_string()));
        let seen = cluster.ask(asked, "GET", "/v1/kv/x?local=true", &Value::Null).unwrap();
        last = json!({ "value": number.to_string(), "version": written["version"] });
        assert_eq!((seen.status, &seen.body), (200, &last));
    }
    cluster.done(asked, "POST", "/v1/sets/s/add", &json!({ "element": "1" }));
    let reads = json!({ "operations": [{ "read": { "key": "x" } }] });
    cluster.ids().filter(|id| *id != asked).for_each(|id| cluster.kill(id));
    for (method, path, body) in [("GET", "/v1/kv/x", &Value::Null), ("POST", "/v1/txn", &reads)] {
        let seen = cluster.ask(asked, method, path, body).unwrap();
        assert!(matches!(seen.status, 503 | 504), "without the others nobody knows what is new: {}", seen.body);
    }
    let local = |method: &str, path: &str, body: &Value| cluster.ask(asked, method, path, body).unwrap().body;
    assert_eq!(local("GET", "/v1/kv/x?local=true", &Value::Null), last);
    assert_eq!(local("GET", "/v1/sets/s?local=true", &Value::Null)["elements"], json!(["1"]));
    let read = json!({ "read": { "key": "x", "value": last["value"], "version": last["version"] } });
    assert_eq!(local("POST", "/v1/txn?local=true", &reads), json!({ "committed": true, "results": [read] }));
}

/// A client behind a cut network never says goodbye. Its connection must not stay open for ever: there is only so much
/// room for them. The kernel asks it now and then; here we look whether the timer for that runs.
#[test]
fn clients_that_vanish_are_noticed() {
    let mut cluster = Cluster::new(1, &[]);
    cluster.start(1);
    wait_for("a status", || cluster.status(1));
    let idle = TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.client_port(1))).unwrap();
    let (server, client) = (cluster.client_port(1), idle.local_addr().unwrap().port());
    wait_for("the connection's keep-alive timer", || {
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|fields| {
            fields[1].ends_with(&format!(":{server:04X}")) && fields[2].ends_with(&format!(":{client:04X}"))
        });
        line?[5].starts_with("02:").then_some(())
    });
}
