//! Every call, as it should go.

use crate::proxy::Proxy;
use crate::stage::{Stage, ended, make};
use crate::transactions::transactions;
use squall_results::call::{ListStep, Version};
use squall_results::{Call, Reply};
use std::collections::BTreeMap;

fn version(reply: &Reply) -> Version {
    match reply {
        Reply::Read { version, .. } | Reply::Written { version } => version.unwrap(),
        Reply::Added { version } | Reply::Elements { version, .. } => version.unwrap(),
        other => panic!("{other} has no version"),
    }
}

fn value(reply: &Reply) -> Option<i64> {
    match reply {
        Reply::Read { value, .. } => *value,
        other => panic!("{other} is no read"),
    }
}

fn elements(reply: Reply) -> Vec<i64> {
    match reply {
        Reply::Elements { mut elements, .. } => {
            elements.sort_unstable();
            elements
        }
        other => panic!("{other} has no elements"),
    }
}

/// Through one member, read through another; then, by what this one has, once it has caught up, serializably too.
pub async fn all() {
    let stage = Stage::up().await;
    let (mut one, mut other) = (stage.client("n1"), stage.client("n2"));

    assert_eq!(value(&make(&mut other, Call::Read { key: 1 }).await), None);
    assert!(matches!(make(&mut one, Call::Write { key: 1, value: 5 }).await, Reply::Written { .. }));
    assert_eq!(value(&make(&mut other, Call::Read { key: 1 }).await), Some(5));
    let cas = |key, expect, value| Call::Cas { key, expect, value };
    assert_eq!(make(&mut one, cas(1, Some(4), 6)).await, Reply::NotEqual);
    assert_eq!(make(&mut one, cas(1, None, 6)).await, Reply::NotEqual);
    assert!(matches!(make(&mut one, cas(1, Some(5), -6)).await, Reply::Written { .. }));
    assert_eq!(value(&make(&mut other, Call::Read { key: 1 }).await), Some(-6));
    assert_eq!(make(&mut one, cas(2, Some(0), 1)).await, Reply::NotEqual);
    assert!(matches!(make(&mut one, cas(2, None, 1)).await, Reply::Written { .. }));
    assert_eq!(value(&make(&mut other, Call::Read { key: 2 }).await), Some(1));

    assert_eq!(elements(make(&mut other, Call::Elements { key: 1 }).await), [0_i64; 0]);
    for (key, element) in [(1, 3), (10, 4), (1, -2), (1, 3)] {
        assert!(matches!(make(&mut one, Call::Add { key, element }).await, Reply::Added { .. }));
    }
    assert_eq!(elements(make(&mut other, Call::Elements { key: 1 }).await), [-2, 3]);

    assert_eq!(elements(make(&mut other, Call::List { key: 1 }).await), [0_i64; 0]);
    for (key, element) in [(1, 3), (10, 4), (1, -2), (1, 3)] {
        assert!(matches!(make(&mut one, Call::AddToList { key, element }).await, Reply::Added { .. }));
    }
    assert_eq!(
        elements(make(&mut other, Call::List { key: 1 }).await),
        [-2, 3, 3],
        "what is added twice is there twice"
    );

    let balances =
        |balances: &[(u32, i64)]| Reply::Accounts { balances: BTreeMap::from_iter(balances.iter().copied()) };
    assert_eq!(make(&mut other, Call::Accounts { key: 1 }).await, balances(&[]));
    let transfer = |from, to, amount| Call::Transfer { key: 1, from, to, amount };
    assert_eq!(make(&mut one, transfer(0, 1, 1)).await, Reply::TooLittle, "no account holds nothing");
    assert_eq!(make(&mut one, Call::Open { key: 1, balances: vec![10, 0, 7] }).await, Reply::Opened);
    assert_eq!(make(&mut one, Call::Open { key: 1, balances: vec![99] }).await, Reply::NotEqual);
    assert_eq!(make(&mut one, Call::Open { key: 10, balances: vec![1] }).await, Reply::Opened);
    assert_eq!(make(&mut one, transfer(0, 1, 10)).await, Reply::Transferred);
    assert_eq!(make(&mut one, transfer(0, 1, 1)).await, Reply::TooLittle);
    assert_eq!(make(&mut one, transfer(2, 2, 7)).await, Reply::Transferred, "from one account to itself");
    let all = [(0, 0), (1, 10), (2, 7)];
    assert_eq!(make(&mut other, Call::Accounts { key: 1 }).await, balances(&all));

    for (call, reply) in transactions() {
        assert_eq!(make(&mut one, call.clone()).await, reply, "{call}");
        std::mem::swap(&mut one, &mut other);
    }
    let (last, found) = transactions().pop().unwrap();

    let mut local = stage.local_client("n3");
    crate::stage::until("n3 has caught up", async || {
        make(&mut local, Call::Accounts { key: 1 }).await == balances(&all)
            && make(&mut local, last.clone()).await == found
    })
    .await;
    assert_eq!(value(&make(&mut local, Call::Read { key: 1 }).await), Some(-6));
    assert_eq!(elements(make(&mut local, Call::Elements { key: 1 }).await), [-2, 3]);
    assert_eq!(elements(make(&mut local, Call::List { key: 1 }).await), [-2, 3, 3]);
    assert!(matches!(make(&mut local, Call::AddToList { key: 1, element: 8 }).await, Reply::Added { .. }));
    assert_eq!(make(&mut local, transfer(1, 0, 4)).await, Reply::Transferred);
}

