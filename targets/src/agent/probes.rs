//! Datagrams between agents, which tell whether a link works in one direction, and how long a round trip takes.
//!
//! The receiver counts, so nothing has to come back: a link that is cut one way only is measured as just that. Those of a
//! round trip are sent back by the receiver at once. When a datagram arrived is the kernel's word, so an agent that is late
//! makes neither a rate nor a round trip look worse than it is.

use super::PROBE_PORT;
use crate::remote::{Arrivals, ProbeSpec};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Marks a datagram as ours; the purpose follows.
const MARK: [u8; 7] = *b"squall-";

/// The mark, the purpose, the probe, the number of the datagram.
const HEADER_BYTES: usize = 20;

/// More than a datagram of ours ever has; it fits in a packet.
const DATAGRAM_BYTES_MAX: usize = 1_400;

/// Of how many probes the counts are kept.
const PROBES_MAX: usize = 1024;

/// What the socket keeps until it is read, in bytes: some thousand small datagrams.
const KEPT_BYTES: usize = 4 << 20;

/// Why a datagram is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be counted where it arrives.
    Count = 1,
    /// To be sent back.
    ComeBack = 2,
    /// It comes back.
    Answer = 3,
}

/// The socket, and what arrived at it.
pub(crate) struct Probes {
    socket: UdpSocket,
    arrived: BTreeMap<u64, Arrived>,
    round_trips: BTreeMap<u64, RoundTrips>,
}

/// What arrived of a probe.
#[derive(Debug, Default)]
struct Arrived {
    numbers: BTreeSet<u32>,
    copies: u32,
    overtaken: u32,
    first_ns: u64,
    last_ns: u64,
}

/// What came back of a probe.
#[derive(Debug, Default)]
struct RoundTrips {
    /// When each datagram was sent; none once it came back.
    sent_ns: Vec<Option<u64>>,
    took_ns: Vec<u64>,
}

/// A datagram of ours.
struct Datagram {
    purpose: u8,
    probe: u64,
    number: u32,
    from: Option<SocketAddrV4>,
    at_ns: u64,
}

impl Probes {
    /// Listens on all addresses.
    pub(crate) fn listen() -> io::Result<Probes> {
        Probes::listen_at(Ipv4Addr::UNSPECIFIED)
    }

    /// Listens at this address.
    pub(crate) fn listen_at(address: Ipv4Addr) -> io::Result<Probes> {
        let socket = UdpSocket::bind((address, PROBE_PORT))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        // A refinement: the usual size is enough for all but the largest clusters.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &KEPT_BYTES);
        Ok(Probes { socket, arrived: BTreeMap::new(), round_trips: BTreeMap::new() })
    }

    /// Sends the datagrams of a probe. One that the kernel will not send is lost like any other: the network of the node is
    /// what is being measured.
    pub(crate) fn send(&mut self, peer: Ipv4Addr, spec: ProbeSpec, purpose: Purpose) {
        let bytes = (spec.bytes as usize).clamp(HEADER_BYTES, DATAGRAM_BYTES_MAX);
        let mut sent_ns = Vec::new();
        for number in 0..spec.count {
            let datagram = datagram(purpose, spec.probe, number, bytes);
            sent_ns.push(Some(now_ns()));
            let _ = self.socket.send_to(&datagram, (peer, PROBE_PORT));
        }
        if purpose == Purpose::ComeBack {
            self.round_trips.insert(spec.probe, RoundTrips { sent_ns, took_ns: Vec::new() });
            forget_all_but_the_last(&mut self.round_trips);
        }
    }

    /// Takes in what has arrived, and sends back what is to come back.
    pub(crate) fn collect(&mut self) {
        loop {
            match receive(&self.socket) {
                Ok(Some(datagram)) => self.take(&datagram),
                Ok(None) => {}
                // An earlier datagram came back as unreachable: says nothing about those that arrived.
                Err(errno) if errno != Errno::EAGAIN => {}
                Err(_) => break,
            }
        }
        forget_all_but_the_last(&mut self.arrived);
    }

