use super::hello::{Hello, Refusal};
use super::*;
use crate::core::{Body, Message};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;

const DEADLINE: Duration = Duration::from_secs(20);

fn member(id: NodeId, cluster: &str) -> Membership {
    Membership { cluster: cluster.into(), id, address: "nowhere:1".into(), founders: [1, 2, 3].into(), lease: None }
}

fn heartbeat(from: NodeId, to: NodeId, round: u64) -> Message {
    Message { from, to, term: 1, body: Body::Heartbeat { round, commit: 0 } }
}

async fn bind(address: SocketAddr) -> TcpListener {
    let start = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => assert!(start.elapsed() < DEADLINE, "{address}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn anywhere() -> (TcpListener, SocketAddr) {
    let listener = bind(([127, 0, 0, 1], 0).into()).await;
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn links(from: &Membership, to: NodeId, address: SocketAddr) -> Links {
    let mut links = Links::new(from.clone());
    links.meet([(to, address.to_string().as_str())]);
    links
}

/// Sends rounds from member 1 to member 2 until one arrives, and returns it.
async fn deliver(links: &mut Links, messages: &mut mpsc::Receiver<Message>, first_round: u64) -> u64 {
    let start = Instant::now();
    for round in first_round.. {
        links.send(heartbeat(1, 2, round));
        let waiting = tokio::time::timeout(Duration::from_millis(20), messages.recv());
        if let Ok(Some(Message { body: Body::Heartbeat { round: heard, .. }, .. })) = waiting.await {
            return heard;
        }
        assert!(start.elapsed() < DEADLINE, "nothing arrived");
    }
    unreachable!("the deadline comes first")
}

/// Plays a peer: accepts a connection and the greeting, and reads no further.
async fn welcome(listener: &TcpListener, answer: &Result<(), Refusal>) -> (TcpStream, Hello) {
    let (mut stream, _) = tokio::time::timeout(DEADLINE, listener.accept()).await.expect("a call").unwrap();
    let (mut bytes, mut codec) = (BytesMut::new(), codec());
    let frame = loop {
        if let Some(frame) = codec.decode(&mut bytes).unwrap() {
            break frame;
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "closed before the greeting");
    };
    bytes.clear();
    outgoing::encode(answer, &mut bytes).unwrap();
    stream.write_all(&bytes).await.unwrap();
    (stream, postcard::from_bytes(&frame).unwrap())
}

/// Calls as `hello` says and returns the answer, with the connection.
async fn greet(address: SocketAddr, hello: &Hello) -> (Result<(), Refusal>, TcpStream) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = BytesMut::new();
    outgoing::encode(hello, &mut bytes).unwrap();
    stream.write_all(&bytes).await.unwrap();
    bytes.clear();
    let mut codec = codec();
    loop {
        if let Some(frame) = codec.decode(&mut bytes).unwrap() {
            return (postcard::from_bytes(&frame).unwrap(), stream);
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "closed without an answer");
    }
}

#[tokio::test]
async fn messages_arrive_once_and_in_order() {
    let (listener, address) = anywhere().await;
    let (sender, mut messages) = mpsc::channel(2000);
    let _incoming = listen(listener, member(2, "a"), Callers::default(), sender);
    let mut links = links(&member(1, "a"), 2, address);
    let first = deliver(&mut links, &mut messages, 1).await;
    assert_eq!(links.connected(), [2]);
    let rounds = first + 10_000..first + 10_500;
    rounds.clone().for_each(|round| links.send(heartbeat(1, 2, round)));
    let mut heard = Vec::new();
    while heard.len() < rounds.clone().count() {
        let message = tokio::time::timeout(DEADLINE, messages.recv()).await.expect("all arrive");
        match message.expect("the sender lives").body {
            // The knocking from before may still be on its way.
            Body::Heartbeat { round, .. } if round < rounds.start => {}
            Body::Heartbeat { round, .. } => heard.push(round),
            other => panic!("{other:?} was not sent"),
        }
    }
    assert_eq!(heard, rounds.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_peer_that_comes_back_is_called_again() {
    let (listener, address) = anywhere().await;
    let (sender, mut messages) = mpsc::channel(100);
    let incoming = listen(listener, member(2, "a"), Callers::default(), sender.clone());
    let mut links = links(&member(1, "a"), 2, address);
    let heard = deliver(&mut links, &mut messages, 1).await;
    drop(incoming);
    let start = Instant::now();
    while !links.connected().is_empty() {
        assert!(start.elapsed() < DEADLINE, "the end of the connection went unnoticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _incoming = listen(bind(address).await, member(2, "a"), Callers::default(), sender);
    assert!(deliver(&mut links, &mut messages, heard + 1000).await > heard);
}

#[tokio::test]
async fn strangers_and_the_lost_are_turned_away() {
    let (listener, address) = anywhere().await;
    let (sender, mut messages) = mpsc::channel(100);
    let _incoming = listen(listener, member(2, "a"), Callers::default(), sender);
    let other_cluster = Refusal::Cluster { wanted: "b".into(), found: "a".into() };
    for (hello, expected) in [
        (Hello::new(&member(1, "b"), 2), Err(other_cluster)),
        (Hello::new(&member(1, "a"), 3), Err(Refusal::Member { wanted: 3, found: 2 })),
        (Hello::new(&member(2, "a"), 2), Err(Refusal::Twin { from: 2 })),
        (Hello::new(&member(1, "a"), 2), Ok(())),
    ] {
        assert_eq!(greet(address, &hello).await.0, expected, "{hello:?}");
    }
    assert!(messages.try_recv().is_err());
}

#[tokio::test]
async fn who_speaks_in_the_name_of_others_is_not_heard() {
    let (listener, address) = anywhere().await;
    let (sender, mut messages) = mpsc::channel(100);
    let _incoming = listen(listener, member(2, "a"), Callers::default(), sender);
    for forged in [heartbeat(3, 2, 1), heartbeat(1, 3, 1)] {
        let (answer, mut stream) = greet(address, &Hello::new(&member(1, "a"), 2)).await;
        answer.unwrap();
        let mut bytes = BytesMut::new();
        outgoing::encode(&forged, &mut bytes).unwrap();
        outgoing::encode(&heartbeat(1, 2, 1), &mut bytes).unwrap();
        stream.write_all(&bytes).await.unwrap();
        let end = tokio::time::timeout(DEADLINE, stream.read_u8()).await.expect("the connection is closed");
        assert!(end.is_err() && messages.try_recv().is_err(), "{forged:?} was heard");
    }
}

#[tokio::test]
async fn the_newest_connection_of_a_peer_replaces_the_older_one() {
    let (listener, address) = anywhere().await;
    let (sender, _messages) = mpsc::channel(100);
    let _incoming = listen(listener, member(2, "a"), Callers::default(), sender);
    let hello = Hello::new(&member(1, "a"), 2);
    let (_, mut older) = greet(address, &hello).await;
    let (_, mut newer) = greet(address, &hello).await;
    let end = tokio::time::timeout(DEADLINE, older.read_u8()).await.expect("the older one is closed");
    assert!(end.is_err());
    let silence = tokio::time::timeout(Duration::from_millis(50), newer.read_u8()).await;
    assert!(silence.is_err(), "the newer one stays open");
}

#[tokio::test]
async fn a_connection_that_makes_no_progress_is_given_up_for_a_new_one() {
    let (listener, address) = anywhere().await;
    let mut links = links(&member(1, "a"), 2, address);
    let (first, hello) = welcome(&listener, &Ok(())).await;
    assert_eq!(hello, Hello::new(&member(1, "a"), 2));
    // Nobody reads `first`, so what is sent there piles up until there is no room.
    let large = || {
        let bytes = vec![0; 500_000];
        let ticket = crate::types::Ticket { origin: 1, incarnation: 1, number: 1 };
        Message { from: 1, to: 2, term: 1, body: Body::Propose { ticket, bytes } }
    };
    let stuffing = async {
        loop {
            links.send(large());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = stuffing => {}
        (_second, hello) = welcome(&listener, &Ok(())) => assert_eq!(hello.from, 1),
    }
    drop(first);
}

/// A peer that lets members in and then always hangs up (it does not understand them, say) is not stormed with calls.
#[tokio::test]
async fn a_link_that_is_always_lost_at_once_calls_ever_more_rarely() {
    let (listener, address) = anywhere().await;
    let _links = links(&member(1, "a"), 2, address);
    let mut calls = 0;
    let counting = async {
        loop {
            drop(welcome(&listener, &Ok(())).await);
            calls += 1;
        }
    };
    assert!(tokio::time::timeout(Duration::from_millis(500), counting).await.is_err());
    assert!((1..15).contains(&calls), "{calls} calls within half a second");
}

#[tokio::test]
async fn a_link_that_is_refused_keeps_asking() {
    let (listener, address) = anywhere().await;
    let links = links(&member(1, "a"), 2, address);
    for _ in 0..3 {
        welcome(&listener, &Err(Refusal::Twin { from: 1 })).await;
        assert_eq!(links.connected(), [] as [NodeId; 0]);
    }
}

/// Member 2 knows nobody: it learns where member 1 is reached when that calls, and answers there.
#[tokio::test]
async fn who_calls_is_answered_though_it_is_no_member() {
    let (first, first_address) = anywhere().await;
    let (second, second_address) = anywhere().await;
    let (to_first, mut heard_by_first) = mpsc::channel(100);
    let (to_second, mut heard_by_second) = mpsc::channel(100);
    let known = |id, address: SocketAddr, founders: &[NodeId]| {
        let founders = founders.iter().copied().collect();
        Membership { address: address.to_string(), founders, ..member(id, "a") }
    };
    let (one, two) = (known(1, first_address, &[1]), known(2, second_address, &[]));
    let _first = listen(first, one.clone(), Callers::default(), to_first);
    let mut from_second = Links::new(two.clone());
    let _second = listen(second, two, from_second.callers(), to_second);
    from_second.send(heartbeat(2, 1, 1));
    let mut from_first = links(&one, 2, second_address);
    deliver(&mut from_first, &mut heard_by_second, 1).await;
    let start = Instant::now();
    while heard_by_first.try_recv().is_err() {
        assert!(start.elapsed() < DEADLINE, "nothing came back");
        from_second.send(heartbeat(2, 1, 2));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What waited for somebody who is left is sent, then the connection ends.
#[tokio::test]
async fn who_is_left_gets_what_waited_and_then_no_more() {
    let (listener, address) = anywhere().await;
    let (sender, mut messages) = mpsc::channel(100);
    let _incoming = listen(listener, member(2, "a"), Callers::default(), sender);
    let mut links = links(&member(1, "a"), 2, address);
    let first = deliver(&mut links, &mut messages, 1).await;
    links.send(heartbeat(1, 2, first + 1000));
    links.part(&BTreeSet::from([3]));
    links.send(heartbeat(1, 2, first + 2000));
    let start = Instant::now();
    while !links.connected().is_empty() {
        assert!(start.elapsed() < DEADLINE, "the connection does not end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut last = first;
    while last != first + 1000 {
        let message = tokio::time::timeout(DEADLINE, messages.recv()).await.expect("what waited is sent").unwrap();
        let Body::Heartbeat { round, .. } = message.body else { panic!("{message:?} was not sent") };
        last = round;
    }
    let more = tokio::time::timeout(Duration::from_millis(100), messages.recv()).await;
    assert!(more.is_err(), "{more:?} came behind it");
}
