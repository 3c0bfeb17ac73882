//! The outside of a client's process: a client like any other.

use super::registry::Registry;
use super::wire::{Ask, Birth, Tell, line};
use crate::client::{Client, Completion, Session};
use async_trait::async_trait;
use squall_results::{Call, Outcome};
use std::io;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// How much longer than a call may take the process is waited for, the time in which it is paused not counted. It ends calls
/// by itself; only one that hangs needs this.
const GRACE: Duration = Duration::from_secs(20);

/// How often it is seen whether the process is paused.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A client that is a process of its own. Dropping it kills the process.
pub struct ProcessClient {
    process: u64,
    birth: Birth,
    registry: Arc<Registry>,
    state: State,
}

enum State {
    Unborn,
    Alive { child: Option<Child>, lines: Lines<BufReader<OwnedReadHalf>>, writing: OwnedWriteHalf },
    Over(String),
}

impl ProcessClient {
    pub(super) fn new(process: u64, birth: Birth, registry: Arc<Registry>) -> ProcessClient {
        ProcessClient { process, birth, registry, state: State::Unborn }
    }

    async fn be_born(&mut self) -> io::Result<()> {
        let (child, socket) =
            self.registry.start(self.process, format!("{} {}", self.process, self.birth.node)).await?;
        // Kept at once, so that whatever happens from here on it is killed.
        let (reading, writing) = match UnixStream::from_std(socket) {
            Ok(socket) => socket.into_split(),
            Err(error) => {
                self.registry.end(self.process, child);
                return Err(error);
            }
        };
        let lines = BufReader::new(reading).lines();
        self.state = State::Alive { child: Some(child), lines, writing };
        self.send(&self.birth.clone()).await
    }

    async fn send<T: serde::Serialize>(&mut self, value: &T) -> io::Result<()> {
        match &mut self.state {
            State::Alive { writing, .. } => writing.write_all(&line(value)?).await,
            State::Unborn | State::Over(_) => Err(io::Error::other("it has no process")),
        }
    }

    /// What the process says next. Waits as long as a fault pauses it, and [`GRACE`] and a call's time besides.
    async fn hear(&mut self) -> io::Result<Tell> {
        let State::Alive { lines, .. } = &mut self.state else { return Err(io::Error::other("it has no process")) };
        let patience = self.birth.options.call_timeout + GRACE;
        let mut waited = Duration::ZERO;
        loop {
            tokio::select! {
                line = lines.next_line() => {
                    let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "its process ended by itself");
                    return Ok(serde_json::from_str(&line?.ok_or_else(ended)?)?);
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if !self.registry.is_paused(self.process) {
                waited += LOOK_EVERY;
            }
            if waited > patience {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "its process hangs"));
            }
        }
    }

    /// Asks, and waits for the answer.
    async fn exchange(&mut self, ask: &Ask) -> io::Result<Tell> {
        if matches!(self.state, State::Unborn) {
            self.be_born().await?;
        }
        self.send(ask).await?;
        loop {
            match self.hear().await? {
                Tell::Holds(holds) => self.registry.holds(self.process, holds),
                tell => return Ok(tell),
            }
        }
    }

    /// squall itself could not keep the process up.
    fn fail(&mut self, error: &io::Error) -> String {
        let reason = format!("client process {} on {}: {error}", self.process, self.birth.node);
        self.registry.failed(format!("{reason}; clients.log may say why"));
        self.end(reason.clone());
        reason
    }

    fn end(&mut self, reason: String) {
        if let State::Alive { child: Some(child), .. } = std::mem::replace(&mut self.state, State::Over(reason)) {
            self.registry.end(self.process, child);
        }
    }
}

#[async_trait]
impl Client for ProcessClient {
    async fn ready(&mut self) {
        if matches!(self.state, State::Over(_)) {
            return;
        }
        match self.exchange(&Ask::Ready).await {
            Ok(Tell::Ready) => {}
            Ok(_) => drop(self.fail(&io::Error::other("it answers what nobody asked"))),
            Err(error) => drop(self.fail(&error)),
        }
    }

    async fn call(&mut self, call: &Call) -> Completion {
        if let State::Over(reason) = &self.state {
            return Completion { outcome: Outcome::Fail(reason.clone()), session: Session::Lost };
        }
        let completion = match self.exchange(&Ask::Call(call.clone())).await {
            Ok(Tell::Ended(completion)) => completion,
            Ok(_) => lost(call, self.fail(&io::Error::other("it answers what nobody asked"))),
            Err(error) => lost(call, self.fail(&error)),
        };
        if completion.session != Session::Kept {
            self.end("its session is over".into());
        }
        completion
    }
}

fn lost(call: &Call, why: String) -> Completion {
    let outcome = if call.kind().only_observes() { Outcome::Fail(why) } else { Outcome::Unknown(why) };
    Completion { outcome, session: Session::Lost }
}

impl Drop for ProcessClient {
    fn drop(&mut self) {
        self.end("it was dropped".into());
    }
}
