//! Members that come and go.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};

/// Asks member `through` to add member `id`, until it is done.
fn add(cluster: &Cluster, through: usize, id: usize) {
    let body = json!({ "id": id, "address": cluster.address(id) });
    wait_for("a member to be added", || {
        let answer = cluster.ask(through, "POST", "/v1/members", &body).ok()?;
        match answer.status {
            200 => Some(()),
            // In doubt before, and done.
            409 if roles(cluster, through).iter().any(|(member, _)| *member == id) => Some(()),
            409 | 503 | 504 => None,
            status => panic!("{status} {}", answer.body),
        }
    });
}

/// Asks member `through` to remove member `id`, until it is done.
fn remove(cluster: &Cluster, through: usize, id: usize) {
    wait_for("a member to be removed", || {
        let answer = cluster.ask(through, "DELETE", &format!("/v1/members/{id}"), &Value::Null).ok()?;
        match answer.status {
            200 | 404 => Some(()),
            409 | 503 | 504 => None,
            status => panic!("{status} {}", answer.body),
        }
    });
}

/// The members as member `id` knows them, with their roles.
fn roles(cluster: &Cluster, id: usize) -> Vec<(usize, String)> {
    let Ok(answer) = cluster.ask(id, "GET", "/v1/members", &Value::Null) else { return Vec::new() };
    let members = answer.body["members"].as_array().cloned().unwrap_or_default();
    let role = |member: &Value| Some((member["id"].as_u64()? as usize, member["role"].as_str()?.to_owned()));
    members.iter().filter_map(role).collect()
}

/// Waits until all of these know that they, and nobody else, are the voters.
fn wait_for_voters(cluster: &Cluster, voters: &[usize]) {
    let expected: Vec<(usize, String)> = voters.iter().map(|id| (*id, "voter".to_owned())).collect();
    wait_for(&format!("{voters:?} to be the voters"), || {
        voters.iter().all(|id| roles(cluster, *id) == expected).then_some(())
    });
}

fn write(cluster: &Cluster, through: usize, key: &str) {
    cluster.done(through, "PUT", &format!("/v1/kv/{key}"), &json!({ "value": key }));
}

/// What a member knows by itself.
fn has(cluster: &Cluster, id: usize, key: &str) -> Option<()> {
    let answer = cluster.ask(id, "GET", &format!("/v1/kv/{key}?local=true"), &Value::Null).ok()?;
    (answer.body["value"] == json!(key)).then_some(())
}

#[test]
fn a_dead_member_is_replaced_by_a_new_one() {
    let mut cluster = Cluster::serving();
    write(&cluster, 1, "before");
    let dead = cluster.leader();
    let alive: Vec<usize> = cluster.ids().filter(|id| *id != dead).collect();
    cluster.kill(dead);
    let new = cluster.more_room();
    cluster.start(new);
    wait_for("a new leader", || cluster.status(alive[0])?["leader"].as_u64().filter(|id| *id != dead as u64));
    add(&cluster, alive[0], new);
    remove(&cluster, alive[1], dead);
    let voters = [alive[0], alive[1], new];
    wait_for_voters(&cluster, &voters);
    wait_for("the new one to have what was before", || has(&cluster, new, "before"));
    // It counts: without one of the others it still is a majority with the last one.
    cluster.kill(alive[0]);
    write(&cluster, new, "after");
    wait_for("the other one to have it", || has(&cluster, alive[1], "after"));
    // Who belongs to the cluster is known after a restart, and where they are.
    cluster.kill(alive[1]);
    cluster.kill(new);
    cluster.start(new);
    cluster.start(alive[1]);
    write(&cluster, new, "again");
    assert_eq!(roles(&cluster, new).len(), 3, "{:?}", roles(&cluster, new));
}

