//! Every way in which a call can end badly, provoked on real servers.

use crate::proxy::Proxy;
use crate::stage::{SESSION_TIMEOUT, Stage, ask, call, client, ends, ok, options, soon, told, until};
use squall_results::{Call, Reply};
use squall_targets::zookeeper::client::{ClientOptions, ZookeeperClient};
use squall_targets::zookeeper::code::Code;
use squall_targets::zookeeper::request::{ANY_VERSION, Mode, Request};
use squall_targets::zookeeper::session::{Session, SessionError};
use std::sync::mpsc;
use std::time::Duration;

const READ: Call = Call::Read { key: 1 };

const fn write(value: i64) -> Call {
    Call::Write { key: 1, value }
}

async fn value(client: &mut ZookeeperClient) -> Option<i64> {
    match ok(call(client, READ).await) {
        Reply::Read { value, .. } => value,
        other => panic!("{other:?}"),
    }
}

pub async fn refused() {
    let stage = Stage::up().await;
    stage.deployment.kill("n2").await.unwrap();
    for asked in [READ, write(1)] {
        ends(&call(&mut stage.client("n2"), asked).await, "fail refused", "refused");
    }
    // The node served again: the same client is spent, a new one is not.
    let mut spent = stage.client("n2");
    ends(&call(&mut spent, READ).await, "fail refused", "refused");
    stage.deployment.start("n2").await.unwrap();
    stage.deployment.await_agreement(crate::stage::PATIENCE).await.unwrap();
    ends(&call(&mut spent, READ).await, "fail lost", "over");
    ok(call(&mut stage.client("n2"), READ).await);
    stage.down().await;
}

/// The connection is reset while a request is on its way there, or its answer on its way back. Nobody can tell which, and the
/// client makes no second connection.
pub async fn reset() {
    let stage = Stage::up().await;
    let mut witness = stage.client("n1");
    ok(call(&mut witness, write(1)).await);
    for (arrives, asked, expected, after) in
        [(false, write(2), "unknown lost", 1), (true, write(3), "unknown lost", 3), (true, READ, "fail lost", 3)]
    {
        let proxy = Proxy::open(stage.address("n2")).await;
        let mut client = client(proxy.address);
        ok(call(&mut client, Call::Write { key: 2, value: 0 }).await);
        // From now on nothing comes back, and perhaps nothing goes there.
        let (requests, answers) = (proxy.requests.arrived(), proxy.answers.passed());
        let gate = if arrives { &proxy.answers } else { &proxy.requests };
        gate.close();
        let cut = async {
            if arrives {
                until("the answer is on its way", async || proxy.answers.arrived() > answers).await;
            } else {
                until("the request is on its way", async || proxy.requests.arrived() > requests).await;
            }
            proxy.cut();
        };
        let (ended, ()) = tokio::join!(call(&mut client, asked.clone()), cut);
        ends(&ended, expected, "the connection broke");
        assert_eq!(value(&mut witness).await, Some(after), "{asked}, arrives: {arrives}");
        for asked in [READ, write(9)] {
            ends(&call(&mut client, asked).await, "fail lost", "over");
        }
        assert_eq!(proxy.connections(), 1, "a session is one connection");
        assert_eq!(value(&mut witness).await, Some(after));
    }
    // Cut between two calls: the second one was not sent.
    let proxy = Proxy::open(stage.address("n2")).await;
    let mut idle = client(proxy.address);
    ok(call(&mut idle, READ).await);
    let sent = proxy.requests.arrived();
    proxy.cut();
    let ended = call(&mut idle, write(7)).await;
    assert!(matches!(told(&ended).0, "fail lost" | "unknown lost"), "{ended:?}");
    assert_eq!((proxy.connections(), proxy.requests.arrived()), (1, sent), "{ended:?}");
    assert_eq!(value(&mut witness).await, Some(3));
    stage.down().await;
}

pub async fn time_out() {
    let stage = Stage::up().await;
    let (_, [node, _]) = stage.parts().await;
    let hasty = || {
        let call_timeout = Duration::from_millis(300);
        ZookeeperClient::new(ClientOptions { call_timeout, ..options(stage.address(&node)) })
    };
    let open = async || {
        let mut client = stage.client(&node);
        ok(call(&mut client, write(1)).await);
        client
    };
    drop(open().await);
    let mut hasty_ones = [(hasty(), READ, "fail lost"), (hasty(), write(2), "unknown lost")];
    for (client, _, _) in &mut hasty_ones {
        // A machine that is busy may not answer in time; then another session is tried.
        until("it has a session", async || {
            let ended = call(client, Call::Cas { key: 9, expect: Some(0), value: 0 }).await;
            let kept = told(&ended).0 == "fail kept";
            if !kept {
                *client = hasty();
            }
            kept
        })
        .await;
    }
    stage.deployment.pause(&node).await.unwrap();
    for (client, asked, expected) in &mut hasty_ones {
        let ended = call(client, asked.clone()).await;
        ends(&ended, expected, "no answer in time");
        ends(&call(client, READ).await, "fail lost", "over");
    }
    // The kernel takes the connection of a server that stands still; nobody answers it.
    ends(&call(&mut hasty(), write(3)).await, "fail refused", "no session in time");
    stage.deployment.resume(&node).await.unwrap();
    stage.down().await;
}

