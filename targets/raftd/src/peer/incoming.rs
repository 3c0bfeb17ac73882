//! Answers the calls of the other members and hands on their messages.

use super::hello::{Hello, Refusal};
use super::{Callers, FRAME_BYTES_MAX, HELLO_TIMEOUT, Membership, codec, outgoing};
use crate::core::Message;
use crate::types::NodeId;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;
use tracing::{debug, warn};

/// Listens for the other members until it is dropped.
#[derive(Debug)]
pub struct Incoming {
    _task: JoinSet<()>,
}

/// Takes calls on `listener`, notes who `callers` are, and hands what they say to `messages`. If that is full they have to wait.
pub fn listen(
    listener: TcpListener,
    membership: Membership,
    callers: Callers,
    messages: mpsc::Sender<Message>,
) -> Incoming {
    let mut task = JoinSet::new();
    task.spawn(accept(listener, Arc::new(membership), callers, messages));
    Incoming { _task: task }
}

async fn accept(listener: TcpListener, membership: Arc<Membership>, callers: Callers, messages: mpsc::Sender<Message>) {
    let mut greetings: JoinSet<Option<(NodeId, TcpStream)>> = JoinSet::new();
    let mut conversations = JoinSet::new();
    // A peer has one connection: when it calls again it has given up the old one, which may look alive here for hours.
    let mut newest: HashMap<NodeId, AbortHandle> = HashMap::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    greetings.spawn(greet(stream, membership.clone(), callers.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: they come back, and until then there is no use in hurry.
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(greeted) = greetings.join_next() => {
                if let Ok(Some((peer, stream))) = greeted {
                    let handle = conversations.spawn(hear(peer, stream, membership.id, messages.clone()));
                    if let Some(older) = newest.insert(peer, handle) {
                        older.abort();
                    }
                }
            }
            Some(_) = conversations.join_next() => {}
        }
    }
}

/// Hears who calls and answers. `None`: it was turned away, and the log says why.
async fn greet(mut stream: TcpStream, membership: Arc<Membership>, callers: Callers) -> Option<(NodeId, TcpStream)> {
    let address = stream.peer_addr().map_or_else(|_| "unknown".into(), |address| address.to_string());
    match timeout(HELLO_TIMEOUT, exchange(&mut stream, &membership, &callers)).await {
        Ok(Ok(Ok(peer))) => return Some((peer, stream)),
        Ok(Ok(Err(refusal))) => warn!(address, %refusal, "a peer was refused"),
        Ok(Err(error)) => debug!(address, %error, "a connection ended before it said who calls"),
        Err(_) => debug!(address, "a connection did not say in time who calls"),
    }
    None
}

async fn exchange(
    stream: &mut TcpStream,
    membership: &Membership,
    callers: &Callers,
) -> io::Result<Result<NodeId, Refusal>> {
    stream.set_nodelay(true)?;
    let (mut bytes, mut codec) = (BytesMut::new(), codec());
    let frame = loop {
        if let Some(frame) = codec.decode(&mut bytes)? {
            break frame;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let hello: Hello = postcard::from_bytes(&frame).map_err(io::Error::other)?;
    let judgement = hello.judge(membership);
    if judgement.is_ok() {
        callers.called(hello.from, hello.address.clone());
    }
    let mut answer = BytesMut::new();
    outgoing::encode(&judgement, &mut answer)?;
    stream.write_all(&answer).await?;
    // The caller waits for the answer, so nothing of what it says next can be in `bytes` yet.
    Ok(judgement.map(|()| hello.from))
}

/// Hands on messages until the connection ends.
async fn hear(peer: NodeId, mut stream: TcpStream, here: NodeId, messages: mpsc::Sender<Message>) {
    let (mut bytes, mut codec) = (BytesMut::with_capacity(64 << 10), codec());
    codec.set_max_frame_length(FRAME_BYTES_MAX);
    loop {
        match codec.decode(&mut bytes) {
            Ok(Some(frame)) => match postcard::from_bytes::<Message>(&frame) {
                Ok(message) if message.from == peer && message.to == here => {
                    if messages.send(message).await.is_err() {
                        return;
                    }
                }
                Ok(_) => return warn!(peer, "a peer spoke in another's name; connection closed"),
                Err(error) => return warn!(peer, %error, "a message cannot be understood; connection closed"),
            },
            Ok(None) => match stream.read_buf(&mut bytes).await {
                Ok(0) => return debug!(peer, "the peer's connection ended"),
                Ok(_) => {}
                Err(error) => return debug!(peer, %error, "the peer's connection broke"),
            },
            Err(error) => return warn!(peer, %error, "a frame cannot be understood; connection closed"),
        }
    }
}