#[test]
fn one_member_grows_to_three_by_snapshots_and_shrinks_again() {
    let mut cluster = Cluster::new(1, &["--snapshot-entries", "20"]);
    cluster.start(1);
    (0..60).for_each(|number| write(&cluster, 1, &format!("k{number}")));
    for _ in 0..2 {
        let new = cluster.more_room();
        cluster.start(new);
        add(&cluster, 1, new);
        wait_for_voters(&cluster, &(1..=new).collect::<Vec<_>>());
        wait_for("the new one to have all", || has(&cluster, new, "k0"));
        assert!(cluster.log(new).contains("installs a snapshot of the leader's"), "{}", cluster.log(new));
    }
    let members = wait_for("the last change to be known as committed", || {
        let members = cluster.ask(2, "GET", "/v1/members", &Value::Null).ok()?.body;
        (members["committed"] == json!(true)).then_some(members)
    });
    assert_eq!(members["members"][2]["address"], json!(cluster.address(3)));
    // The leader removes itself: it steps down when that is committed, and another one leads.
    let leader = cluster.leader();
    let rest: Vec<usize> = (1..=3).filter(|id| *id != leader).collect();
    remove(&cluster, leader, leader);
    wait_for_voters(&cluster, &rest);
    wait_for("another leader", || {
        let leads = cluster.status(rest[0])?["leader"].as_u64()? as usize;
        rest.contains(&leads).then_some(())
    });
    write(&cluster, rest[0], "without");
    assert!(cluster.log(leader).contains("stepped down: it was removed"), "{}", cluster.log(leader));
    let answer = wait_for("the removed one to know", || {
        cluster.ask(leader, "PUT", "/v1/kv/x", &json!({ "value": "v" })).ok().filter(|answer| answer.status == 503)
    });
    assert_eq!(answer.body["done"], json!("no"));
    // One is left in the end.
    remove(&cluster, rest[0], rest[1]);
    write(&cluster, rest[0], "alone");
    let answer = cluster.ask(rest[0], "DELETE", &format!("/v1/members/{}", rest[0]), &Value::Null).unwrap();
    assert_eq!((answer.status, &answer.body["done"]), (409, &json!("no")), "{}", answer.body);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let mut cluster = Cluster::new(2, &[]);
    cluster.start_all();
    let leader = cluster.leader();
    let other = 3 - leader;
    write(&cluster, leader, "x");
    let nowhere = "127.0.0.1:1";
    for (method, path, body, status, reason) in [
        ("POST", "/v1/members", json!({ "id": 0, "address": nowhere }), 400, "numbered from 1"),
        ("POST", "/v1/members", json!({ "id": 3, "address": "here" }), 400, "is not HOST:PORT"),
        ("POST", "/v1/members", json!({ "id": 1, "address": nowhere }), 409, "a member of this number already"),
        ("DELETE", "/v1/members/9", Value::Null, 404, "there is no such member"),
        ("DELETE", "/v1/members/x", Value::Null, 400, "x"),
    ] {
        // By whomever it is asked: a member that does not lead passes it on.
        for through in [leader, other] {
            let answer = cluster.ask(through, method, path, &body).unwrap();
            let told = answer.body["error"].as_str().unwrap_or_default();
            assert_eq!((answer.status, &answer.body["done"]), (status, &json!("no")), "{method} {path} {body}: {told}");
            assert!(told.contains(reason), "{told}");
        }
    }
    // A member that is not there is a learner for ever, and may go again. Its number is not given twice.
    let added = cluster.done(other, "POST", "/v1/members", &json!({ "id": 7, "address": nowhere }));
    assert_eq!((&added["added"], &added["role"]), (&json!(7), &json!("learner")));
    assert!(roles(&cluster, leader).contains(&(7, "learner".into())), "{:?}", roles(&cluster, leader));
    remove(&cluster, other, 7);
    let answer = cluster.ask(leader, "POST", "/v1/members", &json!({ "id": 7, "address": nowhere })).unwrap();
    assert_eq!((answer.status, answer.body["error"].as_str().unwrap().contains("this number")), (409, true));
}

#[test]
fn a_folder_that_joined_stays_one_that_joined() {
    let mut cluster = Cluster::new(1, &[]);
    cluster.start(1);
    let new = cluster.more_room();
    cluster.start(new);
    wait_for("a status", || cluster.status(new));
    let answer = cluster.ask(new, "PUT", "/v1/kv/x", &json!({ "value": "v" })).unwrap();
    assert_eq!((answer.status, &answer.body["done"]), (503, &json!("no")), "{}", answer.body);
    cluster.kill(new);
    let mut command = cluster.command(1, &cluster.folder(new));
    let status = wait_for("the server to give up", {
        let mut child = command.spawn().unwrap();
        move || child.try_wait().unwrap()
    });
    let reason = format!("belongs to member {new} of cluster `tests` (that joined), not to member 1");
    assert_eq!((status.code(), cluster.log(1).contains(&reason)), (Some(1), true), "{}", cluster.log(1));
}
