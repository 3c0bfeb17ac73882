//! Stands between a client and a server: holds the server's answers back once the client has sent something that is waited
//! for, then lets them through, or resets the connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stance {
    /// Passes everything on.
    Pass,
    /// Passes on what the client says alone.
    Hold,
    /// Resets.
    Cut,
}

/// The last number of the next proxy's address: the port is etcd's, so each has an address of its own.
static NUMBER: AtomicU8 = AtomicU8::new(1);

/// A proxy that listens on loopback. Dropping it ends it.
pub struct Proxy {
    pub address: Ipv4Addr,
    stance: Arc<watch::Sender<Stance>>,
    /// Whether an answer was held.
    holds_answer: Arc<watch::Sender<bool>>,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Passes every connection on to `server`, and holds its answers from when a client has sent `marker`.
    pub async fn start(server: SocketAddr, marker: &'static str) -> Proxy {
        let address = Ipv4Addr::new(127, 0, 0, NUMBER.fetch_add(1, Ordering::SeqCst));
        let listener = TcpListener::bind((address, crate::stage::PORT)).await.unwrap();
        let (stance, accepted) = (Arc::new(watch::Sender::new(Stance::Pass)), Arc::<AtomicUsize>::default());
        let holds_answer = Arc::new(watch::Sender::new(false));
        let (stances, count, holds) = (stance.clone(), accepted.clone(), holds_answer.clone());
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(pass(client, server, marker, stances.clone(), holds.clone()));
            }
        });
        Proxy { address, stance, holds_answer, accepted, task }
    }

    /// Waits until the marker has come by, so that answers are held.
    pub async fn holding(&self) {
        let mut stance = self.stance.subscribe();
        let held = tokio::time::timeout(crate::stage::PATIENCE, stance.wait_for(|stance| *stance == Stance::Hold));
        held.await.expect("the marker comes by").unwrap();
    }

    /// Waits until an answer is held: what the server was asked behind the marker, it has seen.
    pub async fn holding_an_answer(&self) {
        let mut holds = self.holds_answer.subscribe();
        let held = tokio::time::timeout(crate::stage::PATIENCE, holds.wait_for(|holds| *holds)).await;
        held.expect("an answer comes by").unwrap();
    }

    /// Lets the answers through.
    pub fn release(&self) {
        self.stance.send_replace(Stance::Pass);
    }

    /// Resets all connections.
    pub fn cut(&self) {
        self.stance.send_replace(Stance::Cut);
    }

    /// How many connections there were.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    marker: &str,
    stance: Arc<watch::Sender<Stance>>,
    holds_answer: Arc<watch::Sender<bool>>,
) {
    let (mut said, mut from_client, mut from_server) = (Vec::new(), [0; 4096], [0; 4096]);
    let (mut held, mut frames, mut over) = (Vec::new(), Frames::default(), false);
    let (mut stances, mut seen) = (stance.subscribe(), false);
    loop {
        let now = *stances.borrow_and_update();
        if now == Stance::Cut {
            // Closed with no time to linger: a reset.
            client.set_zero_linger().unwrap();
            return;
        }
        if now == Stance::Pass && (client.write_all(&std::mem::take(&mut held)).await.is_err() || over) {
            return;
        }
        tokio::select! {
            changed = stances.changed() => changed.unwrap(),
            read = client.read(&mut from_client) => {
                let Ok(count @ 1..) = read else { return };
                said.extend_from_slice(&from_client[..count]);
                if !seen && said.windows(marker.len()).any(|window| window == marker.as_bytes()) {
                    seen = true;
                    stance.send_replace(Stance::Hold);
                }
                if server.write_all(&from_client[..count]).await.is_err() { return }
            }
            read = server.read(&mut from_server), if !over => {
                let Ok(count @ 1..) = read else {
                    over = true;
                    continue;
                };
                let is_answer = frames.bring_data(&from_server[..count]);
                held.extend_from_slice(&from_server[..count]);
                if now == Stance::Hold && is_answer {
                    holds_answer.send_replace(true);
                }
            }
        }
    }
}

/// The frames of HTTP/2 that a server sends, of which only some are answers.
#[derive(Default)]
struct Frames {
    header: Vec<u8>,
    left: usize,
}

impl Frames {
    /// Whether a frame with data begins in these bytes.
    fn bring_data(&mut self, bytes: &[u8]) -> bool {
        let (mut rest, mut has_data) = (bytes, false);
        while !rest.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(rest.len());
                (self.left, rest) = (self.left - skipped, &rest[skipped..]);
                continue;
            }
            self.header.push(rest[0]);
            rest = &rest[1..];
            if let [a, b, c, kind, ..] = self.header[..]
                && self.header.len() == 9
            {
                has_data |= kind == 0;
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.header.clear();
            }
        }
        has_data
    }
}
