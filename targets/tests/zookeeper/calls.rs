//! Every call on servers that are well.

use crate::proxy::Proxy;
use crate::stage::{Stage, ask, call, client, ends, ok, until};
use crate::transactions::transactions;
use squall_results::call::{Key, ListStep, Value, Version};
use squall_results::{Call, Reply};
use squall_targets::zookeeper::client::ZookeeperClient;
use squall_targets::zookeeper::request::{Answer, Request};
use std::collections::BTreeMap;

const READ: Call = Call::Read { key: 1 };

const fn cas(expect: Option<i64>, value: i64) -> Call {
    Call::Cas { key: 1, expect, value }
}

fn written(reply: Reply) -> Version {
    match reply {
        Reply::Written { version: Some(version) } | Reply::Added { version: Some(version) } => version,
        other => panic!("{other:?} tells no version"),
    }
}

fn append(key: Key, element: Value) -> Call {
    Call::ListTransaction { steps: vec![ListStep::Append { key, element }] }
}

fn accounts(balances: &[(u32, i64)]) -> Reply {
    Reply::Accounts { balances: balances.iter().copied().collect() }
}

pub async fn replies() {
    let stage = Stage::up().await;
    let (_, [one, other]) = stage.parts().await;
    let (mut one, mut other) = (stage.client(&one), stage.client(&other));
    registers(&mut one, &mut other).await;
    sets_and_lists(&mut one, &mut other).await;
    bank(&mut one, &mut other).await;
    for (change, reply) in transactions() {
        assert_eq!(ok(call(&mut one, change.clone()).await), reply, "{change}");
        std::mem::swap(&mut one, &mut other);
    }
    let version = stage.deployment.target().version(&stage.deployment.nodes()[0]).await.unwrap();
    assert!(version.starts_with("ZooKeeper 3."), "{version}");
    stage.down().await;
}

async fn registers(one: &mut ZookeeperClient, other: &mut ZookeeperClient) {
    let read = |value, version| Reply::Read { value, version: Some(version) };
    assert_eq!(ok(call(one, READ).await), read(None, Version::at(0)));
    ends(&call(one, cas(Some(7), 8)).await, "fail kept", "seemed to hold nil");
    let first = written(ok(call(one, Call::Write { key: 1, value: 5 }).await));
    assert_eq!(first.edits, Some(1));
    assert_eq!(ok(call(other, READ).await), read(Some(5), first));
    let second = written(ok(call(other, cas(Some(5), 6)).await));
    assert!(second.order > first.order && second.edits == Some(2), "{first:?} {second:?}");
    assert_eq!(ok(call(one, READ).await), read(Some(6), second));
    ends(&call(one, cas(Some(5), 7)).await, "fail kept", "seemed to hold 6");
    ends(&call(one, cas(None, 7)).await, "fail kept", "holds a value");
    let third = written(ok(call(one, Call::Write { key: 1, value: 9 }).await));
    assert!(third.order > second.order && third.edits == Some(3), "{second:?} {third:?}");
    let made = written(ok(call(one, Call::Cas { key: 2, expect: None, value: 1 }).await));
    assert!(made.order > third.order && made.edits == Some(1), "{third:?} {made:?}");
    // The key of the barrier, which no other call uses.
    ok(call(one, Call::Write { key: u64::MAX, value: 0 }).await);
}

async fn sets_and_lists(one: &mut ZookeeperClient, other: &mut ZookeeperClient) {
    type Make = fn(i64) -> Call;
    let cases: [(Make, Call); 2] = [
        (|element| Call::Add { key: 1, element }, Call::Elements { key: 1 }),
        (|element| Call::AddToList { key: 1, element }, Call::List { key: 1 }),
    ];
    for (add, all) in cases {
        let read = |elements, version| Reply::Elements { elements, version: Some(version) };
        assert_eq!(ok(call(other, all.clone()).await), read(vec![], Version::at(0)));
        let first = written(ok(call(one, add(30)).await));
        let second = written(ok(call(one, add(40)).await));
        assert!(second.order > first.order);
        assert_eq!(ok(call(other, all).await), read(vec![30, 40], second));
    }
    // It is there, and stays there.
    assert_eq!(ok(call(one, Call::Add { key: 1, element: 30 }).await), Reply::Added { version: None });
}

async fn bank(one: &mut ZookeeperClient, other: &mut ZookeeperClient) {
    let open = || Call::Open { key: 1, balances: vec![10, 0, 5] };
    let transfer = |from, to, amount| Call::Transfer { key: 1, from, to, amount };
    let read = || Call::Accounts { key: 1 };
    assert_eq!(ok(call(one, read()).await), accounts(&[]));
    ends(&call(one, transfer(0, 1, 1)).await, "fail kept", "missing");
    assert_eq!(ok(call(one, open()).await), Reply::Opened);
    assert_eq!(ok(call(other, open()).await), Reply::NotEqual);
    assert_eq!(ok(call(other, read()).await), accounts(&[(0, 10), (1, 0), (2, 5)]));
    assert_eq!(ok(call(one, transfer(0, 1, 4)).await), Reply::Transferred);
    assert_eq!(ok(call(one, transfer(0, 1, 7)).await), Reply::TooLittle);
    assert_eq!(ok(call(one, transfer(2, 2, 5)).await), Reply::Transferred);
    assert_eq!(ok(call(one, transfer(2, 2, 6)).await), Reply::TooLittle);
    ends(&call(one, transfer(0, 3, 1)).await, "fail kept", "missing");
    assert_eq!(ok(call(other, read()).await), accounts(&[(0, 6), (1, 4), (2, 5)]));
}

