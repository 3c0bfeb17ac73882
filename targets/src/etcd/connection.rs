//! One gRPC connection to one etcd: made once, never made again; no pool, no retries.
//!
//! tonic's own channel connects anew behind the back of its user, so here it gets a single HTTP/2 connection instead.

use super::error::EtcdError;
use super::rpc::cluster_client::ClusterClient;
use super::rpc::kv_client::KvClient;
use super::rpc::lease_client::LeaseClient;
use super::rpc::maintenance_client::MaintenanceClient;
use super::rpc::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseRevokeRequest, Member, MemberAddRequest,
    MemberListRequest, MemberRemoveRequest, PutRequest, PutResponse, RangeRequest, RangeResponse, StatusRequest,
    StatusResponse, TxnRequest, TxnResponse,
};
use crate::route::Route;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tower_service::Service;

/// The largest answer that is read, in bytes. etcd itself has no limit; a set of a thousand elements has some 100 KB.
const ANSWER_MAX: usize = 64 << 20;

/// An open connection. A clone speaks over the same one; dropping the last closes it at once.
#[derive(Clone)]
pub struct Connection {
    wire: Wire,
    origin: Uri,
    _driver: Arc<Driver>,
}

/// The task that moves the bytes of a connection.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Opens a connection.
    pub async fn open(route: impl Into<Route>) -> Result<Connection, EtcdError> {
        let route = route.into();
        let stream = route.connect().await.map_err(EtcdError::Connect)?;
        // The handshake sends no request: a failure here is a failure to connect.
        let made = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|error| EtcdError::Connect(std::io::Error::other(error)))?;
        let driver = Arc::new(Driver(tokio::spawn(async move {
            let _ = connection.await;
        })));
        let origin = Uri::builder().scheme("http").authority(route.to.to_string()).path_and_query("/").build();
        let origin = origin.map_err(|error| EtcdError::Connect(std::io::Error::other(error)))?;
        Ok(Connection { wire: Wire(sender), origin, _driver: driver })
    }

    /// The wire, if it is whole: nothing was sent when it is not.
    async fn ready(&mut self) -> Result<(Wire, Uri), EtcdError> {
        poll_fn(|context| self.wire.poll_ready(context)).await.map_err(|_| EtcdError::ClosedBefore)?;
        Ok((self.wire.clone(), self.origin.clone()))
    }

    async fn kv(&mut self) -> Result<KvClient<Wire>, EtcdError> {
        let (wire, origin) = self.ready().await?;
        Ok(KvClient::with_origin(wire, origin).max_decoding_message_size(ANSWER_MAX))
    }

    async fn lease(&mut self) -> Result<LeaseClient<Wire>, EtcdError> {
        let (wire, origin) = self.ready().await?;
        Ok(LeaseClient::with_origin(wire, origin))
    }

    /// Reads keys.
    pub async fn range(&mut self, range: RangeRequest) -> Result<RangeResponse, EtcdError> {
        // What a member may answer by itself it may answer without a leader.
        let request = if range.serializable { tonic::Request::new(range) } else { only_with_leader(range) };
        Ok(self.kv().await?.range(request).await?.into_inner())
    }

    /// Writes one key.
    pub async fn put(&mut self, put: PutRequest) -> Result<PutResponse, EtcdError> {
        Ok(self.kv().await?.put(only_with_leader(put)).await?.into_inner())
    }

    /// Compares, and does one thing or another, at one moment.
    pub async fn txn(&mut self, txn: TxnRequest) -> Result<TxnResponse, EtcdError> {
        Ok(self.kv().await?.txn(only_with_leader(txn)).await?.into_inner())
    }

    /// Makes a lease of at least `ttl_s` seconds under a number that the server chooses.
    pub async fn lease_grant(&mut self, ttl_s: i64) -> Result<LeaseGrantResponse, EtcdError> {
        let request = LeaseGrantRequest { ttl: ttl_s, id: 0 };
        let granted = self.lease().await?.lease_grant(only_with_leader(request)).await?.into_inner();
        if granted.error.is_empty() { Ok(granted) } else { Err(EtcdError::Senseless(granted.error)) }
    }

    /// Ends a lease; the keys that are bound to it vanish with it.
    ///
    /// # Errors
    /// Also when there is no such lease (any more): see [`EtcdError::is_lease_not_found`].
    pub async fn lease_revoke(&mut self, id: i64) -> Result<(), EtcdError> {
        self.lease().await?.lease_revoke(only_with_leader(LeaseRevokeRequest { id })).await?;
        Ok(())
    }

    /// Starts the time of a lease anew and returns it in seconds; `None`: there is no such lease (any more).
    pub async fn lease_keep_alive(&mut self, id: i64) -> Result<Option<u64>, EtcdError> {
        // A stream of one request: the server answers it, then sees its end.
        let requests = tonic::codegen::tokio_stream::once(LeaseKeepAliveRequest { id });
        let answers = self.lease().await?.lease_keep_alive(only_with_leader(requests)).await?;
        let answer = answers.into_inner().message().await?;
        let answer = answer.ok_or_else(|| EtcdError::Senseless("a keep-alive without an answer".into()))?;
        Ok(u64::try_from(answer.ttl).ok().filter(|ttl_s| *ttl_s > 0))
    }

    /// What the member says of itself; it answers without the others.
    pub async fn status(&mut self) -> Result<StatusResponse, EtcdError> {
        let (wire, origin) = self.ready().await?;
        Ok(MaintenanceClient::with_origin(wire, origin).status(StatusRequest {}).await?.into_inner())
    }

    /// Adds a member that the others reach at this address.
    pub async fn member_add(&mut self, peer_url: String) -> Result<(), EtcdError> {
        let (wire, origin) = self.ready().await?;
        let request = only_with_leader(MemberAddRequest { peer_urls: vec![peer_url] });
        ClusterClient::with_origin(wire, origin).member_add(request).await?;
        Ok(())
    }

    /// Removes a member.
    pub async fn member_remove(&mut self, id: u64) -> Result<(), EtcdError> {
        let (wire, origin) = self.ready().await?;
        let request = only_with_leader(MemberRemoveRequest { id });
        ClusterClient::with_origin(wire, origin).member_remove(request).await?;
        Ok(())
    }

    /// The members that this one knows; it answers without the others.
    pub async fn members(&mut self) -> Result<Vec<Member>, EtcdError> {
        let (wire, origin) = self.ready().await?;
        let answer = ClusterClient::with_origin(wire, origin).member_list(MemberListRequest {}).await?;
        Ok(answer.into_inner().members)
    }
}

/// A request that a member refuses at once when it knows no leader, in place of holding it for seconds: then it is certain
/// that nothing was done.
fn only_with_leader<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
    request
}

/// The one HTTP/2 connection, as tonic wants to see it.
#[derive(Clone)]
struct Wire(SendRequest<Body>);

impl Service<Request<Body>> for Wire {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
