//! A node as seen through its agent: requests go out over a socket, answers find their callers by number.

use super::{Arrivals, Awaited, CommandLine, CommandLog, DaemonSpec, Output, ProbeSpec, ProcessState};
use super::{Remote, RemoteError, Scope, Signal};
use crate::agent::protocol::{self, Answer, Ask, Message, Request, Trouble, Unframer};
use crate::clock::{ClockReading, ClocksSet, Skew};
use crate::disk::{DiskAnswer, DiskAsk};
use async_trait::async_trait;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

/// How long an agent may be silent beyond the time it was given: it must be stuck or starved then.
const PATIENCE: Duration = Duration::from_secs(20);

/// For what has no time of its own.
const NO_TIME: Duration = Duration::ZERO;

type AnswerSender = oneshot::Sender<Result<Answer, Trouble>>;

/// The controller's end of the conversation with an agent.
pub(crate) struct AgentRemote {
    node: String,
    log: CommandLog,
    next_id: AtomicU64,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    shared: Arc<Shared>,
}

/// What the callers share with the task that reads answers.
#[derive(Default)]
struct Shared {
    /// Who waits for which answer; none once the agent is lost.
    waiting: Mutex<Option<HashMap<u64, AnswerSender>>>,
    /// How the agent ended, where somebody saw it end.
    obituary: Arc<OnceLock<String>>,
}

impl AgentRemote {
    /// Waits for the greeting on `stream` and starts the conversation. `obituary` is filled by whoever sees the agent end.
    /// Returns what the agent had to remark as well.
    pub(crate) async fn greet(
        node: &str,
        stream: UnixStream,
        log: CommandLog,
        obituary: Arc<OnceLock<String>>,
    ) -> Result<(AgentRemote, Vec<String>), RemoteError> {
        let shared = Arc::new(Shared { waiting: Mutex::new(Some(HashMap::new())), obituary });
        let (mut reading, writing) = stream.into_split();
        let mut unframer = Unframer::default();
        let greeting = tokio::time::timeout(PATIENCE, receive(&mut reading, &mut unframer)).await;
        let notices = match greeting {
            Err(_) => return Err(no_answer(node, "greeting", PATIENCE)),
            Ok(Ok(Some(Message::Greeting { version: protocol::VERSION, notices }))) => notices,
            Ok(Ok(Some(_))) => return Err(shared.lost(node, "it speaks another version of the protocol").await),
            Ok(Ok(None)) => return Err(shared.lost(node, "it ended before its greeting").await),
            Ok(Err(error)) => return Err(shared.lost(node, &error.to_string()).await),
        };
        let (outgoing, frames) = mpsc::unbounded_channel();
        tokio::spawn(write_all(writing, frames));
        tokio::spawn(read_all(reading, unframer, Arc::clone(&shared)));
        Ok((AgentRemote { node: node.into(), log, next_id: AtomicU64::new(0), outgoing, shared }, notices))
    }

