//! Leases: granted, kept alive, revoked, expired.

use crate::stage::{Stage, until};
use squall_results::Outcome;
use squall_targets::etcd::connection::Connection;
use squall_targets::etcd::error::{EtcdError, Progress, complete};
use squall_targets::etcd::rpc::{PutRequest, RangeRequest};

fn bound(lease: i64) -> PutRequest {
    PutRequest { key: b"bound".to_vec(), value: b"x".to_vec(), lease, prev_kv: false }
}

async fn is_there(connection: &mut Connection) -> bool {
    let range = RangeRequest { key: b"bound".to_vec(), range_end: vec![], serializable: false };
    !connection.range(range).await.unwrap().kvs.is_empty()
}

/// What etcd answers to a write under a lease that is no more, and that such a write was certainly not done.
fn not_found(error: EtcdError) {
    assert!(error.is_lease_not_found(), "{error}");
    let completion = complete(Err(error), Progress::Changing);
    assert_eq!(completion.outcome, Outcome::Fail("etcdserver: requested lease not found".into()));
}

pub async fn life() {
    let stage = Stage::up().await;
    // Through every member: it forwards to the leader where it is not it.
    for node in ["n1", "n2", "n3"] {
        let mut connection = stage.connection(node).await;
        let lease = connection.lease_grant(60).await.unwrap();
        assert!(lease.id != 0 && lease.ttl >= 60, "{lease:?}");
        connection.put(bound(lease.id)).await.unwrap();
        assert!(is_there(&mut connection).await);
        assert_eq!(connection.lease_keep_alive(lease.id).await.unwrap(), Some(lease.ttl.unsigned_abs()));
        connection.lease_revoke(lease.id).await.unwrap();
        assert!(!is_there(&mut connection).await, "the key vanishes with its lease");
        assert_eq!(connection.lease_keep_alive(lease.id).await.unwrap(), None);
        not_found(connection.lease_revoke(lease.id).await.unwrap_err());
        not_found(connection.put(bound(lease.id)).await.unwrap_err());
        assert!(!is_there(&mut connection).await);
    }
}

pub async fn expiry() {
    let stage = Stage::up().await;
    let mut connection = stage.connection("n1").await;
    let lease = connection.lease_grant(1).await.unwrap();
    connection.put(bound(lease.id)).await.unwrap();
    assert!(is_there(&mut connection).await, "a lease lasts {} s", lease.ttl);
    until("the lease expires", async || !is_there(&mut connection).await).await;
    assert_eq!(connection.lease_keep_alive(lease.id).await.unwrap(), None);
    not_found(connection.put(bound(lease.id)).await.unwrap_err());
}
