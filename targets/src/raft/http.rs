//! One HTTP connection: requests one at a time, no pool, no retries.

use crate::route::Route;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use thiserror::Error;
use tokio::task::JoinHandle;

/// The largest answer that is read, in bytes; a larger one is an error.
const ANSWER_MAX: usize = 16 << 20;

/// An answer of the server.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, whole.
    pub body: Bytes,
}

/// Why there is no answer. What matters is whether the request can have reached the server.
#[derive(Debug, Error)]
pub enum HttpError {
    /// No connection could be made: the request was not sent.
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    /// The connection was lost before the request was handed to it: it was not sent.
    #[error("the connection was closed before the request was sent")]
    ClosedBefore,
    /// The connection broke when the request may have been sent.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// An open connection. Dropping it closes it at once.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    host: String,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Opens a connection.
    pub async fn open(route: impl Into<Route>) -> Result<Connection, HttpError> {
        let route = route.into();
        let stream = route.connect().await.map_err(HttpError::Connect)?;
        // The handshake sends nothing: a failure here is a failure to connect.
        let made = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|error| HttpError::Connect(std::io::Error::other(error)))?;
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Connection { sender, driver, host: route.to.to_string() })
    }

    /// Sends one request and reads its answer whole.
    pub async fn send(&mut self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Answer, HttpError> {
        self.sender.ready().await.map_err(|_| HttpError::ClosedBefore)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| HttpError::Broken(error.to_string()))?;
        let response = self.sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|error| HttpError::Broken(error.to_string()))?.to_bytes();
        Ok(Answer { status, body })
    }
}

fn broken(error: hyper::Error) -> HttpError {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    HttpError::Broken(format!("{error}{cause}"))
}

/// One GET on a connection of its own.
pub async fn get_once(address: SocketAddr, path: &str) -> Result<Answer, HttpError> {
    Connection::open(address).await?.send(Method::GET, path, None).await
}