pub async fn no_leader() {
    let stage = Stage::up().await;
    let (leader, [node, other]) = stage.parts().await;
    let mut client = stage.client(&node);
    ok(call(&mut client, write(1)).await);
    stage.deployment.kill(&other).await.unwrap();
    stage.deployment.pause(&leader).await.unwrap();
    // The request waits for the leader until the server gives up following it, and its clients with it.
    let killed = async { stage.deployment.kill(&leader).await.unwrap() };
    let (ended, _) = tokio::join!(call(&mut client, write(2)), killed);
    assert!(matches!(told(&ended).0, "unknown lost" | "fail lost"), "{ended:?}");
    for asked in [READ, write(3)] {
        let ended = call(&mut stage.client(&node), asked).await;
        ends(&ended, "fail refused", "");
    }
    let status = stage.deployment.statuses().await;
    assert!(status.iter().all(|status| status.as_ref().map_or(true, |status| status.leader.is_none())), "{status:?}");
    stage.down().await;
}

/// The leader takes a request and is killed before it answers. Whether the write takes place is the next leader's affair; all
/// that come later see the same.
pub async fn leader_change() {
    let stage = Stage::up().await;
    let (leader, [node, other]) = stage.parts().await;
    let proxy = Proxy::open(stage.address(&node)).await;
    let mut client = client(proxy.address);
    ok(call(&mut client, write(1)).await);
    stage.deployment.pause(&leader).await.unwrap();
    let sent = proxy.requests.passed();
    let change = async {
        until("the request is sent", async || proxy.requests.passed() > sent).await;
        stage.deployment.kill(&leader).await.unwrap();
    };
    let (ended, ()) = tokio::join!(call(&mut client, write(2)), change);
    ends(&ended, "unknown lost", "the connection broke");
    until("another leads", async || stage.deployment.leader().await.is_some_and(|now| now != leader)).await;
    let mut seen = Vec::new();
    for node in [&node, &other] {
        let mut reader = None;
        until("the node serves", async || {
            let ended = call(reader.insert(stage.client(node)), READ).await;
            if let squall_results::Outcome::Ok(reply) = &ended.outcome {
                seen.push(reply.clone());
            }
            ended.outcome.is_ok()
        })
        .await;
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(proxy.connections(), 1);
    stage.down().await;
}

/// Sessions that end at the servers while the client still has its connection.
pub async fn expired() {
    let stage = Stage::up().await;
    let mut witness = stage.client("n1");
    ok(call(&mut witness, write(1)).await);
    let set = || Request::SetData { path: "/squall/r1".into(), data: b"2".into(), version: ANY_VERSION };
    // Taken over through another server: the request is refused as one of a session that moved, by a code or without a word.
    let first = stage.session("n1").await;
    let second = Session::take_over(stage.address("n2"), SESSION_TIMEOUT, soon(), first.credentials()).await.unwrap();
    match ask(&first, set()).await {
        Err(SessionError::Code(Code(-118)) | SessionError::Broken(_)) => {}
        other => panic!("{other:?}"),
    }
    drop((first, second));
    // Its process stands still for longer than the session lives.
    let (address, timeout) = (stage.address("n2"), Duration::from_secs(1));
    let ((tell, mut told), (go_on, wait)) = (tokio::sync::mpsc::unbounded_channel(), mpsc::channel::<()>());
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let session = runtime.block_on(async {
            let session = Session::open(address, timeout, soon()).await.unwrap();
            let path = "/squall/alive".into();
            ask(&session, Request::Create { path, data: Vec::new(), mode: Mode::Ephemeral }).await.unwrap();
            session
        });
        tell.send(()).unwrap();
        wait.recv().unwrap();
        runtime.block_on(async {
            let first = ask(&session, set()).await;
            (first, ask(&session, set()).await)
        })
    });
    told.recv().await.unwrap();
    let session = stage.session("n1").await;
    until("the session has expired", async || {
        let asked = ask(&session, Request::Exists { path: "/squall/alive".into(), watch: false }).await;
        matches!(asked, Err(SessionError::Code(Code::NO_NODE)))
    })
    .await;
    go_on.send(()).unwrap();
    let (first, second) = process.join().unwrap();
    // Whether the end of the connection or the request is seen first is chance.
    assert!(matches!(first, Err(SessionError::ClosedBefore | SessionError::Broken(_))), "{first:?}");
    assert!(matches!(second, Err(SessionError::ClosedBefore)), "{second:?}");
    assert_eq!(value(&mut witness).await, Some(1));
    stage.down().await;
}

/// A session that nobody wants any more ends at once, not when it expires.
pub async fn politely_closed() {
    let stage = Stage::up().await;
    ok(call(&mut stage.client("n1"), write(1)).await);
    let proxy = Proxy::open(stage.address("n2")).await;
    let session = Session::open(proxy.address, SESSION_TIMEOUT, soon()).await.unwrap();
    let path = "/squall/alive".to_owned();
    ask(&session, Request::Create { path: path.clone(), data: Vec::new(), mode: Mode::Ephemeral }).await.unwrap();
    let mut watcher = stage.session("n3").await;
    until("the other server knows the node", async || {
        ask(&watcher, Request::Exists { path: path.clone(), watch: true }).await.is_ok()
    })
    .await;
    let dropped = tokio::time::Instant::now();
    drop(session);
    let event = watcher.event().await.expect("the node vanishes");
    assert_eq!((event.kind, event.path), (2, path));
    assert!(dropped.elapsed() < watcher.timeout() / 2, "it did not expire: {:?}", dropped.elapsed());
    stage.down().await;
}
