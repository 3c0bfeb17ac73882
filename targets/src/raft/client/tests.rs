//! Against a real server in this process, through a proxy that loses answers.

use super::*;
use crate::client::Reads;
use raftd::server;
use raftd::types::Bug;
use squall_results::call::Version;
use squall_results::checker::linearizable::Linearizable;
use squall_results::event::{Event, Invoke, Return};
use squall_results::model::Register;
use squall_results::{Budget, Checker, History, Reply, Validity};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as Bound};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A raftd alone in its cluster.
struct Server {
    address: SocketAddr,
    _folder: TempDir,
    _tasks: JoinSet<()>,
}

async fn serve(bug: Option<Bug>) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let ports = [0, 0].map(|_| Bound::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let [peer, address] = ports.map(|bound| bound.local_addr().unwrap());
    let config = server::Config {
        id: 1,
        cluster: "tests".into(),
        peers: BTreeMap::from([(1, peer.to_string())]),
        joins: false,
        listen_client: address.to_string(),
        listen_peer: peer.to_string(),
        data: folder.path().join("data"),
        heartbeat_ms: 50,
        election_ms: 100,
        request_timeout_ms: 5000,
        batch_entries: 256,
        snapshot_entries: 10_000,
        lease_drift_percent: None,
        watch_history_bytes: 1 << 20,
        max_body_bytes: 1 << 20,
        max_open_bytes: 64 << 20,
        max_open_requests: 4096,
        seed: 1,
        incarnation: 1,
        bug,
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { server::run(config, std::future::pending()).await.unwrap() });
    let begun = Instant::now();
    // A key of its own.
    while !client(address).call(&Call::Write { key: 99, value: 0 }).await.outcome.is_ok() {
        assert!(begun.elapsed() < TIMEOUT, "it does not serve");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Server { address, _folder: folder, _tasks: tasks }
}

fn client(address: SocketAddr) -> RaftClient {
    RaftClient::new(address, TIMEOUT, Mode::ReadIndex)
}

async fn reply(client: &mut RaftClient, call: Call) -> Reply {
    match client.call(&call).await.outcome {
        Outcome::Ok(reply) => reply,
        other => panic!("{call}: {other}"),
    }
}

/// Passes connections on, one after the other and each as it is allowed to. Of the first one the answer number `lost` is
/// not passed on: the connection breaks instead, when the server has answered.
struct Proxy {
    address: SocketAddr,
    allowed: std::sync::Arc<Semaphore>,
    _tasks: JoinSet<()>,
}

async fn lose_answer(lost: usize, server: SocketAddr) -> Proxy {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let allowed = std::sync::Arc::new(Semaphore::new(1));
    let permits = allowed.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut lost = Some(lost);
        loop {
            let (mut from_client, _) = listener.accept().await.unwrap();
            permits.acquire().await.unwrap().forget();
            let mut to_server = TcpStream::connect(server).await.unwrap();
            match lost.take() {
                Some(lost) => pass_until(lost, &mut from_client, &mut to_server).await,
                // The client ends it.
                None => drop(tokio::io::copy_bidirectional(&mut from_client, &mut to_server).await),
            }
        }
    });
    Proxy { address, allowed, _tasks: tasks }
}

/// Passes requests and answers on, each of which is small and comes at once, until answer `lost` has come.
async fn pass_until(lost: usize, client: &mut TcpStream, server: &mut TcpStream) {
    let mut bytes = [0; 4096];
    for number in 0..=lost {
        let length = client.read(&mut bytes).await.unwrap();
        server.write_all(&bytes[..length]).await.unwrap();
        let length = server.read(&mut bytes).await.unwrap();
        if number < lost {
            client.write_all(&bytes[..length]).await.unwrap();
        }
    }
}

/// Operations as the harness records them.
#[derive(Default)]
struct Recorded {
    events: Vec<Event>,
}

impl Recorded {
    fn invoke(&mut self, op: u64, process: u64, call: Call) {
        let at_ns = 1 + self.events.len() as u64;
        self.events.push(Event::Invoke(Invoke { at_ns, due_ns: at_ns, op, process, node: "n1".into(), call }));
    }

