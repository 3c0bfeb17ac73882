//! Bridges, links, addresses and neighbours by raw rtnetlink, without ip(8).
//!
//! The layout of the messages is in rtnetlink(7) and in the kernel's headers `linux/rtnetlink.h`, `linux/if_link.h` and
//! `linux/neighbour.h`. A socket acts on the network namespace it was opened in, whichever thread uses it later.

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// A link address to which no switch delivers: IEEE 802.1Q reserves it for pause frames, which end at the next hop, and
/// the kernel's bridge discards them. A made-up unicast address would be flooded to every port instead.
const VOID_LINK_ADDRESS: [u8; 6] = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x01];

const HEADER_BYTES: usize = 16;
const ACKNOWLEDGED: u16 = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
const CREATED: u16 = ACKNOWLEDGED | (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
const REPLACED: u16 = ACKNOWLEDGED | (libc::NLM_F_CREATE | libc::NLM_F_REPLACE) as u16;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;
const VETH_INFO_PEER: u16 = 1;

/// A request to the kernel's network that it refused.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct NetlinkError {
    /// What was to be done.
    pub what: String,
    /// The kernel's answer.
    pub source: io::Error,
}

/// A conversation with the kernel about the network of one namespace.
#[derive(Debug)]
pub(crate) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

/// A veth pair to be made: one end on a bridge, the other in the namespace of a node.
pub(crate) struct Cable<'a> {
    pub port: &'a str,
    pub group: u32,
    pub bridge_index: u32,
    pub peer: &'a str,
    pub peer_link_address: [u8; 6],
    pub peer_namespace: BorrowedFd<'a>,
}

impl Netlink {
    /// Opens a conversation about the network namespace of the calling thread.
    pub(crate) fn open() -> Result<Netlink, NetlinkError> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute);
        Ok(Netlink { socket: socket.map_err(|errno| refused("open an rtnetlink socket", errno))?, sequence: 0 })
    }

    /// The number of a link in the calling thread's namespace.
    pub(crate) fn index(name: &str) -> Result<u32, NetlinkError> {
        nix::net::if_::if_nametoindex(name).map_err(|errno| refused(format!("look up the link {name}"), errno))
    }

    /// Brings a link up.
    pub(crate) fn bring_up(&mut self, index: u32) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_NEWLINK, ACKNOWLEDGED);
        message.link(index, libc::IFF_UP as u32);
        self.request(message, || format!("bring link {index} up"))
    }

    /// Adds a bridge, which still is down. It floods multicast rather than snoop on it: there are no routers to learn of.
    pub(crate) fn add_bridge(&mut self, name: &str, group: u32) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_NEWLINK, CREATED);
        message.link(0, 0).text(libc::IFLA_IFNAME, name).attribute(libc::IFLA_GROUP, &group.to_ne_bytes());
        message.nest(libc::IFLA_LINKINFO, |info| {
            info.text(libc::IFLA_INFO_KIND, "bridge");
            info.nest(libc::IFLA_INFO_DATA, |data| {
                data.attribute(IFLA_BR_MCAST_SNOOPING, &[0]);
            });
        });
        self.request(message, || format!("add the bridge {name}"))
    }

    /// Adds a veth pair; the port on the bridge is up at once, the peer is not.
    pub(crate) fn add_cable(&mut self, cable: &Cable<'_>) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_NEWLINK, CREATED);
        message.link(0, libc::IFF_UP as u32).text(libc::IFLA_IFNAME, cable.port);
        message.attribute(libc::IFLA_GROUP, &cable.group.to_ne_bytes());
        message.attribute(libc::IFLA_MASTER, &cable.bridge_index.to_ne_bytes());
        message.nest(libc::IFLA_LINKINFO, |info| {
            info.text(libc::IFLA_INFO_KIND, "veth");
            info.nest(libc::IFLA_INFO_DATA, |data| {
                data.nest(VETH_INFO_PEER, |peer| {
                    peer.link(0, 0).text(libc::IFLA_IFNAME, cable.peer);
                    peer.attribute(libc::IFLA_ADDRESS, &cable.peer_link_address);
                    peer.attribute(libc::IFLA_NET_NS_FD, &cable.peer_namespace.as_raw_fd().to_ne_bytes());
                });
            });
        });
        self.request(message, || format!("add the link {} with {} at its other end", cable.port, cable.peer))
    }

    /// Deletes all links of a group, and with one end of a veth pair the other. The kernel waits only once for all of
    /// them until no packet is under way any more, which is most of the time that it takes.
    pub(crate) fn delete_group(&mut self, group: u32) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_DELLINK, ACKNOWLEDGED);
        message.link(0, 0).attribute(libc::IFLA_GROUP, &group.to_ne_bytes());
        self.request(message, || format!("delete the links of group {group}"))
    }

    /// Gives a link an address in a network of `prefix_bits`.
    pub(crate) fn add_address(&mut self, index: u32, address: Ipv4Addr, prefix_bits: u8) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_NEWADDR, CREATED);
        message.raw(&[libc::AF_INET as u8, prefix_bits, 0, 0]).raw(&index.to_ne_bytes());
        message.attribute(libc::IFA_LOCAL, &address.octets()).attribute(libc::IFA_ADDRESS, &address.octets());
        self.request(message, || format!("give link {index} the address {address}/{prefix_bits}"))
    }

    /// Lets a link keep so many packets until they are sent.
    pub(crate) fn set_queue_length(&mut self, index: u32, packets: u32) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_NEWLINK, ACKNOWLEDGED);
        message.link(index, 0).attribute(libc::IFLA_TXQLEN, &packets.to_ne_bytes());
        self.request(message, || format!("let link {index} keep {packets} packets"))
    }

    /// Sends what is for `peer` over this link, with `source` as its sender where it has none yet.
    pub(crate) fn add_route(&mut self, index: u32, peer: Ipv4Addr, source: Ipv4Addr) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_NEWROUTE, CREATED);
        message.route(index, peer).attribute(libc::RTA_PREFSRC, &source.octets());
        self.request(message, || format!("send what is for {peer} over link {index}"))
    }

    /// Takes back [`Netlink::add_route`].
    pub(crate) fn delete_route(&mut self, index: u32, peer: Ipv4Addr) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_DELROUTE, ACKNOWLEDGED);
        message.route(index, peer);
        self.request(message, || format!("send what is for {peer} no longer over link {index}"))
    }

    /// Sends what goes to `peer` over this link into the void, established connections included. The entry is permanent,
    /// so that no ARP message replaces it.
    pub(crate) fn block_neighbour(&mut self, index: u32, peer: Ipv4Addr) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_NEWNEIGH, REPLACED);
        message.neighbour(index, peer).attribute(libc::NDA_LLADDR, &VOID_LINK_ADDRESS);
        self.request(message, || format!("block the neighbour {peer}"))
    }

    /// Forgets what is known of `peer`, a block included; the next packet asks for its link address.
    pub(crate) fn unblock_neighbour(&mut self, index: u32, peer: Ipv4Addr) -> Result<(), NetlinkError> {
        let mut message = Message::new(libc::RTM_DELNEIGH, ACKNOWLEDGED);
        message.neighbour(index, peer);
        self.request(message, || format!("unblock the neighbour {peer}"))
    }

    /// Sends one request and waits for its acknowledgement.
    fn request(&mut self, message: Message, what: impl Fn() -> String) -> Result<(), NetlinkError> {
        self.sequence += 1;
        let bytes = message.finish(self.sequence);
        let fd = self.socket.as_raw_fd();
        send(fd, &bytes, MsgFlags::empty()).map_err(|errno| refused(what(), errno))?;
        let mut buffer = [0; 4096];
        loop {
            let length = match recv(fd, &mut buffer, MsgFlags::empty()) {
                Err(nix::errno::Errno::EINTR) => continue,
                received => received.map_err(|errno| refused(what(), errno))?,
            };
            match acknowledgement(&buffer[..length], self.sequence) {
                Some(0) => return Ok(()),
                Some(code) => return Err(refused(what(), nix::errno::Errno::from_raw(-code))),
                None => {}
            }
        }
    }
}

