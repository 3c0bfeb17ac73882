//! Watching what changes.

use crate::cluster::{Cluster, wait_for};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// An answer that does not end, line by line.
struct Watch {
    lines: Lines<BufReader<TcpStream>>,
}

impl Watch {
    /// Watches through a member, and gives the status too.
    fn begin(cluster: &Cluster, id: usize, query: &str) -> (String, Watch) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.client_port(id))).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // By the older version the body comes as it is, and ends with the connection.
        stream.write_all(format!("GET /v1/watch{query} HTTP/1.0\r\nhost: test\r\n\r\n").as_bytes()).unwrap();
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next().unwrap().unwrap();
        while !lines.next().unwrap().unwrap().is_empty() {}
        (status.split(' ').nth(1).unwrap().to_owned(), Watch { lines })
    }

    /// From here on; `query` begins with `?` unless it is empty.
    fn of(cluster: &Cluster, id: usize, query: &str) -> Watch {
        let (status, mut watch) = Watch::begin(cluster, id, query);
        assert_eq!(status, "200");
        assert!(watch.next().unwrap()["progress"].is_u64(), "the first line says where it begins");
        watch
    }

    fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// The next line that is more than progress.
    fn news(&mut self) -> Value {
        loop {
            let line = self.next().expect("it goes on");
            if line.get("progress").is_none() || line.get("error").is_some() {
                return line;
            }
        }
    }
}

fn write(cluster: &Cluster, id: usize, key: &str, value: &str) -> u64 {
    let written = cluster.done(id, "PUT", &format!("/v1/kv/{key}"), &json!({ "value": value }));
    written["version"].as_u64().unwrap()
}

#[test]
fn every_change_is_told_once_in_order_and_goes_on_at_another_member() {
    let mut cluster = Cluster::serving();
    let leader = cluster.leader();
    let mut watch = Watch::of(&cluster, leader, "");
    let (mut written, mut told) = (Vec::new(), Vec::new());
    for number in 0..30 {
        written.push(write(&cluster, number % 3 + 1, "x", &number.to_string()));
    }
    for number in 0..20 {
        let line = watch.news();
        assert_eq!(line["events"], json!([{ "put": { "key": "x", "value": number.to_string() } }]));
        told.push(line["revision"].as_u64().unwrap());
    }
    // The member is gone, and the next one goes on where it was left.
    cluster.kill(leader);
    let other = leader % 3 + 1;
    let mut watch = Watch::of(&cluster, other, &format!("?from={}", told.last().unwrap() + 1));
    for number in 30..40 {
        written.push(write(&cluster, other, "x", &number.to_string()));
    }
    while told.len() < 40 {
        told.push(watch.news()["revision"].as_u64().unwrap());
    }
    assert_eq!(told, written);
}

#[test]
fn a_transaction_is_told_as_a_whole_and_what_is_not_asked_for_is_not() {
    let cluster = Cluster::serving();
    let (mut all, mut one) = (Watch::of(&cluster, 1, ""), Watch::of(&cluster, 2, "?name=a1"));
    let mut some = Watch::of(&cluster, 3, "?prefix=a");
    write(&cluster, 1, "b", "1");
    let operations = json!([{ "write": { "key": "a1", "value": "2" } }, { "write": { "key": "a2", "value": "3" } },
        { "delete": { "key": "b" } }, { "delete": { "key": "c" } }]);
    cluster.done(1, "POST", "/v1/txn", &json!({ "operations": operations }));
    cluster.done(1, "POST", "/v1/sets/a1/add", &json!({ "element": "4" }));
    let put = |key: &str, value: &str| json!({ "put": { "key": key, "value": value } });
    let add = json!({ "add": { "set": "a1", "element": "4" } });
    assert_eq!(all.news()["events"], json!([put("b", "1")]));
    assert_eq!(all.news()["events"], json!([put("a1", "2"), put("a2", "3"), { "delete": { "key": "b" } }]));
    assert_eq!(all.news()["events"], json!([add]));
    assert_eq!(some.news()["events"], json!([put("a1", "2"), put("a2", "3")]));
    assert_eq!(some.news()["events"], json!([add]));
    assert_eq!(one.news()["events"], json!([put("a1", "2")]));
    assert_eq!(one.news()["events"], json!([add]));
}

#[test]
fn what_is_not_kept_any_more_is_said_with_where_one_can_go_on() {
    let mut cluster = Cluster::new(1, &["--watch-history-bytes", "2000"]);
    cluster.start(1);
    let written: Vec<u64> = (0..100).map(|number| write(&cluster, 1, "x", &number.to_string())).collect();
    let (status, mut gone) = Watch::begin(&cluster, 1, "?from=1");
    let gone = gone.next().unwrap();
    assert_eq!((status.as_str(), &gone["done"]), ("410", &json!("no")), "{gone}");
    let oldest = gone["oldest"].as_u64().unwrap();
    assert!((2..=written[99]).contains(&oldest), "{gone}");
    let mut watch = Watch::of(&cluster, 1, &format!("?from={oldest}"));
    assert_eq!(watch.news()["revision"], json!(oldest));
    assert_eq!(Watch::begin(&cluster, 1, &format!("?from={}", oldest - 1)).0, "410");
}

/// The server keeps a megabyte for its watchers; the rest of what this one does not read is in the buffers of its connection.
#[test]
fn a_reader_that_is_too_slow_is_cut_off_with_a_word() {
    let mut cluster = Cluster::new(1, &["--watch-history-bytes", "1000000"]);
    cluster.start(1);
    write(&cluster, 1, "x", "0");
    let mut watch = Watch::of(&cluster, 1, "");
    let large = "v".repeat(500_000);
    let written: Vec<u64> = (0..60).map(|_| write(&cluster, 1, "x", &large)).collect();
    let mut told = Vec::new();
    let end = loop {
        let line = watch.news();
        match line["revision"].as_u64() {
            Some(revision) => told.push(revision),
            None => break line,
        }
    };
    assert!(end["error"].as_str().unwrap().contains("too slow"), "{end}");
    assert!(told.len() < written.len() && written.starts_with(&told), "{told:?} of {written:?}");
    assert_eq!(watch.next(), None, "that was the last line");
}

#[test]
fn who_watches_hears_of_the_end_of_the_server() {
    let mut cluster = Cluster::serving();
    let mut watch = Watch::of(&cluster, 1, "");
    cluster.terminate(1);
    assert!(watch.news()["error"].as_str().unwrap().contains("the server stops"));
    assert!(cluster.ended(1).success());
}

/// It cannot tell what it did not see one by one.
#[test]
fn a_member_that_caught_up_by_a_snapshot_says_what_it_lacks() {
    let mut cluster = Cluster::new(3, &["--snapshot-entries", "10"]);
    cluster.start_all();
    let leader = cluster.leader();
    let away = leader % 3 + 1;
    let first = write(&cluster, leader, "x", "first");
    cluster.kill(away);
    for number in 0..60 {
        write(&cluster, leader, "x", &number.to_string());
    }
    cluster.start(away);
    let last = write(&cluster, away, "x", "last");
    wait_for("the snapshot", || cluster.status(away).filter(|status| status["snapshot"].as_u64() > Some(first)));
    let (status, mut gone) = Watch::begin(&cluster, away, &format!("?from={first}"));
    let gone = gone.next().unwrap();
    assert_eq!(status, "410", "{gone}");
    let oldest = gone["oldest"].as_u64().unwrap();
    assert!(oldest > first && oldest <= last, "{gone}");
}