    /// Sends one request and waits for its answer.
    async fn ask(&self, ask: Ask, what: &str, time: Duration) -> Result<Answer, RemoteError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let bytes = protocol::frame(&Request { id, ask }).map_err(|error| RemoteError::Refused {
            node: self.node.clone(),
            what: what.into(),
            reason: error.to_string(),
        })?;
        let (sender, receiver) = oneshot::channel();
        if !self.shared.enlist(id, sender) || self.outgoing.send(bytes).is_err() {
            return Err(self.shared.lost(&self.node, "its connection closed").await);
        }
        match tokio::time::timeout(time + PATIENCE, receiver).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(trouble))) => Err(self.told(trouble)),
            Ok(Err(_)) => Err(self.shared.lost(&self.node, "its connection closed").await),
            Err(_) => Err(no_answer(&self.node, what, time + PATIENCE)),
        }
    }

    /// As [`AgentRemote::ask`], recorded in the node's log.
    async fn act(&self, ask: Ask, what: &str, time: Duration) -> Result<Answer, RemoteError> {
        let begun = self.log.begin();
        let answer = self.ask(ask, what, time).await;
        match &answer {
            Ok(Answer::Started { pid }) => self.log.end(begun, what, format_args!("process {pid}"), b"", b""),
            Ok(Answer::ClocksSet(set)) => self.log.end(begun, what, set, b"", b""),
            Ok(Answer::Clocks(reading)) => self.log.end(begun, what, reading, b"", b""),
            Ok(_) => self.log.end(begun, what, "done", b"", b""),
            Err(error) => self.log.end(begun, what, "failed", b"", error.to_string().as_bytes()),
        }
        answer
    }

    /// Tells the agent that its controller is there, and waits until it has heard.
    pub(crate) async fn beat(&self) -> Result<(), RemoteError> {
        self.ask(Ask::Beat, "beat", NO_TIME).await.map(drop)
    }

    fn told(&self, trouble: Trouble) -> RemoteError {
        let node = self.node.clone();
        match trouble {
            Trouble::Refused { what, reason } => RemoteError::Refused { node, what, reason },
            Trouble::NotStarted { pid } => RemoteError::NotStarted { node, pid },
            Trouble::NotReached { pid, wanted, state } => RemoteError::NotReached { node, pid, wanted, state },
        }
    }

    /// An answer that does not belong to the question.
    fn astray(&self, what: &str, answer: &Answer) -> RemoteError {
        let reason = format!("the agent answered {answer:?}");
        RemoteError::Refused { node: self.node.clone(), what: what.into(), reason }
    }

    async fn done(&self, ask: Ask, what: String) -> Result<(), RemoteError> {
        match self.act(ask, &what, NO_TIME).await? {
            Answer::Done => Ok(()),
            other => Err(self.astray(&what, &other)),
        }
    }
}

#[async_trait]
impl Remote for AgentRemote {
    async fn run(&self, command: &CommandLine, timeout: Duration) -> Result<Output, RemoteError> {
        let what = command.to_string();
        let begun = self.log.begin();
        let ask = Ask::Run { command: command.clone(), timeout_ms: millis(timeout) };
        match self.ask(ask, &what, timeout).await {
            Ok(Answer::Ran(output)) => {
                self.log.end(begun, &what, output.exit, &command.stdin, &output.stderr);
                Ok(output)
            }
            Ok(other) => Err(self.astray(&what, &other)),
            Err(error) => {
                self.log.end(begun, &what, "failed", &command.stdin, error.to_string().as_bytes());
                Err(error)
            }
        }
    }

    async fn start(&self, daemon: &DaemonSpec) -> Result<u32, RemoteError> {
        let what = format!("start {daemon}");
        match self.act(Ask::Start(daemon.clone()), &what, NO_TIME).await? {
            Answer::Started { pid } => Ok(pid),
            other => Err(self.astray(&what, &other)),
        }
    }

    async fn signal(&self, pid: u32, signal: Signal, scope: Scope) -> Result<(), RemoteError> {
        let whom = match scope {
            Scope::Process => "process",
            Scope::Session => "session",
        };
        self.done(Ask::Signal { pid, signal: signal as i32, scope }, format!("send {signal} to {whom} {pid}")).await
    }

    async fn state(&self, pid: u32) -> Result<ProcessState, RemoteError> {
        match self.ask(Ask::State { pid }, "state", NO_TIME).await? {
            Answer::State(state) => Ok(state),
            other => Err(self.astray("state", &other)),
        }
    }

    async fn await_state(&self, pid: u32, wanted: Awaited, timeout: Duration) -> Result<ProcessState, RemoteError> {
        let what = format!("wait until process {pid} is {wanted}");
        let ask = Ask::AwaitState { pid, wanted, timeout_ms: millis(timeout) };
        match self.act(ask, &what, timeout).await? {
            Answer::State(state) => Ok(state),
            other => Err(self.astray(&what, &other)),
        }
    }

    async fn send_probe(&self, peer: Ipv4Addr, spec: ProbeSpec) -> Result<(), RemoteError> {
        match self.ask(Ask::SendProbe { peer, spec }, "send probe", NO_TIME).await? {
            Answer::Done => Ok(()),
            other => Err(self.astray("send probe", &other)),
        }
    }

    async fn count_probe(&self, probe: u64, expected: u32, timeout: Duration) -> Result<Arrivals, RemoteError> {
        let ask = Ask::CountProbe { probe, expected, timeout_ms: millis(timeout) };
        match self.ask(ask, "count probe", timeout).await? {
            Answer::Counted(arrivals) => Ok(arrivals),
            other => Err(self.astray("count probe", &other)),
        }
    }