/// A client behind a proxy is held between its requests while another changes what it has read.
pub async fn bad_version() {
    let stage = Stage::up().await;
    let (_, [node, _]) = stage.parts().await;
    let mut rival = stage.client(&node);
    for (change, call_of) in [
        (Call::Write { key: 1, value: 2 }, cas(Some(1), 3)),
        (Call::AddToList { key: 1, element: 2 }, Call::AddToList { key: 1, element: 3 }),
        (Call::Transfer { key: 1, from: 0, to: 1, amount: 1 }, Call::Transfer { key: 1, from: 1, to: 0, amount: 1 }),
        (append(1, 2), append(1, 3)),
        // What is only read must still be so as well.
        (
            append(1, 4),
            Call::ListTransaction { steps: vec![ListStep::Read { key: 1 }, ListStep::Append { key: 2, element: 1 }] },
        ),
    ] {
        ok(call(&mut rival, Call::Write { key: 1, value: 1 }).await);
        ok(call(&mut rival, Call::AddToList { key: 1, element: 1 }).await);
        ok(call(&mut rival, append(2, -1)).await);
        ok(call(&mut rival, Call::Open { key: 1, balances: vec![10, 10] }).await);
        let proxy = Proxy::before(stage.address(&node)).await;
        proxy.answers.open();
        // The session and the read.
        proxy.requests.let_pass(2);
        let mut held = client(proxy.address);
        let interfere = async {
            until("it asks for the change", async || proxy.requests.arrived() == 3).await;
            ok(call(&mut rival, change.clone()).await);
            proxy.requests.open();
        };
        let (ended, ()) = tokio::join!(call(&mut held, call_of.clone()), interfere);
        ends(&ended, "fail kept", "bad version (-103)");
        // The session is as good as before.
        ok(call(&mut held, READ).await);
        assert_eq!(proxy.connections(), 1);
    }
    stage.down().await;
}

/// Too little by an old balance is no observation.
pub async fn too_little() {
    let stage = Stage::up().await;
    let (_, [node, _]) = stage.parts().await;
    let mut rival = stage.client(&node);
    ok(call(&mut rival, Call::Open { key: 1, balances: vec![5, 5] }).await);
    let proxy = Proxy::before(stage.address(&node)).await;
    proxy.answers.open();
    proxy.requests.let_pass(2);
    let mut held = client(proxy.address);
    let interfere = async {
        until("it asks for the confirmation", async || proxy.requests.arrived() == 3).await;
        // Now there is enough.
        ok(call(&mut rival, Call::Transfer { key: 1, from: 1, to: 0, amount: 5 }).await);
        proxy.requests.open();
    };
    let transfer = || Call::Transfer { key: 1, from: 0, to: 1, amount: 8 };
    let (ended, ()) = tokio::join!(call(&mut held, transfer()), interfere);
    ends(&ended, "fail kept", "bad version");
    assert_eq!(ok(call(&mut held, transfer()).await), Reply::Transferred);
    stage.down().await;
}

/// A transfer between two single reads is seen by half; one request for all accounts sees it whole or not at all.
pub async fn snapshot() {
    let stage = Stage::up().await;
    let (_, [node, other]) = stage.parts().await;
    let (mut reader, mut mover) = (stage.client(&node), stage.client(&node));
    ok(call(&mut mover, Call::Open { key: 1, balances: vec![10, 10] }).await);
    let session = stage.session(&node).await;
    let mut torn = BTreeMap::new();
    for account in 0..2 {
        let read = ask(&session, Request::GetData { path: format!("/squall/b1/{account}") }).await.unwrap();
        let Answer::Data { data, .. } = read.answer else { panic!("{read:?}") };
        torn.insert(account, String::from_utf8(data).unwrap().parse::<i64>().unwrap());
        ok(call(&mut mover, Call::Transfer { key: 1, from: 0, to: 1, amount: 1 }).await);
    }
    assert_eq!(torn.values().sum::<i64>(), 21, "the loop tears: {torn:?}");
    // While transfers go on through another server, every answer holds the same sum.
    let mut mover = stage.client(&other);
    let moving = async {
        for number in 0..200 {
            let (from, to) = if number % 2 == 0 { (0, 1) } else { (1, 0) };
            ok(call(&mut mover, Call::Transfer { key: 1, from, to, amount: 3 }).await);
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    let reading = async {
        loop {
            let Reply::Accounts { balances } = ok(call(&mut reader, Call::Accounts { key: 1 }).await) else { panic!() };
            assert_eq!(balances.values().sum::<i64>(), 20, "{balances:?}");
            seen.insert(balances[&0]);
        }
    };
    tokio::select! {
        () = moving => {}
        () = reading => {}
    }
    assert_eq!(seen.len(), 2, "it was read on both sides of transfers: {seen:?}");
    stage.down().await;
}
