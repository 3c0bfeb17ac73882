//! Who leads, on request.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};

#[test]
fn the_leader_hands_over_to_whom_it_is_told() {
    let cluster = Cluster::serving();
    for _ in 0..3 {
        let leader = cluster.leader();
        let next = leader % 3 + 1;
        // On a slow machine it may give up, as its page says, and is asked again.
        wait_for("the other to lead", || {
            let answer = cluster.ask(leader, "POST", "/v1/transfer", &json!({ "to": next })).unwrap();
            let taken_on = (answer.status, &answer.body) == (200, &json!({ "to": next }));
            assert!(taken_on || answer.status == 409, "{}", answer.body);
            (cluster.leader() == next).then_some(())
        });
        // Nothing is lost on the way, and the new one takes on what it is asked.
        let value = json!({ "value": next.to_string() });
        cluster.done(next, "PUT", "/v1/kv/x", &value);
        assert_eq!(cluster.done(leader, "GET", "/v1/kv/x", &Value::Null)["value"], value["value"]);
    }
}

#[test]
fn only_the_leader_hands_over_and_only_to_another_member() {
    let cluster = Cluster::serving();
    let leader = cluster.leader();
    let other = leader % 3 + 1;
    for (asked, to) in [(other, leader), (leader, leader), (leader, 4)] {
        let answer = cluster.ask(asked, "POST", "/v1/transfer", &json!({ "to": to })).unwrap();
        assert_eq!((answer.status, &answer.body["done"]), (409, &json!("no")), "{asked} to {to}: {}", answer.body);
    }
    assert_eq!(cluster.leader(), leader);
}
