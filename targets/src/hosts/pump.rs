//! Carries the conversation with an agent between its ssh channel and a socket: a thread for each node.

use super::connection::Connection;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ssh2::{BlockDirections, Channel};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A node of which nothing was heard for so long is lost: its agent answers several times in this time.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How long an agent may take to end its servers when it is told to end.
const END_TIMEOUT: Duration = Duration::from_secs(15);

/// How often it is looked whether the conversation is to end.
const LOOK_EVERY_MS: u16 = 50;

/// The most that waits to be carried in one direction.
const WAITING_MAX: usize = 256 << 10;

/// The conversation with one agent.
pub(super) struct Pump {
    pub connection: Connection,
    pub channel: Channel,
    /// The controller's end, not blocking.
    pub socket: UnixStream,
    /// Takes what the node's side complains of.
    pub complaints: File,
    /// Is told how it ended.
    pub obituary: Arc<OnceLock<String>>,
    /// Tells that it is to end.
    pub closing: Arc<AtomicBool>,
}

/// What is under way.
#[derive(Default)]
struct State {
    to_node: Vec<u8>,
    to_controller: Vec<u8>,
    has_said_eof: bool,
    /// Nobody at the controller's end writes any more.
    is_deserted: bool,
}

impl Pump {
    /// Carries on until the agent has ended or is lost. Returns whether it ended in order.
    pub(super) fn start(self, name: &str) -> std::io::Result<JoinHandle<bool>> {
        thread::Builder::new().name(format!("ssh {name}")).spawn(move || self.carry())
    }

    fn carry(mut self) -> bool {
        self.connection.session.set_blocking(false);
        let (in_order, how) = match self.carry_to_the_end() {
            Ok(()) => {
                self.connection.session.set_blocking(true);
                let status = self.channel.wait_close().and_then(|()| self.channel.exit_status());
                let mut last_words = Vec::new();
                let _ = self.channel.stderr().read_to_end(&mut last_words); // the status tells what matters
                let _ = self.complaints.write_all(&last_words);
                match status {
                    Ok(0) => (true, "it ended".to_owned()),
                    Ok(status) => (false, format!("its keeper ended with status {status}; see agent.log")),
                    Err(error) => (false, format!("its connection broke: {}", error.message())),
                }
            }
            Err(reason) => (false, reason),
        };
        let _ = self.obituary.set(how);
        in_order
    }

    fn carry_to_the_end(&mut self) -> Result<(), String> {
        let (mut state, mut heard, mut closing) = (State::default(), Instant::now(), None);
        loop {
            if self.hear(&mut state)? {
                heard = Instant::now();
            }
            self.hand_on(&mut state)?;
            if self.channel.eof() && state.to_controller.is_empty() {
                return Ok(());
            }
            // Asked before it listens: what the controller said before it closed goes through. What it says later, a sign of life for
            // instance, is for nobody, and must not be said behind the end of it.
            let is_closing = self.closing.load(Ordering::Acquire);
            if !state.has_said_eof {
                self.listen(&mut state);
                self.tell(&mut state)?;
            }
            if (is_closing || state.is_deserted) && closing.is_none() {
                closing = Some(Instant::now());
            }
            if closing.is_some() && state.to_node.is_empty() && !state.has_said_eof {
                state.has_said_eof = would_not_block(self.channel.send_eof().map_err(Into::into))?.is_some();
            }
            match closing {
                Some(begin) if begin.elapsed() > END_TIMEOUT => return Err("it does not end".into()),
                None if heard.elapsed() > SILENCE_MAX => {
                    return Err(format!("nothing was heard of it for {} s", SILENCE_MAX.as_secs()));
                }
                _ => self.wait(&state),
            }
        }
    }

    /// Takes in what the node says; whether it said anything.
    fn hear(&mut self, state: &mut State) -> Result<bool, String> {
        let (mut part, mut any) = (vec![0; 32 << 10], false);
        while state.to_controller.len() < WAITING_MAX {
            match would_not_block(self.channel.read(&mut part))? {
                None | Some(0) => break,
                Some(length) => state.to_controller.extend_from_slice(&part[..length]),
            }
            any = true;
        }
        while let Some(length @ 1..) = would_not_block(self.channel.stderr().read(&mut part))? {
            // What cannot be written into a log is no reason to end.
            let _ = self.complaints.write_all(&part[..length]);
            any = true;
        }
        Ok(any)
    }

    fn hand_on(&mut self, state: &mut State) -> Result<(), String> {
        while !state.to_controller.is_empty() {
            match self.socket.write(&state.to_controller) {
                Ok(length) => drop(state.to_controller.drain(..length)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // Nobody wants to know any more.
                Err(_) => {
                    state.is_deserted = true;
                    state.to_controller.clear();
                }
            }
        }
        Ok(())
    }

    /// Takes in what the controller says.
    fn listen(&mut self, state: &mut State) {
        let mut part = vec![0; 32 << 10];
        while !state.is_deserted && state.to_node.len() < WAITING_MAX {
            match self.socket.read(&mut part) {
                Ok(0) => state.is_deserted = true,
                Ok(length) => state.to_node.extend_from_slice(&part[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => state.is_deserted = true,
            }
        }
    }

    fn tell(&mut self, state: &mut State) -> Result<(), String> {
        while !state.to_node.is_empty() {
            match would_not_block(self.channel.write(&state.to_node))? {
                None => return Ok(()),
                Some(length) => drop(state.to_node.drain(..length)),
            }
        }
        Ok(())
    }

    /// Sleeps until something can be done, or it is time to look.
    fn wait(&self, state: &State) {
        let fd = self.connection.session.as_raw_fd();
        // SAFETY: the session owns the socket and lives longer than this borrow.
        let node = unsafe { BorrowedFd::borrow_raw(fd) };
        let wants_out =
            matches!(self.connection.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both);
        let mut of_node = PollFlags::POLLIN;
        of_node.set(PollFlags::POLLOUT, wants_out && !state.to_node.is_empty());
        let mut of_controller = PollFlags::empty();
        let listens = !state.is_deserted && !state.has_said_eof && state.to_node.len() < WAITING_MAX;
        of_controller.set(PollFlags::POLLIN, listens);
        of_controller.set(PollFlags::POLLOUT, !state.to_controller.is_empty());
        let mut fds = vec![PollFd::new(node, of_node)];
        // One that nobody listens to any more would wake it for ever.
        if !of_controller.is_empty() {
            fds.push(PollFd::new(self.socket.as_fd(), of_controller));
        }
        match poll(&mut fds, PollTimeout::from(LOOK_EVERY_MS)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => tracing::warn!(%errno, "cannot wait for a connection"),
        }
    }
}

/// The result, or none where it would have had to wait. Any other error is a lost connection.
fn would_not_block<T>(result: std::io::Result<T>) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(format!("its connection broke: {error}")),
    }
}