    fn take(&mut self, Datagram { purpose, probe, number, from, at_ns }: &Datagram) {
        match (*purpose, from) {
            (purpose, _) if purpose == Purpose::Count as u8 => {
                self.arrived.entry(*probe).or_default().take(*number, *at_ns);
            }
            (purpose, Some(from)) if purpose == Purpose::ComeBack as u8 => {
                let _ = self.socket.send_to(&datagram(Purpose::Answer, *probe, *number, HEADER_BYTES), from);
            }
            (purpose, _) if purpose == Purpose::Answer as u8 => {
                let Some(round_trips) = self.round_trips.get_mut(probe) else { return };
                let sent_ns = round_trips.sent_ns.get_mut(*number as usize).and_then(Option::take);
                round_trips.took_ns.extend(sent_ns.map(|sent_ns| at_ns.saturating_sub(sent_ns)));
            }
            _ => {}
        }
    }

    /// What has arrived of a probe.
    pub(crate) fn arrivals(&self, probe: u64) -> Arrivals {
        let Some(arrived) = self.arrived.get(&probe) else { return Arrivals::default() };
        Arrivals {
            distinct: arrived.numbers.len() as u32,
            copies: arrived.copies,
            overtaken: arrived.overtaken,
            span_ns: arrived.last_ns.saturating_sub(arrived.first_ns),
        }
    }

    /// How long those took that came back.
    pub(crate) fn round_trips_ns(&self, probe: u64) -> &[u64] {
        self.round_trips.get(&probe).map_or(&[], |round_trips| &round_trips.took_ns)
    }
}

impl Arrived {
    fn take(&mut self, number: u32, at_ns: u64) {
        if self.numbers.is_empty() {
            self.first_ns = at_ns;
        }
        self.last_ns = at_ns;
        let is_late = self.numbers.last().is_some_and(|last| *last > number);
        if self.numbers.insert(number) {
            self.overtaken += u32::from(is_late);
        } else {
            self.copies += 1;
        }
    }
}

/// The next datagram; none where it is not one of ours.
fn receive(socket: &UdpSocket) -> Result<Option<Datagram>, Errno> {
    let mut bytes = [0; DATAGRAM_BYTES_MAX + 1];
    let mut vectors = [IoSliceMut::new(&mut bytes)];
    let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let message = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut vectors, Some(&mut space), MsgFlags::MSG_DONTWAIT)?;
    let arrived = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at).as_nanos() as u64),
        _ => None,
    });
    let (length, from) = (message.bytes, message.address.map(SocketAddrV4::from));
    let read = |bytes: &[u8]| {
        let rest = bytes.strip_prefix(&MARK)?;
        let (purpose, rest) = rest.split_first()?;
        let (probe, number) = (*rest.first_chunk()?, *rest.get(8..)?.first_chunk()?);
        let (probe, number) = (u64::from_le_bytes(probe), u32::from_le_bytes(number));
        Some(Datagram { purpose: *purpose, probe, number, from, at_ns: arrived.unwrap_or_else(now_ns) })
    };
    Ok(read(&bytes[..length]))
}

fn datagram(purpose: Purpose, probe: u64, number: u32, bytes: usize) -> Vec<u8> {
    let mut datagram = Vec::with_capacity(bytes);
    datagram.extend_from_slice(&MARK);
    datagram.push(purpose as u8);
    datagram.extend_from_slice(&probe.to_le_bytes());
    datagram.extend_from_slice(&number.to_le_bytes());
    datagram.resize(bytes, 0);
    datagram
}

/// By the clock that the kernel stamps arrivals with. Both stamps of a round trip are this node's own.
fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

fn forget_all_but_the_last<T>(probes: &mut BTreeMap<u64, T>) {
    while probes.len() > PROBES_MAX {
        probes.pop_first();
    }
}

impl AsFd for Probes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_those_that_were_overtaken_are_told_apart() {
        for (numbers, distinct, copies, overtaken) in [
            (&[0, 1, 2][..], 3, 0, 0),
            (&[0, 0, 1, 2, 2, 2], 3, 3, 0),
            (&[1, 0, 3, 2], 4, 0, 2),
            (&[2, 0, 1, 0], 3, 1, 2),
            (&[], 0, 0, 0),
        ] {
            let mut arrived = Arrived::default();
            numbers.iter().for_each(|number| arrived.take(*number, 7));
            let told = (arrived.numbers.len(), arrived.copies, arrived.overtaken);
            assert_eq!(told, (distinct, copies, overtaken), "{numbers:?}");
        }
    }
}
