//! Stands between a client and its server: counts connections and messages, holds messages back, cuts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// One way of a connection: how many messages may pass, and how many did.
#[derive(Clone)]
pub struct Gate {
    permits: Arc<Semaphore>,
    passed: Arc<AtomicUsize>,
    arrived: Arc<AtomicUsize>,
}

impl Gate {
    fn closed() -> Gate {
        Gate { permits: Arc::new(Semaphore::new(0)), passed: Arc::default(), arrived: Arc::default() }
    }

    /// Lets so many messages more pass.
    pub fn let_pass(&self, messages: usize) {
        self.permits.add_permits(messages);
    }

    /// Lets all messages pass.
    pub fn open(&self) {
        self.let_pass(1 << 20);
    }

    /// Lets nothing more pass.
    pub fn close(&self) {
        self.permits.forget_permits(usize::MAX);
    }

    /// How many have passed.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    /// How many have come to the gate.
    pub fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }
}

/// A proxy on loopback for one server.
pub struct Proxy {
    pub address: SocketAddr,
    /// From client to server; the first message asks for a session.
    pub requests: Gate,
    /// From server to client.
    pub answers: Gate,
    connections: Arc<AtomicUsize>,
    cut: watch::Sender<bool>,
}

impl Proxy {
    /// A proxy through which nothing passes yet.
    pub async fn before(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (cut, is_cut) = watch::channel(false);
        let proxy = Proxy {
            address: listener.local_addr().unwrap(),
            requests: Gate::closed(),
            answers: Gate::closed(),
            connections: Arc::default(),
            cut,
        };
        let (requests, answers) = (proxy.requests.clone(), proxy.answers.clone());
        let connections = proxy.connections.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(relay(client, server, requests.clone(), answers.clone(), is_cut.clone()));
            }
        });
        proxy
    }

    /// A proxy through which everything passes.
    pub async fn open(server: SocketAddr) -> Proxy {
        let proxy = Proxy::before(server).await;
        proxy.requests.open();
        proxy.answers.open();
        proxy
    }

    /// Resets every connection. New ones are taken as before.
    pub fn cut(&self) {
        self.cut.send_replace(true);
        self.cut.send_replace(false);
    }

    /// How many connections were ever made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn relay(client: TcpStream, server: SocketAddr, requests: Gate, answers: Gate, mut cut: watch::Receiver<bool>) {
    cut.mark_unchanged();
    let Ok(server) = TcpStream::connect(server).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
        stream.set_zero_linger().unwrap();
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = pass(from_client, to_server, requests) => {}
        () = pass(from_server, to_client, answers) => {}
        _ = cut.changed() => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: Gate) {
    while let Ok(length) = from.read_u32().await {
        let mut message = vec![0; usize::try_from(length).unwrap()];
        if from.read_exact(&mut message).await.is_err() {
            return;
        }
        gate.arrived.fetch_add(1, Ordering::SeqCst);
        gate.permits.acquire().await.unwrap().forget();
        // Counted before: whoever gets the message must find it counted.
        gate.passed.fetch_add(1, Ordering::SeqCst);
        message.splice(..0, length.to_be_bytes());
        if to.write_all(&message).await.is_err() {
            return;
        }
    }
}