    fn end(&mut self, op: u64, outcome: Outcome) {
        let at_ns = 1 + self.events.len() as u64;
        self.events.push(Event::Return(Return { at_ns, op, outcome }));
    }

    /// A call from begin to end, while nobody else makes one.
    async fn whole(&mut self, op: u64, client: &mut RaftClient, call: Call) -> Outcome {
        self.invoke(op, 1, call.clone());
        let outcome = client.call(&call).await.outcome;
        self.end(op, outcome.clone());
        outcome
    }

    fn judge(self) -> Validity {
        let history = History::from_events(self.events).unwrap();
        Linearizable::new(Register).check(&history, &Budget::default()).validity
    }
}

/// One client writes 5 and does not get the answer; another one sees the 5 and writes 6; then the first one asks again.
/// What the register holds at last, and what a checker says.
async fn written_and_asked_again(bug: Option<Bug>) -> (Outcome, Validity) {
    let server = serve(bug).await;
    // The first answer names the session.
    let proxy = lose_answer(1, server.address).await;
    let mut history = Recorded::default();
    history.invoke(0, 0, Call::Write { key: 1, value: 5 });
    let mut writer = client(proxy.address).repeating(true);
    let writing = tokio::spawn(async move { writer.call(&Call::Write { key: 1, value: 5 }).await });
    let mut other = client(server.address);
    let seen = |value, version: u64| Reply::Read { value, version: Some(Version::at(version)) };
    let begun = Instant::now();
    while reply(&mut other, Call::Read { key: 1 }).await == seen(None, 0) {
        assert!(begun.elapsed() < TIMEOUT, "the first try does not arrive");
    }
    assert!(history.whole(1, &mut other, Call::Read { key: 1 }).await.is_ok());
    assert!(history.whole(2, &mut other, Call::Write { key: 1, value: 6 }).await.is_ok());
    proxy.allowed.add_permits(1);
    let written = writing.await.unwrap();
    assert_eq!(written.session, Session::Lost, "the process ends with the connection on which it began");
    assert!(matches!(written.outcome, Outcome::Ok(Reply::Written { .. })), "{written:?}");
    history.end(0, written.outcome);
    let last = history.whole(3, &mut other, Call::Read { key: 1 }).await;
    (last, history.judge())
}

