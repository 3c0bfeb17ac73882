//! The task that owns a session's connection: sends requests in turn, hands answers back, keeps the session alive.

use super::{Message, SessionError, WatchEvent};
use crate::zookeeper::jute::{Put, Senseless, Take};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

/// The largest message that is read, in bytes.
const MESSAGE_MAX: usize = 16 << 20;

/// How long the server may take to say that it closed a session. What it does later it does alone.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

const EVENT: i32 = -1;
const PING: i32 = -2;
const PING_NUMBER: i32 = 11;
const CLOSE_NUMBER: i32 = -11;

/// A request to send, and where its answer goes.
pub struct Job {
    /// The number of its kind.
    pub number: i32,
    /// Its arguments.
    pub body: Vec<u8>,
    /// Takes the answer.
    pub answer: oneshot::Sender<Result<Message, SessionError>>,
}

/// A message with its length in front.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(4 + message.len());
    framed.put_bytes(message);
    framed
}

/// Puts messages together from what arrives.
#[derive(Default)]
pub struct Frames(Vec<u8>);

impl Frames {
    /// The next message. May be dropped and called again without losing any.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn next(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
        loop {
            if let Some(message) = self.pop()? {
                return Ok(message);
            }
            if stream.read_buf(&mut self.0).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
            }
        }
    }

    fn pop(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = self.0.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MESSAGE_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long"));
        }
        if self.0.len() < 4 + length {
            return Ok(None);
        }
        let message = self.0[4..4 + length].to_vec();
        self.0.drain(..4 + length);
        Ok(Some(message))
    }
}

/// The keeper of one connection.
pub struct Keeper {
    stream: TcpStream,
    frames: Frames,
    events: mpsc::UnboundedSender<WatchEvent>,
    /// What was sent and is not answered, in the order in which the server answers.
    open: VecDeque<(i32, oneshot::Sender<Result<Message, SessionError>>)>,
    last_xid: i32,
    sent: Instant,
    heard: Instant,
    timeout: Duration,
    /// When the connection broke.
    lost_at: Arc<OnceLock<std::time::Instant>>,
}

/// How the work ends.
enum End {
    /// Nobody wants the session any more.
    Unwanted,
    /// The connection is of no more use.
    Broken(String),
}

impl Keeper {
    /// The keeper of a session that was just made.
    pub fn new(
        stream: TcpStream,
        frames: Frames,
        timeout: Duration,
        events: mpsc::UnboundedSender<WatchEvent>,
        lost_at: Arc<OnceLock<std::time::Instant>>,
    ) -> Keeper {
        let (now, open) = (Instant::now(), VecDeque::new());
        Keeper { stream, frames, events, open, last_xid: 0, sent: now, heard: now, timeout, lost_at }
    }

    /// Works until the session is over, and answers everybody who waits.
    pub async fn keep(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        match self.work(&mut queue).await {
            End::Unwanted => {
                let _ = timeout(CLOSE_TIMEOUT, self.close()).await;
            }
            End::Broken(why) => {
                // Set once: this is its only end.
                let _ = self.lost_at.set(std::time::Instant::now());
                queue.close();
                for (_, answer) in self.open.drain(..) {
                    // Who waited may have given up.
                    let _ = answer.send(Err(SessionError::Broken(why.clone())));
                }
                while let Ok(job) = queue.try_recv() {
                    let _ = job.answer.send(Err(SessionError::ClosedBefore));
                }
            }
        }
    }

    async fn work(&mut self, queue: &mut mpsc::UnboundedReceiver<Job>) -> End {
        loop {
            let silent = self.heard + self.timeout * 2 / 3;
            let ping = self.sent + self.timeout / 3;
            let done = tokio::select! {
                // What the server said last is seen before anything else is sent.
                biased;
                message = self.frames.next(&mut self.stream) => match message {
                    Ok(message) => self.hear(&message),
                    Err(error) => Err(error.to_string()),
                },
                job = queue.recv() => match job {
                    Some(job) => self.send(job).await,
                    None => return End::Unwanted,
                },
                () = sleep_until(silent) => Err(format!("the server was silent for {} ms", (self.timeout * 2 / 3).as_millis())),
                () = sleep_until(ping) => self.write(PING, PING_NUMBER, &[]).await,
            };
            if let Err(why) = done {
                return End::Broken(why);
            }
        }
    }

    async fn send(&mut self, job: Job) -> Result<(), String> {
        self.last_xid = self.last_xid.checked_add(1).ok_or("the session has no numbers left")?;
        let xid = self.last_xid;
        // Even a write that fails may have sent all of it.
        self.open.push_back((xid, job.answer));
        self.write(xid, job.number, &job.body).await
    }

    async fn write(&mut self, xid: i32, number: i32, body: &[u8]) -> Result<(), String> {
        let mut message = Vec::with_capacity(8 + body.len());
        message.put_int(xid);
        message.put_int(number);
        message.extend(body);
        self.sent = Instant::now();
        match timeout(self.timeout, self.stream.write_all(&frame(&message))).await {
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(_) => Err("the server does not read".into()),
        }
    }

    fn hear(&mut self, message: &[u8]) -> Result<(), String> {
        self.heard = Instant::now();
        let mut take = Take(message);
        let senseless = |error: Senseless| error.to_string();
        let mut header = || Ok((take.int()?, take.long()?, take.int()?));
        let (xid, zxid, code) = header().map_err(senseless)?;
        match xid {
            PING => {}
            EVENT => {
                let mut event = || Ok((take.int()?, take.int()?, take.text()?));
                let (kind, _state, path) = event().map_err(senseless)?;
                // Nobody need listen.
                let _ = self.events.send(WatchEvent { kind, path });
            }
            xid => match self.open.pop_front() {
                Some((open, answer)) if open == xid => drop(answer.send(Ok((zxid, code, take.0.to_vec())))),
                Some(open) => {
                    self.open.push_front(open);
                    return Err(format!("an answer to request {xid}, which is not the next to be answered"));
                }
                None => return Err(format!("an answer to request {xid}, which was not made")),
            },
        }
        Ok(())
    }

    /// Ends the session at the server, behind all that was sent, and waits until the server closes the connection: closing it
    /// first could take back what it has not read yet.
    async fn close(&mut self) {
        if self.write(self.last_xid.saturating_add(1), CLOSE_NUMBER, &[]).await.is_ok() {
            while self.frames.next(&mut self.stream).await.is_ok() {}
        }
    }
}