/// The error code in an acknowledgement of request `sequence`: 0 is success. None for anything else.
fn acknowledgement(bytes: &[u8], sequence: u32) -> Option<i32> {
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let number = u32::from_ne_bytes(*bytes.get(8..)?.first_chunk()?);
    let code = i32::from_ne_bytes(*bytes.get(HEADER_BYTES..)?.first_chunk()?);
    (kind == libc::NLMSG_ERROR as u16 && number == sequence).then_some(code)
}

fn refused(what: impl Into<String>, errno: nix::errno::Errno) -> NetlinkError {
    NetlinkError { what: what.into(), source: io::Error::from(errno) }
}

/// A request under construction.
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn new(kind: u16, flags: u16) -> Message {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        Message { bytes }
    }

    /// Appends bytes, padded to a multiple of four.
    fn raw(&mut self, bytes: &[u8]) -> &mut Message {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// `struct ifinfomsg`: the link and the flags to set.
    fn link(&mut self, index: u32, flags_set: u32) -> &mut Message {
        let change = flags_set;
        self.raw(&[0; 4]).raw(&index.to_ne_bytes()).raw(&flags_set.to_ne_bytes()).raw(&change.to_ne_bytes())
    }

    /// `struct ndmsg` and the address: a permanent entry for `peer`.
    fn neighbour(&mut self, index: u32, peer: Ipv4Addr) -> &mut Message {
        self.raw(&[libc::AF_INET as u8, 0, 0, 0]).raw(&index.to_ne_bytes());
        let state = libc::NUD_PERMANENT.to_ne_bytes();
        self.raw(&[state[0], state[1], 0, 0]).attribute(libc::NDA_DST, &peer.octets())
    }

    /// `struct rtmsg` and what names the route: everything for `peer` alone goes over this link.
    fn route(&mut self, index: u32, peer: Ipv4Addr) -> &mut Message {
        let (host_bits, source_bits, service) = (32, 0, 0);
        self.raw(&[libc::AF_INET as u8, host_bits, source_bits, service]);
        self.raw(&[libc::RT_TABLE_MAIN, libc::RTPROT_STATIC, libc::RT_SCOPE_LINK, libc::RTN_UNICAST]).raw(&[0; 4]);
        self.attribute(libc::RTA_DST, &peer.octets()).attribute(libc::RTA_OIF, &index.to_ne_bytes())
    }

    fn attribute(&mut self, kind: u16, data: &[u8]) -> &mut Message {
        let length = (4 + data.len()) as u16;
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.raw(data)
    }

    fn text(&mut self, kind: u16, text: &str) -> &mut Message {
        let mut data = text.as_bytes().to_vec();
        data.push(0);
        self.attribute(kind, &data)
    }

    /// An attribute that consists of further ones.
    fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Message)) -> &mut Message {
        let start = self.bytes.len();
        self.attribute(kind, &[]);
        fill(self);
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}