fn holds(outcome: &Outcome) -> Option<i64> {
    match outcome.reply() {
        Some(Reply::Read { value, .. }) => *value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_repeated_change_is_done_once() {
    let (last, validity) = written_and_asked_again(None).await;
    assert_eq!((holds(&last), validity), (Some(6), Validity::Valid));
}

#[tokio::test]
async fn the_bug_that_applies_it_twice_is_seen() {
    let (last, validity) = written_and_asked_again(Some(Bug::RetryTwice)).await;
    assert_eq!((holds(&last), validity), (Some(5), Validity::Invalid));
}

#[tokio::test]
async fn without_the_wish_nothing_is_repeated() {
    let server = serve(None).await;
    let proxy = lose_answer(0, server.address).await;
    proxy.allowed.add_permits(1);
    let completion = client(proxy.address).call(&Call::Write { key: 1, value: 5 }).await;
    assert!(completion.outcome.is_unknown(), "{completion:?}");
    assert_eq!(completion.session, Session::Lost);
    assert!(proxy.allowed.available_permits() == 1, "there was no second connection");
}

/// The first try is in doubt, and then nobody listens any more: it stays in doubt, until the time is over.
#[tokio::test]
async fn refused_connections_do_not_settle_a_doubt() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        let session = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"session\":7}";
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(session).await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
    });
    let timeout = Duration::from_millis(200);
    let begun = Instant::now();
    let mut client = RaftClient::new(address, timeout, Mode::ReadIndex).repeating(true);
    let completion = client.call(&Call::Write { key: 1, value: 5 }).await;
    assert!(completion.outcome.is_unknown(), "{completion:?}");
    assert_eq!(completion.session, Session::Refused, "its worker rests");
    assert!((timeout..timeout * 4).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn sets_lists_and_banks_are_served() {
    let server = serve(None).await;
    for retry in [false, true] {
        let mut client = client(server.address).repeating(retry);
        let key = u64::from(retry);
        let elements = |reply| match reply {
            Reply::Elements { elements, version: Some(version) } => (elements, version),
            other => panic!("{other:?}"),
        };
        for element in [3, 10] {
            let added = reply(&mut client, Call::Add { key, element }).await;
            let (_, version) = elements(reply(&mut client, Call::Elements { key }).await);
            assert_eq!(added, Reply::Added { version: Some(version) });
            let added = reply(&mut client, Call::AddToList { key, element }).await;
            let (_, version) = elements(reply(&mut client, Call::List { key }).await);
            assert_eq!(added, Reply::Added { version: Some(version) });
        }
        assert_eq!(
            elements(reply(&mut client, Call::Elements { key }).await).0,
            [10, 3],
            "in the order of their texts"
        );
        assert_eq!(elements(reply(&mut client, Call::List { key }).await).0, [3, 10]);

        let balances = |held: &[(u32, i64)]| Reply::Accounts { balances: held.iter().copied().collect() };
        assert_eq!(reply(&mut client, Call::Accounts { key }).await, balances(&[]));
        let transfer = |amount| Call::Transfer { key, from: 0, to: 1, amount };
        assert!(client.call(&transfer(1)).await.outcome.is_fail(), "there are no accounts");
        let open = || Call::Open { key, balances: vec![10, 0] };
        assert_eq!(reply(&mut client, open()).await, Reply::Opened);
        assert_eq!(reply(&mut client, open()).await, Reply::NotEqual);
        assert_eq!(reply(&mut client, transfer(7)).await, Reply::Transferred);
        assert_eq!(reply(&mut client, transfer(7)).await, Reply::TooLittle);
        assert_eq!(reply(&mut client, Call::Accounts { key }).await, balances(&[(0, 3), (1, 7)]));
    }
}

/// Transfers that meet on the same accounts neither make money nor lose any; those that fail did nothing.
#[tokio::test]
async fn transfers_at_once_keep_the_sum() {
    let server = serve(None).await;
    reply(&mut client(server.address), Call::Open { key: 1, balances: vec![500, 500] }).await;
    let mut movers = JoinSet::new();
    for mover in 0..8_u32 {
        let mut client = client(server.address);
        movers.spawn(async move {
            let mut moved = 0;
            for _ in 0..20 {
                let (from, to) = (mover % 2, 1 - mover % 2);
                match client.call(&Call::Transfer { key: 1, from, to, amount: 1 }).await.outcome {
                    Outcome::Ok(_) => moved += if from == 0 { 1 } else { -1 },
                    Outcome::Fail(why) => assert!(why.contains("meanwhile"), "{why}"),
                    Outcome::Unknown(why) => panic!("{why}"),
                }
            }
            moved
        });
    }
    let moved: i64 = movers.join_all().await.into_iter().sum();
    let expected = Reply::Accounts { balances: BTreeMap::from([(0, 500 - moved), (1, 500 + moved)]) };
    assert_eq!(reply(&mut client(server.address), Call::Accounts { key: 1 }).await, expected);
}

#[tokio::test]
async fn a_local_read_asks_its_member_alone() {
    let server = serve(None).await;
    let mut local = RaftClient::new(server.address, TIMEOUT, Mode::of("local", Reads::Chosen));
    reply(&mut local, Call::Open { key: 1, balances: vec![1, 2] }).await;
    reply(&mut local, Call::Write { key: 1, value: 5 }).await;
    assert_eq!(holds(&local.call(&Call::Read { key: 1 }).await.outcome), Some(5));
    let balances = BTreeMap::from([(0, 1), (1, 2)]);
    assert_eq!(reply(&mut local, Call::Accounts { key: 1 }).await, Reply::Accounts { balances });
}
