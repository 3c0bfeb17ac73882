//! A command under way on a node: fed, listened to, and killed when its time is up.

use super::children::{self, prepare, spawn};
use super::protocol::Trouble;
use crate::remote::{CommandLine, Exit, OUTPUT_BYTES_MAX, Output, Signal};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

/// How long output is still collected from a command that has ended but whose children hold on to the stream.
const LINGER: Duration = Duration::from_millis(100);

/// A command that has not been answered yet.
pub(crate) struct Running {
    /// The request to answer.
    pub id: u64,
    pub pid: u32,
    stdin: Option<ChildStdin>,
    unwritten: Vec<u8>,
    stdout: Collected<ChildStdout>,
    stderr: Collected<ChildStderr>,
    exit: Option<Exit>,
    timed_out: bool,
    /// The end of its time; once it has ended, that of its output's.
    deadline: Instant,
}

/// One stream of output.
struct Collected<S> {
    stream: Option<S>,
    bytes: Vec<u8>,
    truncated: bool,
}

impl Running {
    /// Starts the command.
    pub(crate) fn start(id: u64, command: &CommandLine, timeout: Duration) -> Result<Running, Trouble> {
        let mut prepared = prepare(&command.argv, &command.env)?;
        prepared.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(&mut prepared, &command.argv)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let pipes =
            [stdin.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd), stderr.as_ref().map(AsFd::as_fd)];
        for pipe in pipes.into_iter().flatten() {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                .map_err(|errno| Trouble::refused("a pipe", errno.desc()))?;
        }
        let mut running = Running {
            id,
            pid: child.id(),
            stdin,
            unwritten: command.stdin.clone(),
            stdout: Collected::of(stdout),
            stderr: Collected::of(stderr),
            exit: None,
            timed_out: false,
            deadline: Instant::now() + timeout,
        };
        running.feed();
        Ok(running)
    }

    /// Writes and reads as much as goes without waiting.
    pub(crate) fn pump(&mut self) {
        self.feed();
        self.stdout.collect();
        self.stderr.collect();
    }

    /// Notes that the process has ended.
    pub(crate) fn ended(&mut self, exit: Exit) {
        self.exit = Some(exit);
        self.deadline = Instant::now() + LINGER;
    }

    /// Does what the time demands: kills what runs too long.
    pub(crate) fn check_time(&mut self, now: Instant) {
        if now < self.deadline || self.timed_out || self.exit.is_some() {
            return;
        }
        self.timed_out = true;
        let _ = children::signal_session(self.pid, Signal::SIGKILL); // a member of its own session is always allowed to
        self.stdin = None;
    }

    /// Its result, when there is one.
    pub(crate) fn result(&mut self, now: Instant) -> Option<Output> {
        let exit = self.exit?;
        let complete = self.stdout.stream.is_none() && self.stderr.stream.is_none();
        (complete || now >= self.deadline).then(|| Output {
            exit: if self.timed_out { Exit::TimedOut } else { exit },
            stdout: std::mem::take(&mut self.stdout.bytes),
            stderr: std::mem::take(&mut self.stderr.bytes),
            truncated: self.stdout.truncated || self.stderr.truncated,
        })
    }

    /// When it next needs attention although nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (!self.timed_out || self.exit.is_some()).then_some(self.deadline)
    }

    /// The streams to wait for: those to read, and the one to write.
    pub(crate) fn streams(&self) -> (impl Iterator<Item = BorrowedFd<'_>>, Option<BorrowedFd<'_>>) {
        let stdout = self.stdout.stream.as_ref().map(AsFd::as_fd);
        let stderr = self.stderr.stream.as_ref().map(AsFd::as_fd);
        (stdout.into_iter().chain(stderr), self.stdin.as_ref().map(AsFd::as_fd))
    }

    /// Hands on the input and closes it at its end, or when the command will not read it.
    fn feed(&mut self) {
        while let Some(stdin) = self.stdin.as_mut() {
            if self.unwritten.is_empty() {
                self.stdin = None;
                return;
            }
            match stdin.write(&self.unwritten) {
                Ok(length) => drop(self.unwritten.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.stdin = None,
            }
        }
    }
}

impl<S: Read> Collected<S> {
    fn of(stream: Option<S>) -> Collected<S> {
        Collected { stream, bytes: Vec::new(), truncated: false }
    }

    /// Reads what is there. What is beyond the limit is read too, lest the command wait, but not kept.
    fn collect(&mut self) {
        let mut buffer = [0; 16 << 10];
        while let Some(stream) = self.stream.as_mut() {
            match stream.read(&mut buffer) {
                Ok(0) => self.stream = None,
                Ok(length) => {
                    let kept = length.min(OUTPUT_BYTES_MAX - self.bytes.len());
                    self.bytes.extend_from_slice(&buffer[..kept]);
                    self.truncated |= kept < length;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.stream = None,
            }
        }
    }
}
