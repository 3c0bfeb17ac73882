//! Every way in which a call can go wrong, on real servers.

use crate::proxy::Proxy;
use crate::stage::{PATIENCE, Stage, ended, make, ok, until};
use squall_results::{Call, Reply};
use squall_targets::cluster::{CLIENTS, Link};
use std::time::Instant;

const READ: Call = Call::Read { key: 1 };

fn write(value: i64) -> Call {
    Call::Write { key: 1, value }
}

fn held(reply: &Reply) -> Option<i64> {
    match reply {
        Reply::Read { value, .. } => *value,
        other => panic!("{other} is no read"),
    }
}

pub async fn refused() {
    let stage = Stage::empty().await;
    for call in [READ, write(1), Call::AddToList { key: 1, element: 1 }] {
        ended(&stage.client("n1").call(&call).await, "fail refused", "cannot connect");
    }
}

/// The write is done, its answer is lost: nobody can know. Then the session is over, whoever calls.
pub async fn reset() {
    let stage = Stage::up().await;
    let proxy = Proxy::start(stage.address("n1"), "4711").await;
    let (mut client, mut witness) = (stage.client_through(&proxy), stage.client("n2"));
    make(&mut client, write(1)).await;
    let lost = async {
        proxy.holding().await;
        until("the write is done", async || held(&make(&mut witness, READ).await) == Some(4711)).await;
        proxy.cut();
    };
    let write_of_marker = write(4711);
    let (completion, ()) = tokio::join!(client.call(&write_of_marker), lost);
    ended(&completion, "unknown lost", "");
    proxy.release();
    for call in [READ, write(2), READ] {
        ended(&client.call(&call).await, "fail lost", "closed before the request was sent");
    }
    assert_eq!(proxy.accepted(), 1, "a client connects once");
    // A read whose answer is lost did nothing.
    let proxy = Proxy::start(stage.address("n1"), "r77").await;
    let mut client = stage.client_through(&proxy);
    let lost = async {
        proxy.holding().await;
        proxy.cut();
    };
    let (completion, ()) = tokio::join!(client.call(&Call::Read { key: 77 }), lost);
    ended(&completion, "fail lost", "");
    assert_eq!(held(&make(&mut witness, READ).await), Some(4711));
}

/// A leader that cannot commit is killed while a write is open.
pub async fn killed() {
    let stage = Stage::up().await;
    let (leader, others) = stage.roles().await;
    let proxy = Proxy::start(stage.address(&leader), "4711").await;
    let mut client = stage.client_through(&proxy);
    make(&mut client, write(1)).await;
    for other in &others {
        stage.deployment.pause(other).await.unwrap();
    }
    let kill = async {
        proxy.holding().await;
        stage.deployment.kill(&leader).await.unwrap();
        proxy.release();
    };
    let write = write(4711);
    let begun = Instant::now();
    let (completion, ()) = tokio::join!(client.call(&write), kill);
    ended(&completion, "unknown lost", "");
    assert!(begun.elapsed() < PATIENCE, "the end of the connection was seen, not waited out");
    ended(&stage.client(&leader).call(&READ).await, "fail refused", "cannot connect");
}

pub async fn time_out() {
    let stage = Stage::up().await;
    let open = async |call: Call| {
        let mut client = stage.hasty_client("n1");
        // A machine that is busy may not answer in time; then another one is tried.
        until("it has a connection", async || {
            client = stage.hasty_client("n1");
            client.call(&call).await.outcome.is_ok()
        })
        .await;
        client
    };
    let (mut old, mut reader) = (open(write(1)).await, open(READ).await);
    stage.deployment.pause("n1").await.unwrap();
    ended(&old.call(&write(2)).await, "unknown lost", "no answer within 500 ms");
    ended(&reader.call(&READ).await, "fail lost", "no answer within 500 ms");
    // The kernel takes new connections in the name of a server that stands still.
    let list = Call::AddToList { key: 1, element: 1 };
    ended(&stage.hasty_client("n1").call(&list).await, "fail lost", "no answer within 500 ms");
    ended(&stage.hasty_client("n1").call(&write(3)).await, "unknown lost", "no answer within 500 ms");
    // Two of three serve on, and the third comes back.
    until("the others serve", async || stage.hasty_client("n2").call(&write(4)).await.outcome.is_ok()).await;
    stage.deployment.resume("n1").await.unwrap();
    stage.deployment.await_agreement(PATIENCE).await.unwrap();
    make(&mut stage.client("n1"), READ).await;
}

