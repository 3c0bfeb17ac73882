//! A node's second link, for packets that are disturbed: a TUN device, whose other end is a descriptor here.
//!
//! It leads nowhere until a peer is sent over it by a route of its own; what is for all others, and for the controller, goes
//! over the switch as before. What arrives over it is as if it came over the other link: same address, same packet filter.

use super::netlink::{Netlink, NetlinkError};
use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

const DEVICE: &str = "/dev/net/tun";

/// The name on every node.
const NAME: &str = "packets0";

/// How many packets the kernel keeps until they are read: more than a burst of TCP has.
const QUEUE_PACKETS: u32 = 10_000;

/// The node's end of a tunnel, and the descriptor that is the other one.
#[derive(Debug)]
pub(crate) struct Tunnel {
    netlink: Netlink,
    index: u32,
    address: Ipv4Addr,
}

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TunnelError {
    /// The device of the machine cannot be used.
    #[error("{DEVICE}: {source}; {}", remedy(source))]
    Device { source: io::Error },
    /// The kernel did not make the link.
    #[error("make the link {NAME} by {DEVICE}: {0}")]
    Link(#[source] io::Error),
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The node would drop what arrives over the tunnel.
    #[error("the kernel drops packets that arrive over another link than answers would leave by; {RP_REMEDY}")]
    ReversePath,
}

const RP_REMEDY: &str = "sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0, or make /proc/sys \
                         writable to squall";

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "chmod 0666 /dev/net/tun as root, or run as root",
        _ => "modprobe tun as root",
    }
}

impl Tunnel {
    /// Makes the link in the network namespace of the calling thread. The descriptor does not block.
    pub(crate) fn open(address: Ipv4Addr) -> Result<(Tunnel, OwnedFd), TunnelError> {
        let device = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(DEVICE);
        let device = device.map_err(|source| TunnelError::Device { source })?;
        make(&device).map_err(TunnelError::Link)?;
        allow_detours()?;
        let mut netlink = Netlink::open()?;
        let index = Netlink::index(NAME)?;
        netlink.set_queue_length(index, QUEUE_PACKETS)?;
        // To a link without an address no packet may come that would be answered over another, however lenient the kernel is.
        netlink.add_address(index, address, 32)?;
        netlink.bring_up(index)?;
        Ok((Tunnel { netlink, index, address }, device.into()))
    }

    /// Sends what is for `peer` over the tunnel, established connections included.
    pub(crate) fn send_here(&mut self, peer: Ipv4Addr) -> Result<(), NetlinkError> {
        self.netlink.add_route(self.index, peer, self.address)
    }

    /// Sends it over the switch again.
    pub(crate) fn send_straight(&mut self, peer: Ipv4Addr) -> Result<(), NetlinkError> {
        self.netlink.delete_route(self.index, peer)
    }
}

/// Makes the descriptor the other end of a new link. Packets have no header of the device's, and no checksum is left to it.
fn make(device: &File) -> io::Result<()> {
    // SAFETY: a structure of integers, for which zeros are values.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(NAME.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the call reads and writes the structure, which is as large as it expects.
    match unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &mut request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A packet of a link that is disturbed in one direction only arrives over a link by which no answer would leave: where the
/// kernel is strict about that it drops it.
fn allow_detours() -> Result<(), TunnelError> {
    let mut strictest = 0;
    for of in ["all", NAME, super::LINK] {
        let setting = format!("/proc/sys/net/ipv4/conf/{of}/rp_filter");
        let _ = fs::write(&setting, "0"); // not everywhere allowed, and mostly it is so already
        let left = fs::read_to_string(&setting).ok().and_then(|text| text.trim().parse::<u8>().ok());
        strictest = strictest.max(left.unwrap_or(0));
    }
    // Of the settings for all links and for one the larger counts; 2 is content with any link that leads back.
    if strictest == 1 { Err(TunnelError::ReversePath) } else { Ok(()) }
}
