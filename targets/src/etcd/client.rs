//! The client of `etcd`: a session is one connection to one member.

use super::connection::Connection;
use super::error::{EtcdError, Progress, complete};
use super::exchange::Exchange;
use crate::client::{Client, Completion, Session};
use crate::route::Route;
use async_trait::async_trait;
use squall_results::{Call, Outcome};
use std::time::Duration;

/// A client of one etcd.
pub struct EtcdClient {
    route: Route,
    timeout: Duration,
    serializable: bool,
    session: State,
}

/// A session is opened once.
enum State {
    New,
    Open(Connection),
    Over,
}

impl EtcdClient {
    /// A client of the etcd at the end of `route` whose calls take `timeout` at most. With `serializable`, the workload's reads may
    /// be answered by the member alone.
    pub fn new(route: impl Into<Route>, timeout: Duration, serializable: bool) -> EtcdClient {
        EtcdClient { route: route.into(), timeout, serializable, session: State::New }
    }

    async fn exchange(&mut self, call: &Call, progress: &mut Progress) -> Result<Outcome, EtcdError> {
        if matches!(self.session, State::New) {
            self.session = State::Open(Connection::open(self.route).await?);
        }
        let State::Open(connection) = &mut self.session else { return Err(EtcdError::ClosedBefore) };
        *progress = Progress::Observing;
        Exchange { connection, progress, serializable: self.serializable }.make(call).await
    }
}

#[async_trait]
impl Client for EtcdClient {
    async fn call(&mut self, call: &Call) -> Completion {
        let mut progress = Progress::Connecting;
        let exchange = tokio::time::timeout(self.timeout, self.exchange(call, &mut progress)).await;
        let result = exchange.unwrap_or_else(|_| {
            Err(match progress {
                Progress::Connecting => EtcdError::ConnectTimedOut(self.timeout),
                Progress::Observing | Progress::Changing => EtcdError::TimedOut(self.timeout),
            })
        });
        let end = complete(result, progress);
        if end.session != Session::Kept {
            self.session = State::Over;
        }
        end
    }
}
