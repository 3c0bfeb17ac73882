//! Calls the other members and sends them messages.

use super::hello::{Hello, Refusal};
use super::{
    CONNECT_AGAIN, CONNECT_TIMEOUT, Callers, FRAME_BYTES_MAX, HELLO_TIMEOUT, Membership, QUEUE_MESSAGES, STALL_TIMEOUT,
    codec,
};
use crate::core::Message;
use crate::types::NodeId;
use nix::sys::socket::{setsockopt, sockopt};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};
use tracing::{info, warn};

const BACKOFF_FIRST: Duration = Duration::from_millis(20);
const BACKOFF_LAST: Duration = Duration::from_millis(200);
/// A connection that lasted this long was a good one: when it is lost, the peer is called again at once. A peer that
/// hangs up on every call is called ever more rarely instead.
const STEADY: Duration = Duration::from_secs(1);
/// Messages are written together up to about this many bytes.
const WRITE_BYTES: usize = 256 << 10;

/// The connections to all other members, and to guests: those who called and have to be answered, though they are no members
/// here. They are closed when this is dropped.
#[derive(Debug)]
pub struct Links {
    membership: Membership,
    callers: Callers,
    queues: BTreeMap<NodeId, Queue>,
    connected: Arc<Mutex<BTreeSet<NodeId>>>,
    tasks: JoinSet<()>,
}

/// What waits for one peer.
#[derive(Debug)]
struct Queue {
    address: String,
    is_guest: bool,
    sender: mpsc::Sender<Message>,
}

#[derive(Debug, Error)]
enum LinkError {
    #[error("no connection within {CONNECT_TIMEOUT:?}")]
    ConnectTimeout,
    #[error("no answer to the greeting within {HELLO_TIMEOUT:?}")]
    HelloTimeout,
    #[error("nothing could be sent for {STALL_TIMEOUT:?}")]
    Stalled,
    #[error("closed by the peer")]
    Closed,
    #[error("refused by the peer: {0}")]
    Refused(Refusal),
    #[error("the answer to the greeting makes no sense")]
    Misunderstood,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Links {
    /// Calls nobody yet.
    pub fn new(membership: Membership) -> Links {
        Links {
            membership,
            callers: Callers::default(),
            queues: BTreeMap::new(),
            connected: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    /// Where it looks for the addresses of guests.
    pub fn callers(&self) -> Callers {
        self.callers.clone()
    }

    /// Begins to call these members, `host:port` each, and keeps at it; whom it calls there already it goes on calling.
    pub fn meet<'a>(&mut self, members: impl IntoIterator<Item = (NodeId, &'a str)>) {
        let own = self.membership.id;
        for (peer, address) in members.into_iter().filter(|(peer, _)| *peer != own) {
            let is_known = |queue: &Queue| !queue.is_guest && queue.address == address;
            if !self.queues.get(&peer).is_some_and(is_known) {
                self.call(peer, address.to_owned(), false);
            }
        }
    }

    /// Calls nobody any more who is not among these, as soon as what waits for them is sent.
    pub fn part(&mut self, members: &BTreeSet<NodeId>) {
        self.queues.retain(|peer, _| members.contains(peer));
    }

    /// Sends a message, or drops it if its receiver cannot be reached or is too slow.
    pub fn send(&mut self, message: Message) {
        let peer = message.to;
        if self.queues.get(&peer).is_none_or(|queue| queue.sender.is_closed()) {
            let Some(address) = self.callers.address(peer) else { return };
            self.call(peer, address, true);
        }
        if let Some(queue) = self.queues.get(&peer) {
            let _ = queue.sender.try_send(message);
        }
    }

    fn call(&mut self, peer: NodeId, address: String, is_guest: bool) {
        // Those that have ended.
        while self.tasks.try_join_next().is_some() {}
        let (sender, queue) = mpsc::channel(QUEUE_MESSAGES);
        self.queues.insert(peer, Queue { address: address.clone(), is_guest, sender });
        let (hello, connected) = (Hello::new(&self.membership, peer), self.connected.clone());
        self.tasks.spawn(keep_calling(Link { hello, address, is_guest, queue, connected }));
    }

    /// The peers that can be spoken to now.
    pub fn connected(&self) -> Vec<NodeId> {
        self.connected.lock().map(|connected| connected.iter().copied().collect()).unwrap_or_default()
    }
}

struct Link {
    hello: Hello,
    address: String,
    is_guest: bool,
    queue: mpsc::Receiver<Message>,
    connected: Arc<Mutex<BTreeSet<NodeId>>>,
}

async fn keep_calling(mut link: Link) {
    let peer = link.hello.to;
    let mut backoff = BACKOFF_FIRST;
    let mut last_reason = String::new();
    loop {
        match call(&link).await {
            Ok(stream) => {
                info!(peer, address = link.address, "peer connected");
                last_reason.clear();
                let begun = Instant::now();
                link.set_connected(true);
                let reason = converse(stream, &mut link.queue).await;
                link.set_connected(false);
                let Some(reason) = reason else { return };
                warn!(peer, %reason, "peer lost");
                if link.is_guest {
                    return;
                }
                if begun.elapsed() >= STEADY {
                    backoff = BACKOFF_FIRST;
                    continue;
                }
            }
            // The same reason is told once, not twenty times a second.
            Err(reason) if reason.to_string() == last_reason => {}
            Err(reason) => {
                warn!(peer, address = link.address, %reason, "peer cannot be reached");
                last_reason = reason.to_string();
            }
        }
        if link.is_guest {
            // If it is still there it calls again, and is answered again.
            return;
        }
        if !link.drop_messages_for(backoff).await {
            return;
        }
        backoff = (backoff * 2).min(BACKOFF_LAST);
    }
}

/// Connects and introduces itself.
async fn call(link: &Link) -> Result<TcpStream, LinkError> {
    let connecting = timeout(CONNECT_TIMEOUT, connect(&link.address));
    let mut stream = connecting.await.map_err(|_| LinkError::ConnectTimeout)??;
    stream.set_nodelay(true)?;
    // Without this, data sent into a cut network is retransmitted ever more rarely, for minutes.
    setsockopt(&stream, sockopt::TcpUserTimeout, &(STALL_TIMEOUT.as_millis() as u32)).map_err(io::Error::from)?;
    let greeting = async {
        let mut bytes = BytesMut::new();
        encode(&link.hello, &mut bytes)?;
        stream.write_all(&bytes).await?;
        bytes.clear();
        let mut codec = codec();
        loop {
            if let Some(frame) = codec.decode(&mut bytes)? {
                let answer: Result<(), Refusal> = postcard::from_bytes(&frame).map_err(|_| LinkError::Misunderstood)?;
                return answer.map_err(LinkError::Refused);
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(LinkError::Closed);
            }
        }
    };
    timeout(HELLO_TIMEOUT, greeting).await.map_err(|_| LinkError::HelloTimeout)??;
    Ok(stream)
}

/// Connects, by several attempts side by side if need be; what comes of the first that ends is the result.
async fn connect(address: &str) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    loop {
        let address = address.to_owned();
        attempts.spawn(async move { TcpStream::connect(address).await });
        if let Ok(Some(ended)) = timeout(CONNECT_AGAIN, attempts.join_next()).await {
            return ended.map_err(io::Error::other)?;
        }
    }
}