    async fn round_trips(
        &self,
        peer: Ipv4Addr,
        spec: ProbeSpec,
        timeout: Duration,
    ) -> Result<Vec<Duration>, RemoteError> {
        let ask = Ask::RoundTrips { peer, spec, timeout_ms: millis(timeout) };
        match self.ask(ask, "measure round trips", timeout).await? {
            Answer::RoundTrips(ns) => Ok(ns.into_iter().map(Duration::from_nanos).collect()),
            other => Err(self.astray("measure round trips", &other)),
        }
    }

    async fn block_neighbours(&self, peers: &[Ipv4Addr]) -> Result<(), RemoteError> {
        self.done(Ask::BlockNeighbours(peers.to_vec()), format!("block the neighbours {peers:?}")).await
    }

    async fn unblock_neighbours(&self, peers: &[Ipv4Addr]) -> Result<(), RemoteError> {
        self.done(Ask::UnblockNeighbours(peers.to_vec()), format!("unblock the neighbours {peers:?}")).await
    }

    async fn skew_clocks(&self, skew: Skew) -> Result<ClocksSet, RemoteError> {
        let what = format!("skew the clocks: {skew}");
        match self.act(Ask::SkewClocks(skew), &what, NO_TIME).await? {
            Answer::ClocksSet(set) => Ok(set),
            other => Err(self.astray(&what, &other)),
        }
    }

    async fn read_clocks(&self, pid: u32) -> Result<ClockReading, RemoteError> {
        let what = format!("read the clocks of process {pid}");
        match self.act(Ask::ReadClocks { pid }, &what, NO_TIME).await? {
            Answer::Clocks(reading) => Ok(reading),
            other => Err(self.astray(&what, &other)),
        }
    }

    async fn disk(&self, ask: DiskAsk) -> Result<DiskAnswer, RemoteError> {
        let what = ask.to_string();
        match self.act(Ask::Disk(ask), &what, NO_TIME).await? {
            Answer::Disk(answer) => Ok(answer),
            other => Err(self.astray(&what, &other)),
        }
    }
}

impl Shared {
    /// Notes who waits for an answer; false once the agent is lost.
    fn enlist(&self, id: u64, sender: AnswerSender) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.as_mut().map(|waiting| waiting.insert(id, sender)).is_some()
    }

    fn deliver(&self, id: u64, answer: Result<Answer, Trouble>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = waiting.as_mut().and_then(|waiting| waiting.remove(&id)) {
            let _ = sender.send(answer); // the caller may have given up
        }
    }

    /// Lets every caller, waiting or to come, know that there will be no answer.
    fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The error of a lost agent. The closing of its connection is seen a moment before its exit status is: waits for it.
    async fn lost(&self, node: &str, otherwise: &str) -> RemoteError {
        let deadline = Instant::now() + Duration::from_millis(200);
        while self.obituary.get().is_none() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let reason = self.obituary.get().map_or(otherwise, String::as_str);
        RemoteError::Lost { node: node.into(), reason: reason.into() }
    }
}

async fn write_all(mut writing: OwnedWriteHalf, mut frames: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = frames.recv().await {
        if writing.write_all(&bytes).await.is_err() {
            return; // the reading task sees the end as well, and tells the callers
        }
    }
}

async fn read_all(mut reading: OwnedReadHalf, mut unframer: Unframer, shared: Arc<Shared>) {
    while let Ok(Some(message)) = receive(&mut reading, &mut unframer).await {
        match message {
            Message::Answer { id, answer } => shared.deliver(id, answer),
            Message::Greeting { .. } => break,
        }
    }
    shared.close();
}

/// The next message, or none at the end of the stream.
async fn receive(reading: &mut OwnedReadHalf, unframer: &mut Unframer) -> std::io::Result<Option<Message>> {
    let mut buffer = [0; 16 << 10];
    loop {
        if let Some(message) = unframer.next()? {
            return Ok(Some(message));
        }
        match reading.read(&mut buffer).await? {
            0 => return Ok(None),
            length => unframer.push(&buffer[..length]),
        }
    }
}

fn no_answer(node: &str, what: &str, after: Duration) -> RemoteError {
    RemoteError::NoAnswer { node: node.into(), what: what.into(), after_ms: millis(after) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
