//! The switch of a cluster: a bridge in the controller's network namespace, where the controller has an address too, and
//! the clients have one of their own.

use super::netlink::{Netlink, NetlinkError};
use std::net::Ipv4Addr;

/// The size of a cluster's network: one octet for the nodes.
pub(crate) const PREFIX_BITS: u8 = 24;

/// The controller's own last octet.
const CONTROLLER: u8 = 254;

/// The clients' last octet.
const CLIENTS: u8 = 253;

/// A bridge that is up. Goes away, with all ports, when dropped.
#[derive(Debug)]
pub(crate) struct Switch {
    subnet: u8,
    bridge_index: u32,
}

/// A place at the switch for one node.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    /// The name of the switch's end of the cable.
    pub name: String,
    /// The group that all links of the switch are in.
    pub group: u32,
    pub bridge_index: u32,
    /// The link address of the node's end.
    pub peer_link_address: [u8; 6],
}

impl Switch {
    /// Brings up the switch of a subnet.
    pub(crate) fn up(subnet: u8) -> Result<Switch, NetlinkError> {
        let mut netlink = Netlink::open()?;
        let name = bridge_name(subnet);
        netlink.add_bridge(&name, group(subnet))?;
        let mut switch = Switch { subnet, bridge_index: 0 };
        switch.bridge_index = Netlink::index(&name)?;
        // The first one is where the controller comes from where it does not say.
        for host in [CONTROLLER, CLIENTS] {
            netlink.add_address(switch.bridge_index, address(subnet, host), PREFIX_BITS)?;
        }
        netlink.bring_up(switch.bridge_index)?;
        Ok(switch)
    }

    /// The port of the node with this index, from 0.
    pub(crate) fn port(&self, node: usize) -> Port {
        let [_, _, subnet, host] = self.address(node).octets();
        Port {
            name: port_name(self.subnet, node),
            group: group(self.subnet),
            bridge_index: self.bridge_index,
            // Locally administered (the 2 in the first octet), the same in every run.
            peer_link_address: [0x02, b's', b'q', 0, subnet, host],
        }
    }

    /// The address of the node with this index, from 0.
    pub(crate) fn address(&self, node: usize) -> Ipv4Addr {
        address(self.subnet, node as u8 + 1)
    }

    /// The address that clients of the nodes come from.
    pub(crate) fn clients(&self) -> Ipv4Addr {
        address(self.subnet, CLIENTS)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let deleted = Netlink::open().and_then(|mut netlink| netlink.delete_group(group(self.subnet)));
        if let Err(error) = deleted {
            tracing::warn!(%error, "a switch stays behind until squall ends");
        }
    }
}

/// Group 0 is that of all other links.
fn group(subnet: u8) -> u32 {
    u32::from(subnet) + 1
}

fn address(subnet: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, subnet, host)
}

fn bridge_name(subnet: u8) -> String {
    format!("switch{subnet}")
}

fn port_name(subnet: u8, node: usize) -> String {
    format!("s{subnet}n{}", node + 1)
}