/// Sends what comes until the connection breaks. `None`: there is nobody left who could send.
async fn converse(mut stream: TcpStream, queue: &mut mpsc::Receiver<Message>) -> Option<LinkError> {
    let (mut read, mut write) = stream.split();
    let mut bytes = BytesMut::new();
    // The peer says nothing more on this connection: whatever can be read is its end.
    let mut unexpected = [0; 1];
    loop {
        let message = tokio::select! {
            message = queue.recv() => message?,
            end = read.read(&mut unexpected) => return Some(end.map_or_else(LinkError::Io, |_| LinkError::Closed)),
        };
        bytes.clear();
        let mut next = Some(message);
        while let Some(message) = next {
            if let Err(error) = encode(&message, &mut bytes) {
                return Some(error.into());
            }
            next = if bytes.len() < WRITE_BYTES { queue.try_recv().ok() } else { None };
        }
        match timeout(STALL_TIMEOUT, write.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(error.into()),
            Err(_) => return Some(LinkError::Stalled),
        }
    }
}

impl Link {
    fn set_connected(&self, connected: bool) {
        if let Ok(mut peers) = self.connected.lock() {
            if connected {
                peers.insert(self.hello.to)
            } else {
                peers.remove(&self.hello.to)
            };
        }
    }

    /// Waits, and drops messages meanwhile: when the peer is back, old ones would only delay new ones. Says whether
    /// there is still somebody who sends.
    async fn drop_messages_for(&mut self, time: Duration) -> bool {
        let over = sleep(time);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                message = self.queue.recv() => if message.is_none() { return false },
            }
        }
    }
}

/// Appends `value` to `bytes` as one frame.
pub(super) fn encode(value: &impl serde::Serialize, bytes: &mut BytesMut) -> io::Result<()> {
    let mut codec = codec();
    codec.set_max_frame_length(FRAME_BYTES_MAX);
    let payload = postcard::to_stdvec(value).map_err(io::Error::other)?;
    codec.encode(payload.as_slice(), bytes)
}