pub async fn versions() {
    let stage = Stage::up().await;
    let mut client = stage.client("n1");
    let nothing = Version { order: 0, edits: Some(0) };
    assert_eq!(version(&make(&mut client, Call::Read { key: 1 }).await), nothing);
    let mut last = nothing;
    let calls = [
        Call::Write { key: 1, value: 5 },
        Call::Cas { key: 1, expect: Some(5), value: 6 },
        Call::Write { key: 1, value: 5 },
        Call::Cas { key: 1, expect: Some(5), value: 5 },
    ];
    for (call, edits) in calls.into_iter().zip(1..) {
        let written = version(&make(&mut client, call).await);
        assert!(written.order > last.order && written.edits == Some(edits), "{last:?}, then {written:?}");
        assert_eq!(version(&make(&mut client, Call::Read { key: 1 }).await), written);
        last = written;
    }
    for element in [1, 2, 1] {
        let added = version(&make(&mut client, Call::Add { key: 1, element }).await);
        assert!(added.order > last.order);
        assert_eq!(version(&make(&mut client, Call::Elements { key: 1 }).await), added);
        last = added;
    }
    for (element, edits) in [(1, 1), (2, 2)] {
        let added = version(&make(&mut client, Call::AddToList { key: 1, element }).await);
        assert!(added.order > last.order && added.edits == Some(edits), "{last:?}, then {added:?}");
        assert_eq!(version(&make(&mut client, Call::List { key: 1 }).await), added);
        last = added;
    }
}

/// Another change comes in between the read and the transaction: the comparison of revisions is false.
pub async fn overtaken() {
    let stage = Stage::up().await;
    let mut other = stage.client("n2");
    make(&mut other, Call::Open { key: 7, balances: vec![5, 5] }).await;
    let transfer = Call::Transfer { key: 7, from: 0, to: 1, amount: 3 };
    let appends = Call::ListTransaction { steps: vec![ListStep::Append { key: 8, element: 1 }] };
    for (marker, call) in [("l7", Call::AddToList { key: 7, element: 1 }), ("b7/", transfer), ("l8", appends)] {
        let proxy = Proxy::start(stage.address("n1"), marker).await;
        let mut slow = stage.client_through(&proxy);
        let overtakes = async {
            proxy.holding_an_answer().await;
            make(&mut other, call.clone()).await;
            proxy.release();
        };
        let (completion, ()) = tokio::join!(slow.call(&call), overtakes);
        ended(&completion, "fail kept", "another change came in between");
        // The session is as good as before.
        assert!(slow.call(&call).await.outcome.is_ok());
        assert_eq!(proxy.accepted(), 1);
    }
    assert_eq!(elements(make(&mut other, Call::List { key: 7 }).await), [1, 1]);
    let Reply::Accounts { balances } = make(&mut other, Call::Accounts { key: 7 }).await else { panic!("no accounts") };
    assert_eq!(balances, BTreeMap::from([(0, 2), (1, 8)]), "the last transfer found too little");
}
