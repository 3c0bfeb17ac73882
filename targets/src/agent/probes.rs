//! Datagrams between agents, which tell whether a link works in one direction.
//!
//! The receiver counts, so nothing has to come back: a link that is cut one way only is measured as just that.

use super::PROBE_PORT;
use super::protocol::Trouble;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// Marks a datagram as ours.
const MARK: [u8; 8] = *b"squall-1";

/// Of how many probes the counts are kept.
const PROBES_MAX: usize = 1024;

/// The socket, and what arrived at it.
pub(crate) struct Probes {
    socket: UdpSocket,
    arrived: BTreeMap<u64, BTreeSet<u32>>,
}

impl Probes {
    /// Listens on all addresses.
    pub(crate) fn listen() -> io::Result<Probes> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PROBE_PORT))?;
        socket.set_nonblocking(true)?;
        Ok(Probes { socket, arrived: BTreeMap::new() })
    }

    /// Sends `count` datagrams of a probe. One that the kernel will not send is lost like any other: the network of the
    /// node is what is being measured.
    pub(crate) fn send(&self, peer: Ipv4Addr, probe: u64, count: u32) -> Result<(), Trouble> {
        for number in 0..count {
            let mut datagram = [0; 20];
            datagram[..8].copy_from_slice(&MARK);
            datagram[8..16].copy_from_slice(&probe.to_le_bytes());
            datagram[16..].copy_from_slice(&number.to_le_bytes());
            let _ = self.socket.send_to(&datagram, (peer, PROBE_PORT));
        }
        Ok(())
    }

    /// Takes in what has arrived. A datagram that was duplicated on its way counts once.
    pub(crate) fn collect(&mut self) {
        let mut datagram = [0; 21];
        loop {
            match self.socket.recv(&mut datagram) {
                Ok(20) if datagram.starts_with(&MARK) => {
                    let (probe, number) = datagram[8..20].split_at(8);
                    let probe = u64::from_le_bytes(probe.try_into().unwrap_or_default());
                    let number = u32::from_le_bytes(number.try_into().unwrap_or_default());
                    self.arrived.entry(probe).or_default().insert(number);
                }
                Ok(_) => {}
                // An earlier datagram came back as unreachable: says nothing about those that arrived.
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        while self.arrived.len() > PROBES_MAX {
            self.arrived.pop_first();
        }
    }

    /// How many different datagrams of a probe have arrived.
    pub(crate) fn count(&self, probe: u64) -> u32 {
        self.arrived.get(&probe).map_or(0, |numbers| numbers.len() as u32)
    }
}

impl AsFd for Probes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
