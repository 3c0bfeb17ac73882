//! Requests that wait on a node until its server reads them.

use super::{DeployError, Deployment, END_TIMEOUT};
use crate::remote::CommandLine;
use std::net::Ipv4Addr;

impl Deployment {
    /// On how many connections that the servers of `node` have accepted bytes of clients wait unread, as its kernel counts them.
    /// What other nodes have sent does not count.
    pub async fn unread_requests(&self, node: &str) -> Result<usize, DeployError> {
        let node = &self.all()[self.place(node)?];
        // A kernel without IPv6 has one of them only.
        let command = CommandLine::new(["cat", "/proc/net/tcp", "/proc/net/tcp6"]);
        let output = node.remote.run(&command, END_TIMEOUT).await?;
        let nodes: Vec<Ipv4Addr> = self.all().iter().map(|node| node.address).collect();
        Ok(String::from_utf8_lossy(&output.stdout).lines().filter(|line| is_unread(line, &nodes)).count())
    }
}

/// Whether a line of `/proc/net/tcp` is of an established and accepted connection with unread bytes, to none of the `nodes`.
fn is_unread(line: &str, nodes: &[Ipv4Addr]) -> bool {
    const ESTABLISHED: &str = "01";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, _, remote, ESTABLISHED, queues, _, _, _, _, inode, ..] = fields[..] else { return false };
    let unread = queues.split_once(':').and_then(|(_, unread)| u64::from_str_radix(unread, 16).ok());
    // What nobody has accepted yet has no inode.
    let is_accepted = inode != "0";
    unread.is_some_and(|bytes| bytes > 0) && is_accepted && address(remote).is_some_and(|peer| !nodes.contains(&peer))
}

/// The address in `020011AC:9C40`, or in the longer form that IPv6 has: its last 32 bits, in the machine's order of bytes.
fn address(text: &str) -> Option<Ipv4Addr> {
    let (address, _port) = text.split_once(':')?;
    let last = address.get(address.len().checked_sub(8)?..)?;
    Some(Ipv4Addr::from(u32::from_str_radix(last, 16).ok()?.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_of_clients_on_accepted_connections_count() {
        let nodes = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2)];
        let line = |remote: &str, state: &str, unread: &str, inode: u32| {
            format!(
                "   3: 01004D0A:1BBC {remote}:9C40 {state} 00000000:{unread} 00:00000000 00000000     0        0 {inode} 1 0000"
            )
        };
        let (client, peer) = ("FE004D0A", "02004D0A");
        for (line, expected) in [
            (line(client, "01", "0000004F", 4711), true),
            (line("0000000000000000FFFF0000FE004D0A", "01", "0000004F", 4711), true),
            (line(client, "01", "00000000", 4711), false),
            (line(client, "01", "0000004F", 0), false),
            (line(client, "08", "0000004F", 4711), false),
            (line(peer, "01", "0000004F", 4711), false),
            ("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when".into(), false),
        ] {
            assert_eq!(is_unread(&line, &nodes), expected, "{line}");
        }
    }
}
