//! Leases and locks of clients.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};

const LOCK: &str = "/v1/locks/l";

fn grant(cluster: &Cluster, id: usize, ttl_ms: u64) -> u64 {
    let granted = cluster.done(id, "POST", "/v1/leases", &json!({ "ttl_ms": ttl_ms }));
    assert_eq!(granted["ttl_ms"], json!(ttl_ms));
    granted["lease"].as_u64().unwrap()
}

fn acquire(cluster: &Cluster, id: usize, lease: u64) -> Value {
    cluster.done(id, "POST", "/v1/locks/l/acquire", &json!({ "lease": lease }))
}

fn token(acquired: &Value) -> u64 {
    assert_eq!(acquired["acquired"], json!(true), "{acquired}");
    acquired["token"].as_u64().unwrap()
}

#[test]
fn a_lock_has_one_holder_whose_token_guards_its_writes() {
    let cluster = Cluster::serving();
    let (one, other) = (grant(&cluster, 1, 60_000), grant(&cluster, 2, 60_000));
    let first = token(&acquire(&cluster, 1, one));
    assert_eq!(token(&acquire(&cluster, 2, one)), first, "asked again, it is the same holding");
    let held = acquire(&cluster, 3, other);
    assert_eq!(held, json!({ "acquired": false, "reason": "held", "lease": one, "token": first }));
    assert_eq!(cluster.done(3, "GET", LOCK, &Value::Null), json!({ "lease": one, "token": first }));
    let guarded = |token: u64| json!({ "value": "1", "fence": { "lock": "l", "token": token } });
    cluster.done(2, "PUT", "/v1/kv/x", &guarded(first));
    assert_eq!(cluster.done(2, "POST", "/v1/locks/l/release", &json!({ "token": first }))["released"], json!(true));
    let second = token(&acquire(&cluster, 3, other));
    assert!(second > first);
    for (method, path, body) in [
        ("PUT", "/v1/kv/x", guarded(first)),
        ("POST", "/v1/kv/x/cas", json!({ "expect": "1", "value": "2", "fence": { "lock": "l", "token": first } })),
        ("POST", "/v1/sets/s/add", json!({ "element": "2", "fence": { "lock": "l", "token": first } })),
        ("POST", "/v1/txn", json!({ "operations": [], "fence": { "lock": "l", "token": first } })),
        ("PUT", "/v1/kv/x", json!({ "value": "2", "fence": { "lock": "other", "token": second } })),
    ] {
        let answer = cluster.ask(1, method, path, &body).unwrap();
        assert_eq!((answer.status, &answer.body["done"]), (412, &json!("no")), "{body}: {}", answer.body);
    }
    assert_eq!(cluster.done(1, "GET", "/v1/kv/x", &Value::Null)["value"], json!("1"));
    cluster.done(1, "PUT", "/v1/kv/x", &guarded(second));
}

#[test]
fn a_lease_ends_by_itself_unless_it_is_kept_alive() {
    let cluster = Cluster::serving();
    let (kept, left) = (grant(&cluster, 1, 400), grant(&cluster, 2, 400));
    token(&acquire(&cluster, 3, left));
    let keep = |lease: u64| cluster.done(3, "POST", &format!("/v1/leases/{lease}/keep-alive"), &Value::Null);
    // The one that nobody keeps alive ends, and frees its lock, while the other one lasts.
    let next = wait_for("the lock", || {
        assert_eq!(keep(kept)["kept"], json!(true));
        let acquired = acquire(&cluster, 1, kept);
        (acquired["acquired"] == json!(true)).then_some(acquired)
    });
    token(&next);
    assert_eq!(keep(left), json!({ "kept": false }));
    assert_eq!(acquire(&cluster, 1, left), json!({ "acquired": false, "reason": "no such lease" }));
    assert_eq!(cluster.done(2, "DELETE", &format!("/v1/leases/{kept}"), &Value::Null), json!({ "revoked": true }));
    assert_eq!(cluster.done(2, "DELETE", &format!("/v1/leases/{kept}"), &Value::Null), json!({ "revoked": false }));
    assert_eq!(cluster.done(3, "GET", LOCK, &Value::Null), json!({ "lease": null, "token": 0 }));
}

/// The next leader gives every lease its time again, and then ends it all the same.
#[test]
fn leases_and_locks_outlive_the_leader_and_a_start_of_everybody() {
    let mut cluster = Cluster::new(3, &["--snapshot-entries", "5"]);
    cluster.start_all();
    let leader = cluster.leader();
    let (lasting, short) = (grant(&cluster, 1, 600_000), grant(&cluster, 1, 1500));
    let held = token(&acquire(&cluster, 2, lasting));
    cluster.kill(leader);
    let asked = leader % 3 + 1;
    let lock = json!({ "lease": lasting, "token": held });
    assert_eq!(cluster.done(asked, "GET", LOCK, &Value::Null), lock);
    for number in 0..20 {
        cluster.done(asked, "PUT", "/v1/kv/x", &json!({ "value": number.to_string() }));
    }
    cluster.start(leader);
    wait_for("a snapshot", || cluster.status(asked).filter(|status| status["snapshot"].as_u64() > Some(0)));
    cluster.ids().for_each(|id| cluster.kill(id));
    cluster.start_all();
    assert_eq!(cluster.done(leader, "GET", LOCK, &Value::Null), lock);
    let lease = |id: usize, lease: u64| cluster.done(id, "GET", &format!("/v1/leases/{lease}"), &Value::Null);
    assert_eq!(lease(asked, lasting), json!({ "ttl_ms": 600_000, "locks": ["l"] }));
    wait_for("the end of the short one", || lease(leader, short)["ttl_ms"].is_null().then_some(()));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut cluster = Cluster::new(1, &[]);
    cluster.start(1);
    cluster.leader();
    for (method, path, body) in [
        ("POST", "/v1/leases", json!({ "ttl_ms": 99 })),
        ("POST", "/v1/leases", json!({ "ttl_ms": 86_400_001 })),
        ("POST", "/v1/leases", json!({})),
        ("POST", "/v1/leases/x/keep-alive", Value::Null),
        ("POST", "/v1/locks/l/acquire", json!({})),
        ("PUT", "/v1/kv/x", json!({ "value": "1", "fence": { "lock": "", "token": 1 } })),
    ] {
        let answer = cluster.ask(1, method, path, &body).unwrap();
        assert_eq!((answer.status, &answer.body["done"]), (400, &json!("no")), "{path} {body}: {}", answer.body);
    }
}
