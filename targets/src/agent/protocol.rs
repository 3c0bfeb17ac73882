//! What a controller and a node's agent say to each other: requests and answers with numbers, in frames.
//!
//! A frame is the length of its body as four bytes, least first, and the body in postcard. Both ends are the same
//! executable; the greeting carries a version all the same, for a copy that was left on a machine. Nothing here knows over
//! what the bytes travel, nor whether the node is local.

use crate::clock::{ClockReading, ClocksSet, Skew};
use crate::disk::{DiskAnswer, DiskAsk};
use crate::remote::{Arrivals, Awaited, CommandLine, DaemonSpec, Output, ProbeSpec, ProcessState, Scope};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io;
use std::net::Ipv4Addr;

/// Raised with every change of the messages.
pub(crate) const VERSION: u32 = 4;

/// A body longer than this is no message, but a stream gone astray.
const BODY_BYTES_MAX: usize = 64 << 20;

/// What the controller wants.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Comes back with the answer; answers may overtake one another.
    pub id: u64,
    pub ask: Ask,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    Run {
        command: CommandLine,
        timeout_ms: u64,
    },
    Start(DaemonSpec),
    Signal {
        pid: u32,
        signal: i32,
        scope: Scope,
    },
    State {
        pid: u32,
    },
    AwaitState {
        pid: u32,
        wanted: Awaited,
        timeout_ms: u64,
    },
    SendProbe {
        peer: Ipv4Addr,
        spec: ProbeSpec,
    },
    CountProbe {
        probe: u64,
        expected: u32,
        timeout_ms: u64,
    },
    RoundTrips {
        peer: Ipv4Addr,
        spec: ProbeSpec,
        timeout_ms: u64,
    },
    BlockNeighbours(Vec<Ipv4Addr>),
    UnblockNeighbours(Vec<Ipv4Addr>),
    SkewClocks(Skew),
    ReadClocks {
        pid: u32,
    },
    /// Nothing; tells that the controller is there, and is told that the node is.
    Beat,
    /// Handed on to the node's disk, a process of its own.
    Disk(DiskAsk),
}

/// What the agent says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Message {
    /// First of all: it is there.
    Greeting {
        version: u32,
        /// What did not work while it settled in, each a sentence fragment.
        notices: Vec<String>,
    },
    /// To the request of this number.
    Answer { id: u64, answer: Result<Answer, Trouble> },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done,
    Ran(Output),
    Started {
        pid: u32,
    },
    State(ProcessState),
    Counted(Arrivals),
    /// Of each datagram that came back, in nanoseconds.
    RoundTrips(Vec<u64>),
    ClocksSet(ClocksSet),
    Clocks(ClockReading),
    Disk(DiskAnswer),
}

/// Why a request came to nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Trouble {
    Refused { what: String, reason: String },
    NotStarted { pid: u32 },
    NotReached { pid: u32, wanted: Awaited, state: ProcessState },
}

impl Trouble {
    pub(crate) fn refused(what: impl Into<String>, reason: impl ToString) -> Trouble {
        Trouble::Refused { what: what.into(), reason: reason.to_string() }
    }
}

/// A message as the bytes to send.
pub(crate) fn frame<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    let mut bytes = postcard::to_extend(message, vec![0; 4]).map_err(io::Error::other)?;
    let body_bytes = bytes.len() - 4;
    if body_bytes > BODY_BYTES_MAX {
        return Err(io::Error::other(format!("a message of {body_bytes} bytes, more than {BODY_BYTES_MAX}")));
    }
    bytes[..4].copy_from_slice(&(body_bytes as u32).to_le_bytes());
    Ok(bytes)
}

/// Bytes as they arrive, out of which come whole messages.
#[derive(Debug, Default)]
pub(crate) struct Unframer {
    bytes: Vec<u8>,
}

impl Unframer {
    /// Takes what arrived.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, or none yet. After an error the stream is of no more use.
    pub(crate) fn next<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        let Some(length) = self.bytes.first_chunk::<4>() else { return Ok(None) };
        let body_bytes = u32::from_le_bytes(*length) as usize;
        if body_bytes > BODY_BYTES_MAX {
            return Err(io::Error::other(format!("a frame that claims {body_bytes} bytes")));
        }
        let Some(body) = self.bytes.get(4..4 + body_bytes) else { return Ok(None) };
        let message = postcard::from_bytes(body).map_err(io::Error::other)?;
        self.bytes.drain(..4 + body_bytes);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_the_bytes_arrive() {
        let mut bytes = Vec::new();
        for id in 0..3 {
            let command = CommandLine::new(["x"; 5]).reading(vec![7; 300]);
            bytes.extend(frame(&Request { id, ask: Ask::Run { command, timeout_ms: 9 } }).unwrap());
        }
        for step in [1, 3, 64, bytes.len()] {
            let (mut unframer, mut seen) = (Unframer::default(), Vec::new());
            for part in bytes.chunks(step) {
                unframer.push(part);
                while let Some(request) = unframer.next::<Request>().unwrap() {
                    assert!(matches!(&request.ask, Ask::Run { command, timeout_ms: 9 } if command.stdin.len() == 300));
                    seen.push(request.id);
                }
            }
            assert_eq!(seen, [0, 1, 2], "in steps of {step}");
        }
    }

    #[test]
    fn a_stream_gone_astray_is_an_error() {
        let mut unframer = Unframer::default();
        unframer.push(b"HTTP/1.1 400 Bad Request");
        assert!(unframer.next::<Request>().is_err());
    }
}