/// What is asked takes effect, and who asked cannot know. The controller hears the server as ever.
pub async fn unheard() {
    let stage = Stage::up().await;
    let mut client = stage.hasty_client("n1");
    make(&mut client, write(1)).await;
    let answers = [Link { from: "n1".into(), to: CLIENTS.into() }];
    stage.deployment.cut(&answers).await.unwrap();
    ended(&client.call(&write(2)).await, "unknown lost", "no answer within 500 ms");
    ended(&stage.hasty_client("n1").call(&write(3)).await, "fail refused", "");
    stage.deployment.status(stage.node("n1")).await.unwrap();
    let mut witness = stage.client("n2");
    until("the write is done", async || held(&make(&mut witness, READ).await) == Some(2)).await;
    stage.deployment.heal(&answers).await.unwrap();
    assert_eq!(held(&make(&mut stage.client("n1"), READ).await), Some(2));
}

pub async fn no_leader() {
    let stage = Stage::up().await;
    let (leader, [one, other]) = stage.roles().await;
    make(&mut stage.client(&one), write(1)).await;
    let mut client = stage.client(&one);
    until("it is there too", async || held(&make(&mut stage.local_client(&one), READ).await) == Some(1)).await;
    stage.deployment.kill(&leader).await.unwrap();
    stage.deployment.kill(&other).await.unwrap();
    let knows_none = async || stage.deployment.status(stage.node(&one)).await.unwrap().leader.is_none();
    until("the last one knows that nobody leads", knows_none).await;
    for call in [READ, write(2), Call::AddToList { key: 1, element: 1 }] {
        ended(&client.call(&call).await, "fail kept", "etcdserver: no leader");
    }
    let mut connection = stage.connection(&one).await;
    let refused = connection.lease_grant(60).await.unwrap_err();
    assert_eq!(refused.to_string(), "etcdserver: no leader");
    // What it has it tells to those who are content with that.
    assert_eq!(held(&ok(stage.local_client(&one).call(&READ).await)), Some(1));
    stage.deployment.start(&other).await.unwrap();
    let mut again = stage.client(&other);
    until("two of three serve", async || {
        again = stage.client(&other);
        again.call(&READ).await.outcome.is_ok()
    })
    .await;
    assert_eq!(held(&make(&mut again, READ).await), Some(1), "what failed was not done");
}

/// The leader takes a write, cannot commit it, and hears that another leads meanwhile. The write never happens, but as it
/// might have, the answer is doubt; reads that wait for the old leader fail.
pub async fn leader_change() {
    let stage = Stage::up().await;
    let (leader, others) = stage.roles().await;
    let mut writer = stage.client(&leader);
    let mut reader = stage.client(&leader);
    make(&mut writer, write(1)).await;
    make(&mut reader, READ).await;
    let link = |from: &str, to: &str| Link { from: from.into(), to: to.into() };
    let links: Vec<_> = others.iter().flat_map(|other| [link(&leader, other), link(other, &leader)]).collect();
    stage.deployment.cut(&links).await.unwrap();
    let elect = async {
        let leads =
            async |node: &str| stage.deployment.status(stage.node(node)).await.ok().and_then(|status| status.leader);
        until("another leads", async || leads(&others[0]).await.is_some_and(|name| name != leader)).await;
        make(&mut stage.client(&others[0]), write(3)).await;
        stage.deployment.heal(&links).await.unwrap();
    };
    let write = write(2);
    let (written, read, ()) = tokio::join!(writer.call(&write), reader.call(&READ), elect);
    ended(&written, "unknown kept", "etcdserver: request timed out");
    ended(&read, "fail kept", "etcdserver: leader changed");
    assert_eq!(held(&make(&mut reader, READ).await), Some(3));
}
