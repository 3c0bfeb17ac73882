//! What cannot go on must end, at once and with a reason, rather than live on by half.

use crate::cluster::{Cluster, wait_for};
use raftd::core::{Body, Message};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Sends `value` as members do: its length, then its bytes.
fn send(stream: &mut TcpStream, value: &impl serde::Serialize) {
    let bytes = postcard::to_stdvec(value).unwrap();
    stream.write_all(&u32::try_from(bytes.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&bytes).unwrap();
}

#[test]
fn a_broken_invariant_ends_the_server() {
    let mut cluster = Cluster::new(3, &[]);
    cluster.start(1);
    wait_for("a status", || cluster.status(1));
    let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.peer_port(1))).unwrap();
    let founders = [1_u64, 2, 3];
    send(&mut peer, &(6_u32, "tests", 2_u64, 1_u64, "127.0.0.1:1", founders.as_slice(), None::<(u32, u64)>));
    peer.read_exact(&mut [0; 5]).expect("the greeting is answered");
    // No leader ever says so to a member that has acknowledged nothing.
    send(&mut peer, &Message { from: 2, to: 1, term: 1_000_000, body: Body::Heartbeat { round: 1, commit: 7 } });
    let status = cluster.ended(1);
    let log = cluster.log(1);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("ERROR") && log.contains("an invariant of the member is broken"), "{log}");
    assert!(log.contains("entry 7 is said to be committed, but the log ends at 0"), "{log}");
}

#[test]
fn a_disk_that_takes_no_more_ends_the_server_and_loses_nothing() {
    let mut cluster = Cluster::new(1, &[]);
    cluster.start_on_small_disk(1, 64);
    wait_for("a status", || cluster.status(1));
    let value = "v".repeat(1000);
    let mut acknowledged = Vec::new();
    wait_for("the disk to be full", || {
        let key = format!("/v1/kv/k{}", acknowledged.len());
        match cluster.ask(1, "PUT", &key, &json!({ "value": value })) {
            Ok(answer) if answer.status == 200 => acknowledged.push(key),
            Ok(answer) if answer.body["done"] == json!("no") => {}
            Ok(_) | Err(_) => return Some(()),
        }
        (acknowledged.len() > 1000).then_some(())
    });
    let status = cluster.ended(1);
    let log = cluster.log(1);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("ERROR") && log.contains("cannot write `0000000000000001.wal`"), "{log}");
    assert!((20..1000).contains(&acknowledged.len()), "{} writes fitted", acknowledged.len());
    cluster.start(1);
    for key in acknowledged {
        assert_eq!(cluster.done(1, "GET", &key, &Value::Null)["value"], json!(value), "{key}");
    }
}

#[test]
fn an_address_in_use_is_named_with_the_argument_that_says_so() {
    for (is_for, argument) in [("clients", "--listen-client"), ("members", "--listen-peer or --peers")] {
        let mut cluster = Cluster::new(1, &[]);
        let port = if is_for == "clients" { cluster.client_port(1) } else { cluster.peer_port(1) };
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        cluster.start(1);
        let status = cluster.ended(1);
        let log = cluster.log(1);
        let reason = format!("cannot listen for {is_for} on 127.0.0.1:{port}: Address already in use");
        assert_eq!((status.code(), log.contains(&reason)), (Some(1), true), "{log}");
        assert!(log.contains(argument), "{log}");
    }
}
