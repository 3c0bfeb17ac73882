//! The clients' side of a member.

use super::{Failure, Freshness, Metrics, REQUEST_BYTES_MAX, Request, Status};
use crate::machine::{Answer, Command, Query, View};
use crate::types::{Index, MemberChange, NodeId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;

/// Asks a member; clones ask the same one.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
    status: watch::Receiver<Status>,
    timeout: Duration,
    /// The bytes that further requests may have.
    room: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Handle {
    /// Asks through `requests`, waits `timeout` at most, and sees what `status` shows.
    pub fn new(requests: mpsc::Sender<Request>, status: watch::Receiver<Status>, timeout: Duration) -> Handle {
        let room = Arc::new(Semaphore::new(REQUEST_BYTES_MAX));
        Handle { requests, status, timeout, room, metrics: Arc::default() }
    }

    /// Counts there, and lets requests that have no answer yet have so many bytes at most.
    #[must_use]
    pub fn within(self, metrics: Arc<Metrics>, open_bytes_max: usize) -> Handle {
        Handle { room: Arc::new(Semaphore::new(open_bytes_max)), metrics, ..self }
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Has the state changed by `command`.
    pub async fn change(&self, command: Command) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let (reply, answer) = oneshot::channel();
        let command = command.encode();
        let room = self.room_for(command.len())?;
        self.submit(Request::Change { command, room, reply })?;
        let answer = self.wait(answer).await?;
        self.metrics.proposal.took(begun.elapsed());
        Ok(answer)
    }

    /// Looks at the state.
    pub async fn ask(&self, query: Query, freshness: Freshness) -> Result<View, Failure> {
        let begun = Instant::now();
        let (reply, answer) = oneshot::channel();
        let room = self.room_for(query.bytes())?;
        self.submit(Request::Ask { query, freshness, room, reply })?;
        let view = self.wait(answer).await.map_err(Failure::of_read)?;
        self.metrics.read.took(begun.elapsed());
        Ok(view)
    }

    /// Whether this cluster uses leases.
    pub fn uses_leases(&self) -> bool {
        self.status.borrow().lease_drift_percent.is_some()
    }

    /// Has the leadership handed over to `to`. Says whether that was begun: only the leader can, to another member.
    pub async fn transfer(&self, to: NodeId) -> Result<bool, Failure> {
        let (reply, answer) = oneshot::channel();
        self.submit(Request::Transfer { to, reply })?;
        self.wait(answer).await
    }

    /// Has the members changed. Says with which entry, when that is committed.
    pub async fn change_members(&self, change: MemberChange) -> Result<Index, Failure> {
        let (reply, answer) = oneshot::channel();
        self.submit(Request::Members { change, reply })?;
        self.wait(answer).await
    }

    /// What the member believes now; never waits.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Failure> {
        let bytes = u32::try_from(bytes).map_err(|_| Failure::QUEUE_FULL)?;
        self.room.clone().try_acquire_many_owned(bytes).map_err(|_| Failure::QUEUE_FULL)
    }

    fn submit(&self, request: Request) -> Result<(), Failure> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::QUEUE_FULL,
            mpsc::error::TrySendError::Closed(_) => Failure::NOT_TAKEN,
        })
    }

    async fn wait<T>(&self, answer: oneshot::Receiver<Result<T, Failure>>) -> Result<T, Failure> {
        match timeout(self.timeout, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::CUT_OFF),
            Err(_) => Err(Failure::TIMED_OUT),
        }
    }
}
