//! The agent's end of the conversation with the node's disk: requests go on to it, its answers come back.

use super::ARGUMENT;
use super::children::{prepare, spawn};
use super::protocol::{self, Ask, Message, Request, Trouble, Unframer};
use crate::disk::serve;
use nix::mount::{MntFlags, umount2};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;

/// The process of a disk.
pub(super) struct Disk {
    socket: UnixStream,
    unframer: Unframer,
    /// The requests that it has not answered.
    asked: Vec<u64>,
    folder: PathBuf,
}

impl Disk {
    /// Starts the process that is to be mounted on `folder`.
    pub(super) fn start(folder: PathBuf) -> Result<Disk, Trouble> {
        let refused = |error: io::Error| Trouble::refused("start a disk", error);
        let (ours, theirs) = UnixStream::pair().map_err(refused)?;
        let argv = ["/proc/self/exe", ARGUMENT, serve::ARGUMENT].map(str::to_owned);
        let mut command = prepare(&argv, &[])?;
        spawn(command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()), &argv)?;
        ours.set_nonblocking(true).map_err(refused)?;
        Ok(Disk { socket: ours, unframer: Unframer::default(), asked: Vec::new(), folder })
    }

    /// Hands a request on.
    pub(super) fn ask(&mut self, id: u64, ask: Ask) -> Result<(), Trouble> {
        let sent = protocol::frame(&Request { id, ask }).and_then(|bytes| self.socket.write_all(&bytes));
        sent.map_err(|error| Trouble::refused("ask the disk", error))?;
        self.asked.push(id);
        Ok(())
    }

    /// The answers that have come. An error once the disk is no more.
    pub(super) fn answers(&mut self) -> io::Result<Vec<Message>> {
        let (mut buffer, mut answers) = ([0; 4 << 10], Vec::new());
        loop {
            while let Some(message) = self.unframer.next()? {
                if let Message::Answer { id, .. } = &message {
                    self.asked.retain(|asked| asked != id);
                }
                answers.push(message);
            }
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.unframer.push(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes away the mount of a disk that is no more: whoever uses it would be told that nobody is connected. Returns the
    /// requests that nobody will answer.
    pub(super) fn bury(self) -> Vec<u64> {
        let _ = umount2(&self.folder, MntFlags::MNT_DETACH); // where it was never mounted there is nothing to do
        self.asked
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
